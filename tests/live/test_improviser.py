"""What the model writes live: key, meter and bars hold, and notes are final when they are out."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melodysynthesis.certificate import Verdict, certify
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.request import Request
from melodysynthesis.live.improviser import ModelImproviser, check_along
from melodysynthesis.music import Melody, Meter, Note
from melodysynthesis.notation import parse_key, parse_meter, parse_notes
from tests.fakes import TableEngine

HEARD = replace(parse_notes("G4:1 C5 D5 E5 C5"), meters=(parse_meter("4/4"),), key=parse_key("C major"), pickup=24)


def improviser(encoding="event", **fields):
    return ModelImproviser(TableEngine(encoding), Request(seed=3, **{"meter": "4/4", "key": "C major", **fields}))


@pytest.mark.parametrize("encoding", ["event", "grid"])
def test_the_answer_goes_on_where_the_phrase_ends_and_fills_its_bars(encoding):
    notes = list(improviser(encoding).improvise(HEARD, 4, 1))
    assert notes[0].onset >= HEARD.duration
    assert all(before.end <= after.onset for before, after in pairwise(notes))
    assert notes[-1].end <= 4 * 96  # with the pickup's complement, the last bar is whole


@pytest.mark.parametrize("encoding", ["event", "grid"])
def test_what_comes_out_one_by_one_is_what_is_generated_whole(encoding):
    """So what holds for files holds live."""
    engine = TableEngine(encoding)
    request = Request(seed=3, meter="4/4", key="C major", bars=6, primer=HEARD)
    whole = generate(engine, request)[0].melody
    written = list(ModelImproviser(engine, Request(seed=3, meter="4/4", key="C major")).improvise(HEARD, 6, 0))
    assert tuple(written) == tuple(note for note in whole.notes if note.onset >= HEARD.duration)


def test_notes_come_before_the_melody_is_finished():
    engine = TableEngine("event")
    stream = ModelImproviser(engine, Request(seed=3, meter="4/4", key="C major")).improvise(HEARD, 8, 0)
    engine.batches.clear()
    next(stream)
    first = len(engine.batches)
    list(stream)
    assert first < len(engine.batches) / 2


def test_turns_differ_and_a_seed_repeats():
    first, again = (list(improviser().improvise(HEARD, 6, 1)) for _ in range(2))
    assert first == again
    assert first != list(improviser().improvise(HEARD, 6, 2))


@pytest.mark.parametrize("octaves", [-3, -1, 2])
def test_it_answers_in_the_register_of_the_player(octaves):
    """What is heard octaves away is answered octaves away, as far as MIDI has notes there."""
    here = list(improviser().improvise(HEARD, 4, 1))
    there = list(improviser().improvise(HEARD.transpose(12 * octaves, HEARD.key), 4, 1))
    assert [note.onset for note in here] == [note.onset for note in there]
    assert all((b.pitch - a.pitch) % 12 == 0 and 0 <= b.pitch <= 127 for a, b in zip(here, there, strict=True))


lines = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 127), st.booleans()), min_size=1, max_size=20)


@given(lines, st.sampled_from(("event", "grid")), st.sampled_from(("4/4", "3/4", "6/8", "5/4")), st.integers(0, 200))
def test_whatever_is_played_is_answered(line, encoding, meter, rest):
    """Any pitch of the keyboard, any tick; the model may lack them, but it goes on from what it can say."""
    now, notes = 0, []
    for ticks, pitch, sounds in [*line, (30, 60, True)]:
        if sounds:
            notes.append(Note(now, ticks, pitch))
        now += ticks
    bar = parse_meter(meter)
    start = -(-(now + rest) // bar.bar_ticks) * bar.bar_ticks
    heard = Melody(tuple(notes), start, (bar,))
    bars = start // bar.bar_ticks + 1
    answer = list(improviser(encoding, meter=meter, key=None).improvise(heard, bars, 1))
    assert all(start <= note.onset and note.end <= start + bar.bar_ticks for note in answer)


def test_a_meter_that_the_model_can_not_play_is_told_before_anybody_plays():
    with pytest.raises(RequestError, match="no multiple of"):
        improviser("grid", meter=Meter(0, 3, 32))


RULES = {
    "scale": {"scale": "major"},
    "chromatic": {"scale": "major-pentatonic", "chromatic": 2},
    "range": {"range": "D3-E4"},
    "leaps": {"max_leap": 9, "leap_recovery": True},
    "chords": {"chords": "C | F | G7 | C"},
    "cadence": {"cadence": True},
    "durations": {"durations": "1/2 1 2", "rests": False},
    "syncopation": {"max_syncopation": 0, "ties_over_bars": False},
    "rhythm": {"rhythm": "1 1/2 1/2 r:1 1"},
    "contour": {"contour": "+ + - 0"},
    "fixed": {"fixed": "1.1:G4 2.3:C5"},
    "form": {"form": "AA'BA", "bars": 4, "range": "C4-G5"},
    "all": {"scale": "major", "range": "C4-G5", "max_leap": 9, "leap_recovery": True, "chords": "C | F | G7 | C",
            "cadence": True, "durations": "1/2 1 3/2 2", "max_syncopation": 2, "rests": False, "ties_over_bars": False,
            "contour": "+ +", "fixed": "2.1:A4"},
}  # fmt: skip


def certificate(answer, timeline, request):
    """Of an answer as a melody by itself, from where it begins."""
    start = HEARD.duration
    notes = tuple(note._replace(onset=note.onset - start) for note in answer)
    melody = Melody(notes, timeline.ticks, timeline.meters[:1], HEARD.key, pickup=timeline.pickup)
    return certify(melody, request.model_dump(mode="json", exclude={"bars"}))


@pytest.mark.parametrize("encoding", ["event", "grid"])
@pytest.mark.parametrize("rule", RULES)
def test_an_answer_keeps_the_rules_as_a_melody_by_itself(encoding, rule):
    request = Request(seed=3, meter="4/4", key="C major", **RULES[rule])
    player, bars = ModelImproviser(TableEngine(encoding), request), 1 + (request.bars or 5)
    timeline = Timeline.of_bars([request.meter] * bars, HEARD.pickup).after(HEARD.duration)
    timeline = Timeline.of_bars(timeline.meters, timeline.pickup) if request.form else timeline
    for turn in range(3):
        answer = list(player.improvise(HEARD, bars, turn))
        assert HEARD.duration <= answer[0].onset
        assert answer[-1].end <= HEARD.duration + timeline.ticks
        found = certificate(answer, timeline, request)
        assert found.verdict is Verdict.KEPT, found


@pytest.mark.parametrize("octaves", [-4, 3])
def test_rules_hold_where_the_player_plays(octaves):
    request = Request(seed=3, meter="4/4", key="C major", scale="major", max_leap=7)
    heard = HEARD.transpose(12 * octaves, HEARD.key)
    answer = list(ModelImproviser(TableEngine("event"), request).improvise(heard, 4, 1))
    timeline = Timeline.of_bars([request.meter] * 4, HEARD.pickup).after(HEARD.duration)
    assert certificate(answer, timeline, request).verdict is Verdict.KEPT
    assert abs(answer[0].pitch - heard.notes[-1].pitch) < 36


def test_an_answer_may_begin_within_a_bar():
    request = Request(seed=3, meter="4/4", key="C major", rests=False, ties_over_bars=False)
    heard = replace(HEARD, duration=HEARD.duration + 24)
    answer = list(ModelImproviser(TableEngine("event"), request).improvise(heard, 4, 1))
    assert answer[0].onset == heard.duration
    assert answer[-1].end == 4 * 96


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"range": "C4-D4", "chords": "E"}, "keeps range C4-D4 and chords E together"),
        ({"cadence": True, "key": None}, "cadence in a key that is known before"),
        ({"meters": "3/4 x2, 4/4 x2", "meter": None}, "one meter"),
        ({"form": "AABA"}, "a form needs answers that all have as many bars"),
        ({"form": "AABA", "bars": 4, "fixed": "1.1:C4 2.1:D4"}, "fixed .* and form AABA together"),
        ({"bars": 2, "contour": "+ + + + .", "durations": "4"}, "durations 4 and contour"),
    ],
)
def test_what_no_answer_keeps_is_told_before_anybody_plays(fields, match):
    with pytest.raises(RequestError, match=match):
        improviser(**fields)


def test_playing_along_keeps_the_rules_that_hold_in_a_part_of_a_melody():
    check_along(Request(scale="major", range="C4-C5", max_leap=7))
    with pytest.raises(RequestError, match="no end that could keep cadence, durations: take turns"):
        check_along(Request(cadence=True, durations="1", max_leap=7))


@pytest.mark.parametrize("encoding", ["event", "grid"])
def test_a_wish_that_an_answer_can_not_keep_is_left_out(encoding):
    rules = {"range": "C4-C5", "fixed": "1.1:C4 1.2:A4", "durations": "1", "max_leap": 4, "bars": 2}
    with pytest.raises(RequestError, match="max-leap"):
        improviser(encoding, **rules)
    heard = replace(HEARD, pickup=0, duration=192)
    answer = list(improviser(encoding, **rules, prefer="max-leap").improvise(heard, 4, 1))
    assert [(note.onset - 192, note.pitch) for note in answer[:2]] == [(0, 60), (24, 69)]
    assert all(60 <= note.pitch <= 72 and note.duration == 24 for note in answer)


def test_a_wish_that_an_answer_can_keep_is_kept():
    answer = list(improviser(max_leap=2, bars=2, prefer="max-leap").improvise(HEARD, 4, 1))
    assert all(abs(b.pitch - a.pitch) <= 2 for a, b in pairwise(answer))


def test_tables_are_there_before_anybody_plays_in_whatever_register(monkeypatch):
    made = improviser(form="AA", cadence=True, bars=4)
    here = list(made.improvise(HEARD, 5, 1))

    def no_tables(automaton):
        raise AssertionError("tables were made while somebody waits")

    monkeypatch.setattr("melodysynthesis.generation.compile.look_ahead", no_tables)
    low = list(made.improvise(HEARD.transpose(-24, HEARD.key), 5, 1))
    assert low == [note._replace(pitch=note.pitch - 24) for note in here]
