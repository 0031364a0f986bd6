"""The interface of an engine, which steps a trained model: one token at a time for a batch of sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings.base import Context, Encoding, Header, Ids

Logits = NDArray[np.float32]


@dataclass(slots=True)
class State:
    """State of a batch: the encoding's context and the engine's own memory (h and c, caches, counts)."""

    context: Context
    memory: Any


class Engine(Protocol):
    """Steps a model. A step takes the tokens that were drawn and returns the logits of the next ones.

        logits, state = engine.init(batch, header)
        while not state.context.done.all():
            ids = draw(logits, state.context.allowed())
            logits, state = engine.step(ids, state)

    The start token is taken by `init`, so that no caller can lose or repeat it.
    """

    encoding: Encoding
    card: ModelCard

    def init(self, batch: int, header: Header = Header()) -> tuple[Logits, State]:  # noqa: B008 (a frozen value)
        """Logits (batch, vocabulary) of the first token, and the state after the start token."""

    def step(self, ids: Ids, state: State) -> tuple[Logits, State]:
        """Take one token for each sequence, (batch,); logits (batch, vocabulary) of the next. `state` is used up."""

    def select(self, state: State, indices: NDArray[np.int64]) -> State:
        """A new state of the sequences at `indices`, which may repeat; the old one stays good."""

    def workers(self) -> Sequence[Engine]:
        """Engines of the same model to step several batches at once, a thread each; one where that gains nothing."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Facts that a person should know before using a model. They are written into the model file.

    Attributes:
        name: such as ``"lstm"``.
        architecture: name in the table of models, ``"ngram"`` or ``"ppm"``.
        preset: ``"original"``, ``"base"`` or what the user gave.
        corpus: name of the corpus it was trained on.
        licence: of that corpus, in one line for people.
        seed: of the training.
        parameters: number of trainable parameters.
        command: the command line that made it.
        figures: measured on held-out data, such as ``{"bits per note": 3.1}``.
    """

    name: str
    architecture: str
    preset: str
    corpus: str
    licence: str
    seed: int
    parameters: int
    command: str
    figures: dict[str, float]
