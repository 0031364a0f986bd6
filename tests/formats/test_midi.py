"""MIDI: what is written into a file, and how files from elsewhere are understood."""

import struct
import time

import pytest
import symusic

from melodysynthesis.errors import FormatError
from melodysynthesis.formats import midi, midi_repair
from melodysynthesis.music import Key, Melody, Meter, Note

ON, OFF = b"\x90\x3c\x40", b"\x80\x3c\x40"


def delta(ticks: int) -> bytes:
    """A variable-length number."""
    digits = [ticks & 127]
    while ticks := ticks >> 7:
        digits.insert(0, ticks & 127 | 128)
    return bytes(digits)


def track(*events: tuple[int, bytes]) -> bytes:
    body = b"".join(delta(ticks) + event for ticks, event in events) + b"\0\xff\x2f\0"
    return b"MTrk" + struct.pack(">I", len(body)) + body


def file(*tracks: bytes, kind: int = 1, division: int = 480) -> bytes:
    return b"MThd" + struct.pack(">IHHH", 6, kind, len(tracks), division) + b"".join(tracks)


def named(name: str) -> tuple[int, bytes]:
    return (0, b"\xff\x03" + bytes([len(name)]) + name.encode())


def note(pitch: int, ticks: int, channel: int = 0) -> list[tuple[int, bytes]]:
    return [(0, bytes([0x90 + channel, pitch, 64])), (ticks, bytes([0x80 + channel, pitch, 64]))]


def meter(beats: int, power: int, ticks: int = 0) -> tuple[int, bytes]:
    return (ticks, bytes([0xFF, 0x58, 4, beats, power, 24, 8]))


def only(data: bytes, part: str | None = None) -> tuple[Melody, list[str]]:
    reading = midi.read(data, "x.mid", part)
    [melody] = reading.melodies
    return melody, reading.notices


def test_a_written_file_has_right_bar_lines_in_any_program():
    melody = Melody((Note(0, 24, 60), Note(24, 96, 64)), 120, (Meter(0, 4, 4),), Key("Eb"), (120,), 24)
    score = symusic.Score.from_midi(midi.write(melody))
    assert score.tpq == 480
    assert [track.name for track in score.tracks] == ["Melody"]
    assert [(t.time, t.numerator, t.denominator) for t in score.time_signatures] == [(0, 1, 4), (480, 4, 4)]
    assert [(k.key, k.tonality) for k in score.key_signatures] == [(-3, 0)]
    assert [(m.time, m.text) for m in score.markers] == [(480, "pickup"), (2400, "phrase end"), (2400, "melody end")]
    assert [(n.time, n.duration, n.pitch) for n in score.tracks[0].notes] == [(0, 480, 60), (480, 1920, 64)]


@pytest.mark.parametrize(
    ("pickup", "in_force", "written"),
    [(48, (4, 4), "2/4"), (12, (6, 8), "1/8"), (36, (4, 4), "3/8"), (6, (2, 4), "1/16"), (8, (4, 4), "4/4")],
)
def test_a_pickup_is_a_short_bar_where_a_time_signature_can_say_it(pickup, in_force, written):
    melody = Melody((Note(0, pickup, 60), Note(pickup, 96, 64)), pickup + 96, (Meter(0, *in_force),), pickup=pickup)
    first = symusic.Score.from_midi(midi.write(melody)).time_signatures[0]
    assert f"{first.numerator}/{first.denominator}" == written


@pytest.mark.parametrize("key", [Key("D", "dorian"), Key("G#"), Key("Fb", "lydian"), Key("A", "minor"), None], ids=str)
def test_any_key_comes_back(key):
    melody = Melody((Note(0, 24, 60),), 24, key=key)
    assert only(midi.write(melody))[0].key == key


def test_an_edit_elsewhere_is_heard():
    score = symusic.Score.from_midi(midi.write(Melody((Note(0, 24, 60),), 24, (Meter(0, 4, 4),))))
    score.tracks[0].notes.append(symusic.Note(480, 960, 62, 80))
    melody, _ = only(score.dumps_midi())
    assert melody.notes == (Note(0, 24, 60), Note(24, 48, 62))
    assert melody.duration == 72


def test_a_foreign_file_ends_with_the_bar_of_its_last_note_in_common_time():
    melody, notices = only(file(track(*note(60, 480), *note(62, 960))))
    assert melody.notes == (Note(0, 24, 60), Note(24, 48, 62))
    assert (melody.duration, melody.meters, melody.key) == (96, (Meter(0, 4, 4),), None)
    assert notices == ["x.mid: no time signature: read as 4/4, MIDI's default"]


def test_a_short_first_bar_is_a_pickup():
    melody, notices = only(file(track(meter(1, 2), meter(3, 2, 480), *note(60, 480), *note(62, 960))))
    assert (melody.pickup, melody.meters) == (24, (Meter(0, 3, 4),))
    assert melody.duration == 24 + 72
    assert notices == ["x.mid: took the first bar, of 1/4, as a pickup"]


def test_times_are_rounded_to_the_nearest_tick_and_that_is_said():
    melody, notices = only(file(track(meter(4, 2), *note(60, 475), (7, b"\x90\x3e\x40"), (3, b"\x80\x3e\x40"))))
    assert melody.notes == (Note(0, 24, 60), Note(24, 1, 62))
    assert notices == ["x.mid: rounded 2 of 2 notes to 24 ticks a quarter"]


def test_the_part_is_chosen_by_name_then_by_height_and_never_drums():
    bass, tune, drums = track(named("Bass"), *note(40, 480)), track(named("Flute"), *note(80, 480)), note(100, 480, 9)
    melody, notices = only(file(bass, tune, track(*drums)))
    assert melody.pitches == (80,)
    assert "x.mid: 3 parts; took part 2, 'Flute', the highest on average" in notices
    voice = track(named("Lead Vocal"), *note(60, 480))
    melody, notices = only(file(bass, tune, voice))
    assert melody.pitches == (60,)
    assert "x.mid: 3 parts; took part 3, 'Lead Vocal', by its name" in notices


def test_a_part_is_taken_by_name_or_number():
    data = file(track(named("Bass"), *note(40, 480)), track(named("Flute 1"), *note(80, 480)))
    assert only(data, "bass")[0].pitches == only(data, "1")[0].pitches == (40,)
    assert only(data, "flute")[0].pitches == (80,)
    with pytest.raises(FormatError, match="no part 'oboe'; its parts: 1 'Bass', 2 'Flute 1'"):
        midi.read(data, "x.mid", "oboe")


def test_a_change_of_program_does_not_part_a_track():
    data = file(track(named("Tune"), *note(60, 480), (0, b"\xc0\x05"), *note(62, 480)))
    assert only(data)[0].pitches == (60, 62)


def test_channels_of_a_type_0_file_are_parts():
    data = file(track(named("Song"), *note(40, 480), *note(70, 480, channel=1)), kind=0)
    assert only(data)[0].pitches == (70,)


def test_a_chord_gives_its_top_note():
    events = [(0, b"\x90\x3c\x40"), (0, b"\x90\x40\x40"), (480, b"\x80\x3c\x40"), (0, b"\x80\x40\x40")]
    melody, notices = only(file(track(*events)))
    assert melody.notes == (Note(0, 24, 64),)
    assert "x.mid: took the top line, leaving out 1 of 2 notes" in notices


def test_impossible_time_signatures_are_left_out():
    melody, notices = only(file(track(meter(0, 2), meter(3, 40), meter(3, 2), *note(60, 480))))
    assert melody.meters == (Meter(0, 3, 4),)
    assert notices[0] == "x.mid: left out the time signature 0/4"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (file(track(*note(60, 480)))[:30], "damaged MIDI: a track is cut off"),
        (file(track(*note(60, 480)), division=0), "0 ticks a quarter: expected 1 to 32,767"),
        (file(track(*note(60, 480)), division=0xE728), "Division type is not ticks per quarter"),
        (file(track((480, b"\xb0\1\1"))), "there are no notes in it"),
        (file(track((0, ON))), "there are no notes in it"),
        (file(track(*[(0xFFFFFFF, b"\xb0\1\1")] * 20, (0, ON), (480, OFF))), "31 bits"),
        (file(track(*[(0xFFFFFFF, b"\xb0\1\1")] * 4, (0, ON), (480, OFF))), "quarters; at most 100,000 are read"),
        (b"MThd" + b"\xff" * 40, "damaged MIDI"),
        (b"RIFF" + b"\0" * 40, "it does not start with 'MThd'"),
    ],
)
def test_hostile_and_damaged_files_are_one_clear_line(data, message):
    with pytest.raises(FormatError, match=message) as caught:
        midi.read(data, "x.mid")
    assert str(caught.value).startswith("x.mid: ")
    assert "\n" not in str(caught.value)


def test_a_million_notes_are_refused_at_once():
    data = file(track(*[(0, ON), (1, OFF)] * 1_000_000))
    start = time.perf_counter()
    with pytest.raises(FormatError, match="its parts have more than 500,000 notes"):
        midi.read(data, "x.mid")
    assert time.perf_counter() - start < 5


def test_a_melody_too_long_to_be_read_again_is_not_written():
    with pytest.raises(FormatError, match="lasts 1,000,000 quarters"):
        midi.write(Melody((), 24_000_000))


# ---- files with faults

THREE = [*note(60, 480), *note(62, 480), *note(64, 480)]


@pytest.mark.parametrize(
    "event",
    [b"\xb0\x07\xff", b"\xc0\xd0", b"\xe0\x00\x90", b"\xd0\x80", b"\xa0\x3c\xff", b"\xb0\xff\x07", b"\x90\xc8\x40"],
)
def test_a_message_with_a_data_byte_over_127_is_left_out(event):
    melody, notices = only(file(track((0, event), *THREE)))
    assert [tuple(n) for n in melody.notes] == [(0, 24, 60), (24, 24, 62), (48, 24, 64)]
    pressure_says_nothing_of_notes = event[0] in {0xA0, 0xD0}
    told = "x.mid: 1 messages with a data byte over 127 are left out, or a velocity made 127" in notices
    assert told or pressure_says_nothing_of_notes


def test_a_velocity_over_127_still_strikes():
    assert only(file(track((0, b"\x90\x3c\xff"), (480, OFF))))[0].notes == (Note(0, 24, 60),)


@pytest.mark.parametrize(
    "packet",
    [b"\xf7\x02\xf3\x01", b"\xf7\x00", b"\xf0\x03\x7e\x7f\xf7", b"\xf0\x02\x7e\x7f", b"\xf7\x03\x01\x02\xf7", b"\xf8"],
)
def test_packets_take_only_their_own_time(packet):
    assert only(file(track((0, packet), *THREE)))[0].notes[0] == Note(0, 24, 60)
    assert only(file(track((240, packet), *THREE, (0, b"\xf7\x01\x00"))))[0].notes[0] == Note(12, 24, 60)


@pytest.mark.parametrize(
    ("events", "notes"),
    [
        ([(0, ON), (960, b"\xff\x01\x00")], [Note(0, 48, 60)]),
        ([(0, ON), (480, b"\x90\x3e\x40"), (480, b"\x80\x3e\x40")], [Note(0, 24, 60), Note(24, 24, 62)]),
        ([(0, ON), (480, ON), (480, OFF)], [Note(0, 24, 60), Note(24, 24, 60)]),
        ([(0, ON), (480, b"\x90\x3e\x40"), (480, b"\x90\x40\x40"), (480, b"\xff\x01\x00")],
         [Note(0, 24, 60), Note(24, 24, 62), Note(48, 24, 64)]),
        ([(0, ON), (240, OFF), (0, OFF), (240, ON), (240, b"\xff\x01\x00")], [Note(0, 12, 60), Note(24, 12, 60)]),
    ],
)  # fmt: skip
def test_a_note_without_an_end_lasts_to_the_next(events, notes):
    melody, notices = only(file(track(*events)))
    assert list(melody.notes) == notes
    assert any("without an end" in notice for notice in notices)


def wrapped(data: bytes, before: bytes = b"") -> bytes:
    body = before + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"RMID" + body


@pytest.mark.parametrize(
    "wrap",
    [
        wrapped,
        lambda data: wrapped(data, b"LIST\x04\0\0\0INFO"),
        lambda data: wrapped(data) + b"LIST\x04\0\0\0INFO",
        lambda data: b"RIFF\0\0\0\0RMIDdata\0\0\0\0" + data,
        lambda data: b"\0" * 128 + data,
    ],
)
def test_wrapped_files_are_unwrapped(wrap):
    assert only(wrap(file(track(*THREE))))[0].pitches == (60, 62, 64)


def test_drums_are_passed_over():
    drums = track(*[event for _ in range(9) for event in note(90, 240, 9)])
    assert only(file(drums, track(*THREE)))[0].pitches == (60, 62, 64)
    with pytest.raises(FormatError, match="only drums"):
        only(file(drums, drums))
    assert len(only(file(drums), "1")[0]) == 9


@pytest.mark.parametrize(("fifths", "mode"), [(20, 0), (0x80, 0), (0, 7), (0xEC, 1)])
def test_a_key_signature_of_nonsense_is_left_out(fifths, mode):
    melody, notices = only(file(track((0, bytes([0xFF, 0x59, 2, fifths, mode])), *THREE)))
    assert melody.key is None
    assert "x.mid: left out a key signature that is none" in notices


def test_tempo_and_lyrics_are_read():
    words = [(0, b"\xff\x05\x04Hal-"), (480, b"\xff\x05\x02lo"), (10, b"\xff\x05\x02no")]
    data = file(track((0, b"\xff\x51\x03\x0f\x42\x40"), *words), track(*THREE))
    melody, _ = only(data)
    assert (melody.tempo, melody.lyrics) == (60, ((0, "Hal-"), (24, "lo")))


def test_too_many_texts_are_refused_at_once():
    with pytest.raises(FormatError, match="more than 200,000 texts and markers"):
        only(file(track(*[(0, b"\xff\x06\x00")] * 200_001)))


def text(words: str, ticks: int = 0, kind: int = 1) -> tuple[int, bytes]:
    data = words.encode("cp1252")
    return (ticks, bytes([0xFF, kind, len(data)]) + data)


TUNE = [event for pitch in (60, 62, 64, 65) for event in note(pitch, 480)]
SUNG = ((0, "Sü-"), (24, "ßer"), (48, "die"), (72, "Glo-"))


@pytest.mark.parametrize(
    "words",
    [
        [text("@KMIDI"), text("\\Sü"), text("ßer", 480), text("/die", 480), text(" Glo-", 480)],
        [text("@LDEUT"), text("Sü", 20), text("ßer ", 480), text("die ", 430), text("Glo-", 500)],
        [text("Sü", kind=5), text("ßer", 480, 5), text("\r", 0, 5), text("die ", 480, 5), text("Glo-", 480, 5)],
        [text("Sü-", kind=5), text("ßer", 480, 5), text("die", 480, 5), text("Glo-", 480, 5), text("x", 480)],
    ],
    ids=["spaces before", "spaces after, unsteady", "lyrics events with line ends", "hyphens"],
)
def test_words_of_a_track_of_their_own_are_lyrics(words):
    assert only(file(track(named("Words"), *words), track(named("Tune"), *TUNE)))[0].lyrics == SUNG


def test_texts_that_do_not_go_with_the_notes_are_no_lyrics():
    some = [text("Verse"), text("by me", 480), text("Chorus", 480)]
    late = [text("a", 240), text("b", 480), text("c", 480), text("d", 480)]
    for words in (some, late, [text("@Tsong")] * 4):
        assert only(file(track(*words), track(*TUNE)))[0].lyrics == ()


@pytest.mark.parametrize("count", [100, midi_repair.MAX_TRACK_BYTES // 4])
def test_a_track_of_any_length_keeps_its_lyrics(count):
    sung = [text("la-", kind=5), *note(60, 480), text("la", kind=5), *note(62, 480)]
    assert only(file(track(*[(0, b"\xe0\0\x40")] * count, *sung)))[0].lyrics == ((0, "la-"), (24, "la"))


def test_the_part_that_words_go_with_is_the_melody():
    high = [event for _ in range(16) for event in note(80, 120)]
    words = [text("la "), *[text("la ", 480) for _ in range(3)]]
    melody, notices = only(file(track(*words), track(named("Strings"), *high), track(named("Sax"), *TUNE)))
    assert (melody.pitches, len(melody.lyrics)) == ((60, 62, 64, 65), 4)
    assert any("took part 2, 'Sax', by its lyrics" in notice for notice in notices)


def test_a_tempo_of_no_microseconds_is_none():
    assert only(file(track((0, b"\xff\x51\3\0\0\0"), *TUNE)))[0].tempo is None
    ours = midi.write(Melody((Note(0, 24, 60),), 24, tempo=90))
    place = ours.index(b"\xff\x51\3") + 3
    assert only(ours[:place] + bytes(3) + ours[place + 3 :])[0].tempo is None
