"""How the melody ends: from a degree that leads to the tonic, to the tonic, on a strong beat, held in the last bar."""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.rule import NO, Flags, Ints, RuleContext, StatelessRule
from melodysynthesis.constraints.specification import RuleSpec
from melodysynthesis.music import Key
from melodysynthesis.theory import NAMED_SCALES, SCALES

LEADING_NOTE = 11


def degrees_of(key: Key | None, scale: str | None) -> tuple[int, ...]:
    """Semitones above the tonic of the seven degrees: of the scale if it has seven notes, else of the key's mode."""
    degrees = NAMED_SCALES[scale] if scale else ()
    return degrees if len(degrees) == len(SCALES["major"]) else SCALES[key.mode if key else "major"]


class Cadence(StatelessRule):
    """Guaranteed: the last note is the tonic, begins on a strong beat, lasts a beat or more, in the last bar.

    The note before it is the second, fifth or seventh degree of the scale, or the leading note. State 1: the latest
    note could be the last.
    """

    states = 2
    ends_locally = True

    def __init__(self, context: RuleContext, scale: str | None) -> None:
        super().__init__(context)
        above = context.above_tonic
        degrees = degrees_of(context.key, scale)
        leads = np.append(np.isin(above, (degrees[1], degrees[4], degrees[6], LEADING_NOTE)), False)
        self.closes = leads[:, None] & (above == 0)

    def symbols(self, onsets: Ints, lengths: Ints) -> Ints:
        """1: on a strong beat, a beat or longer, and in the last bar; 2 more where it is the last, as it has to be."""
        timeline = self.context.timeline
        closes = np.array(timeline.closing)[onsets] & (lengths >= np.array(timeline.beats)[onsets])
        closes &= onsets + lengths > timeline.last_line
        return np.asarray(closes + 2 * (onsets + lengths == timeline.ticks))

    def transitions(self, symbol: int) -> Ints:
        """A rest leaves the latest note what it is."""
        last, closes = divmod(symbol, 2)
        notes = np.where(self.closes & bool(closes), 1, NO if last else 0)
        notes = np.broadcast_to(notes, (2, *notes.shape))
        rest = np.broadcast_to(np.arange(2)[:, None, None], (2, notes.shape[1], 1))
        return np.concatenate([notes, rest], axis=2)

    def ends(self) -> Flags:
        """On a note that closes."""
        return np.array([[False], [True]])


SPEC = RuleSpec(
    name="cadence", label="cadence", type=bool, example=True, default=False,
    help="End on the tonic, on a strong beat, after a degree that leads there.",
    guarantee="The last note is the tonic, begins on a strong beat, is at least a beat long (a dotted one in compound "
    "meters) and sounds in the last bar. The second beat of 2/4 is not strong enough. The note before it is the "
    "second, fifth or seventh degree of the scale, or the leading note, a semitone below the tonic. The scale is the "
    "requested one if it has seven notes, else that of the key's mode.",
    build=lambda context, values: Cadence(context, values["scale"]),
    needs_key=True,
    by_bar=True,
)  # fmt: skip
