"""The durations that notes may have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from melodysynthesis.constraints.rule import Ints, RuleContext, StatelessRule
from melodysynthesis.constraints.space import STRAIGHT, TRIPLET
from melodysynthesis.constraints.specification import EventPlaces, RuleSpec
from melodysynthesis.notation import format_quarters, parse_quarters, split_items


def parse_durations(text: str) -> tuple[int, ...]:
    """Ticks of durations in quarters, ascending.

    Raises:
        RequestError: naming the one that can't be read.
    """
    return tuple(sorted({parse_quarters(word) for word in split_items(text, "durations", "1/4 1/2 1")}))


def format_durations(durations: Sequence[int]) -> str:
    """The inverse of `parse_durations`."""
    return " ".join(map(format_quarters, durations))


class Durations(StatelessRule):
    """Guaranteed: each note, tied ones as a whole, has one of the durations. Rests are free."""

    def __init__(self, context: RuleContext, ticks: tuple[int, ...]) -> None:
        super().__init__(context)
        self.ticks = ticks

    def symbols(self, onsets: Ints, lengths: Ints) -> Ints:
        """1: only a rest may have this duration."""
        del onsets
        return np.asarray(~np.isin(lengths, self.ticks)).astype(np.int64)

    def transitions(self, symbol: int) -> Ints:
        """By the duration alone."""
        return self.allowing(symbol == 0)


SPEC = RuleSpec(
    name="durations", label="durations", type=tuple[int, ...], example="1/2 1 3/2",
    parse=parse_durations, write=format_durations,
    help='The only durations of notes, in quarters: "1/2 1 3/2".',
    guarantee="Notes, tied ones as a whole, have only these durations, in quarters. Rests are free.",
    build=lambda context, values: Durations(context, values["durations"]),
    places=lambda ticks, timeline, cuts: EventPlaces(
        frozenset(ticks), anywhere=any(one % STRAIGHT and one % TRIPLET for one in ticks)
    ),
    by_bar=True,
)  # fmt: skip
