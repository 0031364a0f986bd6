"""Drawing melodies that keep rules: particles, each steered by how likely the rules still are to be kept.

At each step the model's probabilities, at the request's temperature, are multiplied by the likelihood of the rules
after each option; what they add up to, over the likelihood before, is what the particle's weight is multiplied by.
Options that the rules rule out have none, so no particle runs into a dead end. Weights correct what the look-ahead is
wrong about: with many particles the melody that is drawn has the model's own distribution among those that keep the
rules. top-k and top-p cut what is drawn from, after the mask, and are not corrected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.constraints.no_loop import LONGEST
from melodysynthesis.encodings.base import Encoding, Ids, Role
from melodysynthesis.encodings.event import EventEncoding
from melodysynthesis.encodings.grid import GridEncoding
from melodysynthesis.errors import ModelError
from melodysynthesis.generation import particles as smc
from melodysynthesis.generation import sampling
from melodysynthesis.generation.course import Course
from melodysynthesis.generation.event_walk import EventWalk
from melodysynthesis.generation.grid_walk import GridWalk
from melodysynthesis.generation.past import Memory
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.walk import Options, Walk
from melodysynthesis.runtime.base import Engine, Logits, State

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

PARTICLES = 8
"""For each melody, unless another number is asked for."""
RESAMPLE = 0.5
"""Particles are resampled when their effective number is less than this share of them."""
STUCK = -20.0
"""Added to the log-likelihood of one more note of a pitch that has sounded too often in a row: encouraged, no rule."""
SAVED = ("melodies", "weights", "logits", "ids", "length", "score", "likelihood", "dead")
"""What changes in a flock from step to step, but for its walk and the model's state."""
PARTICLE_STREAM, ATTEMPT_STREAM = 40, 56
"""Bits of the number of a random stream from which on the particle and the attempt stand."""


class Drawn(NamedTuple):
    """One melody.

    Attributes:
        ids: its tokens, from the start token on.
        log_likelihood: natural logarithm of the model's probability of those that make music and were not given.
        effective_size: the least effective number of particles that there was before a resampling or at the end.
        log_probability: estimated natural logarithm of the probability that a melody of the model keeps the rules.
        drawn: number of tokens that were not given.
        events: numbers of onset, event and length of each, those before the start too.
    """

    ids: tuple[int, ...]
    log_likelihood: float
    effective_size: float
    log_probability: float
    drawn: int
    events: tuple[tuple[int, int, int], ...]


def particles_of(request: Request) -> int:
    """How many particles there are for each melody."""
    return 1 if request.temperature == 0 else request.particles or PARTICLES


def draw(
    engine: Engine,
    course: Course,
    request: Request,
    indices: Sequence[int],
    advance: Callable[[int], None] = lambda done: None,
) -> list[Drawn | None]:
    """A melody for each index; None where all particles of one came to nothing, as only `Course.memories` can cause.

    Args:
        engine: the model.
        course: what holds for all.
        request: seed, temperature, top-k, top-p and the number of particles are taken from it.
        indices: numbers of the melodies in the request, which pick their random streams.
        advance: is told how many melodies are done.
    """
    flock = Flock(engine, course, request, indices)
    while not flock.done:
        flock.step()
        advance(len(indices) - len(flock.melodies))
    return flock.results


def walk_of(encoding: Encoding, course: Course, rows: int, memories: Sequence[Memory]) -> Walk:
    """A walk of so many particles, whose options are an encoding's tokens."""
    if isinstance(encoding, GridEncoding):
        return GridWalk(encoding, course.look, course.start, rows, memories)
    assert isinstance(encoding, EventEncoding)
    return EventWalk(course.look, course.start, rows, memories, course.timeline.changes)


class Flock:
    """Particles of several melodies under way, N for each; a row of the batch is one particle.

    Melodies that are done leave the batch. Without `memories` those of the course are kept.
    """

    def __init__(
        self,
        engine: Engine,
        course: Course,
        request: Request,
        indices: Sequence[int],
        *,
        memories: Sequence[Memory] | None = None,
        attempt: int = 0,
    ) -> None:
        self.engine, self.request, self.size = engine, request, particles_of(request)
        numbers = np.array(indices, np.int64) + (attempt << ATTEMPT_STREAM)
        each = (np.arange(self.size, dtype=np.int64) + 1) << PARTICLE_STREAM
        self.uniforms = sampling.Uniforms(request.seed, (numbers[:, None] + each).reshape(-1))
        self.choices = sampling.Uniforms(request.seed, numbers + ((self.size + 1) << PARTICLE_STREAM))
        self.music = engine.encoding.roles == Role.MUSIC
        rows = len(indices) * self.size
        logits, state = engine.init(1)
        for token in course.prefix:
            logits, state = engine.step(np.array([token]), state)
        self.logits: Logits = logits[np.zeros(rows, np.int64)]
        self.state: State = engine.select(state, np.zeros(rows, np.int64))
        self.walk: Walk = walk_of(engine.encoding, course, rows, course.memories if memories is None else memories)
        self.prefix = (engine.encoding.start_id, *course.prefix)
        self.melodies = np.arange(len(indices))  # those in the batch
        self.ids, self.length = np.zeros((rows, 128), np.int64), np.zeros(rows, np.int64)
        self.score, self.dead = np.zeros(rows), np.zeros(rows, np.bool_)
        begin = np.array([course.start.tick]), np.array([course.start.place])
        likelihood = float(course.look.log_likelihood(*begin)[0])
        self.likelihood = np.full(rows, likelihood)  # of the rules, where each particle is
        self.weights = np.full((len(indices), self.size), likelihood)
        self.least = np.full(len(indices), float(self.size))
        self.results: list[Drawn | None] = [None] * len(indices)

    @property
    def done(self) -> bool:
        """Whether all melodies are."""
        return len(self.melodies) == 0

    def saved(self) -> dict[str, Any]:
        """Where it stands, for `restore`. Random streams go on from where they are."""
        rows = np.arange(len(self.ids))
        return {
            "walk": self.walk.select(rows),
            "state": self.engine.select(self.state, rows),
            **{name: getattr(self, name).copy() for name in SAVED},
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Go back to where it stood."""
        rows = np.arange(len(saved["ids"]))
        self.walk, self.state = saved["walk"].select(rows), self.engine.select(saved["state"], rows)
        self.results = [None] * len(self.results)
        for name in SAVED:
            setattr(self, name, saved[name].copy())

    def give_up(self, rows: NDArray[np.bool_]) -> None:
        """Go on without some particles; the others take their places when they are resampled."""
        self.weights = np.where(rows.reshape(self.weights.shape), -np.inf, self.weights)
        self.dead, self.walk.done = self.dead | rows, self.walk.done | rows
        self._settle()

    def step(self) -> None:
        """One token for each particle."""
        if not np.isfinite(self.logits).all():
            raise ModelError("the model gives no numbers: its file is damaged, or its training went astray")
        options, allowed = self.walk.options(), self.state.context.allowed()
        walking = ~self.walk.done
        chosen, total, likelihood = self._choose(options, allowed)
        dead = walking & ~np.isfinite(total)
        ids = options.tokens[np.arange(len(chosen)), chosen]
        ids[dead | self.dead] = np.argmax(allowed[dead | self.dead], axis=1)  # the grammar takes it, nobody looks at it
        gain = np.where(walking & ~dead, total - self.likelihood, 0.0)
        self.weights += np.where(dead, -np.inf, gain).reshape(self.weights.shape)
        self.likelihood = np.where(walking & ~dead, likelihood, self.likelihood)
        self.walk.done |= dead
        self.dead |= dead
        self.walk.take(options, chosen)
        self._write(ids, walking & ~dead)
        self.logits, self.state = self.engine.step(ids, self.state)
        self._settle()

    def _choose(self, options: Options, allowed: NDArray[np.bool_]) -> tuple[Ints, Floats, Floats]:
        """Column of each row's option, logarithm of the sum over all, and the likelihood after the chosen one."""
        context, request = self.state.context, self.request
        tempered = sampling.tempered(self.logits, request.temperature or 1.0).astype(np.float64)
        normal = _log_sum(np.where(allowed, tempered, -np.inf))
        own = np.take_along_axis(tempered, options.tokens, 1) - normal[:, None]
        stuck = (context.repeats >= LONGEST)[:, None] & (options.tokens == context.last_pitch[:, None])
        likelihood = options.likelihood + STUCK * stuck
        likelihood = np.where(np.take_along_axis(allowed, options.tokens, 1), likelihood, -np.inf)
        joint = own + likelihood
        total = _log_sum(joint)
        joint[~np.isfinite(total), 0] = 0.0  # something has to be drawn
        uniform = self.uniforms.next(self._streams())
        if request.temperature == 0:
            chosen = sampling.argmax(np.where(np.isfinite(joint), own, -np.inf))
        else:
            joint = np.asarray(sampling.top_k(joint, request.top_k), np.float64) if request.top_k is not None else joint
            joint = np.asarray(sampling.top_p(joint, request.top_p), np.float64) if request.top_p is not None else joint
            chosen = sampling.draw(joint, uniform)
        return chosen, total, likelihood[np.arange(len(chosen)), chosen]

    def _streams(self) -> Ints:
        """(rows,) the random stream of each."""
        return np.asarray((self.melodies[:, None] * self.size + np.arange(self.size)).reshape(-1))

    def _write(self, ids: Ids, rows: NDArray[np.bool_]) -> None:
        """Take down a token of those rows."""
        if self.length.max() == self.ids.shape[1]:
            self.ids = np.pad(self.ids, ((0, 0), (0, self.ids.shape[1])))
        at = np.flatnonzero(rows)
        self.ids[at, self.length[at]] = ids[at]
        self.length[at] += 1
        self.score[at] += np.where(self.music[ids[at]], _log_probability(self.logits[at], ids[at]), 0.0)

    def _settle(self) -> None:
        """Take out the melodies that are done, and resample where weights have become too unequal."""
        sizes = smc.effective_size(self.weights)
        self.least[self.melodies] = np.minimum(self.least[self.melodies], sizes)
        uniform = self.choices.next(self.melodies)
        ended = self.walk.done.reshape(self.weights.shape).all(axis=1)
        for place in np.flatnonzero(ended).tolist():
            self.results[self.melodies[place]] = self._result(place, float(uniform[place]))
        living = np.isfinite(self.weights).any(axis=1)
        dying = ~np.isfinite(self.weights).all(axis=1) & living
        poor = ((sizes < RESAMPLE * self.size) | dying) & ~ended
        if not poor.any() and not ended.any():
            return
        source = np.arange(self.weights.size).reshape(self.weights.shape)
        if poor.any():
            source[poor] = source[poor, :1] + smc.resample(self.weights[poor], uniform[poor])
            self.weights[poor] = smc.log_mean(self.weights[poor])[:, None]
        self._select(source[~ended].reshape(-1), np.asarray(~ended))

    def _select(self, rows: Ints, melodies: NDArray[np.bool_]) -> None:
        self.melodies, self.weights = self.melodies[melodies], self.weights[melodies]
        self.logits, self.state = self.logits[rows], self.engine.select(self.state, rows)
        self.walk = self.walk.select(rows)
        self.ids, self.length, self.score = self.ids[rows], self.length[rows], self.score[rows]
        self.likelihood, self.dead = self.likelihood[rows], self.dead[rows]

    def _result(self, place: int, uniform: float) -> Drawn | None:
        """One of a melody's particles, by their weights; None where all are dead."""
        weights = self.weights[place : place + 1]
        if not np.isfinite(weights).any():
            return None
        row = place * self.size + int(smc.pick(weights, np.array([uniform]))[0])
        tokens = self.ids[row, : self.length[row]].tolist()
        return Drawn(
            ids=(*self.prefix, *tokens),
            log_likelihood=float(self.score[row]),
            effective_size=float(self.least[self.melodies[place]]),
            log_probability=float(smc.log_mean(weights)[0]),
            drawn=len(tokens),
            events=self.walk.past.events(row),
        )


def _log_sum(values: Floats) -> Floats:
    """(rows,) logarithm of the sum of powers; -inf where there is none."""
    top = values.max(axis=1)
    safe = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(values - safe[:, None]).sum(axis=1)) + safe)


def _log_probability(logits: Logits, ids: Ids) -> Floats:
    """(rows,) natural logarithm of each token's probability under the model."""
    above = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(above[np.arange(len(ids)), ids] - np.log(np.exp(above).sum(axis=1)), np.float64)
