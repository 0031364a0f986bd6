"""The highest note, and the bar that it is in."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from melodysynthesis.constraints.rule import NO, Flags, Ints, RuleContext, StatelessRule
from melodysynthesis.constraints.specification import RequestedBars, RuleSpec, Values
from melodysynthesis.errors import RequestError
from melodysynthesis.notation import format_pitch, parse_pitch

_CLIMAX = re.compile(r"\s*(\d{1,3})\s*:\s*(\S+)\s*")


class Climax(NamedTuple):
    """The number of a bar, and a pitch."""

    bar: int
    pitch: int

    def __str__(self) -> str:
        return f"{self.bar}:{format_pitch(self.pitch)}"


def parse_climax(text: str) -> Climax:
    """The climax of a text such as "6:E5".

    Raises:
        RequestError: if it is none.
    """
    match = _CLIMAX.fullmatch(text)
    if match is None or int(match[1]) < 1:
        raise RequestError(f"climax {text[:40]!r}: expected a bar from 1 on and its pitch, such as 6:E5")
    return Climax(int(match[1]), parse_pitch(match[2]))


class ClimaxRule(StatelessRule):
    """Guaranteed: no note is higher than the climax, and it begins in its bar and in no other. State 1: it has."""

    states = 2

    def __init__(self, context: RuleContext, climax: Climax) -> None:
        super().__init__(context)
        timeline = context.timeline
        self.high, self.lower = context.pitches == climax.pitch, context.pitches < climax.pitch
        bar = np.searchsorted(timeline.bar_lines, np.arange(timeline.ticks), "right")
        self.inside = bar == climax.bar

    def pitches(self) -> Flags:
        """Those that are not higher."""
        return np.asarray(self.high | self.lower)

    def symbols(self, onsets: Ints, lengths: Ints) -> Ints:
        """1: in the bar."""
        del lengths
        return np.asarray(self.inside[onsets].astype(np.int64))

    def transitions(self, symbol: int) -> Ints:
        """Lower notes, and in the bar the climax."""
        each = np.arange(2)[:, None, None]
        notes = np.where(self.lower, each, np.where(self.high & bool(symbol), 1, NO))
        return np.concatenate([notes, each], axis=2)

    def ends(self) -> Flags:
        """After the climax."""
        return np.array([[False], [True]])


def _check(values: Values, bars: RequestedBars) -> None:
    climax: Climax = values["climax"]
    if bars.number and climax.bar > bars.number:
        raise RequestError(f"climax {climax}: there is no bar {climax.bar}, as {bars.number} are requested")


SPEC = RuleSpec(
    name="climax", label="climax", type=Climax, example="6:E5", parse=parse_climax,
    help='Bar and pitch of the highest note: "6:E5".',
    guarantee="No note is higher than this pitch. It begins in this bar, counted from 1, and in no other.",
    build=lambda context, values: ClimaxRule(context, values["climax"]),
    check=_check,
)  # fmt: skip
