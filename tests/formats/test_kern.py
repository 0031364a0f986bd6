"""kern: what the reader makes of the notation, the round trip, and bad input."""

import time

import pytest
from hypothesis import given

from melodysynthesis.errors import FormatError
from melodysynthesis.formats import kern
from melodysynthesis.music import Key, Melody, Meter, Note
from tests.strategies import melodies


def text(*rows: str) -> bytes:
    return "\n".join(["**kern", *(row.replace(" | ", "\t") for row in rows), "*-", ""]).encode()


def read(*rows: str) -> Melody:
    reading = kern.read(text(*rows), "x.krn")
    assert not reading.problems
    return reading.melodies[0]


@pytest.mark.parametrize(
    ("token", "note"),
    [
        ("4c", Note(0, 24, 60)),
        ("8cc#", Note(0, 12, 73)),
        ("4.B-", Note(0, 36, 58)),
        ("2..CC", Note(0, 84, 36)),
        ("0ccc", Note(0, 192, 84)),
        ("00g", Note(0, 384, 67)),
        ("12en", Note(0, 8, 64)),
        ("3%2f##", Note(0, 64, 67)),
        ("(16g/L;", Note(0, 6, 67)),
        ("{4a--}", Note(0, 24, 67)),
    ],
)
def test_notes(token, note):
    assert read(token).notes == (note,)


def test_an_essen_tune():
    rows = "*k[b-] *F: *M3/4 {4c =1 4f 8f 8g 4a} =2 {[2a =3 4a] 4r 4.qf 4f} =="
    melody = read(*rows.split())
    assert melody.key == Key("F")
    assert melody.meters == (Meter(0, 3, 4),)
    assert melody.pickup == 24
    assert melody.phrase_ends == (96, 216)
    assert melody.notes[-2:] == (Note(96, 72, 69), Note(192, 24, 65))


@pytest.mark.parametrize(
    ("token", "key"),
    [
        ("*G:", Key("G")),
        ("*f#:", Key("F#", "minor")),
        ("*B-:", Key("Bb")),
        ("*d:dor", Key("D", "dorian")),
        ("*G:mix", Key("G", "mixolydian")),
        ("*e-:phr", Key("Eb", "phrygian")),
    ],
)
def test_keys(token, key):
    assert read(token, "4c").key == key


def test_meters_change_and_may_be_absent():
    assert read("*M4/4", "1c", "=2", "*M3/2", "1.c").meters == (Meter(0, 4, 4), Meter(96, 3, 2))
    assert read("*MX", "1c").meters == ()


def test_a_tie_joins_only_what_touches():
    assert read("[4c", "=", "_4c", "=", "4c]").notes == (Note(0, 72, 60),)
    assert read("[4c", "4r", "4c]").notes == (Note(0, 24, 60), Note(48, 24, 60))


PARTS = (
    "**kern\t**text\t**kern",
    '*I"Bass\t*\t*I"Flute',
    "*M2/4\t*\t*M2/4",
    "2C\tla\t4c",
    ".\t.\t4e",
    "=2\t=2\t=2",
    "*\t*\t*^",
    "2D\tla\t4g\t2f",
    ".\t.\t4a\t.",
    "*\t*\t*v\t*v",
    "2E\tla\t2g 2b",
    "*-\t*-\t*-",
)


def test_one_part_of_several_and_its_top_line():
    data = "\n".join(PARTS).encode()
    reading = kern.read(data, "x.krn")
    assert [note.pitch for note in reading.melodies[0].notes] == [60, 64, 67, 69, 71]
    assert reading.notices == [
        "x.krn: 2 parts; took part 2, 'Flute', the highest in the score",
        "x.krn: it is not of one voice; took the top line, without 2 notes",
    ]
    assert kern.read(data, "x.krn", "bass").melodies[0].pitches == (48, 50, 52)
    with pytest.raises(FormatError, match="no part 'oboe'"):
        kern.read(data, "x.krn", "oboe")


def test_several_tunes_in_a_file():
    reading = kern.read(b"!!!OTL: One\n**kern\n4c\n*-\n**kern\n7%0d\n*-\n**kern\n4e\n*-\n", "x.krn")
    assert [melody.source for melody in reading.melodies] == ["x.krn no. 1, One", "x.krn no. 3"]
    (problem,) = reading.problems
    assert str(problem) == ("x.krn:6: duration of '7%0d'; expected a reciprocal such as 4, 8. or 3%2, up to 2048")


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        (["4"], "bad pitch"),
        (["c"], "bad duration"),
        (["99999999999c"], "bad duration"),
        (["4.........c"], "bad duration"),
        (["7%3x"], "bad pitch"),
        (["4ccccccccccccccc"], "bad pitch"),
        (["4CCCCCCC"], "bad pitch"),
        (["4c\t4d"], "bad spines"),
        (["000c"] * 3200, "too large"),
    ],
)
def test_bad_music_has_a_kind_and_a_place(rows, kind):
    with pytest.raises(FormatError, match=r"x\.krn:\d+") as caught:
        read(*rows)
    assert caught.value.kind == kind


@pytest.mark.parametrize("starts", [["\t".join(["**kern"] * 1_001)], ["\t".join(["**text"] * 20_000)]])
def test_too_many_spines_are_refused_at_once(starts):
    with pytest.raises(FormatError, match=r"x\.krn:1: (1,001|20,000) columns; at most 1,000 are read") as caught:
        kern.read("\n".join([*starts, "4c", "*-"]).encode(), "x.krn")
    assert caught.value.kind == "too large"


def test_spines_that_split_into_too_many_are_refused():
    splits = ["\t".join(["*^"] * 2**row) for row in range(11)]
    with pytest.raises(FormatError, match=r"x\.krn:12: 1,024 columns; at most 1,000 are read"):
        read(*splits)


def test_as_many_spines_as_are_read_at_most_take_little_time():
    rows = ["**kern", "4c", "*-"]
    start = time.perf_counter()
    (melody,) = kern.read("\n".join("\t".join([row] * 1_000) for row in rows).encode(), "x.krn").melodies
    assert melody.pitches == (60,)
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("data", [b"", b"4c\n4d\n", b"!!!OTL: none\n", b"**text\nla\n*-\n", b"\0\1\2**kern"])
def test_what_is_no_kern(data):
    with pytest.raises(FormatError, match="kern"):
        kern.read(data, "x.krn")


def test_what_is_written_reads_well():
    melody = read("*k[f#]", "*G:", "*M3/4", "{4d", "=1", "4.g", "8a", "4b}", "=2", "{2.g}")
    assert kern.write(melody).decode().splitlines() == [
        "!!!OTL: x.krn", "**kern", "*k[f#]", "*G:", "*M3/4", "{4d", "=1", "4.g", "8a", "4b}", "=2", "{2.g}", "==", "*-",
    ]  # fmt: skip


@given(melodies())
def test_reading_what_was_written_gives_the_same_melody(melody):
    written = kern.write(melody)
    assert kern.read(written, "x.krn").melodies == [melody]
    assert kern.write(melody) == written


@pytest.mark.parametrize(
    ("token", "meter"),
    [("*M3/0", "6/1"), ("*M2/00", "8/1"), ("*M2/4.", "6/8"), ("*M3/1", "3/1"), ("*M2+3/8", "5/8")],
)
def test_meters_in_breves_and_dotted_beats(token, meter):
    assert str(read(token, "0c", "0d").meters[0]) == meter


@pytest.mark.parametrize("token", ["*M3/5", "*M3/3%2", "*M99/4", "*M4/64"])
def test_a_meter_that_can_not_be_is_left_out_with_a_notice(token):
    reading = kern.read(f"**kern\n{token}\n4c\n*-\n".encode(), "x.krn")
    assert reading.melodies[0].meters == ()
    assert f"x.krn: left out the meter {token[2:]}" in reading.notices


@pytest.mark.parametrize(
    ("token", "ticks"), [("3%2c", 64), ("1.5c", 64), ("2.5c", 38), ("4..c", 42), ("0c", 192), ("3%4c", 128), ("6c", 16)]
)
def test_rational_and_decimal_durations(token, ticks):
    assert read(token, "4d").notes[0].duration == ticks


@pytest.mark.parametrize("grace", ["8qc", "8qqc 8qqe", "qqc e", "16Qc", "qc g"])
def test_grace_notes_and_grace_chords_take_no_time(grace):
    assert read(grace, "4d", "4e").notes == (Note(0, 24, 62), Note(24, 24, 64))


@pytest.mark.parametrize(
    ("signature", "last", "key"),
    [
        ("*k[f#]", "4g", "G major"),
        ("*k[f#]", "4e", "E minor"),
        ("*k[b-e-]", "4B-", "Bb major"),
        ("*k[]", "4a", "A minor"),
    ],
)
def test_a_signature_without_a_key(signature, last, key):
    assert str(read(signature, "4d", last).key) == key
    assert str(read(signature, "*D:dor", "4d", last).key) == "D dorian"


@pytest.mark.parametrize(
    ("rows", "pitch"),
    [
        ("**kern\t**kern\n4g\t4c\n*-\t*-", 60),  # the last spine is the highest part, though it sounds lower here
        ('**kern\t**kern\n*I"Voice\t*I"Flute\n4c\t4g\n*-\t*-', 60),
        ("**kern\t**text\t**kern\n4c\tla\t4g\n*-\t*-\t*-", 60),
        ("**kern\t**dynam\t**kern\n4c\tp\t4g\n*-\t*-\t*-", 67),
    ],
)
def test_which_spine_is_the_melody(rows, pitch):
    assert kern.read(rows.encode(), "x.krn").melodies[0].pitches == (pitch,)


def test_title_composer_tempo_and_words_are_read():
    text = "!!!COM: Me\n!!!OTL: A Song\n**kern\t**text\n*MM90\t*\n4c\tHal-\n=1\t=1\n4d\t-lo\n4e\t.\n*-\t*-\n"
    melody = kern.read(text.encode(), "x.krn").melodies[0]
    assert (melody.title, melody.composer, melody.tempo) == ("A Song", "Me", 90)
    assert melody.lyrics == ((0, "Hal-"), (24, "lo"))
