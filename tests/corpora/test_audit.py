"""The audit finds planted leaks, and finds none where there are none."""

import numpy as np
import pytest

from melodysynthesis import corpora
from melodysynthesis.corpora.audit import MAX_LEAKS, audit_splits, edit_distances
from tests.corpora.test_families import joined, melody, tune


def splits(train, test):
    return {"train": train, "validation": [], "test": test}


def test_clean_splits_pass():
    result = audit_splits(splits([tune(n) for n in range(20)], [tune(n) for n in range(20, 30)]))
    assert result.ok
    assert result.tunes == {"train": 20, "validation": 0, "test": 10}
    assert result.runs == {"train": 20 * 15, "validation": 0, "test": 10 * 15}


@pytest.mark.parametrize("disguise", ["none", "transposed", "halved", "rested", "evened"])
def test_a_planted_run_of_sixteen_is_found(disguise):
    shared = tune(1, 17)
    planted = joined(tune(90), shared)
    if disguise == "transposed":
        planted = planted.transpose(-4)
    elif disguise != "none":
        rhythm = {"halved": lambda d: d // 2, "rested": lambda d: d, "evened": lambda d: 12}[disguise]
        planted = melody(list(planted.pitches), [rhythm(n.duration) for n in planted.notes], 6 * (disguise == "rested"))
    result = audit_splits(splits([tune(2), joined(shared, tune(3))], [tune(4), planted]))
    (leak,) = result.leaks
    assert not result.ok
    assert (leak.notes, leak.split, leak.other_split) == (17, "test", "train")


def test_fifteen_notes_are_no_leak():
    shared = tune(1, 15)
    assert audit_splits(splits([joined(shared, tune(3))], [joined(tune(90), shared)])).ok


def test_short_equal_tunes_are_a_leak():
    result = audit_splits(splits([tune(1, 9)], [tune(1, 9).transpose(5)]))
    assert [leak.notes for leak in result.leaks] == [9]


def test_a_planted_run_with_repeated_notes_is_found():
    shared = tune(1, 16)
    planted = joined(melody([pitch for pitch in shared.pitches for _ in range(2)]), tune(90))
    (leak,) = audit_splits(splits([joined(tune(2), shared)], [tune(3), planted])).leaks
    assert (leak.form, leak.notes, leak.edits) == ("repeats merged", 16, None)
    assert "16 notes of" in str(leak)


def test_a_quarter_of_edits_is_a_leak_and_more_are_not():
    one = tune(1, 33)
    altered = list(one.pitches)
    for place in (3, 11, 19, 27):
        altered[place] += 25
    result = audit_splits(splits([tune(2), one], [melody(altered), tune(4)]))
    (leak,) = result.leaks
    assert (leak.form, leak.edits, result.pairs) == ("as they stand", 8, 4)
    assert "8 edits make" in str(leak)
    altered[32] += 25
    assert audit_splits(splits([tune(2), one], [melody(altered), tune(4)])).ok


def test_edit_distances_are_those_of_the_textbook():
    others = np.array([[1, 2, 3, 0], [2, 3, 0, 0], [9, 9, 9, 9], [0, 0, 0, 0]], np.int16)
    assert edit_distances([1, 2, 3], others, np.array([3, 2, 4, 0])).tolist() == [0, 1, 4, 3]


def test_many_leaks_are_cut_short():
    tunes = [tune(n) for n in range(150)]
    result = audit_splits(splits(tunes, tunes))
    assert len(result.leaks) == MAX_LEAKS


def test_a_corpus_whose_splits_were_tampered_with_fails(tmp_path, monkeypatch):
    monkeypatch.setenv("MELODYSYNTHESIS_CACHE", str(tmp_path / "cache"))
    from melodysynthesis.formats import abc

    shared = tune(1, 20)
    for number in range(30):
        one = joined(shared, tune(number)) if number < 2 else tune(number)
        (tmp_path / f"{number:02}.abc").write_bytes(abc.write(one))
    corpus = corpora.load(tmp_path)
    assert corpora.audit(corpus).ok
    split = np.array(corpus.columns["split"])
    split[:2] = 0, 2
    corpus.columns["split"] = split
    result = corpora.audit(corpus)
    (leak,) = result.leaks
    assert (leak.split, leak.other_split) == ("test", "train")
    assert leak.notes >= 20
    assert "01.abc" in leak.where
    assert "00.abc" in leak.other_where
