"""The pitches that most notes have."""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.rule import NO, Ints, RuleContext, StatelessRule
from melodysynthesis.constraints.rules.range import PitchRange, format_range, parse_range
from melodysynthesis.constraints.specification import RuleSpec

IN_A_ROW = 4
"""Of so many notes in a row one may be outside."""


class Tessitura(StatelessRule):
    """Guaranteed: of any four notes in a row at most one is outside. A state is how many more must be inside."""

    states = IN_A_ROW

    def __init__(self, context: RuleContext, pitches: PitchRange) -> None:
        super().__init__(context)
        inside = (context.pitches >= pitches.lowest) & (context.pitches <= pitches.highest)
        left = np.arange(self.states)[:, None]
        notes = np.where(inside, np.maximum(left - 1, 0), np.where(left == 0, IN_A_ROW - 1, NO))
        self.table = np.concatenate([notes, left], axis=1)[:, None]

    def transitions(self, symbol: int) -> Ints:
        """By the pitch."""
        del symbol
        return self.table


SPEC = RuleSpec(
    name="tessitura", label="tessitura", type=PitchRange, example="G4-D5", parse=parse_range, write=format_range,
    help='Lowest and highest pitch of most notes: "G4-D5".',
    guarantee="Of any four notes in a row, at least three are no lower than the first pitch and no higher than the "
    "second.",
    build=lambda context, values: Tessitura(context, values["tessitura"]),
)  # fmt: skip
