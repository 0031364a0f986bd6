"""One melody by backtracking: before each note a complete search makes sure that a melody goes on from it.

Particles do not see what a form or max-copy will need later, and may all run into dead ends. Then one particle is
drawn. After each note a search looks for a melody that goes on from there; if it finds none soon, the note is taken
back and becomes a *nogood*, which is not drawn there again. From the state before it, a melody is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from melodysynthesis.constraints.rule import NO, Flags, Ints
from melodysynthesis.generation.particle_filter import ParticleFilter, Sample
from melodysynthesis.generation.search import Search
from melodysynthesis.generation.stepper import EventHistory, HistoryRule, RuleStepper
from melodysynthesis.generation.task import GenerationTask, Numbers


class NogoodStore:
    """Continuations known to fail ("nogoods"), as a rule that forbids them.

    Attributes:
        events: for each history, the events with their lengths after which no melody was found.
        pitches: for each history, the events after which none was found, whatever their length.
    """

    name = "nogoods"

    def __init__(self, lengths: int) -> None:
        self.count = lengths
        self.events: dict[bytes, set[tuple[int, int]]] = {}
        self.pitches: dict[bytes, set[int]] = {}

    def may_begin(self, history: EventHistory, tick: Ints) -> Flags:
        """See `HistoryRule.may_begin`."""
        fine = np.ones((len(tick), history.rest + 1), np.bool_)
        for row in range(len(tick)):
            fine[row, list(self.pitches.get(self.state_key(history.select(np.array([row])), int(tick[row])), ()))] = (
                False
            )
        return fine

    def may_last(self, history: EventHistory, tick: Ints, event: Ints) -> Flags:
        """See `HistoryRule.may_last`."""
        fine = np.ones((len(tick), self.count), np.bool_)
        for row in range(len(tick)):
            known = self.events.get(self.state_key(history.select(np.array([row])), int(tick[row])), ())
            fine[row, [length for other, length in known if other == event[row]]] = False
        return fine

    def add_event(self, history: EventHistory, tick: int, event: int, length: int) -> None:
        """Forbid an event of this length after this history."""
        self.events.setdefault(self.state_key(history, tick), set()).add((event, length))

    def add_pitch(self, history: EventHistory, tick: int, event: int) -> None:
        """Forbid an event of any length after this history."""
        self.pitches.setdefault(self.state_key(history, tick), set()).add(event)

    def state_key(self, history: EventHistory, tick: int) -> bytes:
        """See `HistoryRule.state_key`: the whole history."""
        return bytes(history.event[0, :tick].tobytes() + history.length[0, :tick].tobytes() + tick.to_bytes(4))


class Backtracking:
    """Draws one melody of a task, for which `search` has already found a melody.

    Args:
        task: the rules and what is given.
        search: finds a melody of the task that goes on from a prefix.
        start: makes a filter of one particle at its first step, with the history rules that it is given.

    Attributes:
        particles: the one particle. When an event is yielded, a melody that keeps the rules is known to go on from it.
        sample: the melody, once it is finished.
    """

    def __init__(
        self, task: GenerationTask, search: Search, start: Callable[[Sequence[HistoryRule]], ParticleFilter]
    ) -> None:
        self.task, self.search = task, search
        self.nogoods = NogoodStore(len(task.look.automaton.space.lengths))
        self.particles = start((*task.history_rules, self.nogoods))
        self.sample: Sample | None = None

    def events(self) -> Iterator[Numbers]:
        """Yield the numbers of onset, event and length of each event that is drawn; each is final once yielded."""
        particles, tick = self.particles, self.task.start.tick
        saved = particles.save()
        while True:
            before = self._stepper.select(np.zeros(1, np.int64))
            particles.step()
            sample = particles.results[0] if particles.done else None
            if sample is not None:
                if self.task.keeps_to_the_end(sample.events):
                    self.sample = sample
                    yield from (event for event in sample.events if event[0] >= tick)
                    return
                last = int(before.tick[0])
                self.nogoods.add_event(before.history, last, *next(one[1:] for one in sample.events if one[0] == last))
                particles.restore(saved)
            elif particles.done or not np.isfinite(particles.weights).any():
                assert before.event[0] != saved["stepper"].event[0], "the event that has begun must go on"
                self.nogoods.add_pitch(before.history, int(before.tick[0]), int(before.event[0]))
                particles.restore(saved)
            elif int(self._stepper.tick[0]) > tick:
                if self._goes_on(saved["stepper"]):
                    history = self._stepper.history
                    event = tick, int(history.event[0, tick]), int(history.length[0, tick])
                    saved, tick = particles.save(), int(self._stepper.tick[0])
                    yield event
                else:
                    particles.restore(saved)

    @property
    def _stepper(self) -> RuleStepper:
        assert isinstance(self.particles.stepper, RuleStepper)
        return self.particles.stepper

    def _goes_on(self, before: RuleStepper) -> bool:
        """Whether a melody goes on from the latest complete event, and with the event after it if that has begun."""
        stepper = self._stepper
        history, tick, state, event = (
            stepper.history,
            int(stepper.tick[0]),
            int(stepper.state[0]),
            int(stepper.event[0]),
        )
        if not self.search.found(history, tick, state):
            start = int(before.tick[0])
            last = int(history.event[0, start]), int(history.length[0, start])
            self.nogoods.add_event(before.history, start, *last)
            return False
        if event != NO and not self.search.found_with(history, tick, state, event):
            self.nogoods.add_pitch(history, tick, event)
            return False
        return True
