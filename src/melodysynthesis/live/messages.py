"""The MIDI messages that the player knows, and their bytes (MIDI 1.0 Detailed Specification, table I to VI).

Channels count from 0 here and from 1 for people. What is not in the table, pitch bend or system exclusive for example,
is no message to the player.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple


class NoteOn(NamedTuple):
    """A key goes down."""

    pitch: int
    velocity: int
    channel: int = 0

    def to_bytes(self) -> bytes:
        """The message on the wire."""
        return bytes((0x90 | self.channel, self.pitch, self.velocity))


class NoteOff(NamedTuple):
    """A key goes up."""

    pitch: int
    channel: int = 0

    def to_bytes(self) -> bytes:
        """The message on the wire."""
        return bytes((0x80 | self.channel, self.pitch, 64))


class Control(NamedTuple):
    """A controller is moved. From 120 on these are not controllers but orders to the whole channel."""

    number: int
    value: int
    channel: int = 0

    def to_bytes(self) -> bytes:
        """The message on the wire."""
        return bytes((0xB0 | self.channel, self.number, self.value))


class SongPosition(NamedTuple):
    """Where a sequencer will go on: in sixteenths from the start."""

    sixteenths: int


class Transport(IntEnum):
    """What a sequencer says about time. `CLOCK` comes 24 times a quarter: once a tick."""

    CLOCK = 0xF8
    START = 0xFA
    CONTINUE = 0xFB
    STOP = 0xFC
    RESET = 0xFF


Message = NoteOn | NoteOff | Control | SongPosition | Transport
OutgoingMessage = NoteOn | NoteOff | Control

ALL_SOUND_OFF, ALL_NOTES_OFF = 120, 123
TRANSPORTS = frozenset(Transport)
SONG_POSITION = 0xF2


def parse(data: Sequence[int]) -> Message | None:
    """The message of these bytes; None for one that the player has no use for, or that is damaged.

    A note-on of velocity 0 is a note-off.
    """
    status, values = (data[0], data[1:]) if data else (0, data)
    if status in TRANSPORTS:
        return Transport(status)
    if len(values) != 2 or not all(0 <= value < 128 for value in values):
        return None
    (first, second), channel = values, status & 0x0F
    message: Message | None = None
    match status & 0xF0:
        case 0x90 if second:
            message = NoteOn(first, second, channel)
        case 0x80 | 0x90:
            message = NoteOff(first, channel)
        case 0xB0:
            message = Control(first, second, channel)
        case 0xF0 if status == SONG_POSITION:
            message = SongPosition(first | second << 7)
    return message


def silences(message: Message) -> bool:
    """Whether a message orders silence: all sound off, all notes off and its kin, or a system reset."""
    if isinstance(message, Control):
        return message.number == ALL_SOUND_OFF or message.number >= ALL_NOTES_OFF
    return message is Transport.RESET
