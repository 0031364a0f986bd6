"""Melodies without rules of the request's own: batches for the sampler, and whole melodies from what it draws.

A large batch is parted between threads, each with an engine that steps in that thread alone: so the work between the
steps is shared too, not only the matrix products.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from operator import itemgetter
from pathlib import Path

import numpy as np

from melodysynthesis.constraints import Constraint
from melodysynthesis.encodings.base import Frame, Role
from melodysynthesis.generation.generated import Generated
from melodysynthesis.generation.prompt import Prompt, in_common, prompts_for
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.sampler import sample
from melodysynthesis.generation.workers import Tally, side_by_side
from melodysynthesis.runtime.base import Engine

BATCH = 1024
"""Sequences that are stepped together; more gain no speed and cost memory."""

PART = 64
"""From twice so many sequences on, a batch is parted between the engine's workers, a thread each."""


def generate_free(
    engine: Engine,
    request: Request,
    indices: Iterable[int],
    constraints: Sequence[Constraint] = (),
    advance: Callable[[int], None] = lambda done: None,
) -> list[Generated]:
    """Some of the melodies of a request that asks for no rules, by their numbers; see `generate.generate_only`."""
    prompts = prompts_for(engine.encoding, request, indices)
    place = {index: number for number, index in enumerate(prompts)}
    like: dict[Frame, list[int]] = {}
    for index, prompt in prompts.items():
        like.setdefault(in_common(engine.encoding, prompt.frame), []).append(index)
    engines = engine.workers()
    batches = [batch for members in like.values() for batch in _batches(members, len(engines))]
    tally = Tally(advance)

    def make(number: int, engine: Engine) -> list[Generated]:
        batch = batches[number]
        chosen = [prompts[index] for index in batch]
        rules = [rule.select(np.array([place[index] for index in batch])) for rule in constraints]
        return _one_batch(engine, request, batch, chosen, constraints=rules, advance=partial(tally.tell, number))

    if len(engines) > 1 and len(batches) > 1:
        made = side_by_side(make, len(batches), engines, tally)
    else:
        made = [one for number in range(len(batches)) for one in make(number, engine)]
    return sorted(made, key=lambda one: one.index)


def _batches(members: list[int], workers: int) -> list[list[int]]:
    """Parts of nearly equal size. Which are together in a batch changes no melody: each has its own random stream."""
    parts = max(-(-len(members) // BATCH), min(workers, len(members) // PART), 1)
    return [list(map(int, part)) for part in np.array_split(members, parts)]


def _one_batch(
    engine: Engine,
    request: Request,
    indices: list[int],
    prompts: list[Prompt],
    *,
    constraints: Sequence[Constraint],
    advance: Callable[[int], None],
) -> list[Generated]:
    # A row for each sequence; all that have not ended are equally long.
    ids = np.full((len(indices), 64), engine.encoding.start_id)
    length = np.ones(len(indices), np.int64)
    log_likelihood = np.zeros(len(indices))
    drawn = np.zeros(len(indices), np.int64)
    ended = np.ones(len(indices), np.bool_)
    makes_music = engine.encoding.roles == Role.MUSIC
    for place, step in enumerate(sample(engine, request, prompts, np.array(indices), constraints), 1):
        if place == ids.shape[1]:
            ids = np.pad(ids, ((0, 0), (0, place)))
        ids[step.rows, place] = step.ids
        length[step.rows] += 1
        log_likelihood[step.rows] += np.where(step.drawn & makes_music[step.ids], step.log_likelihood, 0)
        drawn[step.rows] += step.drawn
        ended[step.rows[step.late]] = False
        advance(len(indices) - len(step.rows))
    advance(len(indices))
    made, name = [], Path(request.model).stem
    for row, index in enumerate(indices):
        tokens = tuple(ids[row, : length[row]].tolist())
        melody = engine.encoding.decode(tokens, prompts[row].frame)
        primer_notes = bisect_left(melody.notes, prompts[row].ticks, key=itemgetter(0))
        made.append(
            Generated(
                index=index,
                melody=replace(melody, source=f"{name}, seed {request.seed}, number {index + 1}"),
                ids=tokens,
                request=request.only(index),
                frame=prompts[row].frame,
                ended=bool(ended[row]),
                drawn=int(drawn[row]),
                log_likelihood=float(log_likelihood[row]),
                notes_drawn=len(melody.notes) - primer_notes,
            )
        )
    return made
