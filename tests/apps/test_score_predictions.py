"""`melody score-predictions`: tunes to predict, files of predictions, scores, and mistakes in one line."""

import json
import re

import pytest

from melodysynthesis import corpora
from melodysynthesis.apps.cli import run
from melodysynthesis.formats import json as melody_json
from tests.apps.test_evaluate import folder

__all__ = ["folder"]


@pytest.fixture
def predicted(folder, capsys):
    """A folder with `ours.jsonl`, written by a small model; its lines."""
    evaluate = ["evaluate", "small.npz", "--corpus", "tunes", "--no-baselines"]
    assert run([*evaluate, "--predictions", "ours.jsonl", "--json"]) == 0
    bits = json.loads(capsys.readouterr().out)["bits per note"]["value"]
    return bits, [json.loads(line) for line in (folder / "ours.jsonl").read_text().splitlines()]


def score(*arguments: str) -> int:
    return run(["score-predictions", *arguments, "--corpus", "tunes"])


def write(folder, name: str, lines) -> str:
    (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return name


def test_the_score_is_what_evaluate_finds(folder, predicted, capsys):
    bits, (head, *tunes) = predicted
    halves = write(folder, "half.jsonl", [head | {"model": "half"}, *(t | {"bits": t["bits"] / 2} for t in tunes)])
    assert score("ours.jsonl", halves, "--json") == 0
    ours, half = json.loads(capsys.readouterr().out)
    assert ours["bits per note"]["value"] == pytest.approx(bits, abs=1e-5)
    assert (ours["model"], half["model"], ours["tunes"]) == ("small.npz", "half", len(tunes))
    assert half["first less this"]["difference"]["value"] == pytest.approx(bits / 2, abs=1e-5)
    assert score("ours.jsonl", halves) == 0
    printed = capsys.readouterr().out
    assert "the first less this" in printed
    assert f"{bits:.3f}" in printed


def test_the_tunes_can_be_written_and_are_those_of_the_split(folder, predicted, capsys):
    assert score("--tunes", "tunes.jsonl") == 0
    head, *lines = [json.loads(line) for line in (folder / "tunes.jsonl").read_text().splitlines()]
    assert head["tunes"] == predicted[1][0]["tunes"]
    there = list(corpora.load("tunes").split("test"))
    assert [line.pop("tune") for line in lines] == [tune.source for tune in there]
    assert [melody_json.from_dict(line).notes for line in lines] == [tune.notes for tune in there]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda head, tunes: [head | {"format": "x"}, *tunes], "line 1: expected a first line with the format"),
        (lambda head, tunes: [head | {"tunes": "0"}, *tunes], "line 1: predicts other tunes"),
        (lambda head, tunes: [head, *tunes[1:]], "tunes are missing; the first: "),
        (lambda head, tunes: [head, tunes[0], *tunes], "line 3: .* is there twice"),
        (lambda head, tunes: [head, tunes[0] | {"tune": "x"}, *tunes[1:]], "line 2: 'x' is none of the"),
        (lambda head, tunes: [head, tunes[0] | {"notes": 1}, *tunes[1:]], "has 16 notes, not 1"),
        (lambda head, tunes: [head, tunes[0] | {"bits": float("nan")}, *tunes[1:]], "line 2: bits 'nan': expected"),
        (lambda head, tunes: [head, tunes[0] | {"bits": -1}, *tunes[1:]], "line 2: bits '-1': expected"),
        (lambda head, tunes: [head, tunes[0] | {"bits": True}, *tunes[1:]], "line 2: bits 'True': expected"),
        (lambda head, tunes: [head, 7], "line 2: expected a JSON object"),
        (lambda head, tunes: [], "line 1: expected a first line"),
    ],
)
def test_mistakes_are_one_line_that_names_the_place(folder, predicted, capsys, change, message):
    head, *tunes = predicted[1]
    assert score(write(folder, "wrong.jsonl", change(head, tunes))) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.search(message, error), error


def test_what_can_not_be_scored_is_refused(folder, capsys):
    (folder / "deep.jsonl").write_text("[" * 100_000)
    (folder / "bytes.jsonl").write_bytes(b"\xff\xfe")
    for arguments in ([], ["a.jsonl", "--tunes", "b.jsonl"], ["nowhere.jsonl"], ["deep.jsonl"], ["bytes.jsonl"]):
        assert score(*arguments) == 2
    assert capsys.readouterr().err.count("\n") == 5
    assert run(["evaluate", "small.npz", "--text", "x.txt", "--predictions", "y.jsonl"]) == 2
    assert "--predictions goes with --corpus" in capsys.readouterr().err
