"""`melody compare`: its table, JSON, CSV and mistakes."""

import csv
import json
from pathlib import Path

import pytest

from melodysynthesis import formats
from melodysynthesis.apps.cli import run
from melodysynthesis.apps.compare import _corpus_last
from melodysynthesis.evaluation.features import FIGURES, PROFILES
from melodysynthesis.formats import abc
from tests.corpora.test_families import tune


@pytest.fixture
def sets(folder, monkeypatch):
    monkeypatch.setenv("MELODYSYNTHESIS_CACHE", str(folder / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    (folder / "people").mkdir()
    for number in range(12):
        (folder / "people" / f"{number:02}.abc").write_bytes(abc.write(tune(number)))
    for number in range(3):
        formats.write(tune(50 + number), folder / f"{number}.mid")
    return ["0.mid", "1.mid", "2.mid"]


def test_a_table_and_a_csv_of_all_scores(sets, folder, capsys):
    assert run(["compare", *sets, "--against", "people", "--no-critic", "--out", "scores.csv"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("melodies: 3 melodies, compared with 12 human ones: people\n")
    assert "Frechet distance, 17 descriptors" in printed
    with (folder / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 + 4 * len(FIGURES) + 3 * len(PROFILES)
    assert {row["metric"] for row in rows} == {
        "mean", "frechet", "wasserstein", "overlap", "divergence", "jensen_shannon",
    }  # fmt: skip
    assert "Pitch Range" in printed
    assert "Interval Triples" in printed
    assert "Phrase Quarters" not in printed  # MIDI says no phrases


def test_piped_and_narrow_output_is_not_cut(sets, monkeypatch, capsys):
    wide = ["compare", *sets, "--against", "people", "--no-critic"]
    assert run(wide) == 0
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) > 80
    assert "…" not in printed
    monkeypatch.setenv("COLUMNS", "40")
    assert run(wide) == 0
    assert capsys.readouterr().out == printed


def test_two_sets_side_by_side_as_json_and_plots(sets, folder, capsys):
    (folder / "other").mkdir()
    for name in sets[:2]:
        (folder / "other" / name).write_bytes((folder / name).read_bytes())
    (folder / "other" / "notes.md").write_text("no score")
    assert run(["compare", "people", "other", "--against", "people", "--no-critic", "--plots", "seen", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["melodies"]) for one in found["sets"]] == [("people", 12), ("other", 2)]
    notes = next(row for row in found["sets"][1]["rows"] if (row["name"], row["metric"]) == ("Notes", "mean"))
    assert (notes["value"], notes["people"]) == (30, 30)
    assert {path.name for path in (folder / "seen").iterdir()} == {"descriptors.png", "bars.png", "phrases.png"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in (folder / "seen").iterdir())


def test_a_corpus_may_stand_last(tmp_path):
    assert _corpus_last([Path("set"), Path("essen-german")], None) == ([Path("set")], "essen-german")
    assert _corpus_last([Path("set")], None) == ([Path("set")], "essen-german")
    assert _corpus_last([Path("essen-german")], None) == ([Path("essen-german")], "essen-german")
    assert _corpus_last([Path("a"), Path("b")], "people") == ([Path("a"), Path("b")], "people")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.mid", "--against", "people"], "no such file"),
        (["0.mid", "--against", "nobody"], "unknown corpus 'nobody'"),
        (["0.mid", "--against", "1.mid"], "1 melodies to compare with are too few"),
    ],
)
def test_mistakes_are_one_line(sets, capsys, arguments, message):
    assert run(["compare", *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert len(captured.err.splitlines()) == 1
    assert captured.out == ""
