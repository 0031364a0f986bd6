"""What the model writes live: key, meter and bars hold, and notes are final when they are out."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melodysynthesis.errors import RequestError
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.notation import parse_key, parse_meter, parse_notes
from melodysynthesis.generation.request import Request
from melodysynthesis.live.improviser import ModelImproviser
from melodysynthesis.music import Melody, Meter, Note
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


def test_rules_that_are_not_kept_live_are_refused_by_name():
    with pytest.raises(RequestError, match="not yet range, max-leap"):
        improviser(range="C4-C6", max_leap=7)
