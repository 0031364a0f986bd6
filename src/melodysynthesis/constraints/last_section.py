"""What a section must have so that it can end the melody, where its notes or its rhythm come again as the last section.

A form settles the last section when its letter is first written: a cadence in the last bars needs a long note on a
strong beat in the first section already. So a rule whose `ends` looks at the last notes is followed in that section as
if it were the last one, at the last one's ticks. The state and the note before the last section are not known then, nor
are its pitches if only its rhythm is; so *all* states are followed in which the rule may be. No section is excluded
that can end the melody. Some may pass that can't, which is found out later.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from melodysynthesis.constraints.rule import NO, Ints, Rule, RuleContext, SectionGroup, StatelessRule
from melodysynthesis.constraints.space import Space

MAX_SETS = 64
"""A rule that needs more sets of states is followed no further than its first state knows."""


class LastSection(StatelessRule):
    """A section can end the melody by one rule.

    A state is the set of states in which the rule may be, and whether a note has come in the section. State 0, all
    states and no note, is that outside of the section too.

    Args:
        context: of the melody.
        rule: that the section is judged by.
        space: of the melody.
        group: of the section.
        section: its number in the group: the first with the notes of the last one, or the first with its rhythm.
    """

    def __init__(self, context: RuleContext, rule: Rule, space: Space, group: SectionGroup, section: int) -> None:
        super().__init__(context)
        self.rule, self.start, self.last, self.ticks = rule, group.starts[section], group.starts[-1], group.ticks
        self.same_notes = group.same[section] == group.same[-1]
        inside = space.ticks[(space.ticks >= self.start) & (space.ticks < self.start + self.ticks)]
        symbols = self.symbols_there(inside[:, None], space.lengths[None, :])
        self.known = np.unique(symbols[symbols != NO])
        self.moves = [self._moves(symbol) for symbol in self.known.tolist()]
        self.sets = [((1 << rule.states) - 1, False)]
        for state in self._follow():
            self.sets.append(state)
        self.states = len(self.sets)

    def symbols_there(self, onsets: Ints, lengths: Ints) -> Ints:
        """(n, m) the rule's symbols of events in the section, as if they were in the last one."""
        shape = np.broadcast_shapes(onsets.shape, lengths.shape)
        return np.broadcast_to(self.rule.symbols(onsets - self.start + self.last, lengths), shape)

    def symbols(self, onsets: Ints, lengths: Ints) -> Ints:
        """0 outside; else 1 + 2 * number of the rule's symbol there, and 1 more for an event that ends the section."""
        inside = (onsets >= self.start) & (onsets < self.start + self.ticks)
        there = self.symbols_there(np.where(inside, onsets, self.start), lengths)
        over = onsets + lengths - self.start - self.ticks
        number = np.searchsorted(self.known, there).clip(0, max(len(self.known) - 1, 0))
        known = self.known[number] == there if len(self.known) else np.zeros(there.shape, np.bool_)
        return np.where(inside, np.where(known & (over <= 0), 1 + 2 * number + (over == 0), NO), 0)

    def transitions(self, symbol: int) -> Ints:
        """To the set of states after an event; what ends the section must leave one in which the rule may end."""
        if symbol == 0:
            return np.zeros((1, 1, 1), np.int64)
        number, closes = divmod(symbol - 1, 2)
        return np.stack([self._after(state, number, bool(closes)) for state in self.sets])

    def _moves(self, symbol: int) -> Ints:
        """(states, note before, event) the rule's next state as a bit, 0 where it is broken."""
        notes = len(self.context.pitches) + 1
        table = np.broadcast_to(self.rule.transitions(symbol), (self.rule.states, notes, notes))
        bits = np.where(table == NO, 0, 1 << np.maximum(table, 0))
        if self.same_notes:
            return bits
        any_note = np.bitwise_or.reduce(bits[:, :, :-1].reshape(len(bits), -1), axis=1)
        any_rest = np.bitwise_or.reduce(bits[:, :, -1], axis=1)
        merged = np.repeat(any_note[:, None, None], notes, axis=2)
        merged[:, :, -1] = any_rest[:, None]
        return merged

    def _after_bits(self, state: tuple[int, bool], number: int) -> Ints:
        """(note before, event) the set after an event."""
        members = [one for one in range(self.rule.states) if state[0] >> one & 1]
        moves = np.bitwise_or.reduce(self.moves[number][members], axis=0)
        return moves if state[1] else np.bitwise_or.reduce(moves, axis=0, keepdims=True)

    def _follow(self) -> list[tuple[int, bool]]:
        """The sets that can come, but for the first."""
        found, waiting = {self.sets[0]}, [self.sets[0]]
        while waiting and len(found) <= MAX_SETS:
            state = waiting.pop()
            for number in range(len(self.known)):
                bits = self._after_bits(state, number)
                for event, seen in ((slice(None, -1), True), (slice(-1, None), state[1])):
                    for new in np.unique(bits[:, event]).tolist():
                        then = (new, seen and self.same_notes)
                        if new and then not in found:
                            found.add(then)
                            waiting.append(then)
        return sorted(found - {self.sets[0]})

    def _after(self, state: tuple[int, bool], number: int, closes: bool) -> Ints:
        """(note before, event) the number of the set after an event, or `NO`."""
        notes = len(self.context.pitches) + 1
        bits = np.broadcast_to(self._after_bits(state, number), (notes, notes))
        if closes:
            return self._closing(state, bits)
        notes_to, rests_to = self._numbered(self.same_notes, bits[:, :-1]), self._numbered(state[1], bits[:, -1:])
        return np.concatenate([notes_to, rests_to], axis=1)

    def _numbered(self, noted: bool, bits: Ints) -> Ints:
        """The number of each set, or `NO` for none that is known."""
        members, numbers = self._by_bits[noted]
        place = np.searchsorted(members, bits).clip(0, len(members) - 1)
        return np.where(members[place] == bits, numbers[place], NO)

    @cached_property
    def _by_bits(self) -> dict[bool, tuple[Ints, Ints]]:
        """Of the sets in which a note has come or not: the bits of their members, ascending, and their numbers."""
        known = {
            seen: {bits: number for number, (bits, noted) in enumerate(self.sets) if noted == seen}
            for seen in (False, True)
        }
        return {
            seen: (np.array([NO, *sorted(of)]), np.array([NO, *(of[bits] for bits in sorted(of))]))
            for seen, of in known.items()
        }

    def _closing(self, state: tuple[int, bool], bits: Ints) -> Ints:
        """(note before, event) 0 where the rule may end after an event, else `NO`."""
        notes = bits.shape[0]
        ends = np.broadcast_to(self.rule.ends(), (self.rule.states, notes))
        each = np.arange(notes)
        latest = np.where(each[None, :] < notes - 1, each[None, :], each[:, None])  # (note before, event)
        fine = np.zeros(bits.shape, np.bool_)
        for one in range(self.rule.states):
            may_end = ends[one][latest] if self.same_notes else np.full(bits.shape, ends[one].any())
            if self.same_notes and not state[1]:
                may_end[:, -1] = ends[one].any()  # the note before the rest is not known
            fine |= (bits >> one & 1).astype(np.bool_) & may_end
        return np.where(fine, 0, NO)


def last_sections(context: RuleContext, rules: list[Rule], space: Space) -> list[LastSection]:
    """For each rule that judges the last notes: the sections whose notes or rhythm come again as the last section."""
    found = []
    for group in context.section_groups:
        if len(group.starts) < 2 or group.starts[-1] + group.ticks != context.timeline.ticks:
            continue
        sections = {0, group.same.index(group.same[-1])} - {len(group.starts) - 1}
        for rule in rules:
            if rule.ends_locally and rule.states <= 62:
                made = [LastSection(context, rule, space, group, section) for section in sorted(sections)]
                found += [one for one in made if one.states <= MAX_SETS]
    return found
