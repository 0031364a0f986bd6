"""Rules that no one requests: the melody begins with a note, lengths are usual, given notes and rests are kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from melodysynthesis.constraints.rule import NO, Event, Flags, Ints, RuleContext, StatelessRule


class Sounding(StatelessRule):
    """The melody has a note, and begins with one.

    Args:
        context: of the melody.
        silent_start: whether it may begin with a rest, as a primer may.
    """

    def __init__(self, context: RuleContext, silent_start: bool) -> None:
        super().__init__(context)
        self.silent_start = silent_start

    def symbols(self, onsets: Ints, lengths: Ints) -> Ints:
        """1: at the start, where no rest may be."""
        del lengths
        return np.where(onsets == 0, int(not self.silent_start), 0)

    def transitions(self, symbol: int) -> Ints:
        """By whether it is a rest."""
        return self.allowing(rest=symbol == 0)

    def ends(self) -> Flags:
        """There is a note."""
        before = np.arange(len(self.context.pitches) + 1)
        return np.asarray(before < self.context.rest)[None, :]


class UsualLengths(StatelessRule):
    """No event is longer than is usual.

    Args:
        context: of the melody.
        note: ticks of the longest note; None for any.
        rest: ticks of the longest rest, where a rest that is split counts in parts; None for any.
    """

    def __init__(self, context: RuleContext, note: int | None, rest: int | None) -> None:
        super().__init__(context)
        self.note, self.rest = (context.timeline.ticks if limit is None else limit for limit in (note, rest))

    def symbols(self, onsets: Ints, lengths: Ints) -> Ints:
        """1 for what is too long for a note, 2 for a rest; `NO` for both."""
        del onsets
        return np.where(lengths > max(self.note, self.rest), NO, (lengths > self.note) + 2 * (lengths > self.rest))

    def transitions(self, symbol: int) -> Ints:
        """By the length alone."""
        return self.allowing(symbol != 1, symbol != 2)


class Given(StatelessRule):
    """Given notes and rests are kept, and no other event begins within them.

    Args:
        context: of the melody.
        events: that are given.
        held: start and end of a stretch in which no other note may begin; one may be held there, or rests be.
    """

    def __init__(self, context: RuleContext, events: Sequence[Event], held: tuple[int, int] = (0, 0)) -> None:
        super().__init__(context)
        ticks = context.timeline.ticks
        self.quiet = np.zeros(ticks, np.bool_)
        self.quiet[held[0] : held[1]] = True
        self.length, self.at = np.zeros(ticks, np.int64), np.zeros(ticks, np.int64)
        covered = np.zeros(ticks, np.bool_)
        self.beyond = any(event.onset + event.ticks > ticks for event in events)
        for event in events if not self.beyond else ():
            self.length[event.onset] = event.ticks
            self.at[event.onset] = 1 if event.pitch is None else 2 + event.pitch
            covered[event.onset : event.onset + event.ticks] = True
        marks = np.append(np.flatnonzero(covered), ticks)
        self.next = marks[np.searchsorted(marks, np.arange(ticks), "left")]

    def symbols(self, onsets: Ints, lengths: Ints) -> Ints:
        """0: nothing is given there; 1: a rest, given or as no note may begin; else 2 + a pitch."""
        begins = self.at[onsets] > 0
        fits = np.where(begins, self.length[onsets] == lengths, onsets + lengths <= self.next[onsets])
        return np.where(fits & (not self.beyond), np.maximum(self.at[onsets], self.quiet[onsets]), NO)

    def transitions(self, symbol: int) -> Ints:
        """The given pitch or rest; anything where nothing is given."""
        return self.allowing() if not symbol else self.allowing(self.context.pitches == symbol - 2, symbol == 1)
