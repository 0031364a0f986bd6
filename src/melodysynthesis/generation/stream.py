"""A melody while it is being made: each note is final when it is out.

Particles that are resampled rewrite their past, so a note can be given out only once one of them is chosen. Here that
is done when all particles are `ahead` notes further: one is drawn by its weight, its next note is out, and particles
that have another one there are given up. What that costs is told with each note, as the effective number of particles
before and after: with none ahead, a note is chosen by what the look-ahead knows of the rules, and nothing that comes
later can speak against it.

With a rule that looks far back, a form or max-copy, there is one particle, and before a note is out a melody is looked
for that goes on from it; see `guided`. That takes longer than the model itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from melodysynthesis.constraints.given import Event
from melodysynthesis.constraints.rule import Flags
from melodysynthesis.generation import particles as smc
from melodysynthesis.generation.course import Course
from melodysynthesis.generation.guided import guide
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.ruled import courses_for, searched
from melodysynthesis.generation.steered import Drawn, Flock
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
    yield from sing(engine, course, request, index, ahead)


def sing(engine: Engine, course: Course, request: Request, index: int, ahead: int = 0) -> Iterator[Sung]:
    """The notes and rests of one melody of a course; see `stream`."""
    at = course.start.tick
    if course.memories:
        search = searched(course)
        events = guide(engine, course, request, index, search)
        wide = replace(course, asked=search.asked)
        yield from (Sung(_event(wide, *event), 1.0, 1.0) for event in events)
        return
    flock, count = Flock(engine, course, request, [index]), 0
    while not flock.done:
        flock.step()
        while not flock.done and flock.walk.notes()[~flock.dead].min() > count + ahead:
            sung, at = _commit(flock, course, at)
            count += 1
            yield sung
    yield from (Sung(event, 1.0, 1.0) for event in _rest(course, flock.results[0], at))


def _commit(flock: Flock, course: Course, at: int) -> tuple[Sung, int]:
    """Give out the event at a tick, by its number; and the number of the tick at which it ends."""
    past = flock.walk.past
    before = float(smc.effective_size(flock.weights)[0])
    row = int(smc.pick(flock.weights, flock.choices.next(np.zeros(1, np.int64)))[0])
    unlike: Flags = (past.event[:, at] != past.event[row, at]) | (past.length[:, at] != past.length[row, at])
    after = float(smc.effective_size(np.where(unlike.reshape(flock.weights.shape), -np.inf, flock.weights))[0])
    flock.give_up(unlike)
    event = _event(course, at, int(past.event[row, at]), int(past.length[row, at]))
    then = int(course.look.automaton.space.number[event.onset + event.ticks])
    return Sung(event, before, after), then


def _rest(course: Course, drawn: Drawn | None, at: int) -> Iterator[Event]:
    """What was not given out when the melody ended."""
    return (_event(course, *event) for event in (drawn.events if drawn else ()) if event[0] >= at)


def _event(course: Course, tick: int, event: int, length: int) -> Event:
    """An event by the numbers of its onset, itself and its length."""
    space, setting = course.look.automaton.space, course.look.automaton.setting
    pitch = None if event == setting.rest else int(setting.pitches[event])
    return Event(int(space.ticks[tick]), int(space.lengths[length]), pitch)
