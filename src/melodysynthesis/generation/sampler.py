"""Drawing melodies from a model: one batch, one token each at a time.

`sample` yields every step as it is drawn, so that the command line, the web and the live player share one loop;
`generate` gathers whole melodies. Sequences that have ended leave the batch.

A large batch is parted between threads, each with an engine that steps in that thread alone: so the work between the
steps is shared too, not only the matrix products.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.constraints import Constraint, Continues, Finish, InFrame, NoLoop, StartsWithNote, WholeBars
from melodysynthesis.encodings.base import Context, Encoding, Frame, Ids, Role
from melodysynthesis.errors import ModelError, RequestError
from melodysynthesis.generation import sampling
from melodysynthesis.generation.prompt import Prompt, prompt_for, says_meters
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Melody
from melodysynthesis.runtime.base import Engine, Logits

BATCH = 1024
"""Sequences that are stepped together; more gain no speed and cost memory."""

PART = 64
"""From twice so many sequences on, a batch is parted between the engine's workers, a thread each."""

DROP = 1 / 8
"""Ended sequences are dropped when they are this share of the batch: copying the state costs about a step."""


class Step(NamedTuple):
    """What one step adds. Arrays are (sequences,) over those that had not ended.

    Attributes:
        rows: which sequence of the batch each is.
        ids: its token.
        log_likelihood: natural logarithm of the token's probability under the model, before mask and temperature.
        drawn: whether it was drawn; a primer's tokens are set.
        late: whether it was drawn after the step limit.
    """

    rows: NDArray[np.int64]
    ids: Ids
    log_likelihood: NDArray[np.float64]
    drawn: NDArray[np.bool_]
    late: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Generated:
    """A melody and how it came about.

    Attributes:
        index: its number in the request, from 0: with the seed it makes the melody again.
        melody: the primer included.
        ids: its tokens, from the start token on.
        request: what was asked for, for this melody alone.
        frame: what the model was held to.
        ended: whether the model chose the end; otherwise it was finished at the step limit.
        drawn: number of tokens drawn.
        log_likelihood: natural logarithm, summed over the drawn tokens that make music.
        notes_drawn: number of notes beside the primer's.
        steering: how it came to keep the rules that were asked for; None without any.
    """

    index: int
    melody: Melody
    ids: tuple[int, ...]
    request: Request
    frame: Frame
    ended: bool
    drawn: int
    log_likelihood: float
    notes_drawn: int
    steering: Steering | None = None


@dataclass(frozen=True, slots=True)
class Steering:
    """How particles were steered to keep rules; see `generation.steered`.

    Attributes:
        particles: how many there were.
        effective_size: the least effective number of them at any step.
        log_probability: estimated natural logarithm of the probability that the model by itself keeps the rules.
        attempts: how often it was begun.
    """

    particles: int
    effective_size: float
    log_probability: float
    attempts: int


def generate(engine: Engine, request: Request, constraints: Sequence[Constraint] = ()) -> list[Generated]:
    """The melodies of a request, in order.

    Args:
        engine: the model.
        request: what is asked for.
        constraints: rules beside those that always hold, for `count` sequences.

    Raises:
        RequestError: for contradictions that show only beside the model or the primer.
        EncodingError: where the model's encoding can't say the primer.
        ModelError: if the model gives no numbers.
    """
    return generate_only(engine, request, range(request.count), constraints)


def generate_only(
    engine: Engine,
    request: Request,
    indices: Iterable[int],
    constraints: Sequence[Constraint] = (),
    advance: Callable[[int], None] = lambda done: None,
) -> list[Generated]:
    """Some of the melodies of a request, by their numbers from 0; see `generate`.

    Args:
        engine: the model.
        request: what is asked for; its count is not looked at.
        indices: numbers of the melodies, each once.
        constraints: rules whose sequences are those of `indices`, in this order.
        advance: is told after each step how many melodies have ended.
    """
    if request.steered:
        from melodysynthesis.generation.ruled import generate_ruled  # which needs this module

        return generate_ruled(engine, request, list(indices), advance)
    prompts = prompts_for(engine.encoding, request, indices)
    place = {index: number for number, index in enumerate(prompts)}
    like: dict[Frame, list[int]] = {}
    for index, prompt in prompts.items():
        like.setdefault(_shared(engine.encoding, prompt.frame), []).append(index)
    engines = engine.workers()
    batches = [batch for members in like.values() for batch in _batches(members, len(engines))]
    tally = _Tally(advance)

    def make(number: int, engine: Engine) -> list[Generated]:
        batch = batches[number]
        chosen = [prompts[index] for index in batch]
        rules = [rule.select(np.array([place[index] for index in batch])) for rule in constraints]
        return _one_batch(engine, request, batch, chosen, constraints=rules, advance=partial(tally.tell, number))

    if len(engines) > 1 and len(batches) > 1:
        made = _side_by_side(make, len(batches), engines, tally)
    else:
        made = [one for number in range(len(batches)) for one in make(number, engine)]
    return sorted(made, key=lambda one: one.index)


def _batches(members: list[int], workers: int) -> list[list[int]]:
    """Parts of nearly equal size. Which are together in a batch changes no melody: each has its own random stream."""
    parts = max(-(-len(members) // BATCH), min(workers, len(members) // PART), 1)
    return [list(map(int, part)) for part in np.array_split(members, parts)]


class _Tally:
    """Adds up how many melodies of each batch have ended; the batches may be stepped by several threads."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        self._advance = advance
        self._done: dict[int, int] = {}
        self._lock = Lock()
        self.stopped = False

    def tell(self, number: int, done: int) -> None:
        """Of batch `number` so many have ended. Raises in every thread once one of them has failed."""
        with self._lock:
            if self.stopped:
                raise _StoppedError
            self._done[number] = done
            self._advance(sum(self._done.values()))


class _StoppedError(Exception):
    """Ends the other threads after one has failed, or after an interrupt."""


def _side_by_side(
    make: Callable[[int, Engine], list[Generated]], batches: int, engines: Sequence[Engine], tally: _Tally
) -> list[Generated]:
    """The melodies of all batches, as many at a time as there are engines, each in a thread of its own."""
    free: SimpleQueue[Engine] = SimpleQueue()
    for engine in engines:
        free.put(engine)

    def work(number: int) -> list[Generated]:
        engine = free.get()
        try:
            return make(number, engine)
        finally:
            free.put(engine)

    with ThreadPoolExecutor(len(engines)) as pool:
        futures = [pool.submit(work, number) for number in range(batches)]
        try:
            done, left = wait(futures, return_when=FIRST_EXCEPTION)
        except BaseException:
            tally.stopped = True
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        tally.stopped = bool(left)
        for future in left:
            future.cancel()
        return [generated for future in done for generated in future.result()]  # raises what failed


def check(engine: Engine, request: Request) -> None:
    """Raise what `generate` would raise for a request that contradicts the model, its primers or itself."""
    prompts_for(engine.encoding, request, range(request.count))
    if request.steered:
        from melodysynthesis.generation.ruled import courses_for  # which needs this module

        courses_for(engine, request, [0])


def prompts_for(encoding: Encoding, request: Request, indices: Iterable[int]) -> dict[int, Prompt]:
    """The prompt of each melody by its number; raises what `generate` would raise for them."""
    prompts: dict[int, Prompt] = {}
    given: dict[int, Prompt] = {}  # by the primer's number
    for index in indices:
        number = index % max(len(request.primers), 1)
        if number not in given:
            given[number] = prompt_for(encoding, request, request.primers[number] if request.primers else None)
        prompts[index] = given[number]
    return prompts


def _shared(encoding: Encoding, frame: Frame) -> Frame:
    """What the sequences of one batch must have in common: nothing, where the frame is said in tokens."""
    return Frame() if says_meters(encoding) else replace(frame, key=None)


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


def sample(
    engine: Engine,
    request: Request,
    prompts: Sequence[Prompt],
    indices: NDArray[np.int64],
    constraints: Sequence[Constraint] = (),
) -> Iterator[Step]:
    """Draw a batch of sequences to their ends, a token each a step.

    Args:
        engine: the model.
        request: seed, temperature, top-k, top-p and the limit of steps are taken from it.
        prompts: one for each sequence. With an encoding that does not say meters all have the same but for the key.
        indices: (batch,) number of each sequence in the request, which picks its random stream.
        constraints: rules beside those that always hold: a note first, the primer kept, whole bars, no loop.

    Yields:
        a `Step` for each token, the start token left out, until all have ended.

    Raises:
        RequestError: if the rules leave a sequence nothing to go on with.
        ModelError: if the model gives no numbers.
    """
    encoding = engine.encoding
    in_frame = InFrame(encoding, [prompt.frame for prompt in prompts])
    rules: list[Constraint] = [
        StartsWithNote(encoding),
        _continues(encoding, prompts),
        WholeBars(encoding),
        NoLoop(encoding),
        *constraints,
    ]
    finish = Finish(encoding)
    given = _Primers(prompts)
    primer_ticks = np.array([prompt.ticks for prompt in prompts])
    uniforms = sampling.Uniforms(request.seed, indices)
    rows = np.arange(len(prompts))
    drawn = np.zeros(len(prompts), np.int64)
    logits, state = engine.init(len(prompts), _shared(encoding, prompts[0].frame))
    while True:
        context = state.context
        live = np.flatnonzero(~context.done)
        if len(live) == 0:
            return
        if len(live) <= (1 - DROP) * len(rows):
            state, logits, rows = engine.select(state, live), logits[live], rows[live]
            in_frame, rules = in_frame.select(live), [rule.select(live) for rule in rules]
            context, live = state.context, np.arange(len(rows))
        ids, is_given = given.next(rows, context.in_body)
        # Not before the primer has gone on, or the first note sounded: there is no melody to finish yet.
        late = ~is_given & (context.tick > primer_ticks[rows]) & (drawn[rows] >= (request.step_limit or np.inf))
        uniform = uniforms.next(rows)
        if not is_given.all():
            logits = in_frame.pooled(logits, context)
            mask = _mask(context, [in_frame, *rules], finish, late)
            ids = np.where(is_given, ids, _draw(logits, mask, is_given, request, uniform))
        drawn[rows] += ~is_given
        likelihood = _log_likelihood(logits, ids)
        yield Step(rows[live], ids[live], likelihood[live], ~is_given[live], late[live])
        logits, state = engine.step(ids, state)


def _continues(encoding: Encoding, prompts: Sequence[Prompt]) -> Continues:
    ticks, bars = np.array([p.ticks for p in prompts]), np.array([p.bars for p in prompts])
    return Continues(encoding, ticks, bars, np.array([p.held for p in prompts], np.bool_))


def _mask(context: Context, rules: Sequence[Constraint], finish: Finish, late: NDArray[np.bool_]) -> sampling.Mask:
    mask = context.allowed()
    for rule in rules:
        # A sequence that has to stop is ruled by that alone.
        mask = mask & (rule.mask(context) | late[:, None])
    if late.any():
        mask = mask & (finish.mask(context) | ~late[:, None])
    return np.where(context.done[:, None], context.allowed(), mask)


def _draw(
    logits: Logits, mask: sampling.Mask, is_given: NDArray[np.bool_], request: Request, uniform: NDArray[np.float64]
) -> Ids:
    if not np.isfinite(logits).all():
        raise ModelError("the model gives values that are no numbers: its file is damaged, or its training went astray")
    mask = mask | is_given[:, None]  # what is drawn there is not used, but must not be drawn from nothing
    if not mask.any(axis=1).all():
        raise RequestError("the rules leave nothing that may come next")
    columns = np.flatnonzero(mask.any(axis=0))  # most tokens are ruled out everywhere
    left = sampling.masked(logits[:, columns], mask[:, columns])
    if request.temperature == 0:
        return np.asarray(columns[sampling.argmax(left)])
    left = sampling.tempered(left, request.temperature)
    if request.top_k is not None:
        left = sampling.top_k(left, request.top_k)
    if request.top_p is not None:
        left = sampling.top_p(left, request.top_p)
    return np.asarray(columns[sampling.draw(left, uniform)])


def _log_likelihood(logits: Logits, ids: Ids) -> NDArray[np.float64]:
    """(batch,) natural logarithm of each token's probability under the model."""
    above = logits - logits.max(axis=1, keepdims=True)
    chosen = above[np.arange(len(ids)), ids]
    return np.asarray(chosen - np.log(np.exp(above).sum(axis=1)), np.float64)


class _Primers:
    """Hands out the primers' tokens, one a step, once the frame of a sequence has been said."""

    def __init__(self, prompts: Sequence[Prompt]) -> None:
        self._length = np.array([len(prompt.ids) for prompt in prompts])
        self._ids = np.zeros((len(prompts), max(1, self._length.max())), np.int64)
        for row, prompt in enumerate(prompts):
            self._ids[row, : len(prompt.ids)] = prompt.ids
        self._at = np.zeros(len(prompts), np.int64)

    def next(self, rows: NDArray[np.int64], in_body: NDArray[np.bool_]) -> tuple[Ids, NDArray[np.bool_]]:
        """The token of each row, and whether there is one."""
        is_given = in_body & (self._at[rows] < self._length[rows])
        ids = self._ids[rows, np.minimum(self._at[rows], self._ids.shape[1] - 1)]
        self._at[rows] += is_given
        return ids, is_given
