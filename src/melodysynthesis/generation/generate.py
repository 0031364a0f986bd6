"""Draw the melodies of a request: all of them, some by number, or as a stream; and choose the best of several."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.constraints import Constraint
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.batch import Advance, DrawableBatch, Generated, Partial, Refused, draw_all
from melodysynthesis.generation.constrained import check_constrained, constrained_batches
from melodysynthesis.generation.judging import drafting
from melodysynthesis.generation.prompt import prompts_for
from melodysynthesis.generation.request import MAX_COUNT, MAX_REDRAWS, Request
from melodysynthesis.generation.unconstrained import unconstrained_batches
from melodysynthesis.music import Melody, Note
from melodysynthesis.runtime.base import Engine


class TwinError(RequestError):
    """A melody is equal to an earlier one of its request however often it is drawn."""


POOL = 3
"""Melodies that are drawn for each one that is kept when they are ranked."""


def generate(engine: Engine, request: Request, constraints: Sequence[Constraint] = ()) -> list[Generated]:
    """The melodies of a request, in order.

    Args:
        engine: the model.
        request: the melodies to draw.
        constraints: token masks in addition to those that always apply, for `count` sequences; without rules only.

    Raises:
        RequestError: if no melody can be as the request says, or the model can't write such melodies.
        EncodingError: if the model's encoding has no tokens for the primer.
        ModelError: if the model returns NaN or infinity.
    """
    return generate_only(engine, request, range(request.count), constraints)


def generate_only(
    engine: Engine,
    request: Request,
    indices: Iterable[int],
    constraints: Sequence[Constraint] = (),
    *,
    advance: Advance = lambda done: None,
    each: Callable[[Generated | Refused], None] | None = None,
) -> list[Generated]:
    """Some of the melodies of a request, by their numbers from 0, each as if it were the only one; see `generate`.

    Melodies with rules are drawn in the calling thread, as their searches share what they have found out; a large batch
    without rules is divided between threads, each with an engine that steps in that thread alone. So the work between
    the steps is divided too, not only the matrix products.

    Args:
        engine: the model.
        request: the melodies to draw; its count is ignored.
        indices: numbers of the melodies, each once.
        constraints: token masks whose sequences are those of `indices`, in this order.
        advance: called after each step with the number of melodies that have ended.
        each: called with each melody once it has ended or is refused, in any order. Without it the first refusal is
            raised when all others have been drawn.
    """
    made: list[Generated] = []
    refused: list[Refused] = []

    def sort(one: Generated | Refused) -> None:
        (made if isinstance(one, Generated) else refused).append(one)  # type: ignore[arg-type]
        if each is not None:
            each(one)

    engines = [engine] if request.steered else engine.workers()
    batches = _batches(engine, request, indices, constraints, len(engines))
    draw_all(batches, engine if len(batches) < 2 else None, engines, advance, sort)
    if refused and each is None:
        raise min(refused, key=lambda one: one.index).error
    return sorted(made, key=lambda one: one.index)


def generate_streaming(
    engine: Engine, request: Request, advance: Advance = lambda done: None, *, drafts: bool = True
) -> Iterator[Partial | Generated | Refused]:
    """The melodies of `generate`, each yielded once it has ended, and before that each time it has another note.

    One that is refused does not end the others.

    Args:
        engine: the model.
        request: the melodies to draw.
        advance: called after each step with the number of melodies that have ended; an exception from it ends the
            drawing.
        drafts: whether unfinished melodies are yielded.
    """
    ended = 0
    for batch in _batches(engine, request, range(request.count)):
        yield from batch.draw(engine, partial=drafts, advance=partial(_add, advance, ended))
        ended += len(batch.indices)


def generate_distinct(
    engine: Engine, request: Request, advance: Advance = lambda done: None, *, drafts: bool = False
) -> Iterator[Partial | Generated | Refused]:
    """The melodies of a request in order, no two of them equal: a later twin is drawn again, or refused in the end.

    With rules, each is yielded as soon as it and those before it have ended. So which melody is drawn again depends
    only on those before it, and not on the count.

    Args:
        engine: the model.
        request: the melodies to draw.
        advance: see `generate_streaming`.
        drafts: whether unfinished melodies are yielded, in any order.
    """
    drawn: Iterable[Partial | Generated | Refused]
    if request.steered or drafts:
        drawn = generate_streaming(engine, request, advance, drafts=drafts)
    else:
        drawn = list[Generated | Refused]()
        generate_only(engine, request, range(request.count), advance=advance, each=drawn.append)
    waiting: dict[int, Generated | Refused] = {}
    seen: set[tuple[Note, ...]] = set()
    tries, number = MAX_REDRAWS, 0
    for one in drawn:
        if isinstance(one, Partial):
            yield one
            continue
        waiting[one.index] = one
        while number in waiting:
            settled = _unlike(engine, request, waiting.pop(number), seen, tries)
            if isinstance(settled, Generated):
                seen.add(settled.melody.notes)
            elif isinstance(settled.error, TwinError):
                tries = 1
            yield settled
            number += 1


def _unlike(
    engine: Engine, request: Request, one: Generated | Refused, seen: Collection[tuple[Note, ...]], tries: int
) -> Generated | Refused:
    """A melody that was not seen: this one, or one that is drawn in its place."""
    for redraw in range(1, tries + 1):
        if isinstance(one, Refused) or one.melody.notes not in seen:
            return one
        again = list[Generated | Refused]()
        generate_only(engine, request.model_copy(update={"redraw": redraw}), [one.index], each=again.append)
        one = again[0]
    if isinstance(one, Refused) or one.melody.notes not in seen:
        return one
    return Refused(
        one.index, TwinError("it equals an earlier one each time: the request leaves few different melodies")
    )


def _add(advance: Advance, before: int, done: int) -> None:
    advance(before + done)


def _batches(
    engine: Engine, request: Request, indices: Iterable[int], constraints: Sequence[Constraint] = (), workers: int = 1
) -> Sequence[DrawableBatch]:
    request, judge = drafting(engine, request)
    if request.steered:
        return constrained_batches(engine, request, list(indices), judge)
    return unconstrained_batches(engine, request, indices, constraints, workers, judge=judge)


def check(engine: Engine, request: Request) -> None:
    """Raise what `generate` would raise for a request that contradicts the model, its primers or itself."""
    drafting(engine, request)
    prompts_for(engine.encoding, request, range(request.count))
    if request.steered:
        check_constrained(engine, request)


def pool(request: Request) -> Request:
    """A request of more melodies, to be `ranked`; the same at temperature 0, where there is only one."""
    more = min(POOL * request.count, MAX_COUNT)
    return request if request.temperature == 0 else request.model_copy(update={"count": more})


def ranked(made: Sequence[Generated], count: int, known: Melody | None = None) -> list[Generated]:
    """At most `count` of the melodies, each once: the likeliest, then ones that are likely and unlike those before.

    Args:
        made: the melodies.
        count: how many to choose.
        known: a melody that must not be chosen again.
    """
    left = list({one.melody.notes: one for one in made if known is None or one.melody.notes != known.notes}.values())
    likelihood = [one.log_likelihood / max(one.notes_drawn, 1) for one in left]
    chosen: list[int] = []
    while len(chosen) < min(count, len(left)):
        open_ones = [number for number in range(len(left)) if number not in chosen]
        likely = _ranks([likelihood[number] for number in open_ones])
        apart = _ranks([_apart(left, number, chosen) for number in open_ones])
        chosen.append(open_ones[int(np.argmax(likely + (apart if chosen else 0)))])
    return [left[number] for number in chosen]


def distance(a: Melody, b: Melody) -> float:
    """Share of the time in which two melodies do not sound the same, from 0 to 1; where notes begin counts too."""
    end = max(a.duration, b.duration)
    return float((_sounding(a, end) != _sounding(b, end)).any(axis=0).mean()) if end else 0.0


def _apart(melodies: Sequence[Generated], number: int, chosen: Sequence[int]) -> float:
    return min((distance(melodies[number].melody, melodies[other].melody) for other in chosen), default=0.0)


def _sounding(melody: Melody, end: int) -> NDArray[np.int64]:
    """(2, end) pitch at each tick or -1, and the onset of what sounds there."""
    sounds = np.full((2, end), -1)
    for note in melody.notes:
        sounds[:, note.onset : note.end] = [[note.pitch], [note.onset]]
    return sounds


def _ranks(values: Sequence[float]) -> NDArray[np.float64]:
    """Ranks from 0 to 1; equal values have the same."""
    ordered = sorted(set(values))
    return np.array([ordered.index(value) for value in values]) / max(len(ordered) - 1, 1)
