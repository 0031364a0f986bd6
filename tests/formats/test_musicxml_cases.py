"""MusicXML as programs write it: constructs of the standard that are easy to misread."""

import pytest

from melodysynthesis.errors import FormatError
from melodysynthesis.formats import musicxml
from melodysynthesis.music import Key
from tests.formats.test_musicxml import attributes, note, only, score

QUARTERS = [(0, 1, 60), (1, 1, 62), (2, 1, 64), (3, 1, 65)]
BAR = note("C4", 2) + note("D4", 2) + note("E4", 2) + note("F4", 2)
HEAD = attributes(2, "4/4")


def notes(*measures: str, more: str = "", more_parts: str = "") -> list[tuple[float, float, int]]:
    """Onset and duration in quarters, and pitch."""
    melody, _ = only(score(*measures, more=more, more_parts=more_parts))
    return [(n.onset / 24, n.duration / 24, n.pitch) for n in melody.notes]


def notices(*measures: str) -> str:
    return " / ".join(only(score(*measures))[1])


def pause(duration: int, before: str = "") -> str:
    return f"<note>{before}<rest/><duration>{duration}</duration></note>"


def attribute(*inner: str) -> str:
    return f"<attributes>{''.join(inner)}</attributes>"


def moved(rows: list[tuple[float, float, int]], quarters: float, semitones: int = 0) -> list[tuple[float, float, int]]:
    return [(onset + quarters, length, pitch + semitones) for onset, length, pitch in rows]


GRACE = "<note><grace/><pitch><step>A</step><octave>5</octave></pitch></note>"


@pytest.mark.parametrize(
    "bar",
    [
        GRACE + BAR,
        BAR.replace("<note>", note("A5", 1, before="<grace slash='yes'/>") + "<note>", 1),
        BAR.replace("<note>", GRACE.replace("<grace/>", "<grace/><cue/>") + "<note>", 1),
        BAR + "<backup><duration>8</duration></backup>" + note("C3", 8),
        BAR + "<backup><duration>8</duration></backup>" + note("G5", 8, before="<cue/>"),
        BAR + note("G5", 2, before="<cue/><chord/>"),
        BAR + "<backup><duration>4</duration></backup><forward><duration>4</duration></forward>",
        BAR + "<backup><duration>8</duration></backup>" + note("C3", 8, "<staff>2</staff>"),
        "<direction><direction-type><octave-shift type='down' size='8'/></direction-type></direction>" + BAR,
        attribute("<clef><sign>G</sign><line>2</line><clef-octave-change>-1</clef-octave-change></clef>") + BAR,
        attribute("<transpose><chromatic>0</chromatic><double/></transpose>") + BAR,
        attribute("<staff-details><staff-lines>5</staff-lines></staff-details>") + BAR,
        BAR.replace("<duration>2</duration>", "<duration>2.0</duration>"),
        attribute("<divisions>1</divisions>") + BAR.replace("<duration>2", "<duration>1"),
        note("C4", 2) + note("D4", 2) + attribute("<divisions>4</divisions>") + note("E4", 4) + note("F4", 4),
        BAR.replace("<note>", "<note dynamics='90' print-object='no'>"),
        BAR.replace(
            "</note>", "<type>quarter</type><notations><ornaments><trill-mark/></ornaments></notations></note>"
        ),
        "<!-- a --><print new-page='yes'/><bookmark id='x'/>" + BAR + "<listening/>",
    ],
)
def test_the_same_notes(bar):
    assert notes(HEAD + bar) == QUARTERS


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        (note("G5", 2, before="<cue/>") + note("C4", 6), [(1, 3, 60)]),
        (pause(4, "<cue/>") + note("C4", 4), [(2, 2, 60)]),
        (note("C4", 2) + note("G5", 2, before="<cue/>") + note("D4", 4), [(0, 1, 60), (2, 2, 62)]),
        (note("C4", 6) + note("G5", 2, before="<cue/>"), [(0, 3, 60)]),
        (note("G5", 2, before="<cue/>") + note("A5", 2, before="<chord/><cue/>") + note("C4", 4), [(1, 2, 60)]),
    ],
)
def test_cue_notes_take_their_time(bar, expected):
    assert notes(HEAD + bar) == expected


TIED = "<notations><tied type='{}'/></notations>"


@pytest.mark.parametrize(
    ("starts", "stops", "joins"),
    [
        ("<tie type='start'/>", "<tie type='stop'/>", True),
        (TIED.format("start"), TIED.format("stop"), True),
        ("<tie type='start'/>" + TIED.format("start"), "<tie type='stop'/>" + TIED.format("stop"), True),
        (TIED.format("continue"), TIED.format("stop"), True),
        (TIED.format("let-ring"), "", False),
        ("<tie type='start'/>", "", False),
        ("", TIED.format("stop"), False),
    ],
)
def test_ties(starts, stops, joins):
    first, second = note("C4", 8, starts), note("C4", 4, stops) + note("D4", 4)
    one = [(0, 6, 60), (6, 2, 62)]
    assert notes(HEAD + first, second) == (one if joins else [(0, 4, 60), (4, 2, 60), (6, 2, 62)])


@pytest.mark.parametrize(
    ("inner", "semitones", "key"),
    [
        ("<diatonic>-1</diatonic><chromatic>-2</chromatic>", -2, "Bb"),
        ("<chromatic>-9</chromatic>", -9, "Eb"),
        ("<chromatic>3</chromatic><octave-change>-1</octave-change>", -9, "Eb"),
        ("<octave-change>-1</octave-change>", -12, "C"),
    ],
)
def test_transposing_parts(inner, semitones, key):
    head = attributes(2, "4/4", "<key><fifths>0</fifths><mode>major</mode></key>")
    transpose = attribute(f"<transpose>{inner}</transpose>")
    assert notes(head + transpose + BAR) == moved(QUARTERS, 0, semitones)
    assert notes(head + BAR, transpose + BAR) == QUARTERS + moved(QUARTERS, 4, semitones)
    melody, found = only(score(head + transpose + BAR))
    assert melody.key == Key(key)
    assert any("transposing" in notice for notice in found)


def sign(kind: str, count: str = "") -> str:
    return attribute(f"<measure-style><measure-repeat type='{kind}'>{count}</measure-repeat></measure-style>")


@pytest.mark.parametrize("written", ["", pause(8), "<forward><duration>8</duration></forward>", BAR])
def test_a_measure_under_a_repeat_sign_is_the_one_before(written):
    rows = [row for bar in range(4) for row in moved(QUARTERS, 4 * bar)]
    assert notes(HEAD + BAR, sign("start", "1") + written, written, sign("stop") + BAR) == rows
    told = "under a repeat sign" in notices(HEAD + BAR, sign("start", "1") + written)
    assert told == (written != BAR)


def test_two_measures_under_a_repeat_sign():
    found = notes(HEAD + BAR, note("A4", 8), sign("start", "2") + pause(8), pause(8), sign("stop") + pause(8))
    assert found == [*QUARTERS, (4, 4, 69), *moved(QUARTERS, 8), (12, 4, 69)]


def test_a_repeat_sign_without_measures_before_it():
    assert notes(HEAD + sign("start", "2") + pause(8), sign("stop") + BAR) == moved(QUARTERS, 4)


@pytest.mark.parametrize(
    "where",
    [
        "<barline><repeat direction='backward'/></barline>",
        "<barline><ending number='1' type='start'/></barline>",
        "<sound dacapo='yes'/>",
        "<direction><direction-type><words>a</words></direction-type><sound dalsegno='1'/></direction>",
        "<direction><direction-type><segno/></direction-type></direction>",
        "<direction><direction-type><coda/></direction-type></direction>",
        "<direction><direction-type><words>D.C. al Fine</words></direction-type></direction>",
        "<direction><direction-type><words>D. S.</words></direction-type></direction>",
    ],
)
def test_jumps_are_told(where):
    assert "not unfolded" in notices(HEAD + where + BAR)
    assert "not unfolded" not in notices(HEAD + "<barline><bar-style>light-light</bar-style></barline>" + BAR)


def test_slashes_are_no_notes():
    assert notes(HEAD + note("B4", 2, "<notehead>slash</notehead>") * 4, BAR) == moved(QUARTERS, 4)
    assert "slashes" in notices(HEAD + note("B4", 2, "<notehead>slash</notehead>") * 4, BAR)
    assert notes(HEAD + note("B4", 8, "<notehead>diamond</notehead>")) == [(0, 4, 71)]


FREE = "<time><senza-misura/></time>"


@pytest.mark.parametrize(
    ("measures", "told"),
    [
        ([HEAD + BAR, attribute(FREE) + BAR], True),
        ([attribute("<divisions>2</divisions>", FREE) + BAR, HEAD + BAR], True),
        ([attribute("<divisions>2</divisions>", FREE) + BAR, BAR], False),
    ],
)
def test_free_time(measures, told):
    assert ("partly in free time" in notices(*measures)) == told


@pytest.mark.parametrize(
    ("time", "meter"),
    [
        ("<beats>3+2</beats><beat-type>8</beat-type>", "5/8"),
        ("<beats>2 + 2 + 3</beats><beat-type>8</beat-type>", "7/8"),
        ("<beats>3</beats><beat-type>4</beat-type><beats>2</beats><beat-type>8</beat-type>", "8/8"),
        ("<beats>4</beats><beat-type>4</beat-type><interchangeable><beats>2</beats></interchangeable>", "4/4"),
    ],
)
def test_meters_of_several_terms(time, meter):
    assert str(only(score(attribute(f"<divisions>2</divisions><time>{time}</time>") + BAR))[0].meters[0]) == meter


@pytest.mark.parametrize(
    ("second", "third", "pickup", "meters"),
    [
        ("<measure number='X1' implicit='yes'>", BAR, 0, ["4/4"]),
        ("<measure number='2'>", BAR, 48, ["4/4", "2/4", "4/4"]),
    ],
)
def test_a_first_bar_may_go_on_in_a_measure_that_does_not_count(second, third, pickup, meters):
    half = note("C4", 2) + note("D4", 2)
    data = score(HEAD + half, half, third, BAR).replace(b'<measure number="2">', second.encode())
    melody, _ = only(data)
    assert (melody.pickup, [str(meter) for meter in melody.meters]) == (pickup, meters)


def test_a_key_of_single_accidentals_is_told():
    key = "<key><key-step>F</key-step><key-alter>1</key-alter></key>"
    assert "single accidentals" in notices(attributes(2, "4/4", key) + BAR)


@pytest.mark.parametrize("prefix", ["", "m:", "ns0:"])
def test_namespaces(prefix):
    data = score(HEAD + BAR).decode()
    name = prefix.rstrip(":")
    qualified = (
        data.replace("</", f"</{prefix}").replace("<", f"<{prefix}").replace(f"<{prefix}/{prefix}", f"</{prefix}")
    )
    root = f"<{prefix}score-partwise"
    qualified = qualified.replace(root, f"{root} xmlns{':' + name if name else ''}='http://www.musicxml.org/xsd'")
    assert [n.pitch for n in only(qualified.encode())[0].notes] == [60, 62, 64, 65]


@pytest.mark.parametrize(
    "measure",
    [
        HEAD + "<note><rest measure='yes'/></note>",
        HEAD + note("C4", 10**30),
        HEAD + note("C4", 8) + note("C5", 10**12, before="<chord/>"),
        HEAD + "<forward><duration>9999999999</duration></forward>" + BAR,
        attributes(0, "4/4") + BAR,
        HEAD + "<note><unpitched/><duration>8</duration></note>",
    ],
)
def test_what_is_refused(measure):
    with pytest.raises(FormatError):
        musicxml.read(score(measure), "x.xml")
