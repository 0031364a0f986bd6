"""Chord symbols in score files: written and read back equal, read equal by music21, and read from others' files."""

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melodysynthesis import formats
from melodysynthesis.errors import FormatError, RequestError
from melodysynthesis.formats.chord_symbols import kind_of, quality_of, symbol_of
from melodysynthesis.music import Key, Melody, Meter, Note
from melodysynthesis.theory.chords import ALTERATIONS, CHORDS, parse_chord
from tests.strategies import melodies

CARRIERS = ("midi", "musicxml", "mxl", "abc", "kern", "json")
SHEET = Melody(
    (Note(0, 24, 67), Note(24, 72, 71), Note(96, 96, 72), Note(216, 24, 66), Note(240, 48, 67)),
    288,
    (Meter(0, 4, 4),),
    Key("G"),
    (192, 288),
    chords=(
        (0, "G"), (48, "G/B"), (96, "Am7"), (120, "D7b9/F#"), (144, "N.C."), (192, "Bbm7b5"), (204, "G6/9"),
        (240, "F#dim7"), (264, "C(b5)"),
    ),
)  # fmt: skip
SYMBOLS = [f"{root}{quality}{bass}" for root in ("C", "F#", "Bb") for quality in CHORDS for bass in ("", "/E")]


def back(melody, format):
    return formats.read_bytes(formats.to_bytes(melody, format), format, "x").melodies[0]


@pytest.mark.parametrize("format", CARRIERS)
def test_chords_come_back_at_their_ticks(format):
    read = back(SHEET, format)
    assert read == SHEET
    assert read.chords == SHEET.chords


@pytest.mark.parametrize("format", CARRIERS)
@given(melody=melodies(), data=st.data())
@settings(max_examples=20, deadline=None)
def test_any_melody_with_any_chords_comes_back(format, melody, data):
    if not melody.duration:
        return
    ticks = data.draw(st.sets(st.integers(0, melody.duration - 1), max_size=6))
    symbols = data.draw(st.lists(st.sampled_from(SYMBOLS), min_size=6, max_size=6))
    chords = tuple((tick, str(parse_chord(symbol))) for tick, symbol in zip(sorted(ticks), symbols, strict=False))
    melody = replace(melody, chords=chords)
    read = back(melody, format)
    assert read.chords == chords
    assert read == melody


def test_every_quality_has_a_kind_and_degrees_that_say_it():
    count = 0
    for base in CHORDS:
        for altered in [(), *combinations(ALTERATIONS, 1), *combinations(ALTERATIONS, 2)]:
            try:
                chord = parse_chord(f"Bb({base}{''.join(altered)})")
            except RequestError:
                continue
            assert quality_of(*kind_of(chord)) == chord.quality
            count += 1
    assert count > 1_000


def test_music21_reads_the_same_chords():
    music21 = pytest.importorskip("music21")
    read = music21.converter.parse(formats.to_bytes(SHEET, "musicxml").decode(), format="musicxml")
    found = list(read.recurse().getElementsByClass(music21.harmony.Harmony))
    assert [round(24 * float(one.getOffsetInHierarchy(read))) for one in found] == [tick for tick, _ in SHEET.chords]
    expected = [set() if text == "N.C." else set(parse_chord(text).tones) for _, text in SHEET.chords]
    assert [{pitch.pitchClass for pitch in one.pitches} for one in found] == expected


def test_tune_books_write_symbols_in_their_own_way():
    text = 'X:1\nM:4/4\nL:1/4\nK:D\n"D"DE "D/f+"F>G|"^slow""A7"A2- "(Em)"A2|"Em(G)"B4|"Hmm"B4|\n'
    reading = formats.read_bytes(text.encode(), "abc", "x")
    assert reading.melodies[0].chords == ((0, "D"), (48, "D/F#"), (96, "A7"), (144, "Em"), (192, "Em"))
    assert any("chord symbols that are not known" in notice for notice in reading.notices)


def test_a_later_ending_takes_the_chords_of_the_first_back():
    text = 'X:1\nM:4/4\nL:1/4\nK:C\n"C"CDEF|1 "G"G4:|2 "Am"A4|]\n'
    assert formats.read_bytes(text.encode(), "abc", "x").melodies[0].chords == ((0, "C"), (96, "Am"))


def test_a_transposing_part_has_the_chords_that_sound():
    xml = formats.to_bytes(replace(SHEET, chords=((0, "A7/C#"),)), "musicxml").decode()
    xml = xml.replace("</clef>", "</clef><transpose><chromatic>-2</chromatic></transpose>")
    assert formats.read_bytes(xml.encode(), "musicxml", "x").melodies[0].chords == ((0, "G7/B"),)


def test_kinds_of_other_programs_are_read_or_told():
    xml = formats.to_bytes(replace(SHEET, chords=((0, "C"), (48, "Gm7"), (96, "D7"))), "musicxml").decode()
    xml = xml.replace('text="m7">minor-seventh', 'text="m7">other').replace('text="7">dominant', 'text="?">Tristan')
    reading = formats.read_bytes(xml.encode(), "musicxml", "x")
    assert reading.melodies[0].chords == ((0, "C"), (48, "Gm7"))
    assert any("chord symbols that are not known" in notice for notice in reading.notices)


def test_kern_reads_root_and_kind():
    text = "**kern\t**mxhm\n*M4/4\t*\n4c\tC major\n4d\tB- dominant\n2e\tF# half-diminished\n*-\t*-\n"
    chords = formats.read_bytes(text.encode(), "kern", "x").melodies[0].chords
    assert chords == ((0, "C"), (24, "Bb7"), (48, "F#m7b5"))


def test_json_refuses_what_is_no_chord():
    with pytest.raises(FormatError, match="chords: unknown chord 'Xm'"):
        formats.json.from_dict({"notes": [[0, 24, 60]], "duration": 24, "chords": [[0, "Xm"]]})
    with pytest.raises(FormatError, match="chords: expected pairs"):
        formats.json.from_dict({"notes": [[0, 24, 60]], "duration": 24, "chords": [[0]]})
    with pytest.raises(FormatError, match="not within"):
        formats.json.from_dict({"notes": [[0, 24, 60]], "duration": 24, "chords": [[24, "C"]]})


def test_a_score_shows_each_symbol_once_with_real_accidentals():
    picture = formats.to_bytes(SHEET, "svg").decode()
    text = "".join(part.split("<")[0] for part in picture.split(">")).replace("\n", "").replace(" ", "")
    for shown in ("G/B", "Am7", "D7♭9/F♯", "N.C.", "B♭m7♭5", "G6/9", "F♯dim7", "C(♭5)"):
        assert text.count(shown) == 1, shown
    assert "(9)" not in text


def test_chords_move_with_the_melody():
    assert SHEET.transpose(2, Key("A")).chords[1:4] == ((48, "A/C#"), (96, "Bm7"), (120, "E7b9/G#"))
    assert SHEET.transpose(-1).chords[0] == (0, "F#")


@pytest.mark.parametrize(("text", "symbol"), [("Am/c", "Am/C"), ("D/f+", "D/F#"), ("hello", None), ("", None)])
def test_text_that_may_be_a_symbol(text, symbol):
    assert symbol_of(text) == symbol
