"""The look-ahead within a section whose rhythm or notes are known, since the form repeats an earlier section.

The general look-ahead does not know what was written: it would end a cadence early and rest, where the repeated rhythm
has two notes to go. A backward pass along what is repeated does know. It is made once for each rhythm, or for the notes
where they are repeated too. Its values replace those of the general look-ahead from the section's start to its end.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from cachetools import LRUCache

from melodysynthesis.constraints.lookahead import LEAST, Floats, Lookahead, event_shares
from melodysynthesis.constraints.rule import NO, Flags, Ints
from melodysynthesis.generation.form import Form
from melodysynthesis.generation.stepper import EventHistory

KEPT_BYTES = 64 * 2**20
"""What the tables of the sections may take."""


class KnownSection(NamedTuple):
    """The values along one section. It has J events and the automaton U states.

    Attributes:
        number: of each event, by the number of its tick.
        lengths: (J,) numbers of their lengths.
        values: (J + 1, U + 1) likelihood that the rules are kept from each event and state; the largest of a row is 1.
        norms: (J,) what the values before an event were divided by.
    """

    number: dict[int, int]
    lengths: Ints
    values: Floats
    norms: Floats


class KnownSections:
    """The look-ahead of some particles where a form says what is repeated.

    Args:
        look: the general look-ahead.
        form: the sections.
    """

    def __init__(self, look: Lookahead, form: Form) -> None:
        self.look, self.form, self.shares = look, form, event_shares(look.automaton)
        self.source = np.where(form.same != NO, form.same, form.rhythm)
        self._made: LRUCache[bytes, KnownSection] = LRUCache(KEPT_BYTES, getsizeof=lambda made: made.values.nbytes)
        self._ticks: dict[int, Ints] = {}

    def after_heads(self, history: EventHistory, tick: Ints, place: Ints, general: Floats) -> Floats:
        """(rows, P + 1) see `Lookahead.after_heads`, whose values are `general`."""
        for row in np.flatnonzero(self.source[tick] != NO).tolist():
            section, number = self._of(history, row, int(tick[row]))
            then = self._after(section, number, int(tick[row]), int(place[row]))
            general[row] = np.where(general[row] > 0, then, 0.0)
        return general

    def after_lengths(self, history: EventHistory, tick: Ints, place: Ints, event: Ints, general: Floats) -> Floats:
        """(rows, m) see `Lookahead.after_lengths`, whose values are `general`; only the known length is possible."""
        for row in np.flatnonzero(self.source[tick] != NO).tolist():
            section, number = self._of(history, row, int(tick[row]))
            length = section.lengths[number] if number != NO else NO
            value = self._after(section, number, int(tick[row]), int(place[row]))[event[row]]
            possible = number != NO and general[row, length] > 0
            general[row] = 0.0
            if possible:
                general[row, length] = value
        return general

    def here(self, history: EventHistory, tick: Ints, place: Ints, general: Floats) -> Floats:
        """(rows,) see `Lookahead.log_likelihood`, whose values are `general`."""
        for row in np.flatnonzero(self.source[tick] != NO).tolist():
            section, number = self._of(history, row, int(tick[row]))
            value = section.values[number, self._state(int(place[row]))] if number != NO else 0.0
            general[row] = np.log(value) + self.look.scale[tick[row]] if value > 0 else -np.inf
        return general

    def _state(self, place: int) -> int:
        return place % (self.look.automaton.states + 1)

    def _after(self, section: KnownSection, number: int, tick: int, place: int) -> Floats:
        """(P + 1,) values after each event of the known length; 0 where none begins in what is repeated."""
        automaton = self.look.automaton
        kind = int(automaton.event_classes[tick, section.lengths[number]]) if number != NO else NO
        if kind == NO:
            return np.zeros(automaton.next.shape[2])
        return np.asarray(section.values[number + 1, automaton.next[kind, self._state(place)]] / section.norms[number])

    def _of(self, history: EventHistory, row: int, tick: int) -> tuple[KnownSection, int]:
        """The section of a particle at a tick, and the number of the event that begins there, or `NO`."""
        begin = int(self.form.begins[tick])
        section = self._section(history, row, begin, begin)
        return section, section.number.get(tick, NO)

    def _section(self, history: EventHistory, row: int, begin: int, written: int) -> KnownSection:
        """The values along the section from a tick, where all is written up to another one."""
        key = self._key(history, row, begin, written)
        if key not in self._made:
            made = self._pass(history, row, begin, written)
            if made.values.nbytes > KEPT_BYTES:
                return made
            self._made[key] = made
        return self._made[key]

    def _key(self, history: EventHistory, row: int, begin: int, written: int) -> bytes:
        """What the section's values depend on: what it repeats, and the sections known behind it."""
        there = self.source[self._ticks_of(begin)]
        event: Ints = history.event[row, there].astype(np.int64)
        if self.form.same[begin] == NO:
            event = np.where(event == NO, NO, event == history.rest)
        key: bytes = b"%d " % begin + event.tobytes() + history.length[row, there].tobytes()
        following = self._following(begin, written)
        return key if following == NO else key + self._key(history, row, following, written)

    def _ticks_of(self, begin: int) -> Ints:
        """Numbers of the ticks of a section that have a place in what it repeats."""
        if begin not in self._ticks:
            self._ticks[begin] = np.flatnonzero((self.form.begins == begin) & (self.source != NO))
        return self._ticks[begin]

    def _following(self, begin: int, written: int) -> int:
        """The first tick of the section behind one, if it repeats what is written; else `NO`."""
        behind = np.flatnonzero((self.form.begins[begin:] != begin) & (self.form.begins[begin:] != NO))
        if not len(behind):
            return NO
        first = begin + int(behind[0])
        there = self.source[self._ticks_of(first)]
        return first if len(there) and self.source[first] != NO and int(there.max()) < written else NO

    def _pass(self, history: EventHistory, row: int, begin: int, written: int) -> KnownSection:
        """The backward pass."""
        automaton, here = self.look.automaton, self._ticks_of(begin)
        here = here[history.event[row, self.source[here]] != NO]
        there = self.source[here]
        events, lengths = history.event[row, there].tolist(), history.length[row, there].astype(np.int64)
        values, norms = np.zeros((len(here) + 1, automaton.states + 1)), np.ones(len(here))
        end, following = int(self.look.ends[here[-1], lengths[-1]]), self._following(begin, written)
        values[-1] = self.look.values[end]
        if following != NO:
            values[-1] = np.where(values[-1] > 0, self._section(history, row, following, written).values[0], 0.0)
        for number in reversed(range(len(here))):
            kind = int(automaton.event_classes[here[number], lengths[number]])
            if kind == NO:
                break
            chosen: Ints | slice = np.array([events[number]])
            if self.form.same[here[number]] == NO and events[number] != history.rest:
                chosen = slice(0, history.rest)
            then = values[number + 1][automaton.next[kind, :-1][:, chosen]]
            total = np.einsum("ue,ue->u", self.shares[:, chosen], then)
            norms[number] = total.max() or 1.0
            possible: Flags = self.look.values[here[number], :-1] > 0
            values[number, :-1] = np.where((total > 0) & possible, np.maximum(total / norms[number], LEAST), 0.0)
        return KnownSection({int(tick): number for number, tick in enumerate(here)}, lengths, values, norms)
