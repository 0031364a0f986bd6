"""Counts after every context of the melody so far, for a batch at once: the short-term model predicts from them.

No trie is kept. Each earlier position stores how many tokens before it match the latest tokens: it counts for contexts
up to that length. A new token updates this number with one comparison per position. So the history is three plain
arrays, and to copy a sequence is to copy its rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings import Ids
from melodysynthesis.runtime.trie import Ints, Level

SPAN = 2048
"""Length of the history in tokens. It is bounded so that steps of an endless stream do not get slower."""


class ShortTermHistory(NamedTuple):
    """The tokens of a batch so far, the latest last. Arrays are (batch, positions).

    Attributes:
        tokens: the start token first; at most the last `SPAN`.
        match_lengths: how many tokens before each position match the latest tokens; -1 where nothing was predicted:
            at a start token and before it.
        seen_lengths: length of the longest context that the token at each position had followed before, 0 if it was
            new.
    """

    tokens: NDArray[np.int32]
    match_lengths: NDArray[np.int16]
    seen_lengths: NDArray[np.int16]

    def select(self, indices: Ints | slice) -> Self:
        """A new history of the sequences at `indices`."""
        return type(self)(self.tokens[indices], self.match_lengths[indices], self.seen_lengths[indices])


def begin(ids: Ids) -> ShortTermHistory:
    """The history of a batch after one token each. Those first tokens are not counted as predicted."""
    tokens = np.asarray(ids, np.int32)[:, None]
    return ShortTermHistory(tokens, np.full(tokens.shape, -1, np.int16), np.zeros(tokens.shape, np.int16))


def advance(history: ShortTermHistory, ids: Ids, start_id: int) -> ShortTermHistory:
    """Append one token to each sequence, (batch,). A start token begins a new melody and clears the counts."""
    tokens, match_lengths, seen_lengths = history
    latest = np.asarray(ids, np.int32)[:, None]
    same = tokens == latest
    before = np.where(same & (match_lengths > 0), match_lengths, np.int16(0)).max(axis=1, keepdims=True)
    run = np.where(same, np.maximum(match_lengths, 0) + np.int16(1), np.int16(0))
    now = np.concatenate([np.full_like(match_lengths[:, :1], -1), run], axis=1)
    now[:, :-1][match_lengths < 0] = -1
    now[latest[:, 0] == start_id] = -1
    grown = np.concatenate([tokens, latest], axis=1), now, np.concatenate([seen_lengths, before], axis=1)
    return ShortTermHistory(*(array[:, -SPAN:] for array in grown))


def levels(history: ShortTermHistory, size: int, order: int, *, exclusion: bool) -> Iterator[Level]:
    """Yield the counts after the current context of each sequence: its last 0, 1, ... tokens, while any has occurred.

    A level has one context for each sequence in which that context occurred before; its keys are their rows.

    Args:
        history: the melodies so far.
        size: of the vocabulary.
        order: longest context in tokens.
        exclusion: count a token in its longest context, and in shorter ones only down to the longest in which it had
            followed before.
    """
    width = history.tokens.shape[1]
    match_lengths, seen_lengths, tokens = (
        history.match_lengths.ravel(),
        history.seen_lengths.ravel(),
        history.tokens.ravel(),
    )
    positions = np.flatnonzero(match_lengths >= 0)
    if not len(positions):
        return
    counted = positions[seen_lengths[positions] == 0] if exclusion else positions
    every = np.bincount(counted // width * size + tokens[counted])
    pairs = np.flatnonzero(every)
    yield _level(pairs, every[pairs], size)
    positions = positions[match_lengths[positions] > 0]
    pairs = positions // width * size + tokens[positions]
    ascending = np.argsort(pairs)
    pairs, match_lengths, seen_lengths = (
        pairs[ascending],
        match_lengths[positions[ascending]],
        seen_lengths[positions[ascending]],
    )
    for length in range(1, order + 1):
        deep = match_lengths >= length
        pairs, match_lengths, seen_lengths = pairs[deep], match_lengths[deep], seen_lengths[deep]
        if not len(pairs):
            return
        counted = pairs[seen_lengths <= length] if exclusion else pairs
        firsts = np.flatnonzero(np.diff(counted, prepend=-1))
        yield _level(counted[firsts], np.diff(firsts, append=len(counted)), size)


def _level(pairs: Ints, counts: Ints, size: int) -> Level:
    """The level of ascending pairs, each a row times `size` plus a token."""
    rows, tokens = np.divmod(pairs, size)
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    return Level(rows[starts], np.append(starts, len(rows)), tokens, counts)
