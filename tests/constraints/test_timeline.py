"""Where chords enter and what is syncopated, in bars of all kinds, with worked values."""

import pytest

from melodysynthesis.certificate.harmony import chord_at
from melodysynthesis.certificate.reading import chart as read_chart
from melodysynthesis.certificate.reading import groups
from melodysynthesis.certificate.score import Score
from melodysynthesis.constraints.rules.chords import chord_entrances
from melodysynthesis.constraints.rules.grouping import parse_grouping
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.music import Melody, Meter, Note
from melodysynthesis.theory.chords import parse_chords

BARS = [
    ("3/4", 0, "G D7", [0, 48]),  # chord 1 of 2 in three beats enters on beat 1.5, rounded up
    ("4/4", 0, "G C D7", [0, 48, 72]),
    ("9/8", 0, "G C", [0, 72]),  # dotted beats
    (
        "6/8",
        12,
        "G C",
        [12, 48, 84],
    ),  # the short last bar has the entrances of a whole one
    ("3/4", 24, "G D7", [24, 72, 96]),  # its second chord would enter at the end, and does not
    ("5/4", 0, "G C", [0, 72]),
]


def timeline_of(meter, pickup):
    beats, unit = map(int, meter.split("/"))
    return Timeline.of_bars([Meter(0, beats, unit)] * (2 if pickup else 1), pickup)


@pytest.mark.parametrize(("meter", "pickup", "chords", "ticks"), BARS)
def test_chords_enter_on_beats(meter, pickup, chords, ticks):
    timeline = timeline_of(meter, pickup)
    entrances = chord_entrances(timeline, parse_chords(chords))
    found = [tick for tick, _ in entrances]
    assert found[: len(ticks)] == ticks
    assert all(tick < timeline.ticks for tick in found)


@pytest.mark.parametrize(("meter", "pickup", "chords", "ticks"), BARS)
def test_the_certificate_finds_the_same_chord_at_every_tick(meter, pickup, chords, ticks):
    del ticks
    timeline = timeline_of(meter, pickup)
    entrances = chord_entrances(timeline, parse_chords(chords))
    tune = Melody((Note(0, 1, 60),), timeline.ticks, (timeline.meters[0],), pickup=pickup)
    score, chart = Score(tune), read_chart({"chords": chords})
    for tick in range(timeline.ticks):
        here = chord_at(score, chart, tick)
        last = [chord for start, chord in entrances if start <= tick]
        assert (here and here.symbol) == (str(last[-1]) if last else None)


@pytest.mark.parametrize(
    ("meter", "grouping", "strong"),
    [("5/4", "3+2", [0, 72]), ("5/4", "2+3", [0, 48]), ("7/8", "2+2+3", [0, 24, 48]), ("8/8", "3+3+2", [0, 36, 72]),
     ("9/8", "2+2+2+3", [0, 24, 48, 72]), ("3/4", "3+2", [0])],
)  # fmt: skip
def test_each_group_of_beats_begins_with_a_strong_one(meter, grouping, strong):
    bars = timeline_of(meter, 0)
    timeline = Timeline.of_bars(bars.meters, 0, parse_grouping(grouping))
    score = Score(Melody((), timeline.ticks, bars.meters), groups=groups({"grouping": grouping}))
    assert [tick for tick in range(timeline.ticks) if timeline.strong[tick]] == strong
    assert score.strong_ticks(0, timeline.ticks) == strong
    assert [score.weight(tick) for tick in range(timeline.ticks)] == list(timeline.weights)


def test_a_chart_begins_again():
    timeline = Timeline.of_bars([Meter(0, 2, 4)] * 3)
    assert [str(chord) for _, chord in chord_entrances(timeline, parse_chords("G | C"))] == ["G", "C", "G"]


@pytest.mark.parametrize(
    ("tick", "longest"),
    [(0, 192), (12, 12), (24, 24), (36, 12), (48, 48), (72, 24)],
)
def test_ticks_that_a_note_may_last_without_syncopation(tick, longest):
    """In two bars of 4/4: up to the next stronger place; a note on the first beat may last to the end."""
    assert Timeline.of_bars([Meter(0, 4, 4)] * 2).unsyncopated[tick] == longest
