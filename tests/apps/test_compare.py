"""`melody compare`: its table, JSON, CSV and mistakes."""

import csv
import json

import pytest

from melodysynthesis import formats
from melodysynthesis.apps.cli import run
from melodysynthesis.apps.compare import further
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
    assert run(["compare", *sets, "--against", "people", "--out", "scores.csv"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("3 melodies beside 6 of people's, people\n")
    assert "Frechet distance of all figures: " in printed
    with (folder / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 + 3 * (len(FIGURES) + len(PROFILES))
    assert {row["metric"] for row in rows} == {"frechet", "wasserstein", "overlap", "divergence", "jensen_shannon"}
    assert all(name in printed for name in (*FIGURES, *PROFILES))


def test_json(sets, capsys):
    assert run(["compare", *sets, "--against", "people", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["means"]["Notes"] == {"melodies": 30, "people": 30}
    assert (found["against"], found["compared"], found["reference"]) == ("people", 3, 6)
    assert found["figures"]["Pitch Range"]["wasserstein"]["people"]["value"] >= 0


def test_further_from_people_is_by_intervals_that_do_not_touch():
    score = {"melodies": {"low": 2, "high": 3}, "people": {"low": 0, "high": 1}}
    assert further("wasserstein", score)
    assert not further("overlap", score)
    assert further("overlap", {"melodies": score["people"], "people": score["melodies"]})
    assert not further("wasserstein", {"melodies": {"low": None, "high": None}, "people": score["people"]})


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
