"""Rules as automata against every melody of a small world; the certificate, which shares no code with them, judges."""

from functools import cache

import numpy as np
import pytest

from melodysynthesis.certificate import Verdict, certify
from melodysynthesis.constraints.rules import RULES
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.encodings import encoding_from
from melodysynthesis.generation.course import events_of
from melodysynthesis.generation.plan import asked_for, tables
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Key, Melody, Meter, Note

KEY, PITCHES, LENGTHS = Key("C"), (59, 60, 62, 69), (12, 24, 36)
FRAME = {"key": "C major", "meter": "2/4", "bars": 1, "seed": 1}
GRID = encoding_from({"name": "grid", "pitches": list(PITCHES)})

RULE_CASES = {
    "scale": [{"scale": "major-pentatonic"}, {"scale": "major-pentatonic", "chromatic": 1}, {"scale": "chromatic"}],
    "range": [{"range": "C4-D4"}],
    "max_leap": [{"max_leap": 2}, {"max_leap": 0}],
    "leap_recovery": [{"leap_recovery": True}],
    "chords": [{"chords": "C"}, {"chords": "G F"}, {"chords": "Am7"}],
    "cadence": [{"cadence": True}, {"cadence": True, "scale": "blues", "chromatic": 4}],
    "durations": [{"durations": "1/2"}, {"durations": "1 3/2"}],
    "max_syncopation": [{"max_syncopation": 0}, {"max_syncopation": 1}],
    "rests": [{"rests": False}],
    "ties_over_bars": [{"ties_over_bars": False}],
    "rhythm": [{"rhythm": "1/2 r:1/2 1"}, {"rhythm": "1/2"}],
    "contour": [{"contour": "+ -"}, {"contour": "0 + ."}],
    "fixed": [{"fixed": "1.2:A4"}, {"fixed": "1.1:C4 1.5/2:D4"}],
}
BESIDE = {"two bars": {"meter": "2/8", "bars": 2}, "pickup": {"pickup": "1/2"}, "one bar": {}}


@cache
def small_world(pickup: int, meters: tuple[Meter, ...]) -> tuple[Melody, ...]:
    """Every melody of four pitches, rests and three lengths that fills two quarters and begins with a note."""
    found = []

    def go(now: int, notes: tuple[Note, ...], rested: bool) -> None:
        if now == 48:
            found.append(Melody(notes, 48, meters, KEY, pickup=pickup))
            return
        for length in LENGTHS:
            if now + length <= 48:
                for pitch in PITCHES:
                    go(now + length, (*notes, Note(now, length, pitch)), False)
                if notes and not rested:
                    go(now + length, notes, True)

    go(0, (), False)
    return tuple(found)


def test_every_rule_has_a_case_and_form_and_copies_are_elsewhere():
    assert {*RULES, "rests"} == set(RULE_CASES)


@pytest.mark.parametrize("beside", BESIDE.values(), ids=BESIDE)
@pytest.mark.parametrize("rule", [rule for cases in RULE_CASES.values() for rule in cases], ids=str)
def test_an_automaton_takes_the_melodies_that_are_certified_and_no_others(rule, beside):
    request = Request(**{**FRAME, **beside, **rule})
    timeline = Timeline.of_bars([request.meter] * request.bars, request.pickup or 0)
    look = tables(asked_for(GRID, request, timeline, KEY))
    taken = certified = 0
    asked = request.model_dump(mode="json")
    for melody in small_world(timeline.pickup, (timeline.meters[0],))[::3]:
        kept = certify(melody, asked).verdict is Verdict.KEPT
        assert accepts(look, melody) == kept, melody.notes
        certified += kept
        taken += 1
    assert taken > 100


def accepts(look, melody):
    """Whether the look-ahead leaves every step of a melody possible, to its end."""
    if look is None:
        return False
    number, place = look.automaton.space.number, np.array([look.first_place])
    for onset, ticks, pitch in events_of(melody):
        event, tick = np.array([look.automaton.event(pitch)]), number[[onset]]
        length = np.searchsorted(look.automaton.space.lengths, [ticks])
        if event[0] < 0 or not look.after_lengths(tick, place, event)[0, length[0]] > 0:
            return False
        assert look.after_heads(tick, place)[0, event[0]] > 0
        place = look.follow(tick, length, place, event)
    return bool(look.log_likelihood(number[[melody.duration]], place)[0] == 0)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_left_there_is_a_way_on_and_it_ends_well(seed):
    """No dead end: who goes anywhere that the look-ahead leaves open comes to the end, with all rules kept."""
    random = np.random.default_rng(seed)
    request = Request(
        key="G", meter="3/4", bars=4, pickup="1", scale="major", chromatic=5, range="D4-G5", leap_recovery=True,
        chords="G | C | D7 | G", cadence=True, max_syncopation=1, contour="+ + -", max_leap=9, seed=seed,
    )  # fmt: skip
    timeline = Timeline.of_bars([request.meter] * 4, 24)
    look = tables(asked_for(encoding_from({"name": "event"}), request, timeline, request.key))
    space, notes = look.automaton.space, []
    tick, place = np.array([0]), np.array([look.first_place])
    while space.ticks[tick[0]] < timeline.ticks:
        event = random.choice(np.flatnonzero(look.after_heads(tick, place)[0]), 1)
        length = random.choice(np.flatnonzero(look.after_lengths(tick, place, event)[0]), 1)
        place, onset = look.follow(tick, length, place, event), int(space.ticks[tick[0]])
        if event[0] != look.automaton.setting.rest:
            pitch = int(look.automaton.setting.pitches[event[0]])
            notes.append(Note(onset, int(space.lengths[length[0]]), pitch))
        tick = space.number[[onset + int(space.lengths[length[0]])]]
    melody = Melody(tuple(notes), timeline.ticks, (request.meter,), request.key, pickup=24)
    assert certify(melody, request.model_dump(mode="json")).verdict is Verdict.KEPT
