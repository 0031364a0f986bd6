"""The critic: a small bidirectional encoder that gives a melody one score, higher for what sounds real to it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from melodysynthesis.encodings.base import Encoding
from melodysynthesis.models.regularisation import LockedDropout
from melodysynthesis.models.tokens import FeatureEmbedding
from melodysynthesis.training.adversarial.config import AdversarialConfig
from melodysynthesis.training.adversarial.rollout import Melodies


class Block(nn.Module):
    """Attention in both directions and a dense part, each behind a layer norm and beside a residual connection.

    Dropout is one mask for a melody: drawing it anew at every place and for every weight of the attention took a third
    of the critic's time.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.into, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.dense = nn.Sequential(nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width))
        self.dropouts = nn.ModuleList(LockedDropout(dropout) for _ in range(2))

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """(B, T, width), seen (B, 1, 1, T) True at what may be looked at -> (B, T, width)."""
        queries, keys, values = self.into(self.norms[0](x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        heard = F.scaled_dot_product_attention(queries, keys, values, attn_mask=seen)
        x = x + self.dropouts[0](self.out(heard.transpose(1, 2).flatten(2)))
        thought: Tensor = x + self.dropouts[1](self.dense(self.norms[1](x)))
        return thought


class Critic(nn.Module):
    """Tokens, what was known when each was chosen, and places -> blocks -> mean -> a score.

    Args:
        encoding: of the melodies.
        config: its sizes.
    """

    def __init__(self, encoding: Encoding, config: AdversarialConfig) -> None:
        super().__init__()
        width, dropout = config.critic_width, config.critic_dropout
        self.tokens = nn.Embedding(len(encoding.vocabulary), width)
        fed = bool(encoding.features and config.critic_features)
        self.features = FeatureEmbedding(encoding.features, config.critic_features, width) if fed else None
        self.places, self.played = nn.Embedding(config.length, width), nn.Embedding(2, width)
        for table in (self.tokens, self.places, self.played):
            nn.init.normal_(table.weight, std=width**-0.5)
        self.dropout = LockedDropout(dropout)
        self.blocks = nn.ModuleList(Block(width, config.critic_heads, dropout) for _ in range(config.critic_layers))
        self.norm, self.score = nn.LayerNorm(width), nn.Linear(width, 1)

    def forward(self, melodies: Melodies, chosen: Tensor | None = None) -> Tensor:
        """The score of each melody, (B,).

        Args:
            melodies: what is judged, up to each one's end.
            chosen: (B, T, V) weights of the tokens in the place of the targets, where gradients have to reach them.
        """
        x = self.tokens(melodies.targets) if chosen is None else chosen @ self.tokens.weight
        x = x + self.places.weight[: x.shape[1]] + self.played(melodies.played.long())
        if self.features is not None:
            x = x + self.features(melodies.features)
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x, melodies.mask[:, None, None])
        shares = melodies.mask / melodies.mask.sum(1, keepdim=True)
        mean = (self.norm(x) * shares[..., None]).sum(1)
        score: Tensor = self.score(mean)
        return score.squeeze(-1).float()


def margin(critic: Critic, real: Melodies, made: Melodies, chosen: Tensor | None = None) -> Tensor:
    """(B,) by how much each real melody scores above the one made of its beginning: the critic's logit that it is real.

    The contrastive judgement of TextGAIL (Wu et al. 2020), RelGAN's relativistic one (Nie et al. 2019): which of two.
    """
    width = max(int(both.mask.sum(1).max()) for both in (real, made))
    both = Melodies(*(torch.cat([a[:, :width], b[:, :width]]) for a, b in zip(real, made, strict=True)))
    if chosen is not None:
        told = F.one_hot(real.targets[:, :width], chosen.shape[-1]).to(chosen.dtype)
        chosen = torch.cat([told, chosen[:, :width]])
    scores: Tensor = critic(both, chosen)
    ours, theirs = scores.chunk(2)
    return ours - theirs
