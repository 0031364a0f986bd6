"""Sequences cut into batches.

`Songs` makes batches of whole melodies, padded and bucketed by length; `Stream` cuts one endless text into parallel
lanes whose state is carried from batch to batch, as the original study's corpus files are used. The order of an epoch
is a function of seed and epoch alone, so a run can be resumed in the middle of one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings import Ids
from melodysynthesis.errors import TrainingError
from melodysynthesis.training.data import Sequences

WIDTH_MULTIPLE = 8
"""Batches of songs are padded to multiples of this width. PyTorch's kernels keep memory for each width that they meet:
with every width allowed, a run on the default corpus grew to 2.5 GB."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of positions, each with the token that is read there and the one to be predicted.

    Attributes:
        ids: (B, T) tokens that the model reads.
        features: (B, T, F), or None for an encoding without features.
        targets: (B, T) the token that follows each position.
        mask: (B, T) True where the prediction counts.
        carries: whether the state after this batch is carried to the next.
        padded: whether positions outside the mask are padding, at the end of their rows.
    """

    ids: Ids
    features: NDArray[np.int64] | None
    targets: Ids
    mask: NDArray[np.bool_]
    carries: bool = False
    padded: bool = False

    def part(self, number: int, parts: int) -> Batch:
        """Share `number` of `parts` shares of the rows, without the columns that are padding in all of them.

        A share without rows becomes one row whose loss is masked out, so that every process has something to run.
        """
        start, stop = (len(self.ids) * n // parts for n in (number, number + 1))
        if start == stop:
            first = self.part(0, len(self.ids))
            return replace(first, mask=np.zeros_like(first.mask), padded=False)
        width = self.mask.shape[1]
        if self.padded:
            width = min(_round_up(int(self.mask[start:stop].sum(1).max())), width)
        features = None if self.features is None else self.features[start:stop, :width]
        cut = (slice(start, stop), slice(0, width))
        return Batch(self.ids[cut], features, self.targets[cut], self.mask[cut], self.carries, self.padded)


class Batches(Protocol):
    """A training or validation set as batches."""

    sequences: Sequences

    @property
    def mean_tokens(self) -> float:
        """Mean number of tokens of a batch that are predicted, over an epoch; the same for each epoch."""

    def count(self, epoch: int) -> int:
        """Number of batches in an epoch."""

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[Batch]:
        """Batches of an epoch without its first `skip`; always the same for the same epoch."""


class Songs:
    """Whole melodies, padded and bucketed by length, in a new order each epoch.

    Args:
        sequences: what to train on.
        batch_size: rows of a batch.
        max_length: longer melodies are cut into pieces of this many positions. The features of a piece still describe
            all that came before it; the model's state starts again.
        seed: of the order; None sorts by length, for validation.
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
            raise TrainingError("there is nothing to train on: no sequence has two tokens")
        self.pieces: NDArray[np.int64] = np.array(pieces, np.int64)

    @property
    def mean_tokens(self) -> float:
        """See `Batches.mean_tokens`."""
        return float(np.diff(self.pieces).sum()) / self.count(0)

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
        # Lengths are blurred before sorting, so that melodies share a batch with others in each epoch: this costs some
        # padding.
        order = np.argsort(lengths * random.uniform(0.9, 1.1, len(lengths)), kind="stable")
        batches = _split(order, self.batch_size)
        return [batches[i] for i in random.permutation(len(batches))]

    def _batch(self, pieces: NDArray[np.int64]) -> Batch:
        lengths = pieces[:, 1] - pieces[:, 0]
        order = np.argsort(-lengths, kind="stable")  # longest first: parts of the rows then are narrower
        pieces, lengths = pieces[order], lengths[order]
        columns = np.arange(min(_round_up(int(lengths[0])), self.max_length))
        mask = columns < lengths[:, None]
        # Padding repeats the last position of the piece: valid values that the mask keeps out of the loss.
        index = pieces[:, :1] + np.minimum(columns, lengths[:, None] - 1)
        return _gather(self.sequences, index, mask, padded=True)


class Stream:
    """One endless text, cut into parallel lanes whose state is carried from batch to batch, or reset before each.

    The text is rotated by a random offset each epoch, so that lanes start at other tokens. The start token of a
    sequence is not predicted from the end of the one before it.

    Args:
        sequences: what to train on; its sequences are joined.
        lanes: rows of a batch.
        steps: positions of a batch.
        seed: of the offsets; None for no offset, for validation.
        carries: whether the state after a batch is carried to the next.
    """

    def __init__(
        self, sequences: Sequences, lanes: int, steps: int, seed: int | None = None, *, carries: bool = True
    ) -> None:
        self.sequences, self.lanes, self.steps, self.seed = sequences, lanes, steps, seed
        self.carries = carries
        self.tokens = len(sequences.ids)
        self.lane_length = (self.tokens - 1) // lanes
        if self.lane_length < 1:
            raise TrainingError(
                f"{self.tokens} tokens are too few for a batch_size of {lanes}: it needs at least {lanes + 1}"
            )
        self.is_start = np.zeros(self.tokens, np.bool_)
        self.is_start[sequences.starts[:-1]] = True

    @property
    def mean_tokens(self) -> float:
        """See `Batches.mean_tokens`; of an epoch without offset."""
        predicted = ~self.is_start[np.arange(1, self.lanes * self.lane_length + 1) % self.tokens]
        return float(predicted.sum()) / self.count(0)

    def count(self, epoch: int) -> int:
        """Number of batches in an epoch."""
        del epoch
        return -(-self.lane_length // self.steps)

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[Batch]:
        """Batches of an epoch; see `Batches.epoch`."""
        offset = 0
        if self.seed is not None:
            offset = int(np.random.default_rng([self.seed, epoch]).integers(self.tokens))
        first = offset + np.arange(self.lanes)[:, None] * self.lane_length
        for low in range(skip * self.steps, self.lane_length, self.steps):
            index = (first + np.arange(low, min(low + self.steps, self.lane_length))) % self.tokens
            mask = ~self.is_start[(index + 1) % self.tokens]
            yield _gather(self.sequences, index, mask, carries=self.carries)


def _round_up(width: int) -> int:
    return -(-width // WIDTH_MULTIPLE) * WIDTH_MULTIPLE


def _split(order: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    return [order[i : i + size] for i in range(0, len(order), size)]


def _gather(
    sequences: Sequences,
    index: NDArray[np.int64],
    mask: NDArray[np.bool_],
    carries: bool = False,
    padded: bool = False,
) -> Batch:
    """The batch whose positions are the tokens at `index`, (B, T)."""
    ids, targets = sequences.ids[index], sequences.ids[(index + 1) % len(sequences.ids)]
    features = sequences.features[index].astype(np.int64) if sequences.features.shape[1] else None
    return Batch(ids.astype(np.int64), features, targets.astype(np.int64), mask, carries, padded)
