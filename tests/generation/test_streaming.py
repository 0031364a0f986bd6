"""Melodies while they are drawn: what is yielded before the end, and under which number."""

import pytest

from melodysynthesis.generation.batch import Generated, Partial
from melodysynthesis.generation.constrained import ConstrainedBatch
from melodysynthesis.generation.generate import generate, generate_streaming
from melodysynthesis.generation.request import Request
from tests.fakes import TableEngine

HEADER = {"key": "G major", "meter": "3/4", "bars": 4}
REQUESTS = [
    {"count": 5, "max_steps": 60},
    {"count": 3, **HEADER},
    {"count": 4, "scale": "major", "cadence": True, **HEADER},
    {"count": 3, "form": "AA'BA", "range": "D4-G5", **HEADER},
    {"count": 3, "primer": "D4:1 G4:1", "scale": "major", **HEADER},
    {"count": 2, "max_leap": 9, "particles": 1, **HEADER},
    {"count": 2, "primers": ("G4:1 A4:1", "D5:1 B4:1"), "meter": "4/4", "bars": 2},
]


def request_of(fields):
    primers = tuple(Request(primer=text).primers[0] for text in fields.get("primers", ()))
    return Request(seed=5, **(fields | {"primers": primers} if primers else fields))


def follow(engine, request):
    """The melodies, and the notes of each as a page would have them that takes what is kept and what is new."""
    made, shown, partials = [], {}, 0
    for drawn in generate_streaming(engine, request):
        if isinstance(drawn, Generated):
            made.append(drawn)
            continue
        assert isinstance(drawn, Partial)
        before, notes, kept = shown.get(drawn.index, ()), drawn.melody.notes, drawn.kept
        assert kept <= len(before)
        assert before[:kept] == notes[:kept]
        assert before[kept : kept + 1] != notes[kept : kept + 1]  # all that is as before is kept; something is not
        shown[drawn.index] = notes
        partials += 1
    assert partials >= request.count
    return sorted(made, key=lambda one: one.index), shown


@pytest.mark.parametrize("encoding", ["event", "grid"])
@pytest.mark.parametrize("fields", REQUESTS, ids=" ".join)
def test_the_melodies_are_those_that_are_generated_whole(fields, encoding):
    request = request_of(fields)
    made, shown = follow(TableEngine(encoding), request)
    assert made == generate(TableEngine(encoding), request)
    assert set(shown) == set(range(request.count))
    if not request.steered:  # nothing is ever taken back
        assert all(one.melody.notes[: len(shown[one.index])] == shown[one.index] for one in made)


def test_melodies_in_keys_that_the_model_chooses_have_their_own_numbers():
    """They have no task in common, so no batch has all of them."""
    request = Request(seed=3, count=4, scale="major", meter="3/4", bars=2)
    engine = TableEngine("event", spread=1.0)
    made, shown = follow(engine, request)
    assert len({one.melody.key for one in made}) > 1
    assert set(shown) == set(range(4))
    for one in made:  # a scale that is no other key's: the draft was this melody's
        assert {note.pitch % 12 for note in shown[one.index]} <= {
            (one.melody.key.pitch_class + step) % 12 for step in (0, 2, 4, 5, 7, 9, 11)
        }


@pytest.mark.parametrize("encoding", ["event", "grid"])
def test_notes_of_a_melody_that_is_drawn_by_backtracking_are_shown_under_its_number(encoding, monkeypatch):
    request = Request(seed=2, count=2, form="AA", max_leap=7, range="D4-G5", **HEADER)
    monkeypatch.setattr(ConstrainedBatch, "accepts", lambda self, sample: False)
    made, shown = follow(TableEngine(encoding), request)
    assert [one.steering.attempts for one in made] == [2, 2]
    for one in made:
        before = shown[one.index][:-1]  # the last one may be tied on
        assert len(before) > 2
        assert one.melody.notes[: len(before)] == before


def test_progress_counts_the_melodies_of_all_batches():
    told = []
    request = Request(seed=3, count=4, scale="major", meter="3/4", bars=2)
    list(generate_streaming(TableEngine("event", spread=1.0), request, told.append))
    assert told == sorted(told)
    assert told[-1] == 4


def test_what_progress_raises_ends_the_drawing():
    class StoppedError(Exception):
        pass

    def stop(ended):
        raise StoppedError

    engine = TableEngine("event")
    with pytest.raises(StoppedError):
        list(generate_streaming(engine, Request(seed=3, count=4, **HEADER), stop))
    assert len(engine.batches) == 1
