"""`melody generate` with rules, and `melody fill`: flags to files."""

import json

import pytest

from melodysynthesis import formats
from melodysynthesis.apps.asking import DRAWING, RULES
from melodysynthesis.apps.cli import run
from melodysynthesis.generation import request
from melodysynthesis.generation.course import rewritten

FLAGS = ["--key", "G major", "--meter", "3/4", "--bars", "4", "--seed", "3", "--particles", "2", "--format", "abc"]


@pytest.fixture
def made(tmp_path, capsys):
    assert run(["generate", *FLAGS, "--scale", "major", "--range", "D4-G5", "--cadence", "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    (path,) = tmp_path.glob("*.abc")
    return path


def test_what_was_asked_for_and_how_it_was_kept_stands_beside_the_melody(made):
    about = json.loads(made.with_suffix(".json").read_text())["provenance"]
    assert about["rules"]["guaranteed"] == ["scale", "range", "cadence"]
    assert about["rules"]["particles"] == 2
    assert about["request"]["range"] == "D4-G5"
    melody = formats.read(str(made)).melodies[0]
    assert melody.pitches[-1] % 12 == 7
    assert 62 <= min(melody.pitches) <= max(melody.pitches) <= 79


def test_a_melody_with_rules_is_made_again(made, tmp_path):
    assert run(["generate", "--from", str(made.with_suffix(".json")), "--format", "abc", "--out", str(tmp_path)]) == 0
    assert len(list(tmp_path.glob("*.abc"))) == 1


def test_bars_are_rewritten_in_alternatives(made, tmp_path, capsys):
    out = tmp_path / "filled"
    flags = ["--bars", "2-3", "--count", "2", "--seed", "1", "--particles", "2", "--format", "abc", "--out", str(out)]
    assert run(["fill", str(made), *flags, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert len(answer) == 2
    before = formats.read(str(made)).melodies[0]
    start, end = rewritten(before, (2, 3))
    for path in out.glob("*.abc"):
        after = formats.read(str(path)).melodies[0]
        for melody in (before, after):
            assert melody.duration == 288
        assert [n for n in after.notes if not start <= n.onset < end] == [
            n for n in before.notes if not start <= n.onset < end
        ]


def test_all_rules_are_options_of_the_verbs_that_generate():
    assert set(RULES) == {*request.RULES, "chromatic"}
    assert set(RULES | DRAWING) <= set(request.Request.model_fields)


def test_rules_hold_for_the_bars_that_are_rewritten_and_all_else(made, tmp_path, capsys):
    rules = ["--scale", "major", "--range", "D4-G5", "--max-leap", "12", "--cadence", "--fixed", "2.1:B4"]
    drawn = ["--seed", "1", "--particles", "2", "--out", str(tmp_path / "filled"), "--json"]
    assert run(["fill", str(made), "--bars", "2-4", *rules, *drawn]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["certificate"]["verdict"] == "kept"
    assert {"fixed", "cadence", "rewrite"} <= {rule["rule"] for rule in answer["certificate"]["rules"]}


def test_a_motif_is_varied_and_its_rhythm_stays(tmp_path, capsys):
    flags = ["--meter", "3/4", "--count", "2", "--seed", "1", "--particles", "2", "--format", "abc"]
    assert run(["vary", "G4:1 A4:1/2 B4:1/2 D5:1 C5:2 B4:1", *flags, "--out", str(tmp_path), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [one["certificate"]["verdict"] for one in answer] == ["kept", "kept"]
    for path in tmp_path.glob("*.abc"):
        melody = formats.read(str(path)).melodies[0]
        assert [note.duration for note in melody.notes] == [24, 12, 12, 24, 48, 24]
    assert run(["vary", "nothing", "--out", str(tmp_path)]) == 2
    assert "motif 'nothing' is neither notes" in capsys.readouterr().err


def test_ranked_melodies_are_the_likeliest_first(tmp_path, capsys):
    assert run(["generate", *FLAGS, "--count", "2", "--rank", "--out", str(tmp_path), "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert first["bits_per_note"] < second["bits_per_note"]
    assert first["index"] != second["index"]
    assert run(["generate", "--primer", "G4:1", "--rank", *FLAGS, "--count", "1", "--out", str(tmp_path), "-q"]) == 0


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--range", "D4-E4", "--cadence"], "no melody keeps range D4-E4 and cadence together in 4 bars of 3/4"),
        (["--chords", "G | Zm"], "unknown chord 'Zm'"),
        (["--form", "AAB"], "can't be cut into 3 equal sections"),
    ],
)
def test_what_is_impossible_is_told_in_one_line_before_a_folder_is_made(flags, said, tmp_path, capsys):
    assert run(["generate", *FLAGS, *flags, "--out", str(tmp_path / "none")]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert not (tmp_path / "none").exists()
