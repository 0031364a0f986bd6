"""The time that a melody fills: its bars with their meters, and its pickup, before there is a note."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import NamedTuple, Self

from melodysynthesis.music import Melody, Meter
from melodysynthesis.theory import beat_ticks, is_strong, metric_weight


class Place(NamedTuple):
    """Where a tick is: the number of its bar (0 is the pickup), that bar's meter, and ticks after its bar line."""

    bar: int
    meter: Meter
    position: int


@dataclass(frozen=True)
class Timeline:
    """Bars in a row.

    Attributes:
        meters: of bars 1, 2, ...; their ticks are not looked at.
        bar_lines: tick of the line before each bar.
        pickup: ticks before bar 1: the end of a bar of the first meter.
        ticks: length of all.
        changes: the meters that set in after the start.
    """

    meters: tuple[Meter, ...]
    bar_lines: tuple[int, ...]
    pickup: int
    ticks: int
    changes: tuple[Meter, ...]

    @classmethod
    def of_bars(cls, meters: Sequence[Meter], pickup: int = 0) -> Self:
        """Whole bars of these meters after a pickup; the last bar is short by the pickup."""
        meters = tuple(meter._replace(tick=0) for meter in meters)
        *lines, end = accumulate((meter.bar_ticks for meter in meters), initial=pickup)
        pairs = zip(lines[1:], pairwise(meters), strict=True)
        changes = tuple(new._replace(tick=tick) for tick, (old, new) in pairs if new != old)
        return cls(meters, tuple(lines), pickup, end - pickup, changes)

    @classmethod
    def of_melody(cls, melody: Melody) -> Self:
        """The bars of a melody that has a meter."""
        bars = [bar for bar in melody.bars() if bar.number]
        meters = tuple(bar.meter._replace(tick=0) for bar in bars)
        return cls(meters, tuple(bar.start for bar in bars), melody.pickup, melody.duration, melody.meters[1:])

    def after(self, tick: int) -> Self:
        """What is left from a tick on, within: the rest of a bar that has begun is its pickup."""
        left = [(line - tick, meter) for line, meter in zip(self.bar_lines, self.meters, strict=True) if line >= tick]
        if not left or left[0][0] >= self.ticks - tick:  # within the last bar
            bar = max(bisect_right(self.bar_lines, tick) - 1, 0)
            left = [(self.bar_lines[bar] - tick, self.meters[bar])]
        lines, meters = zip(*left, strict=True)
        changes = tuple(meter._replace(tick=meter.tick - tick) for meter in self.changes if meter.tick > tick)
        return type(self)(meters, lines, max(lines[0], 0), self.ticks - tick, changes)

    def place(self, tick: int) -> Place:
        """Where a tick is; those after the end are counted on in the last bar."""
        bar = bisect_right(self.bar_lines, tick)
        if bar == 0:
            return Place(0, self.meters[0], self.meters[0].bar_ticks - self.pickup + tick)
        return Place(bar, self.meters[bar - 1], tick - self.bar_lines[bar - 1])

    @cached_property
    def weights(self) -> tuple[int, ...]:
        """Metric weight of each tick; see `theory.metric_weight`."""
        places = map(self.place, range(self.ticks))
        return tuple(metric_weight(place.meter, place.position) for place in places)

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
        """Whether each tick is a strong beat; see `theory.is_strong`."""
        places = map(self.place, range(self.ticks))
        return tuple(is_strong(place.meter, place.position) for place in places)

    @cached_property
    def beats(self) -> tuple[int, ...]:
        """Length of a beat at each tick."""
        return tuple(beat_ticks(self.place(tick).meter) for tick in range(self.ticks))
