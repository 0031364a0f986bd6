"""The steps of drawing a token: pure functions over logits of shape (batch, vocabulary).

    masked -> tempered -> top_k -> top_p -> draw

What is ruled out has the logit -inf. Each function gives new logits and leaves at least one token in each row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings.base import Ids

Logits = NDArray[np.floating]
Mask = NDArray[np.bool_]


def masked(logits: Logits, mask: Mask) -> Logits:
    """Logits with everything outside the mask ruled out."""
    return np.where(mask, logits, -np.inf)


def tempered(logits: Logits, temperature: float | NDArray[np.float64]) -> Logits:
    """Logits at a temperature above 0, or one for each row, (batch, 1); the largest of each row becomes 0."""
    with np.errstate(over="ignore"):  # at a very low temperature all but the largest may become -inf
        return np.asarray((logits - logits.max(axis=1, keepdims=True)) / temperature)


def top_k(logits: Logits, k: int) -> Logits:
    """The k likeliest tokens of each row; of equals the lower ids."""
    if k >= logits.shape[1]:
        return logits
    order = np.argsort(-logits, axis=1, kind="stable")
    kept = np.zeros(logits.shape, np.bool_)
    np.put_along_axis(kept, order[:, :k], True, axis=1)
    return masked(logits, kept)


def top_p(logits: Logits, p: float) -> Logits:
    """The fewest likeliest tokens of each row whose probabilities add up to at least p."""
    if p >= 1:
        return logits
    order = np.argsort(-logits, axis=1, kind="stable")
    falling = np.take_along_axis(_powers(logits), order, axis=1)
    reached = np.cumsum(falling, axis=1)
    kept = np.zeros(logits.shape, np.bool_)
    np.put_along_axis(kept, order, reached - falling < p * reached[:, -1:], axis=1)
    kept[np.arange(len(order)), order[:, 0]] = True  # also where p is as small as a rounding error
    return masked(logits, kept)


def argmax(logits: Logits) -> Ids:
    """The likeliest token of each row; of equals the lowest id."""
    return np.asarray(np.argmax(logits, axis=1), np.int64)


def draw(logits: Logits, uniforms: NDArray[np.float64]) -> Ids:
    """A token of each row by its probability, from uniform numbers (batch,) in [0, 1), by inversion."""
    reached = np.cumsum(_powers(logits), axis=1)
    # Below the row's last sum even where u times it rounds up, so that the token found has a probability above 0.
    target = np.minimum(uniforms * reached[:, -1], np.nextafter(reached[:, -1], 0))
    return np.asarray(np.argmax(reached > target[:, None], axis=1), np.int64)


def choose(
    joint: Logits,
    own: Logits,
    uniforms: NDArray[np.float64],
    *,
    temperature: float = 1.0,
    k: int | None = None,
    p: float | None = None,
) -> Ids:
    """(batch,) the column of an option of each row.

    Args:
        joint: (batch, options) natural logarithm of how likely each is drawn, up to a constant; -inf: it is none.
        own: (batch, options) the same by the model alone, whose largest is chosen at temperature 0.
        uniforms: (batch,) in [0, 1).
        temperature: 0 for the likeliest option; else it has been applied.
        k: how many of the likeliest are drawn from, if not all.
        p: what the likeliest ones that are drawn from have to add up to, if not all are.
    """
    if temperature == 0:
        return argmax(np.where(np.isfinite(joint), own, -np.inf))
    if k is not None:
        joint = top_k(joint, k)
    if p is not None:
        joint = top_p(joint, p)
    return draw(joint, uniforms)


def _powers(logits: Logits) -> NDArray[np.float64]:
    """Probabilities of each row times its largest's inverse.

    They are summed up one after the other, never pairwise: so a sum does not change by a rounding where tokens of
    probability 0 stand between, which depends on the rest of the batch.
    """
    return np.asarray(np.exp((logits - logits.max(axis=1, keepdims=True)).astype(np.float64)))


def log_probability(logits: Logits, ids: Ids) -> NDArray[np.float64]:
    """(batch,) natural logarithm of each token's probability under the model."""
    above = logits - logits.max(axis=1, keepdims=True)  # at most 0 and 0 somewhere, so that no sum overflows
    return np.asarray(above[np.arange(len(ids)), ids] - np.log(np.exp(above).sum(axis=1)), np.float64)


class Uniforms:
    """Uniform numbers in [0, 1), one a step for each of many sequences.

    Sequence i of a seed has its own counter-based stream (Philox keyed by seed and i), so what it draws does not depend
    on how many other sequences there are.
    """

    BLOCK = 256

    def __init__(self, seed: int, indices: NDArray[np.int64]) -> None:
        self._seed, self._indices = seed, indices
        self._streams: list[np.random.Generator] = []
        self._block = np.empty((len(indices), 0))
        self._column = 0

    def next(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The numbers of one step, for the sequences at `rows`. A row left out loses its number of this step."""
        if self._column == self._block.shape[1]:
            if not self._streams:  # a stream that is not used costs nothing
                self._streams = [
                    np.random.Generator(np.random.Philox(key=np.array([self._seed, index], np.uint64)))
                    for index in self._indices
                ]
            self._block = np.stack([stream.random(self.BLOCK) for stream in self._streams])
            self._column = 0
        self._column += 1
        return np.asarray(self._block[rows, self._column - 1])
