"""Counts of what follows every context of a corpus, as a trie over the past; what the n-gram and PPM models share.

A context is the last few tokens. Contexts are kept exactly: the node of one is found from the node of the context
one token shorter and the one token before it. All contexts of one length are in a `Level`, as sorted arrays, so that a
whole batch of pasts goes down a level with one search.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings import Ids
from melodysynthesis.errors import EncodingError, TrainingError

MAX_ORDER = 64
HELD_OUT = 10
"""One block in this many is held out to fit parameters; afterwards all blocks are counted."""
BLOCK_TOKENS = 8192
"""Longer sequences, such as a whole corpus in one line, are held out in blocks of this length."""

TINY = 1e-300
"""No probability is less: a product of many escapes could be too small for a number."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Level(NamedTuple):
    """Counts after the contexts of one length.

    Attributes:
        keys: (contexts,) ascending: the node of the context one token shorter, times the vocabulary's size,
            plus the token before it. The node of a context is its index here.
        starts: (contexts + 1,) where each context's followers start in the next two.
        tokens: (pairs,) followers, ascending within a context.
        counts: (pairs,) how often each followed.
    """

    keys: Ints
    starts: Ints
    tokens: Ints
    counts: Ints

    @property
    def totals(self) -> Ints:
        """(contexts,) how many tokens followed each."""
        return np.add.reduceat(self.counts, self.starts[:-1])

    @property
    def variety(self) -> Ints:
        """(contexts,) how many different ones."""
        return np.diff(self.starts)


class LevelProbabilities(NamedTuple):
    """The probabilities of one level. Those after a context and its escape add up to 1.

    Attributes:
        level: the counts.
        probability: (pairs,) of each follower.
        escape: (contexts,) the probability that is left to shorter contexts.
    """

    level: Level
    probability: Floats
    escape: Floats


class PredictedTokens(NamedTuple):
    """The predicted tokens of some blocks.

    Attributes:
        ids: all tokens in a row.
        positions: (predicted,) index of each in `ids`.
        before: (predicted,) how many tokens of its block precede it.
    """

    ids: Ids
    positions: Ints
    before: Ints


def blocks_of(sequences: Iterable[Ids], size: int, order: int) -> list[Ids]:
    """Cut sequences into blocks of at most `BLOCK_TOKENS` predicted tokens.

    Each block but a sequence's first starts with the last token of the one before.

    Args:
        sequences: ids; the first token of each is context only and never counted as predicted.
        size: of the vocabulary.
        order: longest context in tokens.

    Raises:
        TrainingError: if there is nothing to count or the order is out of range.
        EncodingError: if an id is outside the vocabulary.
    """
    check_order(order)
    blocks = [block for ids in sequences for block in _cut(np.asarray(ids, np.int64)) if len(block) > 1]
    if not blocks:
        raise TrainingError("there is nothing to count: no sequence has a token after its first")
    for block in blocks:
        if block.min() < 0 or block.max() >= size:
            raise EncodingError(f"ids from {block.min()} to {block.max()}: the vocabulary has {size} tokens")
    return blocks


def check_order(order: int) -> None:
    """Raises TrainingError for an order that is too long or negative."""
    if not 0 <= order <= MAX_ORDER:
        raise TrainingError(f"an order of {order} is not between 0 and {MAX_ORDER}")


def _cut(ids: Ids) -> list[Ids]:
    cuts = [*range(0, max(len(ids) - 1, 1), BLOCK_TOKENS), len(ids) - 1]
    return [ids[start : end + 1] for start, end in pairwise(cuts)]


def hold_out(blocks: Sequence[Ids]) -> tuple[list[Ids], list[Ids]]:
    """One block in `HELD_OUT`, and the others."""
    held_out = list(blocks[HELD_OUT // 2 :: HELD_OUT])
    return held_out, [block for i, block in enumerate(blocks) if i % HELD_OUT != HELD_OUT // 2]


def predicted_tokens(blocks: Sequence[Ids]) -> PredictedTokens:
    """All predicted tokens of some blocks."""
    lengths = np.array([len(block) for block in blocks])
    before = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    positions = np.flatnonzero(before > 0)
    return PredictedTokens(np.concatenate(blocks), positions, before[positions])


def count(blocks: Sequence[Ids], size: int, order: int) -> list[Level]:
    """Count what follows each context of 0, 1, ... `order` tokens; fewer levels where no block is so long."""
    ids, positions, before = predicted_tokens(blocks)
    nodes = np.zeros(len(positions), np.int64)
    levels = []
    for length in range(order + 1):
        long_enough = before >= length
        positions, before, nodes = positions[long_enough], before[long_enough], nodes[long_enough]
        if not len(positions):
            break
        keys, nodes = (
            np.unique(nodes * size + ids[positions - length], return_inverse=True)
            if length
            else (np.zeros(1, np.int64), nodes)
        )
        pairs, counts = np.unique(nodes * size + ids[positions], return_counts=True)
        starts = np.searchsorted(pairs // size, np.arange(len(keys) + 1))
        levels.append(Level(keys, starts, pairs % size, counts))
    return levels


def level_probabilities(level: Level, escape: Floats, discount: float = 0.0) -> LevelProbabilities:
    """The probabilities of a level: (1 - e) * (c - d) / (T - d * t), where T tokens followed, t of them different.

    Args:
        level: the counts.
        escape: (contexts,) e, from 0 to 1.
        discount: d, less than 1.
    """
    scale = (1 - escape) / (level.totals - discount * level.variety)
    return LevelProbabilities(level, np.repeat(scale, level.variety) * (level.counts - discount), escape)


class LevelPrediction(NamedTuple):
    """The next token of some sequences as predicted by their contexts of one length.

    Attributes:
        rows: (contexts,) the row of the batch that each context belongs to.
        escape: (contexts,) the probability that is left to shorter contexts.
        variety: (contexts,) how many pairs each context has.
        tokens: (pairs,) tokens that followed.
        probability: (pairs,) of each.
    """

    rows: Ints
    escape: Floats
    variety: Ints
    tokens: Ints
    probability: Floats


def blend(predictions: Sequence[LevelPrediction], base: Floats) -> Floats:
    """Combine the levels into probabilities (batch, vocabulary).

    Each level adds its probabilities, scaled by the escapes of the longer contexts. Only tokens that followed are
    visited, from the longest contexts down; the whole vocabulary is visited once.

    Args:
        predictions: one for each level, the shortest contexts first.
        base: (batch, vocabulary) probabilities below the shortest contexts.
    """
    left = np.ones(len(base))
    cells, masses = [], []
    for rows, escape, variety, tokens, probability in reversed(predictions):
        cells.append(np.repeat(rows * base.shape[1], variety) + tokens)
        masses.append(np.repeat(left[rows], variety) * probability)
        left[rows] *= escape
    blended = left[:, None] * base
    if cells:
        blended += np.bincount(np.concatenate(cells), np.concatenate(masses), base.size).reshape(base.shape)
    return np.asarray(np.maximum(blended, TINY, out=blended))


def interpolate(levels: Sequence[LevelProbabilities], past: Ints, size: int) -> Floats:
    """Probabilities (batch, size) after a past (batch, tokens), the latest last; -1 is no token.

    Below the empty context all tokens are equally likely.
    """
    empty, *longer = levels
    base = np.full(size, empty.escape[0] / size)
    base[empty.level.tokens] += empty.probability
    rows, nodes = np.arange(len(past)), np.zeros(len(past), np.int64)
    predictions = []
    for length, (level, probability, escape) in enumerate(longer[: past.shape[1]], 1):
        older = past[rows, -length]
        nodes, found = find(level.keys, nodes * size + older)
        found &= older >= 0
        rows, nodes = rows[found], nodes[found]
        if not len(rows):
            break
        variety = level.starts[nodes + 1] - level.starts[nodes]
        pairs = _ranges(level.starts[nodes], variety)
        predictions.append(LevelPrediction(rows, escape[nodes], variety, level.tokens[pairs], probability[pairs]))
    return blend(predictions, np.broadcast_to(base, (len(past), size)))


def find(keys: Ints, wanted: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """Index of each wanted key in the ascending `keys`, and whether it occurs there."""
    indices = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return indices, keys[indices] == wanted


def _ranges(starts: Ints, lengths: Ints) -> Ints:
    """The ranges ``start .. start + length`` in a row."""
    return np.arange(lengths.sum()) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths)


def pack(levels: Sequence[Level]) -> dict[str, NDArray[Any]]:
    """The levels as few arrays, for a file."""
    return {
        "contexts": np.array([len(level.keys) for level in levels], np.int64),
        "keys": np.concatenate([level.keys for level in levels]),
        "variety": np.concatenate([level.variety for level in levels]).astype(np.int32),
        "tokens": np.concatenate([level.tokens for level in levels]).astype(np.int32),
        "counts": np.concatenate([level.counts for level in levels]).astype(np.int32),
    }


def unpack(arrays: Mapping[str, NDArray[Any]], size: int) -> list[Level]:
    """The levels from the arrays of `pack`.

    Raises:
        KeyError: if an array is missing.
        ValueError: if they contradict one another or the vocabulary's size.
    """
    contexts, variety = arrays["contexts"].astype(np.int64), arrays["variety"].astype(np.int64)
    keys, tokens, counts = (arrays[name].astype(np.int64) for name in ("keys", "tokens", "counts"))
    whole = (
        0 < len(contexts) <= MAX_ORDER + 1
        and contexts[0] == 1
        and contexts.min() > 0
        and len(keys) == len(variety) == contexts.sum()
        and len(tokens) == len(counts) == variety.sum()
        and min(variety.min(), counts.min()) > 0
        and 0 <= tokens.min() <= tokens.max() < size
    )
    if not whole:
        raise ValueError("its tables contradict one another")
    levels, context, pair = [], 0, 0
    for number in contexts.tolist():
        starts = np.concatenate([[0], np.cumsum(variety[context : context + number])])
        pairs = slice(pair, pair + int(starts[-1]))
        levels.append(Level(keys[context : context + number], starts, tokens[pairs], counts[pairs]))
        context, pair = context + number, pairs.stop
    return levels
