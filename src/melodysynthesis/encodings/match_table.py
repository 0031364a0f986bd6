"""The longest match of the latest notes with earlier ones: the search of LZ77, a note at a time, batched."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray


class MatchTable:
    """For each earlier note of each melody, the length of the match that ends with it.

    ``now[b, ..., j]`` is the largest number n such that the n notes up to note j match the n latest notes. It follows
    from the same number for the note before, so it takes one comparison for each earlier note.

    Args:
        melodies: the shape of what is compared side by side: ``(batch,)``, or ``(batch, kinds)`` for several kinds of
            matches.
        notes: room for so many.
    """

    def __init__(self, melodies: tuple[int, ...], notes: int = 64) -> None:
        self.now = np.zeros((*melodies, notes), np.int16)
        self.before = np.zeros((*melodies, notes), np.int16)

    def begin(self, rows: NDArray[np.int64]) -> None:
        """Start a new note in these melodies: the lengths so far become those of the note before."""
        self.before[rows] = self.now[rows]

    def clear(self, rows: NDArray[np.int64]) -> None:
        """Clear the matches of these melodies, because a new one begins."""
        self.now[rows] = self.before[rows] = 0

    def compare(self, rows: NDArray[np.int64], matches: NDArray[np.bool_]) -> None:
        """Compare the latest note of some melodies; may be repeated while it grows longer.

        Args:
            rows: (n,) the melodies.
            matches: (n, ..., notes) whether each earlier note equals the latest; False for the latest itself.
        """
        width = matches.shape[-1]
        run = np.ones(matches.shape, np.int16)
        run[..., 1:] += self.before[rows, ..., : width - 1]
        self.now[rows, ..., :width] = run * matches

    def longest(self, notes: int) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
        """(batch, ...) the last note of the longest match, the latest of several, and the match's length or 0.

        Args:
            notes: how many notes the longest melody has.
        """
        now = self.now[..., :notes]
        return notes - 1 - np.argmax(now[..., ::-1], axis=-1), now.max(axis=-1)

    def grow(self) -> None:
        """Make room for twice as many notes."""
        more = (*(((0, 0),) * (self.now.ndim - 1)), (0, self.now.shape[-1]))
        self.now, self.before = np.pad(self.now, more), np.pad(self.before, more)

    def __getitem__(self, indices: NDArray[np.int64]) -> Self:
        """A copy of the melodies at `indices`."""
        new = type(self)((0,), 0)
        new.now, new.before = self.now[indices], self.before[indices]
        return new
