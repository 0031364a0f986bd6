"""What a model is: a module that reads ids and features and predicts the next token at every position.

Axes and letters: B batch, T time, V vocabulary, F features of the encoding, U units, E embedding.

    logits, state = model(ids, features)              # (B, T), (B, T, F) -> (B, T, V): to train
    logits, state = model.step(ids, features, state)  # (B,), (B, F) -> (B, V): one token each, to generate

Position i sees ids and features up to i and nothing later. The state is a dictionary of tensors with the
batch as their first axis, so that saving, exporting and reordering it need not know the architecture.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from torch import Tensor, nn

from melodysynthesis.encodings.base import Feature
from melodysynthesis.models.layers import ModelConfig, TokenInput, TokenOutput

State = Mapping[str, Tensor]


class MelodyModel(nn.Module, ABC):
    """Base of every architecture: input -> body -> output. The ends are the same for all; the body is its own.

    A subclass makes its body after the input and `output` after its body, in the order in which they run.

    Args:
        config: fields that all architectures have.
        vocabulary_size: V.
        features: the encoding's features, all F of them, in their order; a model may use fewer.
    """

    output: TokenOutput

    def __init__(self, config: ModelConfig, vocabulary_size: int, features: tuple[Feature, ...]) -> None:
        super().__init__()
        self.vocabulary_size = vocabulary_size
        self.features = features
        self.input = TokenInput(config, vocabulary_size, features)

    @abstractmethod
    def body(self, x: Tensor, state: State, mask: Tensor | None) -> tuple[Tensor, dict[str, Tensor]]:
        """Vectors (B, T, width of the input) -> vectors (B, T, width of the output), and the state after them."""

    @abstractmethod
    def body_step(self, x: Tensor, state: State) -> tuple[Tensor, dict[str, Tensor]]:
        """`body` for one position, without dropout, written with plain operations for export: (B, width)."""

    @abstractmethod
    def initial_state(self, batch: int) -> dict[str, Tensor]:
        """The state before the first token: zeros, in the order in which `step` returns them."""

    def forward(
        self, ids: Tensor, features: Tensor | None = None, state: State | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Logits of the token after each position.

        Args:
            ids: (B, T) integers.
            features: (B, T, F) integers; None where the model uses none.
            state: what an earlier call returned for the positions before; None at the beginning.
            mask: (B, T) True at real positions; None if nothing is padded. Padding ends a row.

        Returns:
            logits (B, T, V) and the state after the last position.
        """
        x, feature_embedding = self.input(ids, features)
        x, after = self.body(x, self.initial_state(len(ids)) if state is None else state, mask)
        return self.output(x, feature_embedding, features), after

    def step(self, ids: Tensor, features: Tensor | None, state: State) -> tuple[Tensor, State]:
        """`forward` for one position of a trained model: (B,), (B, F) -> logits (B, V) and the state."""
        x, feature_embedding = self.input(ids, features)
        x, after = self.body_step(x, state)
        return self.output(x, feature_embedding, features), after

    @property
    def uses_features(self) -> bool:
        """Whether `forward` needs features."""
        return self.input.features is not None


def parameter_count(model: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def select(state: State, indices: Tensor) -> dict[str, Tensor]:
    """The state of the sequences at `indices`, which may repeat."""
    return {name: tensor.index_select(0, indices) for name, tensor in state.items()}
