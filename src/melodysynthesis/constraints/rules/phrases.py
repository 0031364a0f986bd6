"""Phrases of so many bars: none sounds on into the next, and each may end with a rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

import numpy as np

from melodysynthesis.constraints.rule import NO, Ints, RuleContext, StatelessRule
from melodysynthesis.constraints.specification import EventPlaces, FieldSpec, RequestedBars, RuleSpec, Values
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.errors import RequestError
from melodysynthesis.music import Melody
from melodysynthesis.notation import split_items

WITHIN, LAST, ACROSS = range(3)


def parse_phrases(text: str) -> tuple[int, ...]:
    """The bars of each phrase, of a text such as "4 4 2 6".

    Raises:
        RequestError: naming the one that can't be read.
    """
    words = split_items(text, "phrases", "4 4 2 6")
    for word in words:
        if not (word.isascii() and word.isdigit() and 1 <= int(word) <= 127):
            raise RequestError(f"phrases: {word[:40]!r}: expected a number of bars, such as 4 4 2 6")
    return tuple(map(int, words))


def format_phrases(phrases: Sequence[int]) -> str:
    """The inverse of `parse_phrases`."""
    return " ".join(map(str, phrases))


def ends_of(timeline: Timeline, phrases: Sequence[int]) -> tuple[int, ...]:
    """The ticks at which phrases end: whole bars after tick 0, so that each begins with its pickup."""
    lines = [line - timeline.pickup for line in timeline.bar_lines]
    return tuple([lines[bars] for bars in accumulate(phrases) if bars < len(lines)] + [timeline.ticks])


class Phrases(StatelessRule):
    """Guaranteed: each phrase has a note, and none sounds across its end. State 1: this one has.

    Args:
        context: of the melody.
        phrases: bars of each.
        rests: whether each but the last ends with a rest.
    """

    states = 2

    def __init__(self, context: RuleContext, phrases: Sequence[int], rests: bool) -> None:
        super().__init__(context)
        self.rests, self.phrase_ends = rests, np.array(ends_of(context.timeline, phrases))
        self.fits = sum(phrases) == len(context.timeline.meters)

    def symbols(self, onsets: Ints, lengths: Ints) -> Ints:
        """Twice whether the event is within a phrase, its last, or goes on; and 1 in the melody's last phrase."""
        number = np.searchsorted(self.phrase_ends, onsets, "right")
        over = onsets + lengths - self.phrase_ends[np.minimum(number, len(self.phrase_ends) - 1)]
        place = np.where(over < 0, WITHIN, np.where(over == 0, LAST, ACROSS))
        return np.where(self.fits & (place != ACROSS), 2 * place + (number == len(self.phrase_ends) - 1), NO)

    def transitions(self, symbol: int) -> Ints:
        """Whether the phrase has a note; from its end on there is none in the next."""
        place, final = divmod(symbol, 2)
        notes, rest = np.array([1, 1]), np.array([0, 1])
        if place == LAST:
            notes, rest = np.array([0, 0]), np.array([NO, 0])
            if self.rests and not final:
                notes[:] = NO
        return np.stack([notes, rest], axis=1)[:, None, [0] * len(self.context.pitches) + [1]]


def _check(values: Values, bars: RequestedBars) -> None:
    if bars.number and sum(values["phrases"]) != bars.number:
        raise RequestError(f"phrases of {sum(values['phrases'])} bars in all, but {bars.number} are requested")


def _completed(values: Values) -> Mapping[str, Any]:
    """As many bars as the phrases have, where no number is requested."""
    given = values["bars"] or values["meters"] or values["within"]
    return {} if given else {"bars": sum(values["phrases"])}


def _finish(melody: Melody, values: Values) -> Melody:
    return replace(melody, phrase_ends=ends_of(Timeline.of_melody(melody), values["phrases"]))


SPEC = RuleSpec(
    name="phrases", label="phrase lengths", type=tuple[int, ...], example="4 4 2 6",
    parse=parse_phrases, write=format_phrases,
    help='Bars of each phrase: "4 4 2 6".',
    guarantee="The melody has phrases of so many bars, each of which begins with its pickup (tick 0 and whole bars "
    "after it). Each has a note, and none sounds across its end.",
    options=(
        FieldSpec(
            name="phrase_rests", label="rests between phrases", type=bool, example=True, default=False, one_way=True,
            help="Each phrase but the last ends with a rest.",
            guarantee="Each phrase but the last ends with a rest.",
        ),
    ),
    build=lambda context, values: Phrases(context, values["phrases"], values["phrase_rests"]),
    check=_check,
    places=lambda phrases, timeline, cuts: EventPlaces(onsets=frozenset(ends_of(timeline, phrases))),
    cuts=lambda phrases, timeline: ends_of(timeline, phrases)[:-1],
    completes=_completed,
    finish=_finish,
)  # fmt: skip
