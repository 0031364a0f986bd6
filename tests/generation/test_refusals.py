"""What a refusal proposes can be kept."""

import pytest

from melodysynthesis.certificate import Verdict, certify
from melodysynthesis.errors import RequestError
from melodysynthesis.generation import refusals
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.request import Request
from tests.fakes import TableEngine

FRAME = {"key": "C", "meter": "4/4", "bars": 2, "pickup": 0, "seed": 1}
CASES = [
    ({"cadence": True, "range": "C#4-B4"}, "with range C4-C5", {"range": "C4-C5"}),
    ({"cadence": True, "range": "C#4-B4"}, "without cadence", {"cadence": False}),
    ({"fixed": "1.1:C4 2.1:G4", "max_leap": 5, "durations": "4"}, "with max-leap 7", {"max_leap": 7}),
    ({"contour": "+ + + + +", "durations": "2"}, "with 3 bars", {"bars": 3}),
    ({"scale": "major", "fixed": "1.1:C#4"}, "with 1 chromatic note", {"chromatic": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "words", "change"), CASES, ids=[case[1] for case in CASES])
def test_a_refusal_proposes_a_request_that_can_be_kept(rules, words, change):
    with pytest.raises(RequestError) as refused:
        generate(TableEngine("event"), Request(**FRAME | rules))
    assert words in str(refused.value)
    request = Request(**FRAME | rules | change)
    (made,) = generate(TableEngine("event"), request)
    assert certify(made.melody, request.model_dump(mode="json")).verdict is Verdict.KEPT


def test_nothing_is_proposed_that_was_not_found_in_time(monkeypatch):
    monkeypatch.setattr(refusals, "NEAREST_SECONDS", 0.0)
    with pytest.raises(RequestError, match="leave one out, or change it"):
        generate(TableEngine("event"), Request(**FRAME, cadence=True, range="C#4-B4"))


def test_tables_that_would_be_too_large_are_refused_with_the_rule_that_takes_most(monkeypatch):
    monkeypatch.setattr("melodysynthesis.constraints.automaton.MAX_STEPS", 100_000)
    refusals.tables.cache.clear()
    with pytest.raises(RequestError, match=r"over 2 bars: contour .* takes most") as refused:
        generate(TableEngine("event"), Request(**FRAME, contour="+ - + - + -", cadence=True))
    assert "contour" in refused.value.rules
    refusals.tables.cache.clear()
