"""The scale of a melody, and how many notes may be outside of it."""

from __future__ import annotations

import re

import numpy as np

from melodysynthesis.constraints.rule import Counting, Flags, Ints, RuleContext
from melodysynthesis.constraints.specification import FieldSpec, RuleSpec
from melodysynthesis.errors import RequestError, unknown
from melodysynthesis.music import Key
from melodysynthesis.theory import NAMED_SCALES, SCALES

OTHER_NAMES = {
    "ionian": "major", "minor": "natural-minor", "aeolian": "natural-minor", "harmonic": "harmonic-minor",
    "melodic": "melodic-minor", "pentatonic-major": "major-pentatonic", "pentatonic-minor": "minor-pentatonic",
    "minor-blues": "blues", "blues-minor": "blues",
}  # fmt: skip
"""Names that people type for scales of `NAMED_SCALES`."""
MINOR_THIRD = 3


def parse_scale(text: str) -> str:
    """The name of a scale in `NAMED_SCALES`.

    Raises:
        RequestError: for any other, with the nearest.
    """
    name = re.sub(r"[\s_-]+", "-", text.strip().lower()).removesuffix("-scale")
    name = OTHER_NAMES.get(name, name)
    if name not in NAMED_SCALES:
        raise RequestError(unknown("scale", text.strip()[:40], (*NAMED_SCALES, *OTHER_NAMES, "pentatonic")))
    return name


def in_key(text: str, key: Key | None) -> str:
    """`pentatonic` alone is the pentatonic scale of the key's mode: minor where the mode has a minor third."""
    if text.strip().lower().removesuffix("scale").strip() != "pentatonic":
        return text
    if key is None:
        raise RequestError("scale pentatonic is major or minor by the key: add one, or say major-pentatonic")
    return "minor-pentatonic" if MINOR_THIRD in SCALES[key.mode] else "major-pentatonic"


class Scale(Counting):
    """Guaranteed: every note's pitch class is in the scale on the key's tonic, but for at most `chromatic` notes."""

    name = "scale"

    def __init__(self, context: RuleContext, scale: str, chromatic: int) -> None:
        super().__init__(context, min(chromatic, context.timeline.ticks))
        self.inside = np.isin(context.above_tonic, NAMED_SCALES[scale])

    def pitches(self) -> Flags:
        """Those of the scale, where no other is allowed."""
        return super().pitches() if self.most else self.inside

    def symbols(self, onsets: Ints, lengths: Ints) -> Ints:
        """How often the note comes in the melody, where that matters."""
        del lengths
        return np.asarray(self.context.repetitions(same_notes=True)[onsets]) if self.most else np.ones((1, 1), np.int64)

    def costs(self, symbol: int) -> Ints:
        """A note outside counts as often as it comes."""
        return symbol * np.append(~self.inside, False).astype(np.int64)


SPEC = RuleSpec(
    name="scale", label="scale", type=str, example="dorian", choices=tuple(NAMED_SCALES), parse=parse_scale,
    in_key=in_key,
    help="Scale of the notes on the key's tonic: major, minor, dorian, pentatonic, blues ...",
    guarantee="The pitch class of every note is in this scale on the key's tonic. `melodic-minor` is its rising form, "
    "upwards and downwards; `minor` is natural minor, and `pentatonic` that of the key's mode.",
    options=(
        FieldSpec(
            name="chromatic", label="notes outside", type=int, example=2, default=0, lowest=0, highest=127,
            help="How many notes may be outside of the scale; 0 if not given.",
            guarantee="At most so many notes, each counted, are exempt from the scale.",
        ),
    ),
    build=lambda context, values: Scale(context, values["scale"], values["chromatic"]),
    needs_key=True,
    by_bar=True,
)  # fmt: skip
