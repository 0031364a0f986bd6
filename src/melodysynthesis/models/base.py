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

import torch
from torch import Tensor, nn

from melodysynthesis.encodings.base import Feature
from melodysynthesis.errors import ModelError

State = Mapping[str, Tensor]


class MelodyModel(nn.Module, ABC):
    """Base of every architecture in the table of models.

    Attributes:
        vocabulary_size: V.
        features: the encoding's features, all F of them, in their order; a model may use fewer.
    """

    def __init__(self, vocabulary_size: int, features: tuple[Feature, ...]) -> None:
        super().__init__()
        self.vocabulary_size = vocabulary_size
        self.features = features

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
        return bool(self.features)


def parameter_count(model: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def select(state: State, indices: Tensor) -> dict[str, Tensor]:
    """The state of the sequences at `indices`, which may repeat."""
    return {name: tensor.index_select(0, indices) for name, tensor in state.items()}


class FeatureEmbedding(nn.Module):
    """The sum of one embedding for each feature used. All tables lie in one, so that it is a single look-up.

    Args:
        features: those of the encoding.
        use: names of the features to use, or ``("all",)``.
        size: of the embeddings.

    Raises:
        ModelError: if a name is none of the encoding's features.
    """

    columns: Tensor
    offsets: Tensor

    def __init__(self, features: tuple[Feature, ...], use: tuple[str, ...], size: int) -> None:
        super().__init__()
        names = [feature.name for feature in features]
        if missing := [name for name in use if name not in names and name != "all"]:
            known = ", ".join(names) or "none"
            raise ModelError(f"the encoding has no feature {missing[0]!r}; it has: {known}")
        chosen = [i for i, name in enumerate(names) if name in use or "all" in use]
        sizes = [features[i].size for i in chosen]
        starts = [sum(sizes[:i]) for i in range(len(sizes))]
        self.uses_all = len(chosen) == len(features)
        self.table = nn.Embedding(max(1, sum(sizes)), size)
        # Sixteen tables are added up: scaled so that their sum is not louder than the token.
        nn.init.normal_(self.table.weight, std=(max(1, len(chosen)) * size) ** -0.5)
        self.register_buffer("columns", torch.tensor(chosen), persistent=False)
        self.register_buffer("offsets", torch.tensor(starts), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """(..., F) integers -> (..., size)."""
        used = features if self.uses_all else features.index_select(-1, self.columns)
        embedded: Tensor = self.table(used + self.offsets)
        return embedded.sum(-2)


class Suggestions(nn.Module):
    """A bonus on the logits of the tokens that features suggest, as large as the hidden state says.

    It lets a model copy what stood a bar or a phrase ago with one number for each kind of suggestion, where it
    would else have to carry every token through its layers (a pointer, See et al. 2017, that adds to logits).

    Args:
        features: those of the encoding; the ones that suggest tokens are used.
        width: of the hidden state.
    """

    columns: Tensor
    offsets: Tensor
    tokens: Tensor

    def __init__(self, features: tuple[Feature, ...], width: int) -> None:
        super().__init__()
        chosen = [i for i, feature in enumerate(features) if feature.suggests]
        tables = [features[i].suggests for i in chosen]
        starts = [sum(map(len, tables[:i])) for i in range(len(tables))]
        self.size = nn.Linear(width, len(chosen))
        self.register_buffer("columns", torch.tensor(chosen), persistent=False)
        self.register_buffer("offsets", torch.tensor(starts), persistent=False)
        self.register_buffer("tokens", torch.tensor([token for table in tables for token in table]), persistent=False)

    def forward(self, logits: Tensor, hidden: Tensor, features: Tensor) -> Tensor:
        """(..., V), (..., width), (..., F) integers -> (..., V)."""
        tokens = self.tokens[features.index_select(-1, self.columns) + self.offsets]
        bonus = self.size(hidden).to(logits.dtype) * (tokens >= 0)
        return logits.scatter_add(-1, tokens.clamp(min=0), bonus)


class LockedDropout(nn.Module):
    """Dropout with one mask for all positions of a sequence (Gal and Ghahramani 2016).

    Noise that is new at every position averages out in a recurrent state; this does not. `locked` False gives
    ordinary dropout.
    """

    def __init__(self, rate: float, locked: bool = True) -> None:
        super().__init__()
        self.rate, self.locked = rate, locked

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> the same shape."""
        if not self.training or self.rate == 0:
            return x
        if not self.locked:
            return nn.functional.dropout(x, self.rate)
        kept = torch.empty_like(x[:, :1]).bernoulli_(1 - self.rate).div_(1 - self.rate)
        return x * kept

    def extra_repr(self) -> str:
        """For people who print the model."""
        return f"{self.rate}, locked={self.locked}"


class MaskedBatchNorm(nn.Module):
    """Batch norm over all positions of a batch that are not padded, as in Keras (padding apart).

    In training a prediction depends on its batch, later positions included, through mean and variance;
    afterwards the running averages stand in for them, so that a trained model looks only back.
    """

    running_mean: Tensor
    running_var: Tensor
    seen: Tensor

    def __init__(self, width: int, momentum: float = 0.01, epsilon: float = 1e-3) -> None:
        super().__init__()
        self.momentum, self.epsilon = momentum, epsilon
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_var", torch.ones(width))
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(..., width), mask (...) -> the same shape; padded positions stay as they were."""
        if mask is None or not self.training:
            return self._normalise(x)
        normal = torch.zeros_like(x)
        normal[mask] = self._normalise(x[mask]).to(x.dtype)
        return normal

    def _normalise(self, x: Tensor) -> Tensor:
        if self.training:
            flat = x.reshape(-1, x.shape[-1])
            self._remember(flat.detach().float())
            return nn.functional.batch_norm(flat, None, None, self.weight, self.bias, True, 0.0, self.epsilon).view_as(
                x
            )
        scale = self.weight * torch.rsqrt(self.running_var + self.epsilon)
        return x * scale + (self.bias - self.running_mean * scale)

    @torch.no_grad()
    def _remember(self, flat: Tensor) -> None:
        """Take the statistics of a batch, (positions, width), into the running ones."""
        # A plain average while few batches were seen: at a hundredth each, a hundred would still be a third zeros.
        self.seen += 1
        share = torch.clamp(1 / self.seen, min=self.momentum)
        variance, mean = torch.var_mean(flat, 0)
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance, share)
