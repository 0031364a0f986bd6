"""Which melodies a participant hears, and what is asked of them: the same for the same seed and participant.

Ratings are of one melody each, pairs of two of different sets. Over participants, in order of their numbers:

- each set is rated equally often, and each pair of sets is heard equally often, in both orders: of any number of
  participants the counts differ by one at most. For that, all pairs are dealt in an endless row, in rounds of each pair
  in one order, then in the other, and each participant takes the next ones.
- within a pair of sets the melodies meet as in a dance: each time both are the next of their set. So, with sets of one
  size, the same two melodies meet again, for others, and it can be seen whether people agree on them.
- nobody hears a melody twice, as long as the sets are large enough.

Four checks of attention are mixed in, which count for nothing else:

========  ==================================================  ================================================
told      a rating, where the number to choose is said        chosen in both questions
told      a pair, where the one to choose is said             chosen
repeat    a melody that was rated before                      neither answer is more than two steps off
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

SCALE = range(1, 8)
FIRST, SECOND, NEITHER = CHOICES = ("first", "second", "neither")
RATING, PAIR = KINDS = ("rating", "pair")
REAL, TOLD, REPEAT, TWINS = PURPOSES = ("real", "told", "repeat", "twins")
STEPS_OFF = 2
"""How far two ratings of one melody may be apart."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a test is made of.

    Attributes:
        sizes: number of melodies of each set.
        ratings: how many melodies a participant rates, checks aside.
        pairs: between how many pairs they choose.
        seed: of every choice that is made here.
    """

    sizes: tuple[int, ...]
    ratings: int
    pairs: int
    seed: int


class Spot(NamedTuple):
    """A melody: the number of its set, and its number within, both from 0."""

    set: int
    melody: int


class Trial(NamedTuple):
    """What a participant hears and is asked at a time.

    Attributes:
        kind: of `KINDS`.
        first: what is heard.
        second: what it is compared with, in a pair.
        purpose: of `PURPOSES`.
        expected: what a participant is told to answer.
    """

    kind: str
    first: Spot
    second: Spot | None = None
    purpose: str = REAL
    expected: str | None = None


class Given(NamedTuple):
    """An answer: two numbers of `SCALE`, or one of `CHOICES`."""

    pleasing: int | None = None
    human: int | None = None
    choice: str | None = None


def trials(shape: Shape, participant: int) -> list[Trial]:
    """All that a participant hears, in order: first ratings, then pairs.

    Args:
        shape: of the test.
        participant: their number, from 0.
    """
    random = _random(shape, "participant", participant)
    heard: set[Spot] = set()
    pairs = _pairs(shape, participant, heard)
    ratings = _ratings(shape, participant, heard)
    for row in (ratings, pairs):
        random.shuffle(row)
    return [*_with_rating_checks(ratings, shape, heard, random), *_with_pair_checks(pairs, shape, heard, random)]


def passed(trial: Trial, given: Given, before: Given | None = None) -> bool:
    """Whether an answer passes a check; `before` is what was said of a repeated melody at first."""
    if trial.purpose == TOLD:
        said = {given.choice} if trial.kind == PAIR else {str(given.pleasing), str(given.human)}
        return said == {trial.expected}
    if trial.purpose == TWINS:
        return given.choice == NEITHER
    if trial.purpose == REPEAT and before is not None:
        steps = [(given.pleasing, before.pleasing), (given.human, before.human)]
        return all(now is not None and was is not None and abs(now - was) <= STEPS_OFF for now, was in steps)
    return True


def _pairs(shape: Shape, participant: int, heard: set[Spot]) -> list[Trial]:
    """The pairs of a participant; their melodies are put into `heard`."""
    couples = list(combinations(range(len(shape.sizes)), 2))
    made = []
    for slot in range(participant * shape.pairs, (participant + 1) * shape.pairs):
        turn, place = divmod(slot, len(couples))
        random = _random(shape, "couples", turn)
        number = random.sample(range(len(couples)), len(couples))[place]
        couple = couples[number]
        spots = [_partner(shape, one, other, turn, heard) for one, other in (couple, couple[::-1])]
        in_order = _random(shape, "sides", turn // 2, number).random() < 0.5
        made.append(Trial(PAIR, *(spots if in_order == (turn % 2 == 0) else reversed(spots))))
    return made


def _partner(shape: Shape, one: int, other: int, turn: int, heard: set[Spot]) -> Spot:
    """The melody of set `one` that meets one of set `other` in a turn."""
    others = len(shape.sizes) - 1
    place = other - (other > one)  # among the others; in a turn each of them meets another part of the set
    return _unheard(_order(shape, one), turn + place * shape.sizes[one] // others, heard)


def _ratings(shape: Shape, participant: int, heard: set[Spot]) -> list[Trial]:
    """The ratings of a participant; their melodies are put into `heard`."""
    sets = len(shape.sizes)
    made = []
    for slot in range(participant * shape.ratings, (participant + 1) * shape.ratings):
        turn, place = divmod(slot, sets)
        number = _random(shape, "ratings", turn).sample(range(sets), sets)[place]
        # each time round in another order: in one, who hears a melody in pairs could be who is to rate it, always
        time, start = divmod(turn, shape.sizes[number])
        made.append(Trial(RATING, _unheard(_order(shape, number, "rated", time), start, heard)))
    return made


def _unheard(order: Sequence[Spot], start: int, heard: set[Spot]) -> Spot:
    """The next melody from a place on that was not heard yet; if all were, the one at the place."""
    row = [order[(start + step) % len(order)] for step in range(len(order))]
    found = next((spot for spot in row if spot not in heard), row[0])
    heard.add(found)
    return found


def _with_rating_checks(ratings: list[Trial], shape: Shape, heard: set[Spot], random: Random) -> list[Trial]:
    if not ratings:
        return []
    spot = _any_unheard(shape, heard, random)
    told = Trial(RATING, spot, None, TOLD, str(random.choice(SCALE)))
    checked = _mixed_in(ratings, told, random)
    if len(ratings) > 1:  # the second, when it is known how the scale is used, is heard again at the end
        again = ratings[min(1, len(ratings) - 2)]
        checked.append(again._replace(purpose=REPEAT))
    return checked


def _with_pair_checks(pairs: list[Trial], shape: Shape, heard: set[Spot], random: Random) -> list[Trial]:
    if not pairs:
        return []
    twin = _any_unheard(shape, heard, random)
    one, other = (_any_unheard(shape, heard, random) for _ in range(2))
    told = Trial(PAIR, one, other, TOLD, random.choice((FIRST, SECOND)))
    checked = _mixed_in(pairs, Trial(PAIR, twin, twin, TWINS), random)
    return _mixed_in(checked, told, random)


def _any_unheard(shape: Shape, heard: set[Spot], random: Random) -> Spot:
    everything = [Spot(number, melody) for number, size in enumerate(shape.sizes) for melody in range(size)]
    found = random.choice([spot for spot in everything if spot not in heard] or everything)
    heard.add(found)
    return found


def _mixed_in(row: list[Trial], check: Trial, random: Random) -> list[Trial]:
    """A row with a check anywhere but at its beginning."""
    place = random.randint(1, len(row))
    return [*row[:place], check, *row[place:]]


@lru_cache(maxsize=256)
def _order(shape: Shape, number: int, *what: object) -> list[Spot]:
    """The melodies of a set in the order in which they are heard."""
    melodies = range(shape.sizes[number])
    return [
        Spot(number, melody) for melody in _random(shape, "melodies", number, *what).sample(melodies, len(melodies))
    ]


def _random(shape: Shape, *what: object) -> Random:
    return Random(f"{shape.seed} {what}")
