"""The notes of melodies while they are drawn, seen by listening to the engine that draws them.

`Overheard` wraps an engine and is told every token that the sampler takes, in whatever way it samples: so the melodies
are the ones that `generation.generate.generate` gives, and nothing of it is done twice. A draft is what one row of the
batch has drawn so far. Without rules that is the melody's beginning; with rules it is one particle of several, and may
be taken back when they are resampled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.constraints.base import clock_of
from melodysynthesis.encodings.base import Encoding, Frame, Group, Ids
from melodysynthesis.errors import EncodingError
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.generated import Generated
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Melody, Note
from melodysynthesis.runtime.base import Card, Engine, Logits, State


class StoppedError(Exception):
    """Nobody waits for the melodies any more."""


class Draft(NamedTuple):
    """What there is of a melody: its number, its beginning, and which of its notes are as they were in the last one."""

    number: int
    melody: Melody
    kept: int


@dataclass(slots=True)
class _Rows:
    """Tokens of each row of a batch, and the row of the first batch that it comes from."""

    frame: Frame
    tokens: list[list[int]]
    origin: list[int]


@dataclass(slots=True)
class Overheard:
    """An `Engine` that tells what is drawn from another.

    Attributes:
        engine: that steps.
        request: whose melodies are drawn.
        tell: is told each draft that has another note.
        stopped: is asked before each step; the sampling ends with `StoppedError` once it says so.
    """

    engine: Engine
    request: Request
    tell: Callable[[Draft], None]
    stopped: Callable[[], bool]
    encoding: Encoding = field(init=False)
    card: Card = field(init=False)
    _rows: _Rows = field(init=False)
    _told: dict[int, tuple[Note, ...]] = field(init=False, default_factory=dict)
    _begins: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.encoding, self.card = self.engine.encoding, self.engine.card
        self._begins = np.isin(self.encoding.groups, (Group.NOTE, Group.REST))
        self._begins[clock_of(self.encoding).end] = True

    def init(self, batch: int, frame: Frame = Frame()) -> tuple[Logits, State]:  # noqa: B008 (a frozen value)
        """See `Engine.init`."""
        start = self.encoding.start_id
        self._rows = _Rows(frame, [[start] for _ in range(batch)], list(range(batch)))
        return self.engine.init(batch, frame)

    def step(self, ids: Ids, state: State) -> tuple[Logits, State]:
        """See `Engine.step`."""
        if self.stopped():
            raise StoppedError
        rows, shown = self._rows, set[int]()
        for tokens, origin, token in zip(rows.tokens, rows.origin, ids.tolist(), strict=True):
            if origin not in shown and self._begins[token]:  # a note is whole when something else begins
                self._draft(origin, tokens)
            shown.add(origin)  # of a melody's particles the first is shown
            tokens.append(token)
        return self.engine.step(ids, state)

    def select(self, state: State, indices: NDArray[np.int64]) -> State:
        """See `Engine.select`."""
        rows = self._rows
        chosen = indices.tolist()
        tokens = [rows.tokens[index].copy() for index in chosen]
        if len(rows.tokens) == 1 and len(chosen) > 1:  # rules: one prefix for the particles of all melodies
            each = len(chosen) // self.request.count
            origin = [number // each for number in range(len(chosen))]
        else:
            origin = [rows.origin[index] for index in chosen]
        self._rows = _Rows(rows.frame, tokens, origin)
        return self.engine.select(state, indices)

    def workers(self) -> Sequence[Engine]:
        """See `Engine.workers`: one, as all is heard in one thread."""
        return (self,)

    def _draft(self, index: int, tokens: Sequence[int]) -> None:
        try:
            melody = self.encoding.decode(tokens, self._rows.frame)
        except EncodingError:  # within the frame's words, there is no melody yet
            return
        before, notes = self._told.get(index, ()), melody.notes
        if notes and notes != before:
            kept = next((n for n, (a, b) in enumerate(zip(before, notes, strict=False)) if a != b), len(before))
            self._told[index] = notes
            self.tell(Draft(index, melody, min(kept, len(notes))))


def generate_aloud(
    engine: Engine, request: Request, tell: Callable[[Draft], None], stopped: Callable[[], bool] = lambda: False
) -> list[Generated]:
    """The melodies of a request, as `generate` gives them, telling drafts on the way.

    Raises:
        StoppedError: once `stopped` says so.
        MelodyError: what `generate` raises.
    """
    return generate(Overheard(engine, request, tell, stopped), request)
