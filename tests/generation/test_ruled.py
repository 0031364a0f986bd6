"""What melodies with rules keep, whatever the model; the certificate, which shares no code with them, is the judge."""

import dataclasses
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melodysynthesis.certificate import Verdict, certify
from melodysynthesis.corpora.run_index import rhythm_steps, steps_of_melody
from melodysynthesis.encodings.base import count_bars
from melodysynthesis.errors import RequestError
from melodysynthesis.generation import max_copy
from melodysynthesis.generation.compile import build_problem, tables
from melodysynthesis.generation.constrained import stream_request
from melodysynthesis.generation.generate import distance, generate, generate_only, ranked
from melodysynthesis.generation.refusals import smallest_conflict
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.task import bars_of, rewritten
from melodysynthesis.music import Key, Melody, Meter, Note
from tests.fakes import TableEngine

FRAME = {"key": "G major", "meter": "3/4", "bars": 4}
REQUESTS = [
    {**FRAME, "scale": "major", "range": "D4-G5", "max_leap": 9, "leap_recovery": True, "cadence": True},
    {**FRAME, "pickup": "1", "chords": "G | C | D7 | G", "scale": "major", "chromatic": 1},
    {**FRAME, "rhythm": "1 1/2 1/2 r:1", "contour": "+ + - 0"},
    {**FRAME, "fixed": "1.1:G4 2.5/2:A4 4.1:G4", "durations": "1/2 1 3/2", "ties_over_bars": False},
    {**FRAME, "form": "AABA", "cadence": True, "range": "C4-C6", "rests": False},
    {**FRAME, "form": "AA'", "max_syncopation": 6, "scale": "chromatic"},
    {"key": "D dorian", "meters": "3/4 x1, 4/4 x2, 6/8 x1", "scale": "dorian", "chromatic": 8, "max_leap": 12},
    {**FRAME, "form": "AABA", "max_note": "2", "max_rest": "1", "cadence": True},
    {**FRAME, "rhythm": "1/2 r:1/2 1", "max_rest": "1/2", "max_note": "1", "form": "AA"},
    {"key": "A minor", "meter": "6/8", "bars": 5, "scale": "harmonic-minor", "cadence": True, "temperature": 0},
    {"key": "F", "meter": "5/4", "bars": 2, "scale": "blues", "top_k": 5, "top_p": 0.9, "particles": 3},
]  # fmt: skip
PITCHES = (67, 69, 71, 72, 74, 76, 74, 72, 71, 69, 67, 67)
TUNE = Melody(
    tuple(Note(24 * i, 24, pitch) for i, pitch in enumerate(PITCHES)), 288, (Meter(0, 3, 4),), Key("G"), (144, 288)
)


def is_kept(melody, request):
    return certify(melody, request.model_dump(mode="json")).verdict is Verdict.KEPT


def test_tables_are_kept_by_their_size():
    tables.cache.clear()
    made = generate(TableEngine("event"), Request(key="C", meter="2/4", bars=2, range="C4-E4", seed=1))
    (asked,) = tables.cache
    assert tables.cache.currsize == tables(asked).bytes > 1000
    assert generate(TableEngine("event"), Request(key="C", meter="2/4", bars=2, range="C4-E4", seed=1)) == made
    assert len(tables.cache) == 1


@pytest.mark.parametrize("encoding", ["event", "grid"])
@pytest.mark.parametrize("fields", REQUESTS, ids=lambda fields: " ".join(sorted(fields)))
def test_every_melody_keeps_every_rule_whatever_the_model(fields, encoding):
    count = 1 if fields.get("temperature") == 0 else 2
    request = Request(seed=1, count=count, **fields)
    made = generate(TableEngine(encoding, spread=3.0), request)
    assert len(made) == count
    for one in made:
        assert is_kept(one.melody, request), one.melody
        assert one.steering.effective_size >= 1
        assert count_bars(one.melody) == request.number_of_bars


@pytest.mark.parametrize("encoding", ["event", "grid"])
def test_a_melody_with_rules_is_made_again_from_its_own_request_and_does_not_depend_on_its_batch(encoding):
    engine = TableEngine(encoding)
    many = generate(engine, Request(seed=5, count=6, scale="major", cadence=True, **FRAME))
    assert generate_only(engine, many[0].request, [5, 3]) == sorted([many[3], many[5]], key=lambda one: one.index)
    for one in many[:3]:
        assert generate_only(engine, one.request, [one.index]) == [one]


def test_what_is_not_asked_for_is_the_models_choice_if_rules_can_be_kept():
    engine = TableEngine("event", spread=1.0)
    for one in generate(engine, Request(seed=1, count=1, scale="dorian", cadence=True, form="ABA")):
        assert is_kept(one.melody, one.request)
        assert count_bars(one.melody) % 3 == 0


def test_the_pickup_is_the_models_choice_under_rules_too():
    engine, frame = TableEngine("event", spread=2.0), {"key": "G", "bars": 4, "seed": 1, "count": 12}
    free = [one.melody.pickup for one in generate(engine, Request(meter="3/4", **frame))]
    assert len(set(free)) > 2
    assert [one.melody.pickup for one in generate(engine, Request(meter="3/4", scale="major", **frame))] == free
    whole = generate(engine, Request(meter="3/4", scale="major", pickup=0, **frame))
    assert {one.melody.pickup for one in whole} == {0}
    frame["bars"] = None
    short = generate(engine, Request(meters="4/4 x3, 1/8 x1", scale="major", **frame))  # the pickup leaves a last bar
    assert {one.melody.duration for one in short} == {3 * 96 + 12}
    assert all(one.melody.pickup < 12 for one in short)


@pytest.mark.parametrize("encoding", ["event", "grid"])
def test_a_primer_is_kept_and_the_rules_hold_for_it_too(encoding):
    engine = TableEngine(encoding)
    request = Request(seed=2, count=4, primer="D4:1 r:1/2 G4:1/2 A4:1/4", scale="major", cadence=True, **FRAME)
    for one in generate(engine, request):
        assert one.melody.notes[:3] == request.primers[0].notes
        assert is_kept(one.melody, request)
    with pytest.raises(RequestError, match="range C5-C6 and the notes that are given together"):
        generate(engine, request.model_copy(update={"range": Request(range="C5-C6").range}))


@pytest.mark.parametrize("encoding", ["event", "grid"])
@pytest.mark.parametrize("bars", ["1-1", "2-3", "3-4", "1-4"])
def test_bars_are_rewritten_and_all_else_is_kept(encoding, bars):
    request = Request(seed=1, count=3, within=TUNE, rewrite=bars, range="C4-C6")
    start, end = rewritten(TUNE, request.rewrite)
    made = generate(TableEngine(encoding), request)
    for one in made:
        melody = one.melody
        assert [n for n in melody.notes if not start <= n.onset < end] == [
            n for n in TUNE.notes if not start <= n.onset < end
        ]
        assert (melody.duration, melody.meters, melody.key) == (TUNE.duration, TUNE.meters, TUNE.key)
        assert {tick for tick in TUNE.phrase_ends if not start < tick < end} - {288} <= set(melody.phrase_ends)
        assert is_kept(melody, request)
    assert len({one.melody.notes for one in made}) > 1


def test_a_note_that_is_held_into_the_bars_is_kept_and_one_held_out_of_them_is_rewritten():
    held = Melody((Note(0, 96, 67), Note(96, 60, 69), Note(156, 60, 71)), 216, (Meter(0, 3, 4),), Key("G"))
    assert rewritten(held, (2, 2)) == (96, 156)
    (made,) = generate(TableEngine("event"), Request(seed=1, within=held, rewrite="2"))
    assert made.melody.notes[0] == held.notes[0]
    assert made.melody.notes[-1] == held.notes[-1]
    with pytest.raises(RequestError, match="all one note"):
        rewritten(Melody((Note(0, 216, 67),), 216, (Meter(0, 3, 4),)), (2, 2))


def test_no_run_of_notes_is_longer_than_allowed(monkeypatch):
    engine = TableEngine("grid", spread=0.3)
    training = generate(engine, Request(seed=1, count=30, scale="major-pentatonic", range="C4-C5", **FRAME))
    steps = np.concatenate([steps_by_hand(one.melody) for one in training])
    monkeypatch.setattr(max_copy, "steps_of", lambda corpus, kind: steps)
    asked = {"seed": 2, "count": 8, "scale": "major-pentatonic", "range": "C4-C5", **FRAME}
    known = {n: runs_by_hand([one.melody for one in training], n) for n in (3, 4)}
    free = generate(engine, Request(**asked))
    assert any(runs_by_hand([one.melody], 4) & known[4] for one in free)
    for one in generate(engine, Request(max_copy=3, **asked)):
        assert not runs_by_hand([one.melody], 4) & known[4]


def test_no_run_of_pitches_is_longer_than_allowed_in_any_rhythm(monkeypatch):
    engine = TableEngine("grid", spread=0.3)
    frame = {"scale": "major-pentatonic", "range": "C4-C5", **FRAME}
    training = [one.melody for one in generate(engine, Request(seed=1, count=30, **frame))]
    steps = np.concatenate([steps_of_melody(melody, "interval") for melody in training])
    monkeypatch.setattr(max_copy, "steps_of", lambda corpus, kind: steps)

    def runs(melody):
        intervals = np.diff(melody.pitches).tolist()
        return set(zip(intervals, intervals[1:], intervals[2:], strict=False))

    known = set().union(*map(runs, training))
    free, kept = (generate(engine, Request(seed=2, count=8, **frame, **more)) for more in ({}, {"max_copy_pitches": 3}))
    assert any(runs(one.melody) & known for one in free)
    assert not any(runs(one.melody) & known for one in kept)


def test_bars_are_rewritten_so_that_no_run_goes_on_into_what_is_kept(monkeypatch):
    steps = steps_by_hand(TUNE)
    monkeypatch.setattr(max_copy, "steps_of", lambda corpus, kind: steps)
    engine = TableEngine("grid", spread=0.3)
    as_it_was = {"within": TUNE, "rewrite": "2", "rhythm": "1", "fixed": "2.1:C5 2.2:D5 2.3:E5"}
    assert generate(engine, Request(seed=1, max_copy=12, **as_it_was))[0].melody.notes == TUNE.notes
    with pytest.raises(RequestError, match=r"fixed .* max-copy 11 and .* given .* fails at G4 in bar 4, beat 3; one"):
        generate(engine, Request(seed=1, max_copy=11, **as_it_was))
    with pytest.raises(RequestError, match=r"max-copy 4 and .* given together: it fails at E5 in bar 2, beat 3"):
        generate(engine, Request(seed=1, within=TUNE, rewrite="4", max_copy=4))


@pytest.mark.parametrize("encoding", ["event", "grid"])
@pytest.mark.parametrize("rewrite", ["2", "3", "1-2"])
def test_bars_are_rewritten_in_a_rhythm_and_a_form_though_a_rest_goes_on_from_them(rewrite, encoding):
    """In each half a rest lies over a bar line: where it begins it is given, where it ends it is the rhythm's."""
    half = ((0, 24, 60), (24, 24, 64), (48, 24, 67), (144, 48, 60))
    notes = tuple(Note(onset + late, ticks, pitch) for late in (0, 192) for onset, ticks, pitch in half)
    whole = Melody(notes, 384, (Meter(0, 4, 4),), Key("C"))
    written = {"within": whole, "rewrite": rewrite, "form": "AA", "rhythm": "1 1 1 r:3/2 r:3/2 2"}
    for one in generate(TableEngine(encoding), Request(seed=1, count=2, **written)):
        assert is_kept(one.melody, one.request)
        assert one.melody.notes == notes  # as what is given in one half is sung in the other


def test_a_primer_ends_within_a_rest_of_the_rhythm():
    primer = Melody((Note(0, 24, 67), Note(24, 24, 69)), 60)
    written = {**FRAME, "primers": [primer], "rhythm": "1 1 r:1/2 r:1/2"}
    for one in generate(TableEngine("event"), Request(seed=1, count=2, **written)):
        assert is_kept(one.melody, one.request)
        assert [note.onset % 72 for note in one.melody.notes] == [0, 24] * 4


@pytest.mark.parametrize(
    ("rule", "match"),
    [
        (
            {"range": "G4-G5"},
            "range G4-G5 and .* given together in 4 bars of 3/4, G major: it fails at D4 in bar 2, beat 1; "
            "one can be made with range D4-C6 or without range G4-G5$",
        ),
        (
            {"scale": "natural-minor"},
            "scale natural-minor and .* fails at B4 in bar 1, beat 3; one can be made with 1 chr",
        ),
        ({"durations": "1"}, "durations 1 and .* fails at C5 in bar 2, beat 5/2; one can be made without durations 1$"),
        ({"rests": False}, "no rests and .* fails at the rest in bar 2, beat 2; one can be made with rests$"),
        ({"form": "AAAA"}, "form AAAA and .* fails at D4 in bar 2, beat 1; one can be made without form AAAA$"),
        ({"max_leap": 7}, "max-leap 7 and .* fails at D4 in bar 2, beat 1; one can be made with max-leap 10 "),
    ],
)
def test_a_primer_that_breaks_a_rule_is_told_with_the_rule_and_the_place(rule, match):
    primer = "G4:1 A4:1 B4:1 D4:1 r:1/2 C5:1/2"
    with pytest.raises(RequestError, match=match):
        generate(TableEngine("event"), Request(seed=1, primer=primer, **FRAME, **rule))


def steps_by_hand(melody):
    onsets = [note.onset for note in melody.notes]
    lasting = [b - a for a, b in pairwise(onsets)] + [melody.notes[-1].duration]
    pairs = zip(melody.notes, melody.notes[1:], lasting, lasting[1:], strict=False)
    steps = [rhythm_steps(*map(np.array, (b.pitch - a.pitch, x, y))) for a, b, x, y in pairs]
    return np.array([*map(int, steps), -1])


def runs_by_hand(melodies, notes):
    found = set()
    for melody in melodies:
        steps = steps_by_hand(melody)[:-1].tolist()
        found |= {tuple(steps[i : i + notes - 1]) for i in range(len(steps) - notes + 2)}
    return found


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"range": "D4-E4", "cadence": True}, "no melody keeps range D4-E4 and cadence together in 4 bars of 3/4"),
        ({"fixed": "1.1:G4 1.2:G5", "max_leap": 5, "durations": "1"}, "max-leap 5.* and fixed"),
        ({"rhythm": "3/2", "durations": "1", "scale": "major"}, "durations 1 and rhythm 3/2 together"),
        ({"chords": "C#", "scale": "major", "max_leap": 3}, "scale major and chords C#"),
        ({"fixed": "1.1:G4 3.1:A4", "form": "AB", "rests": False}, None),
        ({"fixed": "1.1:G4 3.1:A4", "form": "AA"}, "fixed 1.1:G4 3.1:A4 and form AA"),
        ({"rhythm": "r:1 2", "rests": False}, "no rests and rhythm"),
        ({"fixed": "2.9:G4"}, "keeps fixed 2.9:G4 in"),
    ],
)
def test_what_no_melody_can_keep_is_refused_with_what_conflicts(fields, match):
    request = Request(seed=1, **FRAME, **fields)
    if match is None:
        assert generate(TableEngine("grid"), request)
        return
    with pytest.raises(RequestError, match=match):
        generate(TableEngine("grid"), request)


def test_a_conflict_is_minimal_each_of_its_rules_is_needed():
    engine = TableEngine("event")
    request = Request(
        key="C", meter="2/4", bars=2, range="C4-E4", cadence=True, chords="F | G", scale="major", max_leap=2,
        durations="1/2 1", rests=False, fixed="1.1:C4", seed=1,
    )  # fmt: skip
    header = dataclasses.replace(generate(engine, Request(key="C", meter="2/4", bars=2, seed=1))[0].header, pickup=0)
    asked = build_problem(engine.encoding, request, bars_of(request, header), request.key)

    def possible(one):
        return tables(one) is not None

    names = smallest_conflict(asked)
    assert not possible(asked._replace(rules=names))
    for fewer in combinations(names, len(names) - 1):
        assert possible(asked._replace(rules=fewer))


@pytest.mark.parametrize("encoding", ["event", "grid"])
@pytest.mark.parametrize("ahead", [0, 2])
def test_notes_that_are_out_are_final_and_keep_the_rules(encoding, ahead):
    request = Request(seed=4, scale="major", cadence=True, range="D4-G5", particles=4, pickup=0, **FRAME)
    sung = list(stream_request(TableEngine(encoding), request, ahead=ahead))
    notes = tuple(Note(*one.event) for one in sung if one.event.pitch is not None)
    assert is_kept(Melody(notes, 288, (Meter(0, 3, 4),), request.key), request)
    assert [one.event.onset for one in sung[1:]] == [one.event.onset + one.event.ticks for one in sung[:-1]]
    assert list(stream_request(TableEngine(encoding), request, ahead=ahead)) == sung


def test_the_first_note_is_out_long_before_the_melody_is_finished():
    engine = TableEngine("event")
    first = next(stream_request(engine, Request(seed=4, scale="major", key="G", meter="3/4", bars=32, particles=2)))
    assert first.event.onset == 0
    assert sum(engine.batches[-4:]) <= 8
    assert len(engine.batches) < 15


@pytest.mark.parametrize("encoding", ["event", "grid"])
@pytest.mark.parametrize(
    "rules", [{"form": "AABA"}, {"form": "AA'", "contour": "+ 0 - +"}, {"max_copy": 3}, {"form": "ABAB", "max_copy": 4}]
)
def test_rules_that_look_far_back_are_streamed(rules, encoding, monkeypatch):
    training = generate(TableEngine(encoding), Request(seed=1, count=10, scale="major", range="D4-G5", **FRAME))
    monkeypatch.setattr(
        max_copy, "steps_of", lambda corpus, kind: np.concatenate([steps_by_hand(one.melody) for one in training])
    )
    engine = TableEngine(encoding)
    request = Request(seed=4, range="D4-G5", scale="major", pickup=0, **rules, **FRAME)
    sung = stream_request(engine, request)
    first, steps = next(sung), len(engine.batches)
    sung = [first, *sung]
    assert steps <= len(engine.batches) / 2
    notes = tuple(Note(*one.event) for one in sung if one.event.pitch is not None)
    melody = Melody(notes, 288, (Meter(0, 3, 4),), request.key)
    assert is_kept(melody, request.model_copy(update={"max_copy": None}))
    if longest := request.max_copy:
        assert not runs_by_hand([melody], longest + 1) & runs_by_hand([one.melody for one in training], longest + 1)
    assert list(stream_request(TableEngine(encoding), request)) == sung


def test_alternatives_are_likely_and_unlike_each_other():
    made = generate(TableEngine("grid", spread=1.0), Request(seed=1, count=6, scale="major", **FRAME))
    chosen = ranked([*made, made[0]], 4)
    assert len({one.melody.notes for one in chosen}) == 4
    assert chosen[0].log_likelihood / chosen[0].notes_drawn == max(o.log_likelihood / o.notes_drawn for o in made)
    assert ranked(made[:2], 5) == ranked(made[:2], 2)
    assert distance(TUNE, TUNE) == 0
    assert distance(TUNE, TUNE.transpose(1)) == 1


@settings(max_examples=8)
@given(
    st.sampled_from(["event", "grid"]), st.integers(0, 999), st.sampled_from(["2/4", "3/4", "4/4", "6/8", "5/4"]),
    st.integers(1, 6), st.sets(st.sampled_from(["scale", "leaps", "cadence", "rests", "ties", "chords"])),
)  # fmt: skip
def test_random_rules_are_kept_or_refused(encoding, seed, meter, bars, which):
    rules = {
        "scale": {"scale": "mixolydian", "chromatic": 2}, "leaps": {"leap_recovery": True, "max_leap": 14},
        "cadence": {"cadence": True}, "rests": {"rests": False}, "ties": {"ties_over_bars": False},
        "chords": {"chords": "A"},
    }  # fmt: skip
    fields = {name: value for one in which for name, value in rules[one].items()}
    request = Request(seed=seed, key="A", meter=meter, bars=bars, range="C4-C6", count=2, **fields)
    if "cadence" in which and bars == 1 and meter in ("2/4", "3/4", "5/4"):
        # The bar's only strong beat is its first: no note could stand before the last.
        with pytest.raises(RequestError, match="no melody keeps cadence"):
            generate(TableEngine(encoding, seed), request)
        return
    for one in generate(TableEngine(encoding, seed), request):
        assert is_kept(one.melody, request)


def test_no_melody_escapes_rules_by_long_notes_or_rests_unless_there_is_no_other():
    engine = TableEngine("event", spread=3.0)
    fields = {"key": "C", "meter": "3/4", "bars": 8, "seed": 1, "count": 8}
    for one in generate(engine, Request(**fields, chords="C | G7")):
        ends = [note.end for note in one.melody.notes]
        rests = [
            start - end for end, start in zip(ends, [*(n.onset for n in one.melody.notes[1:]), 8 * 72], strict=True)
        ]
        assert max(note.duration for note in one.melody.notes) <= 72
        assert max(rests) <= 54
    few = generate(engine, Request(**fields, contour="+ - ."))  # three notes in eight bars
    assert {len(one.melody.notes) for one in few} == {3}
    given = generate(engine, Request(**fields, primer="C4:5 D4", scale="major"))  # which is longer, and stays
    assert {one.melody.notes[0].duration for one in given} == {120}
