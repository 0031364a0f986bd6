"""The critic, which gives a melody one score, higher for what it takes for real; and how it is trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from melodysynthesis.encodings.base import Encoding
from melodysynthesis.errors import TrainingError
from melodysynthesis.models import MelodyModel
from melodysynthesis.models.layers import FeatureEmbedding, LockedDropout
from melodysynthesis.training import checkpoint
from melodysynthesis.training.adversarial.config import AdversarialConfig
from melodysynthesis.training.adversarial.rollout import Pairs, Rollout, roll_out
from melodysynthesis.training.objective import Tensors

FORBIDDEN_LOGIT = -1e9
"""Logit of a token that the rules forbid: finite, so that its zero probability times its logarithm is zero."""


class EncoderBlock(nn.Module):
    """Bidirectional attention, then a dense part, each with a layer norm before and a residual connection around it.

    Dropout has one mask for a melody: drawing one for each position and attention weight took a third of the time.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.qkv_proj, self.out_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.dense = nn.Sequential(nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width))
        self.dropouts = nn.ModuleList(LockedDropout(dropout) for _ in range(2))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, T, width), mask (B, 1, 1, T) True at real positions -> (B, T, width)."""
        q, k, v = self.qkv_proj(self.norms[0](x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        attn_out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = x + self.dropouts[0](self.out_proj(attn_out.transpose(1, 2).flatten(2)))
        y: Tensor = x + self.dropouts[1](self.dense(self.norms[1](x)))
        return y


class CriticNetwork(nn.Module):
    """Tokens, the features known when each was chosen, and positions -> blocks -> mean -> a score.

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
        self.positions, self.is_generated = nn.Embedding(config.length, width), nn.Embedding(2, width)
        for table in (self.tokens, self.positions, self.is_generated):
            nn.init.normal_(table.weight, std=width**-0.5)
        self.dropout = LockedDropout(dropout)
        self.blocks = nn.ModuleList(
            EncoderBlock(width, config.critic_heads, dropout) for _ in range(config.critic_layers)
        )
        self.norm, self.score = nn.LayerNorm(width), nn.Linear(width, 1)

    def forward(self, melodies: Rollout, samples: Tensor | None = None) -> Tensor:
        """The score of each melody, (B,).

        Args:
            melodies: are judged up to the end of each.
            samples: (B, T, V) weights of tokens that replace the targets, where gradients have to reach them.
        """
        x = self.tokens(melodies.targets) if samples is None else samples @ self.tokens.weight
        x = x + self.positions.weight[: x.shape[1]] + self.is_generated(melodies.generated.long())
        if self.features is not None:
            x = x + self.features(melodies.features)
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x, melodies.mask[:, None, None])
        shares = melodies.mask / melodies.mask.sum(1, keepdim=True)
        mean = (self.norm(x) * shares[..., None]).sum(1)
        score: Tensor = self.score(mean)
        return score.squeeze(-1).float()


def margin(critic: CriticNetwork, pairs: Pairs, samples: Tensor | None = None) -> Tensor:
    """(B,) how much more each real melody scores than the generated one: the critic's logit that it is the real one.

    The critic decides which of two is real, as in TextGAIL (contrastive; Wu et al. 2020) and RelGAN (relativistic; Nie
    et al. 2019).

    Args:
        critic: the network.
        pairs: real and generated melodies.
        samples: (B, T, V) weights of tokens that replace the generated targets, where gradients have to reach them.
    """
    width = max(int(melodies.mask.sum(1).max()) for melodies in pairs)
    both = Rollout(*(torch.cat([a[:, :width], b[:, :width]]) for a, b in zip(*pairs, strict=True)))
    if samples is not None:
        real = F.one_hot(pairs.real.targets[:, :width], samples.shape[-1]).to(samples.dtype)
        samples = torch.cat([real, samples[:, :width]])
    scores: Tensor = critic(both, samples)
    real_score, generated_score = scores.chunk(2)
    return real_score - generated_score


class CriticTrainer:
    """The critic with its optimizer, and the rollouts that it learns from.

    Args:
        encoding: of the melodies.
        config: sizes and rates.
        precision: of the training configuration; the critic has the model's.
        seed: of the critic's initial weights.
    """

    def __init__(
        self, encoding: Encoding, config: AdversarialConfig, precision: str = "32-true", seed: int = 0
    ) -> None:
        self.encoding, self.config, self.is_half = encoding, config, precision.startswith("bf16")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = CriticNetwork(encoding, config)
        self.optimizer = torch.optim.AdamW(self.network.parameters(), config.critic_rate, weight_decay=0.01)
        self.device = torch.device("cpu")

    def move(self, device: torch.device) -> None:
        """Move to a device; called before anything is learned."""
        self.network.to(device)
        self.device = device

    def roll_out(self, model: nn.Module, tunes: Tensors, generator: torch.Generator | None = None) -> Pairs:
        """Real tunes, and the model's continuations of their first bars; see `rollout.roll_out`.

        Raises:
            TrainingError: if none of the tunes goes on after these bars.
        """
        plain, config = getattr(model, "module", model), self.config  # Fabric's wrapper only knows `forward`
        assert isinstance(plain, MelodyModel)
        with without_dropout(model):
            pairs = roll_out(
                plain, self.encoding, tunes, length=config.length, bars=config.primer_bars, generator=generator
            )
        if not len(pairs.generated.ids):
            raise TrainingError(
                f"none of {len(tunes.ids)} tunes goes on after its first {config.primer_bars} bars within "
                f"{config.length} tokens: there is nothing to learn from. Try fewer primer_bars or a larger length"
            )
        return pairs

    def log_probs(self, model: nn.Module, melodies: Rollout) -> Tensor:
        """(B, T, V) log-probabilities (natural) from which a model draws each token, without dropout."""
        with without_dropout(model), self.autocast():
            logits: Tensor = model(melodies.ids, melodies.features)[0]
        return logits.float().masked_fill(~melodies.allowed, FORBIDDEN_LOGIT).log_softmax(-1)

    def margin(self, pairs: Pairs, samples: Tensor | None = None) -> Tensor:
        """(B,) the critic's logits that the real melodies are real, without dropout; see `critic.margin`."""
        self.network.eval()
        with self.autocast():
            return margin(self.network, pairs, samples)

    def train_critic(self, pairs: Pairs) -> float:
        """Update the critic on a batch of pairs; returns its loss before, in nats (ln 2 for an ignorant critic)."""
        self.network.train()
        losses = [self._update(pairs) for _ in range(self.config.critic_steps)]
        self.optimizer.zero_grad()
        return float(losses[0])

    def _update(self, pairs: Pairs) -> Tensor:
        self.optimizer.zero_grad()  # the model's loss leaves gradients in the critic, too
        with self.autocast():
            loss = F.softplus(-margin(self.network, pairs)).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        return loss.detach()

    def autocast(self) -> torch.autocast:
        """The precision in which both networks run."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.is_half)

    def pack(self) -> dict[str, Tensor]:
        """Critic and optimizer as named tensors."""
        return checkpoint.sections(
            critic=checkpoint.weights(self.network), optimizer=checkpoint.pack_optimizer(self.optimizer)
        )

    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        """The inverse of `pack`."""
        with torch.no_grad():
            for name, tensor in checkpoint.weights(self.network).items():
                tensor.copy_(tensors[f"critic/{name}"])
        checkpoint.unpack_optimizer(self.optimizer, checkpoint.section(tensors, "optimizer"))


@contextmanager
def without_dropout(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode, as it generates, where it stays; gradients still pass."""
    model.eval()
    # cuDNN refuses to go backward through a recurrent network in evaluation mode.
    with torch.backends.cudnn.flags(enabled=False):
        yield
