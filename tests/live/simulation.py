"""A stage for the player: a clock that a test sets, a person made of events, a synthesizer that keeps account."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from melodysynthesis.live.commands import AnswerRequest, Cancel, Notice
from melodysynthesis.live.messages import ALL_NOTES_OFF, Control, NoteOff, NoteOn
from melodysynthesis.live.player import Player
from melodysynthesis.live.settings import LiveSettings
from melodysynthesis.music import Melody, Note

Event = tuple[float, Callable[[Player, float], object]]
"""Seconds, and what then happens to the player."""


class Scale:
    """An `Improviser` that answers in even notes, upwards from the last that it heard; it keeps what it was asked."""

    def __init__(self, ticks: int = 24, error: Exception | None = None, notes: int = 10_000) -> None:
        self.ticks, self.error, self.notes = ticks, error, notes
        self.asked: list[tuple[Melody, int, int]] = []

    def improvise(self, played: Melody, bars: int, turn: int) -> Iterator[Note]:
        self.asked.append((played, bars, turn))
        end = played.pickup + bars * played.meters[0].bar_ticks
        for number, onset in enumerate(range(played.duration, end, self.ticks)):
            if number == self.notes:
                if self.error:
                    raise self.error
                return
            yield Note(onset, self.ticks, min(127, played.pitches[-1] + number % 12))


@dataclass
class Synthesizer:
    """Keeps account of what sounds; a note-on on a note that sounds, or a note-off without one, is an error."""

    sounding: set[tuple[int, int]] = field(default_factory=set)
    log: list[tuple[float, object]] = field(default_factory=list)

    def take(self, message: object, now: float) -> None:
        self.log.append((now, message))
        match message:
            case NoteOn(pitch, velocity, channel):
                assert 0 <= pitch <= 127
                assert 1 <= velocity <= 127
                assert (pitch, channel) not in self.sounding, "struck twice"
                self.sounding.add((pitch, channel))
            case NoteOff(pitch, channel):
                self.sounding.remove((pitch, channel))
            case Control(number, _, _):
                assert number == ALL_NOTES_OFF

    def onsets(self, channel: int = 0) -> list[tuple[float, int]]:
        """Seconds and pitch of what was played."""
        return [(now, m.pitch) for now, m in self.log if isinstance(m, NoteOn) and m.channel == channel]


class Stage:
    """Plays events to a player and the player to a synthesizer, with a model that takes `delay` seconds a note."""

    def __init__(self, setting: LiveSettings, improviser: Scale, delay: float = 0.001) -> None:
        self.player, self.improviser, self.delay = Player(setting), improviser, delay
        self.synthesizer = Synthesizer()
        self.now = 0.0
        self.asks: list[AnswerRequest] = []
        self.remarks: list[str] = []
        self._writing: tuple[AnswerRequest, Iterator[Note], float] | None = None

    def play(self, events: list[Event], until: float) -> Stage:
        """Let events happen at their times, and the player wake when it wants to."""
        waiting = [(time, number, event) for number, (time, event) in enumerate(events)]
        heapq.heapify(waiting)
        while self.now < until:
            self._poll()
            wake = self.player.wake(self.now)
            if waiting:
                wake = min(wake, waiting[0][0])
            if self._writing:
                wake = min(wake, self._writing[2])
            self.now = min(max(self.now, wake), until)
            while waiting and waiting[0][0] <= self.now:
                heapq.heappop(waiting)[2](self.player, self.now)
            self._write()
        self._poll()
        return self

    def _poll(self) -> None:
        for out in self.player.poll(self.now):
            if isinstance(out, AnswerRequest):
                self.asks.append(out)
                self._writing = out, self.improviser.improvise(out.played, out.bars, out.turn), self.now + self.delay
            elif isinstance(out, Notice):
                self.remarks.append(out.text)
            elif not isinstance(out, Cancel):
                self.synthesizer.take(out, self.now)

    def _write(self) -> None:
        if self._writing is None or self._writing[2] > self.now:
            return
        ask, notes, _ = self._writing
        self._writing = None
        try:
            note = next(notes, None)
        except ValueError as error:
            self.player.fail(ask.turn, str(error), self.now)
            return
        if note is not None and self.player.write(ask.turn, note, self.now):
            self._writing = ask, notes, self.now + self.delay


def key(pitch: int, down: float, up: float, velocity: int = 70) -> list[Event]:
    """A key that goes down and up, in seconds."""
    return [
        (down, lambda player, now: player.hear(NoteOn(pitch, velocity), now)),
        (up, lambda player, now: player.hear(NoteOff(pitch), now)),
    ]


def phrase(text: str, start: float = 0.0, tempo: float = 120.0) -> list[Event]:
    """Inline notes, played as they are written; each key goes up a little early."""
    from melodysynthesis.notation import parse_notes

    tick = 60 / tempo / 24
    return [
        event
        for onset, duration, pitch in parse_notes(text).notes
        for event in key(pitch, start + onset * tick, start + (onset + 0.9 * duration) * tick)
    ]
