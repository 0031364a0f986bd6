"""What the model writes for the player: notes one after the other, each final when it is out.

`Improviser` is all that the player needs of a model. `ModelImproviser` gives it one by the sampler that writes files,
so that key, meter and bars hold live as they do there. The rules that steer particles are refused: they would judge
what the person plays as well, and their particles rewrite a past that has sounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from statistics import median
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.constraints.base import clock_of
from melodysynthesis.encodings.base import Encoding, Frame, Group
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.prompt import prompt_for
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.sampler import Step, sample
from melodysynthesis.music import Melody, Meter, Note
from melodysynthesis.runtime.base import Engine

REGISTER = 62
"""Lowest pitch of the octave around which the songs lie that models are trained on: the median of theirs is 69."""
LOWEST, HIGHEST = 53, 80
"""Pitches that every encoding can say in every key: `grid` has tokens for 47 to 86, after moving by up to a tritone."""


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
        request: seed, temperature, top-k, top-p, key and meter; its primers, count and bars are not looked at.

    Raises:
        RequestError: if the model can't play in this key and meter, or rules are asked for.
    """

    def __init__(self, engine: Engine, request: Request) -> None:
        if request.steered:
            names = ", ".join(request.rules) or "meters that change"
            raise RequestError(f"live answers keep key, meter and whole bars, not yet {names.replace('_', '-')}")
        self._engine, self._request = engine, request
        self._step = clock_of(engine.encoding).step
        # What can't be played is told before anybody plays; and the first answer is not the one that warms the caches.
        meter = request.meter or Meter(0, 4, 4)
        bar = Melody((Note(0, meter.bar_ticks, REGISTER),), meter.bar_ticks, (meter,), request.key)
        list(self.improvise(bar, 2, 0))

    def improvise(self, heard: Melody, bars: int, turn: int) -> Iterator[Note]:
        """See `Improviser.improvise`."""
        moved = 12 * round((REGISTER + 5.5 - median(heard.pitches)) / 12)
        said = _said(heard, moved, self._step)
        request = self._request.model_copy(update={"primers": (said,), "bars": bars})
        prompt = prompt_for(self._engine.encoding, request, said)
        steps = sample(self._engine, request, [prompt], np.array([turn]))
        for note in _final_notes(steps, self._engine.encoding, prompt.frame, len(prompt.ids), said.duration):
            yield note._replace(pitch=_folded(note.pitch - moved, 0, 127))


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
