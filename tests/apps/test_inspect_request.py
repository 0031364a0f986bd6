"""`melody inspect FILE --request`: the certificate of a file, for people, for programs, and as an exit code."""

import json
from dataclasses import replace

import pytest

from melodysynthesis import formats
from melodysynthesis.apps.cli import run
from melodysynthesis.notation import parse_key, parse_meter, parse_notes

TUNE = replace(
    parse_notes("G4:1 A4 B4 C5 B4 A4 G4:3/2 E4:1/2 F#4:1 G4:3"), meters=(parse_meter("3/4"),), key=parse_key("G major")
)
KEPT = {
    "bars": 4, "meter": "3/4", "key": "G major", "scale": "major", "range": "E4-C5", "max_leap": 3,
    "chords": "G | Am | C D7 | G", "cadence": True, "durations": "1/2 1 3/2 3", "rests": False, "ties_over_bars": False,
    "fixed": "2.1:C5 3.5/2:E4", "contour": "+ + + - -", "max_syncopation": 0,
}  # fmt: skip
WRITTEN = ("mid", "musicxml", "abc", "krn", "json")


@pytest.fixture
def files(folder):
    """The tune in every format that is read and written."""
    for suffix in WRITTEN:
        formats.write(TUNE, folder / f"tune.{suffix}")
    return [f"tune.{suffix}" for suffix in WRITTEN]


def request_file(folder, name="request.json", **fields):
    (folder / name).write_text(json.dumps(fields))
    return name


def test_every_rule_is_kept_in_every_format(files, folder, capsys):
    assert run(["inspect", *files, "--request", request_file(folder, **KEPT), "--json"]) == 0
    for answer in json.loads(capsys.readouterr().out):
        certificate = answer["melodies"][0]["certificate"]
        assert certificate["verdict"] == "kept", answer["file"]
        assert {rule["rule"] for rule in certificate["rules"]} == set(KEPT)


def test_a_broken_rule_is_told_with_its_place_and_exits_with_1(files, folder, capsys):
    request = request_file(folder, **KEPT | {"range": "G4-C5", "max_leap": 2, "fixed": None})
    assert run(["inspect", "tune.mid", "--request", request]) == 1
    told = capsys.readouterr().out.splitlines()
    assert "  certificate: broken; 11 of 13 rules kept" in told
    assert told[told.index("    range G4-C5: broken") + 1] == "      bar 3, beat 2.5, note 8: E4, expected G4 to C5"
    assert run(["inspect", "tune.abc", "--request", request, "--json"]) == 1
    (answer,) = json.loads(capsys.readouterr().out)
    rules = {rule["rule"]: rule for rule in answer["melodies"][0]["certificate"]["rules"]}
    (breach,) = [breach for breach in rules["max_leap"]["breaches"] if breach["note"] == 8]
    assert breach == {"bar": 3, "beat": 2.5, "note": 8, "found": "3 semitones to E4", "expected": "at most 2"}


def test_of_many_places_the_first_are_told_to_people(files, folder, capsys):
    assert run(["inspect", "tune.mid", "--request", request_file(folder, range="A5-C6")]) == 1
    told = capsys.readouterr().out.splitlines()
    assert sum("expected A5 to C6" in line for line in told) == 5
    assert told[-1].strip() == "and 5 more"


def test_what_a_file_does_not_say_is_not_checkable_and_exits_with_3(folder, capsys):
    (folder / "tune.txt").write_text("67 _ _ _ 71 _ _ _ 67 _ _ _ _ _ _ _\n")  # no meter and no key
    request = request_file(folder, bars=1, meter="4/4", key="G major", range="G4-B4", scale="major", cadence=True)
    assert run(["inspect", "tune.txt", "--request", request]) == 3
    told = capsys.readouterr().out
    assert "bars 1: not checkable: the file states no meter" in told
    assert "key G major: not checkable: the file states no key" in told
    assert "scale major: kept" in told  # the tonic is asked for
    assert run(["inspect", "tune.txt", "--request", request_file(folder, bars=1, meter="4/4", range="C4-D4")]) == 1


def test_of_several_files_the_worst_decides(files, folder, capsys):
    formats.write(TUNE.transpose(12, TUNE.key), folder / "high.mid")
    request = request_file(folder, range="E4-C5")
    assert run(["inspect", "tune.mid", "high.mid", "tune.abc", "--request", request]) == 1
    assert run(["inspect", "tune.mid", "tune.abc", "--request", request]) == 0


def test_the_json_beside_a_generated_melody_is_a_request(models, folder, capsys):
    words = ["generate", "--model", models["event"], "--seed", "2", "--meter", "4/4", "--bars", "2", "--format", "mid"]
    assert run([*words, "--key", "C major", "--quiet"]) == 0
    (written,), (beside,) = (list((folder / "generated_melodies").glob(f"*.{suffix}")) for suffix in ("mid", "json"))
    assert run(["inspect", str(written), "--request", str(beside)]) == 0
    assert "certificate: kept; 3 of 3 rules kept" in capsys.readouterr().out


def test_copies_are_looked_for_in_the_tunes_of_the_models_training(models, files, folder, capsys):
    request = request_file(folder, max_copy=12, model=models["event"])  # a corpus that nobody has
    assert run(["inspect", "tune.mid", "--request", request]) == 3
    told = capsys.readouterr()
    assert "max-copy 12: not checkable: the melody was not compared with the training tunes" in told.out
    assert told.err.startswith("copies can't be checked: unknown corpus 'scales'")


MISTAKES = [
    ("{", "not JSON"),
    ("[" * 100_000, "not JSON"),
    ("[1]", "expected the fields of a request"),
    ('{"self": 1}', "a request has no field 'self'"),
    ('{"provenance": {}}', "expected the fields of a request"),
    ('{"bar": 8}', "a request has no field 'bar'"),
    ('{"chords": "G | H7"}', "unknown chord 'H7'"),
    ('{"bars": 0}', "bars must be a whole number from 1 to 127"),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES, ids=[text[:20] for text, _ in MISTAKES])
@pytest.mark.usefixtures("files")
def test_a_file_that_is_no_request_is_one_line_and_2(text, message, folder, capsys):
    (folder / "request.json").write_text(text)
    assert run(["inspect", "tune.mid", "--request", "request.json"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert message in told.err
    assert len(told.err.splitlines()) == 1


def test_a_request_that_is_not_there(files, capsys):
    assert run(["inspect", "tune.mid", "--request", "nowhere.json"]) == 2
    assert capsys.readouterr().err.startswith("melody: nowhere.json: no such file")


def test_the_certificate_stands_beside_each_generated_melody(models, folder, capsys):
    words = ["generate", "--model", models["event"], "--seed", "2", "--meter", "4/4", "--bars", "2", "--key", "C major"]
    assert run([*words, "--range", "C4-G4", "--format", "mid,abc,svg"]) == 0
    assert "certified" in capsys.readouterr().out
    (beside,) = (folder / "generated_melodies").glob("*.json")
    certificate = json.loads(beside.read_text())["provenance"]["certificate"]
    assert (certificate["verdict"], certificate["read_from"]) == ("kept", [".json", ".mid", ".abc"])
    assert [rule["rule"] for rule in certificate["rules"]] == ["key", "meter", "bars", "range"]
    assert run(["generate", "--from", str(beside), "--format", "mid,abc,svg"]) == 0  # the same files again
    assert "certified" in capsys.readouterr().out
