"""The `grid` encoding: one token a sixteenth, as in the original study.

    /  60 _ _ _ 62 _ 64 _ r _ _ _  /

A MIDI number starts a note, ``r`` a rest, ``_`` holds either, ``/`` comes before and after a melody. Tunes are moved to
C major or A minor, as the study's were; key, meter and pickup have no tokens and are taken from the header when
decoding. Phrase marks are lost. Times that are not whole sixteenths and pitches outside the vocabulary are rejected by
name, never changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings.base import Clock, Group, Header, Ids, Role, token_ids
from melodysynthesis.encodings.grid_context import GridContext, Tokens, features_of
from melodysynthesis.encodings.plan import Plan
from melodysynthesis.errors import EncodingError, FormatError
from melodysynthesis.formats.grid import DELIMITER, HOLD, REST, STEP_TICKS, tokens_of
from melodysynthesis.music import Key, Melody, Note

PITCHES = (43, 45, *range(47, 87))
"""The pitches of the study's 45 symbols: every one its corpus holds, 44 and 46 left out."""

MINOR_THIRD = ("minor", "dorian", "phrygian", "locrian")


def shift_to_c(key: Key | None) -> int:
    """Semitones, -6 to 5, that move a key's tonic to C, or to A for modes with a minor third."""
    if key is None:
        return 0
    target = 9 if key.mode in MINOR_THIRD else 0
    return (target - key.pitch_class + 6) % 12 - 6


class GridEncoding:
    """The `grid` encoding; see the module's docstring.

    Args:
        pitches: MIDI numbers that have a token, ascending; the study's by default.
    """

    name = "grid"
    has_header, tonic_relative, is_text = False, False, True

    def __init__(self, pitches: Iterable[int] = PITCHES) -> None:
        self.pitches = tuple(pitches)
        self.vocabulary = (DELIMITER, HOLD, REST, *(str(pitch) for pitch in self.pitches))
        self.ids = {token: i for i, token in enumerate(self.vocabulary)}
        self.pitch_of = (None, None, None, *self.pitches)  # of each id
        self.start_id = self.ids[DELIMITER]
        self.roles: NDArray[np.int64] = np.full(len(self.vocabulary), Role.MUSIC, np.int64)
        self.groups: NDArray[np.int64] = np.full(len(self.vocabulary), Group.NOTE, np.int64)
        self.groups[:3] = Group.DELIMITER, Group.HOLD, Group.REST
        self.tokens = Tokens(self.groups == Group.NOTE, self.start_id, self.ids[HOLD])
        self.features = features_of(len(self.vocabulary))
        ticks = np.full(len(self.vocabulary), STEP_TICKS, np.int64)
        ticks[self.start_id] = 0
        rests, holds = self.groups == Group.REST, self.groups == Group.HOLD
        self.clock = Clock(ticks, self.start_id, rests | self.tokens.is_note, rests, holds, np.zeros_like(rests))

    def transposition(self, key: Key | None) -> int:
        """Semitones, -6 to 5, that move a key's tonic to C, or to A for modes with a minor third."""
        return shift_to_c(key)

    def pitches_in(self, key: Key | None) -> tuple[int, ...]:
        """MIDI pitches that can be written in a key; see `Encoding.pitches_in`."""
        shift = self.transposition(key)
        return tuple(sorted(pitch - shift for pitch in self.pitches if 0 <= pitch - shift <= 127))

    def read_header(self, ids: Sequence[int] | Ids) -> Header:
        """An empty header: key and meter have no tokens; see `Encoding.read_header`."""
        del ids
        return Header()

    def covering(self, tokens: Iterable[str]) -> GridEncoding:
        """This encoding, or one with the MIDI numbers among the tokens too; see `Encoding.covering`."""
        pitches = {int(token) for token in tokens if token.isdecimal() and int(token) < 128}
        return self if pitches <= set(self.pitches) else GridEncoding(sorted(pitches | set(self.pitches)))

    def encode(self, melody: Melody) -> Ids:
        """Ids of a melody between two delimiters; see `Encoding.encode`."""
        ids = self.body(melody)
        return np.concatenate([[self.start_id], ids, [self.start_id]]).astype(np.int64)

    def body(self, melody: Melody) -> Ids:
        """Ids of the sixteenths of a melody alone; see `Encoding.body`."""
        if not melody.notes:
            raise EncodingError(f"{melody.source or 'melody'}: there is no note to encode")
        shift = self.transposition(melody.key)
        known = frozenset(self.pitches)
        for number, (_, _, pitch) in enumerate(melody.notes, 1):
            if pitch + shift not in known:
                raise EncodingError(
                    f"{melody.source or 'melody'}: note {number}: pitch {pitch} is {pitch + shift} when moved to C "
                    f"major or A minor, which has no token among {self.pitches[0]} to {self.pitches[-1]}"
                )
        notes = tuple([Note(onset, duration, pitch + shift) for onset, duration, pitch in melody.notes])
        try:
            return token_ids(self, tokens_of(Melody(notes, melody.duration, source=melody.source)))
        except FormatError as error:
            raise EncodingError(str(error)) from error

    def decode(self, ids: Sequence[int] | Ids, header: Header | None = None) -> Melody:
        """The melody between the first delimiter and the next; see `Encoding.decode`.

        `header` gives the key to move it back to, the meter and the pickup.
        """
        header = header or Header()
        if len(ids) == 0 or ids[0] != self.start_id:
            raise EncodingError(f"token 1: a melody starts with the token {DELIMITER!r}")
        steps = np.asarray(ids, np.int64)[1:]
        ends = np.flatnonzero(steps == self.start_id)
        steps = steps[: ends[0]] if len(ends) else steps
        if len(wrong := np.flatnonzero((steps < 0) | (steps >= len(self.vocabulary)))):
            raise EncodingError(f"token {wrong[0] + 2}: id {steps[wrong[0]]} is not below {len(self.vocabulary)}")
        if len(steps) and steps[0] == self.ids[HOLD]:
            raise EncodingError(f"token 1 is {HOLD!r}, which holds a note before there is one")
        duration = len(steps) * STEP_TICKS
        meters = (header.meter._replace(tick=0),) if header.meter else ()
        pickup = header.pickup or 0 if meters else 0
        notes = self._notes(steps, duration, self.transposition(header.key))
        return Melody(notes, duration, meters, header.key, (), pickup)

    def _notes(self, steps: Ids, duration: int, shift: int) -> tuple[Note, ...]:
        """Notes of the tokens of a melody, moved back by `shift` semitones."""
        starts = np.flatnonzero(steps != self.ids[HOLD])
        onsets = (starts * STEP_TICKS).tolist()
        pitches = [self.pitch_of[step] for step in steps[starts].tolist()]
        ends = [*onsets[1:], duration][: len(onsets)]  # there may be no note
        sounds = zip(onsets, ends, pitches, strict=True)
        return tuple([Note(onset, end - onset, pitch - shift) for onset, end, pitch in sounds if pitch is not None])

    def start(self, batch: int, header: Header = Header()) -> GridContext:  # noqa: B008 (a frozen value)
        """The context after the first delimiter; see `Encoding.start`."""
        return GridContext(self.tokens, batch, header)

    def read_plan(self, ids: Sequence[int] | Ids) -> Plan | None:
        """None: there are no plans; see `Encoding.read_plan`."""
        del ids
        return None

    def plan_ids(self, plan: Plan) -> Ids:
        """Refuse: there are no plans; see `Encoding.plan_ids`."""
        raise EncodingError(f"this model can't keep the plan {plan}: only one trained with --encoding planned can")

    def unplanned(self) -> GridEncoding:
        """This encoding, which has no plans; see `Encoding.unplanned`."""
        return self

    def description(self) -> dict[str, object]:
        """The settings that make this encoding again; see `Encoding.description`."""
        return {"name": self.name, "pitches": list(self.pitches)}
