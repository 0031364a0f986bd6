"""What a rule is: a deterministic automaton that reads a melody event by event, each a note or a rest.

What an event does to a rule may depend on when it is and how long (its *situation*, found for all onsets and lengths at
once), on the rule's own state, on the pitch of the note before it, and on its own pitch. The note before is no part
of a rule's state: all rules of a melody share it, so that their product stays small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.music import Key

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

NO = -1
"""In place of a situation or of a state: the rule is broken."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """Sections that are alike: what is not possible in one is not possible in the others.

    Attributes:
        starts: their ticks.
        ticks: their length.
        same: for each, a number that those with the same notes share; the others have the same rhythm.
    """

    starts: tuple[int, ...]
    ticks: int
    same: tuple[int, ...]

    def sung_at_the_end(self, timeline: Timeline) -> list[int]:
        """Ends of the sections that have the same notes as the last of the melody, which is not among them."""
        if self.starts[-1] + self.ticks != timeline.ticks:
            return []
        pairs = zip(self.starts[:-1], self.same[:-1], strict=True)
        return [start + self.ticks for start, same in pairs if same == self.same[-1]]

    def twins(self, section: int) -> list[int]:
        """Numbers of the sections with the same notes as one, itself among them."""
        return [number for number, same in enumerate(self.same) if same == self.same[section]]


@dataclass(frozen=True, eq=False)
class Setting:
    """What all rules of a melody know.

    Attributes:
        timeline: its bars.
        key: its key, or None.
        pitches: (P,) MIDI numbers that its notes may have, ascending. An event is P where it is a rest; the note
            before is P where there is none.
        likenesses: sections of a form that are alike.
        cuts: ticks at which rests are parted.
    """

    timeline: Timeline
    key: Key | None
    pitches: Ints
    likenesses: tuple[Likeness, ...] = ()
    cuts: tuple[int, ...] = ()

    @property
    def rest(self) -> int:
        """The number of the event that is a rest."""
        return len(self.pitches)

    @property
    def classes(self) -> Ints:
        """(P,) pitch classes."""
        return np.asarray(self.pitches % 12)

    @property
    def intervals(self) -> Ints:
        """(P + 1, P) semitones from the note before to each pitch; 0 where there is none before."""
        return np.vstack([self.pitches[None, :] - self.pitches[:, None], np.zeros((1, len(self.pitches)), np.int64)])

    def times(self, same_notes: bool) -> Ints:
        """(ticks,) how often what begins at a tick is sung in all, told where it is sung first; 0 where it is again.

        Args:
            same_notes: whether the same pitches are meant, or only the same rhythm.
        """
        times = np.ones(self.timeline.ticks, np.int64)
        for likeness in self.likenesses:
            for section, start in enumerate(likeness.starts):
                twins = likeness.twins(section) if same_notes else list(range(len(likeness.starts)))
                times[start : start + likeness.ticks] = len(twins) if section == twins[0] else 0
        return times


class Rule(Protocol):
    """One rule of one melody."""

    states: int
    """How many states it has; it begins in state 0."""
    looks_back: bool
    """Whether the end depends on the last notes only: it is then as good where the same notes stand elsewhere."""

    def pitches(self) -> Flags:
        """(P,) which pitches it allows at all."""

    def situations(self, onsets: Ints, lengths: Ints) -> Ints:
        """Situations of events.

        Args:
            onsets: (n, 1) in ticks.
            lengths: (1, m) in ticks; no event reaches beyond the end.

        Returns:
            whatever broadcasts to (n, m): a number from 0 for each, `NO` where no event may be so.
        """

    def moves(self, situation: int) -> Ints:
        """The next state in a situation, or `NO`; broadcasts to (states, note before, event)."""

    def ends(self) -> Flags:
        """Whether the melody may end; broadcasts to (states, note before)."""

    def limit(self) -> int:
        """How many notes of some sort it allows, if it but counts them; else 0."""

    def spend(self) -> None:
        """Have no states for the count, as somebody else keeps it by `costs`."""

    def costs(self, situation: int) -> Ints:
        """(P + 1,) what each event adds to the count."""


class Anywhere:
    """The parts of a rule without states that knows nothing of time, for others to change what they need."""

    states = 1
    looks_back = False

    def __init__(self, setting: Setting) -> None:
        self.setting = setting

    def pitches(self) -> Flags:
        """See `Rule.pitches`."""
        return np.ones(len(self.setting.pitches), np.bool_)

    def situations(self, onsets: Ints, lengths: Ints) -> Ints:
        """See `Rule.situations`."""
        del onsets, lengths
        return np.zeros((1, 1), np.int64)

    def moves(self, situation: int) -> Ints:
        """See `Rule.moves`."""
        del situation
        return np.zeros((1, 1, 1), np.int64)

    def ends(self) -> Flags:
        """See `Rule.ends`."""
        return np.ones((1, 1), np.bool_)

    def limit(self) -> int:
        """See `Rule.limit`."""
        return 0

    def spend(self) -> None:
        """See `Rule.spend`."""

    def costs(self, situation: int) -> Ints:
        """See `Rule.costs`."""
        del situation
        return np.zeros(len(self.setting.pitches) + 1, np.int64)


class Counting(Anywhere):
    """A rule that allows so many notes of some sort. A state is how many there were."""

    name: str
    """The request's field."""

    def __init__(self, setting: Setting, limit: int) -> None:
        super().__init__(setting)
        self.most, self.states = limit, limit + 1

    def limit(self) -> int:
        """See `Rule.limit`."""
        return self.most

    def spend(self) -> None:
        """See `Rule.spend`."""
        self.states = 1

    def moves(self, situation: int) -> Ints:
        """See `Rule.moves`."""
        if self.states == 1 and self.most:
            return np.zeros((1, 1, 1), np.int64)
        count = np.arange(self.states)[:, None] + self.costs(situation)
        return np.where(count < self.states, count, NO)[:, None, :]


def where(allowed: Flags) -> Ints:
    """State 0 where something is allowed, else `NO`."""
    return np.where(allowed, 0, NO)
