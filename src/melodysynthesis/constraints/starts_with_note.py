"""A melody starts with a note, so it has one."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.constraints.base import Mask, clock_of
from melodysynthesis.encodings.base import Context, Encoding


class StartsWithNote:
    """No rest at tick 0. A melody that begins off the bar line begins with a pickup, not with silence.

    A primer may start with a rest: what is given is not masked.
    """

    def __init__(self, encoding: Encoding) -> None:
        self._rests = clock_of(encoding).rests

    def mask(self, context: Context) -> Mask:
        """(batch, vocabulary); see `Constraint.mask`."""
        at_start = context.in_body & (context.tick == 0)
        return np.asarray(~(at_start[:, None] & self._rests))

    def select(self, indices: NDArray[np.int64]) -> Self:
        """The rule is the same for all sequences."""
        del indices
        return self
