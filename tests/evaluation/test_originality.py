"""Originality: equal to a search through everything, and blind to key and note values."""

import json
from collections.abc import Sequence
from math import gcd, isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melodysynthesis.corpora import SPLITS, Corpus
from melodysynthesis.corpora.families import SPLITS_VERSION
from melodysynthesis.corpora.report import BuildReport
from melodysynthesis.corpora.run_index import KINDS
from melodysynthesis.corpora.store import Spool
from melodysynthesis.evaluation import originality
from melodysynthesis.evaluation.originality import NGRAMS, Index, evaluate, index_of
from melodysynthesis.music import Melody, Meter, Note


def melody(*notes: tuple[int, int, int], source: str = "") -> Melody:
    """Of pitch, duration and the rest after it."""
    now, made = 0, []
    for pitch, duration, rest in notes:
        made.append(Note(now, duration, pitch))
        now += duration + rest
    return Melody(tuple(made), now, (Meter(0, 4, 4),), source=source)


def tune(seed: int, length: int = 40) -> Melody:
    random = np.random.default_rng(seed)
    durations = random.choice([6, 12, 24, 36], length).tolist()
    pitches = random.integers(55, 80, length).tolist()
    return melody(*zip(pitches, durations, [0] * length, strict=True), source=f"tune {seed}")


def joined(one: Melody, other: Melody) -> Melody:
    return melody(*((note.pitch, note.duration, 0) for note in (*one.notes, *other.notes)))


def corpus_of(tmp_path_factory, train: Sequence[Melody], held_out: Sequence[Melody] = ()) -> Corpus:
    with Spool(tmp_path_factory.mktemp("spool")) as spool:
        for one in (*train, *held_out):
            spool.add(one, 0)
        spool.set_column("split", np.array([0] * len(train) + [1 + n % 2 for n in range(len(held_out))]))
        spool.set_column("family", np.arange(len(train) + len(held_out)))
        columns = {name: np.array(column) for name, column in spool.columns().items()}
    return Corpus("few", BuildReport("few", SPLITS_VERSION), [], columns)


def fresh(corpus: Corpus) -> Index:
    """An index that is not cached."""
    return Index(corpus, originality._build(corpus))


# --- the law: equal to comparing every run of notes with every other, written out


def written_out(one: Melody, start: int, notes: int, kind: str) -> tuple[int, ...]:
    """A run as its pitches above the first, and its durations in the largest unit that divides them."""
    run = one.notes[start : start + notes]
    pitches = tuple(note.pitch - run[0].pitch for note in run)
    if kind == "interval":
        return pitches
    following = [note.onset for note in one.notes[start + 1 : start + 1 + notes]]
    ends = following if len(following) == notes else [*following, one.notes[-1].end]
    lasting = [end - note.onset for note, end in zip(run, ends, strict=True)]
    return (*pitches, *(duration // gcd(*lasting) for duration in lasting))


def searched(one: Melody, tunes: Sequence[Melody], kind: str) -> tuple[int, int, int, int, list[float]]:
    """Notes of the longest run, its start, the tune and its start there, and the copied shares."""
    best, shares = (0, 0, 0, 0), []
    there: dict[tuple[int, ...], tuple[int, int]] = {}
    for number, other in enumerate(tunes):
        for start in range(len(other)):
            for notes in range(1, len(other) - start + 1):
                there.setdefault((notes, *written_out(other, start, notes, kind)), (number, start))
    runs = {(s, n): (n, *written_out(one, s, n, kind)) for s in range(len(one)) for n in range(1, len(one) - s + 1)}
    for (start, notes), run in runs.items():
        if run in there and notes > max(best[0], 1):
            best = (notes, start, *there[run])
    for n in NGRAMS:
        found = [run in there for (_, notes), run in runs.items() if notes == n]
        shares.append(float(np.mean(found)) if found else float("nan"))
    return (*(best if best[0] else (int(bool(one.notes) and bool(tunes)), 0, 0, 0)), shares)


few = st.lists(
    st.tuples(st.sampled_from((60, 61, 62)), st.sampled_from((12, 24)), st.sampled_from((0, 0, 0, 12))), max_size=14
).map(lambda notes: melody(*notes))


@pytest.mark.parametrize("kind", KINDS)
@given(train=st.lists(few, min_size=0, max_size=5), one=few)
def test_equal_to_a_search_through_everything(tmp_path_factory, kind, train, one):
    train = [other for other in train if other.notes]
    shared = fresh(corpus_of(tmp_path_factory, train)).shared(one, kind)
    notes, start, number, there, shares = searched(one, train, kind)
    assert shared.notes == notes
    np.testing.assert_array_equal(list(shared.copied.values()), shares)
    if notes < 2:
        assert (shared.place, shared.tune, shared.tune_place, shared.name) == (None, None, None, "")
    else:
        assert (shared.place.first_note, shared.place.last_note) == (start + 1, start + notes)
        assert (shared.tune, shared.tune_place.first_note) == (number + 1, there + 1)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    held_out = [joined(Melody(tune(k).notes[: 2 * k], 10**6), tune(90 + k)) for k in range(10)]
    return corpus_of(tmp_path_factory, [tune(seed) for seed in range(20)], held_out)


@pytest.fixture(scope="module")
def index(corpus):
    return fresh(corpus)


def test_a_tune_of_the_corpus_finds_itself_whole(corpus, index):
    for number, one in enumerate(corpus.split("train"), 1):
        for kind in KINDS:
            shared = index.shared(one, kind)
            assert (shared.notes, shared.tune, shared.name) == (len(one), number, one.source)
            assert shared.place == shared.tune_place
            assert set(shared.copied.values()) == {1.0}
            assert shared.percentile == 100


@given(semitones=st.integers(-30, 30), factor=st.integers(1, 4), seed=st.integers(0, 99), rest=st.sampled_from((0, 3)))
@settings(max_examples=20)
def test_key_note_values_and_breaths_hide_nothing(index, semitones, factor, seed, rest):
    one = tune(seed)
    other = melody(*((n.pitch + semitones, n.duration * factor - rest, rest) for n in one.notes))
    for kind in KINDS:
        assert index.measure(one, kind)[0] == index.measure(other, kind)[0] or rest  # the last note may be shorter
        assert abs(index.measure(one, kind)[0] - index.measure(other, kind)[0]) <= bool(rest)


def test_another_rhythm_is_seen_by_interval_only(index):
    even = melody(*((pitch, 24, 0) for pitch in tune(3).pitches))
    assert index.shared(even, "interval").notes == 40
    assert index.shared(even, "rhythm").notes < 10


def test_a_run_ends_with_its_tune(tmp_path_factory):
    one, two = tune(1, 12), tune(2, 12)
    found = fresh(corpus_of(tmp_path_factory, [one, two])).shared(joined(one, two), "rhythm")
    assert (found.notes, found.tune, found.place[:2]) == (12, 1, (1, 12))


def test_where_it_is_in_notes_and_bars(tmp_path_factory):
    six_quarters = melody(*((60, 24, 0) for _ in range(6)))
    copied = joined(six_quarters, Melody(tune(4).notes[10:20], 10**6))
    found = fresh(corpus_of(tmp_path_factory, [tune(4)])).shared(copied, "rhythm")
    assert (found.notes, found.place[:3], found.tune_place[:2]) == (10, (7, 16, 2), (11, 20))


@pytest.mark.parametrize("notes", [(), ((60, 24, 0),)])
def test_empty_and_one_note_melodies_are_defined(index, notes):
    for kind in KINDS:
        shared = index.shared(melody(*notes), kind)
        assert (shared.notes, shared.tune, shared.percentile) == (len(notes), None, 0)
        assert all(map(isnan, shared.copied.values()))
        assert all(map(isnan, shared.copied_percentiles.values()))
    answer = json.loads(json.dumps(evaluate(melody(*notes), index)))
    assert answer["rhythm"]["copied"] == dict.fromkeys(map(str, NGRAMS))
    assert answer["rhythm"]["tune"] is None


def test_percentiles_are_among_held_out_tunes(corpus, index):
    held_out = [one for split in SPLITS[1:] for one in corpus.split(split)]
    runs = [index.measure(one, "rhythm")[0] for one in held_out]
    assert sorted(index.people["rhythm"].notes.tolist()) == sorted(runs)
    assert len(set(runs)) > 3
    for one, notes in zip(held_out, runs, strict=True):
        less, equal = sum(run < notes for run in runs), sum(run == notes for run in runs)
        assert index.shared(one, "rhythm").percentile == pytest.approx(100 * (less + equal / 2) / len(runs))
    assert evaluate(held_out[0], index)["held_out_tunes"] == 10


def test_without_held_out_or_training_tunes(tmp_path_factory):
    assert isnan(fresh(corpus_of(tmp_path_factory, [tune(1)])).shared(tune(1), "rhythm").percentile)
    nothing = fresh(corpus_of(tmp_path_factory, [], [tune(1)])).shared(tune(1), "rhythm")
    assert (nothing.notes, nothing.tune, nothing.percentile) == (0, None, 50)


def test_the_index_is_kept_beside_the_corpus_and_mended(corpus, index, tmp_path, monkeypatch):
    monkeypatch.setenv("MELODYSYNTHESIS_CACHE", str(tmp_path))
    one = tune(7)
    before = evaluate(one, index)
    assert evaluate(one, index_of(corpus)) == before
    (kept,) = (tmp_path / "corpora").iterdir()
    monkeypatch.setattr(originality, "_build", lambda corpus: pytest.fail("it is built again"))
    assert evaluate(one, index_of(corpus)) == before
    monkeypatch.undo()
    monkeypatch.setenv("MELODYSYNTHESIS_CACHE", str(tmp_path))
    whole = kept.read_bytes()
    for damaged in (b"", b"junk", whole[: len(whole) // 2], whole[:3000] + b"\xff" + whole[3001:]):
        kept.write_bytes(damaged)
        assert evaluate(one, index_of(corpus)) == before
        assert kept.read_bytes() == whole


def test_another_split_is_another_index(corpus, tmp_path, monkeypatch):
    monkeypatch.setenv("MELODYSYNTHESIS_CACHE", str(tmp_path))
    columns = {**corpus.columns, "split": np.roll(corpus.columns["split"], 1)}
    for each in (corpus, Corpus("few", corpus.report, [], columns)):
        index_of(each)
    assert len(list((tmp_path / "corpora").iterdir())) == 2


def test_a_cache_that_cannot_be_written_costs_only_time(corpus, index, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MELODYSYNTHESIS_CACHE", str(tmp_path / "file"))
    assert evaluate(tune(7), index_of(corpus)) == evaluate(tune(7), index)
