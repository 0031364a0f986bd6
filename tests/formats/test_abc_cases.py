"""ABC as real files have it: odd but legal constructs, and what older programs wrote."""

import pytest

from melodysynthesis.formats import abc
from melodysynthesis.formats.base import Reading
from melodysynthesis.music import Key


def reading(*lines: str) -> Reading:
    found = abc.read("\n".join(lines).encode(), "x.abc")
    assert not found.problems
    return found


def notes(*lines: str) -> list[tuple[float, float, int]]:
    """Onset and duration in quarters, and pitch, of the notes of the first tune."""
    return [(n.onset / 24, n.duration / 24, n.pitch) for n in reading(*lines).melodies[0].notes]


def pitches(*lines: str) -> tuple[int, ...]:
    return reading(*lines).melodies[0].pitches


def quarters(body: str, head: str = "M:4/4") -> list[tuple[float, float, int]]:
    return notes("X:1", head, "L:1/4", "K:C", body)


# ---- octaves: what a field says of clef and octave


@pytest.mark.parametrize(
    ("key", "first"),
    [
        ("F", 65),
        ("F bass", 65),  # a clef alone moves nothing
        ("F clef=bass middle=d", 65),
        ("F alto", 65),
        ("F treble-8", 53),
        ("F treble+8", 77),
        ("F clef=bass-8", 53),
        ("F clef=treble-15", 41),
        ("F treble-8va", 53),
        ("F bass-8vb", 53),
        ("F -8va", 53),
        ("E phr -8va", 53),
        ("F +8va", 77),
        ("F octave=-1", 53),
        ("F clef=treble-8 octave=1", 65),
        ("F transpose=-2", 63),
    ],
)
def test_octave_signs_of_a_key_field(key, first):
    assert pitches("X:1", "L:1/4", f"K:{key}", "FGAB|")[0] == first


@pytest.mark.parametrize(
    ("lines", "first"),
    [
        (["V:1 clef=treble-8", "K:C", "V:1", "CDEF|"], 48),
        (["V:1\tclef=treble-8 name=A", "K:C", "V:1", "CDEF|"], 48),
        (["K:C", "V:1\tclef=treble-8", "CDEF|"], 48),
        (["V:* clef=treble-8", "V:1", "K:C", "CDEF|"], 48),
        (["V:T clef=treble-8", "K:C clef=treble+8", "[V:T]CDEF|"], 48),  # a voice knows better than the header's key
        (["V:T clef=treble-8", "K:C", "V:T clef=treble+8", "CDEF|"], 72),
        (["%%MIDI transpose -12", "K:C -8va", "CDEF|"], 48),  # one and the same octave, said twice
        (["I:MIDI transpose -24", "K:C bass", "CDEF|"], 36),
    ],
)
def test_octaves_of_voices_and_of_playback(lines, first):
    assert pitches("X:1", "L:1/4", *lines)[0] == first
    assert any("as they sound" in notice for notice in reading("X:1", *lines).notices)


def test_a_key_moves_with_its_music():
    found = reading("X:1", "L:1/4", "%%MIDI transpose 2", "K:G", "GABc|").melodies[0]
    assert (found.key, found.pitches) == (Key("A"), (69, 71, 73, 74))


# ---- headers


@pytest.mark.parametrize(
    "before", ["L:1/4\nM:3/4\n", "%abc-2.1\nL:1/4\nM:3/4\n", "%%titlefont x\nM:3/4\nC:Anon.\nL:1/4\n\nSome words.\n"]
)
def test_a_file_header_holds_for_all_tunes(before):
    found = reading(before, "X:1", "K:C", "CDE|FGA|", "", "X:2", "M:2/4", "K:C", "CD|").melodies
    assert [(str(m.meters[0]), m.duration) for m in found] == [("3/4", 144), ("2/4", 48)]


def test_a_tune_may_be_free_of_the_meter_of_its_file():
    assert reading("M:4/4", "", "X:1", "M:none", "K:C", "CDE|").melodies[0].meters == ()


def test_text_that_goes_on_in_a_header_is_no_music():
    head = ["X:1", "H:This is", "a story of dates", "and a face", "N:B", "L:1/4", "K:C"]
    assert pitches(*head, "CDEF|") == (60, 62, 64, 65)


@pytest.mark.parametrize(
    "lines",
    [
        ["K:C", "+:clef=treble-8", "C,D,|"],
        ["V:1 name=A % first", "+: clef=treble-8", "K:C", "C,D,|"],
    ],
)
def test_a_field_goes_on_behind_a_plus(lines):
    assert pitches("X:1", *lines) == (36, 38)


def test_words_go_on_behind_a_plus():
    found = reading("X:1", "K:C", "CDEF|", "w:one two", "+:three four", "GABc|").melodies[0]
    assert [text for _, text in found.lyrics] == ["one", "two", "three", "four"]


@pytest.mark.parametrize(
    ("meter", "expected"),
    [
        ("3/4+2/4", "5/4"),
        ("3/8 + 2/4", "7/8"),
        ("(2+3+2)/8", "7/8"),
        ("2 + 3/8", "5/8"),
        ("C|", "2/2"),
    ],
)
def test_meters_of_several_terms(meter, expected):
    assert str(reading("X:1", f"M:{meter}", "K:C", "CDEF|").melodies[0].meters[0]) == expected


@pytest.mark.parametrize("key", ["D exp _b^f", "D exp _b ^f", "D exp ^f_b", "D exp ^f _B clef=bass"])
def test_accidentals_of_a_key(key):
    assert pitches("X:1", f"K:{key}", "FGABc") == (66, 67, 69, 70, 72)


# ---- voices


@pytest.mark.parametrize(
    "lines",
    [
        ["V:1", "V:2", "K:C", "V:1", "CDEF|", "V:2", "G,4|", "V:1", "GABc|"],
        ["V:1", "V:2", "K:C", "V:2", "G,4|", "V:1", "CDEF|", "V:2", "G,4|", "V:1", "GABc|"],
        ["K:C", "V:1 name=A", "V:2 name=B", "[V:1]CDEF|", "[V:2]G,4|", "[V:1]GABc|"],
        ["K:C", "[V:1]CDEF|[V:2]G,4|", "[V:1]GABc|[V:2]G,4|"],
        ["%%score (1 2)", "V:1", "V:2 clef=bass", "K:C", "V:2", "K:G", "L:1/8", "F,8|", "V:1", "CDEF|GABc|"],
        ["V:1\tname=A", "V:2\tname=B", "K:C", "V:1\tname=A", "CDEF|", "V:2", "G,4|", "V:1", "GABc|"],
        ["K:C", "V:1", "M:4/4", "CDEF|", "V:2", "M:3/4", "G,3|", "V:1", "GABc|"],
    ],
)
def test_the_first_voice_wherever_its_lines_are(lines):
    assert notes("X:1", "L:1/4", *lines) == [(i, 1, p) for i, p in enumerate((60, 62, 64, 65, 67, 69, 71, 72))]


@pytest.mark.parametrize(
    "body",
    [
        "CDEF & c4|GABc & e2 f2|",
        "CDEF|GABc && c4|e4|",
        "(&CDEF|GABc & e4|f4 &)|",
        "CDEF|GABc & \\\ne2f2|",
        "CDEF & c4 & e4|GABc|",
    ],
)
def test_overlays_are_left_out(body):
    assert [n[2] for n in quarters(body + "c4|")] == [60, 62, 64, 65, 67, 69, 71, 72, 72]
    assert quarters(body + "c4|")[-1] == (8, 4, 72)


# ---- endings


@pytest.mark.parametrize(
    "body",
    [
        "|:CDEF|1GABc:|2cdef|]",
        "|:CDEF| 1 GABc:| 2 cdef|]",
        "|:CDEF|1 GABc :| [2 cdef|]",
        "|:CDEF|[1GABc::[2cdef|]",
        "|:CDEF||  [1 GABc :|\t[2 cdef|]",
        "|:CDEF|\n[1 GABc :|\n[2 cdef|]",
        "|:CDEF|1. GABc :|2. cdef|]",
        "|:CDEF|[1-3 GABc :|[4 cdef|]",
        "|:CDEF|[1,3 GABc :|[2,4 cdef|]",
        "|:CDEF|1 % first\nGABc:|2\ncdef|]",
        "|:CDEF|[1 G4:|[2 GABc:|[3 cdef|]",
    ],
)
def test_the_last_ending_is_read(body):
    assert quarters(body) == [(i, 1, p) for i, p in enumerate((60, 62, 64, 65, 72, 74, 76, 77))]


def test_an_order_of_parts_is_told():
    assert any("repeats" in notice for notice in reading("X:1", "P:ABA", "K:C", "P:A", "CDEF|").notices)


# ---- rhythm


@pytest.mark.parametrize(
    ("body", "durations"),
    [
        ("(3CDE F2", [2 / 3, 2 / 3, 2 / 3, 2]),
        ("(3 C D E F2", [2 / 3, 2 / 3, 2 / 3, 2]),
        ("(3::2CD E", [2 / 3, 2 / 3, 1]),
        ("(3:2:4CD/E/F G", [2 / 3, 1 / 3, 1 / 3, 2 / 3, 1]),
        ("((3CDE) F", [2 / 3, 2 / 3, 2 / 3, 1]),
        ("(3C{d}DE F", [2 / 3, 2 / 3, 2 / 3, 1]),
        ("(3[CE]DE F", [2 / 3, 2 / 3, 2 / 3, 1]),
        ("C3 (3DE|F G", [3, 2 / 3, 2 / 3, 2 / 3, 1]),
        ("(3CDE-EF", [2 / 3, 2 / 3, 5 / 3, 1]),
        ("(3C>DE", [1, 1 / 3, 2 / 3]),
        ("C > D E <F", [1.5, 0.5, 0.5, 1.5]),
        ("CD>|EF", [1, 1.5, 0.5, 1]),
        ("C>{g}D [CE]>F", [1.5, 0.5, 1.5, 0.5]),
        ("C>>D E<<F", [1.75, 0.25, 0.25, 1.75]),
        ("[CE]2[C2E4]2 [EG]/", [2, 4, 0.5]),
        ("C3/2D/E//F3/4", [1.5, 0.5, 0.25, 0.75]),
        ("{[ce]d}C{/g}D", [1, 1]),
        ("C-|C>-C -C", [4]),
        ("[C-E-]2|[CE]", [3]),
    ],
)
def test_lengths(body, durations):
    assert [n[1] for n in quarters(body)] == pytest.approx(durations)


@pytest.mark.parametrize(("meter", "length"), [("4/4", 1), ("6/8", 1.5), ("9/8", 1.5), ("12/8", 1.5), ("3/4", 1)])
def test_a_quintuplet_is_longer_in_compound_meters(meter, length):
    assert quarters("(5CDEFG", f"M:{meter}")[0][1] == pytest.approx(2 / 5 * length, abs=1 / 24)


# ---- accidentals


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (["X:1", "K:C"], (66, 77, 66, 65)),
        (["%abc-2.1", "X:1", "K:C"], (66, 78, 66, 65)),
        (["%abc-2.2", "%%linebreak $", "", "X:1", "K:C"], (66, 78, 66, 65)),
        (["%abc-1.6", "X:1", "K:C"], (66, 77, 66, 65)),
        (["%abc-2.1", "X:1", "I:propagate-accidentals octave", "K:C"], (66, 77, 66, 65)),
        (["X:1", "I:propagate-accidentals pitch", "K:C"], (66, 78, 66, 65)),
        (["X:1", "%%propagate-accidentals not", "K:C"], (66, 77, 65, 65)),
    ],
)
def test_how_far_an_accidental_reaches(head, expected):
    assert pitches(*head, "^FfF|F") == expected


# ---- text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r", "\r\n"])
def test_encodings_and_line_ends(encoding, newline):
    text = "X:1\nT:K\u00f6nig\nL:1/4\nK:C\nCDEF|\nGABc|\n".replace("\n", newline)
    found = abc.read(text.encode(encoding), "x").melodies[0]
    assert (found.title, found.pitches, found.phrase_ends) == (
        "K\u00f6nig",
        (60, 62, 64, 65, 67, 69, 71, 72),
        (96, 192),
    )


@pytest.mark.parametrize(
    "body",
    [
        '"50\\% more"CDEF|',
        "CDEF| % all of it",
        "!fermata!C!<(!D!<)!E!trill!F|",
        "+fermata+C~D.ETF|",
        "CD!EF!|",
        "C!fz!D!f!EF|",
        "CDE!fff!F|",
        "C*D`E\\\nF|",
        "CD[r:a remark, bag]EF|",
        "CDEF|\n%%begintext\nabc def|\n%%endtext",
        "CDEF|\n%%text a bad egg|",
        "CDEF|\ns:!f! * !p!\nW:a bad egg",
        "CDEF|\n\nA face | a deed\nand more cabbage |",
        "CyDy2EF|",
    ],
)
def test_what_is_no_note(body):
    assert [n[2] for n in quarters(body)] == [60, 62, 64, 65]


def test_old_line_breaks_hold_no_decoration():
    assert [n[2] for n in quarters("CDEF!GABc!cdef|")] == [60, 62, 64, 65, 67, 69, 71, 72, 72, 74, 76, 77]


def test_macros_are_told():
    assert any("macros" in notice for notice in reading("X:1", "m: ~G3 = G{A}G{F}G", "K:C", "~G3|").notices)
