"""How many participants a listening test needs, found by simulation before it is made.

Choices: a set is chosen before another by a listener with a probability whose log odds vary over listeners. Ratings: a
listener's ratings of two sets differ by a mean that varies over listeners, with noise in each rating. The test is
that of the results: whether the mean over listeners differs from no difference, at a level of 5 %.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LISTENERS_LOG_ODDS = 0.5
"""Standard deviation of log odds over listeners."""
LISTENERS_RATING, NOISE = 0.6, 1.4
"""Standard deviation of a mean difference over listeners, and of one rating about its mean, in points from 1 to 7."""
QUANTILE = 1.96
"""Of the normal distribution, for a level of 5 %."""
SIMULATIONS = 2_000
MOST_LISTENERS = 1_000


class Power(NamedTuple):
    """Chance of finding a difference with so many participants."""

    participants: int
    choices: float
    ratings: float


def power(
    participants: int, *, sets: int, pairs: int, ratings: int, share: float, points: float, seed: int = 0
) -> Power:
    """The chance that a test finds a difference between two of its sets.

    Args:
        participants: how many take part.
        sets: of the test.
        pairs: that each participant chooses between, over all pairs of sets.
        ratings: of each participant, over all sets.
        share: of choices, ties aside, in which the better set is chosen, from 0.5 to 1.
        points: by which its mean rating is higher.
        seed: of the simulation.
    """
    random = np.random.default_rng(seed)
    shape = (SIMULATIONS, participants)
    couples = sets * (sets - 1) / 2
    log_odds = np.log(share / (1 - share)) + LISTENERS_LOG_ODDS * random.standard_normal(shape)
    compared = _shared(pairs / couples, participants)
    chosen = random.binomial(compared, 1 / (1 + np.exp(-log_odds))) - compared / 2
    rated = _shared(ratings / sets, participants)
    noise = NOISE * np.sqrt(2 / np.maximum(rated, 1)) * random.standard_normal(shape)
    differences = np.where(rated > 0, points + LISTENERS_RATING * random.standard_normal(shape) + noise, 0)
    return Power(participants, _found(chosen), _found(differences))


def needed(goal: float, *, by: str, **design: float) -> int | None:
    """The fewest participants with whom the chance of finding the difference by choices or ratings reaches a goal.

    None where a thousand do not do.
    """
    low, high = 2, MOST_LISTENERS
    if getattr(power(high, **design), by) < goal:  # type: ignore[arg-type]
        return None
    while low < high:
        middle = (low + high) // 2
        enough = getattr(power(middle, **design), by) >= goal  # type: ignore[arg-type]
        low, high = (low, middle) if enough else (middle + 1, high)
    return low


def _shared(each: float, participants: int) -> NDArray[np.int64]:
    """(participants,) whole numbers with this mean."""
    whole: NDArray[np.int64] = np.floor(each * np.arange(participants + 1) + 1e-9).astype(np.int64)
    return np.asarray(np.diff(whole), np.int64)


def _found(values: NDArray[np.float64]) -> float:
    """Share of simulations in which a t test over participants finds a mean above zero."""
    number = values.shape[1]
    error = values.std(axis=1, ddof=1) / np.sqrt(number)
    return float((values.mean(axis=1) > _critical(number - 1) * np.maximum(error, 1e-9)).mean())


def _critical(freedom: int) -> float:
    """Quantile of Student's t (Cornish and Fisher's expansion)."""
    z = QUANTILE
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
