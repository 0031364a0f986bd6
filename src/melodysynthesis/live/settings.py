"""How to play: what a person sets before the first note."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from melodysynthesis.errors import RequestError
from melodysynthesis.music import TICKS_PER_QUARTER, Key, Meter

LOWEST_TEMPO, HIGHEST_TEMPO = 20, 400
MAX_ANSWER_BARS = 16
"""The longest answer, and as far as the player remembers."""
COMMON_TIME = Meter(0, 4, 4)
CLICK_CHANNEL = 9
"""The drums of General MIDI."""


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """How to play. Contradictions raise on construction.

    Attributes:
        tempo: quarters a minute; with `sync` only until the MIDI clock is known.
        meter: of everything, from its bar lines on.
        key: of everything; None finds it in what is played.
        along: play along, a bar at a time, instead of taking turns.
        pause: silence, in quarters, after which a phrase is over.
        trade: bars of a phrase, after which the answer comes without a pause; None waits for one.
        bars: bars of an answer; None for as many as the phrase had.
        at: "bar" or "beat": on which line an answer begins after a pause.
        sync: follow a MIDI clock that comes in.
        click: play a metronome on channel 10, from the start on.
        channel: that answers are played on, from 0.

    Raises:
        RequestError: in one line, naming the allowed values.
    """

    tempo: float = 100.0
    meter: Meter = COMMON_TIME
    key: Key | None = None
    along: bool = False
    pause: Fraction = Fraction(1, 2)
    trade: int | None = None
    bars: int | None = None
    at: str = "bar"
    sync: bool = False
    click: bool = False
    channel: int = 0

    def __post_init__(self) -> None:
        if not LOWEST_TEMPO <= self.tempo <= HIGHEST_TEMPO:
            raise RequestError(f"tempo {self.tempo:g}: expected {LOWEST_TEMPO} to {HIGHEST_TEMPO} quarters a minute")
        if not Fraction(1, 4) <= self.pause <= 16:
            raise RequestError(f"pause {float(self.pause):g}: expected a quarter of a quarter to 16 quarters")
        for bars, what in ((self.trade, "trade"), (self.bars, "bars")):
            if bars is not None and not 1 <= bars <= MAX_ANSWER_BARS:
                raise RequestError(f"{what} {bars}: expected 1 to {MAX_ANSWER_BARS} bars")
        if self.at not in ("bar", "beat"):
            raise RequestError(f"at {self.at!r}: expected bar or beat")
        if not 0 <= self.channel <= 15:
            raise RequestError(f"channel {self.channel + 1}: expected 1 to 16")
        if self.along and (self.trade or self.bars):
            raise RequestError("playing along takes no turns: leave out --trade and --bars, or --along")
        if self.click and self.sync:
            raise RequestError("with --sync the sequencer that sends the clock has the click: leave out --click")
        if self.click and self.channel == CLICK_CHANNEL:
            raise RequestError("the click is on channel 10: choose another channel for the answers")

    @property
    def bar_ticks(self) -> int:
        """Length of a bar."""
        return self.meter.bar_ticks

    @property
    def beat_ticks(self) -> int:
        """Length of a beat: a dotted quarter in 6/8, else the meter's unit."""
        return beat_ticks(self.meter)

    @property
    def pause_ticks(self) -> float:
        """`pause` in ticks."""
        return float(self.pause * TICKS_PER_QUARTER)


def beat_ticks(meter: Meter) -> int:
    """Length in ticks of what is felt as one beat: three units in 6/8, 9/8 and 12/8, else the unit."""
    unit = meter.bar_ticks // meter.beats
    return 3 * unit if meter.beats in (6, 9, 12) and meter.beat_unit >= 8 else unit
