"""The interface of an encoding: a vocabulary, the two directions between melody and token ids, and a context.

The context holds every *function of the past*: which tokens may follow (the grammar), where in the bar the next note
falls, how many bars are still to go. Training and generation use the same context code, so a feature can't see in
training what generation would not know yet. It is batched: one context follows a whole batch of sequences, and takes
one token of each at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings.plan import Plan
from melodysynthesis.errors import EncodingError
from melodysynthesis.music import Key, Melody, Meter

Ids = NDArray[np.int64]


class Role(IntEnum):
    """How a token counts in the bits per note."""

    MUSIC = 0
    """Needed to write the melody down: pitches, rests, durations, length and end. Always counted."""
    PHRASE = 1
    """Phrase marks: counted apart."""
    GIVEN = 2
    """Tonic, mode and meter, which are given."""


class Group(IntEnum):
    """The row of the accuracy table that a token belongs to."""

    DELIMITER = 0
    HOLD = 1
    REST = 2
    NOTE = 3
    DURATION = 4
    HEADER = 5


@dataclass(frozen=True, slots=True)
class Feature:
    """A categorical feature that a model gets in addition to the token.

    Attributes:
        name: for people, and for models that use some features only.
        size: number of values.
        candidates: for each value the token that it proposes as the next, a copy of an earlier one, -1 for
            none; empty if the feature proposes nothing.
    """

    name: str
    size: int
    candidates: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Header:
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


def header_of(melody: Melody) -> Header:
    """The header of a melody."""
    meter = melody.meters[0] if melody.meters else None
    return Header(melody.key, meter, melody.pickup, count_bars(melody))


def count_bars(melody: Melody) -> int:
    """Number of bars, not counting a pickup; 0 for a melody without meter."""
    return sum(bar.number > 0 for bar in melody.bars())


Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """How tokens advance time. Masks are (vocabulary,).

    Attributes:
        ticks: by how much each token moves the melody on; 0 for tokens that take no time.
        end: the token that ends a melody.
        heads: tokens that start a note or rest.
        rests: tokens that start a rest.
        holds: tokens that make the note or rest before them longer.
        opens: tokens that can't be the last, because a duration must follow: the head of a note, a new meter.
    """

    ticks: NDArray[np.int64]
    end: int
    heads: Mask
    rests: Mask
    holds: Mask
    opens: Mask

    @property
    def step(self) -> int:
        """The greatest common divisor of all durations, in ticks: every bar must be a multiple of it."""
        return int(np.gcd.reduce(self.ticks))


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
        """(batch,) whether notes may follow: the header is complete."""

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
        """(batch,) tick at which the melody ends if the header's bars are kept; 0 where their number is open."""

    def features(self) -> NDArray[np.int64]:
        """(batch, features): what a model may know besides the tokens when it predicts the next one."""

    def allowed(self) -> NDArray[np.bool_]:
        """(batch, vocabulary): which tokens the grammar lets follow. A finished sequence allows its last token only."""

    def advance(self, ids: Ids) -> None:
        """Take one token for each sequence, (batch,)."""

    def select(self, indices: NDArray[np.int64]) -> Self:
        """A new context of the sequences at `indices`, which may repeat."""


def token_ids(encoding: Encoding, tokens: Iterable[str]) -> Ids:
    """Ids of tokens by their names, such as those of a text.

    Raises:
        EncodingError: naming the first token that is not in the vocabulary.
    """
    ids = {token: number for number, token in enumerate(encoding.vocabulary)}
    try:
        return np.array([ids[token] for token in tokens], np.int64)
    except KeyError as error:
        raise EncodingError(f"token {error.args[0]!r} is not one of {' '.join(encoding.vocabulary)}") from None


class Encoding(Protocol):
    """Melody <-> token ids.

    An encoding with these attributes and methods can be trained, evaluated and sampled from; it is one file and one
    line in `ENCODINGS`. Two things need more. Musical rules need a stepper that turns events into tokens
    (`generation`). An encoding that writes a header in tokens needs masks for it (`constraints`), because the
    sequences of a batch may have different headers.
    """

    name: str
    vocabulary: tuple[str, ...]
    features: tuple[Feature, ...]
    roles: NDArray[np.int64]
    """(vocabulary,) the `Role` of each token."""
    groups: NDArray[np.int64]
    """(vocabulary,) the `Group` of each token."""
    start_id: int
    """The token every sequence starts with. It is never predicted."""
    clock: Clock
    """How the tokens advance time."""
    has_header: bool
    """Whether key, meter, pickup and number of bars are tokens, which a model can choose and follow."""
    tonic_relative: bool
    """Whether a pitch token names a degree of the scale, counted from the tonic; else a pitch in C major or A minor."""
    is_text: bool
    """Whether one text can hold many melodies with the start token between them."""

    def transposition(self, key: Key | None) -> int:
        """Semitones that are added to a MIDI pitch before it is looked up among the pitch tokens."""

    def pitches_in(self, key: Key | None) -> tuple[int, ...]:
        """MIDI pitches that can be written in a key, ascending."""

    def read_header(self, ids: Sequence[int] | Ids) -> Header:
        """The header that the tokens before the first note write down; an empty one without `has_header`."""

    def covering(self, tokens: Iterable[str]) -> Encoding:
        """This encoding if its vocabulary has all these tokens, else one that also has the pitches among them."""

    def encode(self, melody: Melody) -> Ids:
        """Ids of a melody, from the start token to the end.

        Raises:
            EncodingError: where the encoding can't represent the melody; it names the reason.
        """

    def decode(self, ids: Sequence[int] | Ids, header: Header | None = None) -> Melody:
        """The melody of some ids. A sequence without an end is read as far as its last whole note.

        Args:
            ids: from the start token on.
            header: facts that the encoding does not write; ignored where the ids contain them.

        Raises:
            EncodingError: where the ids break the grammar.
        """

    def body(self, melody: Melody) -> Ids:
        """Ids of the notes of a melody alone, without header and end: a primer."""

    def read_plan(self, ids: Sequence[int] | Ids) -> Plan | None:
        """The plan that stands before the notes; None where there is none."""

    def plan_ids(self, plan: Plan) -> Ids:
        """The tokens of a plan, which stand between the rest of the header and the token `notes`.

        Raises:
            EncodingError: if the encoding has no plans.
        """

    def unplanned(self) -> Encoding:
        """The same encoding, which writes no plan before the notes; itself where it never does."""

    def start(self, batch: int, header: Header = Header()) -> Context:
        """The context of `batch` sequences after their start token; its grammar holds them to the header."""

    def description(self) -> dict[str, object]:
        """What `encoding_from` needs to make this encoding again; JSON types only."""
