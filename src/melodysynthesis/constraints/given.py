"""What is given stands: a primer, or the rest of a melody of which some bars are rewritten."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from melodysynthesis.constraints.rule import NO, Anywhere, Ints, Setting


class Event(NamedTuple):
    """A note, or a rest where `pitch` is None."""

    onset: int
    ticks: int
    pitch: int | None


def parted(events: Iterable[Event], cuts: Iterable[int]) -> tuple[Event, ...]:
    """The events, with rests in two where sections of a form meet: nothing goes on over a cut."""
    new = list(events)
    for cut in cuts:
        for event in [one for one in new if one.pitch is None and one.onset < cut < one.onset + one.ticks]:
            at = new.index(event)
            new[at : at + 1] = [
                event._replace(ticks=cut - event.onset),
                Event(cut, event.onset + event.ticks - cut, None),
            ]
    return tuple(new)


class Given(Anywhere):
    """Guaranteed: the notes and rests that are given stand, and none besides where they are.

    Args:
        setting: of the melody.
        events: that are given.
        held: start and end of where no other note may begin, but one may be held, or rests be.
    """

    def __init__(self, setting: Setting, events: Sequence[Event], held: tuple[int, int] = (0, 0)) -> None:
        super().__init__(setting)
        ticks = setting.timeline.ticks
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

    def situations(self, onsets: Ints, lengths: Ints) -> Ints:
        """0: nothing is given there; 1: a rest, given or as no note may begin; else 2 + a pitch."""
        begins = self.at[onsets] > 0
        fits = np.where(begins, self.length[onsets] == lengths, onsets + lengths <= self.next[onsets])
        return np.where(fits & (not self.beyond), np.maximum(self.at[onsets], self.quiet[onsets]), NO)

    def moves(self, situation: int) -> Ints:
        """What is given, or anything."""
        moves = np.zeros((1, 1, len(self.setting.pitches) + 1), np.int64)
        if situation:
            moves[..., np.append(self.setting.pitches != situation - 2, situation != 1)] = NO
        return moves
