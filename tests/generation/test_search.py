"""The complete search, against all melodies of a small world."""

from functools import cache
from itertools import product

import numpy as np
import pytest

from melodysynthesis.certificate import Verdict, certify
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.corpora.run_index import rhythm_steps
from melodysynthesis.errors import RequestError
from melodysynthesis.generation import max_copy
from melodysynthesis.generation.compile import build_problem, cut, history_rules_of, tables
from melodysynthesis.generation.contour_parts import parts_of, stretches_of
from melodysynthesis.generation.generate import check, generate
from melodysynthesis.generation.refusals import smallest_conflict
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.search import UndecidedError, known, perhaps, possible
from melodysynthesis.generation.stepper import EventHistory
from melodysynthesis.music import Key, Melody, Meter, Note
from tests.fakes import TableEngine

METER, BARS, KEY = Meter(0, 2, 4), 4, Key("C")
FRAME = {"key": "C", "meter": "2/4", "bars": BARS}
SMALL = {"durations": "1 2", "rests": False, "ties_over_bars": False}
BARS_OF = [((24, 24), pitches) for pitches in product((60, 62), repeat=2)] + [((48,), (p,)) for p in (60, 62)]


def every_melody():
    """All of four bars of one or two notes among two."""
    for bars in product(BARS_OF, repeat=BARS):
        notes, now = [], 0
        for durations, pitches in bars:
            for duration, pitch in zip(durations, pitches, strict=True):
                notes.append(Note(now, duration, pitch))
                now += duration
        yield Melody(tuple(notes), now, (METER,), KEY)


def asked(request, engine=None):
    encoding = (engine or TableEngine("event")).encoding
    return build_problem(encoding, request, Timeline.of_bars([METER] * BARS), KEY)


@cache
def kept_by(**rules):
    """Numbers of the melodies that keep some rules."""
    written = Request(**FRAME, **rules).model_dump(mode="json")
    return {n for n, melody in enumerate(every_melody()) if certify(melody, written).verdict is Verdict.KEPT}


@pytest.mark.parametrize(
    "form", ["AABA", "AABB", "ABAB", "ABCA", "AAAA", "AA'AA'", "AA'BA", "AA'A'A", "AA", "AA'", "ABCA'", "ABCD"]
)
@pytest.mark.parametrize(
    "rules",
    [
        {"contour": "+ - + - ."},
        {"contour": "+ - + - + ."},
        {"contour": "+ 0 - + 0 - + ."},
        {"contour": "+ 0 - + 0"},
        {"contour": "0 + 0 - 0 + - 0"},
        {"contour": "+ - 0 + - 0 + ."},
        {"contour": "+ - +", "max_syncopation": 0},
        {"fixed": "1.1:C4 2.1:D4"},
        {"cadence": True},
        {"cadence": True, "contour": "+ 0"},
        {"cadence": True, "chords": "C | G | D7 | C"},
        {"cadence": True, "fixed": "1.1:D4 2.1:D4"},
        {"chords": "Dm | C | Dm | Am7"},
        {"chords": "C | C | Dm | Dm", "leap_recovery": True},
    ],
)
def test_a_form_is_possible_if_and_only_if_some_melody_has_it(form, rules):
    request = Request(form=form, range="C4-D4", scale="major", **FRAME, **SMALL, **rules)
    there = kept_by(form=form) & kept_by(**rules)
    assert possible(asked(request)) == bool(there)


def steps_of(melody):
    onsets = np.array([*(note.onset for note in melody.notes), melody.duration])
    lasting, interval = np.diff(onsets), np.diff([note.pitch for note in melody.notes])
    return rhythm_steps(interval, lasting[:-1], lasting[1:])


@pytest.mark.parametrize("form", ["AA", "ABAB", "AABA", "AA'BA"])
@pytest.mark.parametrize("longest", [1, 2, 3, 4])
def test_a_form_without_copies_is_possible_if_and_only_if_some_melody_has_it(form, longest, monkeypatch):
    """What stands beside a section when it is sung again makes runs, too, that its own notes begin or end."""
    melodies = list(every_melody())
    own = {number: steps_of(melody).tolist() for number, melody in enumerate(melodies)}
    for seed in range(16):
        chosen = np.random.default_rng(seed).choice(len(melodies), 1 + seed % 4 * longest**2)
        training = np.concatenate([[*own[number], -1] for number in chosen.tolist()])
        monkeypatch.setattr(max_copy, "steps_of", lambda corpus, kind, training=training: training)
        windows = np.lib.stride_tricks.sliding_window_view(training, longest)
        copied = {tuple(window) for window in windows.tolist()}
        there = {
            number
            for number in kept_by(form=form)
            if not any(tuple(own[number][at : at + longest]) in copied for at in range(len(own[number]) - longest + 1))
        }
        request = Request(form=form, max_copy=longest, range="C4-D4", scale="major", **FRAME, **SMALL)
        assert possible(asked(request)) == bool(there)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("form", ["AA", "ABAB"])
def test_nothing_is_begun_in_a_form_that_would_be_a_copy_when_it_is_sung_again(form, seed, monkeypatch):
    """Of all steps from note to note four in five are copies, so that few notes can stand beside each other."""
    pitches, durations = (60, 62, 64, 65, 67), (12, 24, 36)
    intervals = {b - a for a in pitches for b in pitches}
    steps = np.array([rhythm_steps(*map(np.array, one)) for one in product(intervals, durations, durations)])
    copied = np.random.default_rng(seed).permutation(np.unique(steps))[: len(np.unique(steps)) * 4 // 5]
    monkeypatch.setattr(
        max_copy, "steps_of", lambda corpus, kind: np.stack([copied, np.full(len(copied), -1)], axis=1).ravel()
    )
    monkeypatch.setattr("melodysynthesis.generation.constrained.ConstrainedBatch.accepts", lambda self, sample: False)
    known.cache_clear()
    fields = {"durations": "1/2 1 3/2", "range": "C4-G4", "scale": "major", "rests": False, "max_copy": 1}
    request = Request(form=form, seed=seed, **fields, **FRAME)
    made = generate(TableEngine("event"), request) if possible(asked(request)) else []
    assert all(not set(steps_of(one.melody).tolist()) & set(copied.tolist()) for one in made)
    known.cache_clear()


@pytest.mark.parametrize("seed", [0, 5, 11, 18])
def test_a_section_is_drawn_so_that_it_can_be_sung_again_over_other_chords(seed, monkeypatch):
    monkeypatch.setattr("melodysynthesis.generation.constrained.ConstrainedBatch.accepts", lambda self, sample: False)
    fields = {"key": "G major", "pickup": "1", "meter": "4/4", "bars": 3, "form": "ABA", "range": "F3-B5", "seed": seed}
    fields |= {"durations": "1/2 1 3", "max_leap": 9, "max_syncopation": 7, "ties_over_bars": False}
    chords = ("A9", "Fsus2", "Gm6", "Emmaj7", "D7sus4", "Dbdim", "Dbm7b5", "Cmmaj7", "Gaug")[seed % 7 :]
    request = Request(**fields, chords=" | ".join(chords[:3]))
    (made,) = generate(TableEngine("event"), request)
    assert certify(made.melody, request.model_dump(mode="json")).verdict is Verdict.KEPT


def test_a_form_that_no_melody_has_is_refused_before_any_is_made():
    request = Request(form="AAAA", contour="+ + + + + .", range="C4-C5", scale="major", **FRAME, **SMALL)
    with pytest.raises(RequestError, match="form AAAA") as refused:
        check(TableEngine("event"), request)
    assert {"form", "contour"} <= set(refused.value.rules)


@pytest.mark.parametrize("encoding", ["event", "grid"])
def test_a_melody_is_found_wherever_there_is_one(encoding, monkeypatch):
    """Of two note pitches and a contour that only few beginnings can go on to keep."""
    monkeypatch.setattr("melodysynthesis.generation.constrained.ConstrainedBatch.accepts", lambda self, sample: False)
    request = Request(seed=2, form="AABA", contour="+ - + 0 + - + .", range="C4-G4", **FRAME, **SMALL)
    (made,) = generate(TableEngine(encoding), request)
    assert certify(made.melody, request.model_dump(mode="json")).verdict is Verdict.KEPT
    assert generate(TableEngine(encoding), request)[0].melody == made.melody


@pytest.mark.parametrize("encoding", ["event", "grid"])
def test_max_copy_is_kept_even_if_that_takes_a_rest(encoding, monkeypatch):
    """A quarter between quarters of the same pitch stands in a training tune, whatever came before."""
    same = rhythm_steps(np.array([0]), np.array([24]), np.array([24]))
    monkeypatch.setattr(max_copy, "steps_of", lambda corpus, kind: np.append(np.repeat(same, 9), -1))
    fields = {**FRAME, "durations": "1", "range": "C4-C4", "max_copy": 2, "seed": 1, "fixed": "1.2:C4 2.1:C4 3.1:C4"}
    (made,) = generate(TableEngine(encoding), Request(**fields))
    assert len(made.melody.notes) >= 4
    with pytest.raises(RequestError) as refused:
        generate(TableEngine(encoding), Request(rests=False, **fields))
    assert set(refused.value.rules) >= {"max_copy", "rests"}


def test_a_section_that_is_varied_is_not_silent():
    """Nothing in a silent section could differ: its rest may not last to its end, but one after a note may."""
    look = tables(asked(Request(form="ABB'C", **FRAME)))
    form, _ = history_rules_of(asked(Request(form="ABB'C", **FRAME)), look)
    space, rest = look.automaton.space, look.automaton.context.rest
    history = EventHistory.empty(len(space.ticks), rest)
    start, middle = space.number[[48]], space.number[[72]]
    assert form.may_last(history, start, np.array([rest]))[0].tolist() == [int(n) < 48 for n in space.lengths]
    assert form.may_last(history, start, np.array([0]))[0, space.lengths == 48].all()
    history.add(np.zeros(1, np.int64), start, np.array([0]), np.flatnonzero(space.lengths == 24))
    assert form.may_last(history, middle, np.array([rest]))[0, space.lengths == 24].all()


def test_what_can_not_be_found_out_in_time_is_told():
    request = Request(form="AABA", contour="+ - + 0 + - + .", range="C4-G4", **FRAME, **SMALL)
    known.cache_clear()
    with pytest.raises(UndecidedError):
        possible(asked(request), 1)
    known.cache_clear()


def test_notes_of_all_sections_are_counted_as_every_melody_has_them():
    """Of the numbers of notes that sections may have, none is missing with which some melody keeps contour and form."""
    fields = {"contour": "+ 0 - + 0 -", "form": "ABA'A"}
    one = asked(Request(range="C4-D4", **FRAME, **SMALL, **fields))
    places = cut(one.timeline, dict(one.values)["form"])
    stretches = stretches_of(dict(one.values)["form"], places)
    counted = {
        tuple(("more" if part.more else len(part.directions)) for part in parts)
        for parts in parts_of(dict(one.values)["contour"], stretches, tables(one))
    }
    kept, melodies = kept_by(form=fields["form"]) & kept_by(contour=fields["contour"]), list(every_melody())
    assert kept
    for number in kept:
        notes = [sum(start <= note.onset < end for note in melodies[number].notes) for start, end in places]
        assert any(
            all(known in ("more", here) for known, here in zip(known_notes, notes, strict=True))
            for known_notes in counted
        )


def test_a_count_that_makes_tables_too_large_is_kept_all_the_same(monkeypatch):
    fields = {"key": "C", "meter": "4/4", "bars": 4, "range": "C4-C5", "durations": "1/2 1 3/2", "scale": "major"}
    request = Request(seed=3, count=2, pickup=0, chromatic=5, max_syncopation=4, chords="C | F", **fields)
    whole = tables(build_problem(TableEngine("event").encoding, request, Timeline.of_bars([Meter(0, 4, 4)] * 4), KEY))
    monkeypatch.setattr("melodysynthesis.constraints.automaton.MAX_CELLS", whole.automaton.next.size // 2)
    tables.cache.clear()
    known.cache_clear()
    made = generate(TableEngine("event"), request)
    ((_, look),) = tables.cache.items()
    assert [rule.name for rule in look.automaton.uncounted] == ["max_syncopation"]
    for one in made:
        assert certify(one.melody, request.model_dump(mode="json")).verdict is Verdict.KEPT
    tables.cache.clear()
    known.cache_clear()


@pytest.mark.slow
def test_a_conflict_with_a_form_is_smallest():
    one = asked(Request(form="AABA", contour="+ - + - .", range="C4-D4", **FRAME, **SMALL))
    names = smallest_conflict(one)
    assert {"form", "contour"} <= set(names)
    assert not perhaps(one._replace(rules=names))
    for name in names:
        assert perhaps(one._replace(rules=tuple(other for other in names if other != name)))


def test_a_form_over_bars_in_which_no_event_fits_at_all_is_impossible():
    request = Request(**FRAME, form="AA", phrases="2 2")
    problem = asked(request)
    assert tables(problem) is not None
    assert tables(problem._replace(timeline=Timeline.of_bars([METER] * 6))) is None
