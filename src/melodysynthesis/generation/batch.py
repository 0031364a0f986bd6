"""Melodies that are drawn together: the events that a batch yields, and batches in several threads.

A batch defines where its particles begin and how tokens become a melody. `MelodyBatch.draw` steps the particles and
yields events, each with the number of its melody. Files, streams, the studio's drafts and live answers are made of
these events.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Protocol

import numpy as np

from melodysynthesis.constraints.rules import RULES
from melodysynthesis.constraints.token_masks import clock_of
from melodysynthesis.encodings.base import Encoding, Group, Header
from melodysynthesis.encodings.plan import Plan
from melodysynthesis.errors import EncodingError, RequestError
from melodysynthesis.generation.judging import weigh
from melodysynthesis.generation.particle_filter import Judging, ParticleFilter, Sample
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.stepper import Floats
from melodysynthesis.generation.wishes import shares
from melodysynthesis.music import Melody, Note
from melodysynthesis.runtime.base import Engine
from melodysynthesis.runtime.judge import Judge

Advance = Callable[[int], None]
"""Called after each step with the number of melodies that have ended. An exception from it ends the drawing."""


@dataclass(frozen=True, slots=True)
class Steering:
    """How particles were steered to keep rules; see `generation.particle_filter`.

    Attributes:
        particles: how many there were.
        effective_size: the least effective number of them at any step.
        log_probability: estimated natural logarithm of the probability that the model by itself keeps the rules.
        attempts: how often the melody was started.
    """

    particles: int
    effective_size: float
    log_probability: float
    attempts: int


@dataclass(frozen=True, slots=True)
class Judged:
    """How a melody was chosen by the odds of a judge of whole melodies; see `runtime.judge`.

    Attributes:
        drafts: how many different melodies there were to choose from.
        log_odds: natural logarithm of how much likelier this one is among people's than among the model's drafts, less
            `generation.judging.PENALTY` for each sign of an unsingable melody.
        sha256: of the judge's file, in hex.
    """

    drafts: int
    log_odds: float
    sha256: str


@dataclass(frozen=True, slots=True)
class Generated:
    """A melody and how it came about.

    Attributes:
        index: its number in the request, from 0: with the seed it makes the melody again.
        melody: the primer included.
        ids: its tokens, from the start token on.
        request: the request for this melody alone.
        header: the key, meter, pickup and bars that were prescribed to the model.
        ended: whether the model chose the end; otherwise it was finished at the step limit.
        drawn: number of tokens drawn.
        log_likelihood: natural logarithm, summed over the drawn tokens that make music.
        notes_drawn: number of notes after the primer's.
        steering: how particles were steered to keep the rules; None without rules.
        judged: how it was chosen among drafts; None without a judge.
        wishes: for each rule that need not be kept, the share of the melody that keeps it, or None.
        plan: phrases and last degree, as the model planned them; None where it has no plans.
    """

    index: int
    melody: Melody
    ids: tuple[int, ...]
    request: Request
    header: Header
    ended: bool
    drawn: int
    log_likelihood: float
    notes_drawn: int
    steering: Steering | None = None
    judged: Judged | None = None
    wishes: Mapping[str, float | None] = field(default_factory=dict)
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class Partial:
    """The beginning of a melody that is being drawn.

    Attributes:
        index: its number in the request.
        melody: its beginning. Without rules it is final. With rules it is that of one particle of several, and may be
            replaced by another when particles are resampled, or taken back by backtracking.
        kept: how many of its notes are as they were in the latest one of this melody.
    """

    index: int
    melody: Melody
    kept: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A melody that could not be made, though others of its request may be.

    Attributes:
        index: its number in the request.
        error: why.
    """

    index: int
    error: RequestError


class DrawableBatch(Protocol):
    """Melodies of one request that are drawn together, or that are refused."""

    indices: list[int]

    def draw(
        self, engine: Engine, *, partial: bool = False, advance: Advance = lambda done: None
    ) -> Iterator[Partial | Generated | Refused]:
        """Yield each melody once it has ended or is refused; see `MelodyBatch.draw`."""


class MelodyBatch(ABC):
    """Melodies of one request that are drawn together.

    Attributes:
        request: the melodies to draw.
        indices: numbers of the melodies in the request.
        judge: chooses among drafts; None for none.
    """

    request: Request
    indices: list[int]
    judge: Judge | None = None
    wished: Request | None = None
    """The request including the wishes that `request` leaves out; see `generation.wishes`."""

    @abstractmethod
    def start(self, engine: Engine) -> ParticleFilter:
        """The particles of all melodies before the first step."""

    @abstractmethod
    def header(self, index: int) -> Header:
        """The key, meter, pickup and bars that a melody is drawn with."""

    @abstractmethod
    def given_ticks(self, index: int) -> int:
        """Length of the given notes before the first drawn note, in ticks."""

    def melody(self, encoding: Encoding, index: int, ids: Sequence[int]) -> Melody:
        """The melody of tokens, which may be a beginning."""
        return encoding.decode(ids, self.header(index))

    def steering(self, sample: Sample, attempts: int) -> Steering | None:
        """How rules were kept; None without any."""
        del sample, attempts
        return None

    def accepts(self, sample: Sample) -> bool:
        """Whether the result of the particles is a melody that the request allows; see `redraw`."""
        del sample
        return True

    def judging(self, encoding: Encoding) -> Judging | None:
        """The function that gives drafts of this batch their log odds; None without a judge."""
        judge = self.judge
        if judge is None:
            return None

        def log_odds(indices: Sequence[int], ids: Sequence[tuple[int, ...]]) -> Floats:
            return weigh(judge, [self.melody(encoding, *one) for one in zip(indices, ids, strict=True)])

        return log_odds

    def redraw(self, engine: Engine, index: int) -> Iterator[ParticleFilter | Sample]:
        """Draw a melody whose particles failed in another way: yield its particle at each step, then the result."""
        raise AssertionError("particles without rules never die")

    def draw(
        self, engine: Engine, *, partial: bool = False, advance: Advance = lambda done: None
    ) -> Iterator[Partial | Generated | Refused]:
        """Draw all melodies. Each is yielded once it has ended, in any order; a refused one does not end the others.

        Args:
            engine: the model.
            partial: whether unfinished melodies are yielded, too, each time their notes change.
            advance: see `Advance`.
        """
        particles, failed, ended = self.start(engine), [], 0
        drafts = _Drafts(self, engine.encoding)
        while not particles.done:
            for place in particles.step():
                sample = particles.results[place]
                if sample is not None and self.accepts(sample):
                    ended += 1
                    yield self.generated(engine.encoding, self.indices[place], sample)
                else:
                    failed.append(self.indices[place])
            if partial:
                yield from drafts.of(particles)
            advance(ended)
        for index in failed:
            try:
                for found in self.redraw(engine, index):
                    if isinstance(found, Sample):
                        ended += 1
                        yield self.generated(engine.encoding, index, found, attempts=2)
                    elif partial:
                        yield from drafts.of(found, final=True)
                    advance(ended)
            except RequestError as error:
                yield Refused(index, error)

    def generated(self, encoding: Encoding, index: int, sample: Sample, attempts: int = 1) -> Generated:
        """The melody of a sample, with the record of how it was made."""
        melody = self.melody(encoding, index, sample.ids)
        given = bisect_left(melody.notes, self.given_ticks(index), key=itemgetter(0))
        name = Path(self.request.model).stem
        melody = replace(melody, source=f"{name}, seed {self.request.seed}, number {index + 1}")
        request = self.request.only(index)
        if basis := request.basis:
            melody = melody.with_metadata(basis)
        melody = replace(melody, title=request.title or melody.title)
        for rule in request.rules:
            melody = RULES[rule].finish(melody, request.rule_values)
        judged = None
        if self.judge is not None and sample.log_odds is not None:
            judged = Judged(sample.drafts, sample.log_odds, self.judge.sha256)
        return Generated(
            index=index,
            melody=melody,
            ids=sample.ids,
            request=request,
            header=self.header(index),
            ended=sample.ended,
            drawn=sample.drawn,
            log_likelihood=sample.log_likelihood,
            notes_drawn=len(melody.notes) - given,
            steering=self.steering(sample, attempts),
            judged=judged,
            wishes=shares(self.wished or self.request, self.request, melody),
            plan=encoding.read_plan(sample.ids),
        )


class _Drafts:
    """Notices when the melodies of a batch have other notes than before. Of several particles the first is shown."""

    def __init__(self, batch: MelodyBatch, encoding: Encoding) -> None:
        self._batch, self._encoding = batch, encoding
        self._begins = np.isin(encoding.groups, (Group.NOTE, Group.REST))
        self._begins[clock_of(encoding).end] = True
        self._seen: dict[int, tuple[Note, ...]] = {}

    def of(self, particles: ParticleFilter, final: bool = False) -> Iterator[Partial]:
        """The melodies that have changed; if not `final`, their last note is whole only when something else begins."""
        for number, place in enumerate(particles.melodies.tolist()):
            row = number * particles.size
            tokens = particles.tokens(row)
            begins = self._begins[tokens[-1]]
            if particles.stepper.done[row] or not (begins or final):
                continue
            index = particles.indices[place]
            try:
                melody = self._batch.melody(self._encoding, index, tokens[:-1] if begins else tokens)
            except EncodingError:  # there is no note yet
                continue
            before, notes = self._seen.get(index, ()), melody.notes
            if notes and notes != before:
                self._seen[index] = notes
                kept = next((n for n, (a, b) in enumerate(zip(before, notes, strict=False)) if a != b), len(before))
                yield Partial(index, melody, min(kept, len(notes)))


class _Progress:
    """Adds up how many melodies of each batch have ended; the batches may be stepped by several threads."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        self._advance = advance
        self._done: dict[int, int] = {}
        self._lock = Lock()
        self.stopped = False

    def set(self, number: int, done: int) -> None:
        """Record how many melodies of batch `number` have ended. Raises in every thread once one has failed."""
        with self._lock:
            if self.stopped:
                raise _StoppedError
            self._done[number] = done
            self._advance(sum(self._done.values()))


class _StoppedError(Exception):
    """Ends the other threads after one has failed, or after an interrupt."""


def draw_all(
    batches: Sequence[DrawableBatch],
    engine: Engine | None,
    engines: Sequence[Engine],
    advance: Advance,
    each: Callable[[Generated | Refused], None],
) -> None:
    """The melodies of all batches.

    Args:
        batches: what to draw.
        engine: draws all batches in the calling thread; None to use `engines`.
        engines: as many batches are drawn at a time as there are engines, each in a thread of its own.
        advance: see `Advance`.
        each: called with each melody once it has ended or is refused, by one thread at a time.
    """
    progress, lock = _Progress(advance), Lock()

    def draw(number: int, engine: Engine) -> None:
        for one in batches[number].draw(engine, advance=lambda done: progress.set(number, done)):
            if not isinstance(one, Partial):
                with lock:
                    each(one)

    if engine is not None or len(engines) == 1:
        for number in range(len(batches)):
            draw(number, engine or engines[0])
        return
    from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

    idle: SimpleQueue[Engine] = SimpleQueue()
    for free in engines:
        idle.put(free)

    def work(number: int) -> None:
        mine = idle.get()
        try:
            draw(number, mine)
        finally:
            idle.put(mine)

    with ThreadPoolExecutor(len(engines)) as pool:
        futures = [pool.submit(work, number) for number in range(len(batches))]
        try:
            done, left = wait(futures, return_when=FIRST_EXCEPTION)
        except BaseException:
            progress.stopped = True
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        progress.stopped = bool(left)
        for future in left:
            future.cancel()
        for future in done:
            future.result()  # raises what failed
