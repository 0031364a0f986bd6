"""The degree of the scale on which the melody begins."""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.rule import Ints, RuleContext, StatelessRule, where
from melodysynthesis.constraints.rules.cadence import degrees_of
from melodysynthesis.constraints.specification import RuleSpec


class FirstDegree(StatelessRule):
    """Guaranteed: the first note is this degree, from 1, of the scale; see `degrees_of`."""

    def __init__(self, context: RuleContext, degree: int, scale: str | None) -> None:
        super().__init__(context)
        events = len(context.pitches) + 1
        allowed = np.ones((events, events), np.bool_)
        allowed[-1, :-1] = context.above_tonic == degrees_of(context.key, scale)[degree - 1]
        self.table = where(allowed)[None]

    def transitions(self, symbol: int) -> Ints:
        """Where no note came before, the degree or a rest."""
        del symbol
        return self.table


SPEC = RuleSpec(
    name="first_degree", label="first degree", type=int, example=5, lowest=1, highest=7,
    help="Degree of the scale on which the melody begins, 1 to 7.",
    guarantee="The first note, in any octave, is this degree of the scale: the requested one if it has seven notes, "
    "else that of the key's mode.",
    build=lambda context, values: FirstDegree(context, values["first_degree"], values["scale"]),
    needs_key=True,
)  # fmt: skip
