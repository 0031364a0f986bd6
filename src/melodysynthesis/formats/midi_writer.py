"""Writes Standard MIDI files; `midi` says what is in them.

The bytes are put together here, as a library for it takes a tenth of a second to import, and writing is what every
`melody generate` does. Events at one time are in this order: time signature, key signature, tempo, markers, the
track's name, its program, lyrics, ends of notes, beginnings of notes.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from melodysynthesis.formats.backing import BACKING_VELOCITY
from melodysynthesis.formats.backing import backing as played_chords
from melodysynthesis.formats.limits import check_length
from melodysynthesis.formats.notation import key_of, usual_signature
from melodysynthesis.music import (
    BEAT_UNITS,
    DEFAULT_TEMPO,
    MAX_BEATS,
    TICKS_PER_QUARTER,
    TICKS_PER_WHOLE,
    Key,
    Melody,
    Meter,
    Note,
)
from melodysynthesis.theory import SCALES

PULSES_PER_QUARTER = 480
VELOCITY = 80
TRACK_NAME, CHORDS_TRACK_NAME = "Melody", "Chords"
PHRASE_END_MARKER, END, PICKUP, KEY, NO_METER = "phrase end", "melody end", "pickup", "key ", "no meter"
TITLE, COMPOSER, CHORD = "title: ", "composer: ", "chord: "
"""The markers. `KEY` is followed by tonic and mode, `TITLE`, `COMPOSER` and `CHORD` by what they say."""

_PULSES_PER_TICK = PULSES_PER_QUARTER // TICKS_PER_QUARTER
_TEXT_MARKER, _TEXT_LYRIC, _TEXT_NAME = 0x06, 0x05, 0x03
_SET_TEMPO, _TIME_SIGNATURE, _KEY_SIGNATURE, _END_OF_TRACK = 0x51, 0x58, 0x59, 0x2F
_NOTE_OFF, _NOTE_ON, _PROGRAM = 0x80, 0x90, 0xC0


class _Event(NamedTuple):
    """An event: its time in ticks, its place among those of one time, and its bytes; the first is the status."""

    tick: int
    place: int
    data: bytes


def write(melody: Melody, backing: bool = False) -> bytes:
    """A MIDI file of one track; with `backing` the melody's chords are played in a second one, "Chords".

    Raises:
        FormatError: kind ``"too large"``, if the melody is longer than could be read again.
    """
    check_length(len(melody.notes), melody.duration, melody.source)
    about = [_meta(meter.tick, 0, _TIME_SIGNATURE, _time_signature(meter)) for meter in _written_meters(melody)]
    if melody.key is not None:
        signature = usual_signature(melody.key).to_bytes(1, signed=True) + bytes([is_minor(melody.key)])
        about.append(_meta(0, 1, _KEY_SIGNATURE, signature))
    microseconds = round(60_000_000 / (melody.tempo or DEFAULT_TEMPO))
    about.append(_meta(0, 2, _SET_TEMPO, microseconds.to_bytes(3)))
    about += [_meta(tick, 3, _TEXT_MARKER, _text(text)) for tick, text in _written_markers(melody)]
    about += [_meta(tick, 6, _TEXT_LYRIC, _text(syllable)) for tick, syllable in melody.lyrics]
    tracks = [_track(TRACK_NAME, 0, melody.notes, VELOCITY, about)]
    if backing and melody.chords:
        tracks.append(_track(CHORDS_TRACK_NAME, 1, played_chords(melody), BACKING_VELOCITY))
    header = b"".join(number.to_bytes(2) for number in (1, len(tracks), PULSES_PER_QUARTER))
    return _chunk(b"MThd", header) + b"".join(_chunk(b"MTrk", track) for track in tracks)


def is_minor(key: Key) -> bool:
    """Whether the third is minor: MIDI knows only two modes."""
    return SCALES[key.mode][2] == 3


def key_of_signature(fifths: int, minor: bool) -> Key:
    """The key of a signature, as MIDI says it."""
    return key_of(fifths, "minor" if minor else "major")


def _written_meters(melody: Melody) -> list[Meter]:
    """The melody's meters, after a short bar for the pickup where a time signature can say it."""
    meters = list(melody.meters)
    if not melody.pickup or (len(meters) > 1 and meters[1].tick <= melody.pickup):
        return meters
    beats, beat_unit = Fraction(melody.pickup, TICKS_PER_WHOLE).as_integer_ratio()
    scale = max(1, meters[0].beat_unit // beat_unit)  # half a bar of 4/4 is 2/4, not 1/2
    if beat_unit * scale not in BEAT_UNITS or beats * scale > MAX_BEATS:
        return meters
    return [Meter(0, beats * scale, beat_unit * scale), meters[0]._replace(tick=melody.pickup), *meters[1:]]


def _written_markers(melody: Melody) -> list[tuple[int, str]]:
    markers = [(tick, PHRASE_END_MARKER) for tick in melody.phrase_ends]
    if not melody.meters:
        markers.append((0, NO_METER))
    markers += [(tick, CHORD + symbol) for tick, symbol in melody.chords]
    markers += [(0, label + text) for label, text in ((TITLE, melody.title), (COMPOSER, melody.composer)) if text]
    key = melody.key
    if key is not None and key != key_of_signature(usual_signature(key), is_minor(key)):
        markers.append((0, f"{KEY}{key}"))
    if melody.pickup:
        markers.append((melody.pickup, PICKUP))
    return [*sorted(markers), (melody.duration, END)]


def _track(name: str, channel: int, notes: Iterable[Note], velocity: int, about: Iterable[_Event] = ()) -> bytes:
    """The bytes of a track: its name, its notes, and the events about them."""
    events = [*about, _meta(0, 4, _TEXT_NAME, _text(name)), _Event(0, 5, bytes((_PROGRAM | channel, 0)))]
    for note in notes:
        events.append(_Event(note.end, 7, bytes((_NOTE_OFF | channel, note.pitch, velocity))))
        events.append(_Event(note.onset, 8, bytes((_NOTE_ON | channel, note.pitch, velocity))))
    events.sort(key=lambda event: event[:2])
    data, now, status = bytearray(), 0, 0
    for tick, _, event in events:
        data += _variable((tick - now) * _PULSES_PER_TICK)
        data += event[1:] if event[0] == status else event  # a status that goes on is not said again
        now, status = tick, 0 if event[0] == 0xFF else event[0]
    return bytes(data) + _variable(1) + _meta(now, 9, _END_OF_TRACK, b"").data


def _meta(tick: int, place: int, kind: int, data: bytes) -> _Event:
    return _Event(tick, place, bytes((0xFF, kind)) + _variable(len(data)) + data)


def _time_signature(meter: Meter) -> bytes:
    """Numerator, exponent of the denominator, and MIDI's defaults: 24 clocks a click, 8 thirty-seconds a quarter."""
    return bytes((meter.beats, meter.beat_unit.bit_length() - 1, 24, 8))


def _text(text: str) -> bytes:
    return text.encode("utf-8")


def _variable(number: int) -> bytes:
    """A number of variable length: seven bits a byte, the highest bit set in all but the last."""
    found = [number & 0x7F]
    while number := number >> 7:
        found.append(number & 0x7F | 0x80)
    return bytes(reversed(found))


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + len(data).to_bytes(4) + data
