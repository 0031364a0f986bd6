"""What the model writes for the player: notes one after the other, each final when it is out.

`Improviser` is all that the player needs of a model. `ModelImproviser` gives it one by what writes files, so that key,
meter, bars and rules hold live as they do there.

Rules are for the answer, as a melody by itself: what the person plays is not judged. Bar 1 of its chords, its rhythm or
its fixed notes is its first whole bar. Notes that are out are final, so the answer is drawn by one particle unless more
are requested, and none of them is ahead; see `generation.constrained.stream_task`.

Drafts are drawn only if they are requested: the whole answer is then written before its first note is out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Protocol

from melodysynthesis.constraints.rule import Event
from melodysynthesis.constraints.rules import NEED_TUNES
from melodysynthesis.constraints.token_masks import clock_of
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.batch import Refused
from melodysynthesis.generation.compile import COMMON_PITCHES
from melodysynthesis.generation.constrained import PARTICLES, ConstrainedBatch, particles_for, stream_task
from melodysynthesis.generation.judging import drafting
from melodysynthesis.generation.prompt import prompt_for
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.task import GenerationTask, for_response
from melodysynthesis.generation.unconstrained import UnconstrainedBatch
from melodysynthesis.generation.wishes import without
from melodysynthesis.music import Melody, Meter, Note
from melodysynthesis.runtime.base import Engine

REGISTER = 62
"""Lowest pitch of the octave around which the songs lie that models are trained on: the median of theirs is 69."""
LOWEST, HIGHEST = 53, 80
"""Pitches that every encoding can say in every key: `grid` has tokens for 47 to 86, after moving by up to a tritone."""


KEPT_IN_PART = ("scale", "range", "max_leap", "max_syncopation", "rests", "ties_over_bars", *NEED_TUNES)
"""Rules that are still kept by a melody that is cut off at a bar line."""


PITCHED = ("range", "tessitura", "climax", "fixed")
"""Rules on pitches in their octave. Without them an answer is written in the models' register and moved as a whole, so
that the tables of the rules are the same in every register, and are there before anybody plays."""


class Improviser(Protocol):
    """Writes what comes next."""

    def improvise(self, played: Melody, bars: int, turn: int) -> Iterator[Note]:
        """The notes that continue `played`, in order, on its time line. Each note is final.

        Args:
            played: at least one note; the answer begins at its `duration`.
            bars: of the whole, with `played`; a pickup and its complement are one.
            turn: number of the answer, which picks its random stream.

        Raises:
            MelodyError: if there is nothing that may follow, in one line.
        """


class ModelImproviser:
    """An `Improviser` from an engine.

    What is played is transposed by octaves into the models' usual register, and the answer back.

    Args:
        engine: the model.
        request: seed, temperature, top-k, top-p, drafts, key, meter, rules and particles; with rules its bars are those
            of an answer, if all have as many, and so what can't be kept is known before anybody plays.

    Raises:
        RequestError: if the model can't play in this key and meter, or no answer keeps the rules.
    """

    def __init__(self, engine: Engine, request: Request) -> None:
        if request.meters or request.within:
            raise RequestError("live playing has one meter, and nothing to rewrite: leave out meters and within")
        if request.form and request.bars is None:
            raise RequestError("a form needs answers that all have as many bars: say how many, such as 8")
        if request.rules and request.key is None:
            names = ", ".join(request.rules).replace("_", "-")
            raise RequestError(f"live answers keep {names} in a key that is known before: add one, such as G major")
        self._engine = engine
        drafted, self._judge = drafting(engine, request.model_copy(update={"drafts": request.drafts or 1}))
        particles = request.particles or (1 if self._judge is None else PARTICLES)
        self._left_out: dict[int, Request] = {}  # requests without the wishes that answers of so many bars can't keep
        self._request = drafted.model_copy(update={"particles": particles, "bars": None, "pickup": None})
        self._step = clock_of(engine.encoding).step
        self._rehearse([request.bars] if request.bars else [self._fewest_bars * times for times in (1, 4, 16)])

    def _rehearse(self, lengths: Sequence[int]) -> None:
        """Generate once, in the smallest possible number of bars, so that an impossible request fails before playing.

        And the first answer is not the one that warms the caches.
        """
        meter = self._request.meter or Meter(0, 4, 4)
        bar = Melody((Note(0, meter.bar_ticks, REGISTER),), meter.bar_ticks, (meter,), self._request.key)
        for bars in lengths:
            try:
                list(self.improvise(bar, 1 + bars, 0))
            except RequestError as error:
                if not error.rules or bars == lengths[-1]:
                    raise
            else:
                return

    def improvise(self, played: Melody, bars: int, turn: int) -> Iterator[Note]:
        """See `Improviser.improvise`."""
        moved = self._moved(played)
        primer = _encodable(played, moved, self._step)
        length = bars * primer.meters[0].bar_ticks - primer.duration
        request = self._left_out.get(length, self._request)
        yield from self._answer(request.model_copy(update={"primers": (primer,), "bars": bars}), moved, turn)

    def _answer(self, request: Request, moved: int, turn: int) -> Iterator[Note]:
        """The notes of an answer. Wishes that can't be kept are left out before the first note, the last first."""
        primer = request.primers[0]
        if not request.rules:
            for note in self._freely(request, primer, turn):
                yield note._replace(pitch=_folded(note.pitch - moved, 0, 127))
            return
        notes = self._by_rules(request, primer, moved, turn)
        try:
            first = next(notes, None)
        except RequestError as error:
            conflicting = [name for name in request.wishes if name in error.rules]
            if not conflicting:
                raise
            fewer = without(request, conflicting[-1])
            length = (request.bars or 0) * primer.meters[0].bar_ticks - primer.duration
            self._left_out[length] = fewer
            yield from self._answer(fewer, moved, turn)
            return
        if first is not None:
            yield first
            yield from notes

    def _freely(self, request: Request, primer: Melody, turn: int) -> Iterator[Note]:
        """Without rules a note is final when the next begins: until then it may be made longer.

        Of several drafts all are, once one is drawn.
        """
        prompts = {turn: prompt_for(self._engine.encoding, request, primer)}
        batch = UnconstrainedBatch(request, prompts, judge=self._judge)
        out = 0
        for drawn in batch.draw(self._engine, partial=self._judge is None):
            assert not isinstance(drawn, Refused), "without rules no melody is refused"
            notes = drawn.melody.notes
            yield from (note for note in notes[out:] if note.onset >= primer.duration)
            out = len(notes)

    def _by_rules(self, request: Request, primer: Melody, moved: int, turn: int) -> Iterator[Note]:
        low, high = COMMON_PITCHES
        afterwards = not set(PITCHED) & set(request.rules) and low >= moved and high - moved <= 127
        before, after = (0, moved) if afterwards else (moved, 0)
        task = for_response(self._engine.encoding, request, primer, self._engine.card.corpus, before)
        for onset, ticks, pitch in self._events(task, request, turn):
            if pitch is not None:
                yield Note(primer.duration + onset, ticks, pitch - after)

    def _events(self, task: GenerationTask, request: Request, turn: int) -> Iterator[Event]:
        if self._judge is None or task.history_rules:
            yield from (streamed.event for streamed in stream_task(self._engine, task, request, turn))
            return
        judging = ConstrainedBatch(task, request, [turn], self._judge).judging(self._engine.encoding)
        particles = particles_for(self._engine, task, request, [turn], judge=judging)
        while not particles.done:
            particles.step()
        sample = particles.results[0]
        assert sample is not None, "only rules that look far back can leave no particle"
        yield from (task.event(numbers) for numbers in sample.events if numbers[0] >= task.start.tick)

    def _moved(self, played: Melody) -> int:
        """Semitones, whole octaves, up to the models' usual register: from the request's pitches, or those played."""
        request = self._request
        pitches = request.range or request.tessitura or [note.pitch for note in request.fixed or ()]
        pitches = pitches or ([request.climax.pitch] if request.climax else [])
        middle = (min(pitches) + max(pitches)) / 2 if pitches else median(played.pitches)
        return 12 * round((REGISTER + 5.5 - middle) / 12)

    @property
    def _fewest_bars(self) -> int:
        """Bars that an answer needs for its chords and its fixed notes to have room."""
        fixed = [note.bar for note in self._request.fixed or ()]
        return int(max([1, len(self._request.chords or ()), *fixed]))


def check_along(request: Request) -> None:
    """Whether the rules can be kept playing along, where the model writes on and is cut off at each bar line.

    Raises:
        RequestError: if not.
    """
    whole = [name.replace("_", "-") for name in request.rules if name not in KEPT_IN_PART]
    if whole:
        raise RequestError(f"playing along, answers have no end that could keep {', '.join(whole)}: take turns")


def _encodable(played: Melody, moved: int, step: int) -> Melody:
    """What was played as the model's encoding can represent it: in its register, and on its time steps."""
    notes: list[Note] = []
    free = 0
    for onset, duration, pitch in played.notes:
        start, end = (step * round(tick / step) for tick in (onset, onset + duration))
        start, end = max(start, free), min(end, played.duration)
        if start < end:
            notes.append(Note(start, end - start, _folded(pitch + moved, LOWEST, HIGHEST)))
            free = end
    return Melody(tuple(notes), played.duration, played.meters, played.key, played.phrase_ends, played.pickup)


def _folded(pitch: int, lowest: int, highest: int) -> int:
    """A pitch moved by octaves into a range of at least one."""
    below, above = max(0, lowest - pitch), max(0, pitch - highest)
    return pitch + 12 * -(-below // 12) - 12 * -(-above // 12)
