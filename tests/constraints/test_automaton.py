"""Rules as automata against every melody of a small world; the certificate, which shares no code with them, judges."""

from functools import cache

import numpy as np
import pytest

from melodysynthesis.certificate import Verdict, certify
from melodysynthesis.constraints.rule import split_rests
from melodysynthesis.constraints.rules import RULES
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.encodings import encoding_from
from melodysynthesis.generation.compile import build_problem, tables
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.task import events_of
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
    "max_note": [{"max_note": "1/2"}, {"max_note": "1"}],
    "max_rest": [{"max_rest": "1/2"}, {"max_rest": "1"}],
    "first_degree": [{"first_degree": 1}, {"first_degree": 2, "scale": "blues", "chromatic": 4}],
    "climax": [{"climax": "1:D4"}, {"climax": "1:A4"}],
    "density": [{"density": "1-3"}, {"density": "2"}],
    "tessitura": [{"tessitura": "C4-D4"}],
    "phrases": [{"phrases": "1 1", "bars": 2, "meter": "2/8", "phrase_rests": rests} for rests in (False, True)],
    "returning_motif": [
        {"returning_motif": "C4:1/2 D4:1/2", "returns": 1},
        {"returning_motif": "C4:1/2 C4:1/2"},
        {"returning_motif": "A3:1/2 C4:1/2 C4:1/2", "returns": 1},
    ],
    "max_syncopation": [{"max_syncopation": 0}, {"max_syncopation": 1}],
    "rests": [{"rests": False}],
    "ties_over_bars": [{"ties_over_bars": False}],
    "grouping": [{"grouping": "1+1"}],
    "rhythm": [
        {"rhythm": "1/2 r:1/2 1"},
        {"rhythm": "1/2"},
        {"rhythm": "1/2", "cadence": True},
        {"rhythm": "1/2 r:3/2", "cadence": True},
    ],
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


def test_every_rule_has_a_case_and_words_form_and_copies_are_elsewhere():
    assert {name for name, rule in RULES.items() if rule.build} == {*RULE_CASES, "lyrics"}


@pytest.mark.parametrize("beside", BESIDE.values(), ids=BESIDE)
@pytest.mark.parametrize("rule", [rule for cases in RULE_CASES.values() for rule in cases], ids=str)
def test_an_automaton_takes_the_melodies_that_are_certified_and_no_others(rule, beside):
    takes_the_certified(Request(**{**FRAME, **beside, **rule}))


@pytest.mark.parametrize("rule", [{"chords": "G F"}, {"cadence": True}, {"max_syncopation": 0}], ids=str)
def test_beats_are_strong_as_they_are_grouped(rule):
    takes_the_certified(Request(**{**FRAME, "meter": "3+1/8", **rule}))


def takes_the_certified(request):
    """The automaton takes just the melodies that keep a request, of those of a small world."""
    timeline = Timeline.of_bars([request.meter] * request.bars, request.pickup or 0)
    look = tables(build_problem(GRID, request, timeline, KEY)._replace(loose=True))
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
    place = followed(look, melody)
    if place is None:
        return False
    end = look.automaton.space.number[[melody.duration]]
    return bool(look.log_likelihood(end, place)[0] == 0)


def followed(look, melody, heads=True):
    """The place after the events of a melody; None where the look-ahead leaves one of them no way on.

    Without `heads` the look-ahead is not asked before a length is known.
    """
    if look is None:
        return None
    number, place = look.automaton.space.number, np.array([look.first_place])
    for onset, ticks, pitch in split_rests(events_of(melody), look.automaton.context.cuts):
        event, tick = np.array([look.automaton.event(pitch)]), number[[onset]]
        length = np.searchsorted(look.automaton.space.lengths, [ticks])
        if event[0] < 0 or not look.after_lengths(tick, place, event)[0, length[0]] > 0:
            return None
        assert not heads or look.after_heads(tick, place)[0, event[0]] > 0
        place = look.follow(tick, length, place, event)
    return place


def sections(form, melodies):
    """Pairs of melodies of one bar as one of two: the second has the notes of the first, or another with its rhythm."""
    rhythms = {}
    for melody in melodies:
        rhythms.setdefault(tuple(note[:2] for note in melody.notes), []).append(melody)
    for rhythm, first in ((rhythm, melody) for rhythm, alike in rhythms.items() for melody in alike):
        for second in [first] if form == "AA" else rhythms[rhythm]:
            notes = (*first.notes, *(note._replace(onset=note.onset + 48) for note in second.notes))
            yield first, Melody(notes, 96, (Meter(0, 4, 8),), KEY)


def goes_on(look, melody):
    """Whether the look-ahead leaves anything after the first bar."""
    return followed(look, melody, heads=False) is not None


@pytest.mark.parametrize("form", ["AA", "AA'"])
@pytest.mark.parametrize(
    ("rule", "exact"),
    [({"cadence": True}, True), ({"chords": "C | Am"}, False), ({"leap_recovery": True}, False)],
    ids=["cadence", "chords", "leap recovery"],
)
def test_a_first_section_goes_on_if_it_can_end_the_melody(form, rule, exact):
    """Nothing is excluded with which some melody ends well; a cadence leaves nothing else."""
    request = Request(**{**FRAME, "meter": "4/8", "bars": 2, "form": form, "durations": "1/2 1 3/2", **rule})
    look = tables(build_problem(GRID, request, Timeline.of_bars([request.meter] * 2), KEY))
    asked = request.model_dump(mode="json")
    fine, others = set(), set()
    world = [one for one in small_world(0, (Meter(0, 4, 8),)) if len(one) < 4 and 59 not in one.pitches]
    for first, melody in sections(form, world):
        if first.notes in fine:
            continue
        kept = certify(melody, asked).verdict is Verdict.KEPT
        (fine if kept else others).add(first.notes)
        if kept:
            assert goes_on(look, first), melody.notes
    assert fine
    if exact:
        assert others - fine
        ends_well = {tuple(note[:2] for note in notes) for notes in fine}
        for notes in others - fine:
            if len(notes) > 1 and (form == "AA" or tuple(note[:2] for note in notes) not in ends_well):
                assert not goes_on(look, Melody(notes, 48, (Meter(0, 4, 8),), KEY)), notes


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_left_there_is_a_way_on_and_it_ends_well(seed):
    """No dead end: who goes anywhere that the look-ahead leaves open comes to the end, with all rules kept."""
    random = np.random.default_rng(seed)
    request = Request(
        key="G", meter="3/4", bars=4, pickup="1", scale="major", chromatic=5, range="D4-G5", leap_recovery=True,
        chords="G | C | D7 | G", cadence=True, max_syncopation=1, contour="+ + -", max_leap=9, seed=seed,
    )  # fmt: skip
    timeline = Timeline.of_bars([request.meter] * 4, 24)
    look = tables(build_problem(encoding_from({"name": "event"}), request, timeline, request.key))
    space, notes = look.automaton.space, []
    tick, place = np.array([0]), np.array([look.first_place])
    while space.ticks[tick[0]] < timeline.ticks:
        event = random.choice(np.flatnonzero(look.after_heads(tick, place)[0]), 1)
        length = random.choice(np.flatnonzero(look.after_lengths(tick, place, event)[0]), 1)
        place, onset = look.follow(tick, length, place, event), int(space.ticks[tick[0]])
        if event[0] != look.automaton.context.rest:
            pitch = int(look.automaton.context.pitches[event[0]])
            notes.append(Note(onset, int(space.lengths[length[0]]), pitch))
        tick = space.number[[onset + int(space.lengths[length[0]])]]
    melody = Melody(tuple(notes), timeline.ticks, (request.meter,), request.key, pickup=24)
    assert certify(melody, request.model_dump(mode="json")).verdict is Verdict.KEPT
