"""Sections of a form that repeat: what was sung before is sung again, note for note or with other pitches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from melodysynthesis.constraints.rule import NO, Flags, Ints
from melodysynthesis.constraints.space import Space
from melodysynthesis.constraints.terms import Section
from melodysynthesis.generation.past import Past


class Form:
    """Guaranteed: equal sections have the same notes; a varied one has the rhythm, and at least one other pitch.

    The automaton knows already which events fit in all sections that are alike; what was sung is known only here.

    Args:
        space: of the melody.
        form: its sections.
        places: start and end of each.
        edge: so many notes at the start and at the end of a section count for what stands beside it when it is sung
            again, by other rules than those of the automaton.
    """

    name = "form"

    def __init__(self, space: Space, form: Sequence[Section], places: Sequence[tuple[int, int]], edge: int = 0) -> None:
        self.space, self.edge, count = space, edge, len(space.ticks)
        # Where the same notes, or the same rhythm, were sung before each tick; `NO` where they are new.
        self.same, self.rhythm = np.full(count, NO), np.full(count, NO)
        self.begins = np.full(count, NO)  # the first tick of the section of each
        self.varied: list[tuple[Ints, Ints]] = []  # ticks of each varied section, and those of what it varies
        number = space.number
        for index, (section, (start, end)) in enumerate(zip(form, places, strict=True)):
            ticks = np.flatnonzero((space.ticks >= start) & (space.ticks < end))
            self.begins[ticks] = number[start]
            earlier = [other for other in range(index) if form[other].letter == section.letter]
            twins = [other for other in earlier if form[other] == section]
            if not earlier:
                continue
            source = (twins or earlier)[0]
            there = space.ticks[ticks] - start + places[source][0]
            there = np.where(there < places[source][1], number[np.minimum(there, space.ticks[-1])], NO)
            (self.same if twins else self.rhythm)[ticks] = there
            if not twins:
                self.varied.append((ticks[there != NO], there[there != NO]))

    def heads(self, past: Past, tick: Ints) -> Flags:
        """See `Memory.heads`."""
        rows, same, rhythm = np.arange(len(tick)), self.same[tick], self.rhythm[tick]
        events = np.arange(past.rest + 1)
        sung = past.event[rows, np.maximum(np.maximum(same, rhythm), 0)][:, None]
        fine = np.where((same != NO)[:, None], events == sung, True)
        alike = (events == past.rest) == (sung == past.rest)
        fine &= np.where((rhythm != NO)[:, None], alike & (sung != NO), True)
        for mine, theirs in self.varied:
            here = np.flatnonzero(np.isin(tick, mine))
            if len(here):
                fine[here] &= ~self._would_be_equal(past.select(here), tick[here], mine, theirs)
        return np.asarray(fine)

    def _would_be_equal(self, past: Past, tick: Ints, mine: Ints, theirs: Ints) -> Flags:
        """(rows, P + 1) events that would be the last note of a varied section, and leave it equal to the other."""
        new, old = past.event[:, mine], past.event[:, theirs]
        before, notes = mine < tick[:, None], (old != NO) & (old != past.rest)
        differs = (before & notes & (new != old)).any(axis=1)
        last = ~(notes & (mine > tick[:, None])).any(axis=1)
        now = old[np.arange(len(tick)), np.searchsorted(mine, tick)]
        equal = np.arange(past.rest + 1) == now[:, None]
        return np.asarray(equal & (last & ~differs & (now != past.rest))[:, None])

    def lengths(self, past: Past, tick: Ints, event: Ints) -> Flags:
        """See `Memory.lengths`."""
        del event
        source = np.maximum(self.same[tick], self.rhythm[tick])
        sung = past.length[np.arange(len(tick)), np.maximum(source, 0)]
        lengths = np.arange(len(self.space.lengths))
        return np.where((source == NO)[:, None], True, lengths == sung[:, None])

    def looked_at(self, past: Past, tick: int) -> bytes:
        """All of the past before a tick that counts from there on, for one particle.

        In a section that is sung again that is the rest of it; before it, the sections' effect is known better by
        `repetitions`, but for their edges. Of what is varied it is the rhythm and the pitches, and whether there is
        another one yet.
        """
        later = np.arange(len(self.same)) >= tick
        sources = self.rhythm[later & (self.rhythm != NO)]
        if self.same[tick] != NO and self.begins[tick] != tick:
            here = later & (self.begins == self.begins[tick]) & (self.same != NO)
            sources = np.concatenate([sources, self.same[here]])
        sources = sources[(sources != NO) & (sources < tick)]
        differs = [
            bool((past.event[0, mine] != past.event[0, theirs])[mine < tick].any())
            for mine, theirs in self.varied
            if len(mine) and mine[0] < tick <= mine[-1]
        ]
        edges = self._edges(past, tick)
        told = (past.event[0, sources], past.length[0, sources], edges, past.event[0, edges], past.length[0, edges])
        return b"".join(part.tobytes() for part in told) + bytes(differs)

    def _edges(self, past: Past, tick: int) -> Ints:
        """Ticks of the first and the last events, up to `edge` notes, of what was sung and will be sung again."""
        again = self.same[tick:]
        begins = np.unique(self.begins[again[(again != NO) & (again < tick)]])
        found = [np.zeros(0, np.int64)]
        for begin in begins.tolist() if self.edge else ():
            ticks = np.flatnonzero((self.begins[:tick] == begin) & (past.event[0, :tick] != NO))
            notes = ticks[past.event[0, ticks] != past.rest]
            if len(notes) > 2 * self.edge:
                ticks = ticks[(ticks <= notes[self.edge - 1]) | (ticks >= notes[-self.edge])]
            found.append(ticks)
        return np.concatenate(found)
