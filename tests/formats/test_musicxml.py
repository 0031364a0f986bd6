"""MusicXML: what is written adds up, and files from elsewhere, hostile ones too, are understood or refused."""

import io
import struct
import time
import xml.etree.ElementTree as ET
import zipfile
from fractions import Fraction

import pytest
from hypothesis import given

from melodysynthesis.errors import FormatError
from melodysynthesis.formats import musicxml
from melodysynthesis.music import Key, Melody, Meter, Note
from tests.strategies import melodies

HALVES_OF_A_TICK = {
    "breve": 384,
    "whole": 192,
    "half": 96,
    "quarter": 48,
    "eighth": 24,
    "16th": 12,
    "32nd": 6,
    "64th": 3,
}
"""How long a note of each type is, in half ticks."""

CONTAINER = b'<container><rootfiles><rootfile full-path="s.xml"/></rootfiles></container>'


def score(*measures: str, name: str = "Flute", more: str = "", more_parts: str = "") -> bytes:
    body = "".join(f'<measure number="{number}">{inner}</measure>' for number, inner in enumerate(measures, 1))
    return (
        f'<score-partwise><part-list><score-part id="P1"><part-name>{name}</part-name></score-part>{more_parts}'
        f'</part-list><part id="P1">{body}</part>{more}</score-partwise>'
    ).encode()


def attributes(divisions: int = 2, time: str = "3/4", key: str = "") -> str:
    beats, _, unit = time.partition("/")
    return (
        f"<attributes><divisions>{divisions}</divisions>{key}"
        f"<time><beats>{beats}</beats><beat-type>{unit}</beat-type></time></attributes>"
    )


def note(pitch: str, duration: int, more: str = "", before: str = "") -> str:
    step, octave = pitch[0], pitch[-1]
    alter = f"<alter>{pitch.count('#') - pitch.count('b')}</alter>"
    return (
        f"<note>{before}<pitch><step>{step}</step>{alter}<octave>{octave}</octave></pitch>"
        f"<duration>{duration}</duration>{more}</note>"
    )


def only(data: bytes, part: str | None = None) -> tuple[Melody, list[str]]:
    reading = musicxml.read(data, "x.xml", part)
    [melody] = reading.melodies
    return melody, reading.notices


def zipped(*files: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            # A fixed time: files are names of tests, which must be the same in every process.
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


@given(melodies())
def test_every_written_bar_adds_up_and_every_value_is_as_long_as_it_looks(melody):
    root = ET.fromstring(musicxml.write(melody))
    total = 0
    for measure in root.iter("measure"):
        for element in measure.iter("note"):
            duration = int(element.findtext("duration"))
            total += duration
            if element.find("rest") is not None and element.find("rest").get("measure"):
                continue
            looks = Fraction(HALVES_OF_A_TICK[element.findtext("type")], 2)
            looks *= Fraction(3, 2) ** len(element.findall("dot"))
            if element.find("time-modification") is not None:
                looks *= Fraction(2, 3)
            assert duration == looks
    assert total == melody.duration


@given(melodies())
def test_brackets_beams_and_ties_open_and_close(melody):
    root = ET.fromstring(musicxml.write(melody))
    tuplets = [e.get("type") for e in root.iter("tuplet")]
    assert tuplets == ["start", "stop"] * (len(tuplets) // 2)
    for measure in root.iter("measure"):
        states = [e.text for e in measure.iter("beam") if e.get("number") == "1" and e.text != "continue"]
        assert states == ["begin", "end"] * (len(states) // 2)
    ties = [e.get("type") for e in root.iter("tie")]
    assert ties.count("start") == ties.count("stop")


def test_a_pickup_bar_is_number_0_and_implicit():
    melody = Melody((Note(0, 24, 60), Note(24, 72, 64)), 96, (Meter(0, 3, 4),), pickup=24)
    measures = list(ET.fromstring(musicxml.write(melody)).iter("measure"))
    assert [(m.get("number"), m.get("implicit")) for m in measures] == [("0", "yes"), ("1", None)]


def test_accidentals_are_shown_where_the_bar_needs_them():
    pitches = (66, 65, 65, 66, 65)  # F sharp is in the signature of G
    notes = tuple(Note(24 * number, 24, pitch) for number, pitch in enumerate(pitches))
    root = ET.fromstring(musicxml.write(Melody(notes, 120, (Meter(0, 4, 4),), Key("G"))))
    shown = [(e.findtext("pitch/step"), e.findtext("pitch/alter"), e.findtext("accidental")) for e in root.iter("note")]
    assert shown == [
        ("F", "1", None),
        ("F", None, "natural"),
        ("F", None, None),
        ("F", "1", "sharp"),
        ("F", None, "natural"),
    ]


def test_a_breath_is_a_phrase_end_that_singers_know():
    melody = Melody((Note(0, 48, 60), Note(48, 24, 64)), 96, (Meter(0, 4, 4),), None, (48, 96))
    root = ET.fromstring(musicxml.write(melody))
    breaths = [e.find("notations/articulations/breath-mark") is not None for e in root.iter("note")]
    assert breaths == [True, False, False]
    assert len([e for e in root.iter("sound") if e.get("id", "").startswith("phrase-end-")]) == 1


def test_divisions_chords_voices_grace_notes_ties_and_triplets():
    first = (
        attributes(6)
        + note("G4", 2)
        + note("A4", 2)
        + note("B4", 2)
        + note("C5", 6, before="<grace/>").replace("<duration>6</duration>", "")
        + note("C5", 6)
        + note("E5", 6, before="<chord/>")
        + note("D5", 6, '<tie type="start"/><voice>1</voice>')
        + "<backup><duration>18</duration></backup>"
        + note("C3", 18, "<voice>2</voice>")
    )
    second = (
        "<attributes><divisions>4</divisions></attributes>"
        + note("D5", 4, '<tie type="stop"/><voice>1</voice>')
        + "<forward><duration>4</duration></forward>"
        + note("F#5", 4)
    )
    melody, notices = only(score(first, second))
    expected = [(0, 8, 67), (8, 8, 69), (16, 8, 71), (24, 24, 76), (48, 48, 74), (120, 24, 78)]
    assert melody.notes == tuple(Note(*n) for n in expected)
    assert (melody.duration, melody.meters) == (144, (Meter(0, 3, 4),))
    assert notices == ["x.xml: took the top line, leaving out 2 of 8 notes"]


def test_the_first_key_and_its_mode_are_the_melodys():
    first = attributes(1, key="<key><fifths>-1</fifths><mode>aeolian</mode></key>") + note("D4", 3)
    second = "<attributes><key><fifths>2</fifths><mode>major</mode></key></attributes>" + note("D4", 3)
    assert only(score(first, second))[0].key == Key("D", "minor")


@pytest.mark.parametrize(("last", "key"), [("E4", "E minor"), ("G4", "G major"), ("B4", "G major")])
def test_a_signature_without_mode_is_told_by_the_last_note(last, key):
    melody, notices = only(score(attributes(1, key="<key><fifths>1</fifths></key>") + note("B4", 2) + note(last, 1)))
    assert str(melody.key) == key
    assert notices == [f"x.xml: its key signature has no mode; taken as {key}, by the last note"]


def test_a_short_first_measure_is_a_pickup():
    melody, _ = only(score(attributes(1, "4/4") + note("G4", 1), note("C5", 4)))
    assert (melody.pickup, melody.duration) == (24, 120)


def test_meters_change_and_repeat():
    time = "<attributes><time><beats>{}</beats><beat-type>{}</beat-type></time></attributes>"
    melody, _ = only(
        score(
            attributes(1, "3+2/4") + note("G4", 5),
            time.format(5, 4) + note("G4", 5),
            time.format(3, 8) + note("G4", 1) + "<forward><duration>0.5</duration></forward>",
        )
    )
    assert melody.meters == (Meter(0, 5, 4), Meter(240, 3, 8))
    assert melody.duration == 276


def test_parts_are_chosen_by_the_rule():
    other = f'<part id="P2"><measure number="1">{attributes(1)}{note("C6", 3)}</measure></part>'
    listed = '<score-part id="P2"><part-name>Piccolo</part-name></score-part>'
    data = score(attributes(1) + note("C4", 3), name="Voice", more=other, more_parts=listed)
    melody, notices = only(data)
    assert melody.pitches == (60,)
    assert notices == ["x.xml: 2 parts; took part 1, 'Voice', by its name"]
    assert only(data, "piccolo")[0].pitches == only(data, "2")[0].pitches == (84,)


def test_only_the_upper_staff_is_read():
    piano = note("C5", 3, "<staff>1</staff>") + "<backup><duration>3</duration></backup>"
    melody, _ = only(score(attributes(1) + piano + note("C6", 3, "<staff>2</staff>")))
    assert melody.pitches == (72,)


def test_a_doctype_as_every_program_writes_it_is_fine():
    doctype = b'<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 3.1 Partwise//EN" "http://x/partwise.dtd">'
    assert only(doctype + score(attributes(1) + note("C4", 3)))[0].pitches == (60,)


def test_a_zipped_score_is_read_and_written():
    data = score(attributes(1) + note("C4", 3))
    assert only(zipped(("META-INF/container.xml", CONTAINER), ("s.xml", data)))[0].pitches == (60,)
    written = musicxml.write_zipped(Melody((Note(0, 24, 60),), 24))
    assert zipfile.ZipFile(io.BytesIO(written)).namelist() == ["META-INF/container.xml", "score.musicxml"]


def container(path: str, more: str = "") -> bytes:
    return f"<container><rootfiles><rootfile full-path={path}{more}/></rootfiles></container>".encode()


@pytest.mark.parametrize(
    "files",
    [
        [("s.xml", None)],
        [("META-INF/container.xml", container("'s.xml'")), ("s.xml", None)],
        [("META-INF/container.xml", container("'./s.xml'")), ("s.xml", None)],
        [("META-INF/container.xml", container('"A & B.xml"')), ("A & B.xml", None)],
        [("META-INF/container.xml", container('"A &amp; B.xml"')), ("A & B.xml", None)],
        [("META-INF/container.xml", container('"a%20b.xml"')), ("a b.xml", None)],
        [("META-INF/container.xml", container('"it&apos;s.xml"')), ("it's.xml", None)],
        [("META-INF/container.xml", container("other.xml")), ("s.xml", None)],
        [("META-INF/container.xml", b"<container"), ("s.xml", None)],
        [("META-INF/container.xml", container("'scores\\\\S.xml'")), ("scores/s.xml", None), ("x.xml", b"no")],
        [
            ("META-INF/container.xml", container("'a.pdf' media-type='text/pdf'")),
            ("a.pdf", b""),
            ("s.xml", None),
        ],
        [("s.xml", None), ("__MACOSX/._s.xml", b"no"), ("cover.png", b"no"), ("lyrics/", b"")],
        [("META-INF/container.xml", container('"lost/s.xml"')), ("s.xml", None), ("old.xml", b"no")],
    ],
)
def test_poor_containers_do_not_hide_the_only_score(files):
    data = score(attributes(1) + note("C4", 3))
    assert only(zipped(*((name, data if content is None else content) for name, content in files)))[0].pitches == (60,)


def test_white_space_around_a_document_is_no_matter():
    assert only(b"\n \xef\xbb\xbf"[:2] + score(attributes(1) + note("C4", 3)) + b"\r\n\0\0")[0].pitches == (60,)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "utf-8-sig"])
def test_encodings_of_text(encoding):
    text = score(attributes(1) + note("C4", 3), more="").decode().replace("Flute", "Fl\xf6te")
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    assert only(f"<?xml version='1.0' encoding='{declared}'?>{text}".encode(encoding))[0].pitches == (60,)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<score-partwise>", '<score-partwise xmlns="http://www.musicxml.org/xsd/MusicXML">'),
        ("<score-partwise>", '<score-partwise xmlns="urn:a" xmlns:xlink="http://www.w3.org/1999/xlink">'),
        ("<score-partwise>", "<score-partwise xmlns=''>"),
    ],
)
def test_namespaces(before, after):
    data = score(attributes(1) + note("C4", 3)).decode()
    assert only(data.replace(before, after).encode())[0].pitches == (60,)
    prefixed = data.replace("</", "<@/").replace("<", "<m:").replace("<m:@/", "</m:")
    assert only(prefixed.replace("<m:score-partwise>", "<m:score-partwise xmlns:m='urn:m'>").encode())[0].key is None


def test_a_score_ordered_by_time_is_read_alike():
    measures = "".join(
        f'<measure number="{n}"><part id="P1">{first}</part><part id="P2">{second}</part></measure>'
        for n, (first, second) in enumerate(
            [(attributes(1) + note("C4", 3), attributes(1) + note("C3", 3)), (note("D4", 3), note("D3", 3))], 1
        )
    )
    data = f"<score-timewise><part-list/>{measures}</score-timewise>".encode()
    assert only(data)[0].notes == (Note(0, 72, 60), Note(72, 72, 62))
    assert only(data, "2")[0].pitches == (48, 50)


TIED = '<notations><tied type="{}"/></notations>'


@pytest.mark.parametrize(
    ("first", "second", "third"),
    [
        ('<tie type="start"/>', '<tie type="stop"/><tie type="start"/>', '<tie type="stop"/>'),
        (TIED.format("start"), TIED.format("continue"), TIED.format("stop")),
        (TIED.format("start"), TIED.format('stop"/><tied type="start'), TIED.format("stop")),
        ('<tie type="start"/><voice>1</voice>', '<tie type="stop"/><tie type="start"/><voice>2</voice>',
         '<tie type="stop"/><voice>1</voice>'),
    ],
)  # fmt: skip
def test_tied_notes_are_one(first, second, third):
    melody, _ = only(score(attributes(1) + note("C4", 3, first), note("C4", 3, second), note("C4", 3, third)))
    assert melody.notes == (Note(0, 216, 60),)


@pytest.mark.parametrize(
    ("first", "second"),
    [('<tie type="start"/>', ""), ("", '<tie type="stop"/>'), (TIED.format("let-ring"), TIED.format("stop"))],
)
def test_half_a_tie_ties_nothing(first, second):
    assert len(only(score(attributes(1) + note("C4", 3, first), note("C4", 3, second)))[0]) == 2


@pytest.mark.parametrize(
    ("transpose", "fifths", "pitch", "key"),
    [
        ("<chromatic>-2</chromatic>", 2, 58, "C major"),
        ("<diatonic>-1</diatonic><chromatic>-2</chromatic>", 0, 58, "Bb major"),
        ("<chromatic>-9</chromatic>", 0, 51, "Eb major"),
        ("<chromatic>0</chromatic><octave-change>-1</octave-change>", 1, 48, "G major"),
        ("<chromatic>-7</chromatic>", -1, 53, "Bb major"),
        ("<chromatic>3</chromatic>", 3, 63, "C major"),
        ("<chromatic>-2</chromatic><octave-change>-1</octave-change>", 1, 46, "F major"),
    ],
)
def test_a_transposing_part_is_read_as_it_sounds(transpose, fifths, pitch, key):
    signature = f"<key><fifths>{fifths}</fifths><mode>major</mode></key>"
    head = f"<attributes><transpose>{transpose}</transpose></attributes>"
    for first in (attributes(1, key=signature) + head, head + attributes(1, key=signature)):
        melody, notices = only(score(first + note("C4", 3)))
        assert (melody.pitches, str(melody.key)) == ((pitch,), key)
        assert any("read as it sounds" in notice for notice in notices)


def test_clefs_and_octave_signs_are_only_looks():
    clef = "<clef><sign>G</sign><line>2</line><clef-octave-change>-1</clef-octave-change></clef>"
    octave = '<direction><direction-type><octave-shift type="down" size="8"/></direction-type></direction>'
    assert only(score(attributes(1, key=clef) + octave + note("C4", 3)))[0].pitches == (60,)


def meters(melody: Melody) -> list[tuple[int, str]]:
    return [(meter.tick // 24, str(meter)) for meter in melody.meters]


def test_a_short_bar_inside_does_not_shift_the_bar_lines():
    melody, notices = only(score(attributes(1) + note("C4", 3), note("D4", 2), note("E4", 3), note("F4", 3)))
    assert [n.onset // 24 for n in melody.notes] == [0, 3, 5, 8]
    assert meters(melody) == [(0, "3/4"), (3, "2/4"), (5, "3/4")]
    assert any("measures do not fill their meter" in notice for notice in notices)


def test_a_long_bar_inside_does_not_shift_the_bar_lines():
    melody, _ = only(score(attributes(1) + note("C4", 3), note("D4", 4), note("E4", 3), note("F4", 3)))
    assert meters(melody) == [(0, "3/4"), (3, "4/4"), (7, "3/4")]


def test_a_bar_split_at_a_repeat_is_one_bar():
    melody, _ = only(score(attributes(1) + note("C4", 1), note("D4", 3), note("E4", 2), note("F4", 1), note("G4", 3)))
    assert (melody.pickup, meters(melody)) == (24, [(0, "3/4")])


def test_a_short_bar_after_a_change_of_meter_is_no_pickup():
    melody, _ = only(score(attributes(1) + note("C4", 3), attributes(1, "4/4") + note("D4", 1), note("E4", 4)))
    assert meters(melody) == [(0, "3/4"), (3, "1/4"), (4, "4/4")]


def test_a_bar_that_another_part_fills_is_as_long_as_there():
    other = f'<part id="P2"><measure>{attributes(1)}{note("C3", 3)}</measure>' + "<measure/>" * 0
    other += "".join(f"<measure>{note('D3', 3)}</measure>" for _ in range(3)) + "</part>"
    measures = (attributes(1) + note("C4", 3), note("D4", 1), "", note("E4", 3))
    melody, notices = only(score(*measures, name="Voice", more=other))
    assert melody.notes == (Note(0, 72, 60), Note(72, 24, 62), Note(216, 72, 64))
    assert meters(melody) == [(0, "3/4")]
    assert not any("measures do not fill" in notice for notice in notices)


def test_a_bar_that_nobody_fills_is_a_rest():
    melody, _ = only(score(attributes(1) + note("C4", 3), "", note("D4", 3)))
    assert [n.onset for n in melody.notes] == [0, 144]


def test_divisions_may_be_decimal_and_change():
    second = "<attributes><divisions>2.5</divisions></attributes>" + note("D4", 5) + note("E4", 2)
    melody, _ = only(score(attributes(1) + note("C4", 3), second))
    assert melody.notes == (Note(0, 72, 60), Note(72, 48, 62), Note(120, 19, 64))


@pytest.mark.parametrize("tag", ["note", "chord", "forward", "rest", "cue"])
def test_a_huge_duration_is_refused_wherever_it_is(tag):
    huge = {
        "note": note("C4", 10**12),
        "chord": note("C4", 3) + note("E4", 10**12, before="<chord/>"),
        "forward": f"<forward><duration>{10**12}</duration></forward>" + note("C4", 3),
        "rest": f"<note><rest/><duration>{10**12}</duration></note>" + note("C4", 3),
        "cue": note("C4", 10**12, before="<cue/>") + note("C4", 3),
    }[tag]
    with pytest.raises(FormatError, match="at most 100,000 are read"):
        only(score(attributes(1) + huge))


def test_title_composer_tempo_and_first_verse_are_kept():
    words = '<lyric number="{}"><syllabic>{}</syllabic><text>{}</text></lyric>'
    first = note("C4", 1, words.format(1, "begin", "Hal") + words.format(2, "single", "no"))
    second = note("D4", 2, words.format(1, "end", "lo"))
    tempo = '<direction><direction-type><words>Slow</words></direction-type><sound tempo="66"/></direction>'
    head = "<work><work-title>A  Song</work-title></work>"
    head += "<identification><creator type='composer'>Me</creator></identification>"
    data = score(attributes(1) + tempo + first + second).replace(b"<part-list>", head.encode() + b"<part-list>")
    melody, _ = only(data)
    assert (melody.title, melody.composer, melody.tempo) == ("A Song", "Me", 66)
    assert melody.lyrics == ((0, "Hal-"), (24, "lo"))


@pytest.mark.parametrize(
    ("metronome", "tempo"),
    [
        ("<beat-unit>quarter</beat-unit><per-minute>90</per-minute>", 90),
        ("<beat-unit>quarter</beat-unit><beat-unit-dot/><per-minute>c. 60</per-minute>", 90),
        ("<beat-unit>half</beat-unit><per-minute>50-60</per-minute>", 100),
        ("<beat-unit>quarter</beat-unit><per-minute>fast</per-minute>", None),
        ("<beat-unit>quarter</beat-unit><per-minute>9999</per-minute>", None),
    ],
)
def test_metronome_marks(metronome, tempo):
    direction = f"<direction><direction-type><metronome>{metronome}</metronome></direction-type></direction>"
    assert only(score(attributes(1) + direction + note("C4", 3)))[0].tempo == tempo


LAUGHS = b"<!DOCTYPE a [<!ENTITY a '%s'>%s]><score-partwise>&i;</score-partwise>" % (
    b"ha" * 50,
    b"".join(b"<!ENTITY %c '%s'>" % (b + 1, b"&%c;" % b * 50) for b in range(ord("a"), ord("i"))),
)
BOMB = zipped(("META-INF/container.xml", CONTAINER), ("s.xml", b" " * (33 * 2**20)))


def lying(bomb: bytes, size: int) -> bytes:
    """The zip file, declaring another size of its last file."""
    data = bytearray(bomb)
    struct.pack_into("<I", data, data.rindex(b"PK\1\2") + 24, size)
    struct.pack_into("<I", data, data.rindex(b"PK\3\4") + 22, size)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (LAUGHS, "it declares XML entities"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><score-partwise>&x;</score-partwise>', "entities"),
        (b'<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]><score-partwise/>', "entities"),
        (b"<score-partwise>" + b"<a/>" * 300_000, "more than 200,000 tags and attributes, or 8 MiB, in one measure"),
        (b"<a>" * 300_000, "more than 200,000 tags and attributes"),
        (b"<score-partwise>" + b"<a b='' c='' d=''/>" * 60_000, "more than 200,000 tags and attributes"),
        (b"<score-partwise>" + b"a" * 9 * 2**20, "more than 200,000 tags and attributes, or 8 MiB"),
        (b"<score-partwise><part>" + b"<measure/>" * 200_001, "more than 200,000 measures"),
        (b"<score-partwise>" + b"<part><measure/></part>" * 1_001, "more than 1,000 parts"),
        ("<?xml version='1.0' encoding='UTF-16'?><!DOCTYPE a [<!ENTITY b 'c'>]><a/>".encode("utf-16"), "entities"),
        (b"<a>" * 100_000 + b"</a>" * 100_000, "its root is <a>, expected <score-partwise>"),
        (b"<score-timewise/>", "there are no notes in it"),
        (b"<opus/>", "its root is <opus>, expected <score-partwise>"),
        (b"<?xml version='1.0' encoding='nonsense'?><score-partwise/>", "damaged XML"),
        (b"<score-partwise><part>", "damaged XML: no element found: line 1, column 22"),
        (b"<score-partwise/>", "there are no notes in it"),
        (BOMB, r"s\.xml\): the file has 34,603,008 bytes; at most 16,777,216 are read"),
        (lying(BOMB, 1000), "damaged zip file"),
        (BOMB[:100], "damaged zip file: File is not a zip file"),
        (zipped(("a", b"b")), "a zip file, but no zipped MusicXML"),
        (zipped(("META-INF/container.xml", b"<container/>")), "there is no score in it"),
        (zipped(("a.xml", b""), ("b.xml", b"")), "its container names none of the 2 scores in it: a.xml, b.xml"),
        (zipped(("META-INF/container.xml", b" " * 70_000)), "at most 65,536 are read"),
    ],
)
def test_hostile_and_damaged_files_are_one_clear_line(data, message):
    with pytest.raises(FormatError, match=message) as caught:
        musicxml.read(data, "x.xml")
    assert str(caught.value).startswith("x.xml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("<duration>3<", "<duration>three<", "measure 1: duration 'three' is not a number"),
        ("<duration>3<", "<duration>-3<", "measure 1: duration '-3' is negative"),
        ("<duration>3<", "<duration>1e9<", "measure 1: duration '1e9' is not a number"),
        ("<duration>3<", "<duration>9999999999<", "at most 100,000 are read"),
        ("<duration>3</duration>", "", "measure 1: a <note> without duration"),
        ("<divisions>1<", "<divisions>0<", "measure 1: divisions '0' is not above 0"),
        ("<step>C<", "<step>H<", "measure 1: step 'H' is not a letter from A to G"),
        ("<octave>4<", "<octave>40<", "measure 1: pitch C40 altered by 0 is not a MIDI number"),
        ("<beats>3<", "<beats>0<", "measure 1: beats '0' is not a whole number from 1"),
        ("<beat-type>4</beat-type>", "", "measure 1: a time signature without beats and beat-type"),
    ],
)
def test_a_wrong_number_is_named_with_its_measure(right, wrong, message):
    data = score(attributes(1) + note("C4", 3)).decode()
    assert right in data
    with pytest.raises(FormatError, match=message):
        musicxml.read(data.replace(right, wrong).encode(), "x.xml")


def test_a_score_of_four_times_the_length_takes_no_sixteen_times_as_long():
    chord = "<harmony><root><root-step>G</root-step></root><kind>major</kind></harmony>"
    bar = (chord + note("G4", 1)) * 4

    def seconds(bars: int) -> float:
        data = score(attributes(1, "4/4") + bar, *[bar] * bars)
        start = time.process_time()
        assert len(only(data)[0].chords) == 4 * bars + 4
        return time.process_time() - start

    assert seconds(6_000) < 10 * seconds(1_500)
