"""The constant rule predicts a hold after a hold and a delimiter after a delimiter: the accuracy that costs nothing.

On the study's grid text three tokens in four are holds or repeated delimiters, so this rule alone scores
77 %. In general it predicts the token that most often followed the last token's group in training, and its
probabilities are those frequencies.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings import Encoding, Group, Header, Ids
from melodysynthesis.errors import TrainingError
from melodysynthesis.formats import files
from melodysynthesis.runtime import tables
from melodysynthesis.runtime.base import Logits, ModelCard, State

KIND = ("melodysynthesis constant", 1)


class ConstantEngine:
    """The constant rule as an `Engine`; made by `train_constant` or `load_constant`.

    Args:
        logits: (groups, vocabulary) log-probabilities after a token of each group.
        encoding: of the ids that were counted.
        card: what to know of it.
    """

    def __init__(self, logits: Logits, encoding: Encoding, card: ModelCard) -> None:
        self.logits, self.encoding, self.card = logits, encoding, card

    def init(self, batch: int, header: Header = Header()) -> tuple[Logits, State]:  # noqa: B008 (a frozen value)
        """See `Engine.init`."""
        after_start = self.logits[self.encoding.groups[self.encoding.start_id]]
        return np.tile(after_start, (batch, 1)), State(self.encoding.start(batch, header), None)

    def step(self, ids: Ids, state: State) -> tuple[Logits, State]:
        """See `Engine.step`."""
        state.context.advance(ids)
        return self.logits[self.encoding.groups[ids]], state

    def workers(self) -> tuple[Self]:
        """See `Engine.workers`."""
        return (self,)

    def select(self, state: State, indices: NDArray[np.int64]) -> State:
        """See `Engine.select`."""
        return State(state.context.select(indices), None)

    def save(self, path: files.PathLike) -> None:
        """Write the rule as one ``.npz`` file, whole or not at all; the same rule gives the same bytes.

        Raises:
            FormatError: if the file can't be written.
        """
        tables.save(path, KIND, self.encoding, self.card, {"logits": self.logits})


def train_constant(sequences: Iterable[Ids], encoding: Encoding, card: ModelCard | None = None) -> ConstantEngine:
    """Count what follows each group of tokens; one is added to every count, so nothing is impossible.

    Args:
        sequences: ids from the start token on.
        encoding: of the ids.
        card: what to know of the model; its `parameters` are set to the number of logits.

    Raises:
        TrainingError: if there is nothing to count.
    """
    counts = np.ones((len(Group), len(encoding.vocabulary)))
    for ids in sequences:
        np.add.at(counts, (encoding.groups[ids[:-1]], ids[1:]), 1)
    if counts.sum() == counts.size:
        raise TrainingError("there is nothing to count: no sequence has a token after its first")
    logits = np.log(counts / counts.sum(axis=1, keepdims=True)).astype(np.float32)
    card = card or ModelCard("constant rule", "constant", "", "", "", 0, 0, "", {})
    return ConstantEngine(logits, encoding, replace(card, parameters=int(logits.size)))


def load_constant(path: files.PathLike) -> ConstantEngine:
    """Read what `ConstantEngine.save` wrote.

    Raises:
        FormatError: if the file can't be read.
        ModelError: if it is damaged, something else, or of a vocabulary that its encoding no longer has.
    """
    return tables.load(path, KIND, "a constant rule", _built)


def _built(found: tables.Tables) -> ConstantEngine:
    logits = found.arrays["logits"]
    if logits.shape != (len(Group), len(found.encoding.vocabulary)) or logits.dtype != np.float32:
        raise ValueError(f"its log-probabilities have the shape {logits.shape}")
    if not np.allclose(np.exp(logits).sum(axis=1), 1, atol=1e-4):
        raise ValueError("its probabilities do not sum to one")
    return ConstantEngine(logits, found.encoding, found.card)
