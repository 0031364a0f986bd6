"""The policy-gradient arm: the critic's verdict on a whole continuation is the reward of each of its tokens.

As in TextGAIL (Wu, Li and Yu, AAAI 2021, arXiv 2004.13796): proximal policy optimisation with a clipped ratio, several
updates a rollout, rewards normalised by rollout, and real continuations in the buffer at a constant reward. The price
for leaving the likelihood model is the exact divergence from it at each position, as in fine-tuning from preferences
(Ziegler et al. 2019).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from melodysynthesis.training.adversarial.game import Game
from melodysynthesis.training.adversarial.rollout import Melodies
from melodysynthesis.training.objective import Tensors


class Experience(NamedTuple):
    """What the model learns from: melodies, how good each was, and how likely its tokens were when they were chosen.

    Attributes:
        melodies: B of them, generated and real.
        advantages: (B,) in standard deviations above the mean.
        log_probs: (B, T) of the targets.
    """

    melodies: Melodies
    advantages: Tensor
    log_probs: Tensor


class PolicyGradient:
    """See the module's docstring.

    Args:
        game: the critic.
        reference: the likelihood model that it costs to leave; it is not trained.
    """

    def __init__(self, game: Game, reference: nn.Module) -> None:
        self.game, self.reference, self.turn = game, reference.requires_grad_(False), 0
        self.experience: Experience | None = None

    def loss(self, model: nn.Module, tunes: Tensors) -> Tensor:
        """Mean over the tokens that were played. The tunes are dealt when the last rollout is used up."""
        config = self.game.config
        if self.turn == 0 or self.experience is None:
            self.experience = self._play(model, tunes)
        melodies, advantages, before = self.experience
        part = torch.arange(self.turn % config.parts, len(advantages), config.parts, device=advantages.device)
        self.turn = (self.turn + 1) % (config.uses * config.parts)
        melodies, advantages, before = melodies.rows(part), advantages[part], before[part]
        probs = self.game.log_probs(model, melodies)
        with torch.no_grad():
            reference = self.game.log_probs(self.reference, melodies)
        gains = clipped_gains(_of(probs, melodies.targets), before, advantages[:, None], config.clip_ratio)
        cost = divergence(probs, reference)
        return _mean(config.kl_weight * cost - gains, melodies.played)

    @torch.no_grad()
    def _play(self, model: nn.Module, tunes: Tensors) -> Experience:
        """Deal tunes, reward what the model makes of them, and only then let the critic learn from it."""
        config = self.game.config
        pair = self.game.deal(model, tunes)
        rewards = torch.sigmoid(-self.game.margin(pair))
        with torch.enable_grad():
            self.game.teach(pair)
        spread = torch.linspace(0, len(rewards) - 1, round(config.real_share * len(rewards)))  # they come longest first
        real = pair.real.rows(spread.long().to(rewards.device))
        melodies = Melodies(*(torch.cat(both) for both in zip(pair.made, real, strict=True)))
        advantages = torch.cat([normalised(rewards), rewards.new_full((len(real.ids),), config.real_reward)])
        log_probs = _of(self.game.log_probs(model, melodies), melodies.targets)
        order = torch.randperm(len(advantages)).to(advantages.device)
        return Experience(melodies.rows(order), advantages[order], log_probs[order])

    def pack(self) -> dict[str, Tensor]:
        """The turn and what is left to learn from, as named tensors."""
        packed = {"turn": torch.tensor(self.turn)}
        if self.turn and self.experience is not None:
            melodies, advantages, log_probs = self.experience
            packed |= {**melodies._asdict(), "advantages": advantages, "log_probs": log_probs}
        return packed

    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        """The inverse of `pack`."""
        self.turn, self.experience = int(tensors["turn"]), None
        if self.turn:
            device = self.game.device
            melodies = Melodies(*(tensors[name].to(device) for name in Melodies._fields))
            self.experience = Experience(melodies, tensors["advantages"].to(device), tensors["log_probs"].to(device))


def clipped_gains(now: Tensor, before: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """What each token's change of probability gained, at most until its ratio left 1 by `clip`.

    The objective of proximal policy optimisation, to be made large (Schulman et al. 2017, equation 7).
    """
    ratio = (now - before).exp()
    return torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)


def divergence(log_probs: Tensor, reference: Tensor) -> Tensor:
    """(..., V) twice -> (...): Kullback-Leibler divergence of the first from the second, in nats."""
    return (log_probs.exp() * (log_probs - reference)).sum(-1)


def normalised(rewards: Tensor) -> Tensor:
    """Rewards as standard deviations from their mean."""
    return (rewards - rewards.mean()) / (rewards.std(correction=0) + 1e-6)


def _of(log_probs: Tensor, targets: Tensor) -> Tensor:
    return log_probs.gather(-1, targets[..., None]).squeeze(-1)


def _mean(values: Tensor, where: Tensor) -> Tensor:
    return (values * where).sum() / where.sum().clamp(min=1)
