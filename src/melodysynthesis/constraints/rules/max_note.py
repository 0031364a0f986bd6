"""A limit to how long a note lasts."""

from __future__ import annotations

from typing import NamedTuple

from melodysynthesis.constraints.rule import Ints, RuleContext, StatelessRule
from melodysynthesis.constraints.specification import RuleSpec
from melodysynthesis.notation import format_quarters, parse_quarters


class Length(NamedTuple):
    """A length in ticks, which is written in quarters."""

    ticks: int

    def __str__(self) -> str:
        return format_quarters(self.ticks)


def parse_length(text: str) -> Length:
    """The length of a text in quarters, such as "3" or "3/2"; see `notation.parse_quarters`."""
    return Length(parse_quarters(text))


class MaxNote(StatelessRule):
    """Guaranteed: no note, tied ones as a whole, is longer than `ticks`."""

    def __init__(self, context: RuleContext, ticks: int) -> None:
        super().__init__(context)
        self.ticks = ticks

    def symbols(self, onsets: Ints, lengths: Ints) -> Ints:
        """1: too long for a note."""
        del onsets
        return (lengths > self.ticks).astype(int)

    def transitions(self, symbol: int) -> Ints:
        """By the duration alone."""
        return self.allowing(symbol == 0)


SPEC = RuleSpec(
    name="max_note", label="longest note", type=Length, example="3", parse=parse_length,
    help="Longest note in quarters; a bar if not given, with any rule.",
    guarantee="No note, tied ones as a whole, lasts longer than so many quarters. Without this rule, any other rule "
    "keeps to notes of at most a bar (of the longest meter), unless no such melody exists, and does not promise it.",
    build=lambda context, values: MaxNote(context, values["max_note"].ticks),
    by_bar=True,
)  # fmt: skip
