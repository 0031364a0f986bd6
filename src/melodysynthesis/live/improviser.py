"""What the model writes for the player: notes one after the other, each final when it is out.

`Improviser` is all that the player needs of a model. `ModelImproviser` gives it one by what writes files, so that key,
meter, bars and rules hold live as they do there.

Rules are for the answer, as a melody by itself: what the person plays is not judged. Bar 1 of its chords, its rhythm or
its fixed notes is its first whole bar. Notes that are out are final, so the answer is drawn by one particle unless more
are asked for, and none of them is ahead; see `generation.stream`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import median
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.constraints.base import clock_of
from melodysynthesis.encodings.base import Encoding, Frame, Group
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.course import course_after
from melodysynthesis.generation.prompt import prompt_for
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.sampler import Step, sample
from melodysynthesis.generation.stream import sing
from melodysynthesis.music import Melody, Meter, Note
from melodysynthesis.runtime.base import Engine

REGISTER = 62
"""Lowest pitch of the octave around which the songs lie that models are trained on: the median of theirs is 69."""
LOWEST, HIGHEST = 53, 80
"""Pitches that every encoding can say in every key: `grid` has tokens for 47 to 86, after moving by up to a tritone."""


KEPT_IN_PART = ("scale", "range", "max_leap", "max_syncopation", "rests", "ties_over_bars", "max_copy")
"""Rules that are still kept by a melody that is cut off at a bar line."""


class Improviser(Protocol):
    """Writes what comes next."""

    def improvise(self, heard: Melody, bars: int, turn: int) -> Iterator[Note]:
        """The notes after what was heard, in order, on its time line. Each is final when it comes.

        Args:
            heard: what has been played up to the tick where the answer begins, its `duration`. At least one note.
            bars: of the whole, with what was heard; a pickup and its complement are one.
            turn: number of the answer, which picks its random stream.

        Raises:
            MelodyError: if there is nothing that may follow, in one line.
        """


class ModelImproviser:
    """An `Improviser` from an engine.

    What is heard is moved by octaves to where models have learned to sing, and the answer back.

    Args:
        engine: the model.
        request: seed, temperature, top-k, top-p, key, meter, rules and particles; with rules its bars are those of an
            answer, if all have as many, and so what can't be kept is known before anybody plays.

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
        self._request = request.model_copy(update={"particles": request.particles or 1, "bars": None, "pickup": None})
        self._step = clock_of(engine.encoding).step
        self._rehearse([request.bars] if request.bars else [self._fewest_bars * times for times in (1, 4, 16)])

    def _rehearse(self, lengths: Sequence[int]) -> None:
        """Play once, in the first number of bars that can be: what can't be played is told before anybody plays.

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

    def improvise(self, heard: Melody, bars: int, turn: int) -> Iterator[Note]:
        """See `Improviser.improvise`."""
        moved = self._moved(heard)
        said = _said(heard, moved, self._step)
        request = self._request.model_copy(update={"primers": (said,), "bars": bars})
        if request.rules:
            yield from self._by_rules(request, said, moved, turn)
        else:
            for note in self._freely(request, said, turn):
                yield note._replace(pitch=_folded(note.pitch - moved, 0, 127))

    def _freely(self, request: Request, said: Melody, turn: int) -> Iterator[Note]:
        prompt = prompt_for(self._engine.encoding, request, said)
        steps = sample(self._engine, request, [prompt], np.array([turn]))
        yield from _final_notes(steps, self._engine.encoding, prompt.frame, len(prompt.ids), said.duration)

    def _by_rules(self, request: Request, said: Melody, moved: int, turn: int) -> Iterator[Note]:
        course = course_after(self._engine.encoding, request, said, self._engine.card.corpus, moved)
        for onset, ticks, pitch in (sung.event for sung in sing(self._engine, course, request, turn)):
            if pitch is not None:
                yield Note(said.duration + onset, ticks, pitch)

    def _moved(self, heard: Melody) -> int:
        """Semitones, whole octaves, up to where models have learned to sing: from what is asked for, or heard."""
        asked = self._request.range or [note.pitch for note in self._request.fixed or ()]
        middle = (min(asked) + max(asked)) / 2 if asked else median(heard.pitches)
        return 12 * round((REGISTER + 5.5 - middle) / 12)

    @property
    def _fewest_bars(self) -> int:
        """Bars that an answer needs for its chords and its fixed notes to have room."""
        fixed = [note.bar for note in self._request.fixed or ()]
        return max([1, len(self._request.chords or ()), *fixed])


def check_along(request: Request) -> None:
    """Whether the rules can be kept playing along, where the model writes on and is cut off at each bar line.

    Raises:
        RequestError: if not.
    """
    whole = [name.replace("_", "-") for name in request.rules if name not in KEPT_IN_PART]
    if whole:
        raise RequestError(f"playing along, answers have no end that could keep {', '.join(whole)}: take turns")


def _said(heard: Melody, moved: int, step: int) -> Melody:
    """What was heard, as the model's encoding can say it: in its register, and on its steps."""
    notes: list[Note] = []
    free = 0
    for onset, duration, pitch in heard.notes:
        start, end = (step * round(tick / step) for tick in (onset, onset + duration))
        start, end = max(start, free), min(end, heard.duration)
        if start < end:
            notes.append(Note(start, end - start, _folded(pitch + moved, LOWEST, HIGHEST)))
            free = end
    return Melody(tuple(notes), heard.duration, heard.meters, heard.key, heard.phrase_ends, heard.pickup)


def _folded(pitch: int, lowest: int, highest: int) -> int:
    """A pitch moved by octaves into a range of at least one."""
    below, above = max(0, lowest - pitch), max(0, pitch - highest)
    return pitch + 12 * -(-below // 12) - 12 * -(-above // 12)


def _final_notes(steps: Iterable[Step], encoding: Encoding, frame: Frame, given: int, after: int) -> Iterator[Note]:
    """The notes of one sequence that is drawn, from tick `after` on.

    A note is final when something else begins, for until then it may be made longer.

    Args:
        steps: of a batch of one.
        encoding: of its tokens.
        frame: for `Encoding.decode`.
        given: number of tokens that are set rather than drawn.
        after: tick where what was given ends.
    """
    begins = _begins(encoding)
    ids = [encoding.start_id]
    out = 0
    for step in steps:
        if given == 0 and begins[step.ids[0]]:
            notes = encoding.decode(ids, frame).notes
            new = [note for note in notes[out:] if note.onset >= after]
            out = len(notes)
            yield from new
        ids.append(int(step.ids[0]))
        given -= not step.drawn[0]


def _begins(encoding: Encoding) -> NDArray[np.bool_]:
    """(vocabulary,) whether a token begins a note or a rest, or is the end."""
    begins = np.isin(encoding.groups, (Group.NOTE, Group.REST))
    begins[clock_of(encoding).end] = True
    return begins
