"""Chords in the files of the verbs: found, played, followed, and never taken for what they are not."""

import pytest

import melodysynthesis as ms
from melodysynthesis import formats
from melodysynthesis.apps.cli import run
from melodysynthesis.music import Melody
from melodysynthesis.theory.chords import parse_chord

SHEET = """X:1
M:4/4
L:1/4
K:C
"C"C E G E|"Am"A, C E C|"Dm7"D F "G7"G B|"C"c4|
"""


@pytest.fixture
def sheet(tmp_path):
    path = tmp_path / "sheet.abc"
    path.write_text(SHEET)
    return path


def made(folder, suffix: str = "musicxml") -> Melody:
    [path] = folder.glob(f"*.{suffix}")
    return formats.read(path).melodies[0]


@pytest.mark.parametrize("verb", ["generate", "fill", "vary", "export"])
def test_backing_plays_the_chords_in_a_track_of_their_own(verb, sheet, tmp_path):
    flags = {
        "generate": ["--bars", "2", "--key", "C major", "--meter", "4/4", "--chords", "C | Am"],
        "fill": [str(sheet), "--bars", "2"],
        "vary": [str(sheet)],
        "export": [str(sheet)],
    }[verb]
    flags += [] if verb == "export" else ["--seed", "1", "--model", "lstm"]
    assert run([verb, *flags, "--format", "mid", "--backing", "--out", str(tmp_path)]) == 0
    [path] = tmp_path.glob("*.mid")
    assert b"Chords" in path.read_bytes()
    melody = formats.read(path).melodies[0]
    assert b"Chords" not in formats.to_bytes(melody, "mid")
    assert melody.chords[0] == (melody.pickup, "C")


def test_generate_finds_chords_for_what_it_makes(tmp_path, capsys):
    flags = [
        "--bars",
        "4",
        "--key",
        "G major",
        "--meter",
        "3/4",
        "--seed",
        "3",
        "--model",
        "lstm",
        "--format",
        "musicxml",
    ]
    assert run(["generate", *flags, "--out", str(tmp_path / "plain")]) == 0
    assert run(["generate", *flags, "--harmonise", "--out", str(tmp_path / "found")]) == 0
    plain, found = made(tmp_path / "plain"), made(tmp_path / "found")
    assert (plain, plain.chords) == (found, ())
    assert found.chords == ms.harmonise(plain)[0].chords != ()


def test_chords_are_either_found_or_given(tmp_path, capsys):
    flags = ["--harmonise", "--chords", "C | G", "--bars", "2", "--out", str(tmp_path / "out")]
    assert run(["generate", *flags]) == 2
    assert (
        capsys.readouterr().err == "melody: --harmonise finds chords, and --chords gives them: leave one of them out\n"
    )
    assert not (tmp_path / "out").exists()


def test_fill_keeps_the_chords_of_a_lead_sheet_and_follows_them_where_it_is_told(sheet, tmp_path):
    before = formats.read(sheet).melodies[0]
    for number, flags in enumerate([[], ["--follow-chords"]]):
        folder = tmp_path / str(number)
        command = [
            "fill",
            str(sheet),
            "--bars",
            "2-3",
            "--seed",
            "4",
            "--model",
            "lstm",
            "--format",
            "musicxml",
            *flags,
        ]
        assert run([*command, "--out", str(folder)]) == 0
        after = made(folder)
        assert after.chords == before.chords
        assert after.notes[:4] == before.notes[:4]
    at = {tick: parse_chord(symbol).tones for tick, symbol in before.chords}
    struck = {note.onset: note.pitch % 12 for note in after.notes}
    assert all(struck[tick] in tones for tick, tones in at.items() if tick in struck)


@pytest.mark.parametrize(
    ("text", "flags", "message"),
    [
        (SHEET, ["--chords", "C | F | G | C"], "can't be followed: others are given"),
        (SHEET.replace('"', "y"), [], "can't be followed: the melody has none; 'melody harmonise' finds some"),
    ],
)
def test_chords_that_can_not_be_followed_are_one_line(text, flags, message, tmp_path, capsys):
    path = tmp_path / "tune.abc"
    path.write_text(text.replace("yCy", "").replace("yAmy", "").replace("yDm7y", "").replace("yG7y", ""))
    assert run(["fill", str(path), "--bars", "2", "--follow-chords", *flags, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err


def test_other_chords_that_are_asked_for_replace_those_of_the_sheet(sheet, tmp_path):
    flags = ["--bars", "2", "--chords", "C | F | N.C. | C", "--seed", "1", "--model", "lstm", "--format", "musicxml"]
    assert run(["fill", str(sheet), *flags, "--out", str(tmp_path / "out")]) == 0
    assert [symbol for _, symbol in made(tmp_path / "out").chords] == ["C", "F", "N.C.", "C"]
