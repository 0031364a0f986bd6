"""Melodies without rules of the request's own: drawn token by token, with masks over the vocabulary.

Token masks are one of two systems of constraints, and the automata of `constraints.automaton` the other. Both are
needed. Masks hold what a model without rules decides for itself as it goes on: key, meter, pickup, number of bars, a
length that has no limit. They look at one token's context only, cost microseconds, and need no tables, but can't see
whether a rule that holds for the whole melody can still be kept. Automata see that, but need all bars before the first
note, and tables for each request. All else is shared: the loop and the random streams (`particle_filter`), batches and
what comes out of them (`batch`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from typing import Self

import numpy as np

from melodysynthesis.constraints import (
    Constraint,
    Continues,
    Finish,
    InHeader,
    KeepsPlan,
    NoLoop,
    StartsWithNote,
    WholeBars,
)
from melodysynthesis.constraints.token_masks import clock_of
from melodysynthesis.encodings.base import Context, Encoding, Header
from melodysynthesis.encodings.plan import Plan
from melodysynthesis.errors import RequestError
from melodysynthesis.generation import sampling
from melodysynthesis.generation.batch import MelodyBatch
from melodysynthesis.generation.mode_preference import mode_preference
from melodysynthesis.generation.particle_filter import Beginning, ParticleFilter
from melodysynthesis.generation.prompt import Prompt, in_common, prompts_for
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.stepper import Ints, Options
from melodysynthesis.runtime.base import Engine
from melodysynthesis.runtime.judge import Judge

BATCH = 1024
"""Sequences that are stepped together; more gain no speed and cost memory."""
PART = 64
"""From twice so many sequences on, a batch is divided between the engine's workers, a thread each."""


class FreeStepper:
    """Sequences that may go on with whatever the grammar and some token masks allow, after a primer that is given.

    A sequence that has reached the limit of steps is made to end with a whole bar; see `Finish`.

    Args:
        encoding: of the model.
        prompts: one for each sequence.
        limit: tokens that may be drawn until a sequence is made to end; None for no limit.
        constraints: masks in addition to those that always apply.
        plan: that of all melodies; None leaves plans to the model.
    """

    def __init__(
        self,
        encoding: Encoding,
        prompts: Sequence[Prompt],
        limit: int | None,
        constraints: Sequence[Constraint] = (),
        plan: Plan | None = None,
    ) -> None:
        rows = len(prompts)
        self.primer_ticks = np.array([prompt.ticks for prompt in prompts])
        bars, held = np.array([prompt.bars for prompt in prompts]), np.array([prompt.held for prompt in prompts])
        self.header = InHeader(encoding, [prompt.header for prompt in prompts])
        self.masks: list[Constraint] = [
            self.header,
            StartsWithNote(encoding),
            Continues(encoding, self.primer_ticks, bars, held.astype(np.bool_)),
            WholeBars(encoding),
            KeepsPlan(encoding, self.primer_ticks > 0, plan),
            NoLoop(encoding),
            *constraints,
        ]
        keys = dict.fromkeys(prompt.header.key for prompt in prompts)
        self.preferences = {key: mode_preference(encoding, key) for key in keys}
        self.keys = np.array([list(self.preferences).index(prompt.header.key) for prompt in prompts])
        self.finish, self.end = Finish(encoding), clock_of(encoding).end
        self.primer_length = np.array([len(prompt.ids) for prompt in prompts])
        self.primer_ids = np.zeros((rows, max(1, self.primer_length.max())), np.int64)
        for row, prompt in enumerate(prompts):
            self.primer_ids[row, : len(prompt.ids)] = prompt.ids
        self.limit = limit or np.inf
        self.position, self.drawn = np.zeros(rows, np.int64), np.zeros(rows, np.int64)  # in the primer; after it
        self.done, self.late, self.cut_off = (np.zeros(rows, np.bool_) for _ in range(3))

    def options(self, logits: sampling.Logits, context: Context, temperature: float) -> Options:
        """See `TokenStepper.options`. A token of the primer is the only option where one is due.

        The temperature is for the music: key, mode, meter, pickup and length are drawn as the model has learned them.
        """
        forced = context.in_body & (self.position < self.primer_length)
        # Not before the primer has gone on, or the first note sounded: there is no melody to finish yet.
        self.late = ~forced & (context.tick > self.primer_ticks) & (self.drawn >= self.limit)
        if forced.all():
            mask = np.zeros(logits.shape, np.bool_)
        else:
            logits, mask = self.header.pooled(logits, context), self._mask(context)
        if forced.any():
            rows = np.flatnonzero(forced)
            mask[rows] = False
            mask[rows, self.primer_ids[rows, self.position[rows]]] = True
        if not mask.any(axis=1).all():
            raise RequestError("the rules leave nothing that may come next")
        columns = np.flatnonzero(mask.any(axis=0))  # most tokens are masked everywhere
        left = sampling.masked(self._preferred(logits)[:, columns], mask[:, columns])
        if temperature:
            left = sampling.tempered(left, np.where(context.in_body, temperature, 1.0)[:, None])
        return Options(np.broadcast_to(columns, left.shape), left, None, logits, forced)

    def _preferred(self, logits: sampling.Logits) -> sampling.Logits:
        """Logits with the preference of each row's mode."""
        for number, preference in enumerate(self.preferences.values()):
            if preference is not None:
                rows = self.keys == number
                logits = np.where(rows[:, None], preference.applied(logits), logits)
        return logits

    def _mask(self, context: Context) -> sampling.Mask:
        """(rows, vocabulary) what may come next. A sequence that has to end keeps to `Finish` alone."""
        allowed = context.allowed()
        mask = allowed
        for constraint in self.masks:
            mask = mask & constraint.mask(context)
        if self.late.any():
            mask = np.where(self.late[:, None], allowed & self.finish.mask(context), mask)
        return np.where(context.done[:, None], allowed, mask)

    def advance(self, options: Options, chosen: Ints) -> None:
        """See `TokenStepper.advance`."""
        self.position += options.forced
        self.drawn += ~options.forced
        self.cut_off |= self.late & ~self.done
        self.done |= options.tokens[np.arange(len(chosen)), chosen] == self.end

    def select(self, indices: Ints) -> Self:
        """See `TokenStepper.select`."""
        new = copy(self)
        new.masks = [mask.select(indices) for mask in self.masks]
        new.header = new.masks[0] if isinstance(new.masks[0], InHeader) else self.header
        for name in (
            "primer_ticks",
            "primer_length",
            "primer_ids",
            "position",
            "drawn",
            "done",
            "late",
            "cut_off",
            "keys",
        ):
            setattr(new, name, getattr(self, name)[indices])
        return new


class UnconstrainedBatch(MelodyBatch):
    """Melodies without rules that have the same header where the encoding has no tokens for it.

    Args:
        request: the melodies to draw.
        prompts: of each melody, by its number in the request.
        constraints: masks in addition to those that always apply, a sequence of them for each melody.
        judge: draws one of the request's drafts; without one there is a single draft.
    """

    def __init__(
        self,
        request: Request,
        prompts: dict[int, Prompt],
        constraints: Sequence[Constraint] = (),
        judge: Judge | None = None,
    ) -> None:
        self.request, self.prompts, self.constraints, self.judge = request, prompts, constraints, judge
        self.indices = list(prompts)

    def start(self, engine: Engine) -> ParticleFilter:
        """See `MelodyBatch.start`."""
        prompts, encoding = list(self.prompts.values()), engine.encoding
        rows = np.repeat(np.arange(len(prompts)), drafts_of(self.request, self.judge))
        constraints = [mask.select(rows) for mask in self.constraints]
        stepper = FreeStepper(
            encoding, [prompts[row] for row in rows], self.request.step_limit, constraints, self.request.plan
        )
        logits, state = engine.init(len(rows), in_common(encoding, prompts[0].header))
        beginning = Beginning(stepper, logits, state, (encoding.start_id,))
        return ParticleFilter(engine, self.request, self.indices, beginning, judge=self.judging(encoding))

    def header(self, index: int) -> Header:
        """See `MelodyBatch.header`."""
        return self.prompts[index].header

    def given_ticks(self, index: int) -> int:
        """See `MelodyBatch.given_ticks`."""
        return self.prompts[index].ticks


def drafts_of(request: Request, judge: Judge | None) -> int:
    """How many drafts there are of each melody without rules."""
    return 1 if judge is None else request.drafts or 1


def unconstrained_batches(
    engine: Engine,
    request: Request,
    indices: Iterable[int],
    constraints: Sequence[Constraint] = (),
    workers: int = 1,
    *,
    judge: Judge | None = None,
) -> list[UnconstrainedBatch]:
    """Batches of the melodies of a request without rules, of nearly equal size.

    Which melodies are together in a batch changes none of them: each has its own random stream.

    Args:
        engine: the model.
        request: the melodies to draw.
        indices: numbers of the melodies.
        constraints: masks in addition to those that always apply, for the melodies of `indices` in this order.
        workers: how many batches can be drawn at the same time.
        judge: see `UnconstrainedBatch`.
    """
    drafts = drafts_of(request, judge)
    prompts = prompts_for(engine.encoding, request, indices)
    place = {index: number for number, index in enumerate(prompts)}
    groups: dict[Header, list[int]] = {}
    for index, prompt in prompts.items():
        groups.setdefault(in_common(engine.encoding, prompt.header), []).append(index)
    batches = []
    for members in groups.values():
        rows = len(members) * drafts
        parts = max(-(-rows // BATCH), min(workers, rows // PART, len(members)), 1)
        for part in np.array_split(members, parts):
            own = np.array([place[index] for index in part.tolist()])
            chosen = {index: prompts[index] for index in part.tolist()}
            batches.append(UnconstrainedBatch(request, chosen, [mask.select(own) for mask in constraints], judge))
    return batches
