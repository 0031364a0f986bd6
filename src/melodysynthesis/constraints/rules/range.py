"""The pitches that a melody may use."""

from __future__ import annotations

import re
from typing import NamedTuple

from melodysynthesis.constraints.rule import Flags, Ints, RuleContext, StatelessRule
from melodysynthesis.constraints.specification import RuleSpec
from melodysynthesis.errors import RequestError
from melodysynthesis.notation import format_pitch, parse_pitch

_RANGE = re.compile(r"\s*(\S+?-?\d)\s*(?:-|–|\.\.|to)\s*(\S+)\s*")


class PitchRange(NamedTuple):
    """The pitches from `lowest` to `highest`, both included, as MIDI numbers."""

    lowest: int
    highest: int


def parse_range(text: str) -> PitchRange:
    """The range of a text such as "D4-G5".

    Raises:
        RequestError: if it is none, or upside down.
    """
    match = _RANGE.fullmatch(text)
    if match is None:
        raise RequestError(f"range {text[:40]!r}: expected the lowest and the highest pitch, such as D4-G5")
    lowest, highest = parse_pitch(match[1]), parse_pitch(match[2])
    if lowest > highest:
        raise RequestError(f"range {text.strip()!r} is upside down: did you mean {match[2]}-{match[1]}?")
    return PitchRange(lowest, highest)


def format_range(pitches: PitchRange) -> str:
    """The inverse of `parse_range`."""
    return f"{format_pitch(pitches.lowest)}-{format_pitch(pitches.highest)}"


class Range(StatelessRule):
    """Guaranteed: every note lies within the range, its ends included."""

    def __init__(self, context: RuleContext, pitches: PitchRange) -> None:
        super().__init__(context)
        self.inside = (context.pitches >= pitches.lowest) & (context.pitches <= pitches.highest)

    def pitches(self) -> Flags:
        """Those within."""
        return self.inside

    def transitions(self, symbol: int) -> Ints:
        """Pitches within, and rests."""
        del symbol
        return self.allowing(self.inside)


SPEC = RuleSpec(
    name="range", label="range", type=PitchRange, example="D4-G5", parse=parse_range, write=format_range,
    help='Lowest and highest pitch: "D4-G5".',
    guarantee="No note is lower than the first pitch or higher than the second.",
    build=lambda context, values: Range(context, values["range"]),
    by_bar=True,
)  # fmt: skip
