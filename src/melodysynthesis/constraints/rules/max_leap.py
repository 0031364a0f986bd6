"""A limit to leaps."""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.rule import Ints, RuleContext, StatelessRule, where
from melodysynthesis.constraints.specification import RuleSpec


class MaxLeap(StatelessRule):
    """Guaranteed: from each note to the next are at most so many semitones, whatever rests stand between them."""

    def __init__(self, context: RuleContext, semitones: int) -> None:
        super().__init__(context)
        small = np.abs(context.intervals) <= semitones
        self.table = where(np.hstack([small, np.ones((len(small), 1), np.bool_)]))[None]

    def transitions(self, symbol: int) -> Ints:
        """By the note before."""
        del symbol
        return self.table


SPEC = RuleSpec(
    name="max_leap", label="largest leap", type=int, example=9, lowest=0, highest=127,
    help="Semitones of the largest leap.",
    guarantee="From each note to the next, whether or not rests are between them, are at most so many semitones.",
    build=lambda context, values: MaxLeap(context, values["max_leap"]),
    by_bar=True,
)  # fmt: skip
