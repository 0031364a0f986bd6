"""The constant rule: after a hold answer hold, after a delimiter a delimiter. How much accuracy comes free.

On the study's grid text three tokens in four are holds or repeated delimiters, so this rule alone scores
77 %. In general it answers what followed the last token's group most often in training, and its probabilities
are those frequencies.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings import Encoding, Frame, Group, Ids
from melodysynthesis.errors import TrainingError
from melodysynthesis.runtime.base import Card, Logits, State


class ConstantEngine:
    """The constant rule as an `Engine`; made by `train_constant`.

    Args:
        logits: (groups, vocabulary) log-probabilities after a token of each group.
        encoding: of the ids that were counted.
    """

    def __init__(self, logits: Logits, encoding: Encoding) -> None:
        self.logits, self.encoding = logits, encoding
        self.card = Card("constant rule", "constant", "", "", "", 0, int(logits.size), "", {})

    def init(self, batch: int, frame: Frame = Frame()) -> tuple[Logits, State]:  # noqa: B008 (a frozen value)
        """See `Engine.init`."""
        after_start = self.logits[self.encoding.groups[self.encoding.start_id]]
        return np.tile(after_start, (batch, 1)), State(self.encoding.start(batch, frame), None)

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


def train_constant(sequences: Iterable[Ids], encoding: Encoding) -> ConstantEngine:
    """Count what follows each group of tokens; one is added to every count, so nothing is impossible.

    Raises:
        TrainingError: if there is nothing to count.
    """
    counts = np.ones((len(Group), len(encoding.vocabulary)))
    for ids in sequences:
        np.add.at(counts, (encoding.groups[ids[:-1]], ids[1:]), 1)
    if counts.sum() == counts.size:
        raise TrainingError("there is nothing to count: no sequence has a token after its first")
    logits = np.log(counts / counts.sum(axis=1, keepdims=True)).astype(np.float32)
    return ConstantEngine(logits, encoding)
