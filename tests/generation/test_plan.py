"""Plans that are given: words, refusals, and melodies that follow them."""

import re

import numpy as np
import pytest

from melodysynthesis.encodings.plan import Plan, PlanSection, parse_plan, plan_of
from melodysynthesis.errors import EncodingError, RequestError
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.request import Request
from tests.fakes import TableEngine

ASKED = {"key": "G", "meter": "3/4", "plan": "A:6 B:6 A':6 C:6 last:5", "seed": 1}
ENDS = (144, 288, 432, 576)


def test_a_plan_is_read_and_written():
    plan = parse_plan("A:8, B:6.5 A':1/2 last:#1")
    assert plan == Plan((PlanSection("A", 192), PlanSection("B", 156), PlanSection("A'", 12)), 1)
    assert str(plan) == "A:8 B:6.5 A':0.5 last:b2"
    assert str(parse_plan("A:8")) == "A:8"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "plan"),
        ("last:1", "expected 1 to 64 phrases"),
        ("B:8", "B comes before the first A"),
        ("A:8 C:8", "C comes before the first B"),
        ("A':8", "A' comes before the first A"),
        ("A:8 last:9", "degree '9'"),
        ("A:8 last:1 last:5", "last is given twice"),
        ("A:8 A", "expected phrases such as A:8"),
        ("A:8 M:8", "expected phrases such as A:8"),
        ("A:0", "duration '0'"),
        ("A:1e99", "duration"),
        (" ".join(["A:1"] * 65), "expected 1 to 64 phrases"),
    ],
)
def test_what_is_no_plan_is_refused_in_one_line(text, message):
    with pytest.raises(RequestError, match=re.escape(message)) as error:
        parse_plan(text)
    assert "\n" not in str(error.value)


def test_the_bars_follow_from_the_plan():
    assert Request(**ASKED).bars == 8
    assert Request(**ASKED, bars=8) == Request(**ASKED)
    assert Request(**Request(**ASKED).model_dump(mode="json", exclude_none=True)) == Request(**ASKED)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"meter": None}, "needs one meter"),
        ({"meter": "5/4"}, "24 quarters does not fill bars of 5/4"),
        ({"bars": 7}, "has 8 bars of 3/4, not 7"),
        ({"primer": "G4:1"}, "leave out the primer"),
        ({"form": "AB"}, "a plan can't be given with rules: leave out --form"),
        ({"plan": "A:64 B:64 C:64 D:64 E:64 F:64"}, "128 bars are more than 127"),
    ],
)
def test_a_plan_that_contradicts_the_request_is_refused(more, message):
    with pytest.raises(RequestError, match=message):
        Request(**ASKED | more)


@pytest.mark.parametrize("encoding", ["event", "grid"])
def test_a_model_without_plans_refuses_one(encoding):
    with pytest.raises(EncodingError, match="can't keep the plan A:6 B:6 A':6 C:6 last:5"):
        generate(TableEngine(encoding), Request(**ASKED))


def test_the_notes_follow_the_plan():
    request = Request(**ASKED, count=4)
    for made in generate(TableEngine("planned"), request):
        assert made.plan == request.plan
        assert made.melody.phrase_ends == ENDS
        assert made.melody.duration == ENDS[-1]
        assert (made.melody.notes[-1].pitch - 7) % 12 == request.plan.last


def test_an_open_last_degree_is_the_models_choice():
    made = generate(TableEngine("planned"), Request(**ASKED | {"plan": "A:6 B:6"}, count=12))
    assert {str(one.plan).rpartition(" ")[0] for one in made} == {"A:6 B:6"}
    assert len({one.plan.last for one in made}) > 1
    for one in made:
        assert (one.melody.notes[-1].pitch - 7) % 12 == one.plan.last


def test_without_a_given_plan_the_model_draws_one_for_each_melody():
    made = generate(TableEngine("planned"), Request(key="G", meter="4/4", bars=8, count=6, seed=2))
    assert len({str(one.plan) for one in made}) == 6
    for one in made:
        assert one.melody.phrase_ends == tuple(np.cumsum([section.ticks for section in one.plan.sections]).tolist())
        assert plan_of(one.melody) is None or plan_of(one.melody).last == one.plan.last
