"""Melodies that keep rules: by particles first, by backtracking where these fail, and as streams of final notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from melodysynthesis.constraints.rule import Event, Flags
from melodysynthesis.encodings.base import Encoding, Header
from melodysynthesis.encodings.event import EventEncoding
from melodysynthesis.encodings.grid import GridEncoding
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.backtracking import Backtracking
from melodysynthesis.generation.batch import Advance, DrawableBatch, Generated, MelodyBatch, Partial, Refused, Steering
from melodysynthesis.generation.compile import looks_back
from melodysynthesis.generation.headers import fitting, headers_of
from melodysynthesis.generation.mode_preference import mode_preference
from melodysynthesis.generation.particle_filter import Beginning, Judging, ParticleFilter, Sample, effective_size
from melodysynthesis.generation.prompt import prompts_for
from melodysynthesis.generation.refusals import refusal, undecided
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.search import OutOfTimeError, Search, UndecidedError, known, perhaps
from melodysynthesis.generation.stepper import HistoryRule, RuleStepper
from melodysynthesis.generation.steppers import EventStepper, GridStepper
from melodysynthesis.generation.task import GenerationTask, for_infill, for_primer
from melodysynthesis.generation.unconstrained import unconstrained_batches
from melodysynthesis.generation.wishes import without
from melodysynthesis.music import Melody
from melodysynthesis.runtime.base import Engine
from melodysynthesis.runtime.judge import Judge

PARTICLES = 8
"""Particles for each melody by default."""
ROWS = 1024
"""Particles that are stepped together."""


class ConstrainedBatch(MelodyBatch):
    """Melodies of one task.

    Args:
        task: what they have in common.
        request: the melodies to draw.
        indices: numbers of the melodies in the request.
        judge: weighs the particles that have ended; None for none.
    """

    def __init__(
        self, task: GenerationTask, request: Request, indices: Sequence[int], judge: Judge | None = None
    ) -> None:
        self.task, self.request, self.indices, self.judge = task, request, list(indices), judge

    def start(self, engine: Engine) -> ParticleFilter:
        """See `MelodyBatch.start`."""
        judge = self.judging(engine.encoding)
        return particles_for(engine, self.task, self.request, self.indices, judge=judge)

    def header(self, index: int) -> Header:
        """See `MelodyBatch.header`."""
        del index
        return self.task.header

    def given_ticks(self, index: int) -> int:
        """See `MelodyBatch.given_ticks`."""
        del index
        return self.task.begin

    def melody(self, encoding: Encoding, index: int, ids: Sequence[int]) -> Melody:
        """See `MelodyBatch.melody`."""
        del index
        return self.task.melody(encoding, ids)

    def steering(self, sample: Sample, attempts: int) -> Steering:
        """See `MelodyBatch.steering`."""
        return Steering(particles_of(self.request), sample.effective_size, sample.log_probability, attempts)

    def accepts(self, sample: Sample) -> bool:
        """See `MelodyBatch.accepts`: history rules may be broken in the given notes after the free part."""
        return self.task.keeps_to_the_end(sample.events)

    def redraw(self, engine: Engine, index: int) -> Iterator[ParticleFilter | Sample]:
        """See `MelodyBatch.redraw`: by backtracking, with a complete search before each note."""
        backtracking = _backtracking(engine, self.task, self.request, index)
        try:
            for _ in backtracking.events():
                yield backtracking.particles
        except OutOfTimeError:
            raise undecided(self.task.problem) from None
        assert backtracking.sample is not None
        yield backtracking.sample


@dataclass
class RefusedBatch:
    """Melodies for which the rules conflict, while others of the request can be drawn.

    Attributes:
        indices: numbers of the melodies in the request.
        error: why they are refused.
    """

    indices: list[int]
    error: RequestError

    def draw(
        self, engine: Engine, *, partial: bool = False, advance: Advance = lambda done: None
    ) -> Iterator[Partial | Generated | Refused]:
        """See `DrawableBatch.draw`."""
        del engine, partial, advance
        yield from (Refused(index, self.error) for index in self.indices)


def constrained_batches(
    engine: Engine, request: Request, indices: Sequence[int], judge: Judge | None = None
) -> list[DrawableBatch]:
    """Batches of the melodies of a request with rules.

    Raises:
        RequestError: if no melody keeps the rules, naming a smallest set of them that conflicts.
    """
    size = max(ROWS // particles_of(request), 1)
    batches: list[DrawableBatch] = []
    for kept, members, made in _with_wishes(engine, request, indices):
        if isinstance(made, RequestError):
            batches.append(RefusedBatch(members, made))
        elif not kept.steered:
            batches += unconstrained_batches(engine, kept, members, judge=judge)
        else:
            batches += [
                ConstrainedBatch(made, kept, members[start : start + size], judge)
                for start in range(0, len(members), size)
            ]
    for batch in batches:
        if isinstance(batch, MelodyBatch):
            batch.wished = request
    refused = [batch.error for batch in batches if isinstance(batch, RefusedBatch)]
    if len(refused) == len(batches):
        raise refused[0]
    return batches


def particles_of(request: Request) -> int:
    """How many particles there are for each melody."""
    return 1 if request.temperature == 0 else request.particles or PARTICLES


def particles_for(
    engine: Engine,
    task: GenerationTask,
    request: Request,
    indices: Sequence[int],
    *,
    history_rules: Sequence[HistoryRule] | None = None,
    attempt: int = 0,
    judge: Judging | None = None,
) -> ParticleFilter:
    """The particles of some melodies of a task, before the first step.

    Args:
        engine: the model.
        task: what all melodies have in common.
        request: seed, temperature, top-k, top-p and the number of particles are taken from it.
        indices: numbers of the melodies in the request, which pick their random streams.
        history_rules: rules that look far back, if others than those of the task.
        attempt: another number picks other random streams.
        judge: see `ParticleFilter`.
    """
    logits, state = engine.init(1)
    for token in task.prefix:
        logits, state = engine.step(np.array([token]), state)
    rows = np.zeros(len(indices) * particles_of(request), np.int64)
    rules = task.history_rules if history_rules is None else history_rules
    tick, start = np.array([task.start.tick]), np.array([task.start.state])
    beginning = Beginning(
        stepper_for(engine.encoding, task, len(rows), rules),
        logits[rows],
        engine.select(state, rows),
        (engine.encoding.start_id, *task.prefix),
        float(task.look.log_likelihood(tick, start)[0]),
    )
    return ParticleFilter(engine, request, indices, beginning, attempt, judge=judge)


def stepper_for(encoding: Encoding, task: GenerationTask, rows: int, rules: Sequence[HistoryRule]) -> RuleStepper:
    """The stepper of so many particles, in the tokens of an encoding."""
    stepper: RuleStepper
    if isinstance(encoding, GridEncoding):
        stepper = GridStepper(encoding, task.look, task.start, rows, rules)
    else:
        assert isinstance(encoding, EventEncoding)
        stepper = EventStepper(task.look, task.start, rows, rules, task.timeline.changes)
    stepper.known = task.known_sections
    if not task.moved:
        values = dict(task.problem.values)
        stepper.preference = mode_preference(encoding, task.header.key, values["scale"], values["chromatic"])
    return stepper


def searched(task: GenerationTask) -> Search:
    """A search that has found a melody of a task.

    Raises:
        RequestError: if there is no such melody, or it takes too long to find out whether there is.
    """
    try:
        search = known(task.problem)
    except UndecidedError:
        raise undecided(task.problem) from None
    if search is None:
        raise refusal(task.problem)
    return search.copy()


def _backtracking(engine: Engine, task: GenerationTask, request: Request, index: int) -> Backtracking:
    """Draws one melody with one particle, along a search that has found some."""
    search = searched(task)
    task = replace(task, problem=search.problem)
    alone = request.model_copy(update={"particles": 1})
    return Backtracking(
        task, search, lambda rules: particles_for(engine, task, alone, [index], history_rules=rules, attempt=1)
    )


@dataclass(frozen=True, slots=True)
class StreamedEvent:
    """A note or rest that is final.

    Attributes:
        index: number of its melody in the request.
        event: which it is.
        before: effective number of particles when it was chosen.
        after: that number without the particles that were given up.
    """

    index: int
    event: Event
    before: float = 1.0
    after: float = 1.0


def stream_request(engine: Engine, request: Request, index: int = 0, ahead: int = 0) -> Iterator[StreamedEvent]:
    """The notes and rests of one melody of a request with rules, each final once it is yielded; see `stream_task`."""
    ((task, _),) = tasks_for(engine, request, [index])
    yield from stream_task(engine, task, request, index, ahead)


def stream_task(
    engine: Engine, task: GenerationTask, request: Request, index: int, ahead: int = 0
) -> Iterator[StreamedEvent]:
    """The notes and rests of one melody of a task, in order, after those that are given; each final once yielded.

    Particles that are resampled rewrite their past. So a note is final once one particle is drawn by its weight, and
    those that have another note there are given up. This is done when all particles are `ahead` notes further; what it
    costs is the difference of the effective numbers of particles before and after. With none ahead, a note is chosen by
    what the look-ahead knows of the rules, and what comes later does not change it.

    With a rule that looks far back, a form or max-copy, there is one particle, and before a note is yielded a melody is
    searched for that goes on from it; see `Backtracking`. That takes longer than the model itself.

    Args:
        engine: the model.
        task: the rules, and what is given.
        request: seed, temperature, top-k, top-p and the number of particles are taken from it.
        index: the melody's number in the request.
        ahead: by how many notes all particles are further before one is yielded.

    Raises:
        RequestError: before the first note, if no melody keeps the rules.
    """
    tick = task.start.tick
    if task.history_rules:
        backtracking = _backtracking(engine, task, request, index)
        try:
            yield from (StreamedEvent(index, backtracking.task.event(numbers)) for numbers in backtracking.events())
        except OutOfTimeError:
            raise undecided(task.problem) from None
        return
    particles, count = particles_for(engine, task, request, [index]), 0
    while not particles.done:
        particles.step()
        while not particles.done and _stepper(particles).count[~particles.dead].min() > count + ahead:
            streamed = _commit(particles, task, index, tick)
            tick = int(task.look.automaton.space.number[streamed.event.onset + streamed.event.ticks])
            count += 1
            yield streamed
    sample = particles.results[0]
    rest = (numbers for numbers in (sample.events if sample else ()) if numbers[0] >= tick)
    yield from (StreamedEvent(index, task.event(numbers)) for numbers in rest)


def _stepper(particles: ParticleFilter) -> RuleStepper:
    assert isinstance(particles.stepper, RuleStepper)
    return particles.stepper


def _commit(particles: ParticleFilter, task: GenerationTask, index: int, tick: int) -> StreamedEvent:
    """Draw a particle by its weight, and give up those that have another event at a tick, by its number."""
    history = _stepper(particles).history
    before = float(effective_size(particles.weights)[0])
    row = particles.pick()
    event, length = int(history.event[row, tick]), int(history.length[row, tick])
    differs: Flags = (history.event[:, tick] != event) | (history.length[:, tick] != length)
    kept = np.where(differs.reshape(particles.weights.shape), -np.inf, particles.weights)
    particles.give_up(differs)
    return StreamedEvent(index, task.event((tick, event, length)), before, float(effective_size(kept)[0]))


def check_constrained(engine: Engine, request: Request) -> None:
    """Raise what drawing would raise, as far as that is found out soon; the rest shows when melodies are drawn."""
    refused: list[RequestError] = []
    tried = list(_with_wishes(engine, request, range(min(request.count, max(len(request.primers), 1)))))
    for _, _, task in tried:
        if isinstance(task, RequestError):
            refused.append(task)
        elif looks_back(task.problem, task.look) and not perhaps(task.problem):
            refused.append(refusal(task.problem))
    if len(refused) == len(tried):
        raise refused[0]


def tasks_for(engine: Engine, request: Request, indices: Sequence[int]) -> list[tuple[GenerationTask, list[int]]]:
    """The tasks of some melodies, each with the numbers of the melodies that share it.

    Raises:
        RequestError: if one of them can't be.
    """
    tasks = []
    for _, members, made in _with_wishes(engine, request, indices):
        if isinstance(made, RequestError):
            raise made
        tasks.append((made, members))
    return tasks


def _with_wishes(
    engine: Engine, request: Request, indices: Sequence[int]
) -> Iterator[tuple[Request, list[int], GenerationTask | RequestError]]:
    """As `_tasks`, with the request that is kept: wishes that conflict are left out, the last first."""
    for members, made in _tasks(engine, request, indices):
        error = made if isinstance(made, RequestError) else None
        if request.wishes and isinstance(made, GenerationTask) and looks_back(made.problem, made.look):
            error = None if perhaps(made.problem) else refusal(made.problem)
        conflicting = [name for name in request.wishes if error is not None and name in error.rules]
        if conflicting:
            yield from _with_wishes(engine, without(request, conflicting[-1]), members)
        else:
            yield request, members, made


def _tasks(
    engine: Engine, request: Request, indices: Sequence[int]
) -> Iterator[tuple[list[int], GenerationTask | RequestError]]:
    """For melodies that share one: their numbers, and their task or why there is none."""
    encoding = engine.encoding
    if request.within is not None:
        try:
            yield list(indices), for_infill(encoding, request, engine.card.corpus)
        except RequestError as error:
            yield list(indices), error
        return
    prompts = prompts_for(encoding, request, indices)
    headers = headers_of(engine, request, prompts)
    shared: dict[tuple[int, Header], list[int]] = {}
    for index in indices:
        shared.setdefault((index % max(len(request.primers), 1), headers[index]), []).append(index)
    for (number, header), members in shared.items():
        primer = request.primers[number] if request.primers else None
        try:
            nearest = fitting(engine, request, header, primer)
            task = for_primer(encoding, request, nearest, primer, engine.card.corpus)
        except RequestError as error:
            yield members, error
        else:
            yield members, task
