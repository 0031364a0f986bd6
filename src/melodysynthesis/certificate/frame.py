"""Rules on the frame: key, meters, pickup and bars, as the file states them.

Each is a function of a `Score` and of what is asked for, and yields its breaches.
"""

from __future__ import annotations

from collections.abc import Sequence

from melodysynthesis.certificate.finding import Breach, Breaches, Place
from melodysynthesis.certificate.rhythm import quarters
from melodysynthesis.certificate.score import Score
from melodysynthesis.music import Key, Meter


def key(score: Score, asked: Key) -> Breaches:
    """The tonic and the mode that are stated are those asked for; F# and Gb are one tonic."""
    stated = score.melody.key
    if stated is None or (stated.pitch_class, stated.mode) != (asked.pitch_class, asked.mode):
        yield Breach(Place(), str(stated), str(asked))


def one_meter(score: Score, asked: Meter) -> Breaches:
    """Every bar is in the meter."""
    for bar in score.bars:
        if bar.meter[1:] != asked[1:]:
            yield Breach(Place(bar.number), str(bar.meter), str(asked))


def meter_of_each_bar(score: Score, asked: Sequence[Meter]) -> Breaches:
    """There are as many whole bars as meters, each in its own; the pickup is in the first."""
    yield from whole_bars(score, len(asked))
    for bar in score.bars:
        number = max(bar.number, 1)
        if number <= len(asked) and bar.meter[1:] != asked[number - 1][1:]:
            yield Breach(Place(bar.number), str(bar.meter), str(asked[number - 1]))


def pickup(score: Score, asked: int) -> Breaches:
    """The incomplete bar at the start is so long."""
    if score.melody.pickup != asked:
        yield Breach(Place(), f"a pickup of {quarters(score.melody.pickup)} quarters", quarters(asked))


def whole_bars(score: Score, asked: int) -> Breaches:
    """There are so many bars, all of them whole; a pickup and what the last bar lacks for it are one."""
    if score.last_number != asked:
        yield Breach(Place(), f"{score.last_number} bars", str(asked))
    for bar in score.bars:
        missing = score.melody.pickup if bar.number == score.last_number else 0
        whole = score.melody.pickup if bar.number == 0 else bar.meter.bar_ticks - missing
        if bar.end - bar.start != whole:
            yield Breach(Place(bar.number), f"a bar of {quarters(bar.end - bar.start)} quarters", quarters(whole))
