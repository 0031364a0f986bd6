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
from melodysynthesis.models.tokens import TokenConfig, TokenInput

State = Mapping[str, Tensor]


class MelodyModel(nn.Module, ABC):
    """Base of every architecture in the table of models.

    Args:
        config: what it has in common with the others.
        vocabulary_size: V.
        features: the encoding's features, all F of them, in their order; a model may use fewer.
    """

    def __init__(self, config: TokenConfig, vocabulary_size: int, features: tuple[Feature, ...]) -> None:
        super().__init__()
        self.vocabulary_size = vocabulary_size
        self.features = features
        self.input = TokenInput(config, vocabulary_size, features)

    @abstractmethod
    def forward(
        self,
        ids: Tensor,
        features: Tensor | None = None,
        state: State | None = None,
        mask: Tensor | None = None,
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

    @abstractmethod
    def step(self, ids: Tensor, features: Tensor | None, state: State) -> tuple[Tensor, State]:
        """`forward` for one position, written with plain operations for export: (B,), (B, F) -> (B, V)."""

    @abstractmethod
    def initial_state(self, batch: int) -> dict[str, Tensor]:
        """The state before the first token: zeros, in the order in which `step` returns them."""

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
