"""What a rule is: a deterministic automaton that reads a melody event by event, each a note or a rest.

What an event does to a rule may depend on its onset and duration, on the rule's own state, on the pitch of the note
before it, and on its own pitch. Onset and duration are reduced to an *input symbol*, for all of them at once. The note
before is not part of a rule's state: all rules of a melody share it, so that their product stays small.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.music import Key

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

NO = -1
"""In place of an input symbol or of a state: the rule is broken."""


class Event(NamedTuple):
    """A note, or a rest where `pitch` is None. Onset and duration in ticks."""

    onset: int
    ticks: int
    pitch: int | None


def split_rests(events: Iterable[Event], cuts: Iterable[int]) -> tuple[Event, ...]:
    """The events, with each rest divided in two at the cuts within it."""
    new = list(events)
    for cut in cuts:
        for event in [one for one in new if one.pitch is None and one.onset < cut < one.onset + one.ticks]:
            at = new.index(event)
            new[at : at + 1] = [
                event._replace(ticks=cut - event.onset),
                Event(cut, event.onset + event.ticks - cut, None),
            ]
    return tuple(new)


@dataclass(frozen=True, slots=True)
class SectionGroup:
    """Sections of a form that share a letter: an event that one of them excludes is excluded in all.

    Attributes:
        starts: their ticks.
        ticks: their length.
        same: for each, a number that sections with the same notes share; the others have the same rhythm.
    """

    starts: tuple[int, ...]
    ticks: int
    same: tuple[int, ...]

    def equal_sections(self, section: int) -> list[int]:
        """Numbers of the sections with the same notes as one, itself among them."""
        return [number for number, same in enumerate(self.same) if same == self.same[section]]


@dataclass(frozen=True, eq=False)
class RuleContext:
    """What all rules of a melody know.

    Attributes:
        timeline: its bars.
        key: its key, or None.
        pitches: (P,) MIDI numbers that its notes may have, ascending. An event is the index of its pitch, or P for a
            rest; the note before is P where there is none.
        section_groups: sections of a form that share a letter.
        cuts: ticks at which rests are split, so that all rules read the same events.
    """

    timeline: Timeline
    key: Key | None
    pitches: Ints
    section_groups: tuple[SectionGroup, ...] = ()
    cuts: tuple[int, ...] = ()

    @property
    def rest(self) -> int:
        """The number of the event that is a rest."""
        return len(self.pitches)

    @property
    def tonic(self) -> int:
        """Pitch class of the key's tonic; C without a key."""
        return self.key.pitch_class if self.key else 0

    @property
    def above_tonic(self) -> Ints:
        """(P,) semitones of each pitch above the nearest tonic below, 0 to 11."""
        return np.asarray((self.pitches - self.tonic) % 12)

    @property
    def intervals(self) -> Ints:
        """(P + 1, P) semitones from the note before to each pitch; 0 where there is none before."""
        return np.vstack([self.pitches[None, :] - self.pitches[:, None], np.zeros((1, len(self.pitches)), np.int64)])

    def repetitions(self, same_notes: bool) -> Ints:
        """(ticks,) how often an event that starts at each tick comes in the melody; 0 in a repeat of its section.

        Args:
            same_notes: count sections with the same pitches only, not those with the same rhythm.
        """
        times = np.ones(self.timeline.ticks, np.int64)
        for group in self.section_groups:
            for section, start in enumerate(group.starts):
                equal = group.equal_sections(section) if same_notes else list(range(len(group.starts)))
                times[start : start + group.ticks] = len(equal) if section == equal[0] else 0
        return times


class Rule(Protocol):
    """One rule of one melody, as an automaton."""

    states: int
    """How many states it has; it begins in state 0."""
    ends_locally: bool
    """Whether `ends` depends on the last notes only. A section whose notes or rhythm come again as the last section is
    then judged where it first comes; see `LastSection`."""

    def pitches(self) -> Flags:
        """(P,) which pitches it allows at all."""

    def symbols(self, onsets: Ints, lengths: Ints) -> Ints:
        """Input symbols of events.

        Args:
            onsets: (n, 1) in ticks.
            lengths: (1, m) in ticks; no event reaches beyond the end.

        Returns:
            an array that broadcasts to (n, m): a number from 0 on for each event, `NO` where the rule excludes it.
        """

    def transitions(self, symbol: int) -> Ints:
        """The next state for an input symbol, or `NO`; broadcasts to (states, note before, event)."""

    def ends(self) -> Flags:
        """Whether the melody may end; broadcasts to (states, note before)."""

    def limit(self) -> int:
        """How many notes of some kind it allows, if counting is all it does; else 0."""

    def count_externally(self) -> None:
        """Drop the counter from the state: the caller counts by `costs`."""

    def costs(self, symbol: int) -> Ints:
        """(P + 1,) what each event adds to the count."""


class StatelessRule:
    """A rule with one state that allows everything: the base of the others, which override what differs."""

    states = 1
    ends_locally = False

    def __init__(self, context: RuleContext) -> None:
        self.context = context

    def pitches(self) -> Flags:
        """See `Rule.pitches`."""
        return np.ones(len(self.context.pitches), np.bool_)

    def symbols(self, onsets: Ints, lengths: Ints) -> Ints:
        """See `Rule.symbols`."""
        del onsets, lengths
        return np.zeros((1, 1), np.int64)

    def transitions(self, symbol: int) -> Ints:
        """See `Rule.transitions`."""
        del symbol
        return self.allowing()

    def ends(self) -> Flags:
        """See `Rule.ends`."""
        return np.ones((1, 1), np.bool_)

    def limit(self) -> int:
        """See `Rule.limit`."""
        return 0

    def count_externally(self) -> None:
        """See `Rule.count_externally`."""

    def costs(self, symbol: int) -> Ints:
        """See `Rule.costs`."""
        del symbol
        return np.zeros(len(self.context.pitches) + 1, np.int64)

    def allowing(self, notes: bool | Flags = True, rest: bool = True) -> Ints:
        """(1, 1, P + 1) transitions that allow some notes, one flag for all or one for each pitch, and rests or not."""
        return where(np.append(np.broadcast_to(notes, len(self.context.pitches)), rest))[None, None, :]


class Counting(StatelessRule):
    """A rule that allows so many notes of some kind. A state is how many there were."""

    name: str
    """The request's field."""

    def __init__(self, context: RuleContext, limit: int) -> None:
        super().__init__(context)
        self.most, self.states = limit, limit + 1

    def limit(self) -> int:
        """See `Rule.limit`."""
        return self.most

    def count_externally(self) -> None:
        """See `Rule.count_externally`."""
        self.states = 1

    def transitions(self, symbol: int) -> Ints:
        """See `Rule.transitions`."""
        if self.states == 1 and self.most:
            return np.zeros((1, 1, 1), np.int64)
        count = np.arange(self.states)[:, None] + self.costs(symbol)
        return np.where(count < self.states, count, NO)[:, None, :]


def where(allowed: Flags) -> Ints:
    """State 0 where something is allowed, else `NO`."""
    return np.where(allowed, 0, NO)
