"""The bars of a melody with their meters and its pickup, before it has notes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import NamedTuple, Self

from melodysynthesis.music import Melody, Meter
from melodysynthesis.theory import beat_ticks, metric_weight, strong_ticks


class BarPosition(NamedTuple):
    """Where a tick is: the number of its bar (0 is the pickup), that bar's meter, and ticks after its bar line."""

    bar: int
    meter: Meter
    position: int


@dataclass(frozen=True)
class Timeline:
    """Bars in a row.

    Attributes:
        meters: of bars 1, 2, ...; their ticks do not matter.
        bar_lines: tick of the line before each bar.
        pickup: ticks before bar 1: the end of a bar of the first meter.
        ticks: length of all.
        changes: the changes of meter after the start.
        grouping: of how many beat units each group is, in bars of so many; see `theory.strong_ticks`.
    """

    meters: tuple[Meter, ...]
    bar_lines: tuple[int, ...]
    pickup: int
    ticks: int
    changes: tuple[Meter, ...]
    grouping: tuple[int, ...] = ()

    @classmethod
    def of_bars(cls, meters: Sequence[Meter], pickup: int = 0, grouping: Sequence[int] = ()) -> Self:
        """Whole bars of these meters after a pickup; the last bar is short by the pickup."""
        meters = tuple(meter._replace(tick=0) for meter in meters)
        *lines, end = accumulate((meter.bar_ticks for meter in meters), initial=pickup)
        pairs = zip(lines[1:], pairwise(meters), strict=True)
        changes = tuple(new._replace(tick=tick) for tick, (old, new) in pairs if new != old)
        return cls(meters, tuple(lines), pickup, end - pickup, changes, tuple(grouping))

    @classmethod
    def of_melody(cls, melody: Melody, grouping: Sequence[int] = ()) -> Self:
        """The bars of a melody that has a meter."""
        bars = [bar for bar in melody.bars() if bar.number]
        meters = tuple(bar.meter._replace(tick=0) for bar in bars)
        lines = tuple(bar.start for bar in bars)
        return cls(meters, lines, melody.pickup, melody.duration, melody.meters[1:], tuple(grouping))

    def after(self, tick: int) -> Self:
        """The timeline from a tick on, which is within this one; the rest of a bar that is not whole is its pickup."""
        left = [(line - tick, meter) for line, meter in zip(self.bar_lines, self.meters, strict=True) if line >= tick]
        if not left or left[0][0] >= self.ticks - tick:  # within the last bar
            bar = max(bisect_right(self.bar_lines, tick) - 1, 0)
            left = [(self.bar_lines[bar] - tick, self.meters[bar])]
        lines, meters = zip(*left, strict=True)
        changes = tuple(meter._replace(tick=meter.tick - tick) for meter in self.changes if meter.tick > tick)
        return type(self)(meters, lines, max(lines[0], 0), self.ticks - tick, changes, self.grouping)

    def place(self, tick: int) -> BarPosition:
        """The position of a tick; ticks after the end belong to the last bar."""
        bar = bisect_right(self.bar_lines, tick)
        if bar == 0:
            return BarPosition(0, self.meters[0], self.meters[0].bar_ticks - self.pickup + tick)
        return BarPosition(bar, self.meters[bar - 1], tick - self.bar_lines[bar - 1])

    @cached_property
    def weights(self) -> tuple[int, ...]:
        """Metric weight of each tick; see `theory.metric_weight`."""
        places = map(self.place, range(self.ticks))
        return tuple(metric_weight(place.meter, place.position, self.grouping) for place in places)

    @cached_property
    def unsyncopated(self) -> tuple[int, ...]:
        """Ticks that a note from each tick may last before it sounds through a stronger place, and is syncopated."""
        longest: list[int] = []
        waiting: list[int] = []  # ticks from the end that no earlier one is stronger than
        for tick in reversed(range(self.ticks)):
            while waiting and self.weights[waiting[-1]] <= self.weights[tick]:
                waiting.pop()
            longest.append(waiting[-1] - tick if waiting else self.ticks)
            waiting.append(tick)
        return tuple(reversed(longest))

    @cached_property
    def strong(self) -> tuple[bool, ...]:
        """Whether each tick is a strong beat; see `theory.strong_ticks`."""
        places = map(self.place, range(self.ticks))
        return tuple(place.position in strong_ticks(place.meter, self.grouping) for place in places)

    @cached_property
    def closing(self) -> tuple[bool, ...]:
        """Whether the last note of a cadence may begin at each tick: a strong beat, but not the second beat of 2/4."""
        places = map(self.place, range(self.ticks))
        pairs = zip(self.strong, places, strict=True)
        return tuple(strong and (place.position == 0 or place.meter.beats != 2) for strong, place in pairs)

    @property
    def last_line(self) -> int:
        """Tick at which the last bar begins."""
        return max((line for line in self.bar_lines if line < self.ticks), default=0)

    @cached_property
    def beats(self) -> tuple[int, ...]:
        """Length of a beat at each tick."""
        return tuple(beat_ticks(self.place(tick).meter) for tick in range(self.ticks))
