"""Tune families and splits: who is family, and what does not matter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from melodysynthesis.corpora import run_index
from melodysynthesis.corpora.families import (
    content_hash,
    find_families,
    longest_run_across,
    near_duplicates,
    split_families,
)
from melodysynthesis.corpora.run_index import NoteRuns
from melodysynthesis.music import Melody, Note


def melody(pitches: list[int], durations: list[int] | None = None, gap: int = 0) -> Melody:
    now, notes = 0, []
    for pitch, duration in zip(pitches, durations or [24] * len(pitches), strict=True):
        notes.append(Note(now, duration, pitch))
        now += duration + gap
    return Melody(tuple(notes), now)


def tune(seed: int, length: int = 30) -> Melody:
    random = np.random.default_rng(seed)
    return melody(random.integers(55, 80, length).tolist(), random.choice([6, 12, 24, 36], length).tolist())


def notes_of(tunes: list[Melody]) -> NoteRuns:
    first = np.cumsum([0, *map(len, tunes)])
    arrays = [tune.note_array() for tune in tunes]
    columns = np.concatenate(arrays) if arrays else np.zeros((0, 3), np.int32)
    return NoteRuns(first, columns[:, 2].astype(np.uint8))


def families(tunes: list[Melody]) -> list[int]:
    return find_families(notes_of(tunes)).tolist()


def joined(head: Melody, tail: Melody) -> Melody:
    return melody([*head.pitches, *tail.pitches], [note.duration for note in (*head.notes, *tail.notes)])


def test_strangers_are_no_family():
    assert families([tune(1), tune(2), tune(3)]) == [0, 1, 2]


def test_a_run_of_sixteen_notes_makes_a_family_and_one_of_fifteen_does_not():
    shared = tune(1, 16)
    assert families([joined(tune(2), shared), joined(shared, tune(3))]) == [0, 0]
    fewer = Melody(shared.notes[:15], shared.notes[14].end)
    assert families([joined(tune(2), fewer), joined(fewer, tune(3))]) == [0, 1]


def test_another_key_or_rhythm_hides_nothing():
    one = tune(1)
    halved = melody(list(one.pitches), [note.duration // 2 for note in one.notes])
    rested = melody(list(one.pitches), [note.duration for note in one.notes], gap=12)
    even = melody(list(one.pitches))
    assert families([one, one.transpose(3), halved, rested, even]) == [0, 0, 0, 0, 0]


def test_short_tunes_that_are_equal_are_family():
    assert families([tune(1, 9), tune(2, 9), tune(1, 9).transpose(-2)]) == [0, 1, 0]
    assert families([tune(1, 1), tune(2, 2), tune(3, 1)]) == [0, 1, 0]


def test_a_run_counts_with_repeated_notes_merged():
    shared = tune(1, 16)
    repeating = melody([pitch for pitch in shared.pitches for _ in range(2)])
    assert families([joined(tune(2), shared), joined(repeating, tune(3))]) == [0, 0]
    shorter = melody([pitch for pitch in shared.pitches[:15] for _ in range(2)])
    assert families([joined(tune(2), shared), joined(shorter, tune(3))]) == [0, 1]


def test_a_quarter_of_edits_makes_a_family_and_more_do_not():
    one = tune(1, 33)  # 32 intervals: 8 edits are a quarter
    altered = list(one.pitches)
    for place in (3, 11, 19, 27):  # each moved note changes two intervals
        altered[place] += 25
    assert families([one, melody(altered)]) == [0, 0]
    altered[32] += 25
    assert families([one, melody(altered)]) == [0, 1]


def test_ornaments_make_a_family_with_repeats_merged():
    one = tune(1, 20)
    repeated = melody([pitch for pitch in one.pitches for _ in range(3)])
    ornamented = [pitch for place, pitch in enumerate(repeated.pitches) for pitch in [pitch] * (1 + (place % 2))]
    ornamented[30:30] = [ornamented[29] + 2]
    assert families([one, melody(ornamented)]) == [0, 0]


def test_very_many_tunes_are_compared_by_runs_and_equality(monkeypatch):
    monkeypatch.setattr("melodysynthesis.corpora.families.MOST_COMPARED", 3)
    one = tune(1, 12)
    nearly = melody([*one.pitches[:-1], one.pitches[-1] + 1])
    assert families([one, nearly, tune(2, 12), one.transpose(1)]) == [0, 1, 2, 0]
    assert families([one, nearly, one.transpose(1)]) == [0, 0, 0]


def test_family_is_whoever_is_family_with_family():
    a, b = tune(1, 16), tune(2, 16)
    assert families([joined(a, tune(3)), tune(9), joined(b, tune(4)), joined(a, b)]) == [0, 1, 0, 0]


def test_runs_do_not_reach_from_tune_to_tune():
    head, tail = tune(1, 10), tune(2, 10)
    assert families([joined(head, tail), head, tail]) == [0, 1, 2]


def test_memory_bounds_change_nothing(monkeypatch):
    shared = tune(1, 16)
    tunes = [joined(tune(2 + n), shared) if n % 3 else tune(40 + n) for n in range(20)]
    expected = families(tunes)
    monkeypatch.setattr(run_index, "_NOTES_AT_ONCE", 50)
    monkeypatch.setattr(run_index, "_HASHES_AT_ONCE", 100)
    assert families(tunes) == expected
    assert len(set(expected)) == 8


def splits(tunes: list[Melody]) -> list[int]:
    contents = [content_hash(tune) for tune in tunes]
    return split_families(find_families(notes_of(tunes)), contents).tolist()


@given(st.permutations(range(12)))
def test_the_order_of_tunes_does_not_matter(order):
    shared = tune(1, 16)
    tunes = [joined(tune(50 + n), shared) if n < 4 else tune(n) for n in range(12)]
    expected = splits(tunes)
    assert len(set(expected[:4])) == 1
    assert splits([tunes[n] for n in order]) == [expected[n] for n in order]


def test_more_tunes_do_not_move_the_others():
    tunes = [tune(n) for n in range(60)]
    assert splits(tunes)[:30] == splits(tunes[:30])


def test_shares_are_about_eight_one_one():
    counts = np.bincount(splits([tune(n, 12) for n in range(2000)]), minlength=3) / 2000
    assert counts == pytest.approx([0.8, 0.1, 0.1], abs=0.02)


def test_a_giant_family_is_not_held_out():
    shared = tune(1, 16)
    for seed in range(5):
        giant = [joined(tune(100 * seed + n), joined(shared, tune(7 + seed, 3))) for n in range(40)]
        assert set(splits([*giant, *(tune(n) for n in range(1000, 1040))])[:40]) == {0}


def test_content_hash_is_the_same_everywhere():
    assert content_hash(tune(1, 5)) == content_hash(tune(1, 5).transpose(7))
    assert content_hash(melody([60, 62, 64], [24, 12, 12])) == content_hash(melody([50, 52, 54], [12, 6, 6], gap=6))
    assert content_hash(melody([60, 62, 64], [24, 12, 12])) != content_hash(melody([60, 62, 64]))
    assert content_hash(melody([60, 62, 64])) == 4289813295660629258


def test_near_duplicates():
    one = tune(1, 60)
    variant = melody([*one.pitches[:59], 59], [note.duration for note in one.notes])
    tunes = [one, variant, tune(2, 60)]
    assert near_duplicates(notes_of(tunes), np.zeros(3, bool)) == 2


def test_longest_run_across():
    shared = tune(1, 11)
    tunes = [joined(tune(2), shared), joined(shared, tune(3)), tune(4)]
    assert longest_run_across(notes_of(tunes), np.array([0, 1, 0], np.uint8)) == 11
