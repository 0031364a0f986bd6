"""A melody whose every note is looked at by a complete search before the next: for rules that look far back.

Particles do not see what a form or max-copy will ask for, and may all run into dead ends. Then one particle is drawn;
after each note a melody is looked for that goes on from there, and if none is found soon, the note is taken back and
not taken again. From where it stood before, one is known.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import numpy as np

from melodysynthesis.constraints.rule import NO, Flags, Ints
from melodysynthesis.generation.course import Course
from melodysynthesis.generation.past import Past
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.search import Search
from melodysynthesis.generation.steered import Drawn, Flock
from melodysynthesis.generation.walk import Walk
from melodysynthesis.runtime.base import Engine

ATTEMPT = 1
"""Its random numbers are others than those of the particles that came to nothing."""


class Taken:
    """A memory of what leads nowhere.

    Attributes:
        events: for a past, the events and lengths from which no melody was found to go on.
        begun: for a past, the events from which none was, whatever their length.
    """

    name = "taken"

    def __init__(self, lengths: int) -> None:
        self.count = lengths
        self.events: dict[bytes, set[tuple[int, int]]] = {}
        self.begun: dict[bytes, set[int]] = {}

    def heads(self, past: Past, tick: Ints) -> Flags:
        """See `Memory.heads`."""
        fine = np.ones((len(tick), past.rest + 1), np.bool_)
        for row in range(len(tick)):
            fine[row, list(self.begun.get(self.looked_at(past.select(np.array([row])), int(tick[row])), ()))] = False
        return fine

    def lengths(self, past: Past, tick: Ints, event: Ints) -> Flags:
        """See `Memory.lengths`."""
        fine = np.ones((len(tick), self.count), np.bool_)
        for row in range(len(tick)):
            known = self.events.get(self.looked_at(past.select(np.array([row])), int(tick[row])), ())
            fine[row, [length for other, length in known if other == event[row]]] = False
        return fine

    def event(self, past: Past, tick: int, event: int, length: int) -> None:
        """No melody was found to go on from this event."""
        self.events.setdefault(self.looked_at(past, tick), set()).add((event, length))

    def head(self, past: Past, tick: int, event: int) -> None:
        """No melody was found to go on from this event, however long it is."""
        self.begun.setdefault(self.looked_at(past, tick), set()).add(event)

    def looked_at(self, past: Past, tick: int) -> bytes:
        """See `Memory.looked_at`: everything."""
        return bytes(past.event[0, :tick].tobytes() + past.length[0, :tick].tobytes() + tick.to_bytes(4))


def guide(
    engine: Engine, course: Course, request: Request, index: int, search: Search
) -> Generator[tuple[int, int, int], None, Drawn]:
    """One melody, of which `search` has found some: numbers of onset, event and length of each event that is drawn.

    Each is final when it is out. The melody itself is what is returned.
    """
    course = replace(course, asked=search.asked)
    taken = Taken(len(course.look.automaton.space.lengths))
    flock = Flock(
        engine,
        course,
        request.model_copy(update={"particles": 1}),
        [index],
        memories=(*course.memories, taken),
        attempt=ATTEMPT,
    )
    saved, at = flock.saved(), course.start.tick
    while True:
        before = flock.walk.select(np.zeros(1, np.int64))
        flock.step()
        drawn = flock.results[0] if flock.done else None
        if flock.done and drawn is not None:
            if course.keeps_to_the_end(drawn.events):
                yield from (event for event in drawn.events if event[0] >= at)
                return drawn
            tick = int(before.tick[0])
            taken.event(before.past, tick, *next(event[1:] for event in drawn.events if event[0] == tick))
            flock.restore(saved)
        elif flock.done or not np.isfinite(flock.weights).any():
            assert before.head[0] != saved["walk"].head[0], "what was begun goes on"
            taken.head(before.past, int(before.tick[0]), int(before.head[0]))
            flock.restore(saved)
        elif int(flock.walk.tick[0]) > at:
            if _goes_on(flock.walk, saved["walk"], search, taken):
                past = flock.walk.past
                yield at, int(past.event[0, at]), int(past.length[0, at])
                saved, at = flock.saved(), int(flock.walk.tick[0])
            else:
                flock.restore(saved)


def draw_guided(engine: Engine, course: Course, request: Request, index: int, search: Search) -> Drawn:
    """One melody, of which `search` has found some."""
    drawing = guide(engine, course, request, index, search)
    while True:
        try:
            next(drawing)
        except StopIteration as end:
            drawn: Drawn = end.value
            return drawn


def _goes_on(walk: Walk, before: Walk, search: Search, taken: Taken) -> bool:
    """Whether some melody goes on from where an event has ended, and with the one that may have begun since."""
    past, tick, place, head = walk.past, int(walk.tick[0]), int(walk.place[0]), int(walk.head[0])
    if not search.found(past, tick, place):
        start = int(before.tick[0])
        taken.event(before.past, start, int(past.event[0, start]), int(past.length[0, start]))
        return False
    if head != NO and not search.found_with(past, tick, place, head):
        taken.head(past, tick, head)
        return False
    return True
