"""Runs of notes: equal steps are equal runs, a hash is that of its steps alone, and a table has what it was made of."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from melodysynthesis.corpora.run_index import NoteRuns, RunTable, extend, hash_runs, rhythm_steps, steps_of_melody
from melodysynthesis.music import Melody, Note
from tests.corpora.test_families import melody

tunes = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=9), min_size=1, max_size=5)
lengths = st.integers(0, 4)


def text_of(several: list[list[int]]) -> np.ndarray:
    return np.array([step for tune in several for step in (*tune, -1)], np.int64)


def runs_by_hand(several: list[list[int]], length: int) -> set[tuple[int, ...]]:
    return {tuple(tune[i : i + length]) for tune in several for i in range(len(tune) - length + 1)}


def hash_of(run: tuple[int, ...]) -> np.ndarray:
    return hash_runs(np.array(run, np.int64), len(run))


@given(tunes, tunes, lengths)
def test_a_table_has_the_runs_within_tunes_and_no_other(several, others, length):
    table, known = RunTable(text_of(several), length), runs_by_hand(several, length)
    for run in known | runs_by_hand(others, length):
        assert table.has(hash_of(run)).tolist() == [run in known]


@given(st.lists(st.integers(0, 2**60), min_size=1, max_size=12), lengths)
def test_a_hash_depends_on_the_steps_of_its_run_alone(steps, length):
    hashes = hash_runs(np.array(steps, np.int64), length)
    assert len(hashes) == max(len(steps) - length + 1, 0)
    assert hashes.tolist() == [int(hash_of(tuple(steps[i : i + length]))[0]) for i in range(len(hashes))]
    if len(steps) > length:
        longer = hash_runs(np.array(steps, np.int64), length + 1)
        assert extend(hashes[:-1], np.array(steps[length:], np.int64)).tolist() == longer.tolist()


def test_order_and_small_steps_make_a_difference():
    runs = [(0,), (0, 0), (0, 1), (1, 0), (1,), (0, 0, 0), (2, 0), (0, 2)]
    assert len({int(hash_of(run)[0]) for run in runs}) == len(runs)


def test_a_table_of_tunes_that_are_too_short_is_empty():
    assert not RunTable(text_of([[1], []]), 3).has(np.zeros((2, 3), np.uint64)).any()


def test_steps_by_rhythm_are_equal_up_to_one_factor_and_count_rests():
    tune = melody([60, 62, 64, 60], [24, 12, 12, 48])
    halved = melody([67, 69, 71, 67], [12, 6, 6, 24])
    rested = Melody((*tune.notes[:3], Note(60, 36, 60)), 96)
    steps = steps_of_melody(tune, "rhythm")
    assert steps.tolist() == steps_of_melody(halved, "rhythm").tolist()
    assert steps.tolist() != steps_of_melody(rested, "rhythm").tolist()
    assert steps_of_melody(tune, "interval").tolist() == steps_of_melody(rested, "interval").tolist()
    assert steps[-1] == -1


def test_a_rest_after_a_note_lengthens_it_but_for_the_last():
    plain = melody([60, 62, 64], [24, 24, 24])
    cut = melody([60, 62, 64], [12, 12, 24], gap=12)
    assert steps_of_melody(plain, "rhythm").tolist() == steps_of_melody(cut, "rhythm").tolist()


def test_durations_without_bound_still_make_steps():
    step = rhythm_steps(np.array([-127]), np.array([2**40]), np.array([1]))
    assert step > 0


@given(tunes)
def test_repeats_are_merged_within_each_tune(several):
    first = np.cumsum([0, *map(len, several)])
    runs = NoteRuns(first, np.array([60 + pitch for tune in several for pitch in tune], np.uint8)).merged()
    found = [runs.pitches[a:b].tolist() for a, b in zip(runs.first[:-1], runs.first[1:], strict=True)]
    assert found == [[60 + p for i, p in enumerate(tune) if i == 0 or tune[i - 1] != p] for tune in several]


@given(tunes, st.integers(1, 3))
def test_sorted_runs_bring_equal_runs_together(several, length):
    first = np.cumsum([0, *map(len, several)])
    runs = NoteRuns(first, np.array([60 + pitch for tune in several for pitch in tune], np.uint8))
    found = [(int(hash), int(owner)) for part in runs.sorted_runs(length) for hash, owner in zip(*part, strict=True)]
    intervals = [np.diff(tune).tolist() for tune in several]
    expected = [(int(hash_of(tuple(128 + x for x in tune[i : i + length]))[0]), number)
                for number, tune in enumerate(intervals) for i in range(len(tune) - length + 1)]  # fmt: skip
    assert found == sorted(expected)
