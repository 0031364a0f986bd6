"""The judge: a small network over whole melodies, from the rows of `encodings.judge_features` to log odds.

    rows ── embeddings, summed ── block ── ... ── block ── norm ── mean, maximum, last ── dense ── GELU ── log odds

    block    x ── + near(norm(x)) ── + attention(norm(x)) ── + dense(norm(x)) ── x
             near: convolution ── GELU ── dense;  dense: dense ── GELU ── dense

Every position sees every other: a judge reads melodies that have ended. What is near is known by the convolution,
places by the features, so attention has no positions of its own.

Letters: B melodies, T rows, F fields, W width, H heads, D size of a head.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from melodysynthesis.configuration import check_fields
from melodysynthesis.encodings.judge_features import FIELDS
from melodysynthesis.errors import ModelError

NEIGHBOURS = 5
"""Rows that a convolution reads."""


@dataclass(frozen=True, slots=True)
class JudgeConfig:
    """Sizes and rates of a judge.

    Raises:
        ModelError: on construction, for a size or rate out of range.
    """

    width: int = 64
    """Size of the vectors that blocks read and add to."""
    blocks: int = 2
    """Number of blocks."""
    heads: int = 4
    """Attention heads of a block."""
    hidden: int = 128
    """Size of the hidden layer in a block's dense part."""
    dropout: float = 0.2
    """Dropout on the embeddings and on what each part of a block adds."""

    def __post_init__(self) -> None:
        least = {"width": 1, "blocks": 1, "heads": 1, "hidden": 1}
        check_fields(self, ModelError, of="judge", at_least=least, below_one=("dropout",))
        if self.width % self.heads:
            raise ModelError(f"judge: width {self.width} can't be divided into {self.heads} heads")


class JudgeBlock(nn.Module):
    """One block; see the module's docstring."""

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.near = nn.Conv1d(width, width, NEIGHBOURS, padding=NEIGHBOURS // 2, groups=width)
        self.mix = nn.Linear(width, width)
        self.in_proj, self.out_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.dense = nn.Sequential(nn.Linear(width, config.hidden), nn.GELU(), nn.Linear(config.hidden, width))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        """(B, T, W), (B, T) -> (B, T, W)."""
        near = self.near((self.norms[0](x) * there[..., None]).transpose(1, 2)).transpose(1, 2)
        x = x + self.dropout(self.mix(F.gelu(near)))
        x = x + self.dropout(self._attention(self.norms[1](x), there))
        dense: Tensor = self.dropout(self.dense(self.norms[2](x)))
        return x + dense

    def _attention(self, x: Tensor, there: Tensor) -> Tensor:
        batch, time, width = x.shape
        q, k, v = self.in_proj(x).reshape(batch, time, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-1, -2) / (width // self.heads) ** 0.5  # (B, H, T, T)
        scores = scores + (there[:, None, None, :] - 1) * 1e4
        mixed: Tensor = self.out_proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, time, width))
        return mixed


class JudgeNetwork(nn.Module):
    """Log odds that melodies are human.

    Args:
        config: sizes and rates.
    """

    offsets: Tensor

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        sizes = torch.tensor(list(FIELDS.values()))
        self.config = config
        self.embedding = nn.Embedding(int(sizes.sum()), config.width)
        nn.init.normal_(self.embedding.weight, std=len(sizes) ** -0.5)
        self.register_buffer("offsets", sizes.cumsum(0) - sizes, persistent=False)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(JudgeBlock(config) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Sequential(
            nn.Linear(3 * config.width, config.width), nn.GELU(), nn.Dropout(config.dropout), nn.Linear(config.width, 1)
        )

    def forward(self, rows: Tensor, there: Tensor) -> Tensor:
        """(B, T, F) and (B, T), 1 where there is a row and 0 for padding behind -> (B,) log odds."""
        x = self.dropout(self.embedding(rows + self.offsets).sum(2))
        for block in self.blocks:
            x = block(x, there)
        x, mask = self.norm(x), there[..., None]
        mean = (x * mask).sum(1) / mask.sum(1)
        highest = (x + (mask - 1) * 1e4).amax(1)
        following = F.pad(there, (0, 1))[:, 1:]
        last = (x * (there - following)[..., None]).sum(1)
        log_odds: Tensor = self.head(torch.cat([mean, highest, last], -1))
        return log_odds[..., 0]
