"""A melody does not stay on one pitch for ever.

Models that follow what a melody has done so far can fall into repeating one note: 1 of 40 melodies did so, 86 times, at
temperature 0.7. People stop: of the 6,006 tunes of `essen-german` 99.9 % have at most 15 notes of one pitch in a row.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.constraints.base import Mask
from melodysynthesis.encodings.base import Context, Encoding

LONGEST = 15
"""Notes of one pitch in a row; rests between them do not count as a change."""


class NoLoop:
    """After `LONGEST` notes of one pitch comes another. What a primer does is not masked."""

    def __init__(self, encoding: Encoding) -> None:
        self._vocabulary = len(encoding.vocabulary)

    def mask(self, context: Context) -> Mask:
        """(batch, vocabulary); see `Constraint.mask`."""
        mask = np.ones((len(context.tick), self._vocabulary), np.bool_)
        stuck = np.flatnonzero(context.repeats >= LONGEST)
        mask[stuck, context.last_pitch[stuck]] = False
        return mask

    def select(self, indices: NDArray[np.int64]) -> Self:
        """The rule is the same for all sequences."""
        del indices
        return self
