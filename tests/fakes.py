"""A model that needs no training: its logits are a table of random numbers, looked up by the last token."""

import numpy as np

from melodysynthesis.encodings import Header, encoding_from
from melodysynthesis.encodings.base import Ids
from melodysynthesis.runtime.base import Logits, ModelCard, State


class TableEngine:
    """An `Engine` whose next logits depend on the last token; its `spread` makes it flat or adversarial."""

    def __init__(self, encoding: str, seed: int = 0, spread: float = 3.0) -> None:
        self.encoding = encoding_from({"name": encoding})
        self.card = ModelCard("table", "table", "test", "none", "none", seed, 0, "", {})
        size = len(self.encoding.vocabulary)
        self.table = np.random.default_rng(seed).normal(0, spread, (size, size)).astype(np.float32)
        self.batches: list[int] = []

    def likes(self, token: str, by: float = 50.0) -> "TableEngine":
        """The same engine, with one token preferred everywhere."""
        self.table[:, self.encoding.vocabulary.index(token)] += by
        return self

    def init(self, batch: int, header: Header = Header()) -> tuple[Logits, State]:  # noqa: B008 (a frozen value)
        start = self.encoding.start_id
        return self.table[np.full(batch, start)], State(self.encoding.start(batch, header), None)

    def step(self, ids: Ids, state: State) -> tuple[Logits, State]:
        self.batches.append(len(ids))
        state.context.advance(ids)
        return self.table[ids], state

    def select(self, state: State, indices: Ids) -> State:
        return State(state.context.select(indices), None)

    def workers(self) -> tuple["TableEngine"]:
        return (self,)
