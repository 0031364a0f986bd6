"""Rules that are wishes."""

import pytest

from melodysynthesis.certificate import Verdict, certify
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.generate import check, generate, generate_only
from melodysynthesis.generation.output import rules
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.wishes import share_of
from melodysynthesis.music import Key, Melody, Meter, Note
from tests.fakes import TableEngine

ENGINE = TableEngine("event")
FRAME = {"key": "C", "meter": "4/4", "bars": 2, "pickup": 0, "seed": 1, "count": 2}
TUNE = Melody(tuple(Note(24 * n, 24, pitch) for n, pitch in enumerate((60, 62, 67, 65, 64, 72, 71, 60))), 192,
              (Meter(0, 4, 4),), Key("C"))  # fmt: skip


def certified(one):
    return certify(one.melody, one.request.model_dump(mode="json")).verdict


def test_a_wish_that_others_allow_is_kept_like_a_rule():
    request = Request(**FRAME, range="C4-C5", max_leap=2, prefer="max-leap")
    for one in generate(ENGINE, request):
        assert certified(one) is Verdict.KEPT
        assert one.wishes == {"max_leap": 1.0}
        assert rules(one)["guaranteed"] == ["range"]


@pytest.mark.parametrize(
    "fields",
    [
        {"range": "C4-C5", "fixed": "1.1:C4 1.2:C5", "durations": "1", "max_leap": 2},
        {"max_leap": 2, "within": TUNE, "rewrite": "2", "bars": None, "meter": None, "pickup": None, "key": None},
        {"form": "AA", "fixed": "1.1:C4 2.1:D4", "prefer": "form"},
    ],
    ids=["two rules", "fill", "form"],
)
def test_a_wish_that_conflicts_is_left_out_and_its_share_is_measured(fields):
    fields = {name: value for name, value in {**FRAME, "prefer": "max_leap", **fields}.items() if value is not None}
    request = Request(**fields)
    (wish,) = request.wishes
    with pytest.raises(RequestError, match=wish.replace("_", "-")):
        check(ENGINE, request.model_copy(update={"prefer": None}))
    for one in generate(ENGINE, request):
        assert wish not in one.request.rules
        assert certified(one) is Verdict.KEPT
        share = one.wishes[wish]
        assert share is None if wish == "form" else 0 <= share < 1
        assert generate_only(ENGINE, one.request, [one.index])[0].melody == one.melody


@pytest.mark.parametrize(
    ("fields", "share"),
    [({"max_leap": 4}, 5 / 8), ({"range": "C4-G4"}, 6 / 8), ({"cadence": True}, 7 / 8), ({"contour": "+ + -"}, 1.0)],
)
def test_the_share_is_of_notes_that_break_nothing(fields, share):
    (name,) = fields
    assert share_of(name, Request(key="C", **fields), TUNE) == pytest.approx(share)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"prefer": "max-leap"}, "prefer max-leap: add that rule, such as --max-leap 9"),
        ({"prefer": "max-leep", "max_leap": 3}, "prefer: unknown rule 'max_leep': did you mean max_leap"),
    ],
)
def test_a_wish_that_is_no_rule_of_the_request_is_refused(fields, said):
    with pytest.raises(RequestError, match=said):
        Request(**fields)
