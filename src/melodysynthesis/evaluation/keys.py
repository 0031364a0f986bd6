"""The most likely key of each of many pitch-class distributions, by the Aarden-Essen profile.

Input: distributions of shape (measures, 12), how many quarters each pitch class sounds. Quantity: the key whose
profile correlates best with the distribution, over 12 major and 12 minor keys (Krumhansl and Schmuckler's method,
Krumhansl 1990, with the weights of Aarden 2003 for the Essen collection, as listed by Humdrum's ``keycor``).

The arithmetic follows music21's `analyze("key")` operation by operation, because the original study's figures were
made with it: where two keys fit equally well, the last bit of a sum decides which of them wins. So sums run over the
pitch classes in order, powers are Python's, and of equal correlations the higher tonic wins, then minor.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MAJOR = (
    17.7661, 0.145624, 14.9265, 0.160186, 19.8049, 11.3587, 0.291248, 22.062, 0.145624, 8.15494, 0.232998, 4.95122,
)  # fmt: skip
MINOR = (
    18.2648, 0.737619, 14.0499, 16.8599, 0.702494, 14.4362, 0.702494, 18.6161, 4.56621, 1.93186, 7.37619, 1.75623,
)  # fmt: skip


def likely_keys(distributions: Floats) -> Ints:
    """(measures,) number of the key: twice the tonic's pitch class, plus 1 for minor.

    Args:
        distributions: (measures, 12) quarters; a measure without notes has no key, so leave it out.
    """
    means = _in_order(distributions) / 12
    apart = distributions - means[:, None]
    # sums over pitch classes in order: (measures, keys)
    agreement = np.zeros((len(distributions), 24))
    for pitch_class in range(12):
        agreement = agreement + _PROFILES[:, pitch_class] * apart[:, pitch_class, None]
    spread = _in_order(np.array([[value**2 for value in row] for row in apart.tolist()]).reshape(-1, 12))
    products = (spread[:, None] * _SPREADS).ravel().tolist()
    scale = np.array([product**0.5 for product in products]).reshape(-1, 24)
    fit = np.divide(agreement, scale, out=np.zeros_like(agreement), where=scale > 0)
    return np.asarray(23 - np.argmax(fit[:, ::-1], axis=1))  # the last of equal ones


def _in_order(values: Floats) -> Floats:
    """Sums of rows from left to right; numpy's own sum adds in another order."""
    total = np.zeros(len(values))
    for column in values.T:
        total = total + column
    return total


def _profiles() -> Floats:
    """(keys, 12) each key's profile less its mean, by pitch class."""
    rows = []
    for tonic in range(12):
        for weights in (MAJOR, MINOR):
            mean = float(_in_order(np.array([weights]))[0]) / 12
            rows.append([weights[(pitch_class - tonic) % 12] - mean for pitch_class in range(12)])
    return np.array(rows)


_PROFILES = _profiles()
_SPREADS = _in_order(np.array([[value**2 for value in row] for row in _PROFILES.tolist()]))
