"""`melody generate` with rules, and `melody fill`: flags to files."""

import json

import pytest

from melodysynthesis import formats
from melodysynthesis.apps.cli import run
from melodysynthesis.apps.request_options import DRAWING
from melodysynthesis.generation import constrained, output, search
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.task import rewritten

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


def test_a_melody_that_is_refused_does_not_lose_the_others(tmp_path, capsys, monkeypatch):
    """The second of three comes to nothing: two are written, the refusal names it, and the exit status is 2."""
    asked = []

    def accepts(self, sample):
        asked.append(sample)
        return len(asked) != 2

    monkeypatch.setattr(constrained.ConstrainedBatch, "accepts", accepts)
    monkeypatch.setattr(search, "SECONDS", 0.0)
    search.known.cache_clear()
    assert run(["generate", *FLAGS, "--form", "AABA", "--count", "3", "--out", str(tmp_path)]) == 2
    search.known.cache_clear()
    assert len(list(tmp_path.glob("*.abc"))) == len(list(tmp_path.glob("*.json"))) == 2
    told = capsys.readouterr()
    assert told.out.count("certified") == 2
    assert "of 3: no melody that keeps form was found" in told.err
    assert "2 of 3 are written" in told.err


def test_how_melodies_are_drawn_are_fields_of_a_request():
    assert {option.name for option in DRAWING} <= set(Request.model_fields)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--bars", "500"], "--bars must be a whole number from 1 to 127, not '500'"),
        (["--max-leap", "-1"], "--max-leap must be a whole number from 0 to 127, not '-1'"),
        (["--top-p", "nan"], "--top-p must be a number above 0 and at most 1, not 'nan'"),
        (["--temperature", "101"], "--temperature must be a number from 0 to 100, not '101"),
    ],
)
def test_values_out_of_range_are_refused_with_the_range(flags, message, tmp_path, capsys):
    assert run(["generate", *flags, "--out", str(tmp_path / "none")]) == 2
    assert message in capsys.readouterr().err


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


def test_who_asks_for_what_the_model_would_not_write_is_told(models, folder, capsys, monkeypatch):
    monkeypatch.setattr(output, "usual_bits", lambda source: 0.001)
    frame = ["generate", "--model", models["event"], "--key", "C", "--meter", "4/4", "--bars", "2", "--seed", "1"]
    assert run([*frame, "--range", "C4-C5"]) == 0
    assert "far from what the model writes by itself: 1 of 1" in capsys.readouterr().err
    assert run(frame) == 0
    assert "far from" not in capsys.readouterr().err


def test_a_title_is_in_the_files(models, folder):
    words = ["--model", models["event"], "--bars", "2", "--meter", "4/4", "--seed", "1", "--title", "Evening Song"]
    assert run(["generate", "--quiet", "--format", "musicxml", *words]) == 0
    (path,) = (folder / "generated_melodies").glob("*.musicxml")
    assert formats.read(path).melodies[0].title == "Evening Song"
    assert run(["generate", *words[:-1], "two\nlines"]) == 2
