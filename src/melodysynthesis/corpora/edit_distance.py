"""Pairs of tunes that a few edits turn into one another, found among all pairs, exactly.

The edit distance of two sequences is the least number of symbols to insert, delete or replace (Levenshtein 1966). Two
sequences are near if it is at most a share of the longer one's length. Two filters leave few pairs, and lose none that
is near: the lengths may differ by no more than the distance, and so many symbols must be common to both, wherever they
stand. What is left is computed with the columns of the dynamic program in the bits of 64-bit words (Myers, Journal of
the ACM 46, 1999; Hyyrö 2003 for the distance between whole sequences and for several words), many pairs at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Words = NDArray[np.uint64]

_ROWS = 1024
_PAIRS_AT_ONCE = 200_000
_WORD = 64
_LOOK = 4
"""Steps after which pairs that have ended or are too far apart are left out."""
_ONE = np.uint64(1)
_TOP = np.uint64(_WORD - 1)


def near_pairs(first: Ints, symbols: Ints, share: float) -> Ints:
    """Pairs of sequences whose edit distance is at most `share` of the longer one's length.

    Args:
        first: (sequences + 1,) number of each sequence's first symbol, and of all symbols.
        symbols: (symbols,) the sequences, one after the other.
        share: from 0 to below 1.

    Returns:
        (pairs, 2) numbers of the sequences, the smaller first, in order.
    """
    lengths = np.diff(first)
    order = np.argsort(lengths, kind="stable")
    alphabet, codes = np.unique(symbols, return_inverse=True)
    found = [np.zeros((0, 2), np.int64)]
    for shorter, longer in _candidates(first, codes, len(alphabet), order, share):
        limits = np.floor(share * lengths[longer]).astype(np.int64)
        pairs = np.stack([shorter, longer], axis=1)
        found.append(np.sort(pairs[within(first, codes, pairs, limits)], axis=1))
    return np.asarray(np.unique(np.concatenate(found), axis=0))


def _candidates(first: Ints, codes: Ints, alphabet: int, order: Ints, share: float) -> Iterator[tuple[Ints, Ints]]:
    """Pairs that pass both filters, the shorter of each first: a block of sequences against those as long or longer."""
    lengths = np.diff(first)[order]
    counts = _counts(first, codes, alphabet)[order]
    for low in range(0, len(order), _ROWS):
        high = min(low + _ROWS, len(order))
        # a sequence of length n is near to none that is longer than n / (1 - share)
        end = int(np.searchsorted(lengths, lengths[high - 1] / (1 - share) + 1e-9, "right"))
        for start in range(low, end, _ROWS):
            stop = min(start + _ROWS, end)
            common = _common(counts[low:high], counts[start:stop])
            needed = lengths[start:stop] - np.floor(share * lengths[start:stop])
            row, column = np.nonzero(common >= needed)
            row, column = row + low, column + start
            later = column > row
            yield order[row[later]], order[column[later]]


def _counts(first: Ints, codes: Ints, alphabet: int) -> Ints:
    """(sequences, alphabet) how often each symbol stands in each sequence."""
    sequences = len(first) - 1
    owner = np.repeat(np.arange(sequences), np.diff(first))
    return np.bincount(owner * alphabet + codes, minlength=sequences * alphabet).reshape(sequences, alphabet)


def _common(counts: Ints, others: Ints) -> NDArray[np.float32]:
    """(counts, others) symbols common to each two sequences: the sum of the smaller count of each symbol.

    The smaller of two counts is the number of thresholds that both reach, so that the sum is a product of matrices.
    """
    most = np.minimum(counts.max(0, initial=0), others.max(0, initial=0))
    symbol = np.repeat(np.arange(len(most)), most)
    threshold = np.arange(len(symbol)) - np.repeat(np.cumsum(most) - most, most) + 1
    one, other = ((table[:, symbol] >= threshold).astype(np.float32) for table in (counts, others))
    return np.asarray(one @ other.T)


def within(first: Ints, codes: Ints, pairs: Ints, limits: Ints) -> Flags:
    """(pairs,) whether the edit distance of each pair of sequences is at most its limit.

    Args:
        first: (sequences + 1,) number of each sequence's first symbol, and of all symbols.
        codes: (symbols,) symbols from 0.
        pairs: (pairs, 2) numbers of sequences.
        limits: (pairs,) largest distances.
    """
    result = np.zeros(len(pairs), np.bool_)
    lengths = np.diff(first)
    words = -(-lengths[pairs[:, 0]] // _WORD)
    order = np.lexsort((lengths[pairs[:, 1]], words))  # like lengths together, so that few steps are for nothing
    start = 0
    while start < len(order):
        count = int(words[order[start]])
        stop = min(start + _PAIRS_AT_ONCE // max(count, 1) + 1, int(np.searchsorted(words[order], count, "right")))
        mine = order[start:stop]
        if count:
            result[mine] = _within(first, codes, pairs[mine], limits[mine], count)
        else:
            result[mine] = lengths[pairs[mine, 1]] <= limits[mine]
        start = stop
    return result


def _masks(first: Ints, codes: Ints, sequences: Ints, words: int) -> Words:
    """(words, sequences, alphabet) bit i of word w says that a sequence has a symbol at place 64 w + i."""
    masks = np.zeros((words, len(sequences), int(codes.max(initial=0)) + 1), np.uint64)
    lengths = np.diff(first)[sequences]
    for place in range(int(lengths.max(initial=0))):
        rows = np.flatnonzero(lengths > place)
        masks[place // _WORD, rows, codes[first[sequences[rows]] + place]] |= _ONE << np.uint64(place % _WORD)
    return masks


def _within(first: Ints, codes: Ints, pairs: Ints, limits: Ints, words: int) -> Flags:
    """`within` for pairs whose first sequences fill as many words, at least one, in the order of the second's lengths.

    The bits of a word say where the distance grows (`plus`) or falls (`minus`) down a column of the dynamic program; a
    step goes on to the next column, the next symbol of the second sequence. A distance falls by at most one a step, so
    a pair that can't come down to its limit is left out.
    """
    sequences, row = np.unique(pairs[:, 0], return_inverse=True)
    masks = _masks(first, codes, sequences, words)
    start, steps, score = first[pairs[:, 1]], np.diff(first)[pairs[:, 1]], np.diff(first)[pairs[:, 0]]
    last = ((score - 1) % _WORD).astype(np.uint64)
    plus, minus = np.full((words, len(pairs)), ~np.uint64(0)), np.zeros((words, len(pairs)), np.uint64)
    number, near = np.arange(len(pairs)), np.zeros(len(pairs), np.bool_)
    for step in range(int(steps.max(initial=0)) + 1):
        done = int(np.searchsorted(steps, step, "right"))
        if step % _LOOK == 0 or done == len(steps):
            near[number[:done]] = score[:done] <= limits[:done]
            keep = (steps > step) & (score - (steps - step) <= limits)
            plus, minus = plus[:, keep], minus[:, keep]
            row, start, steps, score, last, limits, number = (
                column[keep] for column in (row, start, steps, score, last, limits, number)
            )
            done = 0
        active = slice(done, None)
        symbol = codes[start[active] + step]
        carry_plus, carry_minus = np.full(len(symbol), _ONE), np.zeros(len(symbol), np.uint64)
        for word in range(words):
            equal, down, up = masks[word, row[active], symbol], plus[word, active], minus[word, active]
            across, equal = equal | up, equal | carry_minus
            diagonal = (((equal & down) + down) ^ down) | equal
            grows, falls = up | ~(diagonal | down), down & diagonal
            if word == words - 1:
                score[active] += ((grows >> last[active]) & _ONE).astype(np.int64)
                score[active] -= ((falls >> last[active]) & _ONE).astype(np.int64)
            next_plus, next_minus = grows >> _TOP, falls >> _TOP
            grows, falls = (grows << _ONE) | carry_plus, (falls << _ONE) | carry_minus
            plus[word, active], minus[word, active] = falls | ~(across | grows), grows & across
            carry_plus, carry_minus = next_plus, next_minus
    return near
