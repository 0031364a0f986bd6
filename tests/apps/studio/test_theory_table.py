"""The page's theory is the library's: beats, strong beats, chord entrances, and the table that the page's tests use."""

import json
from pathlib import Path

import pytest

from melodysynthesis import theory
from melodysynthesis.apps.studio.theory_table import sounding_chords, theory_table
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.formats import json as melody_json
from melodysynthesis.music import Key, Melody, Meter, Note
from melodysynthesis.notation import parse_meter
from melodysynthesis.theory.chords import parse_chords

FOR_PAGE_TESTS = Path(__file__).parents[2] / "pages" / "theory.json"
"""Written anew by: python -m tests.pages.write_theory"""


@pytest.mark.parametrize("name", ["4/4", "3/4", "2/2", "6/8", "9/8", "15/8", "18/8", "21/16", "7/8", "3/8", "12/16"])
def test_the_table_has_the_beats_of_the_rules(name):
    meter = parse_meter(name)
    timeline = Timeline.of_bars([meter] * 2)
    found = theory_table()["meters"][name]
    assert found["bar"] == meter.bar_ticks
    assert {found["beat"]} == set(timeline.beats)
    assert found["strong"] == [tick for tick in range(meter.bar_ticks) if timeline.strong[tick]]


def test_pitches_are_named_as_they_are_spelled():
    table = theory_table()
    for key in (None, Key("G"), Key("Eb", "minor"), Key("C#"), Key("D", "dorian"), Key("Cb")):
        names = table["pitches"][str(key) if key else ""]
        for pitch in range(60, 72):
            spelling = theory.spell(pitch, key)
            name, octave = names[pitch - 60]
            assert name[0] == spelling.step
            assert octave == spelling.octave
    assert table["pitches"]["Eb major"][3] == ("E♭", 4)
    assert table["pitches"]["C# major"][0] == ("B♯", 3)


def _bars(meter, bars, pickup=0):
    duration = bars * meter.bar_ticks
    return Melody((Note(0, 12, 60),), duration, (meter,), pickup=pickup)


def test_chords_enter_where_the_rule_says_and_the_last_bar_is_short_by_the_pickup():
    melody = _bars(Meter(0, 4, 4), 2, pickup=24)
    found = sounding_chords(melody, parse_chords("G | C D7"))
    assert [(one["start"], one["end"], one["root"]) for one in found] == [(24, 120, 7), (120, 168, 0), (168, 192, 2)]
    assert found[2]["tones"] == [0, 2, 6, 9]


def test_a_chord_that_would_enter_after_the_end_is_left_out():
    melody = _bars(Meter(0, 4, 4), 1, pickup=72)  # the last bar has one beat
    assert [one["root"] for one in sounding_chords(melody, parse_chords("G C"))] == [7]


@pytest.mark.parametrize(("meter", "starts"), [("18/8", [0, 108]), ("15/8", [0, 96]), ("21/16", [0, 66])])
def test_chords_in_long_meters_enter_on_beats_of_the_library(meter, starts):
    found = sounding_chords(_bars(parse_meter(meter), 1), parse_chords("G C"))
    assert [one["start"] for one in found] == starts
    beat = theory.beat_ticks(parse_meter(meter))
    assert all(one["start"] % beat == 0 for one in found)


def test_a_melody_without_meter_has_no_chords():
    assert sounding_chords(Melody((Note(0, 24, 60),), 24), parse_chords("G")) == []


def test_the_server_hands_them_out(client):
    assert client.get("/api/theory").json()["meters"]["6/8"] == {"bar": 72, "beat": 36, "strong": [0, 36]}
    sent = {"melody": melody_json.to_dict(_bars(Meter(0, 3, 4), 2)), "chords": "C | G7"}
    found = client.post("/api/chords", json=sent).json()
    assert [(one["start"], one["end"], one["root"]) for one in found] == [(0, 72, 0), (72, 144, 7)]
    answer = client.post("/api/chords", json=sent | {"chords": "H"})
    assert answer.status_code == 422
    assert "unknown chord 'H'" in answer.json()["message"]


def test_the_scripts_are_tested_with_this_table():
    assert json.loads(FOR_PAGE_TESTS.read_text()) == json.loads(json.dumps(theory_table()))
