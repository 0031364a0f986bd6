"""The position in the music: seconds to ticks and back, and a MIDI clock that is followed.

A MIDI clock comes 24 times a quarter, so that each pulse is a tick. Pulses reach us late by up to some milliseconds,
never early: a loop of second order smooths them (an alpha-beta filter, Brookner, Tracking and Kalman Filtering Made
Easy, 1998, ch. 1), so that what is played between two pulses does not jitter with them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from melodysynthesis.live.settings import HIGHEST_TEMPO, LOWEST_TEMPO
from melodysynthesis.music import TICKS_PER_QUARTER

ALPHA, BETA = 0.15, 0.01
"""How much of a pulse's deviation moves the place and the tempo. Critically damped would be beta = alpha^2/4 at these
sizes; a little more follows a ritardando sooner."""
PULSES_TO_LOCK = 3
LOST_SECONDS = 1.0
"""Without a pulse for so long the clock is lost: at 20 quarters a minute they are 0.125 s apart."""


def seconds_per_tick(tempo: float) -> float:
    """Of a tempo in quarters a minute: ``seconds_per_tick(100)`` is 0.025."""
    return 60 / (tempo * TICKS_PER_QUARTER)


@dataclass(frozen=True, slots=True)
class Tempo:
    """A steady tempo: at `time`, in seconds, the music was at `tick`."""

    time: float
    tick: float
    seconds_per_tick: float

    def tick_at(self, time: float) -> float:
        """The tick at a time."""
        return self.tick + (time - self.time) / self.seconds_per_tick

    def time_at(self, tick: float) -> float:
        """When the music is at a tick."""
        return self.time + (tick - self.tick) * self.seconds_per_tick

    def moved(self, seconds: float) -> Tempo:
        """The same, that much later."""
        return replace(self, time=self.time + seconds)


class ClockFollower:
    """Follows a MIDI clock. `tempo` is None until the position is known.

    Args:
        tempo: quarters a minute to start from.
    """

    def __init__(self, tempo: float) -> None:
        self.tempo: Tempo | None = None
        self.running = False
        self._spacing = seconds_per_tick(tempo)
        self._tick = 0
        self._last = 0.0
        self._pulses = 0

    def start(self, tick: int | None = None) -> None:
        """The next pulse is this tick; None goes on from the present one."""
        self.running, self.tempo, self._pulses = True, None, 0
        if tick is not None:
            self._tick = tick

    def stop(self) -> None:
        """The music is stopped."""
        self.running, self.tempo = False, None

    def place(self, tick: int) -> None:
        """Where the music will go on; while it runs the place is not moved."""
        if not self.running:
            self._tick = tick

    def pulse(self, time: float) -> None:
        """A pulse of the clock. Some sequencers send them while they stand: before a start they say nothing."""
        if not self.running:
            return
        since, self._last = time - self._last, time
        self._pulses += 1
        place = time
        if self.tempo is not None and self._pulses > PULSES_TO_LOCK:
            expected = self.tempo.time_at(self._tick)
            place = expected + ALPHA * (time - expected)
            self._space(self._spacing + BETA * (time - expected))
        elif self.tempo is not None:  # not yet smoothed: believe the pulses
            self._space(since)
        self.tempo = Tempo(place, self._tick, self._spacing)
        self._tick += 1

    def _space(self, seconds: float) -> None:
        self._spacing = min(max(seconds, seconds_per_tick(HIGHEST_TEMPO)), seconds_per_tick(LOWEST_TEMPO))

    def moved(self, seconds: float) -> None:
        """The caller's clock has jumped: the pulses go on after it as before."""
        self._last += seconds
        if self.tempo is not None:
            self.tempo = self.tempo.moved(seconds)

    def lost(self, now: float) -> bool:
        """Whether the pulses have stopped without a word."""
        return self.running and self.tempo is not None and now - self._last > LOST_SECONDS
