"""Laws over the whole collections; slow, but for what a report must say."""

import warnings
from fractions import Fraction

import pytest

from melodysynthesis import corpora
from melodysynthesis.errors import FormatError
from melodysynthesis.formats import abc, kern
from melodysynthesis.music import TICKS_PER_QUARTER

pytestmark = pytest.mark.slow

KEPT = {
    "essen-german": 6006,
    "essen-all": 8508,
    "oneills": 2009,
    "airds": 1174,
    "ryans": 1048,
    "public-domain": 4231,
    "chorales": 403,
}
READ = {
    "essen-german": 6008,
    "essen-all": 8514,
    "oneills": 2009,
    "airds": 1180,
    "ryans": 1059,
    "public-domain": 4248,
    "chorales": 408,
}


@pytest.fixture(params=KEPT)
def corpus(request, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("MELODYSYNTHESIS_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    return corpora.load(request.param)


def test_nearly_everything_is_read(corpus):
    assert corpus.report.read == READ[corpus.name]
    assert corpus.report.kept == len(corpus) == KEPT[corpus.name]
    assert set(corpus.report.rejected) <= {"bad music"}


def test_splits_do_not_leak_and_have_their_shares(corpus):
    assert corpora.audit(corpus).ok
    assert corpus.report.longest_shared_run == corpora.FAMILY_RUN - 1
    shares = [size.tunes / len(corpus) for size in corpus.report.splits.values()]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.03)


def test_every_tune_survives_abc_and_kern(corpus):
    for melody in corpus:
        assert abc.read(abc.write(melody), "x").melodies == [melody]
        assert kern.read(kern.write(melody), "x").melodies == [melody]


# In each of these a tie mark stands between two different pitches, as =F6-^F4: a slur. music21 makes one note of them.
EXPLAINED = {
    "ballad30.abc": ["100"],
    "ballad50.abc": ["12"],
    "ballad60.abc": ["1"],
    "erk10.abc": ["450"],
    "irl.abc": ["30"],
    "test0.abc": ["15"],
    "zuccal0.abc": ["227", "300", "648"],
}
ESSEN = [path.name for _, path in corpora.find_source("essen-all").files()]


@pytest.mark.parametrize("name", ESSEN)
def test_essen_equals_music21(name):
    """Every note of every tune, by onset, duration and pitch; the differences are explained."""
    source = corpora.find_source("essen-all")
    path = next(path for _, path in source.files() if path.name == name)
    rows = path.read_text("utf-8").split("\n")
    starts = [number for number, row in enumerate(rows) if row.startswith("X:")]
    different = []
    for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        tune = [row for row in rows[start:end] if row.strip()]
        try:
            (melody,) = source.read("\n".join(tune).encode(), name).melodies
        except FormatError:
            continue  # six tunes have lost notes, as in "| 62 |": refused
        if _music21_notes(tune) != [tuple(note) for note in melody.notes]:
            different.append(tune[0].removeprefix("X:").strip())
    assert different == EXPLAINED.get(name, [])


def _music21_notes(tune: list[str]) -> list[tuple[Fraction, Fraction, int]]:
    import music21

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # without the first line music21 forgets accidentals within the bar
        score = music21.converter.parseData("\n".join(["%abc-2.1", *tune, ""]), format="abc").stripTies()
        return [
            (
                note.getOffsetInHierarchy(score) * TICKS_PER_QUARTER,
                note.duration.quarterLength * TICKS_PER_QUARTER,
                note.pitch.midi,
            )
            for note in score.recurse().notes
        ]
