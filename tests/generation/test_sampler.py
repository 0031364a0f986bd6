"""What every generated melody keeps to, whatever the model."""

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melodysynthesis.constraints import InHeader, KeepsPlan, StartsWithNote, WholeBars
from melodysynthesis.constraints.token_masks import MAX_REPEATED_NOTES
from melodysynthesis.encodings.base import count_bars
from melodysynthesis.encodings.event_tokens import KINDS, Kind
from melodysynthesis.errors import ModelError, RequestError
from melodysynthesis.formats.grid import melody_of, tokens_of
from melodysynthesis.generation import unconstrained
from melodysynthesis.generation.generate import generate, generate_only
from melodysynthesis.generation.prompt import bars_beyond
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Key, Melody, Meter, Note
from melodysynthesis.notation import parse_notes
from tests.fakes import TableEngine

ENCODINGS = ("event", "grid", "planned")
FRAME = {"key": "G major", "meter": "3/4", "bars": 4}


def notes_of(made):
    return [one.melody for one in made]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_seed_repeats_and_another_differs(encoding):
    engine = TableEngine(encoding)
    first, again = (generate(engine, Request(seed=1, count=3, **FRAME)) for _ in range(2))
    assert first == again
    assert notes_of(first) != notes_of(generate(engine, Request(seed=2, count=3, **FRAME)))
    assert len(set(notes_of(first))) == 3


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_melody_does_not_depend_on_its_batch(encoding):
    engine = TableEngine(encoding)
    many = generate(engine, Request(seed=5, count=40, max_steps=150))
    assert [generate_only(engine, Request(seed=5, max_steps=150), [index])[0] for index in (0, 17, 39)] == [
        many[index] for index in (0, 17, 39)
    ]
    assert notes_of(many[:7]) == notes_of(generate(engine, Request(seed=5, count=7, max_steps=150)))


def test_a_melody_is_made_again_from_its_own_request():
    engine = TableEngine("event")
    primers = (parse_notes("G4:1 A4"), parse_notes("D5:1/2 C5 B4:1"))
    made = generate(engine, Request(seed=9, count=4, primers=primers, meter="4/4", bars=3))
    for one in made:
        assert generate_only(engine, one.request, [one.index]) == [one]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_temperature_0_is_the_argmax_at_every_step(encoding):
    engine = TableEngine(encoding)
    (made,) = generate(engine, Request(seed=1, temperature=0, **FRAME))
    assert generate(engine, Request(seed=2, temperature=0, **FRAME))[0].ids == made.ids
    last = made.ids[0]
    context = engine.encoding.start(1, made.header)
    for token in made.ids[1:]:
        allowed = context.allowed() & StartsWithNote(engine.encoding).mask(context)
        allowed &= KeepsPlan(engine.encoding, np.zeros(1, np.bool_)).mask(context)
        allowed &= WholeBars(engine.encoding).mask(context) & InHeader(engine.encoding, [made.header]).mask(context)
        logits = InHeader(engine.encoding, [made.header]).pooled(engine.table[[last]], context)
        assert token == np.argmax(np.where(allowed[0], logits[0], -np.inf))
        context.advance(np.array([token]))
        last = token


def test_top_1_is_temperature_0():
    engine = TableEngine("event")
    assert (
        generate(engine, Request(seed=3, top_k=1, **FRAME))[0].ids
        == generate(engine, Request(temperature=0, **FRAME))[0].ids
    )


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_whole_primer_is_kept_its_first_note_too(encoding):
    primer = parse_notes("G4:3/2 A4:1/2 r:1 B4:1")
    for made in generate(TableEngine(encoding), Request(seed=4, count=20, primer=primer, meter="4/4", key="G")):
        assert made.melody.notes[: len(primer)] == primer.notes
        assert len(made.melody) == len(primer) + made.notes_drawn
        assert made.melody.duration > primer.duration


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_last_note_of_a_primer_is_not_made_longer(encoding):
    engine = TableEngine(encoding).likes("tie" if encoding != "grid" else "_")
    primer = parse_notes("G4:1 A4:1")
    (made,) = generate(engine, Request(seed=4, primer=primer, meter="4/4", bars=2))
    assert made.melody.notes[:2] == primer.notes


def test_grid_text_may_go_on_within_its_last_note():
    engine = TableEngine("grid").likes("_")
    primer = melody_of(["60", "_", "_", "_", "64", "_"])
    (made,) = generate(engine, Request(seed=4, primer=primer, held=True, meter="4/4", bars=1))
    assert tokens_of(made.melody)[:8] == ["60", "_", "_", "_", "64", "_", "_", "_"]


def test_each_primer_of_many_is_continued():
    primers = tuple(melody_of(text.split()) for text in ("60 _ 62 _", "72 _ _ _ _ _ 71", "r _ 64"))
    made = generate(TableEngine("grid"), Request(seed=1, count=7, primers=primers, held=True, max_steps=60))
    for index, one in enumerate(made):
        start = tokens_of(primers[index % 3])
        assert tokens_of(one.melody)[: len(start)] == start
        assert len(one.ids) > len(start) + 1


def test_a_primer_in_the_middle_of_a_pickup_and_a_phrase_end():
    primer = Melody((Note(0, 12, 62), Note(12, 60, 67)), 72, (Meter(0, 3, 4),), Key("G"), (72,), 12)
    for made in generate(TableEngine("event"), Request(seed=2, count=10, primer=primer, bars=3)):
        assert made.melody.notes[:2] == primer.notes
        assert (made.melody.pickup, made.melody.phrase_ends[0]) == (12, 72)
        assert made.melody.duration == 3 * 72


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_primers_in_different_frames_are_continued_beside_each_other(encoding):
    primers = (
        Melody((Note(0, 24, 67),), 24, (Meter(0, 3, 4),), Key("G"), pickup=24),
        Melody((Note(0, 24, 62), Note(24, 48, 65)), 72, (Meter(0, 6, 8),), Key("D", "minor")),
        parse_notes("F4:1 A4 C5:2"),
    )
    engine = TableEngine(encoding)
    for index, made in enumerate(generate(engine, Request(seed=2, count=6, primers=primers, max_steps=100))):
        primer = primers[index % 3]
        assert made.melody.notes[: len(primer)] == primer.notes
        assert made.melody.key == (primer.key or Key("F"))
        if primer.meters:
            assert (made.melody.meters[:1], made.melody.pickup) == (primer.meters, primer.pickup)
            assert is_whole(made.melody)
    assert engine.batches[0] == (6 if encoding != "grid" else 2)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_key_meter_and_bars_are_as_asked(encoding):
    request = Request(seed=1, count=10, key="Eb major", meter="6/8", bars=5, pickup="1/2")
    for made in generate(TableEngine(encoding), request):
        melody = made.melody
        assert (melody.key, melody.meters, melody.pickup) == (Key("Eb"), (Meter(0, 6, 8),), 12)
        assert melody.duration == 5 * 72
        assert (count_bars(melody), made.ended) == (5, True)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_melody_that_does_not_end_is_finished_with_a_whole_bar(encoding):
    engine = TableEngine(encoding).likes(*(("bars:128", 50.0) if encoding != "grid" else ("/", -1000.0)))
    request = Request(seed=1, count=20, meter="4/4", pickup="1", max_steps=50)
    for made in generate(engine, request):
        assert made.melody.duration % 96 == 0
        assert made.ended == (made.drawn <= 50)
    assert sum(not made.ended for made in generate(engine, request)) >= 10


def header_tokens(ids):
    stop = int(np.flatnonzero(np.isin(KINDS[list(ids)], (Kind.FREE, Kind.BARS)))[0]) + 1
    return tuple(ids[:stop])


@pytest.mark.parametrize("temperature", [0.2, 3.0])
def test_the_temperature_is_for_the_music_alone(temperature):
    engine = TableEngine("event", spread=1.5)
    some = {"seed": 4, "count": 200, "max_steps": 8}
    plain = generate(engine, Request(**some, temperature=1))
    tempered = generate(engine, Request(**some, temperature=temperature))
    assert len({header_tokens(one.ids) for one in plain}) > 50
    assert [header_tokens(one.ids) for one in tempered] == [header_tokens(one.ids) for one in plain]
    assert notes_of(tempered) != notes_of(plain)


def test_a_model_that_gives_no_numbers_is_refused():
    engine = TableEngine("grid")
    engine.table[:] = np.nan
    with pytest.raises(ModelError, match="NaN or infinity"):
        generate(engine, Request())


def test_ended_sequences_leave_the_batch():
    engine = TableEngine("grid", spread=0.5)
    generate(engine, Request(seed=1, count=64, temperature=1))
    assert engine.batches[0] == 64
    assert engine.batches[-1] < 16
    assert sorted(engine.batches, reverse=True) == engine.batches


def test_the_likelihood_is_that_of_the_model_itself():
    engine = TableEngine("grid")
    (made,) = generate(engine, Request(seed=1, primer="G4:1", temperature=0.5, top_k=7, meter="2/4", bars=2))
    table = engine.table.astype(float)
    log_p = table - np.log(np.exp(table).sum(axis=1, keepdims=True))
    pairs = list(zip(made.ids[4:], made.ids[5:], strict=False))
    assert made.log_likelihood == pytest.approx(sum(log_p[a, b] for a, b in pairs), rel=1e-5)
    assert made.drawn == len(pairs)


def test_progress_is_told():
    told = []
    generate_only(TableEngine("grid"), Request(seed=1, max_steps=30), range(5), advance=told.append)
    assert told == sorted(told)
    assert told[-1] == 5


def test_rules_that_leave_nothing_are_refused():
    class Nothing:
        def mask(self, context):
            return np.zeros((len(context.tick), 45), np.bool_)

        def select(self, indices):
            return self

    with pytest.raises(RequestError, match="leave nothing"):
        generate(TableEngine("grid"), Request(), [Nothing()])


class FirstPitch:
    """A rule with a wish for each sequence: the pitch of its first note."""

    def __init__(self, pitches):
        self.pitches = np.asarray(pitches)

    def mask(self, context):
        names = np.array(TableEngine("grid").encoding.vocabulary)
        return (context.tick > 0)[:, None] | (names == self.pitches.astype(str)[:, None])

    def select(self, indices):
        return FirstPitch(self.pitches[indices])


def test_rules_of_ones_own_hold_for_each_sequence(monkeypatch):
    monkeypatch.setattr(unconstrained, "BATCH", 3)
    pitches = [60, 64, 67, 72, 59, 62, 65, 69]
    made = generate(TableEngine("grid"), Request(seed=1, count=8, max_steps=40), [FirstPitch(pitches)])
    assert [one.melody.pitches[0] for one in made] == pitches


adversaries = st.builds(
    TableEngine,
    st.sampled_from(ENCODINGS),
    seed=st.integers(0, 2**32 - 1),
    spread=st.sampled_from([0.0, 1.0, 5.0, 30.0]),
)
meters = st.sampled_from(["4/4", "3/4", "6/8", "2/2", "5/4", "7/8", "3/16", "1/4", "9/8", "32/1"])


def is_whole(melody: Melody) -> bool:
    """Whether the last bar, with the pickup, is a whole one, and every bar before a change of meter too."""
    bars = list(melody.bars())
    full = [bar.end - bar.start == bar.meter.bar_ticks for bar in bars if bar.number]
    last = bars[-1]
    complement = last.end - last.start + melody.pickup == last.meter.bar_ticks
    return all(full[:-1]) and (complement if melody.pickup else full[-1])


@settings(max_examples=60)
@given(adversaries, st.integers(0, 1000), meters, st.integers(1, 6), st.sampled_from(["0", "1/4", "1/2", None]))
def test_bars_that_are_asked_for_are_kept_whatever_the_logits(engine, seed, meter, bars, pickup):
    if pickup == "1/4" and meter == "3/16":
        pickup = "0"
    bars = 1 if meter == "32/1" else bars
    request = Request(seed=seed, count=3, meter=meter, bars=bars, pickup=pickup, temperature=1)
    for made in generate(engine, request):
        assert made.melody.duration == bars * request.meter.bar_ticks
        assert is_whole(made.melody)
        assert made.melody.notes


@settings(max_examples=40)
@given(adversaries, st.integers(0, 1000), st.none() | meters, st.integers(1, 120), st.booleans())
def test_a_last_bar_is_whole_whatever_the_logits(engine, seed, meter, max_steps, primed):
    primer = {"primer": "G4:1/2 A4:3/2 B4:1"} if primed else {}
    request = Request(seed=seed, count=3, meter=meter, max_steps=max_steps, temperature=1, **primer)
    for made in generate(engine, request):
        assert made.melody.notes
        assert made.melody.notes[0].onset == 0
        if made.melody.meters:
            assert is_whole(made.melody)
        if primed:
            assert made.melody.notes[:3] == request.primers[0].notes
            assert made.melody.duration > request.primers[0].duration


@settings(max_examples=25)
@given(st.integers(0, 1000), st.sampled_from([1.0, 10.0, 30.0]), st.integers(0, 8))
def test_meters_change_on_bar_lines_only(seed, spread, bars):
    engine = TableEngine("event", seed, spread)
    for token in (f"beats:{n}" for n in range(1, 33)):
        engine.likes(token, 2 * spread)
    for made in generate(engine, Request(seed=seed, count=4, bars=bars or None, **({} if bars else {"max_steps": 60}))):
        melody = made.melody
        if melody.meters:
            assert is_whole(melody)
        if bars:
            assert count_bars(melody) == bars


@settings(max_examples=20)
@given(st.integers(0, 1000), st.sampled_from([1.0, 30.0]))
def test_a_number_of_bars_that_the_model_says_leaves_room_after_the_primer(seed, spread):
    engine = TableEngine("event", seed, spread).likes("bars:1").likes("bars:0", 60)
    primer = Melody((Note(0, 100, 67), Note(100, 92, 69)), 192, (Meter(0, 4, 4), Meter(96, 3, 4)), Key("G"))
    for made in generate(engine, Request(seed=seed, count=2, primer=primer, max_steps=40)):
        assert count_bars(made.melody) >= bars_beyond(primer) == 3
        assert made.melody.notes[:2] == primer.notes
        assert is_whole(made.melody)


@pytest.mark.parametrize("encoding", ["event", "grid"])
def test_a_model_that_loves_one_note_does_not_loop_on_it(encoding):
    token = "pitch:60" if encoding != "grid" else "60"
    made = generate(TableEngine(encoding).likes(token, 8.0), Request(count=4, seed=3, max_steps=400))
    for one in made:
        runs = [len(list(group)) for _, group in groupby(one.melody.pitches)]
        assert max(runs) <= MAX_REPEATED_NOTES
