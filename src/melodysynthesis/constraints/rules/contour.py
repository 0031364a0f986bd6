"""The first notes go up, down or stay as asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from melodysynthesis.constraints.rule import NO, Anywhere, Flags, Ints, Setting
from melodysynthesis.constraints.terms import Contour as Directions


class Contour(Anywhere):
    """Guaranteed: from note to note the melody goes as the contour says; then freely, or it ends there.

    A state is how many directions were followed.
    """

    def __init__(self, setting: Setting, contour: Directions) -> None:
        super().__init__(setting)
        self.directions, self.whole = contour
        self.states = len(self.directions) + 1
        signs = np.sign(setting.intervals)
        follows = [np.where(signs == direction, s + 1, NO) for s, direction in enumerate(self.directions)]
        last = np.full(signs.shape, NO if self.whole else len(self.directions))
        notes = np.stack([*follows, last])
        notes[0, -1] = 0  # the first note has no direction yet
        rest = np.broadcast_to(np.arange(self.states)[:, None, None], (self.states, len(signs), 1))
        self.table = np.concatenate([notes, rest], axis=2)

    def moves(self, situation: int) -> Ints:
        """By the interval."""
        del situation
        return self.table

    def ends(self) -> Flags:
        """When all directions were followed."""
        return np.equal(np.arange(self.states), len(self.directions))[:, None]


class Part(NamedTuple):
    """A stretch of a melody of which is known how many notes it has, and what a contour asks of each.

    Attributes:
        end: its tick.
        directions: of its notes, the first one's from the note before it; None where any will do.
        more: whether there may be more notes than directions.
    """

    end: int
    directions: tuple[int | None, ...]
    more: bool


class ContourInParts(Anywhere):
    """Guaranteed: each part has as many notes as it has directions, or `more`, and they go so.

    A state is how many notes of the part there were. No event may go on from one part into the next.

    Args:
        setting: of the melody.
        parts: one after the other, up to the end.
    """

    def __init__(self, setting: Setting, parts: Sequence[Part]) -> None:
        super().__init__(setting)
        self.part_ends = np.array([part.end for part in parts])
        self.part = np.searchsorted(self.part_ends, np.arange(setting.timeline.ticks), "right")
        self.kinds = list(dict.fromkeys((part.directions, part.more) for part in parts))
        self.kind = np.array([self.kinds.index((part.directions, part.more)) for part in parts])
        self.states = max(len(directions) for directions, _ in self.kinds) + 1

    def situations(self, onsets: Ints, lengths: Ints) -> Ints:
        """Twice the number of the directions, and one more for what ends a part."""
        part = self.part[onsets]
        over = onsets + lengths - self.part_ends[part]
        return np.where(over <= 0, 2 * self.kind[part] + (over == 0), NO)

    def moves(self, situation: int) -> Ints:
        """By the interval."""
        number, last = divmod(situation, 2)
        directions, more = self.kinds[number]
        signs = np.sign(self.setting.intervals)
        moves = np.full((self.states, len(signs), len(signs)), NO)
        for state, direction in enumerate(directions):
            moves[state, :, :-1] = state + 1 if direction is None else np.where(signs == direction, state + 1, NO)
            moves[state, :, -1] = state
        moves[len(directions), :, :-1] = len(directions) if more else NO
        moves[len(directions), :, -1] = len(directions)
        return np.where(moves == len(directions), 0, NO) if last else moves
