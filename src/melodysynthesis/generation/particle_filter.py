"""The one loop that draws melodies: a particle filter, also called sequential Monte Carlo.

Each melody of a batch has N particles; a row of the model's batch is one particle. At each step a stepper gives the
options of each particle: the model's probabilities p, at the request's temperature, and the likelihood v that the rules
are kept after each. The next token is drawn by p * v, and the particle's weight is multiplied by the sum of p * v over
the v before. Options with v = 0 are never drawn. Weights correct what the look-ahead is wrong about: with many
particles the melody that is drawn has the model's own distribution among those that keep the rules. Top-k and top-p cut
what is drawn from, after the rules, and are not corrected.

A melody without rules is the case of particles whose options all keep the rules: the filter is then ordinary
ancestral sampling, and the particles are independent drafts.

A judge of whole melodies multiplies the weight of each particle that has ended by its odds, before one is drawn: of
drafts one is drawn by odds alone, under rules by weight times odds (sampling importance resampling, Rubin 1987).

Arrays of weights are (melodies, particles), as natural logarithms. Source: Doucet and Johansen, "A tutorial on particle
filtering and smoothing" (2011).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from melodysynthesis.encodings.base import Ids, Role
from melodysynthesis.errors import ModelError
from melodysynthesis.generation import sampling
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.stepper import Flags, Floats, Ints, Options, RuleStepper, TokenStepper
from melodysynthesis.numerics import log_sum_exp
from melodysynthesis.runtime.base import Engine, Logits, State

RESAMPLE = 0.5
"""Particles are resampled when their effective number is less than this share of them."""
DROP = 1 / 8
"""Melodies without rules leave the batch when those that have ended are this share of it: copying the state costs about
a step."""
SAVED = ("melodies", "weights", "logits", "ids", "length", "drawn", "score", "likelihood", "dead")
"""What changes from step to step, but for the stepper and the model's state."""
PARTICLE_BITS, ATTEMPT_BITS, ATTEMPTS = 40, 56, 2
"""A random stream's number is that of the melody, plus the particle's and the attempt's above these bits."""


Judging = Callable[[Sequence[int], Sequence[tuple[int, ...]]], Floats]
"""Log odds of whole melodies: from the number of each in the request, and its tokens from the start token on."""


class Beginning(NamedTuple):
    """Where all particles of a batch are before the first step.

    Attributes:
        stepper: of all rows.
        logits: (rows, vocabulary) of the first token.
        state: the model's, for all rows.
        prefix: tokens that have been taken, from the start token on.
        log_likelihood: that the rules are kept; 0 where the stepper weighs nothing.
    """

    stepper: TokenStepper
    logits: Logits
    state: State
    prefix: tuple[int, ...]
    log_likelihood: float | None = None


class Sample(NamedTuple):
    """One melody that has been drawn.

    Attributes:
        ids: its tokens, from the start token on.
        log_likelihood: natural logarithm of the model's probability of those that make music and were not given.
        drawn: number of tokens that were not given.
        ended: whether the model chose the end, rather than the limit of steps.
        effective_size: the least effective number of particles that there was before a resampling or at the end.
        log_probability: estimated natural logarithm of the probability that a melody of the model keeps the rules.
        events: numbers of onset, event and length of each, with those before the beginning; empty without rules.
        drafts: how many different ones there were to draw from at the end.
        log_odds: what the judge gave it; None without a judge.
    """

    ids: tuple[int, ...]
    log_likelihood: float
    drawn: int
    ended: bool
    effective_size: float
    log_probability: float
    events: tuple[tuple[int, int, int], ...]
    drafts: int = 1
    log_odds: float | None = None


class ParticleFilter:
    """Particles of several melodies under way, `size` for each.

    Args:
        engine: the model.
        request: seed, temperature, top-k and top-p are taken from it.
        indices: numbers of the melodies in the request, which pick their random streams.
        beginning: of all rows, the particles of one melody next to each other.
        attempt: another number picks other random streams.
        judge: weighs melodies that have ended; None for none.

    Attributes:
        melodies: (melodies,) position among `indices` of those that are in the batch.
        weights: (melodies, particles) logarithms.
        ids: (rows, longest) tokens after the prefix, of which each row has `length`.
        dead: (rows,) particles that nothing can follow, or that were given up.
        results: for each index what was drawn, once it is; None also where all its particles died, as only rules that
            look far back can cause.
    """

    def __init__(
        self,
        engine: Engine,
        request: Request,
        indices: Sequence[int],
        beginning: Beginning,
        attempt: int = 0,
        *,
        judge: Judging | None = None,
    ) -> None:
        self.engine, self.request, self.indices, self.judge = engine, request, list(indices), judge
        self.stepper, self.logits, self.state, self.prefix, likelihood = beginning
        self.weighted = likelihood is not None
        rows = len(self.stepper.done)
        self.size = rows // len(indices)
        numbers = np.array(indices, np.int64) + ((attempt + ATTEMPTS * (request.redraw or 0)) << ATTEMPT_BITS)
        particle = (np.arange(self.size, dtype=np.int64) + self.weighted) << PARTICLE_BITS
        self.uniforms = sampling.Uniforms(request.seed, (numbers[:, None] + particle).reshape(-1))
        self.choices = sampling.Uniforms(request.seed, numbers + ((self.size + 1) << PARTICLE_BITS))
        self.music = engine.encoding.roles == Role.MUSIC
        self.melodies = np.arange(len(indices))
        self.ids, self.length = np.zeros((rows, 128), np.int64), np.zeros(rows, np.int64)
        self.drawn, self.score, self.dead = np.zeros(rows, np.int64), np.zeros(rows), np.zeros(rows, np.bool_)
        self.likelihood = np.full(rows, likelihood or 0.0)  # of the rules, where each particle is
        self.weights = np.full((len(indices), self.size), likelihood or 0.0)
        self.least = np.full(len(indices), float(self.size))
        self.finished = np.zeros(len(indices), np.bool_)
        self.results: list[Sample | None] = [None] * len(indices)

    @property
    def done(self) -> bool:
        """Whether all melodies are."""
        return bool(self.finished.all())

    def save(self) -> dict[str, Any]:
        """A copy of all particles, for `restore`. Random streams are not part of it: they go on."""
        rows = np.arange(len(self.ids))
        return {
            "stepper": self.stepper.select(rows),
            "state": self.engine.select(self.state, rows),
            **{name: getattr(self, name).copy() for name in SAVED},
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Go back to what was saved, which stays good."""
        rows = np.arange(len(saved["ids"]))
        self.stepper, self.state = saved["stepper"].select(rows), self.engine.select(saved["state"], rows)
        self.results, self.finished = [None] * len(self.results), np.zeros(len(self.results), np.bool_)
        for name in SAVED:
            setattr(self, name, saved[name].copy())

    def step(self) -> list[int]:
        """Draw one token for each particle.

        Returns:
            positions among `indices` of the melodies that are finished by it; see `results`.

        Raises:
            RequestError: if token masks leave a melody nothing.
            ModelError: if the model gives no numbers.
        """
        if not np.isfinite(self.logits).all():
            raise ModelError("the model returned NaN or infinity: its file is damaged or its training diverged")
        context, walking = self.state.context, ~self.stepper.done
        options = self.stepper.options(self.logits, context, self.request.temperature)
        chosen = self._choose(options, walking)
        ids = options.tokens[np.arange(len(chosen)), chosen]
        if self.dead.any():  # the grammar needs some token; it is not used
            ids[self.dead] = np.argmax(context.allowed()[self.dead], axis=1)
        self.stepper.done |= self.dead
        self.stepper.advance(options, chosen)
        self._write(ids, np.flatnonzero(walking & ~self.dead), options)
        self.logits, self.state = self.engine.step(ids, self.state)
        return self._settle()

    def _choose(self, options: Options, walking: Flags) -> Ints:
        """(rows,) column of each row's option; changes the weights of the rows that are walking."""
        own, likelihood, request = options.log_probability, options.log_likelihood, self.request
        joint = own if likelihood is None else own + likelihood
        total = None if likelihood is None else log_sum_exp(joint, axis=1)
        if total is not None:
            joint[~np.isfinite(total), 0] = 0.0  # something has to be drawn
        chosen = sampling.choose(
            joint,
            own,
            self.uniforms.next(self._streams()),
            temperature=request.temperature,
            k=request.top_k,
            p=request.top_p,
        )
        if likelihood is None or total is None:
            return chosen
        dead = walking & ~np.isfinite(total)
        moved = walking & ~dead
        gain = np.where(moved, total - self.likelihood, 0.0)
        self.weights += np.where(dead, -np.inf, gain).reshape(self.weights.shape)
        self.likelihood = np.where(moved, likelihood[np.arange(len(chosen)), chosen], self.likelihood)
        self.dead = self.dead | dead
        return chosen

    def _streams(self) -> Ints:
        """(rows,) the random stream of each."""
        return np.asarray((self.melodies[:, None] * self.size + np.arange(self.size)).reshape(-1))

    def _write(self, ids: Ids, rows: Ints, options: Options) -> None:
        """Record the tokens of some rows, and their likelihood."""
        if self.length.max() == self.ids.shape[1]:
            self.ids = np.pad(self.ids, ((0, 0), (0, self.ids.shape[1])))
        self.ids[rows, self.length[rows]] = ids[rows]
        self.length[rows] += 1
        drawn = ~options.forced[rows]
        self.drawn[rows] += drawn
        likelihood = sampling.log_probability(options.logits, ids)[rows]  # of few rows too many; no copy of the logits
        self.score[rows] += np.where(self.music[ids[rows]] & drawn, likelihood, 0.0)

    def give_up(self, rows: Flags) -> None:
        """Go on without some particles; copies of the others take their places when they are resampled."""
        self.weights = np.where(rows.reshape(self.weights.shape), -np.inf, self.weights)
        self.dead, self.stepper.done = self.dead | rows, self.stepper.done | rows
        self._settle()

    def _settle(self) -> list[int]:
        """Take out the melodies that have ended, and resample particles where weights have become too unequal."""
        ended: Flags = np.logical_and.reduce(self.stepper.done.reshape(self.weights.shape), axis=1)
        new = np.flatnonzero(ended & ~self.finished[self.melodies])
        poor = np.zeros(len(ended), np.bool_)
        uniform = np.zeros(len(ended))
        if self.size > 1:
            sizes = effective_size(self.weights)
            self.least[self.melodies] = np.minimum(self.least[self.melodies], sizes)
            uniform = self.choices.next(self.melodies)
            alive = np.isfinite(self.weights)
            dying = ~alive.all(axis=1) & alive.any(axis=1)
            poor = ((sizes < RESAMPLE * self.size) | dying) & ~ended
        log_odds = self._judged(new)
        for place in new.tolist():
            self.results[self.melodies[place]] = self._result(place, float(uniform[place]), log_odds.get(place))
        finished = self.melodies[new]
        self.finished[finished] = True
        drop = ended if self.weighted or ended.mean() >= DROP else np.zeros(len(ended), np.bool_)
        if self.done or not (poor.any() or drop.any()):
            return [int(melody) for melody in finished]
        source = np.arange(self.weights.size).reshape(self.weights.shape)
        if poor.any():
            source[poor] = source[poor, :1] + resample(self.weights[poor], uniform[poor])
            self.weights[poor] = log_mean(self.weights[poor])[:, None]
        self._select(source[~drop].reshape(-1), np.asarray(~drop))
        return [int(melody) for melody in finished]

    def _select(self, rows: Ints, melodies: Flags) -> None:
        self.melodies, self.weights = self.melodies[melodies], self.weights[melodies]
        self.logits, self.state = self.logits[rows], self.engine.select(self.state, rows)
        self.stepper = self.stepper.select(rows)
        self.ids, self.length, self.drawn = self.ids[rows], self.length[rows], self.drawn[rows]
        self.score, self.likelihood, self.dead = self.score[rows], self.likelihood[rows], self.dead[rows]

    def pick(self) -> int:
        """A row of the first melody in the batch, drawn by weight."""
        return int(pick(self.weights, self.choices.next(np.zeros(1, np.int64)))[0])

    def tokens(self, row: int) -> tuple[int, ...]:
        """The tokens of a particle, from the start token on."""
        return (*self.prefix, *self.ids[row, : self.length[row]].tolist())

    def _judged(self, places: Ints) -> dict[int, Floats]:
        """(particles,) log odds of the particles of melodies that have ended, by place; 0 for those that are dead."""
        if self.judge is None or not len(places):
            return {}
        rows = [row for place in places.tolist() for row in range(place * self.size, (place + 1) * self.size)]
        alive = [row for row in rows if np.isfinite(self.weights.flat[row])]
        numbers = {(self.indices[self.melodies[row // self.size]], self.tokens(row)): row for row in alive}
        if not numbers:
            return {}
        found = self.judge([index for index, _ in numbers], [ids for _, ids in numbers])
        of = dict(zip(numbers, found.tolist(), strict=True))
        log_odds = {place: np.zeros(self.size) for place in places.tolist()}
        for row in alive:
            place, particle = divmod(row, self.size)
            log_odds[place][particle] = of[self.indices[self.melodies[place]], self.tokens(row)]
        return log_odds

    def _result(self, place: int, uniform: float, log_odds: Floats | None) -> Sample | None:
        """One of a melody's particles, by their weights and the judge's odds; None where all are dead."""
        weights = self.weights[place : place + 1]
        alive = np.isfinite(weights[0])
        if not alive.any():
            return None
        row, log_probability = place * self.size, float(weights[0, 0])
        if self.size > 1:
            judged = weights if log_odds is None else weights + log_odds
            row += int(pick(judged, np.array([uniform]))[0])
            log_probability = float(log_mean(weights)[0])
        return Sample(
            ids=self.tokens(row),
            log_likelihood=float(self.score[row]),
            drawn=int(self.drawn[row]),
            ended=not self.stepper.cut_off[row],
            effective_size=float(self.least[self.melodies[place]]),
            log_probability=log_probability,
            events=self.stepper.history.events(row) if isinstance(self.stepper, RuleStepper) else (),
            drafts=len({self.tokens(place * self.size + each) for each in np.flatnonzero(alive).tolist()}),
            log_odds=None if log_odds is None else float(log_odds[row - place * self.size]),
        )


def log_mean(weights: Floats) -> Floats:
    """(melodies,) logarithm of the mean weight; -inf where all are dead."""
    return np.asarray(log_sum_exp(weights, axis=1) - np.log(weights.shape[1]))


def shares(weights: Floats) -> Floats:
    """(melodies, particles) weights that add up to 1; all equal where all are dead."""
    top = weights.max(axis=1, keepdims=True)
    powers = np.where(np.isfinite(top), np.exp(weights - np.where(np.isfinite(top), top, 0.0)), 1.0)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def effective_size(weights: Floats) -> Floats:
    """(melodies,) effective sample size, from 1 to the number of particles (Kong, Liu and Wong 1994)."""
    return np.asarray(1 / (shares(weights) ** 2).sum(axis=1))


def resample(weights: Floats, uniforms: Floats) -> Ints:
    """(melodies, particles) which particle each new one is a copy of, by systematic resampling.

    Args:
        weights: (melodies, particles).
        uniforms: (melodies,) in [0, 1).
    """
    count = weights.shape[1]
    reached = np.cumsum(shares(weights), axis=1)
    points = (np.arange(count) + uniforms[:, None]) / count * reached[:, -1:]
    chosen = (reached[:, None, :] <= points[:, :, None]).sum(axis=2)
    return np.asarray(np.minimum(chosen, count - 1))


def pick(weights: Floats, uniforms: Floats) -> Ints:
    """(melodies,) one particle of each melody, by its weight."""
    reached = np.cumsum(shares(weights), axis=1)
    chosen = (reached <= uniforms[:, None] * reached[:, -1:]).sum(axis=1)
    return np.asarray(np.minimum(chosen, weights.shape[1] - 1))
