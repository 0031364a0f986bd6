"""Mean ratings of sets of melodies, and their strengths by choices between pairs, from a listening test.

Conventions
-----------
Input: judgements, each by one listener, on one melody or on two melodies of different sets. Unit: of the ratings; of
strengths log odds.

Model of choices
    Bradley and Terry (Biometrika 39, 1952), with ties as Davidson has them (Journal of the American Statistical
    Association 65, 1970):

        P(i before j) = e^a / (e^a + e^b + v e^((a + b) / 2))        a, b: strengths of i and j
        P(neither)    = v e^((a + b) / 2) / (the same)               v: how readily listeners see no difference

    Without ties v is 0. In the strengths and log v the likelihood is concave; it is maximised by Newton's method, for
    many bootstrap draws at once. Strengths have mean 0; a set that is 1 stronger is chosen 2.7 times as often. A set
    that was always chosen, or never, would have no finite strength (Ford, American Mathematical Monthly 64, 1957): so
    each has half a win and half a loss against an imagined set of strength 0 (`PRIOR`).
Intervals
    Judgements of one listener are not independent, so the percentile bootstrap draws listeners: its intervals hold for
    other listeners but for these melodies only. With `draw_melodies` the melodies of each set are drawn too, and a
    judgement counts as often as all of its melodies were drawn (Owen and Eckles, "Bootstrapping data arrays of
    arbitrary order", Annals of Applied Statistics 6, 2012). Such intervals hold for other melodies of the same kinds
    too and are never too narrow; where neither listeners nor melodies matter they are too wide, for ratings 1.7 times
    and for choices 2.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from melodysynthesis.evaluation.statistics import RESAMPLES, UNKNOWN, Interval, drawn_weights, interval_of

Floats = NDArray[np.float64]

PRIOR = 0.5
MOST_STEPS = 100
LONGEST_STEP = 2.0
"""Of Newton's method in each strength, so that it does not leap where the likelihood is flat."""
HIGHEST = 15.0
"""Of log v: where people never see a difference it has no maximum."""
CLOSE = 1e-10


class RatedMelody(NamedTuple):
    """A melody of the test: the names of its set, and of the melody in the set."""

    set: str
    melody: str


class Rating(NamedTuple):
    """A listener's rating of a melody."""

    listener: str
    of: RatedMelody
    value: float


class Choice(NamedTuple):
    """Which of two melodies a listener chose: 1 for the first one played, -1 for the second, 0 for neither."""

    listener: str
    first: RatedMelody
    second: RatedMelody
    value: int


class Preference(NamedTuple):
    """What choices say of sets, in the order of `sets`.

    Attributes:
        sets: their names.
        strengths: of each, in log odds, of mean 0.
        better: ``better[i][j]`` the chance that a melody of set i is chosen before one of set j, by the model.
        counts: ``counts[i][j]`` how often it was.
        ties: share of choices of neither.
        first: share of choices of the melody played first, among those of one.
    """

    sets: tuple[str, ...]
    strengths: tuple[Interval, ...]
    better: tuple[tuple[Interval, ...], ...]
    counts: tuple[tuple[int, ...], ...]
    ties: float
    first: float


def mean_ratings(
    ratings: Sequence[Rating], *, draw_melodies: bool = False, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Interval]:
    """The mean rating of each set.

    Args:
        ratings: of all sets.
        draw_melodies: whether melodies are drawn as well as listeners.
        resamples: how often they are drawn.
        seed: of the draws.
    """
    if not ratings:
        return {}
    weights = _weights([r.listener for r in ratings], [[r.of for r in ratings]], draw_melodies, resamples, seed)
    sets = np.array([rating.of.set for rating in ratings])
    values = np.array([rating.value for rating in ratings], float)
    means = {}
    for name in dict.fromkeys(sets.tolist()):
        within = sets == name
        total = weights[:, within].sum(axis=1)
        drawn = np.where(total > 0, weights[:, within] @ values[within] / np.where(total > 0, total, 1), np.nan)
        if len({rating.listener for rating in ratings if rating.of.set == name}) < 2:
            drawn[:] = np.nan  # one listener says nothing about others
        means[name] = interval_of(float(values[within].mean()), drawn)
    return means


def preference(
    choices: Sequence[Choice],
    *,
    draw_melodies: bool = False,
    prior: float = PRIOR,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Preference:
    """How strong each set is by choices between melodies of two; see the conventions for the model.

    Args:
        choices: between melodies of different sets.
        draw_melodies: whether melodies are drawn as well as listeners.
        prior: see `fit`.
        resamples: how often they are drawn.
        seed: of the draws.
    """
    sets = tuple(sorted({melody.set for choice in choices for melody in (choice.first, choice.second)}))
    if not choices:
        return Preference((), (), (), (), float("nan"), float("nan"))
    won, tied = _tables(choices, sets)
    total = (won.sum(axis=0), tied.sum(axis=0))
    columns = [[choice.first for choice in choices], [choice.second for choice in choices]]
    weights = _weights([choice.listener for choice in choices], columns, draw_melodies, resamples, seed)
    size = (-1, len(sets), len(sets))
    drawn = fit((weights @ _flat(won)).reshape(size), (weights @ _flat(tied)).reshape(size), prior)
    if len({choice.listener for choice in choices}) < 2:
        drawn = Strengths(np.full_like(drawn.values, np.nan), np.full_like(drawn.ties, np.nan))
    strengths, better = _intervals(fit(*total, prior), drawn)
    values = np.array([choice.value for choice in choices])
    decided = values[values != 0]
    return Preference(
        sets, strengths, better,
        tuple(tuple(int(count) for count in row) for row in total[0]),
        float((values == 0).mean()),
        float((decided > 0).mean()) if len(decided) else float("nan"),
    )  # fmt: skip


def _intervals(found: Strengths, drawn: Strengths) -> tuple[tuple[Interval, ...], tuple[tuple[Interval, ...], ...]]:
    """Strengths, and chances of one before the other, with their intervals."""
    one, many, things = chances(found), chances(drawn), range(found.values.shape[-1])
    strengths = tuple(interval_of(float(found.values[i]), drawn.values[:, i]) for i in things)
    better = tuple(
        tuple(UNKNOWN if i == j else interval_of(float(one[i, j]), many[:, i, j]) for j in things) for i in things
    )
    return strengths, better


def _tables(choices: Sequence[Choice], sets: Sequence[str]) -> tuple[Floats, Floats]:
    """(choices, sets, sets) each what was chosen before what; and ties, in both places."""
    place = {name: number for number, name in enumerate(sets)}
    won, tied = np.zeros((2, len(choices), len(sets), len(sets)))
    for number, choice in enumerate(choices):
        first, second = place[choice.first.set], place[choice.second.set]
        if choice.value == 0:
            tied[number, first, second] = tied[number, second, first] = 1
        elif choice.value > 0:
            won[number, first, second] = 1
        else:
            won[number, second, first] = 1
    return won, tied


def _weights(
    listeners: Sequence[str], columns: Sequence[Sequence[RatedMelody]], draw_melodies: bool, resamples: int, seed: int
) -> Floats:
    """(draws, judgements) how often each judgement counts."""
    random = np.random.default_rng(seed)
    _, who = np.unique(listeners, return_inverse=True)
    weights = drawn_weights(int(who.max()) + 1, resamples, random)[:, who]
    if not draw_melodies:
        return weights
    members: dict[str, list[str]] = {}
    for name, melody in sorted({one for column in columns for one in column}):
        members.setdefault(name, []).append(melody)
    drawn = {name: drawn_weights(len(melodies), resamples, random) for name, melodies in members.items()}
    at = {RatedMelody(name, melody): i for name, melodies in members.items() for i, melody in enumerate(melodies)}
    for column in columns:
        weights = weights * np.stack([drawn[one.set][:, at[one]] for one in column], axis=1)
    return weights


def _flat(tables: Floats) -> Floats:
    return tables.reshape(len(tables), -1)


class Strengths(NamedTuple):
    """What `fit` finds.

    Attributes:
        values: (..., things) strengths, of mean 0.
        ties: (...,) v, how readily people see no difference.
    """

    values: Floats
    ties: Floats


def fit(wins: ArrayLike, ties: ArrayLike | None = None, prior: float = PRIOR) -> Strengths:
    """The strengths that make the choices most likely.

    Args:
        wins: (..., things, things) how often the thing of the row was chosen before that of the column; may be weights.
        ties: (..., things, things) how often neither was, each tie in both its places; None for none.
        prior: choices won and lost against an imagined thing of strength 0.

    Raises:
        ValueError: with `prior` 0, where some things were never chosen before the others.
    """
    won = np.asarray(wins, float)
    tied = np.zeros_like(won) if ties is None else np.asarray(ties, float)
    if prior == 0 and not _compared(won + tied):
        raise ValueError("some were never chosen before the others: without a prior they have no finite strengths")
    shape, things = won.shape[:-2], won.shape[-1]
    flat = _fit(won.reshape(-1, things, things), tied.reshape(-1, things, things), prior)
    return Strengths(flat.values.reshape(*shape, things), flat.ties.reshape(shape))


def chances(strengths: Strengths) -> Floats:
    """(..., things, things) the chance that the thing of the row is chosen before that of the column."""
    return _shares((strengths.values[..., :, None] - strengths.values[..., None, :]) / 2, strengths.ties)[0]


def _fit(wins: Floats, ties: Floats, prior: float) -> Strengths:
    """Strengths for (draws, things, things); see `fit`."""
    draws, things, _ = wins.shape
    count = wins + wins.swapaxes(1, 2) + ties
    ahead = wins - wins.swapaxes(1, 2)
    tie_count = ties.sum(axis=(1, 2)) / 2
    values, log_v = np.zeros((draws, things)), np.where(tie_count > 0, 0.0, -np.inf)
    for _ in range(MOST_STEPS):
        half = (values[:, :, None] - values[:, None, :]) / 2
        chosen, neither = _shares(half, np.exp(log_v))
        lead = chosen - chosen.swapaxes(1, 2)  # expected, as `ahead` is observed
        slope = np.empty((draws, things + 1))
        slope[:, :-1] = ((ahead - count * lead).sum(axis=2)) / 2 - prior * np.tanh(values / 2)
        slope[:, -1] = np.where(tie_count > 0, tie_count - (count * neither).sum(axis=(1, 2)) / 2, 0)
        step = np.linalg.solve(_curvature(values, count, lead, neither, prior), slope[..., None])[..., 0]
        step = np.clip(step, -LONGEST_STEP, LONGEST_STEP)
        values += step[:, :-1]
        log_v = np.minimum(log_v + step[:, -1], HIGHEST)
        if np.abs(step[:, :-1]).max(initial=0) < CLOSE and np.abs(step[log_v < HIGHEST, -1]).max(initial=0) < CLOSE:
            break
    return Strengths(values - values.mean(axis=1, keepdims=True), np.exp(log_v))


def _curvature(values: Floats, count: Floats, lead: Floats, neither: Floats, prior: float) -> Floats:
    """(draws, things + 1, things + 1) minus the Hessian of the log-likelihood in the strengths and log v."""
    draws, things = values.shape
    made = np.empty((draws, things + 1, things + 1))
    met = count * ((1 - neither) - lead**2) / 4
    diagonal = met.sum(axis=2) + prior / 2 / np.cosh(values / 2) ** 2
    level = 0.0 if prior else 1 / things  # without a prior nothing says where 0 is: the mean stays where it was
    made[:, :-1, :-1] = diagonal[:, :, None] * np.eye(things) - met + level
    made[:, :-1, -1] = made[:, -1, :-1] = -(count * lead * neither).sum(axis=2) / 2
    of_ties = (count * neither * (1 - neither)).sum(axis=(1, 2)) / 2
    made[:, -1, -1] = np.where(of_ties > 0, of_ties, 1)
    return made


def _shares(half: Floats, ties: Floats) -> tuple[Floats, Floats]:
    """Chances that the first is chosen, and that neither is, for half the difference of two strengths."""
    top = np.abs(half)
    first, second = np.exp(half - top), np.exp(-half - top)
    neither = np.asarray(ties)[..., None, None] * np.exp(-top)
    total = first + second + neither
    return first / total, neither / total


def _compared(chosen: Floats) -> bool:
    """Whether the comparisons are strongly connected: in any split in two, each part won once against the other."""
    reached = (chosen > 0) | np.eye(chosen.shape[-1], dtype=bool)
    for _ in range(chosen.shape[-1].bit_length()):
        reached = (reached.astype(float) @ reached.astype(float)) > 0
    return bool(reached.all())
