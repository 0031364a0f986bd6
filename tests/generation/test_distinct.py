"""Two melodies of one request are never equal."""

from melodysynthesis.generation.batch import Generated
from melodysynthesis.generation.generate import TwinError, generate_distinct, generate_only
from melodysynthesis.generation.request import Request
from tests.fakes import TableEngine

ENGINE = TableEngine("event", spread=1.0)
FEW = {"bars": 1, "meter": "2/4", "pickup": 0, "key": "C major", "range": "C4-D4", "scale": "major", "rhythm": "1 1"}
"""Four melodies keep these rules."""


def test_as_many_different_melodies_come_as_there_are_and_the_others_are_refused():
    drawn = list(generate_distinct(ENGINE, Request(**FEW, seed=2, count=6)))
    made = [one.melody for one in drawn if isinstance(one, Generated)]
    assert [one.index for one in drawn] == list(range(6))
    assert len(set(made)) == len({one.notes for one in made}) == 4
    assert all(isinstance(one.error, TwinError) for one in drawn[4:])


def test_a_melody_does_not_depend_on_the_count_and_is_made_again_by_itself():
    request = Request(**FEW, seed=2, count=4)
    four, three = (list(generate_distinct(ENGINE, request.model_copy(update={"count": n}))) for n in (4, 3))
    assert [one.melody.notes for one in four[:3]] == [one.melody.notes for one in three]
    assert any(one.request.redraw for one in four)
    for one in four:
        assert generate_only(ENGINE, one.request, [one.index])[0].melody == one.melody


def test_without_rules_a_twin_is_drawn_anew_too():
    engine, request = TableEngine("event", spread=20.0), Request(bars=1, meter="2/4", seed=2, count=12, drafts=1)
    drawn = [one.melody.notes for one in generate_distinct(engine, request) if isinstance(one, Generated)]
    assert len(set(drawn)) == len(drawn)
    assert len({one.melody.notes for one in generate_only(engine, request, range(12))}) < len(drawn)
