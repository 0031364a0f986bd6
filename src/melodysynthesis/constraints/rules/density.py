"""How many notes begin in a bar."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from melodysynthesis.constraints.rule import NO, Ints, RuleContext, StatelessRule
from melodysynthesis.constraints.specification import RuleSpec
from melodysynthesis.errors import RequestError

_DENSITY = re.compile(r"\s*(\d{1,2})\s*(?:(?:-|–|\.\.|to)\s*(\d{1,2})\s*)?")
COUNTED, CLOSES, DEMANDED, EMPTY = 1, 2, 4, 8
"""Bits of an input symbol: the event begins in a bar, not in the pickup; it ends that bar; the bar is not the last;
bars between are empty."""


class Density(NamedTuple):
    """The fewest and the most notes of a bar."""

    fewest: int
    most: int

    def __str__(self) -> str:
        return f"{self.fewest}-{self.most}"


def parse_density(text: str) -> Density:
    """The density of a text such as "2-6", or of one number.

    Raises:
        RequestError: if it is none, or upside down.
    """
    match = _DENSITY.fullmatch(text)
    if match is None or int(match[2] or match[1]) < max(int(match[1]), 1):
        raise RequestError(f"density {text[:40]!r}: expected the fewest and the most notes of a bar, such as 2-6")
    return Density(int(match[1]), int(match[2] or match[1]))


class DensityRule(StatelessRule):
    """Guaranteed: in each bar at most so many notes begin, and in each but the last at least so many.

    A state is how many did in this bar.
    """

    def __init__(self, context: RuleContext, density: Density) -> None:
        super().__init__(context)
        self.fewest, self.most = density
        self.states = self.most + 1
        timeline = context.timeline
        self.bar = np.searchsorted(timeline.bar_lines, np.arange(timeline.ticks + 1), "right")
        self.last = int(self.bar[-2])

    def symbols(self, onsets: Ints, lengths: Ints) -> Ints:
        """See `COUNTED`."""
        bar, then = self.bar[onsets], self.bar[np.minimum(onsets + lengths, len(self.bar) - 1)]
        between = np.minimum(then, self.last) - bar > 1
        return np.asarray(
            COUNTED * (bar > 0) + CLOSES * (then > bar) + DEMANDED * ((bar > 0) & (bar < self.last)) + EMPTY * between
        )

    def transitions(self, symbol: int) -> Ints:
        """The count after a note or a rest, from 0 on in a new bar."""
        counts = np.arange(self.states)
        after = np.stack([counts + bool(symbol & COUNTED), counts], axis=1)  # (states, note or rest)
        broken = after > self.most
        if symbol & CLOSES:
            broken |= (after < self.fewest) & bool(symbol & DEMANDED)
            after = np.zeros_like(after)
        broken |= bool(symbol & EMPTY) and self.fewest > 0
        table = np.where(broken, NO, after)
        return table[:, None, [0] * len(self.context.pitches) + [1]]


SPEC = RuleSpec(
    name="density", label="notes a bar", type=Density, example="2-6", parse=parse_density,
    help='Fewest and most notes of a bar: "2-6".',
    guarantee="In each bar at most so many notes begin, and at least so many in each but the last. A pickup is free.",
    build=lambda context, values: DensityRule(context, values["density"]),
    by_bar=True,
)  # fmt: skip
