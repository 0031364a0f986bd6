"""The look-ahead within a section whose rhythm or notes are known, since the form repeats an earlier section.

The general look-ahead does not know what was written: it would end a cadence early and rest, where the repeated rhythm
has two notes to go. A backward pass along what is repeated does know. It is made once for each rhythm, or for the notes
where they are repeated too, and knows that a varied section needs another pitch. Its values replace those of the
general look-ahead from the section's start to its end.
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
        unvaried: the same where a section that varies another is equal to it so far; None for other sections.
        events: (J,) of what is repeated.
        norms: (J,) what the values before an event were divided by.
    """

    number: dict[int, int]
    lengths: Ints
    values: Floats
    unvaried: Floats | None
    events: Ints
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
            _, after = self._after(history, row, int(tick[row]), int(place[row]))
            general[row] = np.where(general[row] > 0, after, 0.0)
        return general

    def after_lengths(self, history: EventHistory, tick: Ints, place: Ints, event: Ints, general: Floats) -> Floats:
        """(rows, m) see `Lookahead.after_lengths`, whose values are `general`; only the known length is possible."""
        for row in np.flatnonzero(self.source[tick] != NO).tolist():
            length, after = self._after(history, row, int(tick[row]), int(place[row]))
            value = after[event[row]] if length != NO and general[row, length] > 0 else 0.0
            general[row] = 0.0
            general[row, length] = value
        return general

    def here(self, history: EventHistory, tick: Ints, place: Ints, general: Floats) -> Floats:
        """(rows,) see `Lookahead.log_likelihood`, whose values are `general`."""
        for row in np.flatnonzero(self.source[tick] != NO).tolist():
            section, number = self._of(history, row, int(tick[row]))
            values = section.values
            if section.unvaried is not None and not self._varies(history, row, int(tick[row])):
                values = section.unvaried
            value = values[number, self._state(int(place[row]))] if number != NO else 0.0
            general[row] = np.log(value) + self.look.scale[tick[row]] if value > 0 else -np.inf
        return general

    def _state(self, place: int) -> int:
        return place % (self.look.automaton.states + 1)

    def _after(self, history: EventHistory, row: int, tick: int, place: int) -> tuple[int, Floats]:
        """The known length at a tick, and (P + 1,) values after each event of it; `NO` and 0 where none begins."""
        automaton, (section, number) = self.look.automaton, self._of(history, row, tick)
        length = int(section.lengths[number]) if number != NO else NO
        kind = int(automaton.event_classes[tick, length]) if number != NO else NO
        if kind == NO:
            return NO, np.zeros(automaton.next.shape[2])
        then = automaton.next[kind, self._state(place)]
        after = section.values[number + 1, then]
        if section.unvaried is not None and not self._varies(history, row, tick):
            old = section.events[number]
            after[old] = section.unvaried[number + 1, then[old]]
        return length, after / section.norms[number]

    def _varies(self, history: EventHistory, row: int, tick: int) -> bool:
        """Whether what there is of a varied section differs from the one that it varies."""
        here = self._ticks_of(int(self.form.begins[tick]))
        here = here[here < tick]
        return bool((history.event[row, here] != history.event[row, self.source[here]]).any())

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
        key: bytes = b"%d " % begin + history.event[row, there].tobytes() + history.length[row, there].tobytes()
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
        values[-1], varied = self.look.values[end], self.form.same[begin] == NO
        if following != NO:
            behind = self._section(history, row, following, written)
            first = behind.values[0] if behind.unvaried is None else behind.unvaried[0]
            values[-1] = np.where(values[-1] > 0, first, 0.0)
        unvaried = np.zeros_like(values) if varied else None
        for number in reversed(range(len(here))):
            kind, event = int(automaton.event_classes[here[number], lengths[number]]), events[number]
            if kind == NO:
                break
            those = slice(0, history.rest) if varied and event != history.rest else slice(event, event + 1)
            next_states, share = automaton.next[kind, :-1, those], self.shares[:, those]
            then = values[number + 1][next_states]
            total = np.einsum("ue,ue->u", share, then)
            norms[number] = total.max() or 1.0
            values[number, :-1] = self._scaled(total, norms[number], int(here[number]))
            if unvaried is not None:
                old = event - those.start
                then[:, old] = unvaried[number + 1][next_states[:, old]]
                equal = np.einsum("ue,ue->u", share, then)
                unvaried[number, :-1] = self._scaled(equal, norms[number], int(here[number]))
        number_of = {int(tick): number for number, tick in enumerate(here)}
        return KnownSection(number_of, lengths, values, unvaried, np.array(events), norms)

    def _scaled(self, total: Floats, norm: float, tick: int) -> Floats:
        """(U,) values before an event, none that is possible below `LEAST`."""
        possible: Flags = (total > 0) & (self.look.values[tick, :-1] > 0)
        return np.where(possible, np.maximum(total / norm, LEAST), 0.0)
