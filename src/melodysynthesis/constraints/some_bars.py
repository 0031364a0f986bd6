"""A rule that is judged in some bars only, as when they are written anew and the others stay what they are."""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.rule import NO, Flags, Ints, Rule, RuleContext, StatelessRule


class InSomeBars(StatelessRule):
    """Guaranteed: the events that begin in a stretch keep a rule, as if it were a melody; all others are free.

    What comes before a note counts, whether it is judged or not: a leap into the stretch is judged, one out of it not.

    Args:
        context: of the melody.
        rule: it.
        start: of the stretch, in ticks.
        end: where it ends. An event may be held beyond.
    """

    def __init__(self, context: RuleContext, rule: Rule, start: int, end: int) -> None:
        super().__init__(context)
        self.rule, self.start, self.end, self.states = rule, start, end, rule.states

    def symbols(self, onsets: Ints, lengths: Ints) -> Ints:
        """0 outside; else 1 + 2 * the rule's symbol, and 1 more for an event that reaches the stretch's end."""
        inside = (onsets >= self.start) & (onsets < self.end)
        symbol = np.asarray(self.rule.symbols(onsets, lengths))
        closes = onsets + lengths >= self.end
        return np.where(inside, np.where(symbol == NO, NO, 1 + 2 * symbol + closes), 0)

    def transitions(self, symbol: int) -> Ints:
        """The rule's; outside everything is allowed, and the rule begins anew."""
        if symbol == 0:
            return np.zeros((1, 1, 1), np.int64)
        number, closes = divmod(symbol - 1, 2)
        notes = len(self.context.pitches) + 1
        table = np.array(np.broadcast_to(self.rule.transitions(number), (self.states, notes, notes)))
        table[:, :, :-1][:, :, ~self.rule.pitches()] = NO
        if closes:
            each = np.arange(notes)
            latest = np.where(each < notes - 1, each, each[:, None])  # (note before, event)
            ends: Flags = np.broadcast_to(self.rule.ends(), (self.states, notes))
            table = np.where((table != NO) & ends[table, latest], 0, NO)
        return table
