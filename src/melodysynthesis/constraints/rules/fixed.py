"""Notes of given pitches at given beats."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from melodysynthesis.constraints.rule import NO, Ints, RuleContext, StatelessRule
from melodysynthesis.constraints.specification import EventPlaces, RequestedBars, RuleSpec, Values
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.errors import RequestError
from melodysynthesis.notation import format_pitch, parse_pitch, split_items
from melodysynthesis.theory import beat_ticks

_FIXED = re.compile(r"(\d{1,4})\.(\d{1,3}(?:/\d{1,3})?)(?:\+(\d{1,3}/\d{1,3}))?:(\S+)")


class FixedNote(NamedTuple):
    """A note that begins in a bar on a beat, counted from 1; bar 0 is the pickup, its beats those of a full bar."""

    bar: int
    beat: Fraction
    pitch: int


def parse_fixed(text: str) -> tuple[FixedNote, ...]:
    """The fixed notes of a text such as "2.1:G4 4.5/2:D5", in order.

    Raises:
        RequestError: naming the one that can't be read, or a place that is given twice.
    """
    notes: dict[tuple[int, Fraction], FixedNote] = {}
    for word in split_items(text, "fixed notes", "2.1:G4 4.5/2:D5"):
        match = _FIXED.fullmatch(word)
        if match is None or "/0" in word:
            raise RequestError(f"fixed note {word[:40]!r}: expected bar.beat:pitch, such as 2.1:G4 or 4.5/2:D5")
        bar, beat = int(match[1]), Fraction(match[2]) + Fraction(match[3] or 0)
        if beat < 1:
            raise RequestError(f"fixed note {word!r}: the first beat of a bar is 1")
        if (bar, beat) in notes:
            raise RequestError(f"fixed note {word!r}: there is another one at bar {bar}, beat {beat}")
        notes[bar, beat] = FixedNote(bar, beat, parse_pitch(match[4]))
    return tuple(sorted(notes.values()))


def format_fixed(notes: Sequence[FixedNote]) -> str:
    """The inverse of `parse_fixed`."""
    return " ".join(f"{bar}.{beat}:{format_pitch(pitch)}" for bar, beat, pitch in notes)


def tick_of(timeline: Timeline, note: FixedNote) -> int | None:
    """The tick of a fixed note; None where there is none: beyond its bar, between ticks, before a pickup."""
    meter = timeline.meters[max(note.bar, 1) - 1] if note.bar <= len(timeline.meters) else None
    if meter is None:
        return None
    position = (note.beat - 1) * beat_ticks(meter)
    line = timeline.bar_lines[note.bar - 1] if note.bar else timeline.pickup - meter.bar_ticks
    tick = line + position
    inside = position < meter.bar_ticks and 0 <= tick < (timeline.ticks if note.bar else timeline.pickup)
    return int(tick) if inside and tick.denominator == 1 else None


class Fixed(StatelessRule):
    """Guaranteed: at each of these places a note of the given pitch begins."""

    def __init__(self, context: RuleContext, notes: tuple[FixedNote, ...]) -> None:
        super().__init__(context)
        self.at = np.zeros(context.timeline.ticks, np.int64)  # 0: free, else 1 + the pitch, or `NO`
        self.lost = False
        for note in notes:
            tick = tick_of(context.timeline, note)
            if tick is None:
                self.lost = True
            else:
                self.at[tick] = 1 + note.pitch
        marks = np.append(np.flatnonzero(self.at), context.timeline.ticks)
        self.next = marks[np.searchsorted(marks, np.arange(context.timeline.ticks), "right")]

    def symbols(self, onsets: Ints, lengths: Ints) -> Ints:
        """What must begin there; nothing sounds over the next fixed note's place."""
        return np.where((onsets + lengths > self.next[onsets]) | self.lost, NO, self.at[onsets])

    def transitions(self, symbol: int) -> Ints:
        """The given pitch; anything where none is given."""
        return self.allowing(self.context.pitches == symbol - 1, rest=False) if symbol else self.allowing()


def _check(values: Values, bars: RequestedBars) -> None:
    notes: tuple[FixedNote, ...] = values["fixed"]
    if bars.number and notes[-1].bar > bars.number:
        raise RequestError(f"there is a fixed note in bar {notes[-1].bar}, but {bars.number} bars are requested")
    for note in notes if values["range"] else ():
        if not values["range"].lowest <= note.pitch <= values["range"].highest:
            raise RequestError(f"the fixed note {format_fixed([note])} is outside the range")


def _places(notes: tuple[FixedNote, ...], timeline: Timeline, cuts: Sequence[int]) -> EventPlaces:
    del cuts
    ticks = (tick_of(timeline, note) for note in notes)
    return EventPlaces(onsets=frozenset(tick for tick in ticks if tick is not None))


SPEC = RuleSpec(
    name="fixed", label="fixed notes", type=tuple[FixedNote, ...], example="2.1:G4 4.3:D5",
    parse=parse_fixed, write=format_fixed,
    help='Notes at bar.beat: "2.1:G4 4.3:D5".',
    guarantee="At each bar.beat a note of the given pitch begins. The beat counts from 1 and may be a fraction (5/2: "
    "half a beat after beat 2); beats are dotted in compound meters. Bar 0 is the pickup, with the beats of a bar.",
    build=lambda context, values: Fixed(context, values["fixed"]),
    check=_check,
    places=_places,
)  # fmt: skip
