"""Originality on the command line: `melody inspect --corpus` and `melody generate --originality`."""

import json
import subprocess
import sys

import numpy as np
import pytest

from melodysynthesis import corpora, formats
from melodysynthesis.apps.cli import run
from melodysynthesis.corpora import sources
from melodysynthesis.encodings import encoding_from
from melodysynthesis.evaluation.originality import evaluate, index_of
from melodysynthesis.formats import abc
from melodysynthesis.runtime.base import ModelCard
from melodysynthesis.runtime.ngram import train_ngram
from tests.apps.conftest import tunes
from tests.corpora.test_families import tune


@pytest.fixture
def collection(folder, monkeypatch):
    """A folder of twenty tunes in the current folder, and a cache of its own."""
    monkeypatch.setenv("MELODYSYNTHESIS_CACHE", str(folder / "cache"))
    (folder / "tunes").mkdir()
    for number in range(20):
        (folder / "tunes" / f"{number:02}.abc").write_bytes(abc.write(tune(number)))
    return corpora.load("tunes")


@pytest.fixture
def copy(collection, folder):
    """A file of a training tune in another key, and that tune's number."""
    number = int(collection.split("train").indices[3])
    formats.write(collection[number].transpose(2), folder / "copy.mid")
    return number + 1


def test_inspect_names_the_tune_that_a_file_was_copied_from(collection, copy, capsys):
    assert run(["inspect", "copy.mid", "--corpus", "tunes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("copy.mid: ")
    said = f"30 of 30 notes (1 to 30) are in tune {copy}, {copy - 1:02}.abc no. 1"
    assert lines[1].startswith(f"  longest run shared, by intervals and rhythm: {said}")
    assert "percentile 100 of" in lines[1]
    shares = "100 % of 4 notes, 100 % of 6 notes, 100 % of 8 notes, 100 % of 12 notes"
    assert lines[2] == f"  runs copied, by intervals and rhythm: {shares}"
    assert lines[3].startswith("  longest run shared, by intervals alone: 30 of 30")


def test_json(collection, copy, capsys):
    assert run(["inspect", "copy.mid", "--corpus", "tunes", "--json"]) == 0
    (file,) = json.loads(capsys.readouterr().out)
    found = file["melodies"][0]["originality"]
    assert (found["corpus"], found["training_tunes"]) == ("tunes", len(collection.split("train")))
    assert (found["rhythm"]["tune"], found["rhythm"]["longest_run"], found["rhythm"]["percentile"]) == (copy, 30, 100)
    assert found["rhythm"]["tune_place"]["first_note"] == 1


def test_generate_writes_it_into_the_provenance(collection, folder, capsys):
    encoding = encoding_from({"name": "event"})
    card = ModelCard("copier", "ngram", "test", "tunes", "none", 0, 0, "", {})
    sequences = [np.asarray(encoding.encode(melody)) for melody in collection.split("train")]
    train_ngram(sequences, encoding, 8, card).save(folder / "copier.ngram")
    request = ["generate", "--model", "copier.ngram", "--seed", "1", "--count", "2", "--format", "mid"]
    assert run([*request, "--originality"]) == 0
    assert "notes in a row, percentile" in capsys.readouterr().out
    judged = sorted((folder / "generated_melodies").iterdir())
    assert run(request) == 0  # under other names: these files say less
    capsys.readouterr()
    assert len(list((folder / "generated_melodies").iterdir())) == 2 * len(judged)
    json_file = next(path for path in judged if path.suffix == ".json")
    said, (melody,) = json.loads(json_file.read_text()), formats.read(json_file).melodies
    assert said["provenance"]["originality"] == evaluate(melody, index_of(collection))
    assert run(["generate", "--from", str(json_file), "--originality", "--json"]) == 0
    (again,) = json.loads(capsys.readouterr().out)
    assert again["originality"] == said["provenance"]["originality"]


def test_generate_without_it_needs_no_corpus(models, folder):
    code = (
        "import sys; from melodysynthesis.apps.cli import run; run(sys.argv[1:]);"
        "print([name for name in sys.modules if name.startswith('melodysynthesis.corpora')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "generate", "--model", models["event"], "-q"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "[]\n"


def test_a_model_of_an_unknown_corpus(models, folder, capsys):
    assert run(["generate", "--model", models["event"], "--originality"]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("melody: unknown corpus 'scales'")
    assert len(captured.err.splitlines()) == 1
    assert list(folder.iterdir()) == []


def test_without_music21_the_message_says_how_to_install_it(folder, capsys, monkeypatch):
    monkeypatch.setattr(sources.importlib.util, "find_spec", lambda name: None)
    formats.write(next(tunes()), folder / "a.mid")
    assert run(["inspect", "a.mid", "--corpus", "essen-german"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        "melody: corpus 'essen-german' is part of music21, which is not installed: "
        "pip install 'melodysynthesis[corpora]'\n"
    )
