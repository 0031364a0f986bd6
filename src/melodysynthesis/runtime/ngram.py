"""An interpolated n-gram model: the baseline that a neural network has to beat, stepped by the same contract.

The probability of a token after a context of k tokens mixes what followed that context in training with the
probability after the context one token shorter, down to all tokens being equally likely:

    p_k(w | h) = (1 - e) * count(h, w) / count(h) + e * p_{k-1}(w | h')

The escape weights e are fitted to data held out from the counts (`escapes`). Contexts are kept exactly (`trie`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Self

import numpy as np

from melodysynthesis.encodings import Encoding, Header, Ids
from melodysynthesis.formats import files
from melodysynthesis.runtime import escapes, tables, trie
from melodysynthesis.runtime.base import Logits, ModelCard, State
from melodysynthesis.runtime.trie import Floats, Ints, Level

KIND = ("melodysynthesis ngram", 1)


class NGramEngine:
    """An n-gram model as an `Engine`; made by `train_ngram` or `load_ngram`.

    Args:
        levels: counts after contexts of 0, 1, ... tokens.
        weights: (levels, classes) escape weights, each above 0 and below 1.
        encoding: of the ids that were counted.
        card: what to know of it.
    """

    def __init__(self, levels: Sequence[Level], weights: Floats, encoding: Encoding, card: ModelCard) -> None:
        self.levels, self.weights = tuple(levels), weights
        self.encoding, self.card = encoding, card
        self._probabilities = [escapes.by_class(level, row) for level, row in zip(self.levels, weights, strict=True)]

    @property
    def order(self) -> int:
        """Longest context in tokens: an order of 8 is a 9-gram to those who count the predicted token."""
        return len(self.levels) - 1

    def init(self, batch: int, header: Header = Header()) -> tuple[Logits, State]:  # noqa: B008 (a frozen value)
        """Log-probabilities of the first token, and the state after the start token; see `Engine.init`."""
        past = np.full((batch, max(self.order, 1)), -1, np.int64)
        past[:, -1] = self.encoding.start_id
        return self._logits(past), State(self.encoding.start(batch, header), past)

    def step(self, ids: Ids, state: State) -> tuple[Logits, State]:
        """Take one token for each sequence; log-probabilities of the next; see `Engine.step`."""
        state.context.advance(ids)
        past = np.concatenate([state.memory[:, 1:], np.asarray(ids, np.int64)[:, None]], axis=1)
        return self._logits(past), State(state.context, past)

    def workers(self) -> tuple[Self]:
        """See `Engine.workers`."""
        return (self,)

    def select(self, state: State, indices: Ints) -> State:
        """A new state of the sequences at `indices`; see `Engine.select`."""
        return State(state.context.select(indices), state.memory[indices])

    def probabilities(self, past: Ints) -> Floats:
        """Probabilities (batch, vocabulary) after a past (batch, tokens), the latest last; -1 is no token."""
        return trie.interpolate(self._probabilities, past, len(self.encoding.vocabulary))

    def _logits(self, past: Ints) -> Logits:
        return np.log(self.probabilities(past)).astype(np.float32)

    def save(self, path: files.PathLike) -> None:
        """Write the model as one ``.npz`` file, whole or not at all; the same model gives the same bytes.

        Raises:
            FormatError: if the file can't be written.
        """
        arrays = {"weights": self.weights, **trie.pack(self.levels)}
        tables.save(path, KIND, self.encoding, self.card, arrays)


def train_ngram(
    sequences: Iterable[Ids], encoding: Encoding, order: int = 16, card: ModelCard | None = None
) -> NGramEngine:
    """Count id sequences and fit the escape weights.

    Args:
        sequences: ids from the start token on; the first token of each is context only and never counted as
            predicted. A corpus text with its delimiters is one sequence.
        encoding: of the ids.
        order: longest context in tokens, 0 to 64. As weights are fitted, a longer one costs only memory.
        card: what to know of the model; its `parameters` are set to the number of counts.

    Raises:
        TrainingError: if there is nothing to count or the order is out of range.
        EncodingError: if an id is outside the vocabulary.
    """
    size = len(encoding.vocabulary)
    blocks = trie.blocks_of(sequences, size, order)
    levels = trie.count(blocks, size, order)
    weights = _fit_weights(blocks, size, len(levels))
    parameters = sum(len(level.tokens) for level in levels)
    card = card or ModelCard("n-gram", "ngram", f"order {order}", "", "", 0, 0, "", {})
    return NGramEngine(levels, weights, encoding, replace(card, parameters=parameters))


def load_ngram(path: files.PathLike) -> NGramEngine:
    """Read what `NGramEngine.save` wrote.

    Raises:
        FormatError: if the file can't be read.
        ModelError: if it is damaged, something else, or of a vocabulary that its encoding no longer has.
    """
    return tables.load(path, KIND, "an n-gram model", _built)


def _built(found: tables.Tables) -> NGramEngine:
    levels = trie.unpack(found.arrays, len(found.encoding.vocabulary))
    weights = found.arrays["weights"]
    if not escapes.are_weights(weights, len(levels)):
        raise ValueError("its escape weights are not shares of its levels")
    return NGramEngine(levels, weights, found.encoding, found.card)


def _fit_weights(blocks: Sequence[Ids], size: int, levels: int) -> Floats:
    """(levels, classes) escape weights that make the held-out blocks most likely."""
    weights = escapes.witten_bell(levels)
    held_out, rest = trie.hold_out(blocks)
    if held_out:
        fitted = escapes.fit(escapes.follow(trie.count(rest, size, levels - 1), held_out, size), 1 / size)
        weights[: len(fitted)] = fitted
    return weights
