"""A melody while it is being made: each note is final when it is out.

Particles that are resampled rewrite their past, so a note can be given out only once one of them is chosen. Here that
is done when all particles are `ahead` notes further: one is drawn by its weight, its next note is out, and particles
that have another one there are given up. What that costs is told with each note, as the effective number of particles
before and after: with none ahead, a note is chosen by what the look-ahead knows of the rules, and nothing that comes
later can speak against it.

A rule that looks far back, a form or max-copy, may need to go back over notes that are out already. Then the whole
melody is made first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from melodysynthesis.constraints.given import Event
from melodysynthesis.constraints.rule import Flags
from melodysynthesis.generation import particles as smc
from melodysynthesis.generation.course import Course, events_of
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.ruled import courses_for, generate_ruled
from melodysynthesis.generation.steered import Flock
from melodysynthesis.runtime.base import Engine


class Sung(NamedTuple):
    """A note or rest that is final.

    Attributes:
        event: which it is.
        before: effective number of particles when it was chosen.
        after: that number without the particles that were given up.
    """

    event: Event
    before: float
    after: float


def stream(engine: Engine, request: Request, index: int = 0, ahead: int = 0) -> Iterator[Sung]:
    """The notes and rests of one melody, in order, after those that are given.

    Args:
        engine: the model.
        request: what is asked for; rules hold as for whole melodies.
        index: the melody's number in the request.
        ahead: by how many notes all particles are further before one is given out.

    Raises:
        RequestError: before the first note, if no melody keeps the rules.
    """
    ((course, _),) = courses_for(engine, request, [index])
    if course.memories:
        (made,) = generate_ruled(engine, request, [index])
        for event in events_of(made.melody, course.given_until):
            yield Sung(event, 1.0, 1.0)
        return
    flock = Flock(engine, course, request, [index])
    at, count = course.start.tick, 0
    while len(flock.melodies):
        flock.step()
        while len(flock.melodies) and flock.walk.notes()[~flock.dead].min() > count + ahead:
            sung, at = _commit(flock, course, at)
            count += 1
            yield sung
    for event in _rest(engine, course, flock, at):
        yield Sung(event, 1.0, 1.0)


def _commit(flock: Flock, course: Course, at: int) -> tuple[Sung, int]:
    """Give out the event at a tick, by its number; and the number of the tick at which it ends."""
    past = flock.walk.past
    before = float(smc.effective_size(flock.weights)[0])
    row = int(smc.pick(flock.weights, flock.choices.next(np.zeros(1, np.int64)))[0])
    event, length = int(past.event[row, at]), int(past.length[row, at])
    unlike: Flags = (past.event[:, at] != event) | (past.length[:, at] != length)
    flock.give_up(unlike)
    space, setting = course.look.automaton.space, course.look.automaton.setting
    onset, ticks = int(space.ticks[at]), int(space.lengths[length])
    pitch = None if event == setting.rest else int(setting.pitches[event])
    after = float(smc.effective_size(flock.weights)[0])
    return Sung(Event(onset, ticks, pitch), before, after), int(space.number[onset + ticks])


def _rest(engine: Engine, course: Course, flock: Flock, at: int) -> tuple[Event, ...]:
    """What was not given out when the melody ended."""
    drawn = flock.results[0]
    until = course.look.automaton.space.ticks[[at, course.start.until]].tolist()
    return events_of(course.melody(engine.encoding, drawn.ids), *until) if drawn else ()
