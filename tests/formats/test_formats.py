"""Laws that hold for every format in the table, and the reading and writing of files."""

import json
import os
import stat
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from hypothesis import given

from melodysynthesis import formats
from melodysynthesis.errors import FormatError
from melodysynthesis.formats import FORMATS, files, limits
from melodysynthesis.music import Key, Melody, Meter, Note
from tests.strategies import melodies

TUNE = Melody(
    notes=(Note(0, 24, 62), Note(24, 36, 67), Note(60, 12, 69), Note(72, 24, 71), Note(120, 48, 74)),
    duration=168,
    meters=(Meter(0, 3, 4),),
    key=Key("G"),
    phrase_ends=(96, 168),
    pickup=24,
    source="tune",
)
FIELDS = ("duration", "meters", "key", "phrase_ends", "pickup")

both_ways = pytest.mark.parametrize("name", [f.name for f in FORMATS.values() if f.read and f.write])
readable = pytest.mark.parametrize("name", [f.name for f in FORMATS.values() if f.read])
writable = pytest.mark.parametrize("name", [f.name for f in FORMATS.values() if f.write])


def on_grid(name: str, melody: Melody) -> bool:
    """Whether the format can say the melody: all but grid text can say any."""
    if name != "grid":
        return True
    times = [melody.duration, *(time for note in melody.notes for time in note[:2])]
    return melody.duration > 0 and all(time % 6 == 0 for time in times)


@both_ways
@given(melody=melodies() | melodies(step=6, min_notes=1))
def test_reading_what_was_written_gives_the_melody_back(name, melody):
    if not on_grid(name, melody):
        with pytest.raises(FormatError, match=r"sixteenth|without duration"):
            formats.to_bytes(melody, name)
        return
    reading = formats.read_bytes(formats.to_bytes(melody, name), name, "x")
    [again] = reading.melodies
    assert again.notes == melody.notes
    for field in FORMATS[name].keeps:
        assert getattr(again, field) == getattr(melody, field), field
    assert reading.problems == []
    assert reading.notices == []


@both_ways
def test_a_table_says_what_is_lost(name):
    [again] = formats.read_bytes(formats.to_bytes(TUNE, name), name, "x").melodies
    kept = {field for field in FIELDS if getattr(again, field) == getattr(TUNE, field)}
    assert kept == FORMATS[name].keeps


@writable
def test_the_same_melody_gives_the_same_bytes(name):
    assert formats.to_bytes(TUNE, name) == formats.to_bytes(TUNE, name)


@readable
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" \n\n",
        b"\0" * 100,
        bytes(range(256)),
        b"\xff\xfe" + b"x\0" * 40,
        b"MThd",
        b"<",
        b"PK\3\4",
        b"{",
        b"/ / /\n",
    ],
    ids=repr,
)
def test_what_is_no_melody_is_one_clear_line(name, data):
    with pytest.raises(FormatError) as caught:
        formats.read_bytes(data, name, "folder/bad.file")
    assert str(caught.value).startswith("folder/bad.file")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@both_ways
def test_every_beginning_of_a_file_is_read_or_refused(name):
    whole = formats.to_bytes(TUNE if name != "grid" else replace(TUNE, meters=(), pickup=0), name)
    for length in range(0, len(whole), 1 if len(whole) < 600 else 29):
        try:
            reading = formats.read_bytes(whole[:length], name, "x")
        except FormatError as error:
            assert str(error).startswith("x")  # noqa: PT017  most are refused, some are a shorter melody
        else:
            assert all(isinstance(melody, Melody) for melody in reading.melodies)


@readable
def test_a_part_that_is_not_there_is_refused(name):
    if name == "abc":
        pytest.skip("a tune without voices has nothing to choose from; with voices, see test_abc")
    data = formats.to_bytes(TUNE, name)
    with pytest.raises(FormatError, match="77"):
        formats.read_bytes(data, name, "x", part="77")


@both_ways
def test_files_are_found_by_their_suffix(name, tmp_path):
    for suffix in FORMATS[name].suffixes:
        path = tmp_path / f"tune{suffix.upper()}"
        formats.write(TUNE, path)
        assert formats.format_of(path).name == name
        [melody] = formats.read(path).melodies
        assert melody.notes == TUNE.notes
        assert melody.source
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_names_and_suffixes_name_a_format():
    assert formats.named("mid") is formats.named(".MID") is formats.named("midi") is FORMATS["midi"]
    with pytest.raises(FormatError, match="unknown format 'musicxm': did you mean musicxml"):
        formats.named("musicxm")


def test_an_unknown_suffix_suggests_a_near_one(tmp_path):
    with pytest.raises(FormatError, match=r"unknown suffix '.midd': did you mean .*\.mid"):
        formats.write(TUNE, tmp_path / "tune.midd")
    with pytest.raises(FormatError, match=r"no suffix such as \.mid"):
        formats.format_of("tune")


@pytest.mark.parametrize(
    ("written", "named"), [("midi", "x.abc"), ("musicxml", "x.mid"), ("abc", "x.xml"), ("kern", "x.json")]
)
def test_a_wrong_suffix_is_told_by_the_content(written, named, tmp_path):
    path = tmp_path / named
    path.write_bytes(formats.to_bytes(TUNE, written))
    with pytest.raises(FormatError, match=f"it looks like {written} \\(rename it to"):
        formats.read(path)


@pytest.mark.parametrize("name", ["midi", "abc", "kern", "musicxml", "json", "grid"])
def test_content_is_recognised(name):
    assert formats.sniff(formats.to_bytes(TUNE, name)) == name


def test_pictures_and_sound_are_not_read(tmp_path):
    path = tmp_path / "x.wav"
    path.write_bytes(b"RIFF....WAVE")
    with pytest.raises(FormatError, match="wav can be written, not read; readable are midi"):
        formats.read(path)


def test_what_another_format_holds_by_chance_is_no_melody(tmp_path):
    path = tmp_path / "tune.txt"  # a line of it, "8", is a token of the grid
    path.write_text("X:1\nT:tune\nM:3/4\nK:C\nC2 D2 E2|\n8\n")
    with pytest.raises(FormatError, match=r"token 1 is 'X:1'.*looks like abc"):
        formats.read(path)


def test_a_name_is_shown_without_what_a_terminal_obeys(tmp_path):
    path = tmp_path / "\x1b[31m\udcff.abc"
    path.write_text("X:1\nK:C\nCDE|\n")
    assert formats.read(path).melodies[0].source.startswith(f"{tmp_path}/\\x1b[31m\\udcff.abc")


def test_a_missing_file_suggests_its_neighbour(tmp_path):
    (tmp_path / "lullaby.mid").write_bytes(b"")
    with pytest.raises(FormatError, match=r"no such file; did you mean 'lullaby.mid'\?"):
        formats.read(tmp_path / "lulaby.mid")
    with pytest.raises(FormatError, match="there is no folder"):
        formats.read(tmp_path / "nowhere" / "x.mid")
    with pytest.raises(FormatError, match="this is a folder"):
        formats.read(tmp_path)
    with pytest.raises(FormatError, match="the file is empty"):
        formats.read(tmp_path / "lullaby.mid")


def test_a_large_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "large.mid"
    with path.open("wb") as file:
        file.truncate(limits.MAX_FILE_BYTES + 1)
    start = time.perf_counter()
    with pytest.raises(FormatError, match=r"67,108,865 bytes; at most 67,108,864 are read"):
        formats.read(path)
    assert time.perf_counter() - start < 1


def test_an_endless_file_is_refused():
    with pytest.raises(FormatError, match="at most 1,000 are read"):
        files.load("/dev/zero", limit=1000)


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "tune.abc"
    path.write_bytes(b"old")

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(path), "replace", full)
    with pytest.raises(FormatError, match=r"tune\.abc: can't be written: No space left on device"):
        formats.write(TUNE, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_clear_line():
    with pytest.raises(FormatError, match="can't be written: No space left on device"):
        files.save("/dev/full", b"x" * 100_000)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FormatError, match="there is no folder"):
        formats.write(TUNE, tmp_path / "nowhere" / "tune.mid")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder_is_told(tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(FormatError, match="can't be written: Permission denied"):
        formats.write(TUNE, tmp_path / "tune.mid")


def test_a_new_file_has_the_usual_rights(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    formats.write(TUNE, tmp_path / "tune.mid")
    assert (tmp_path / "tune.mid").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_link_is_followed(tmp_path):
    (tmp_path / "link.mid").symlink_to(tmp_path / "tune.mid")
    formats.write(TUNE, tmp_path / "link.mid")
    assert (tmp_path / "link.mid").is_symlink()
    assert (tmp_path / "tune.mid").read_bytes()[:4] == b"MThd"


def test_importing_the_formats_imports_none_of_their_libraries():
    code = (
        "import sys, melodysynthesis.formats\n"
        "heavy = {'symusic', 'verovio', 'resvg_py', 'midirenderer', 'pretty_midi', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


KEPT = {
    "midi": {"title", "composer", "tempo", "lyrics"},
    "musicxml": {"title", "composer", "tempo", "lyrics"},
    "mxl": {"title", "composer", "tempo", "lyrics"},
    "abc": {"title", "composer", "tempo", "lyrics"},
    "kern": {"title", "composer", "tempo", "lyrics"},
    "json": {"title", "composer", "tempo", "lyrics"},
}


@pytest.mark.parametrize("name", KEPT)
def test_title_composer_tempo_and_lyrics_come_back(name):
    notes = tuple(Note(36 * i, 36, 60 + i) for i in range(6))
    words = ((0, "Hal-"), (36, "le-"), (72, "lu"), (108, "o you"), (180, "a-b"))
    melody = Melody(notes, 216, (Meter(0, 3, 4),), Key("C"), (144, 216), 0, "x", "A <Song>", "Me & I", 90, words)
    read_again = formats.read_bytes(formats.to_bytes(melody, name), name, "y").melodies[0]
    assert read_again == melody
    for field in KEPT[name]:
        assert getattr(read_again, field) == getattr(melody, field)


@pytest.mark.parametrize("name", ["midi", "musicxml", "abc", "kern"])
def test_words_of_any_signs_can_be_written(name):
    odd = ((0, "a\0b"), (24, "\x18\n|*_%\\"), (48, "-"), (72, "x y-"))
    melody = Melody(tuple(Note(24 * i, 24, 60) for i in range(4)), 96, (Meter(0, 4, 4),), lyrics=odd)
    [again] = formats.read_bytes(formats.to_bytes(melody, name), name, "x").melodies
    assert again == melody
    assert dict(again.lyrics)[72] == "x y-"


@pytest.mark.parametrize(
    "fields",
    [{"ticks_per_quarter": [[0, 24, 60]] * 200}, {"lyrics": [[2**70, "la"]]}, {"lyrics": [[25, "la"]], "duration": 24}],
    ids=["a list for a number", "words beyond any tick", "words after the end"],
)
def test_fields_of_json_that_can_not_be_are_one_short_line(fields):
    data = json.dumps({"notes": [[0, 24, 60]], "duration": 24} | fields).encode()
    with pytest.raises(FormatError, match=r"expected 24$|after the melody's 24 ticks$") as caught:
        formats.read_bytes(data, "json", "x")
    assert len(str(caught.value)) < 120
