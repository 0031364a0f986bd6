"""What listeners' ratings and choices say of sets of melodies.

Conventions
-----------
Input: judgements, one a line: who judged, which melodies of which sets, and what was said. Unit: of the ratings; of
strengths log odds, see `preference`.

Judgements of one listener are not independent. So intervals are of a percentile bootstrap that draws listeners: they
speak of other listeners, but of these melodies only. With `draw_melodies` the melodies of each set are drawn too, and a
judgement counts as often as all that it is of were drawn (Owen and Eckles, "Bootstrapping data arrays of arbitrary
order", Annals of Applied Statistics 6, 2012): intervals that speak of other melodies of the same kinds too, and are
never too narrow, but where neither listeners nor melodies matter too wide, for ratings 1.7 times and for choices 2.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.evaluation.preference import PRIOR, Strengths, chances, fit
from melodysynthesis.evaluation.statistics import RESAMPLES, UNKNOWN, Interval, drawn_weights, interval_of

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Heard(NamedTuple):
    """A melody that was heard: its set, and which of the set it is, by any names."""

    set: str
    melody: str


class Rating(NamedTuple):
    """What a listener said of a melody."""

    listener: str
    of: Heard
    value: float


class Choice(NamedTuple):
    """Which of two melodies a listener chose: 1 for the first that was heard, -1 for the second, 0 for neither."""

    listener: str
    first: Heard
    second: Heard
    value: int


class Preference(NamedTuple):
    """What choices say of sets, in the order of `sets`.

    Attributes:
        sets: their names.
        strengths: of each, in log odds, of mean 0.
        better: ``better[i][j]`` the chance that a melody of set i is chosen before one of set j, by the model.
        counts: ``counts[i][j]`` how often it was.
        ties: share of choices of neither.
        first: share of choices of the melody heard first, among those of one.
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
    """How strong each set is by choices between melodies of two; see `preference`, the module, for the model.

    Args:
        choices: between melodies of different sets.
        draw_melodies: whether melodies are drawn as well as listeners.
        prior: see `preference.fit`.
        resamples: how often they are drawn.
        seed: of the draws.
    """
    sets = tuple(sorted({heard.set for choice in choices for heard in (choice.first, choice.second)}))
    if not choices:
        return Preference((), (), (), (), float("nan"), float("nan"))
    won, tied = _tables(choices, sets)
    total = (won.sum(axis=0), tied.sum(axis=0))
    heard = [[choice.first for choice in choices], [choice.second for choice in choices]]
    weights = _weights([choice.listener for choice in choices], heard, draw_melodies, resamples, seed)
    size = (-1, len(sets), len(sets))
    drawn = fit((weights @ _flat(won)).reshape(size), (weights @ _flat(tied)).reshape(size), prior)
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
    listeners: Sequence[str], heard: Sequence[Sequence[Heard]], draw_melodies: bool, resamples: int, seed: int
) -> Floats:
    """(draws, judgements) how often each judgement counts."""
    random = np.random.default_rng(seed)
    _, who = np.unique(listeners, return_inverse=True)
    weights = drawn_weights(int(who.max()) + 1, resamples, random)[:, who]
    if not draw_melodies:
        return weights
    members: dict[str, list[str]] = {}
    for name, melody in sorted({one for column in heard for one in column}):
        members.setdefault(name, []).append(melody)
    drawn = {name: drawn_weights(len(melodies), resamples, random) for name, melodies in members.items()}
    at = {Heard(name, melody): i for name, melodies in members.items() for i, melody in enumerate(melodies)}
    for column in heard:
        weights = weights * np.stack([drawn[one.set][:, at[one]] for one in column], axis=1)
    return weights


def _flat(tables: Floats) -> Floats:
    return tables.reshape(len(tables), -1)
