"""No rests."""

from __future__ import annotations

from melodysynthesis.constraints.rule import Ints, StatelessRule
from melodysynthesis.constraints.specification import RuleSpec


class NoRests(StatelessRule):
    """Guaranteed: notes fill the melody from its start to its end."""

    def transitions(self, symbol: int) -> Ints:
        """Any note."""
        del symbol
        return self.allowing(rest=False)


SPEC = RuleSpec(
    name="rests", label="rests", type=bool, example=False, default=True,
    help="Whether there may be rests.",
    guarantee="If false: notes fill the melody from its start to its end.",
    build=lambda context, values: NoRests(context),
    by_bar=True,
)  # fmt: skip
