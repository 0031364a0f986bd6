"""Chooses the trials of a participant; seed and participant number determine them.

A rating is of one melody, a pair of two melodies of different sets. Over participants, in order of their numbers:

- each set is rated equally often, and each pair of sets is compared equally often, in both orders: for any number of
  participants the counts differ by one at most. For this, an endless sequence lists all pairs round by round, each pair
  in one order, then in the other, and each participant takes the next ones.
- each comparison of two sets uses the next melody of both. With sets of equal size the same two melodies are therefore
  compared by several participants, whose agreement can be measured.
- no participant hears a melody twice, as long as the sets are large enough.

Four attention checks are mixed in. Their answers count for nothing else:

========  ==================================================  ================================================
told      a rating, with the number to choose on the page     chosen in both questions
told      a pair, with the side to choose on the page         chosen
repeat    a melody that was rated before                      both answers are at most two steps off
twins     a pair of one and the same melody                   neither is chosen
========  ==================================================  ================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from random import Random
from typing import NamedTuple

RATINGS = range(1, 8)
FIRST, SECOND, NEITHER = CHOICES = ("first", "second", "neither")
RATING, PAIR = KINDS = ("rating", "pair")
REAL, DEMANDED, REPEAT, TWINS = PURPOSES = ("real", "told", "repeat", "twins")
STEPS_OFF = 2
"""Largest difference between two ratings of one melody that still passes the check."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Size and seed of a test.

    Attributes:
        sizes: number of melodies of each set.
        ratings: how many melodies a participant rates, checks aside.
        pairs: between how many pairs they choose.
        seed: of all random choices in this module.
    """

    sizes: tuple[int, ...]
    ratings: int
    pairs: int
    seed: int


class Spot(NamedTuple):
    """A melody: the number of its set, and its number within, both from 0."""

    set: int
    melody: int


class ListeningTrial(NamedTuple):
    """One question to a participant.

    Attributes:
        kind: of `KINDS`.
        first: the melody, or the first of a pair.
        second: the melody that it is compared with, in a pair.
        purpose: of `PURPOSES`.
        expected: the answer that the page demands, in a check of purpose "told".
    """

    kind: str
    first: Spot
    second: Spot | None = None
    purpose: str = REAL
    expected: str | None = None


class Answer(NamedTuple):
    """An answer: two numbers of `RATINGS`, or one of `CHOICES`."""

    pleasing: int | None = None
    human: int | None = None
    choice: str | None = None


def trials(shape: Shape, participant: int) -> list[ListeningTrial]:
    """List the trials of a participant, in order: first ratings, then pairs.

    Args:
        shape: of the test.
        participant: their number, from 0.
    """
    random = _random(shape, "participant", participant)
    used: set[Spot] = set()
    pairs = _pairs(shape, participant, used)
    ratings = _ratings(shape, participant, used)
    for row in (ratings, pairs):
        random.shuffle(row)
    return [*_with_rating_checks(ratings, shape, used, random), *_with_pair_checks(pairs, shape, used, random)]


def passed(trial: ListeningTrial, answer: Answer, before: Answer | None = None) -> bool:
    """Whether an answer passes a check; `before` is the first answer about a repeated melody."""
    if trial.purpose == DEMANDED:
        values = {answer.choice} if trial.kind == PAIR else {str(answer.pleasing), str(answer.human)}
        return values == {trial.expected}
    if trial.purpose == TWINS:
        return answer.choice == NEITHER
    if trial.purpose == REPEAT and before is not None:
        steps = [(answer.pleasing, before.pleasing), (answer.human, before.human)]
        return all(now is not None and was is not None and abs(now - was) <= STEPS_OFF for now, was in steps)
    return True


def _pairs(shape: Shape, participant: int, used: set[Spot]) -> list[ListeningTrial]:
    """The pairs of a participant; adds their melodies to `used`."""
    couples = list(combinations(range(len(shape.sizes)), 2))
    made = []
    for slot in range(participant * shape.pairs, (participant + 1) * shape.pairs):
        turn, place = divmod(slot, len(couples))
        random = _random(shape, "couples", turn)
        number = random.sample(range(len(couples)), len(couples))[place]
        couple = couples[number]
        spots = [_partner(shape, one, other, turn, used) for one, other in (couple, couple[::-1])]
        in_order = _random(shape, "sides", turn // 2, number).random() < 0.5
        made.append(ListeningTrial(PAIR, *(spots if in_order == (turn % 2 == 0) else reversed(spots))))
    return made


def _partner(shape: Shape, one: int, other: int, turn: int, used: set[Spot]) -> Spot:
    """The melody of set `one` that is compared with one of set `other` in a turn."""
    others = len(shape.sizes) - 1
    place = other - (other > one)  # among the others; in a turn each of them is compared with another part of the set
    return _next_unused(_order(shape, one), turn + place * shape.sizes[one] // others, used)


def _ratings(shape: Shape, participant: int, used: set[Spot]) -> list[ListeningTrial]:
    """The ratings of a participant; adds their melodies to `used`."""
    sets = len(shape.sizes)
    made = []
    for slot in range(participant * shape.ratings, (participant + 1) * shape.ratings):
        turn, place = divmod(slot, sets)
        number = _random(shape, "ratings", turn).sample(range(sets), sets)[place]
        # each round uses another order; with a fixed one, a melody's raters could always be those who hear it in pairs
        time, start = divmod(turn, shape.sizes[number])
        made.append(ListeningTrial(RATING, _next_unused(_order(shape, number, "rated", time), start, used)))
    return made


def _next_unused(order: Sequence[Spot], start: int, used: set[Spot]) -> Spot:
    """The next melody from a place on that is not used yet; if all are, the one at the place."""
    row = [order[(start + step) % len(order)] for step in range(len(order))]
    found = next((spot for spot in row if spot not in used), row[0])
    used.add(found)
    return found


def _with_rating_checks(
    ratings: list[ListeningTrial], shape: Shape, used: set[Spot], random: Random
) -> list[ListeningTrial]:
    if not ratings:
        return []
    spot = _any_unused(shape, used, random)
    check = ListeningTrial(RATING, spot, None, DEMANDED, str(random.choice(RATINGS)))
    checked = _mixed_in(ratings, check, random)
    if len(ratings) > 1:  # the second is repeated at the end: after one rating the participant knows the scale
        again = ratings[min(1, len(ratings) - 2)]
        checked.append(again._replace(purpose=REPEAT))
    return checked


def _with_pair_checks(
    pairs: list[ListeningTrial], shape: Shape, used: set[Spot], random: Random
) -> list[ListeningTrial]:
    if not pairs:
        return []
    twin = _any_unused(shape, used, random)
    one, other = (_any_unused(shape, used, random) for _ in range(2))
    check = ListeningTrial(PAIR, one, other, DEMANDED, random.choice((FIRST, SECOND)))
    checked = _mixed_in(pairs, ListeningTrial(PAIR, twin, twin, TWINS), random)
    return _mixed_in(checked, check, random)


def _any_unused(shape: Shape, used: set[Spot], random: Random) -> Spot:
    everything = [Spot(number, melody) for number, size in enumerate(shape.sizes) for melody in range(size)]
    found = random.choice([spot for spot in everything if spot not in used] or everything)
    used.add(found)
    return found


def _mixed_in(row: list[ListeningTrial], check: ListeningTrial, random: Random) -> list[ListeningTrial]:
    """Insert a check anywhere but at the beginning of a row."""
    place = random.randint(1, len(row))
    return [*row[:place], check, *row[place:]]


@lru_cache(maxsize=256)
def _order(shape: Shape, number: int, *what: object) -> list[Spot]:
    """The melodies of a set in the order in which they are used."""
    melodies = range(shape.sizes[number])
    return [
        Spot(number, melody) for melody in _random(shape, "melodies", number, *what).sample(melodies, len(melodies))
    ]


def _random(shape: Shape, *what: object) -> Random:
    return Random(f"{shape.seed} {what}")
