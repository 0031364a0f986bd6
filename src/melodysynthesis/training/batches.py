"""What a model is trained on: melodies as ids and features, cut into batches.

    melodies --encode--> Sequences (flat arrays) --Songs | Stream--> Batch, Batch, ... for each epoch

Ids and features are made once, by walking the encoding's own batched context along whole melodies in lock-step:
training sees exactly what generation will see. `Songs` trains on whole melodies, padded and bucketed by length;
`Stream` on one endless text cut into parallel lanes with carried state, as the original study's corpus files
are. The order of an epoch is a function of seed and epoch alone, so a run can go on in the middle of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings.base import Encoding, Feature, Ids
from melodysynthesis.errors import TrainingError
from melodysynthesis.music import Melody

LOCK_STEP = 256
"""Melodies that are walked at once: enough to keep NumPy busy, few enough that their contexts stay in the cache."""
WIDTHS = 8
"""Batches of songs are multiples of this wide. PyTorch's kernels keep memory for each width that they meet: with every
width on its own, a run on the default corpus grew to 2.5 GB."""
BUFFER = 4096
"""Melodies held at once when a corpus is written to disk."""


@dataclass(frozen=True, slots=True)
class Sequences:
    """Many sequences of ids, one after the other in flat arrays, which may lie on disk.

    Attributes:
        ids: (tokens,) unsigned 16 bit.
        features: (tokens, F) 8 or 16 bit: row i is what is known once ids up to i have been seen.
        starts: (sequences + 1,) where each sequence starts; the last entry is the number of tokens.
    """

    ids: NDArray[np.uint16]
    features: NDArray[np.unsignedinteger]
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(sequences,) number of tokens."""
        return np.diff(self.starts)


@dataclass(frozen=True, slots=True)
class Batch:
    """A rectangle of positions, each with what it sees and what it should predict.

    Attributes:
        ids: (B, T) what the model reads.
        features: (B, T, F), or None for an encoding without features.
        targets: (B, T) the token that follows each position.
        mask: (B, T) True where the prediction counts.
        carries: whether the state after this batch is the state before the next.
        padded: whether positions outside the mask are padding, at the end of their rows.
    """

    ids: Ids
    features: NDArray[np.int64] | None
    targets: Ids
    mask: NDArray[np.bool_]
    carries: bool = False
    padded: bool = False

    def part(self, number: int, parts: int) -> Batch:
        """One of `parts` shares of the rows, without the columns that are padding in all of them.

        A share without rows is one row that counts for nothing, so that every process has something to run.
        """
        start, stop = (len(self.ids) * n // parts for n in (number, number + 1))
        if start == stop:
            whole = self.part(0, 1)
            nothing = np.zeros_like(whole.mask[:1])
            features = None if whole.features is None else whole.features[:1]
            return Batch(whole.ids[:1], features, whole.targets[:1], nothing, self.carries)
        width = self.mask.shape[1]
        if self.padded:
            width = min(_round_up(int(self.mask[start:stop].sum(1).max())), width)
        features = None if self.features is None else self.features[start:stop, :width]
        cut = (slice(start, stop), slice(0, width))
        return Batch(self.ids[cut], features, self.targets[cut], self.mask[cut], self.carries, self.padded)


class Batches(Protocol):
    """A training or validation set as batches."""

    sequences: Sequences

    def count(self, epoch: int) -> int:
        """Number of batches in an epoch."""

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[Batch]:
        """Batches of an epoch without its first `skip`; always the same for the same epoch."""


def encode(encoding: Encoding, melodies: Sequence[Melody]) -> Sequences:
    """Ids and features of melodies, in memory.

    Raises:
        EncodingError: for the first melody that the encoding can't say.
    """
    return from_ids(encoding, [encoding.encode(melody) for melody in melodies])


def from_ids(encoding: Encoding, sequences: Sequence[Ids]) -> Sequences:
    """Sequences of ids with the features that belong to them. Each starts with the encoding's start token."""
    starts = np.concatenate([[0], np.cumsum([len(ids) for ids in sequences])]).astype(np.int64)
    flat = np.concatenate([np.zeros(0, np.uint16), *sequences]).astype(np.uint16)
    features = np.zeros((len(flat), len(encoding.features)), feature_type(encoding.features))
    if encoding.features:
        # Neighbours in length walk together, so that few of them wait for the longest.
        order = sorted(range(len(sequences)), key=lambda i: len(sequences[i]))
        for low in range(0, len(order), LOCK_STEP):
            _walk(encoding, sequences, order[low : low + LOCK_STEP], starts, features)
    return Sequences(flat, features, starts)


def feature_type(features: tuple[Feature, ...]) -> type[np.unsignedinteger]:
    """The smallest type that holds the values of all features."""
    return np.uint8 if all(feature.size <= 256 for feature in features) else np.uint16


def _walk(
    encoding: Encoding,
    sequences: Sequence[Ids],
    rows: list[int],
    starts: NDArray[np.int64],
    features: NDArray[np.unsignedinteger],
) -> None:
    """Fill in the features of some sequences by walking one context along all of them."""
    lengths = np.array([len(sequences[row]) for row in rows])
    # A sequence that has ended repeats its last token, which the grammar allows, and is no longer written.
    ids = np.stack([np.pad(sequences[row], (0, lengths[-1] - len(sequences[row])), "edge") for row in rows])
    at = starts[rows]
    context = encoding.start(len(rows))
    for i in range(lengths[-1]):
        if i:
            context.advance(ids[:, i].astype(np.int64))
        alive = lengths > i
        features[at[alive] + i] = context.features()[alive]


def from_text(encoding: Encoding, ids: Ids) -> Sequences:
    """One long grid text, such as the original study's corpus files, as a single sequence; it may begin with a note.

    Raises:
        TrainingError: for an encoding whose melodies can't stand in one text.
    """
    if encoding.name != "grid":
        raise TrainingError(f"a text of tokens with delimiters is for the encoding 'grid', not {encoding.name!r}")
    ids = np.concatenate([[encoding.start_id], ids])
    delimiter = ids == encoding.start_id
    # Features begin anew with the delimiters before each melody, so melodies can be walked side by side.
    begins = np.flatnonzero(delimiter[1:] & ~delimiter[:-1]) + 1
    features = from_ids(encoding, np.split(ids, begins)).features[1:]
    return Sequences(ids[1:].astype(np.uint16), features, np.array([0, len(ids) - 1]))


def encode_to(folder: Path, encoding: Encoding, melodies: Iterable[Melody]) -> Sequences:
    """Ids and features of any number of melodies, on disk as memory-mapped arrays: memory holds `BUFFER` melodies.

    The files are written under other names and moved when they are whole, so an interrupted call leaves nothing that
    looks finished.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = ("ids", "features", "starts")
    lengths: list[NDArray[np.int64]] = []
    source = iter(melodies)
    with _parts(folder, names[:2]) as files:
        while buffer := list(islice(source, BUFFER)):
            chunk = encode(encoding, buffer)
            chunk.ids.tofile(files["ids"])
            chunk.features.tofile(files["features"])
            lengths.append(chunk.lengths)
    starts = np.concatenate([[0], np.cumsum(np.concatenate([np.zeros(0, np.int64), *lengths]))]).astype(np.int64)
    starts.tofile(folder / "starts.part")
    for name in names:
        (folder / f"{name}.part").replace(folder / f"{name}.bin")
    return open_sequences(folder, encoding)


class _parts:  # noqa: N801 (used as a function)
    """Open files for writing, all closed at the end."""

    def __init__(self, folder: Path, names: tuple[str, ...]) -> None:
        self.files: dict[str, BinaryIO] = {name: (folder / f"{name}.part").open("wb") for name in names}

    def __enter__(self) -> dict[str, BinaryIO]:
        return self.files

    def __exit__(self, *_: object) -> None:
        for file in self.files.values():
            file.close()


def open_sequences(folder: Path, encoding: Encoding) -> Sequences:
    """What `encode_to` wrote. Nothing is read before it is used."""
    starts = np.fromfile(folder / "starts.bin", np.int64)
    tokens, width = int(starts[-1]), len(encoding.features)

    def open_array(name: str, kind: type[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        if 0 in shape:  # an empty file can't be mapped
            return np.zeros(shape, kind)
        return np.memmap(folder / f"{name}.bin", kind, "r", shape=shape)

    ids = open_array("ids", np.uint16, (tokens,))
    features = open_array("features", feature_type(encoding.features), (tokens, width))
    return Sequences(ids, features, starts)


class Songs:
    """Whole melodies, padded and bucketed by length, in a new order each epoch.

    Args:
        sequences: what to train on.
        batch_size: rows of a batch.
        max_length: longer melodies are cut into pieces of so many positions. A piece's features still know all that
            came before it; the model's state does not.
        seed: of the order; None keeps the order by length, for validation.
    """

    def __init__(self, sequences: Sequences, batch_size: int, max_length: int = 1024, seed: int | None = None) -> None:
        self.sequences, self.batch_size, self.max_length, self.seed = sequences, batch_size, max_length, seed
        starts, stops = sequences.starts[:-1], sequences.starts[1:] - 1  # the last token predicts nothing
        pieces = [
            (begin, min(begin + max_length, stop))
            for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)
            for begin in range(start, stop, max_length)
        ]
        if not pieces:
            raise TrainingError("there is nothing to train on: every sequence is empty")
        self.pieces: NDArray[np.int64] = np.array(pieces, np.int64)

    def count(self, epoch: int) -> int:
        """Number of batches in an epoch."""
        del epoch
        return -(-len(self.pieces) // self.batch_size)

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[Batch]:
        """Batches of an epoch; see `Batches.epoch`."""
        for rows in self._plan(epoch)[skip:]:
            yield self._batch(self.pieces[rows])

    def _plan(self, epoch: int) -> list[NDArray[np.int64]]:
        lengths = (self.pieces[:, 1] - self.pieces[:, 0]).astype(np.float64)
        if self.seed is None:
            return _split(np.argsort(-lengths, kind="stable"), self.batch_size)
        random = np.random.default_rng([self.seed, epoch])
        # Lengths are blurred before sorting, so that epochs differ in who shares a batch: some padding for variety.
        order = np.argsort(lengths * random.uniform(0.9, 1.1, len(lengths)), kind="stable")
        batches = _split(order, self.batch_size)
        return [batches[i] for i in random.permutation(len(batches))]

    def _batch(self, pieces: NDArray[np.int64]) -> Batch:
        lengths = pieces[:, 1] - pieces[:, 0]
        order = np.argsort(-lengths, kind="stable")  # longest first: a part of the rows then is narrower too
        pieces, lengths = pieces[order], lengths[order]
        places = np.arange(min(_round_up(int(lengths[0])), self.max_length))
        mask = places < lengths[:, None]
        # Padded positions repeat the piece's last one: valid values that the mask keeps out of the loss.
        at = pieces[:, :1] + np.minimum(places, lengths[:, None] - 1)
        return _gather(self.sequences, at, mask, padded=True)


class Stream:
    """One endless text, cut into parallel lanes that carry their state from batch to batch, or begin anew with each.

    The text is turned by a random offset each epoch, so that lanes and windows begin elsewhere. Where sequences
    meet, the next one's start token is not predicted.

    Args:
        sequences: what to train on; its sequences are joined.
        lanes: rows of a batch.
        steps: positions of a batch.
        seed: of the offsets; None starts at the beginning, for validation.
        carries: whether the state after a batch is the state before the next.
    """

    def __init__(
        self, sequences: Sequences, lanes: int, steps: int, seed: int | None = None, *, carries: bool = True
    ) -> None:
        self.sequences, self.lanes, self.steps, self.seed = sequences, lanes, steps, seed
        self.carries = carries
        self.tokens = len(sequences.ids)
        self.lane_length = (self.tokens - 1) // lanes
        if self.lane_length < 1:
            raise TrainingError(f"{self.tokens} tokens are too few for {lanes} lanes")
        self.is_start = np.zeros(self.tokens, np.bool_)
        self.is_start[sequences.starts[:-1]] = True

    def count(self, epoch: int) -> int:
        """Number of batches in an epoch."""
        del epoch
        return -(-self.lane_length // self.steps)

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[Batch]:
        """Batches of an epoch; see `Batches.epoch`."""
        offset = 0
        if self.seed is not None:
            offset = int(np.random.default_rng([self.seed, epoch]).integers(self.tokens))
        begins = offset + np.arange(self.lanes)[:, None] * self.lane_length
        for low in range(skip * self.steps, self.lane_length, self.steps):
            at = (begins + np.arange(low, min(low + self.steps, self.lane_length))) % self.tokens
            mask = ~self.is_start[(at + 1) % self.tokens]
            yield _gather(self.sequences, at, mask, carries=self.carries)


def _round_up(width: int) -> int:
    return -(-width // WIDTHS) * WIDTHS


def _split(order: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    return [order[i : i + size] for i in range(0, len(order), size)]


def _gather(
    sequences: Sequences,
    at: NDArray[np.int64],
    mask: NDArray[np.bool_],
    carries: bool = False,
    padded: bool = False,
) -> Batch:
    """The batch whose positions are `at`, (B, T) indices of tokens."""
    ids, targets = sequences.ids[at], sequences.ids[(at + 1) % len(sequences.ids)]
    features = sequences.features[at].astype(np.int64) if sequences.features.shape[1] else None
    return Batch(ids.astype(np.int64), features, targets.astype(np.int64), mask, carries, padded)
