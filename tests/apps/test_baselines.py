"""Baselines are counted once for a corpus, and again when it is another."""

import pytest

from melodysynthesis import formats
from melodysynthesis.apps import baselines
from melodysynthesis.encodings import encoding_from
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.request import Request
from melodysynthesis.runtime.loading import open_model
from melodysynthesis.runtime.pretrained import path_of
from tests.apps.conftest import tunes

EVENT = encoding_from({"name": "event"})


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    monkeypatch.setenv("MELODYSYNTHESIS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "tunes").mkdir()
    for number, melody in enumerate(tunes()):
        formats.write(melody, tmp_path / "tunes" / f"{number}.abc")
    return tmp_path / "tunes"


def test_each_is_a_model_that_writes(corpus):
    found = list(baselines.count(str(corpus), EVENT))
    assert {one.name for one in found} == set(baselines.BASELINES)
    for name, file, card in found:
        engine, model = open_model(str(file))
        assert (model.card, card.architecture) == (card, name)
        (made,) = generate(engine, Request(bars=2, meter="4/4", key="C major", seed=1))
        assert made.melody.duration == 2 * 96


def test_what_is_counted_is_not_counted_again_unless_the_corpus_or_the_file_changes(corpus, monkeypatch):
    first = list(baselines.count(str(corpus), EVENT))
    counted = []
    count = baselines._count
    monkeypatch.setattr(baselines, "_count", lambda name, *rest: counted.append(name) or count(name, *rest))
    assert list(baselines.count(str(corpus), EVENT)) == first
    assert counted == []
    first[0].file.write_bytes(b"damaged")
    assert list(baselines.count(str(corpus), EVENT)) == first
    assert counted == [first[0].name]
    formats.write(next(tunes()).transpose(3), corpus / "another.abc")
    assert all(one.file not in {was.file for was in first} for one in baselines.count(str(corpus), EVENT))


def test_they_are_offered_beside_a_model_whose_corpus_is_there(models):
    alone = baselines.offer({"scale": models["event"]})
    assert alone.names == ()
    assert "scales is none of the named collections" in alone.missing
    pytest.importorskip("music21", reason="the collections come with music21")
    beside = baselines.offer({"scale": models["event"], "ppm": str(path_of("lstm"))})
    assert (beside.corpus, beside.encoding.name, beside.missing) == ("essen-german", "event", None)
    assert beside.names == ("ngram", "constant")  # the name ppm is taken
