"""No note is tied over a bar line."""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.rule import Ints, StatelessRule
from melodysynthesis.constraints.specification import RuleSpec


class NoTiesOverBars(StatelessRule):
    """Guaranteed: no note begins before a bar line and ends after it. A rest over a bar line is two rests, and free."""

    def symbols(self, onsets: Ints, lengths: Ints) -> Ints:
        """1: over a bar line."""
        lines = np.array([*self.context.timeline.bar_lines, self.context.timeline.ticks])
        following = lines[np.minimum(np.searchsorted(lines, onsets, "right"), len(lines) - 1)]
        return np.asarray(onsets + lengths > following).astype(np.int64)

    def transitions(self, symbol: int) -> Ints:
        """Over a bar line there are rests only."""
        return self.allowing(symbol == 0)


SPEC = RuleSpec(
    name="ties_over_bars", label="ties over bar lines", type=bool, example=False, default=True,
    help="Whether notes may be tied over bar lines.",
    guarantee="If false: no note begins before a bar line and ends after it.",
    build=lambda context, values: NoTiesOverBars(context),
    by_bar=True,
)  # fmt: skip
