"""Converts the caller's seconds to the player's ticks: by an own tempo or a MIDI clock; clocks may jump."""

from __future__ import annotations

import math

from melodysynthesis.live.messages import SongPosition, Transport
from melodysynthesis.live.settings import LiveSettings
from melodysynthesis.live.tempo import ClockFollower, Tempo, seconds_per_tick

JUMP_SECONDS = 1.0
"""A step of the clock that is longer, or goes back so far, is no time that was played in."""
SIXTEENTH = 6
"""Ticks; song positions count sixteenths."""
ROUNDING = 1e-6
"""Ticks by which seconds may miss a tick that was turned into seconds before."""


class MusicClock:
    """The position in the music. Tick 0 is a bar line.

    Attributes:
        tempo: None while the music is stopped.
    """

    def __init__(self, setting: LiveSettings) -> None:
        self.tempo: Tempo | None = None
        self._setting = setting
        self._follower = ClockFollower(setting.tempo) if setting.sync else None
        self._now: float | None = None

    def look(self, now: float) -> float:
        """Seconds by which the clock has jumped since the last look, 0 if it has not.

        The music goes on from where it was before a jump. Steps back by less come from messages that waited.
        """
        before, self._now = self._now, now
        if before is None:
            return 0.0
        if abs(now - before) <= JUMP_SECONDS:
            self._now = max(now, before)
            return 0.0
        if self.tempo is not None:
            self.tempo = self.tempo.moved(now - before)
        if self._follower is not None:
            self._follower.moved(now - before)
        return now - before

    def latest(self, time: float) -> float:
        """A time, or that of the last look if it is later: a message that was delayed does not turn the clock back."""
        return time if self._now is None else max(time, self._now)

    def begin(self, now: float) -> bool:
        """Begin with a bar line at a time. A MIDI clock that is followed begins by itself: False."""
        if self._follower is None:
            self.tempo = Tempo(now, 0.0, seconds_per_tick(self._setting.tempo))
        return self._follower is None

    def tick(self, now: float) -> float:
        """The tick at a time; 0 before the start."""
        return self.tempo.tick_at(now) + ROUNDING if self.tempo is not None else 0.0

    def time(self, tick: float) -> float:
        """The time of a tick; infinity if the music is stopped."""
        return self.tempo.time_at(tick) if self.tempo is not None else math.inf

    def ticks(self, seconds: float) -> float:
        """How many ticks go by in some seconds."""
        spacing = self.tempo.seconds_per_tick if self.tempo else seconds_per_tick(self._setting.tempo)
        return seconds / spacing

    @property
    def seconds_per_tick(self) -> float:
        """The tempo."""
        return 1 / self.ticks(1)

    def take(self, message: SongPosition | Transport, now: float) -> bool:
        """A sequencer's message about time. Returns whether the music has stopped, or goes on elsewhere."""
        if self._follower is None:
            return False
        match message:
            case SongPosition(sixteenths):
                self._follower.place(SIXTEENTH * sixteenths)
            case Transport.CLOCK:
                self._follower.pulse(now)
            case Transport.START:
                self._follower.start(0)
            case Transport.CONTINUE:
                self._follower.start(None)
            case Transport.STOP:
                self._follower.stop()
        return self._update()

    def lost(self, now: float) -> bool:
        """Whether a MIDI clock has stopped coming, without a word; the music then has stopped."""
        if self._follower is None or not self._follower.lost(now):
            return False
        self._follower.stop()
        return self._update()

    def _update(self) -> bool:
        assert self._follower is not None
        stopped = self.tempo is not None and self._follower.tempo is None
        self.tempo = self._follower.tempo
        return stopped
