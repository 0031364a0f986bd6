"""How strong things are, from choices between two of them: the model of Bradley and Terry, with ties as Davidson's.

    P(i before j) = e^a / (e^a + e^b + v e^((a + b) / 2))        a, b: strengths of i and j
    P(neither)    = v e^((a + b) / 2) / (the same)               v: how readily people see no difference

Without ties v is 0, and what is left is Bradley's and Terry's model. In the strengths and log v the likelihood is
concave; it is maximised by Newton's method, for many bootstrap draws at once.

Unit: strengths are log odds, with mean 0; what is 1 stronger is chosen 2.7 times as often as the other. What was always
chosen, or never, would have no finite strength: so each thing has, beside its choices, half a one won and half a one
lost against an imagined thing of strength 0 (`PRIOR`), which counts for less the more choices there are.

Sources: Bradley and Terry, Biometrika 39 (1952); Davidson, Journal of the American Statistical Association 65 (1970);
the condition on choices without a prior is Ford's, American Mathematical Monthly 64 (1957).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

PRIOR = 0.5
MOST_STEPS = 100
LONGEST_STEP = 2.0
"""Of Newton's method in each strength, so that it does not leap where the likelihood is flat."""
HIGHEST = 15.0
"""Of log v: where people never see a difference it has no maximum."""
CLOSE = 1e-10


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
    """Whether, however the things are parted in two, each part was once chosen before the other."""
    reached = (chosen > 0) | np.eye(chosen.shape[-1], dtype=bool)
    for _ in range(chosen.shape[-1].bit_length()):
        reached = (reached.astype(float) @ reached.astype(float)) > 0
    return bool(reached.all())
