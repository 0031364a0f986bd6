"""ABC: what the reader makes of the notation, the round trip, and bad input."""

import pytest
from hypothesis import given

from melodysynthesis.errors import FormatError
from melodysynthesis.formats import abc
from melodysynthesis.formats.abc_fields import Dialect
from melodysynthesis.music import Key, Melody, Meter, Note
from tests.strategies import melodies


def read(music: str, head: str = "M:4/4\nL:1/8\nK:C", dialect: Dialect = abc.ABC) -> Melody:
    reading = abc.read(f"X:1\n{head}\n{music}\n".encode(), "x.abc", dialect=dialect)
    assert not reading.problems
    return reading.melodies[0]


def pitches(music: str, key: str = "C", dialect: Dialect = abc.ABC) -> tuple[int, ...]:
    return read(music, f"M:4/4\nL:1/8\nK:{key}", dialect).pitches


def durations(music: str, head: str = "M:4/4\nL:1/8\nK:C") -> list[int]:
    return [note.duration for note in read(music, head).notes]


# ---- pitch


@pytest.mark.parametrize(
    ("music", "expected"),
    [
        ("C, C c c'", (48, 60, 72, 84)),
        ("C,, B, c''", (36, 59, 96)),
        ("^C _D =E ^^F __B", (61, 61, 64, 67, 69)),
        ("^F F | F", (66, 66, 65)),
        ("^F =F F", (66, 65, 65)),
        ("^F- F | F", (66, 65)),
        ("^F- | F F", (66, 65)),
        ("_B- | B B", (70, 71)),
    ],
)
def test_pitches(music, expected):
    assert pitches(music) == expected


def test_an_accidental_reaches_other_octaves_only_where_the_dialect_says_so():
    assert pitches("^F f") == (66, 77)
    assert pitches("^F f", dialect=abc.ESSEN) == (66, 78)
    assert pitches("^F f =f F", dialect=abc.ESSEN) == (66, 78, 77, 65)


def test_an_accidental_of_a_grace_note_holds_in_its_bar():
    assert pitches("{^F,A,}B, F, f|F,") == (59, 54, 77, 53)
    assert pitches("{a_B}c ^f- {=f}e|B f") == (72, 78, 76, 71, 77)


def test_a_file_can_say_how_far_accidentals_reach():
    assert pitches("%\n%%propagate-accidentals pitch\n^F f") == (66, 78)


@pytest.mark.parametrize(
    ("key", "expected", "sharpened"),
    [
        ("G", Key("G"), "F"),
        ("Gmaj", Key("G"), "F"),
        ("Em", Key("E", "minor"), "F"),
        ("E minor", Key("E", "minor"), "F"),
        ("EMin", Key("E", "minor"), "F"),
        ("Ador", Key("A", "dorian"), "F"),
        ("D Mixolydian", Key("D", "mixolydian"), "F"),
        ("Clyd", Key("C", "lydian"), "F"),
        ("Bphr", Key("B", "phrygian"), "F"),
        ("F#loc", Key("F#", "locrian"), "F"),
        ("G clef=treble", Key("G"), "F"),
        ("C", Key("C"), ""),
        ("none", None, ""),
        ("", None, ""),
        ("C exp ^f", Key("C"), "F"),
        ("D exp _b", Key("D", "minor"), ""),
        ("HP", Key("A", "mixolydian"), "FC"),
        ("H", Key("B"), "FCGDA"),
    ],
)
def test_keys(key, expected, sharpened):
    melody = read("FCGDA", f"M:4/4\nL:1/8\nK:{key}")
    assert melody.key == expected
    natural = {"F": 65, "C": 60, "G": 67, "D": 62, "A": 69}
    assert "".join(step for step, note in zip("FCGDA", melody.notes, strict=True) if note.pitch > natural[step]) == (
        sharpened
    )


def test_a_changed_key_changes_notes_but_not_the_melodys_key():
    melody = read("F [K:G] F\nK:C\nF")
    assert melody.pitches == (65, 66, 65)
    assert melody.key == Key("C")


# ---- rhythm


@pytest.mark.parametrize(
    ("music", "expected"),
    [
        ("C C2 C/ C// C/4 C3/2 C3/ C12", [12, 24, 6, 3, 3, 18, 18, 144]),
        ("C>D C<D C>>D C<<D", [18, 6, 6, 18, 21, 3, 3, 21]),
        ("C2 > D2", [36, 12]),
        ("(3CDE F", [8, 8, 8, 12]),
        ("(3:2:4CDEF G", [8, 8, 8, 8, 12]),
        ("(2CD (4CDEF", [18, 18, 9, 9, 9, 9]),
        ("(5CDEFG", [5, 5, 4, 5, 5]),  # 4.8 ticks each: rounded at each onset, 24 in all
        ("(3C>DE", [12, 4, 8]),
        ("C-C D - D E-F", [24, 24, 12, 12]),
        ("C-|C-\nC", [36]),
        ('{gag}C !trill!D ~E .F uA "Am"B {/g}c', [12] * 7),
        ("(C D) `E", [12] * 3),
        ("[CEG]2 [C2E2] [C2E2]/", [24, 24, 12]),
        ("+E3A3+ C +trill+D +f+E", [36, 12, 12, 12]),
    ],
)
def test_durations(music, expected):
    assert durations(music) == expected


@pytest.mark.parametrize(("meter", "ticks"), [("2/4", 6), ("3/4", 12), ("6/8", 12), ("C|", 12), ("none", 12)])
def test_the_unit_note_length_follows_from_the_meter_if_it_is_not_stated(meter, ticks):
    assert durations("C", f"M:{meter}\nK:C") == [ticks]


def test_rests():
    melody = read("z2 C x D Z E | z3")
    assert [note.onset for note in melody.notes] == [24, 48, 156]
    assert melody.duration == 204
    assert melody.notes[-1].end == 168


def test_of_a_chord_the_top_note_sounds():
    reading = abc.read(b"X:1\nK:C\n[CEG] [Ge^c]\n", "x.abc")
    assert reading.melodies[0].pitches == (67, 76)
    assert reading.notices == ["x.abc: 1 tune with chords; their top notes are read"]


# ---- meter, pickup, phrases


@pytest.mark.parametrize(
    ("meter", "expected"),
    [
        ("3/4", (Meter(0, 3, 4),)),
        ("C", (Meter(0, 4, 4),)),
        ("C|", (Meter(0, 2, 2),)),
        ("(2+3)/8", (Meter(0, 5, 8),)),
        ("9/8 % in 6/8", (Meter(0, 9, 8),)),
        ("none", ()),
        ("FREI4/4", ()),
        ("", ()),
    ],
)
def test_meters(meter, expected):
    assert read("CDEF", f"M:{meter}\nL:1/8\nK:C").meters == expected


def test_meters_change():
    melody = read("CDEFGABc | [M:3/4] CDEFGA |\nM:6/8\nCDEFGA |")
    assert melody.meters == (Meter(0, 4, 4), Meter(96, 3, 4), Meter(168, 6, 8))


@pytest.mark.parametrize(
    ("music", "pickup"),
    [("C | CDEFGABc |", 12), ("|: C | CDEF", 12), ("CDEFGABc | C", 0), ("CD |]", 0), ("CDEFGABcCD | C", 0)],
)
def test_the_pickup_is_a_short_first_bar(music, pickup):
    assert read(music).pickup == pickup


def test_a_line_is_a_phrase_unless_it_is_continued_or_the_dialect_knows_better():
    music = "CDEF | GABc |\ncBAG \\\nFEDC |\nC8"
    assert read(music).phrase_ends == (96, 192, 288)
    assert read(music, dialect=abc.TUNE_BOOK).phrase_ends == ()


def test_essen_bars_of_another_length_are_changes_of_meter():
    # 4/4, with a bar of six quarters, one of two bars' length, one cut by a double bar
    melody = read("C8 | C12 | C16 | C4 || C4 | C8 | C4", dialect=abc.ESSEN)
    assert melody.meters == (Meter(0, 4, 4), Meter(96, 6, 4), Meter(240, 4, 4))
    assert read("C8 | C12 | C8").meters == (Meter(0, 4, 4),)


# ---- structure


def test_strains_are_read_once_with_their_last_ending():
    reading = abc.read(b"X:1\nM:2/4\nL:1/8\nK:C\n|:CDEF|[1 GGGG:|2 cccc||\n|:AAAA|1BBBB:|2 d4|]\n", "x.abc")
    melody = reading.melodies[0]
    assert melody.pitches == (60, 62, 64, 65, 72, 72, 72, 72, 69, 69, 69, 69, 74)
    assert reading.notices == ["x.abc: 1 tune with repeats; each strain is read once, with its last ending"]


def test_one_voice_of_several():
    text = b'X:1\nM:4/4\nL:1/4\nV:A nm=High\nV:B nm="Low"\nK:C\n[V:A] cdef |\n[V:B] CDEF |\nV:A\ngggg|\nV:B\nGGGG|\n'
    first = abc.read(text, "x.abc")
    assert first.melodies[0].pitches == (72, 74, 76, 77, 79, 79, 79, 79)
    assert "several voices; took the first" in first.notices[0]
    for part in ("B", "Low", "2"):
        assert abc.read(text, "x.abc", part).melodies[0].pitches == (60, 62, 64, 65, 67, 67, 67, 67)
    with pytest.raises(FormatError, match="no voice 'Alto'; there are A, B"):
        abc.read(text, "x.abc", "Alto")


def test_a_tune_book_has_many_tunes_and_text_between_them():
    book = b"% a book\n\nX:1\nT:One\nK:C\nCDE\n\nSome words: 12.\n\nX:2\nT:Two\nT:Zwei\nK:C\nw:words\nEFG%note\n\n"
    melodies = abc.read(book, "book.abc").melodies
    assert [melody.source for melody in melodies] == ["book.abc no. 1, One", "book.abc no. 2, Two"]
    assert [melody.pitches for melody in melodies] == [(60, 62, 64), (64, 65, 67)]


def test_a_blank_line_within_a_tune_is_forgiven():
    book = b"X:1\nK:C\nCDE|\n\nEFG|\n\nA comment\n\nX:2\nK:C\nC|\n"
    assert [len(melody) for melody in abc.read(book, "x").melodies] == [6, 1]


def test_a_bad_tune_does_not_spoil_the_book():
    reading = abc.read(b"X:1\nK:C\nCDE\n\nX:2\nK:C\nC9/0\n\nX:3\nK:C\nEFG\n", "book.abc")
    assert len(reading.melodies) == 2
    (problem,) = reading.problems
    assert problem.where == "book.abc:7 (tune 2)"
    assert problem.kind == "bad duration"
    assert problem.reason.startswith("note length '9/0'; expected one such as 2, 3/2 or /")


def test_other_line_ends_and_encodings():
    assert read("CDE\r\nFGA\r").phrase_ends == (36, 72)
    latin = "X:1\r\nT:Die Königskinder\r\nK:C\r\nCDE\r\n".encode("latin-1")
    assert abc.read(latin, "x.abc").melodies[0].source == "x.abc no. 1, Die Königskinder"
    assert abc.read(b"\xef\xbb\xbfX:1\nK:C\nC\n", "x").melodies[0].pitches == (60,)


# ---- bad input


@pytest.mark.parametrize(
    ("head", "music", "kind"),
    [
        ("K:C", "C99999999999", "bad duration"),
        ("K:C", "C/99999999999", "bad duration"),
        ("K:C", "C0", "bad duration"),
        ("K:C", "C///////////", "bad duration"),
        ("L:0/0\nK:C", "C", "bad unit length"),
        ("L:1/999999\nK:C", "C", "bad unit length"),
        ("M:1000000/3\nK:C", "C", "bad meter"),
        ("M:4/5\nK:C", "C", "bad meter"),
        ("M:0/4\nK:C", "C", "bad meter"),
        ("K:Z", "C", "bad key"),
        ("K:C", "Z99999999", "bad duration"),
        ("K:C", "c''''''''", "bad pitch"),
        ("K:C", "C,,,,,,", "bad pitch"),
        ("K:C", "C %\n12 C", "bad music"),
        ("K:C", "C [CE", "bad music"),
        ("K:C", "CDEF | 62 | C", "bad music"),  # notes are lost: no sixth ending
        ("K:C", "Ä", "bad music"),
        ("K:C", "(999999999:C", "bad music"),
        ("L:1/1\nK:C", "C9999 " * 300, "too large"),
    ],
)
def test_bad_music_has_a_kind_and_a_place(head, music, kind):
    with pytest.raises(FormatError, match=r"x\.abc:\d+") as caught:
        read(music, head)
    assert caught.value.kind == kind


@pytest.mark.parametrize("data", [b"", b"\n\n", b"MThd\0\0\0\x06", b"hello world", b"\xff\xfe\xfd"])
def test_what_is_no_abc(data):
    with pytest.raises(FormatError, match="expected") as caught:
        abc.read(data, "x.abc")
    assert caught.value.kind == "no tune"


# ---- what people write


@pytest.mark.parametrize("gap", ["", " ", "\t", "  "])
def test_each_ending_is_found_whatever_stands_before_it(gap):
    assert read(f"|:G A B c|{gap}[1 d4:|{gap}[2 e4||").pitches == (67, 69, 71, 72, 76)
    assert read(f"|:G A B c|1 d4:|{gap}[2 e4||").pitches == (67, 69, 71, 72, 76)
    assert read(f"G|{gap}[1-3 d4:|{gap}[4 e4||").pitches == (67, 76)


@pytest.mark.parametrize("music", ["C4-|[1 C4:|[2 D4|]", "C4 -|[1 C4:|[2 D4|]", "C4|[1 - C4:|[2 D4|]"])
def test_a_tie_into_an_ending_does_not_lengthen_the_note_before(music):
    melody = read(music, "L:1/4\nK:C")
    assert melody.notes == (Note(0, 96, 60), Note(96, 96, 62))


@pytest.mark.parametrize(
    ("chord", "pitch"),
    [
        ("[+slide+DF]", 65), ("[!slide!DF]", 65), ('["^slide: e"DF]', 65), ("[{e}DF]", 65), ('[D"<)"F]', 65),
        ("[+fermata+D2F2]", 65), ("[uD!1!F]", 65),
    ],
)  # fmt: skip
def test_decorations_in_chords_are_no_notes(chord, pitch):
    assert read(f"{chord} A", "L:1/4\nK:C").pitches == (pitch, 69)


@pytest.mark.parametrize(
    "prose",
    [
        "Notes: played |fast| by A. Nonymous",
        "From the singing of John Smith | collected 1903",
        "Source: | Fiddle Book |",
        "http://example.org/tunes|12",
    ],
)
def test_prose_after_a_blank_line_is_no_music(prose):
    assert len(read(f"D E F G|]\n\n{prose}")) == 4


@pytest.mark.parametrize(
    "music", ["GABc | dedB |", '"Em"e2 !trill!f2 | {g}a4 |]', "G2 A2 | T(3BcB z2 |", "|: uGvA Bc :|"]
)
def test_music_after_a_blank_line_is_music(music):
    assert len(read(f"D E F G|\n\n{music}")) > 4


@pytest.mark.parametrize(
    ("head", "body", "key", "pitches"),
    [
        ("K:D\nK:F", "B F", "F major", (70, 65)),
        ("K:D", "K:F\nB F", "F major", (70, 65)),
        ("K:D", "[K:F]B F", "F major", (70, 65)),
        ("V:1\nV:2\nM:3/4\nK:F", "V:1\nB F", "F major", (70, 65)),
        ("V:1\nV:2 clef=bass\nK:F", "V:1\nB F\nV:2\nC", "F major", (70, 65)),
        ("V:2\nV:1\nL:1/4\nK:F", "[V:2]B F\n[V:1]C", "F major", (70, 65)),
        ("K:F\nV:1\nV:2", "V:1\nB F\nV:2\nK:D\nF", "F major", (70, 65)),
    ],
)
def test_fields_of_a_header_hold_for_every_voice(head, body, key, pitches):
    melody = read(body, head)
    assert (str(melody.key), melody.pitches) == (key, pitches)


def test_a_change_of_key_within_a_tune_does_not_change_its_key():
    assert read("B F|[K:D]F", "K:F").key == Key("F")


@pytest.mark.parametrize(
    ("directive", "body", "quarters"),
    [
        ("I:linebreak $", "C D E F|$G A B c|\nc B A G|$", (4, 12)),
        ("%%linebreak $", "C D E F|$G A B c|\nc B A G|", (4, 12)),
        ("I:linebreak !", "C D E F|!G A B c|\nc B A G|", (4, 12)),
        ("I:linebreak $ <EOL>", "C D E F|$G A B c|\nc B A G|", (4, 8, 12)),
        ("I:linebreak <none>", "C D E F|$G A B c|\nc B A G|", ()),
        ("I:linebreak <EOL>", "C D E F|$G A B c|\nc B A G|", (8, 12)),
    ],
)
def test_line_breaks_by_the_field(directive, body, quarters):
    assert read(body, f"L:1/4\n{directive}\nK:C").phrase_ends == tuple(24 * q for q in quarters)


@pytest.mark.parametrize(
    ("field", "pitch", "key"),
    [
        ("K:C octave=-1", 48, "C major"),
        ("K:C clef=treble-8", 48, "C major"),
        ("K:C treble-8", 48, "C major"),
        ("K:C clef=treble+8", 72, "C major"),
        ("K:C clef=bass", 60, "C major"),
        ("K:C transpose=-2", 58, "Bb major"),
        ("K:D\nV:1 transpose=-2 name=Clarinet", 59, "C major"),
        ("K:C clef=treble-8 octave=1", 60, "C major"),
    ],
)
def test_octaves_and_transpositions_are_read_as_they_sound(field, pitch, key):
    melody = read("V:1\nC", field) if "V:1" in field else read("C", field)
    assert (melody.pitches, str(melody.key)) == ((pitch,), key)


@pytest.mark.parametrize(
    ("head", "body", "pitches"),
    [
        ("V:1 octave=-1\nK:C octave=1", "V:1\nC", (48,)),
        ("V:1 octave=0\nK:C octave=1", "V:1\nC", (60,)),
        ("V:1 clef=treble\nK:C treble-8", "V:1\nC", (60,)),
        ("V:1 octave=1\nK:C treble-8", "V:1\nC", (60,)),
        ("V:1 clef=treble-8\nK:C", "V:1\nC", (48,)),
        ("V:1 G2-8\nK:G", "V:1\nC [K:F] C", (48, 48)),
        ("V:1 clef=bass\nV:2 octave=1\nK:C octave=-1", "V:1\nC", (48,)),
        ("K:C octave=1", "V:1 octave=-1\nC\nV:2 octave=2\nC\nV:1\nC", (48, 48)),
        ("V:1 octave=-1\nK:C", "V:1\nC [K:G] C [K:G octave=1] C", (48, 48, 72)),
        ("K:C octave=1", "C [K:C octave=0] C [K:C clef=treble-8] C", (72, 60, 48)),
    ],
)
def test_what_a_voice_says_comes_before_the_headers_key_and_the_later_field_of_a_body_counts(head, body, pitches):
    assert read(body, head).pitches == pitches


def test_key_and_chords_sound_as_the_notes_beside_them():
    melody = read('"C"C4 [K:C transpose=0] "C"C4|', "K:C transpose=-2")
    assert (str(melody.key), melody.pitches, melody.chords) == ("Bb major", (58, 60), ((0, "Bb"), (48, "C")))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_of_text(encoding):
    data = "X:1\nT:Fr\u00fchling \u2019s\nK:C\nC D E|\n".encode(encoding)
    assert abc.read(data, "x.abc").melodies[0].title == "Fr\u00fchling \u2019s"


@pytest.mark.parametrize(
    ("tempo", "quarters"),
    [("1/4=120", 120), ('"Slow" 3/8=60', 90), ("1/4 1/8=60", 90), ("120", 60), ("fast", None), ("1/4=0", None)],
)
def test_tempos(tempo, quarters):
    assert read("C", f"L:1/8\nQ:{tempo}\nK:C").tempo == quarters


@pytest.mark.parametrize(
    ("words", "lyrics"),
    [
        ("Hal-lo you there", ((0, "Hal-"), (24, "lo"), (48, "you"), (72, "there"))),
        ("a_ b * c", ((0, "a"), (48, "b"))),
        ("a|b", ((0, "a"), (48, "b"))),
        ("o~you and", ((0, "o you"), (24, "and"))),
        ("one two\nw:eins zwei", ((0, "one"), (24, "two"))),
    ],
)
def test_words_below_the_notes(words, lyrics):
    assert read(f"C D|E F|\nw:{words}", "L:1/4\nK:C").lyrics == lyrics


def test_a_book_of_too_many_tunes_is_refused_before_it_is_read():
    with pytest.raises(FormatError, match="at most 20,000 are read"):
        abc.read(b"\nX:1\nK:C\nC|\n" * 20_001, "x.abc")


# ---- writing


def test_what_is_written_reads_well():
    melody = read("D | G3/G/ B3/G/ | GF F\nD | A>A cA | G2 z\n", "M:2/4\nL:1/8\nK:G")
    assert abc.write(melody).decode() == (
        "%abc-2.1\nX:1\nT:x.abc no. 1\nM:2/4\nL:1/8\n%%linebreak <none>\nK:G\n"
        "D | G3/G/ B3/G/ | GF !breath!F D |\nA3/A/ cA | G2 z |]\n"
    )
    assert read(abc.write(melody).decode().partition("K:G\n")[2], "M:2/4\nL:1/8\nI:linebreak <none>\nK:G") == melody
    whole = read("D2 F2 |\nA>A cA |\n", "M:2/4\nL:1/8\nK:G")
    assert abc.write(whole).decode().endswith("L:1/8\nK:G\nD2 F2 |\nA3/A/ cA |]\n")


@given(melodies())
def test_reading_what_was_written_gives_the_same_melody(melody):
    written = abc.write(melody)
    assert abc.read(written, "x.abc").melodies == [melody]
    assert abc.read(written, "x.abc", dialect=Dialect(accidentals_reach="letter")).melodies == [melody]
    assert abc.write(melody) == written


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("CD !breath!EF | GA Bc", (3, 8)),
        ("CD!breath!E>F | GA Bc", (3.5, 8)),  # the sign stands before a note, the breath comes after it
        ("C !breath!D z F | GA Bc", (2, 8)),
        ("C D !breath!z F | GA Bc", (3, 8)),
        ("CDEF |\nGABc", (4, 8)),
    ],
)
def test_a_breath_ends_a_phrase(text, ends):
    assert read(text, "M:4/4\nL:1/4\nK:C").phrase_ends == tuple(24 * end for end in ends)


@pytest.mark.parametrize(("meter", "spaces"), [("7/8", "CD EF GAB"), ("5/8", "CDE FG"), ("6/8", "CDE FGA")])
def test_notes_of_a_beat_stand_together(meter, spaces):
    melody = read(spaces.replace(" ", ""), f"M:{meter}\nL:1/8\nK:C")
    assert spaces in abc.write(melody).decode()


@pytest.mark.parametrize(
    ("meter", "text"),
    [
        ("2/4", "(3CDE F2 |]"),
        ("2/4", "(3:2:2C2D E2 |]"),
        ("2/4", "(3:2:2CD2 E2 |]"),
        ("2/4", "(3:2:4C/D/EF G2 |]"),
        ("4/4", "(3C2D2E2 z4 |]"),
        ("2/4", "(3CzE F(3D/E/F/ |]"),
    ],
)
def test_triplets_are_written_as_triplets(meter, text):
    melody = read(text, f"M:{meter}\nL:1/8\nK:C")
    assert abc.write(melody).decode().splitlines()[-1] == text
    assert abc.read(abc.write(melody), "x").melodies == [melody]
