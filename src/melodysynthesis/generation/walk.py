"""From what an automaton lets happen to what a model says: events as tokens, for a batch of particles.

A walk knows where each particle is, and gives its *options*: tokens that may come next, each with the likelihood that
the rules are kept once it is taken. Which option was taken moves the walk on. What options are is the encoding's:
`event_walk` says a pitch and then a length; `grid_walk` says that a note begins, and its length as it goes on.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.generation.past import Past

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Options(NamedTuple):
    """What may come next.

    Attributes:
        tokens: (rows, K) token of each option.
        likelihood: (rows, K) natural logarithm of the likelihood that the rules are kept after it; -inf: it is none.
    """

    tokens: Ints
    likelihood: Floats


class Start(NamedTuple):
    """Where particles begin.

    Attributes:
        tick: number of the onset of the first event that is free.
        place: see `Lookahead`.
        past: events before, of one particle.
        until: number of the tick at which the free part ends.
        after: tokens that then follow, to the end.
        moved: semitones by which the model says pitches higher than they are.
    """

    tick: int
    place: int
    past: Past
    until: int
    after: tuple[int, ...]
    moved: int = 0


class Walk(Protocol):
    """A batch of particles under way.

    Attributes:
        past: events that are complete.
        done: (rows,) whether nothing more comes.
        tick: (rows,) number of the onset of the event that is under way, or is to begin.
        place: (rows,) before it; see `Lookahead`.
        head: (rows,) the event that is under way, or `NO`.
    """

    past: Past
    done: Flags
    tick: Ints
    place: Ints
    head: Ints

    def options(self) -> Options:
        """What may come next, for each particle."""

    def take(self, options: Options, chosen: Ints) -> None:
        """Move on: `chosen` is the column of each row's option."""

    def notes(self) -> Ints:
        """(rows,) number of events that are complete."""

    def select(self, indices: Ints) -> Self:
        """The particles at `indices`, which may repeat."""


def log_of(values: Floats) -> Floats:
    """Natural logarithms; of 0 it is -inf."""
    with np.errstate(divide="ignore"):
        return np.log(values)
