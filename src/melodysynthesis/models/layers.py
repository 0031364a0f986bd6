"""Layers that architectures share: both ends, where tokens become vectors and vectors logits, and regularisation.

    token ──embedding───┬── x ── the architecture ── x ──(projection)──┬── logits ── + copy bias
    features ─embedding─┴─────────────────── skip (optional) ──────────┘

Axes and letters as in `models.base`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from melodysynthesis.configuration import check_fields
from melodysynthesis.encodings.base import Feature
from melodysynthesis.errors import ModelError


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Fields that the configurations of all architectures have.

    Raises:
        ModelError: on construction, for fields that contradict each other.
    """

    embedding: int = 128
    """Size of the token embedding; 0 feeds the token one-hot."""
    tie_weights: bool = True
    """Whether the output uses the token embedding as its weights, behind a projection where sizes differ."""
    use_features: tuple[str, ...] = ("all",)
    """Names of the encoding's features to feed, "all" for every one, none for the tokens alone."""
    skip_features: bool = False
    """Whether the embedded features also go straight to the output."""
    copy_bias: bool = False
    """Whether tokens that features name as copies of what came before get a bonus of their own; see `CopyBias`."""

    def check(self, architecture: str, sizes: tuple[str, ...], rates: tuple[str, ...]) -> None:
        """Check the fields above and, by their names, the sizes and rates of an architecture.

        Raises:
            ModelError: for the first that is out of range or contradicts another.
        """
        least = {"embedding": 0, **dict.fromkeys(sizes, 1)}
        check_fields(self, ModelError, of=architecture, at_least=least, below_one=rates)
        if not self.embedding and (self.tie_weights or self.use_features):
            raise ModelError(f"{architecture}: embedding 0 is one-hot and goes without tie_weights and use_features")
        for name in ("skip_features", "copy_bias"):
            if getattr(self, name) and not self.use_features:
                raise ModelError(f"{architecture}: {name} needs use_features")


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
        # Sixteen tables are added up: scaled so that their sum is not larger than the token's embedding.
        nn.init.normal_(self.table.weight, std=(max(1, len(chosen)) * size) ** -0.5)
        self.register_buffer("columns", torch.tensor(chosen), persistent=False)
        self.register_buffer("offsets", torch.tensor(starts), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """(..., F) integers -> (..., size)."""
        used = features if self.uses_all else features.index_select(-1, self.columns)
        embedded: Tensor = self.table(used + self.offsets)
        return embedded.sum(-2)


class CopyBias(nn.Module):
    """A bonus on the logits of the tokens that would copy what came before; the hidden state says how large.

    A feature may name the token that occurred a bar or a phrase ago. With one number for each such feature a model can
    copy it, where it would else have to carry every token through its layers (a pointer as of See et al. 2017, added
    to the logits).

    Args:
        features: those of the encoding; the ones that name a token to copy are used.
        width: of the hidden state.
    """

    columns: Tensor
    offsets: Tensor
    tokens: Tensor

    def __init__(self, features: tuple[Feature, ...], width: int) -> None:
        super().__init__()
        chosen = [i for i, feature in enumerate(features) if feature.candidates]
        tables = [features[i].candidates for i in chosen]
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


class TokenInput(nn.Module):
    """Tokens with their features as vectors: one-hot, or the sum of their embeddings.

    Attributes:
        width: of the vectors.
    """

    def __init__(self, config: ModelConfig, vocabulary_size: int, features: tuple[Feature, ...]) -> None:
        super().__init__()
        self.vocabulary_size, self.width = vocabulary_size, config.embedding or vocabulary_size
        self.embedding = nn.Embedding(vocabulary_size, self.width) if config.embedding else None
        fed = features and config.use_features
        self.features = FeatureEmbedding(features, config.use_features, self.width) if fed else None
        if self.embedding is not None:
            # The rows may also be the output's weights: rows of length one keep the first logits small.
            nn.init.normal_(self.embedding.weight, std=self.width**-0.5)

    def forward(self, ids: Tensor, features: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """(...), (..., F) integers -> vectors (..., width), and the features' embedding in them (None without).

        Raises:
            ModelError: if features are needed and missing.
        """
        if self.embedding is None:
            return F.one_hot(ids, self.vocabulary_size).to(torch.get_default_dtype()), None
        x: Tensor = self.embedding(ids)
        if self.features is None:
            return x, None
        if features is None:
            raise ModelError("this model needs the encoding's features as well as the tokens")
        feature_embedding: Tensor = self.features(features)
        return x + feature_embedding, feature_embedding


class TokenOutput(nn.Module):
    """Vectors as logits: units -> (projection ->) logits; tied, the token embedding is its weights.

    Args:
        config: of the model.
        units: size of the vectors.
        source: the input of the same model.
        features: those of the encoding.
    """

    def __init__(self, config: ModelConfig, units: int, source: TokenInput, features: tuple[Feature, ...]) -> None:
        super().__init__()
        tied = source.embedding if config.tie_weights else None
        width = source.width if tied is not None else units
        self.projection = nn.Linear(units, width) if width != units else nn.Identity()
        self.weight = tied.weight if tied is not None else nn.Parameter(torch.empty(source.vocabulary_size, units))
        self.bias = nn.Parameter(torch.zeros(source.vocabulary_size))
        fed = source.features is not None
        self.skip = nn.Linear(source.width, width, bias=False) if fed and config.skip_features else None
        copies = fed and config.copy_bias and any(feature.candidates for feature in features)
        self.copy_bias = CopyBias(features, units) if copies else None
        if tied is None:
            nn.init.xavier_uniform_(self.weight)

    def forward(self, x: Tensor, feature_embedding: Tensor | None, features: Tensor | None) -> Tensor:
        """(..., units), the features' embedding (..., width), features (..., F) -> logits (..., V)."""
        hidden = self.projection(x)
        if self.skip is not None:
            hidden = hidden + self.skip(feature_embedding)
        logits = F.linear(hidden, self.weight, self.bias)
        if self.copy_bias is None or features is None:
            return logits
        biased: Tensor = self.copy_bias(logits, x, features)
        return biased


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
            return F.dropout(x, self.rate)
        scale = torch.empty_like(x[:, :1]).bernoulli_(1 - self.rate).div_(1 - self.rate)
        return x * scale

    def extra_repr(self) -> str:
        """Shown when the model is printed."""
        return f"{self.rate}, locked={self.locked}"


class MaskedBatchNorm(nn.Module):
    """Batch norm over all positions of a batch that are not padded; otherwise as in Keras.

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
        """(..., width), mask (...) True at real positions -> the same shape; padding becomes zero in training."""
        if mask is None or not self.training:
            return self._normalise(x)
        normalised = torch.zeros_like(x)
        normalised[mask] = self._normalise(x[mask]).to(x.dtype)
        return normalised

    def _normalise(self, x: Tensor) -> Tensor:
        if self.training:
            flat = x.reshape(-1, x.shape[-1])
            self._update_statistics(flat.detach().float())
            normalised = F.batch_norm(flat, None, None, self.weight, self.bias, True, 0.0, self.epsilon)
            return normalised.view_as(x)
        scale = self.weight * torch.rsqrt(self.running_var + self.epsilon)
        return x * scale + (self.bias - self.running_mean * scale)

    @torch.no_grad()
    def _update_statistics(self, flat: Tensor) -> None:
        """Take the statistics of a batch, (positions, width), into the running ones."""
        # A plain average while few batches were seen: at a hundredth each, a hundred would still be a third zeros.
        self.seen += 1
        share = torch.clamp(1 / self.seen, min=self.momentum)
        variance, mean = torch.var_mean(flat, 0)
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance, share)
