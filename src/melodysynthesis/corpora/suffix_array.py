"""A suffix array: the places of a long text, sorted by the text that begins there, to find the longest match of a
query.

The text is a sequence of symbols from 1 up; 0 ends a piece, and no match goes over it. Building sorts by prefixes of
doubling length (Manber and Myers, SIAM Journal on Computing 22, 1993). A query's suffixes are looked up all at once by
as many symbols as fit into 64 bits, and those few that match so far go on by bisection, one by one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Symbols = NDArray[np.uint32]
Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]

_WIDTH = 4
"""Bytes of a symbol: with the largest first, comparing `bytes` compares symbols."""


class Match(NamedTuple):
    """The longest stretch of a query that occurs in the text: `length` symbols, at `start` and at text's `place`."""

    length: int
    start: int
    place: int


def sort_suffixes(text: Symbols) -> NDArray[np.uint32]:
    """(symbols,) the places of a text, sorted by the text from there to the end of the piece, then by place."""
    ends = text == 0
    first = text.astype(np.int64) + int(ends.sum())
    first[ends] = np.arange(int(ends.sum()))  # so that an earlier piece goes before an equal later one
    rank = np.unique(first, return_inverse=True)[1].astype(np.int64)
    order, step = np.argsort(rank, kind="stable"), 1
    while len(text) and rank[order[-1]] < len(text) - 1:
        following = np.zeros(len(text), np.int64)
        following[:-step] = rank[step:] + 1
        pair = rank * (len(text) + 1) + following
        order = np.argsort(pair, kind="stable")
        rank[order] = np.concatenate([[0], np.cumsum(pair[order[1:]] != pair[order[:-1]])])
        step *= 2
    return order.astype(np.uint32)


class SuffixArray:
    """A text and its sorted places, as `sort_suffixes` gives them."""

    def __init__(self, text: Symbols, places: NDArray[np.uint32]) -> None:
        self._unknown = np.uint32(int(text.max(initial=0)) + 1)  # replaces all symbols above the text's
        self._bits = int(self._unknown).bit_length()
        self._depth = 64 // self._bits
        self._keys = self._keys_of(text)[places]
        self._text, self._places = _bytes_of(text), np.ascontiguousarray(places).data

    def matches(self, query: Symbols) -> tuple[Ints, Match]:
        """How far a query goes on as the text does somewhere, from each of its symbols; and the longest match.

        Args:
            query: (symbols,), none 0.

        Returns:
            (symbols,) lengths in symbols; and the longest match: the first in the query, at its first place in the
            text. Without any its length is 0.
        """
        if not len(query) or not len(self._keys):
            return np.zeros(len(query), np.int64), Match(0, 0, 0)
        query = np.minimum(query, self._unknown)
        keys = self._keys_of(query)
        low, high = np.searchsorted(self._keys, keys), np.searchsorted(self._keys, keys, "right")
        left = np.arange(len(query), 0, -1)
        # what is nearest in the order has the longest beginning in common
        nearest = (self._keys[np.maximum(low - 1, 0)], self._keys[np.minimum(low, len(self._keys) - 1)])
        lengths = np.minimum(np.maximum(*(self._common(keys, near) for near in nearest)), left)
        query_bytes = _bytes_of(query)
        for start in np.flatnonzero((lengths == self._depth) & (left > self._depth)).tolist():
            lengths[start] = self._deeper(query_bytes[_WIDTH * start :], int(low[start]), int(high[start]))
        best = int(lengths.argmax())
        length = int(lengths[best])
        return lengths, Match(length, best, self._first_place(query_bytes[_WIDTH * best : _WIDTH * (best + length)]))

    def _keys_of(self, symbols: Symbols) -> Keys:
        """(symbols,) the symbols from each place to the end of its piece, as one number that sorts in their order."""
        keys = np.zeros(len(symbols), np.uint64)
        padded = np.concatenate([symbols.astype(np.uint64), np.zeros(self._depth, np.uint64)])
        goes_on = np.ones(len(symbols), np.bool_)
        for offset in range(self._depth):
            symbol = padded[offset : offset + len(symbols)]
            goes_on &= symbol != 0
            keys = (keys << np.uint64(self._bits)) | np.where(goes_on, symbol, np.uint64(0))
        return keys

    def _common(self, keys: Keys, others: Keys) -> Ints:
        """(keys,) symbols that two keys have in common before they first differ."""
        differ = keys ^ others
        common = np.zeros(len(keys), np.int64)
        for after in range(self._depth):
            common += (differ >> np.uint64(self._bits * after)) == 0
        return common

    def _deeper(self, rest: bytes, low: int, high: int) -> int:
        """Symbols that go on as the text does, looked for among the sorted places from `low` to `high`."""
        at = bisect_left(self._places, rest, low, high, key=self._beginning(len(rest)))
        return max(self._common_bytes(place, rest) for place in self._places[max(at - 1, low) : min(at + 1, high)])

    def _common_bytes(self, place: int, rest: bytes) -> int:
        text, begin, whole = self._text, _WIDTH * place, len(rest) // _WIDTH
        differ = bisect_left(
            range(1, whole + 1), True, key=lambda n: text[begin : begin + _WIDTH * n] != rest[: _WIDTH * n]
        )
        return int(differ)

    def _beginning(self, size: int) -> Callable[[int], bytes]:
        text = self._text
        return lambda place: text[_WIDTH * place : _WIDTH * place + size]

    def _first_place(self, run: bytes) -> int:
        """The first place at which a run occurs that is known to be in the text."""
        if not run:
            return 0
        beginning = self._beginning(len(run))
        low = bisect_left(self._places, run, key=beginning)
        high = bisect_right(self._places, run, low, key=beginning)
        return int(np.asarray(self._places[low:high]).min())


def _bytes_of(symbols: Symbols) -> bytes:
    return symbols.astype(">u4").tobytes()
