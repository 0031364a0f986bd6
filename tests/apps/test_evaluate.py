"""`melody evaluate` on a folder of files: a table, JSON, files, and mistakes in one line."""

import json

import numpy as np
import pytest

from melodysynthesis import formats
from melodysynthesis.apps.cli import run
from melodysynthesis.encodings import EventEncoding, GridEncoding
from melodysynthesis.music import Key, Melody, Meter, Note
from melodysynthesis.runtime.ngram import train_ngram


def tune(number):
    rng = np.random.default_rng(number)
    notes = tuple(Note(24 * i, 24, int(rng.integers(60, 73))) for i in range(16))
    return Melody(notes, 384, (Meter(0, 4, 4),), Key("C"), source=f"tune {number}")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MELODYSYNTHESIS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tunes").mkdir()
    for number in range(30):
        formats.write(tune(number), tmp_path / "tunes" / f"{number}.abc")
    encoding = EventEncoding()
    train_ngram([encoding.encode(tune(number)) for number in range(20)], encoding, 3).save(tmp_path / "small.npz")
    grid = GridEncoding()
    train_ngram([grid.encode(tune(number)) for number in range(20)], grid, 3).save(tmp_path / "grid.npz")
    return tmp_path


def test_figures_as_json_and_as_files(folder, capsys):
    assert run(["evaluate", "small.npz", "--corpus", "tunes", "--order", "2", "--out", "found", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["encoding"] == "event"
    assert set(figures["baselines"]) == {"n-gram, order 2", "constant rule", "PPM"}
    assert figures["bits per note"]["value"] > 0
    assert json.loads((folder / "found" / "figures.json").read_text()) == figures
    assert (folder / "found" / "confusion_matrix.png").stat().st_size > 1000


def test_a_table_for_people(folder, capsys):
    assert run(["evaluate", "small.npz", "--corpus", "tunes", "--no-baselines"]) == 0
    text = capsys.readouterr().out
    assert "bits per note" in text
    assert "accuracy, note" in text


def test_a_text_with_delimiters(folder, capsys):
    text = " ".join((" ".join(["60 _ 62 _ 64 _"] * 6) + " /" * 64).split() * 3)
    (folder / "test.txt").write_text(text)
    assert (
        run(["evaluate", "grid.npz", "--text", "test.txt", "--train-text", "test.txt", "--window", "8", "--json"]) == 0
    )
    figures = json.loads(capsys.readouterr().out)
    assert figures["tokens"] == 3 * (36 + 64) - 64
    assert figures["protocol"] == "text with delimiters, windows of 8 tokens"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.npz"], "missing.npz"),
        (["small.npz", "--corpus", "tunes", "--split", "tets"], "did you mean test"),
        (["small.npz", "--text", "test.txt"], "needs a model of the grid encoding"),
        (["grid.npz", "--text", "bad.txt"], "not a grid text"),
        (["small.npz", "--window", "64"], "go with --text"),
        (["small.npz", "--corpus", "tunes", "--no-baselines", "--out", "bad.txt/x"], "folder can't be made"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(folder, capsys, arguments, message):
    (folder / "bad.txt").write_text("60 _ 999")
    assert run(["evaluate", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert error.startswith("melody: ")
