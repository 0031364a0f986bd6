"""How the beats of a bar are grouped. The timeline knows it: it decides which beats are strong for the other rules."""

from __future__ import annotations

from collections.abc import Sequence

from melodysynthesis.constraints.rule import StatelessRule
from melodysynthesis.constraints.specification import RequestedBars, RuleSpec, Values
from melodysynthesis.errors import RequestError


def parse_grouping(text: str) -> tuple[int, ...]:
    """The groups of a text such as "3+2".

    Raises:
        RequestError: if it is none.
    """
    groups = [word.strip() for word in text.split("+")]
    if len(groups) < 2 or not all(word.isascii() and word.isdigit() and 1 <= int(word) <= 64 for word in groups):
        raise RequestError(f"grouping {text[:40]!r}: expected the beats of each group of a bar, such as 3+2 or 2+2+3")
    return tuple(map(int, groups))


def format_grouping(groups: Sequence[int]) -> str:
    """The inverse of `parse_grouping`."""
    return "+".join(map(str, groups))


def _check(values: Values, bars: RequestedBars) -> None:
    groups = values["grouping"]
    if bars.meters and all(meter.beats != sum(groups) for meter in bars.meters):
        shown = format_grouping(groups)
        raise RequestError(f"grouping {shown} is of {sum(groups)} beats, but a bar of {bars.meters[0]} has other beats")


SPEC = RuleSpec(
    name="grouping", label="grouping of beats", type=tuple[int, ...], example="3+2",
    parse=parse_grouping, write=format_grouping,
    help='Groups of the beats of a bar: "3+2" of 5/4; also --meter 3+2/4.',
    guarantee="In bars of so many beat units each group begins with a strong beat, and no other beat is strong: for "
    "chords, cadence, syncopation and the stresses of words. Without it, bars of odd beats such as 5/4 and 7/8 have "
    "one strong beat, and 8/8 has two. There are such bars.",
    build=lambda context, values: StatelessRule(context),
    check=_check,
    by_bar=True,
)  # fmt: skip
