"""Sequential Monte Carlo: weights, effective sample size and resampling of particles, some for each melody.

Arrays are (melodies, particles); weights are natural logarithms. Source: Doucet and Johansen, "A tutorial on particle
filtering and smoothing" (2011).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def log_mean(weights: Floats) -> Floats:
    """(melodies,) logarithm of the mean weight; -inf where all are dead."""
    top = weights.max(axis=1)
    safe = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(weights - safe[:, None]).mean(axis=1)) + safe)


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
