"""Title, composer, tempo and lyrics go through the verbs that continue, rewrite, vary or convert a melody."""

import pytest

from melodysynthesis import formats
from melodysynthesis.apps.cli import run
from melodysynthesis.music import Melody

SONG = """X:1
T:My Song
C:Me
M:4/4
L:1/4
Q:1/4=90
K:C
C D E F|G A G2|E D C2|
w:one two three four five six se-ven eight
"""


@pytest.fixture
def song(tmp_path):
    path = tmp_path / "song.abc"
    path.write_text(SONG)
    return path


def made(folder) -> Melody:
    [path] = folder.glob("*.abc")
    return formats.read(path).melodies[0]


@pytest.mark.parametrize(
    ("verb", "flags"),
    [
        ("generate", ["--primer", "{song}", "--bars", "6", "--count", "1", "--format", "abc"]),
        ("fill", ["{song}", "--bars", "2", "--format", "abc"]),
        ("vary", ["{song}", "--format", "abc", "--count", "1"]),
        ("vary", ["{song}", "--format", "abc", "--count", "1", "--keep", "strong"]),
        ("export", ["{song}", "--format", "abc"]),
    ],
)
def test_what_is_known_of_a_melody_stays(song, tmp_path, verb, flags):
    seed = [] if verb == "export" else ["--seed", "1"]
    arguments = [flag.format(song=song) for flag in flags]
    assert run([verb, *arguments, *seed, "--out", str(tmp_path / "out")]) == 0
    melody = made(tmp_path / "out")
    assert (melody.title, melody.composer, melody.tempo) == ("My Song", "Me", 90)
    words = ["".join(text for _, text in one.lyrics) for one in (melody, formats.read(song).melodies[0])]
    assert words[0].replace(" ", "").replace("-", "") == words[1].replace("-", "") != ""


@pytest.mark.parametrize("verb", ["generate", "export"])
def test_a_tempo_can_be_set(song, tmp_path, verb):
    flags = [str(song)] if verb == "export" else ["--bars", "4", "--seed", "1", "--count", "1"]
    assert run([verb, *flags, "--tempo", "66", "--format", "abc,mid", "--out", str(tmp_path / "out")]) == 0
    assert made(tmp_path / "out").tempo == 66
    [midi] = (tmp_path / "out").glob("*.mid")
    assert formats.read(midi).melodies[0].tempo == 66
    assert run([verb, *flags, "--tempo", "3", "--format", "abc", "--out", str(tmp_path / "out")]) == 2
