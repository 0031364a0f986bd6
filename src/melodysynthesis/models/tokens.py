"""Both ends of every architecture: tokens and features become vectors, and vectors become logits.

    token ──embedding───┬── x ── the architecture ── x ──(projection)──┬── logits ── + suggestions
    features ─embedding─┴─────────────────── skip (optional) ──────────┘

Axes and letters as in `models.base`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from melodysynthesis.encodings.base import Feature
from melodysynthesis.errors import ModelError


@dataclass(frozen=True, slots=True)
class TokenConfig:
    """What the configurations of all architectures have in common.

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
    follow_suggestions: bool = False
    """Whether tokens that features suggest get a bonus of their own; see `Suggestions`."""

    def check(self, architecture: str, sizes: tuple[str, ...], rates: tuple[str, ...]) -> None:
        """Check the fields above and, by their names, the sizes and rates of an architecture.

        Raises:
            ModelError: for the first that is out of range or contradicts another.
        """
        for name, least in (("embedding", 0), *((name, 1) for name in sizes)):
            if getattr(self, name) < least:
                raise ModelError(f"{architecture}: {name} is {getattr(self, name)}, expected at least {least}")
        for name in rates:
            if not 0 <= getattr(self, name) < 1:
                raise ModelError(f"{architecture}: {name} is {getattr(self, name)}, expected a rate from 0 to below 1")
        if not self.embedding and (self.tie_weights or self.use_features):
            raise ModelError(f"{architecture}: embedding 0 is one-hot and goes without tie_weights and use_features")
        for name in ("skip_features", "follow_suggestions"):
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


class TokenInput(nn.Module):
    """Tokens with their features as vectors: one-hot, or the sum of their embeddings.

    Attributes:
        width: of the vectors.
    """

    def __init__(self, config: TokenConfig, vocabulary_size: int, features: tuple[Feature, ...]) -> None:
        super().__init__()
        self.vocabulary_size, self.width = vocabulary_size, config.embedding or vocabulary_size
        self.embedding = nn.Embedding(vocabulary_size, self.width) if config.embedding else None
        fed = features and config.use_features
        self.features = FeatureEmbedding(features, config.use_features, self.width) if fed else None
        if self.embedding is not None:
            # The rows may also be the output's weights: rows of length one keep the first logits small.
            nn.init.normal_(self.embedding.weight, std=self.width**-0.5)

    def forward(self, ids: Tensor, features: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """(...), (..., F) integers -> vectors (..., width), and the part of them that the features gave.

        Raises:
            ModelError: if features are needed and missing.
        """
        if self.embedding is None:
            return F.one_hot(ids, self.vocabulary_size).to(torch.get_default_dtype()), None
        x: Tensor = self.embedding(ids)
        if self.features is None:
            return x, None
        if features is None:
            raise ModelError("this model needs the encoding's features beside the tokens")
        known: Tensor = self.features(features)
        return x + known, known


class TokenOutput(nn.Module):
    """Vectors as logits: units -> (projection ->) logits; tied, the token embedding is its weights.

    Args:
        config: of the model.
        units: size of the vectors.
        source: the input of the same model.
        features: those of the encoding.
    """

    def __init__(self, config: TokenConfig, units: int, source: TokenInput, features: tuple[Feature, ...]) -> None:
        super().__init__()
        tied = source.embedding if config.tie_weights else None
        width = source.width if tied is not None else units
        self.projection = nn.Linear(units, width) if width != units else nn.Identity()
        self.weight = tied.weight if tied is not None else nn.Parameter(torch.empty(source.vocabulary_size, units))
        self.bias = nn.Parameter(torch.zeros(source.vocabulary_size))
        fed = source.features is not None
        self.skip = nn.Linear(source.width, width, bias=False) if fed and config.skip_features else None
        suggest = fed and config.follow_suggestions and any(feature.suggests for feature in features)
        self.suggestions = Suggestions(features, units) if suggest else None
        if tied is None:
            nn.init.xavier_uniform_(self.weight)

    def forward(self, x: Tensor, known: Tensor | None, features: Tensor | None) -> Tensor:
        """(..., units), what the features gave at the input (..., width), features (..., F) -> logits (..., V)."""
        hidden = self.projection(x)
        if self.skip is not None:
            hidden = hidden + self.skip(known)
        logits = F.linear(hidden, self.weight, self.bias)
        if self.suggestions is None or features is None:
            return logits
        followed: Tensor = self.suggestions(logits, x, features)
        return followed
