"""Sorted suffixes: the order, and the longest match, against slices of lists."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from melodysynthesis.corpora.suffix_array import Match, SuffixArray, sort_suffixes

pieces = st.lists(st.lists(st.integers(1, 3), max_size=30), max_size=6)


def text_of(several: list[list[int]], scale: int = 1) -> np.ndarray:
    return np.array([scale * symbol for piece in several for symbol in (*piece, 0)], np.uint32)


@given(pieces)
def test_places_are_in_the_order_of_what_stands_there(several):
    text = text_of(several).tolist()
    rest = [text[place : place + text[place:].index(0) + 1] for place in range(len(text))]
    expected = sorted(range(len(text)), key=lambda place: (rest[place], place))
    assert sort_suffixes(text_of(several)).tolist() == expected


# a scale makes symbols so large that only a few fit into a key
@given(pieces, st.lists(st.integers(1, 4), max_size=40), st.sampled_from((1, 5_000, 1_000_000_000)))
def test_the_longest_match_from_each_symbol(several, asked, scale):
    text = text_of(several, scale)
    query = scale * np.array(asked, np.uint32)
    lengths, match = SuffixArray(text, sort_suffixes(text)).matches(query)
    known = {bytes(piece[start:end]) for piece in several for start in range(len(piece)) for end in
             range(start + 1, len(piece) + 1)}  # fmt: skip
    expected = [
        max((n for n in range(len(asked) - start + 1) if bytes(asked[start : start + n]) in known), default=0)
        for start in range(len(asked))
    ]
    assert lengths.tolist() == expected
    longest = max(expected, default=0)
    if longest == 0:
        assert match == Match(0, 0, 0)
    else:
        start = expected.index(longest)
        flat = bytes((text // scale).astype(np.uint8))  # of one byte a symbol
        assert match == Match(longest, start, flat.find(bytes(asked[start : start + longest])))


def test_a_long_text_of_one_symbol():
    text = text_of([[1] * 5000, [1] * 4000])
    _, match = SuffixArray(text, sort_suffixes(text)).matches(np.ones(4500, np.uint32))
    assert match == Match(4500, 0, 0)
