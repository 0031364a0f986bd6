"""What an encoding is: a vocabulary, the two directions between melody and token ids, and a context that walks along.

The context is where everything that is a *function of the past* lives: which tokens may follow (the grammar), where in
the bar the next note falls, how many bars are still to go. Training and generation use the same context code, so a
feature can't see in training what generation would not know yet. It is batched: one context walks along a whole batch
of sequences, one token each at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.music import Key, Melody, Meter

Ids = NDArray[np.int64]


class Role(IntEnum):
    """What a token is to the count of bits per note."""

    MUSIC = 0
    """Needed to write the melody down: pitches, rests, durations, length and end. Always counted."""
    PHRASE = 1
    """Phrase marks: counted apart."""
    GIVEN = 2
    """Tonic, mode and meter, which are given."""


class Group(IntEnum):
    """What a token is to the accuracy table."""

    DELIMITER = 0
    HOLD = 1
    REST = 2
    NOTE = 3
    DURATION = 4
    FRAME = 5


@dataclass(frozen=True, slots=True)
class Feature:
    """A categorical feature beside the token.

    Attributes:
        name: for people, and for models that use some features only.
        size: number of values.
        suggests: for each value the token that it suggests to come next, -1 for none; empty if it suggests nothing.
    """

    name: str
    size: int
    suggests: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """What is known of a melody before its first note; None (or 0 bars) leaves it to the model.

    Attributes:
        key: tonic and mode.
        meter: of the beginning, its tick 0.
        pickup: length of the incomplete first bar in ticks.
        bars: number of bars, not counting a pickup.
    """

    key: Key | None = None
    meter: Meter | None = None
    pickup: int | None = None
    bars: int | None = None


def frame_of(melody: Melody) -> Frame:
    """The frame that a melody stands in."""
    meter = melody.meters[0] if melody.meters else None
    return Frame(melody.key, meter, melody.pickup, count_bars(melody))


def count_bars(melody: Melody) -> int:
    """Number of bars, not counting a pickup; 0 for a melody without meter."""
    return sum(bar.number > 0 for bar in melody.bars())


class Context(Protocol):
    """The state of a batch of sequences after the tokens seen so far."""

    @property
    def done(self) -> NDArray[np.bool_]:
        """(batch,) whether the sequence has ended."""

    @property
    def tick(self) -> NDArray[np.int64]:
        """(batch,) onset in ticks of what comes next."""

    @property
    def in_body(self) -> NDArray[np.bool_]:
        """(batch,) whether notes may follow: the frame has been said."""

    @property
    def bar_ticks(self) -> NDArray[np.int64]:
        """(batch,) length of the current bar in ticks; 0 where there is no meter."""

    @property
    def pickup(self) -> NDArray[np.int64]:
        """(batch,) length of the pickup in ticks; 0 for none."""

    @property
    def last_pitch(self) -> NDArray[np.int64]:
        """(batch,) token of the latest note's pitch; of no meaning where there is no note yet."""

    @property
    def repeats(self) -> NDArray[np.int64]:
        """(batch,) how many notes up to the latest have its pitch, rests between them left out; 0 before the first."""

    @property
    def bar_end(self) -> NDArray[np.int64]:
        """(batch,) tick at which the current bar ends; 0 where there is no meter."""

    @property
    def end_tick(self) -> NDArray[np.int64]:
        """(batch,) tick at which the melody ends if the frame's bars are kept; 0 where their number is open."""

    def features(self) -> NDArray[np.int64]:
        """(batch, features): what a model may know beside the tokens when it predicts the next one."""

    def allowed(self) -> NDArray[np.bool_]:
        """(batch, vocabulary): which tokens the grammar lets follow. A finished sequence allows its last token only."""

    def advance(self, ids: Ids) -> None:
        """Take one token for each sequence, (batch,)."""

    def select(self, indices: NDArray[np.int64]) -> Self:
        """A new context of the sequences at `indices`, which may repeat."""


class Encoding(Protocol):
    """Melody <-> token ids."""

    name: str
    vocabulary: tuple[str, ...]
    features: tuple[Feature, ...]
    roles: NDArray[np.int64]
    """(vocabulary,) the `Role` of each token."""
    groups: NDArray[np.int64]
    """(vocabulary,) the `Group` of each token."""
    start_id: int
    """The token every sequence starts with. It is never predicted."""

    def encode(self, melody: Melody) -> Ids:
        """Ids of a melody, from the start token to the end.

        Raises:
            EncodingError: where the encoding can't say the melody, naming what.
        """

    def decode(self, ids: Sequence[int] | Ids, frame: Frame | None = None) -> Melody:
        """The melody that ids say. A sequence without an end is read as far as its last whole note.

        Args:
            ids: from the start token on.
            frame: what the encoding does not say itself; ignored where the ids say it.

        Raises:
            EncodingError: where the ids break the grammar.
        """

    def body(self, melody: Melody) -> Ids:
        """Ids of the notes of a melody alone, without what stands before the first and after the last: a primer."""

    def start(self, batch: int, frame: Frame = Frame()) -> Context:
        """The context of `batch` sequences after their start token; its grammar holds them to the frame."""

    def description(self) -> dict[str, object]:
        """What `encoding_from` needs to make this encoding again; JSON types only."""
