"""A limit to how long a rest lasts."""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.rule import NO, Flags, Ints, RuleContext, StatelessRule
from melodysynthesis.constraints.rules.max_note import Length, parse_length
from melodysynthesis.constraints.specification import RuleSpec

SOUNDING, SILENT = 0, 1
"""States: a note is the latest event, or nothing was yet; or a rest that no other may follow."""
FIRST_LENGTH = 2
"""From this state on: a rest that ends at a cut, by its length. Another rest, to which it belongs, may follow."""


class MaxRest(StatelessRule):
    """Guaranteed: no rest is longer than `ticks`. Rests that were split at a cut are one.

    Elsewhere no rest follows a rest: together they would be one, which the rule allows or not as a whole.
    """

    def __init__(self, context: RuleContext, ticks: int) -> None:
        super().__init__(context)
        self.ticks = ticks
        self.silences = np.zeros(0, np.int64)  # lengths so far of rests that end at cuts
        if context.cuts:
            self.silences = np.arange(1, min(ticks, context.timeline.ticks) + 1)
        self.states = FIRST_LENGTH + len(self.silences)

    def symbols(self, onsets: Ints, lengths: Ints) -> Ints:
        """0: a rest that is short enough, 1: one that is not; near a cut 2 + 2 * length + whether it ends at one."""
        long = lengths > self.ticks
        if not self.context.cuts:
            return long.astype(np.int64) + 0 * onsets
        begins, ends = np.isin(onsets, self.context.cuts), np.isin(onsets + lengths, self.context.cuts)
        return np.where((begins | ends) & ~long, FIRST_LENGTH + 2 * lengths + ends, long)

    def transitions(self, symbol: int) -> Ints:
        """A note ends every rest."""
        table = np.full((self.states, 1, len(self.context.pitches) + 1), SOUNDING)
        table[..., -1] = NO
        if symbol < FIRST_LENGTH:
            table[SOUNDING, 0, -1] = NO if symbol else SILENT
            return table
        length, ends = divmod(symbol - FIRST_LENGTH, 2)
        before = np.concatenate([[0, self.ticks + 1], self.silences])  # of a silence that is closed, too much
        whole = before + length
        table[:, 0, -1] = np.where(whole <= self.ticks, FIRST_LENGTH - 1 + whole if ends else SILENT, NO)
        return table

    def ends(self) -> Flags:
        """Anywhere."""
        return np.ones((1, 1), np.bool_)


SPEC = RuleSpec(
    name="max_rest", label="longest rest", type=Length, example="1", parse=parse_length,
    help="Longest rest in quarters; three quarters of a bar if not given, with any rule.",
    guarantee="No rest lasts longer than so many quarters, from the end of a note to the next one or to the end of the "
    "melody. Without this rule, any other rule keeps to rests of at most three quarters of a bar (of the longest "
    "meter), unless no such melody exists, and does not promise it.",
    build=lambda context, values: MaxRest(context, values["max_rest"].ticks),
)  # fmt: skip
