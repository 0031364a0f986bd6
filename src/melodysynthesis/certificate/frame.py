"""Rules on the frame: key, meters, pickup and bars, as the file states them.

Each is a function of a `Score` and of what the rule demands, and yields its breaches.
"""

from __future__ import annotations

from collections.abc import Sequence

from melodysynthesis.certificate.finding import Breach, Breaches, Location
from melodysynthesis.certificate.rhythm import quarters
from melodysynthesis.certificate.score import Score
from melodysynthesis.music import Key, Meter


def key(score: Score, demanded: Key) -> Breaches:
    """The tonic and the mode that are stated are those requested; F# and Gb are one tonic."""
    stated = score.melody.key
    if stated is None or (stated.pitch_class, stated.mode) != (demanded.pitch_class, demanded.mode):
        yield Breach(Location(), str(stated), str(demanded))


def one_meter(score: Score, demanded: Meter) -> Breaches:
    """Every bar is in the meter."""
    for bar in score.bars:
        if bar.meter[1:] != demanded[1:]:
            yield Breach(Location(bar.number), str(bar.meter), str(demanded))


def meter_of_each_bar(score: Score, demanded: Sequence[Meter]) -> Breaches:
    """There are as many whole bars as meters, each in its own; the pickup is in the first."""
    yield from whole_bars(score, len(demanded))
    for bar in score.bars:
        number = max(bar.number, 1)
        if number <= len(demanded) and bar.meter[1:] != demanded[number - 1][1:]:
            yield Breach(Location(bar.number), str(bar.meter), str(demanded[number - 1]))


def beat_groups(score: Score, demanded: Sequence[int]) -> Breaches:
    """Some bar has as many beats as the groups have together."""
    if all(bar.meter.beats != sum(demanded) for bar in score.bars):
        yield Breach(Location(), f"bars of {score.bars[0].meter}", f"bars of {sum(demanded)} beats")


def pickup(score: Score, demanded: int) -> Breaches:
    """The incomplete bar at the start is so long."""
    if score.melody.pickup != demanded:
        yield Breach(Location(), f"a pickup of {quarters(score.melody.pickup)} quarters", quarters(demanded))


def whole_bars(score: Score, demanded: int) -> Breaches:
    """There are so many bars, all of them whole; a pickup and what the last bar lacks for it are one."""
    if score.last_number != demanded:
        yield Breach(Location(), f"{score.last_number} bars", str(demanded))
    for bar in score.bars:
        missing = score.melody.pickup if bar.number == score.last_number else 0
        whole = score.melody.pickup if bar.number == 0 else bar.meter.bar_ticks - missing
        if bar.end - bar.start != whole:
            yield Breach(Location(bar.number), f"a bar of {quarters(bar.end - bar.start)} quarters", quarters(whole))
