"""Diversity: known sets have known shares, and a collapse is heard whatever each melody is like."""

import math

import numpy as np
import pytest

from melodysynthesis.evaluation.diversity import distinct_ngrams

RANDOM = np.random.default_rng(0)


def test_melodies_that_are_all_different_are_fully_distinct() -> None:
    melodies = [np.arange(20) + 100 * i for i in range(5)]
    assert distinct_ngrams(melodies).value == 1


@pytest.mark.parametrize("copies", [2, 5])
def test_copies_are_heard(copies: int) -> None:
    melodies = [RANDOM.integers(0, 1000, 30) for _ in range(4)]
    assert distinct_ngrams(melodies * copies).value == pytest.approx(1 / copies)


def test_a_run_that_repeats_within_a_melody_counts_each_time() -> None:
    melody = [1, 2, 3, 4] * 6
    found = distinct_ngrams([melody], n=4).value
    assert found == pytest.approx(4 / 21)


def test_the_share_is_that_of_a_plain_count() -> None:
    melodies = [RANDOM.integers(0, 3, size) for size in (3, 12, 40, 25)]
    runs = [tuple(m[i : i + 3]) for m in melodies for i in range(len(m) - 2)]
    assert distinct_ngrams(melodies, n=3).value == pytest.approx(len(set(runs)) / len(runs))


def test_the_interval_holds_the_value_and_narrows() -> None:
    few, many = ([RANDOM.integers(0, 6, 40) for _ in range(count)] for count in (10, 160))
    one, other = distinct_ngrams(few, n=4), distinct_ngrams(many, n=4)
    assert one.low <= one.value <= one.high
    assert other.high - other.low < one.high - one.low


def test_nothing_to_count_is_not_a_number() -> None:
    for melodies in ([], [[1, 2]]):
        assert math.isnan(distinct_ngrams(melodies).value)
