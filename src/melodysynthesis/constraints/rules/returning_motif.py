"""A motif that must return: some notes in a row, on any pitch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from melodysynthesis.constraints.rule import Flags, Ints, RuleContext, StatelessRule
from melodysynthesis.constraints.specification import EventPlaces, FieldSpec, RuleSpec
from melodysynthesis.errors import RequestError
from melodysynthesis.music import Note
from melodysynthesis.notation import format_pitch, format_quarters, parse_notes

MOST_NOTES = 12


def parse_motif(text: str) -> tuple[Note, ...]:
    """The notes of a text such as "G4:1 A4:1/2 B4:1/2".

    Raises:
        RequestError: if they are too few or too many, or there is a rest.
    """
    notes = parse_notes(text).notes
    rests = any(one.end != other.onset for one, other in pairwise(notes)) or (notes and notes[0].onset)
    if not 2 <= len(notes) <= MOST_NOTES or rests:
        raise RequestError(f"motif {text[:40]!r}: expected 2 to {MOST_NOTES} notes without rests, such as G4:1 A4:1/2")
    return notes


def format_motif(notes: Sequence[Note]) -> str:
    """The inverse of `parse_motif`."""
    return " ".join(f"{format_pitch(note.pitch)}:{format_quarters(note.duration)}" for note in notes)


class Motif(StatelessRule):
    """Guaranteed: so many times notes in a row have the motif's durations and intervals, with no rest between them.

    A state is how often the motif came, and a set of how many notes of it may have come just now.
    """

    def __init__(self, context: RuleContext, motif: Sequence[Note], times: int) -> None:
        super().__init__(context)
        self.lengths = np.array([note.duration for note in motif])
        self.steps = [other.pitch - one.pitch for one, other in pairwise(motif)]
        self.times, self.sets = times, [0]
        kinds = [self.lengths == length for length in {*self.lengths.tolist(), 0}]
        intervals = {*self.steps, max(self.steps) + 1}
        for state in self.sets:  # which grows
            found = {self._after(state, fits, interval)[0] for fits in kinds for interval in intervals}
            self.sets += sorted(found - set(self.sets))
        self.states = len(self.sets) * times + 1  # the last: it came often enough

    def _after(self, state: int, fits: Flags, interval: int | None) -> tuple[int, bool]:
        """The set after a note, bit n for n + 1 notes of the motif, and whether the motif is complete."""
        new = int(fits[0])
        for number, step in enumerate(self.steps):
            if state >> number & 1 and fits[number + 1] and interval == step:
                new |= 1 << number + 1
        whole = bool(new >> len(self.steps))
        return new & ~(1 << len(self.steps)), whole

    def symbols(self, onsets: Ints, lengths: Ints) -> Ints:
        """A bit for each note of the motif that has this duration."""
        fits = (lengths[..., None] == self.lengths) @ (1 << np.arange(len(self.lengths)))
        return np.asarray(fits + 0 * onsets)

    def transitions(self, symbol: int) -> Ints:
        """By the interval."""
        fits = (symbol >> np.arange(len(self.lengths)) & 1).astype(np.bool_)
        intervals, sets = self.context.intervals, len(self.sets)
        last = self.states - 1
        table = np.full((self.states, len(intervals), intervals.shape[1] + 1), last)
        for number in range(last):
            count, which = divmod(number, sets)
            table[number, :, -1] = count * sets
            for interval in np.unique(intervals).tolist():
                new, whole = self._after(self.sets[which], fits, interval)
                then = min((count + whole) * sets + self.sets.index(new), last)
                table[number, :, :-1][intervals == interval] = last if count + whole >= self.times else then
        return table

    def ends(self) -> Flags:
        """Once it came often enough."""
        return np.equal(np.arange(self.states), self.states - 1)[:, None]


SPEC = RuleSpec(
    name="returning_motif", label="motif that returns", type=tuple[Note, ...], example="G4:1 A4:1/2 B4:1/2",
    parse=parse_motif, write=format_motif,
    help='Notes that must return, on any pitch: "G4:1 A4:1/2 B4:1/2".',
    guarantee="Notes in a row, without rests between them, have the intervals and the durations of the motif.",
    options=(
        FieldSpec(
            name="returns", label="times of the motif", type=int, example=3, default=2, lowest=1, highest=16,
            help="How often the motif comes at least; 2 if not given.",
            guarantee="The motif comes at least so many times, also overlapping.",
        ),
    ),
    build=lambda context, values: Motif(context, values["returning_motif"], values["returns"]),
    places=lambda motif, timeline, cuts: EventPlaces(durations=frozenset(note.duration for note in motif)),
)  # fmt: skip
