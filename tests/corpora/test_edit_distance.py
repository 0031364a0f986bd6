"""The pairs that are found are those that the plain dynamic program finds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from melodysynthesis.corpora import edit_distance
from melodysynthesis.corpora.edit_distance import near_pairs, within


def distance(one: list[int], other: list[int]) -> int:
    row = list(range(len(other) + 1))
    for number, symbol in enumerate(one, 1):
        diagonal, row[0] = row[0], number
        for place, mark in enumerate(other, 1):
            diagonal, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, diagonal + (symbol != mark))
    return row[-1]


def flat(sequences: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    first = np.cumsum([0, *map(len, sequences)])
    return first, np.array([symbol for sequence in sequences for symbol in sequence], np.int64)


def expected(sequences: list[list[int]], share: float) -> list[list[int]]:
    return [
        [i, j]
        for i in range(len(sequences))
        for j in range(i + 1, len(sequences))
        if distance(sequences[i], sequences[j]) <= share * max(len(sequences[i]), len(sequences[j]))
    ]


def variants(seed: int, count: int, longest: int) -> list[list[int]]:
    """Sequences of which some are others with a few edits."""
    random = np.random.default_rng(seed)
    sequences = [random.integers(-4, 5, random.integers(0, longest + 1)).tolist() for _ in range(count)]
    for _ in range(count):
        variant = list(sequences[random.integers(count)])
        for _ in range(random.integers(0, len(variant) // 3 + 2)):
            place = int(random.integers(len(variant) + 1))
            variant[place : place + int(random.integers(2))] = random.integers(-4, 5, random.integers(2)).tolist()
        sequences.append(variant)
    return sequences


@pytest.mark.parametrize("longest", [3, 20, 63, 64, 65, 130, 200])
def test_pairs_are_those_of_the_plain_program(longest):
    sequences = variants(longest, 20, longest)
    for share in (0, 0.1, 0.25, 0.5):
        found = near_pairs(*flat(sequences), share).tolist()
        assert found == expected(sequences, share)


@given(st.lists(st.lists(st.integers(-2, 2), max_size=12), max_size=6), st.sampled_from([0, 0.25, 0.4]))
def test_any_sequences(sequences, share):
    assert near_pairs(*flat(sequences), share).tolist() == expected(sequences, share)


def test_limits_are_exact():
    sequences = variants(7, 15, 90)
    first, symbols = flat(sequences)
    pairs = np.array([[i, j] for i in range(len(sequences)) for j in range(len(sequences))])
    true = np.array([distance(sequences[i], sequences[j]) for i, j in pairs])
    codes = symbols + 4
    assert within(first, codes, pairs, true).all()
    assert not within(first, codes, pairs, true - 1).any()


def test_blocks_change_nothing(monkeypatch):
    sequences = variants(3, 40, 80)
    found = near_pairs(*flat(sequences), 0.25).tolist()
    monkeypatch.setattr(edit_distance, "_ROWS", 7)
    monkeypatch.setattr(edit_distance, "_PAIRS_AT_ONCE", 10)
    assert near_pairs(*flat(sequences), 0.25).tolist() == found
    assert len(found) > 20
