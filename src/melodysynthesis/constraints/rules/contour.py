"""Whether the first notes go up, go down or stay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from melodysynthesis.constraints.rule import NO, Flags, Ints, RuleContext, StatelessRule
from melodysynthesis.constraints.specification import RuleSpec
from melodysynthesis.errors import RequestError
from melodysynthesis.notation import MAX_ITEMS


class Contour(NamedTuple):
    """Directions from note to note: 1 up, -1 down, 0 the same pitch; `whole` if the melody ends with them."""

    directions: tuple[int, ...]
    whole: bool

    def __str__(self) -> str:
        return " ".join("-0+"[direction + 1] for direction in self.directions) + (" ." if self.whole else "")


def parse_contour(text: str) -> Contour:
    """The contour of a text such as "+ + - 0".

    Raises:
        RequestError: naming the sign that can't be read.
    """
    whole = text.rstrip().endswith(".")
    signs = "".join(text.rstrip().removesuffix(".").replace(",", " ").replace("−", "-").replace("=", "0").split())
    if not 1 <= len(signs) <= MAX_ITEMS:
        raise RequestError(f"{len(signs)} directions of a contour: expected 1 to {MAX_ITEMS}, such as '+ + - 0'")
    for sign in signs:
        if sign not in "+-0":
            raise RequestError(f"contour {text[:40]!r}: {sign!r} is not + (up), - (down) or 0 (the same)")
    return Contour(tuple("-0+".index(sign) - 1 for sign in signs), whole)


class ContourRule(StatelessRule):
    """Guaranteed: from note to note the melody goes as the contour says; then freely, or it ends there.

    A state is how many directions were followed.
    """

    def __init__(self, context: RuleContext, contour: Contour) -> None:
        super().__init__(context)
        self.directions, self.whole = contour
        self.states = len(self.directions) + 1
        signs = np.sign(context.intervals)
        follows = [np.where(signs == direction, s + 1, NO) for s, direction in enumerate(self.directions)]
        last = np.full(signs.shape, NO if self.whole else len(self.directions))
        notes = np.stack([*follows, last])
        notes[0, -1] = 0  # the first note has no direction yet
        rest = np.broadcast_to(np.arange(self.states)[:, None, None], (self.states, len(signs), 1))
        self.table = np.concatenate([notes, rest], axis=2)

    def transitions(self, symbol: int) -> Ints:
        """By the interval."""
        del symbol
        return self.table

    def ends(self) -> Flags:
        """When all directions were followed."""
        return np.equal(np.arange(self.states), len(self.directions))[:, None]


class ContourPart(NamedTuple):
    """A stretch of a melody whose number of notes is known, with the direction to each of them.

    Attributes:
        end: its tick.
        directions: of its notes, the first one's from the note before it; None where any will do.
        more: whether there may be more notes than directions.
    """

    end: int
    directions: tuple[int | None, ...]
    more: bool


class ContourInParts(StatelessRule):
    """Guaranteed: each part has as many notes as it has directions, or `more`, and they go so.

    A state is how many notes of the part there were. No event may go on from one part into the next.

    Args:
        context: of the melody.
        parts: one after the other, up to the end.
    """

    def __init__(self, context: RuleContext, parts: Sequence[ContourPart]) -> None:
        super().__init__(context)
        self.part_ends = np.array([part.end for part in parts])
        self.part = np.searchsorted(self.part_ends, np.arange(context.timeline.ticks), "right")
        self.kinds = list(dict.fromkeys((part.directions, part.more) for part in parts))
        self.kind = np.array([self.kinds.index((part.directions, part.more)) for part in parts])
        self.states = max(len(directions) for directions, _ in self.kinds) + 1

    def symbols(self, onsets: Ints, lengths: Ints) -> Ints:
        """Twice the number of the directions, and one more for what ends a part."""
        part = self.part[onsets]
        over = onsets + lengths - self.part_ends[part]
        return np.where(over <= 0, 2 * self.kind[part] + (over == 0), NO)

    def transitions(self, symbol: int) -> Ints:
        """By the interval."""
        number, last = divmod(symbol, 2)
        directions, more = self.kinds[number]
        signs = np.sign(self.context.intervals)
        table = np.full((self.states, len(signs), len(signs)), NO)
        for state, direction in enumerate(directions):
            table[state, :, :-1] = state + 1 if direction is None else np.where(signs == direction, state + 1, NO)
            table[state, :, -1] = state
        table[len(directions), :, :-1] = len(directions) if more else NO
        table[len(directions), :, -1] = len(directions)
        return np.where(table == len(directions), 0, NO) if last else table


SPEC = RuleSpec(
    name="contour", label="contour", type=Contour, example="+ + - 0", parse=parse_contour,
    help='Directions of the first notes: "+ + - 0".',
    guarantee="The first notes go up (+), go down (-) or stay (0) in this order. With a full stop after the signs the "
    "melody ends with them, else it goes on freely.",
    build=lambda context, values: ContourRule(context, values["contour"]),
)  # fmt: skip
