"""How far back the latest notes are like earlier ones: the longest-match search of LZ77, a note at a time, batched."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray


class Likeness:
    """For each earlier note of each melody, how many notes up to it are like as many latest ones.

    ``now[b, j]`` is the number of notes that end with note j and are like the same number of notes that end with the
    latest. It follows from the same count for the note before: it takes one comparison for each earlier note.
    """

    def __init__(self, batch: int, notes: int = 64) -> None:
        self.now = np.zeros((batch, notes), np.int16)
        self.before = np.zeros((batch, notes), np.int16)

    def begin(self, rows: NDArray[np.int64]) -> None:
        """A new note begins in these melodies: what was compared so far is of the note before."""
        self.before[rows] = self.now[rows]

    def forget(self, rows: NDArray[np.int64]) -> None:
        """These melodies begin anew: nothing of them is like what comes."""
        self.now[rows] = self.before[rows] = 0

    def compare(self, rows: NDArray[np.int64], like: NDArray[np.bool_]) -> None:
        """Compare the latest note of some melodies; may be repeated while it grows longer.

        Args:
            rows: (n,) the melodies.
            like: (n, notes) whether each earlier note is like the latest; False for the latest itself.
        """
        width = like.shape[1]
        run = np.ones((len(rows), width), np.int16)
        run[:, 1:] += self.before[rows, : width - 1]
        self.now[rows, :width] = np.where(like, run, 0)

    def longest(self, notes: int) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
        """(batch,) the note that ends the longest like stretch, the last of several, and the stretch's length or 0.

        Args:
            notes: how many notes the longest melody has.
        """
        now = self.now[:, :notes]
        best = notes - 1 - np.argmax(now[:, ::-1], axis=1)
        return best, now[np.arange(len(now)), best]

    def grow(self) -> None:
        """Make room for twice as many notes."""
        more = ((0, 0), (0, self.now.shape[1]))
        self.now, self.before = np.pad(self.now, more), np.pad(self.before, more)

    def __getitem__(self, indices: NDArray[np.int64]) -> Self:
        """A copy of the melodies at `indices`."""
        new = type(self)(0, 0)
        new.now, new.before = self.now[indices], self.before[indices]
        return new
