"""Escape weights: how much of its probability a context leaves to the one a token shorter.

The compressors of the PPM family compute them by a formula from the context's counts: `METHODS`. It is better to fit
them to held-out data. The weight depends on the context's length, on how many tokens followed it and on how many of
them differ. Those three are put into classes, and one weight for each class is fitted by expectation-maximisation:
deleted interpolation (Jelinek and Mercer 1980), known among compressors as secondary escape estimation (Bloom's PPMZ,
1998). Classes without held-out data keep the Witten-Bell weight, ``different / (different + all)``, the escape of
PPM-C.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings import Ids
from melodysynthesis.runtime import trie
from melodysynthesis.runtime.trie import Floats, Ints, Level, LevelProbabilities

MAX_VARIETY, MAX_FREQUENCY = 5, 12
"""Classes of weights: different followers 1 to 5 or more; followers 1, 2, 3-4, 5-8 ... over 1,024."""
CLASSES = MAX_VARIETY * MAX_FREQUENCY
ROUNDS = 40
PRIOR_WEIGHT = 2.0
"""How many held-out tokens the Witten-Bell weight of a class is worth."""


class Method(NamedTuple):
    """An escape by formula.

    Attributes:
        discount: taken off each count.
        weight: from the numbers of tokens that followed, of different ones and of those met once, each (contexts,).
    """

    discount: float
    weight: Callable[[Ints, Ints, Ints], Floats]


METHODS = {
    "A": Method(0.0, lambda total, variety, once: 1 / (total + 1)),  # Cleary and Witten 1984
    "AX": Method(0.0, lambda total, variety, once: (once + 1) / (total + once + 1)),  # Moffat, Neal and Witten 1998
    "C": Method(0.0, lambda total, variety, once: variety / (total + variety)),  # Moffat 1990
    "D": Method(0.5, lambda total, variety, once: variety / (2 * total)),  # Howard 1993
}


class Followed(NamedTuple):
    """How often predicted tokens followed their contexts before. Arrays are (levels, predicted).

    Attributes:
        seen: relative frequency of the token after its context of each length.
        classes: class of the context, or -1 where it did not occur.
    """

    seen: Floats
    classes: Ints


def classes_of(totals: Ints, variety: Ints) -> Ints:
    """Class of weight of contexts that were followed `totals` times by `variety` different tokens."""
    frequency = np.minimum(np.ceil(np.log2(totals)).astype(np.int64), MAX_FREQUENCY - 1)
    return (np.minimum(variety, MAX_VARIETY) - 1) * MAX_FREQUENCY + frequency


def witten_bell(levels: int) -> Floats:
    """(levels, classes) the Witten-Bell weight of each class, taken at its upper end."""
    variety = np.repeat(np.arange(1, MAX_VARIETY + 1), MAX_FREQUENCY)
    return np.tile(variety / (variety + 2.0 ** np.tile(np.arange(MAX_FREQUENCY), MAX_VARIETY)), (levels, 1))


def are_weights(weights: NDArray[Any], levels: int) -> bool:
    """Whether an array from a file can be the weights of so many levels."""
    shaped = weights.shape == (levels, CLASSES) and np.issubdtype(weights.dtype, np.floating)
    return shaped and bool(((weights > 0) & (weights < 1)).all())


def by_formula(level: Level, method: str) -> LevelProbabilities:
    """The probabilities of a level, with an escape of `METHODS`."""
    discount, weight = METHODS[method]
    once = np.add.reduceat(level.counts == 1, level.starts[:-1], dtype=np.int64)
    return trie.level_probabilities(level, weight(level.totals, level.variety, once), discount)


def by_class(level: Level, weights: Floats) -> LevelProbabilities:
    """The probabilities of a level, with fitted weights, (classes,)."""
    return trie.level_probabilities(level, weights[classes_of(level.totals, level.variety)])


def follow(levels: Sequence[Level], blocks: Sequence[Ids], size: int) -> Followed:
    """Look up the predicted tokens of other blocks in the counts."""
    ids, positions, before = trie.predicted_tokens(blocks)
    seen = np.zeros((len(levels), len(positions)))
    classes = np.full((len(levels), len(positions)), -1)
    nodes, rows = np.zeros(len(positions), np.int64), np.arange(len(positions))
    for length, level in enumerate(levels):
        if length:
            nodes, found = trie.find(level.keys, nodes * size + ids[positions[rows] - length])
            found &= before[rows] >= length
            nodes, rows = nodes[found], rows[found]
        pairs = np.repeat(np.arange(len(level.keys)), level.variety) * size + level.tokens
        pair, followed = trie.find(pairs, nodes * size + ids[positions[rows]])
        totals = level.totals
        seen[length, rows] = np.where(followed, level.counts[pair], 0) / totals[nodes]
        classes[length, rows] = classes_of(totals, level.variety)[nodes]
    return Followed(seen, classes)


def fit(followed: Followed, base: Floats | float) -> Floats:
    """(levels, classes) the weights that make the tokens most likely, `base` being their probability below level 0."""
    weights = prior = witten_bell(len(followed.seen))
    for _ in range(ROUNDS):
        weights = _expect_and_maximise(weights, prior, followed, base)
    return weights


def _expect_and_maximise(weights: Floats, prior: Floats, followed: Followed, base: Floats | float) -> Floats:
    """One round of EM. The new weight of a class is the part of the probability that came from shorter contexts."""
    seen, classes = followed
    known = classes >= 0
    escape = np.where(known, np.take_along_axis(weights, np.maximum(classes, 0), axis=1), 1.0)
    below = [np.full(seen.shape[1], base)]
    for own, leave in zip(seen, escape, strict=False):
        below.append((1 - leave) * own + leave * below[-1])
    reached = np.ones(seen.shape[1])
    new = np.empty((len(seen), CLASSES))
    for level in reversed(range(len(seen))):
        left = reached * escape[level] * below[level] / below[level + 1]
        at = known[level]
        total = np.bincount(classes[level, at], reached[at], CLASSES)
        escaped = np.bincount(classes[level, at], left[at], CLASSES)
        new[level] = (escaped + PRIOR_WEIGHT * prior[level]) / (total + PRIOR_WEIGHT)
        reached = left
    return new
