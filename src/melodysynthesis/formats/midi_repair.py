"""MIDI files with faults that the reading library refuses or misreads, rewritten so that it reads them.

Rewritten are: data bytes over 127 (a velocity becomes 127, any other message is left out), system-exclusive packets
and system messages (left out, with their time kept), and notes without an end (each lasts to the next onset of its
channel, else to the end of its track). What is within a track's length but no event is damage, and refused.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from melodysynthesis.errors import FormatError

_NOTE_OFF, _NOTE_ON, _PROGRAM, _PRESSURE = 0x80, 0x90, 0xC0, 0xD0
_META, _END_OF_TRACK = 0xFF, 0x2F
_SYSTEM_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}
"""Data bytes of system messages that have any, but for the packets F0 and F7."""

MAX_REPAIRED_BYTES = 2**19
MAX_TRACK_BYTES = 2**20
"""Longer tracks are not searched for plain texts and for changes of program."""
_NOTE_BYTES, _PROGRAM_BYTES = re.compile(rb"[\x90-\x9f][\0-\x7f]"), re.compile(rb"[\xc0-\xcf][\0-\x7f]")
"""What notes and changes of program look like; other bytes may look so, too."""
FAR = 2**24
"""Pulses."""
TRACK_END = "\0"
TRACK_END_BYTES = b"\xff\x06\x01\0"
"""The marker that `with_ends` sets: its text and its event."""
_FAR_LATER = bytes((0x88, 0x80, 0x80, 0x00))
_PITCHES, _NOTE_OFFS = bytes(range(0x80)), bytes(range(_NOTE_OFF, _NOTE_ON))


class MidiEvent(NamedTuple):
    """A message of a track: its time in pulses, its status byte, and what follows that."""

    time: int
    status: int
    data: bytes

    @property
    def is_meta(self) -> bool:
        """Whether it is a meta event: its data begin with the kind."""
        return self.status == _META


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each chunk of a MIDI file.

    Raises:
        IndexError: if the last chunk is cut off.
    """
    place = 0
    while place + 8 <= len(data):
        length = int.from_bytes(data[place + 4 : place + 8])
        if place + 8 + length > len(data):
            raise IndexError
        yield data[place : place + 4], data[place + 8 : place + 8 + length]
        place += 8 + length


def joined(parts: list[tuple[bytes, bytes]]) -> bytes:
    """The file of such chunks."""
    return b"".join(name + len(content).to_bytes(4) + content for name, content in parts)


def with_all_tracks(data: bytes) -> tuple[bytes, list[str]]:
    """The file with a header that counts all its tracks, and a notice if it did not."""
    declared = int.from_bytes(data[10:12])
    if data.count(b"MTrk") <= declared:
        return data, []
    try:
        count = sum(name == b"MTrk" for name, _ in chunks(data))
    except IndexError:
        return data, []  # cut off, which is reported elsewhere
    if not declared < count <= 0xFFFF:
        return data, []
    return data[:10] + count.to_bytes(2) + data[12:], [f"its header counts {declared} tracks; all {count} are read"]


def without_programs(data: bytes) -> bytes:
    """The file without changes of program, if there is one after notes: the library would part a channel there.

    Tracks of more than `MAX_TRACK_BYTES` stay as they are.
    """
    if not ((first := _NOTE_BYTES.search(data)) and _PROGRAM_BYTES.search(data, first.end())):
        return data
    try:
        parts = list(chunks(data))
        changed = {
            index: _rewritten([event for event in events if event.status & 0xF0 != _PROGRAM], {})
            for index, (name, content) in enumerate(parts)
            if name == b"MTrk"
            and len(content) <= MAX_TRACK_BYTES
            and (note := _NOTE_BYTES.search(content))
            and _PROGRAM_BYTES.search(content, note.end())
            and _changes_program(events := track_events(content, {}))
        }
    except IndexError:
        return data  # damage, which is reported elsewhere
    if not changed:
        return data
    return joined([(name, changed.get(index, content)) for index, (name, content) in enumerate(parts)])


def _changes_program(events: list[MidiEvent]) -> bool:
    """Whether a channel changes its program after its first note."""
    sounding: set[int] = set()
    for _, status, _ in events:
        if status & 0xF0 == _NOTE_ON:
            sounding.add(status & 0x0F)
        elif status & 0xF0 == _PROGRAM and status & 0x0F in sounding:
            return True
    return False


def with_ends(data: bytes) -> bytes:
    """The file with ends for the pitches in it, `FAR` pulses behind each track: a note that lasts so long had none.

    Where the track ends there is a marker, `TRACK_END`: if a reader does not find all, an event was cut off there.

    Raises:
        IndexError: as `chunks`.
    """
    parts = []
    for name, content in chunks(data):
        end = content.rfind(b"\xff\x2f\x00") if name == b"MTrk" and content.endswith(b"\xff\x2f\x00") else -1
        if end >= 0:
            pitches = _PITCHES.translate(None, _PITCHES.translate(None, content))  # the bytes that occur
            of_pitches = bytearray(3 * len(pitches))  # each a pitch, the velocity 0, and the time 0 before the next
            of_pitches[0::3] = pitches
            ends = b"".join([bytes((status,)) + of_pitches for status in _NOTE_OFFS if status + 0x10 in content])
            parts.append((name, content[:end] + TRACK_END_BYTES + _FAR_LATER + ends + b"\xff\x2f\x00"))
        else:
            parts.append((name, content))
    return joined(parts)


def repaired(data: bytes, source: str) -> tuple[bytes, list[str]]:
    """The file without the faults above, and a notice for each kind of fault that changed the music.

    Raises:
        FormatError: kind ``"damaged MIDI"``, if a track is cut off or holds what is no event, or the file has more
            than `MAX_REPAIRED_BYTES`.
    """
    if len(data) > MAX_REPAIRED_BYTES:
        reason = f"damaged MIDI, too large to be repaired: {len(data):,} bytes, at most {MAX_REPAIRED_BYTES:,}"
        raise FormatError(reason, source, "damaged MIDI")
    found: dict[str, int] = {}
    try:
        parts = list(chunks(data))
        header = parts[0][1]
        tracks = [_rewritten(track_events(content, found), found) for name, content in parts if name == b"MTrk"]
    except IndexError:
        raise FormatError(
            "damaged MIDI: a track is cut off or holds what is no event", source, "damaged MIDI"
        ) from None
    head = header[:2] + len(tracks).to_bytes(2) + header[4:6]
    repaired_file = joined([(b"MThd", head), *((b"MTrk", track) for track in tracks)])
    return repaired_file, [what.format(count) for what, count in found.items()]


def track_events(track: bytes, found: dict[str, int]) -> list[MidiEvent]:
    """The events of a track up to its end, in which packets have left their time only.

    Args:
        track: what is in the chunk.
        found: gets the notice, and how often, where data bytes can not be.

    Raises:
        IndexError: if it is cut off or holds what is no event.
    """
    events: list[MidiEvent] = []
    place = now = running = 0
    while place < len(track):
        delta, place = _variable(track, place)
        now += delta
        status = track[place]
        if status >= 0x80:
            place += 1
        elif running:
            status = running
        else:
            raise IndexError
        if status < 0xF0:
            running = status
            size = 1 if status & 0xF0 in {_PROGRAM, _PRESSURE} else 2
            message = track[place : place + size]
            if len(message) < size:
                raise IndexError
            place += size
            if kept := _legal(status, message, found):
                events.append(MidiEvent(now, status, kept))
        elif status in {_META, 0xF0, 0xF7}:
            kind = track[place : place + 1] if status == _META else b""
            length, start = _variable(track, place + len(kind))
            place = start + length
            if place > len(track):
                raise IndexError
            events.append(MidiEvent(now, _META, kind + track[start:place]) if kind else MidiEvent(now, 0, b""))
            if kind and kind[0] == _END_OF_TRACK:
                break
        else:
            place += _SYSTEM_BYTES.get(status, 0)
    if not events or events[-1].data[:1] != bytes((_END_OF_TRACK,)):
        events.append(MidiEvent(now, _META, bytes((_END_OF_TRACK,))))
    return [event for event in events if event.status]


def _variable(track: bytes, place: int) -> tuple[int, int]:
    """A number of variable length, and the place after it."""
    value = 0
    for count in range(4):
        byte = track[place + count]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + count + 1
    raise IndexError


def _legal(status: int, message: bytes, found: dict[str, int]) -> bytes:
    """The data of a message if they can be; empty for a message to be left out."""
    if max(message) <= 0x7F:
        return message
    what = "{} messages with a data byte over 127 are left out, or a velocity made 127"
    found[what] = found.get(what, 0) + 1
    is_note = status & 0xF0 in {_NOTE_OFF, _NOTE_ON}
    return bytes((message[0], 0x7F)) if is_note and message[0] <= 0x7F else b""


def _rewritten(events: list[MidiEvent], found: dict[str, int]) -> bytes:
    """The bytes of a track in which every note has an end."""
    open_notes: dict[tuple[int, int], list[int]] = {}  # channel and pitch -> times of notes without an end so far
    onsets: dict[int, list[int]] = {}
    for time, status, data in events:
        kind, channel = status & 0xF0, status & 0x0F
        if kind == _NOTE_ON and data[1]:
            open_notes.setdefault((channel, data[0]), []).append(time)
            onsets.setdefault(channel, []).append(time)
        elif kind in {_NOTE_OFF, _NOTE_ON} and (times := open_notes.get((channel, data[0]))):
            times.pop()  # the latest: one that is struck again without an end ends there
    ends: list[MidiEvent] = []
    for (channel, pitch), times in open_notes.items():
        for time in times:
            following = bisect_right(onsets[channel], time)
            end = onsets[channel][following] if following < len(onsets[channel]) else events[-1].time
            if end > time:
                ends.append(MidiEvent(end, _NOTE_OFF + channel, bytes((pitch, 0))))
    if ends:
        what = "{} notes without an end last to the next note, or to the end of the track"
        found[what] = found.get(what, 0) + len(ends)
    track, now = bytearray(), 0
    *body, last = events
    for time, status, data in (*sorted(ends + body, key=lambda event: event.time), last):
        track += _of_variable_length(max(0, time - now))
        now = max(now, time)
        track.append(status)
        track += data[:1] + _of_variable_length(len(data) - 1) + data[1:] if status == _META else data
    return bytes(track)


def _of_variable_length(value: int) -> bytes:
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))
