"""MIDI as real files have it: odd but legal bytes, by the Standard MIDI File format, and common faults."""

import pytest

from melodysynthesis.errors import FormatError
from melodysynthesis.formats import midi
from melodysynthesis.music import Key
from tests.formats.test_midi import delta, file, meter, named, note, only, track

QUARTER = 480
FOUR = [*note(60, QUARTER), *note(62, QUARTER), *note(64, QUARTER), *note(65, QUARTER)]
SCALE = [(0, 1, 60), (1, 1, 62), (2, 1, 64), (3, 1, 65)]


def notes(data: bytes, part: str | None = None) -> list[tuple[float, float, int]]:
    """Onset and duration in quarters, and pitch."""
    return [(n.onset / 24, n.duration / 24, n.pitch) for n in only(data, part)[0].notes]


def meta(kind: int, data: bytes, ticks: int = 0) -> tuple[int, bytes]:
    return ticks, b"\xff" + bytes([kind]) + delta(len(data)) + data


def resized(data: bytes, place: int, value: bytes) -> bytes:
    return data[:place] + value + data[place + len(value) :]


def program(number: int, channel: int = 0) -> tuple[int, bytes]:
    return 0, bytes([0xC0 + channel, number])


RUNNING = [(0, b"\x90\x3c\x40"), (QUARTER, b"\x3c\0"), (0, b"\x3e\x40"), (QUARTER, b"\x3e\0")]
RUNNING += [(0, b"\x40\x40"), (QUARTER, b"\x40\0"), (0, b"\x41\x40"), (QUARTER, b"\x41\0")]


@pytest.mark.parametrize(
    "data",
    [
        file(track(*RUNNING)),
        file(track(*FOUR), kind=0),
        file(track(*FOUR), track(*note(48, QUARTER)), kind=2),
        file(track(*FOUR), track(*note(48, QUARTER)), kind=0),
        file(track(*RUNNING[:3], meta(1, b"text"), *RUNNING[3:])),
        file(track(*RUNNING[:2], (0, b"\xf0\x02\x01\xf7"), (0, b"\x90\x3e\x40"), *RUNNING[3:])),
        file(track((0, b"\xf0\x03\x43\x12\0"), (0, b"\xf7\x02\x01\xf7"), *FOUR)),
        file(track((0, b"\xf0\x03\x43\x12\0"), *FOUR)),
        file(track((0, b"\xf7\x01\xf8"), *FOUR)),
        file(track((0, b"\xf8"), *FOUR)),
        file(track((0, b"\x80\x3c\0"), *FOUR)),
        file(track((0, b"\x90\x50\x40"), (0, b"\x80\x50\0"), *FOUR)),
        file(track((0, b"\xe0\0\x60"), (0, b"\xb0\x07\x7f"), *FOUR)),
        file(track(meta(0x54, b"\x60\0\0\0\0"), meta(0x21, b"\x01"), meta(0x7F, b"\0\x01"), meta(0x60, b"a"), *FOUR)),
        file(track(*FOUR))[:-4],
        file(track(*FOUR)) + b"\0\0\0junk",
        file(b"XFIH\0\0\0\x02ab", track(*FOUR)),
        file(track(named("t")), track(*FOUR)),
    ],
    ids=lambda data: str(len(data)),
)
def test_the_same_notes(data):
    if data[-4:] != b"\0\xff\x2f\0" and b"junk" not in data:  # without the end of its track
        data = resized(data, 18, (len(data) - 22).to_bytes(4))
    assert notes(data) == SCALE


@pytest.mark.parametrize("division", [1, 24, 96, 32767])
def test_any_division_is_a_quarter(division):
    assert notes(file(track(*note(60, division), *note(62, 2 * division)), division=division)) == [
        (0, 1, 60),
        (1, 2, 62),
    ]


@pytest.mark.parametrize(
    ("division", "message"),
    [(0, "0 ticks a quarter"), (0xE728, "ticks per quarter"), (0xE250, "ticks per quarter"), (0x8001, "ticks per")],
)
def test_other_divisions_are_refused(division, message):
    with pytest.raises(FormatError, match=message):
        midi.read(file(track(*FOUR), division=division), "x")


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([(0, b"\x90\x3c\x40"), (QUARTER, b"\x90\x3c\0")], [(0, 1, 60)]),
        ([(0, b"\x90\x3c\x40"), (QUARTER, b"\x90\x3c\x40"), (0, b"\x80\x3c\0"), (QUARTER, b"\x80\x3c\0")],
         [(0, 1, 60), (1, 1, 60)]),
        ([(0, b"\x90\x3c\x40"), (QUARTER, b"\x90\x3c\x40"), (QUARTER, b"\x80\x3c\0")], [(0, 1, 60), (1, 1, 60)]),
        ([(0, b"\x90\x3c\x40"), (QUARTER, b"\xb0\x7b\0"), *note(62, QUARTER)], [(0, 1, 60), (1, 1, 62)]),
        ([*note(0, QUARTER), *note(127, QUARTER)], [(0, 1, 0), (1, 1, 127)]),
    ],
)  # fmt: skip
def test_ends_of_notes(events, expected):
    assert notes(file(track(*events))) == expected


@pytest.mark.parametrize(
    "tracks",
    [
        [track(program(5), *note(60, QUARTER), program(7), *note(62, QUARTER), *note(64, QUARTER))],
        [track(*note(60, QUARTER), (0, b"\xb0\0\x01"), program(7), *note(62, QUARTER), program(0), *note(64, QUARTER))],
        [
            track(*note(60, QUARTER), program(7), *note(62, QUARTER), program(7), *note(64, QUARTER)),
            track(*note(40, 3 * QUARTER, 1)),
        ],
        [track(named("Flute"), *note(60, QUARTER), program(7), *note(62, QUARTER), *note(64, QUARTER))],
    ],
)
@pytest.mark.parametrize("kind", [0, 1])
def test_a_change_of_program_leaves_the_melody_whole(tracks, kind):
    assert notes(file(*tracks, kind=kind)) == SCALE[:3]


@pytest.mark.parametrize("declared", [0, 1])
def test_a_header_that_counts_too_few_tracks_is_told(declared):
    data = file(track(named("t")), track(*FOUR), track(*note(40, QUARTER)))
    melody, notices = only(resized(data, 10, declared.to_bytes(2)))
    assert len(melody.notes) == 4
    assert any(f"counts {declared} tracks; all 3 are read" in notice for notice in notices)


def test_a_header_may_count_too_many_tracks():
    assert notes(resized(file(track(*FOUR)), 10, b"\0\x09")) == SCALE


@pytest.mark.parametrize("data", [file(track(*FOUR))[:-7], file(track(*FOUR))[:-12], file(track(*FOUR))[:30]])
def test_a_file_that_is_cut_off_says_so(data):
    with pytest.raises(FormatError, match="cut off"):
        midi.read(data, "x")


@pytest.mark.parametrize(
    ("fifths", "expected"),
    [
        ([(0, 1, 0)], Key("G")),
        ([(0, 1, 0), (0, -3, 1)], Key("C", "minor")),  # of two at one time the later holds
        ([(0, 9, 0), (0, 2, 0)], Key("D")),
        ([(0, 1, 0), (QUARTER, 2, 0)], Key("G")),
        ([(0, 1, 7)], None),
        ([(0, -8, 0)], None),
    ],
)
def test_key_signatures(fifths, expected):
    signatures = [meta(0x59, bytes([count & 255, mode]), ticks) for ticks, count, mode in fifths]
    assert only(file(track(*signatures), track(*FOUR)))[0].key == expected


@pytest.mark.parametrize(
    ("tempos", "expected"),
    [
        ([(0, 500_000)], 120),
        ([(0, 500_000), (0, 250_000)], 240),
        ([(0, 500_000), (QUARTER, 250_000)], 120),
        ([(0, 1)], None),
        ([(0, 16_777_215)], None),
    ],
)
def test_tempos(tempos, expected):
    events = [meta(0x51, pulse.to_bytes(3), ticks) for ticks, pulse in tempos]
    assert only(file(track(*events), track(*FOUR)))[0].tempo == expected


@pytest.mark.parametrize(
    ("events", "meters", "pickup"),
    [
        ([meter(3, 2)], ["3/4"], 0),
        ([meter(3, 2), meter(4, 2)], ["4/4"], 0),
        ([meter(0, 2)], ["4/4"], 0),
        ([meter(4, 9)], ["4/4"], 0),
        ([meter(200, 2), meter(3, 3)], ["3/8"], 0),
        ([meter(1, 2), meter(3, 2, QUARTER)], ["3/4"], 24),
        ([meter(3, 2), meter(0, 0, QUARTER)], ["3/4"], 0),
        ([meta(0x58, b"\x03\x02")], ["3/4"], 0),
    ],
)
def test_time_signatures(events, meters, pickup):
    melody, _ = only(file(track(*events), track(*FOUR)))
    assert ([str(found) for found in melody.meters], melody.pickup) == (meters, pickup)


DRUMS = [*note(36, QUARTER, 9), *note(38, QUARTER, 9)]


@pytest.mark.parametrize(
    "data",
    [
        file(track(*DRUMS)),
        file(track(*DRUMS), kind=0),
        file(track(program(0, 9), *DRUMS)),
        file(track(named("Melody"), *DRUMS)),
        file(track(named("Kit"), *DRUMS), track(named("Kit 2"), *DRUMS)),
        file(track(*note(36, QUARTER, 9), program(8, 9), *note(38, QUARTER, 9))),
    ],
)
def test_drums_alone_are_refused(data):
    with pytest.raises(FormatError, match="only drums"):
        midi.read(data, "x")


@pytest.mark.parametrize(
    "data",
    [
        file(track(named("Melody"), *DRUMS), track(named("Pad"), *FOUR)),
        file(
            track((0, bytes([0x99, 36, 64])), (0, bytes([0x89, 36, 64])), *DRUMS[:1], (0, DRUMS[1][1]), *FOUR), kind=0
        ),
        file(track(*FOUR), track(*DRUMS)),
    ],
)
def test_drums_beside_a_tune_are_passed_over(data):
    assert notes(data) == SCALE


LYRICS = [
    meta(5, "f\u00fcr ".encode()),
    *note(60, QUARTER),
    meta(5, b"Eli"),
    *note(62, QUARTER),
    meta(5, b"se"),
]


KARAOKE = [meta(1, text, QUARTER * (place > 0)) for place, text in enumerate((b"\\Ah", b" so", b" be", b"/it"))]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (file(track(*LYRICS, *note(64, QUARTER))), ["f\u00fcr", "Eli-", "se"]),
        (file(track(meta(5, b"f\xfcr "), *LYRICS[1:], *note(64, QUARTER))), ["f\u00fcr", "Eli-", "se"]),
        (file(track(*FOUR), track(meta(5, b"la"), meta(5, b"lu", QUARTER))), ["la", "lu"]),
        (file(track(meta(1, b"la"), *FOUR)), []),
        (file(track(*FOUR), track(*KARAOKE)), ["Ah", "so", "be", "it"]),
    ],
)  # fmt: skip
def test_words(data, words):
    assert [text for _, text in only(data)[0].lyrics] == words


@pytest.mark.parametrize(
    "wrap",
    [
        lambda d: b"RIFF" + (len(d) + 12).to_bytes(4, "little") + b"RMIDdata" + len(d).to_bytes(4, "little") + d,
        lambda d: b"RIFF\0\0\0\0RMIDLIST\x04\0\0\0INFOdata" + len(d).to_bytes(4, "little") + d + b"\0",
        lambda d: b"\0" * 128 + d,
        lambda d: d[:4] + (8).to_bytes(4) + d[8:14] + b"\0\0" + d[14:],
    ],
)
def test_wrapped_files(wrap):
    assert notes(wrap(file(track(*FOUR)))) == SCALE


@pytest.mark.parametrize("tail", [b"\xff\x03\x05Mel", b"\xff\x03\x09Mel", b"\xff\x06\x08Mel"])
def test_an_event_that_the_end_of_its_track_cuts_off_is_damage(tail):
    with pytest.raises(FormatError, match="damaged MIDI: a track is cut off"):
        midi.read(file(track(*FOUR, (0, tail))), "x")
