"""A limit to syncopated notes."""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.rule import Counting, Ints, RuleContext
from melodysynthesis.constraints.specification import RuleSpec


class MaxSyncopation(Counting):
    """Guaranteed: at most so many notes begin where the meter is weaker than at a later place they sound through."""

    name = "max_syncopation"

    def __init__(self, context: RuleContext, notes: int) -> None:
        super().__init__(context, min(notes, context.timeline.ticks))
        self.free = np.array(context.timeline.unsyncopated)

    def symbols(self, onsets: Ints, lengths: Ints) -> Ints:
        """How often a note comes in the melody if it is syncopated here; else 0."""
        times = self.context.repetitions(same_notes=False)
        return np.asarray((lengths > self.free[onsets]) * times[onsets])

    def costs(self, symbol: int) -> Ints:
        """A syncopated note counts as often as it comes."""
        return np.append(np.full(len(self.context.pitches), symbol), 0)


SPEC = RuleSpec(
    name="max_syncopation", label="syncopated notes", type=int, example=2, lowest=0, highest=10_000,
    help="At most so many syncopated notes.",
    guarantee="At most so many notes are syncopated: they begin where the meter is weaker than at a later place that "
    "they sound through.",
    build=lambda context, values: MaxSyncopation(context, values["max_syncopation"]),
)  # fmt: skip
