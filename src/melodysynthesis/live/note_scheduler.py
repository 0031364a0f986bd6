"""Notes to messages in time. Nothing hangs: of each note-on that comes out the note-off does too.

A note is taken with its end. What sounds is known here and nowhere else, so silence is one call. Times are ticks.
"""

from __future__ import annotations

from collections import deque
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from melodysynthesis.live.messages import ALL_NOTES_OFF, Control, NoteOff, NoteOn, OutgoingMessage

MOST_WAITING = 4_096
"""Notes that may wait to be played: more than the densest answer has."""


class ScheduledNote(NamedTuple):
    """A note that will sound from `onset` to `end`, in ticks."""

    onset: float
    end: float
    pitch: int
    velocity: int
    channel: int


class NoteScheduler:
    """Plays notes at their time. Two notes of one pitch on one channel never overlap: the later ends the earlier.

    Attributes:
        played: the notes that have ended, with the ends they had; the recorder takes them from here.
    """

    def __init__(self) -> None:
        self.played: deque[ScheduledNote] = deque(maxlen=MOST_WAITING)
        self._waiting: list[ScheduledNote] = []
        self._sounding: dict[tuple[int, int], ScheduledNote] = {}
        self._channels: set[int] = set()

    @property
    def next_tick(self) -> float | None:
        """When a message is due next."""
        ends = [note.end for note in self._sounding.values()]
        return min(ends + [note.onset for note in self._waiting[:1]], default=None)

    def plan(self, note: ScheduledNote) -> bool:
        """Take a note to be played; False if too many wait already."""
        if len(self._waiting) >= MOST_WAITING:
            return False
        heappush(self._waiting, note)
        return True

    def due(self, tick: float) -> list[OutgoingMessage]:
        """The messages that are due, in order. A note whose end has passed already is left out."""
        sent = [self._end(place, tick) for place, note in tuple(self._sounding.items()) if note.end <= tick]
        while self._waiting and self._waiting[0].onset <= tick:
            note = heappop(self._waiting)
            if note.end <= tick:
                continue
            place = note.pitch, note.channel
            if place in self._sounding:
                sent.append(self._end(place, note.onset))
            self._sounding[place] = note
            self._channels.add(note.channel)
            sent.append(NoteOn(note.pitch, note.velocity, note.channel))
        return sent

    def drop(self, channel: int) -> None:
        """Forget what waits on a channel. What sounds goes on to its end."""
        self._waiting = [note for note in self._waiting if note.channel != channel]
        heapify(self._waiting)

    def silence(self, tick: float) -> list[OutgoingMessage]:
        """Forget what waits, end what sounds: the messages that do it."""
        self._waiting.clear()
        return [self._end(place, tick) for place in tuple(self._sounding)]

    def panic(self, tick: float) -> list[OutgoingMessage]:
        """Silence, and the order for it on every channel that was ever played on, should a message have been lost."""
        orders = [Control(ALL_NOTES_OFF, 0, channel) for channel in sorted(self._channels)]
        return [*self.silence(tick), *orders]

    def _end(self, place: tuple[int, int], tick: float) -> OutgoingMessage:
        note = self._sounding.pop(place)
        end = min(note.end, tick)
        if end > note.onset:  # a note played ahead of time may be taken back before it sounds
            self.played.append(note._replace(end=end))
        return NoteOff(*place)
