"""Arithmetic with logarithms of probabilities that several packages need."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def log_sum_exp(values: NDArray[np.floating[Any]], axis: int) -> NDArray[Any]:
    """Natural logarithm of the sum of ``exp(values)`` along an axis, without overflow.

    Args:
        values: natural logarithms, of any shape and floating type; -inf is the logarithm of 0.
        axis: which to sum over. It may be empty.

    Returns:
        an array of the same type without that axis; -inf where nothing is summed, or only zeros.
    """
    highest = values.max(axis=axis, initial=-np.inf)
    safe = np.where(np.isfinite(highest), highest, np.zeros((), values.dtype))
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(values - np.expand_dims(safe, axis)).sum(axis=axis)) + safe)
