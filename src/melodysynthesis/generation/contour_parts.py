"""Contours within forms: how many notes each part of a melody has, and what the contour asks of it.

A contour counts notes from the start of a melody. Where a section is repeated, its notes are elsewhere in the contour,
and where depends on how many notes there are in all sections before. With their numbers known, the contour is a matter
of each section by itself; so they are gone through one by one, the likeliest first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from itertools import accumulate, count, groupby
from typing import NamedTuple

import numpy as np

from melodysynthesis.constraints.lookahead import LEAST, RARE, RESTS, Floats, Lookahead
from melodysynthesis.constraints.rule import NO
from melodysynthesis.constraints.rules.contour import Contour, ContourPart
from melodysynthesis.constraints.rules.form import Section


class Stretch(NamedTuple):
    """A repeated section, or a run of sections that occur once.

    Attributes:
        start: its tick.
        end: its tick.
        letter: stretches that share it have equally many notes.
        section: stretches that share it have the same notes.
    """

    start: int
    end: int
    letter: str
    section: str


def stretches_of(form: Sequence[Section], places: Sequence[tuple[int, int]]) -> list[Stretch]:
    """The stretches of a form, whose sections have these starts and ends."""
    often = Counter(section.letter for section in form)
    found = []
    for name, group in groupby(zip(form, places, strict=True), lambda one: _name(one[0], often)):
        sections = list(group)
        if name is None:
            once = f"from {sections[0][1][0]}"
            found.append(Stretch(sections[0][1][0], sections[-1][1][1], once, once))
        else:
            found += [Stretch(*place, section.letter, str(section)) for section, place in sections]
    return found


def _name(section: Section, often: Counter[str]) -> str | None:
    return section.letter if often[section.letter] > 1 else None


def parts_of(contour: Contour, stretches: Sequence[Stretch], look: Lookahead) -> Iterator[tuple[ContourPart, ...]]:
    """The parts of all melodies that may keep a contour in a form, by the numbers of their notes, the likeliest first.

    Notes beyond the contour's end are not counted. Every melody that keeps contour and form belongs to exactly one of
    them.

    Args:
        contour: directions.
        stretches: of the form.
        look: of the other rules, for where events may be and how long they are.
    """
    most = len(contour.directions) + 1
    shares = {one.letter: _note_shares(look, one, most) for one in reversed(stretches)}
    order = count()
    waiting: list[tuple[float, int, tuple[int, ...]]] = [(0.0, next(order), ())]
    while waiting:
        unlikely, _, counts = heappop(waiting)
        if len(counts) == len(stretches):
            yield _parts(contour, stretches, counts)
            continue
        for notes, share in _next_counts(contour, stretches, counts, shares):
            heappush(waiting, (unlikely - np.log(share), next(order), (*counts, notes)))


def _next_counts(
    contour: Contour, stretches: Sequence[Stretch], counts: tuple[int, ...], shares: dict[str, Floats]
) -> Iterator[tuple[int, float]]:
    """How many notes the next stretch may have, and how frequent that is.

    Where the contour ends within it and more may follow, that is what is left of the contour.
    """
    here, last = stretches[len(counts)], len(counts) + 1 == len(stretches)
    left = len(contour.directions) + 1 - sum(counts)
    known = next((n for n, one in zip(counts, stretches, strict=False) if one.letter == here.letter), None)
    if known is not None:
        notes = known if contour.whole else min(known, left)
        if notes <= left and (notes == left or not last) and _fits(contour, stretches, (*counts, notes)):
            yield notes, 1.0
        return
    share = shares[here.letter]
    for notes in [left] if last else range(left + 1):
        likely = share[notes] if contour.whole or notes < left else share[notes:].sum()
        if likely > 0:
            yield notes, float(likely)


def _fits(contour: Contour, stretches: Sequence[Stretch], counts: tuple[int, ...]) -> bool:
    """Whether the last of these stretches can have the same notes as those that it must."""
    starts = list(accumulate(counts, initial=0))
    here = stretches[len(counts) - 1]
    twins = [n for n, one in zip(starts, stretches[: len(counts)], strict=False) if one.section == here.section]
    own = range(twins[-1] + 1, twins[-1] + counts[-1])
    return all(_direction(contour, note) in (None, _direction(contour, note - twins[-1] + twins[0])) for note in own)


def _direction(contour: Contour, note: int) -> int | None:
    """To a note of the melody, counted from 0; None where any will do."""
    return contour.directions[note - 1] if 0 < note <= len(contour.directions) else None


def _parts(contour: Contour, stretches: Sequence[Stretch], counts: tuple[int, ...]) -> tuple[ContourPart, ...]:
    starts = dict(zip(stretches, accumulate(counts, initial=0), strict=False))
    first = {one.section: one for one in reversed(stretches)}
    counted = {one.letter: notes for one, notes in reversed(list(zip(stretches, counts, strict=True)))}
    over = len(contour.directions) + 1
    parts = []
    for one in stretches:
        source, notes = first[one.section], counted[one.letter]
        beginning = next(starts[other] for other in stretches if other.letter == one.letter)
        inside = tuple(_direction(contour, starts[source] + note) for note in range(1, notes))
        directions = (_direction(contour, starts[one]), *inside)[:notes]
        parts.append(ContourPart(one.end, directions, not contour.whole and beginning + notes >= over))
    return tuple(parts)


def _note_shares(look: Lookahead, stretch: Stretch, most: int) -> Floats:
    """(most + 1,) how frequent so many notes are in a stretch, in the last those of more; 0 where it can't be.

    By how frequent lengths are, whatever the pitches.
    """
    automaton = look.automaton
    first, end = automaton.space.number[[stretch.start, stretch.end]].tolist()
    may = np.asarray(np.stack([(table[:-1] < automaton.states).any(axis=0) for table in automaton.next]))
    sounding, silent = np.asarray(may[:, :-1].any(axis=1)), may[:, -1]
    ways = np.zeros((end - first + 1, most + 1))
    ways[-1, 0] = 1.0
    scale = np.zeros(len(ways))
    for tick in reversed(range(first, end)):
        lengths = np.flatnonzero((automaton.event_classes[tick] != NO) & (look.ends[tick] <= end))
        after = look.ends[tick, lengths] - first
        lengths, after = lengths[ways[after].any(axis=1)], after[ways[after].any(axis=1)]
        if not len(lengths):
            continue
        kinds, top = automaton.event_classes[tick, lengths], scale[after].max()
        weight = np.maximum(look.length_share[tick, lengths], RARE) * np.exp(np.maximum(scale[after] - top, -600))
        noted = (weight * sounding[kinds] * (1 - RESTS)) @ ways[after]
        total = (weight * silent[kinds] * RESTS) @ ways[after]
        total[1:] += noted[:-1]
        total[-1] += noted[-1]
        largest = total.max()
        if largest > 0:
            ways[tick - first] = np.where(total > 0, np.maximum(total / largest, LEAST), 0)
            scale[tick - first] = top + np.log(largest)
    return np.asarray(ways[0] / max(ways[0].sum(), RARE))
