"""What a melody itself says of its next token: counts after every context of the melody so far, for a batch at once.

No trie is kept. For each earlier place the number of tokens before it that are like the latest ones says for which
lengths of context that place counts, and it follows from the number of the place before: one comparison a place for
each token. So the memory is three plain arrays, and a copy of a sequence is a copy of its rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings import Ids
from melodysynthesis.runtime.trie import Ints, Level

SPAN = 2048
"""Tokens remembered, so that a stream without end does not take more and more time."""


class Heard(NamedTuple):
    """What a batch has heard so far, the latest last. Arrays are (batch, places).

    Attributes:
        tokens: the start token first; at most the last `SPAN`.
        alike: how many tokens before each place are like as many before the next one, which is still to come; -1
            where nothing was predicted: at a start token and before it.
        lowest: length of the longest context in which the token at each place had followed before, 0 if it was new.
    """

    tokens: NDArray[np.int32]
    alike: NDArray[np.int16]
    lowest: NDArray[np.int16]

    def select(self, indices: Ints | slice) -> Self:
        """A new memory of the sequences at `indices`."""
        return type(self)(self.tokens[indices], self.alike[indices], self.lowest[indices])


def begin(ids: Ids) -> Heard:
    """The memory of a batch that has heard one token each, which was not to be predicted."""
    tokens = np.asarray(ids, np.int32)[:, None]
    return Heard(tokens, np.full(tokens.shape, -1, np.int16), np.zeros(tokens.shape, np.int16))


def hear(heard: Heard, ids: Ids, start_id: int) -> Heard:
    """Take one token for each sequence, (batch,). After a start token a new melody begins, and the old is forgotten."""
    tokens, alike, lowest = heard
    latest = np.asarray(ids, np.int32)[:, None]
    same = tokens == latest
    before = np.where(same & (alike > 0), alike, np.int16(0)).max(axis=1, keepdims=True)
    run = np.where(same, np.maximum(alike, 0) + np.int16(1), np.int16(0))
    now = np.concatenate([np.full_like(alike[:, :1], -1), run], axis=1)
    now[:, :-1][alike < 0] = -1
    now[latest[:, 0] == start_id] = -1
    grown = np.concatenate([tokens, latest], axis=1), now, np.concatenate([lowest, before], axis=1)
    return Heard(*(array[:, -SPAN:] for array in grown))


def levels(heard: Heard, size: int, order: int, *, exclusion: bool) -> Iterator[Level]:
    """Counts after the contexts that each sequence stands in, of 0, 1, ... tokens, as far as they were met before.

    A level has one context for each sequence that it was met in: its keys are the rows of these.

    Args:
        heard: the melodies so far.
        size: of the vocabulary.
        order: longest context in tokens.
        exclusion: count a token in its longest context, and in shorter ones only down to the longest in which it had
            followed before.
    """
    width = heard.tokens.shape[1]
    alike, lowest, tokens = heard.alike.ravel(), heard.lowest.ravel(), heard.tokens.ravel()
    places = np.flatnonzero(alike >= 0)
    if not len(places):
        return
    counted = places[lowest[places] == 0] if exclusion else places
    every = np.bincount(counted // width * size + tokens[counted])
    pairs = np.flatnonzero(every)
    yield _level(pairs, every[pairs], size)
    places = places[alike[places] > 0]
    pairs = places // width * size + tokens[places]
    ascending = np.argsort(pairs)
    pairs, alike, lowest = pairs[ascending], alike[places[ascending]], lowest[places[ascending]]
    for length in range(1, order + 1):
        deep = alike >= length
        pairs, alike, lowest = pairs[deep], alike[deep], lowest[deep]
        if not len(pairs):
            return
        counted = pairs[lowest <= length] if exclusion else pairs
        firsts = np.flatnonzero(np.diff(counted, prepend=-1))
        yield _level(counted[firsts], np.diff(firsts, append=len(counted)), size)


def _level(pairs: Ints, counts: Ints, size: int) -> Level:
    """The level of ascending pairs, each a row times `size` plus a token."""
    rows, tokens = np.divmod(pairs, size)
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    return Level(rows[starts], np.append(starts, len(rows)), tokens, counts)
