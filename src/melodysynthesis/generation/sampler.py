"""Drawing melodies from a model: one batch, one token each at a time.

`sample` yields every step as it is drawn, so that the command line, the web and the live player share one loop.
Sequences that have ended leave the batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.constraints import Constraint, Continues, Finish, InFrame, NoLoop, StartsWithNote, WholeBars
from melodysynthesis.encodings.base import Context, Encoding, Ids
from melodysynthesis.errors import ModelError, RequestError
from melodysynthesis.generation import sampling
from melodysynthesis.generation.prompt import Prompt, in_common
from melodysynthesis.generation.request import Request
from melodysynthesis.runtime.base import Engine, Logits

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
    logits, state = engine.init(len(prompts), in_common(encoding, prompts[0].frame))
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
