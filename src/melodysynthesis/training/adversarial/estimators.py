"""Two estimators of the gradient by which a model learns from the critic's scores of the melodies that it generates.

`PolicyGradient`: the critic's score of a whole continuation is the reward of each of its tokens, as in TextGAIL (Wu, Li
and Yu, AAAI 2021, arXiv 2004.13796): proximal policy optimisation with a clipped ratio, several updates a rollout,
rewards normalised in each rollout, and real continuations with a constant reward among those learned from. Divergence
from the likelihood model costs its exact value at each position, as in fine-tuning from preferences (Ziegler et al.
2019).

`GumbelSoftmax`: the critic's gradient reaches the model through straight-through samples, as in RelGAN (Nie, Narodytska
and Patel, ICLR 2019) and Transformer-GANs for music (Muhamed et al., AAAI 2021): forward the critic reads the hard
sample, backward the soft one, at a temperature that falls by a constant factor; the loss is relativistic, real against
generated, and the likelihood loss is added to it. The soft sample of each position is made after the rollout, from the
noise that would have led to the token that was drawn. Gradients pass through each choice into its own logits, not
through the model's reading of it later: features, which follow the hard sample, could not pass them either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from melodysynthesis.training.adversarial.critic import CriticTrainer
from melodysynthesis.training.adversarial.rollout import Rollout
from melodysynthesis.training.objective import IGNORED, Tensors


class Estimator(Protocol):
    """How a model learns from its critic."""

    def loss(self, model: nn.Module, tunes: Tensors, tokens: float) -> Tensor:
        """A mean loss with gradients for the model, after rollouts and updates of the critic as it needs them.

        Args:
            model: that learns.
            tunes: real ones.
            tokens: mean tokens of a batch of tunes, by which a sum over this batch is divided.
        """

    def pack(self) -> dict[str, Tensor]:
        """What resuming needs, as named tensors."""

    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        """The inverse of `pack`."""


class Experience(NamedTuple):
    """What the model learns from.

    Attributes:
        melodies: B of them, generated and real.
        advantages: (B,) rewards in standard deviations above the mean.
        log_probs: (B, T) of the targets when they were drawn.
    """

    melodies: Rollout
    advantages: Tensor
    log_probs: Tensor


class PolicyGradient:
    """See the module's docstring.

    Args:
        critic: with its optimizer.
        reference: the likelihood model, divergence from which costs; it is not trained.
    """

    def __init__(self, critic: CriticTrainer, reference: nn.Module) -> None:
        self.critic, self.reference, self.turn = critic, reference.requires_grad_(False), 0
        self.experience: Experience | None = None

    def loss(self, model: nn.Module, tunes: Tensors, tokens: float) -> Tensor:
        """Mean over the generated tokens. A new rollout is made of the tunes when the last one is used up."""
        del tokens  # nothing here is summed over the tunes
        config = self.critic.config
        if self.turn == 0 or self.experience is None:
            self.experience = self._roll_out(model, tunes)
        melodies, advantages, before = self.experience
        part = torch.arange(self.turn % config.parts, len(advantages), config.parts, device=advantages.device)
        self.turn = (self.turn + 1) % (config.uses * config.parts)
        melodies, advantages, before = melodies.rows(part), advantages[part], before[part]
        probs = self.critic.log_probs(model, melodies)
        with torch.no_grad():
            reference = self.critic.log_probs(self.reference, melodies)
        gains = clipped_gains(_of(probs, melodies.targets), before, advantages[:, None], config.clip_ratio)
        cost = divergence(probs, reference)
        return _mean(config.kl_weight * cost - gains, melodies.generated)

    @torch.no_grad()
    def _roll_out(self, model: nn.Module, tunes: Tensors) -> Experience:
        """Make a rollout, reward it, and only then let the critic learn from it."""
        config = self.critic.config
        pairs = self.critic.roll_out(model, tunes)
        rewards = torch.sigmoid(-self.critic.margin(pairs))
        with torch.enable_grad():
            self.critic.train_critic(pairs)
        spread = torch.linspace(
            0, len(rewards) - 1, round(config.real_share * len(rewards))
        )  # rows are sorted by length
        real = pairs.real.rows(spread.long().to(rewards.device))
        melodies = Rollout(*(torch.cat(both) for both in zip(pairs.generated, real, strict=True)))
        advantages = torch.cat([normalised(rewards), rewards.new_full((len(real.ids),), config.real_reward)])
        log_probs = _of(self.critic.log_probs(model, melodies), melodies.targets)
        order = torch.randperm(len(advantages)).to(advantages.device)
        return Experience(melodies.rows(order), advantages[order], log_probs[order])

    def pack(self) -> dict[str, Tensor]:
        """The number of the next update on the rollout, and what it learns from, as named tensors."""
        packed = {"turn": torch.tensor(self.turn)}
        if self.turn and self.experience is not None:
            melodies, advantages, log_probs = self.experience
            packed |= {**melodies._asdict(), "advantages": advantages, "log_probs": log_probs}
        return packed

    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        """The inverse of `pack`."""
        self.turn, self.experience = int(tensors["turn"]), None
        if self.turn:
            device = self.critic.device
            melodies = Rollout(*(tensors[name].to(device) for name in Rollout._fields))
            self.experience = Experience(melodies, tensors["advantages"].to(device), tensors["log_probs"].to(device))


def clipped_gains(now: Tensor, before: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """The gain of each token: its advantage times the ratio of its probabilities, now and before, clipped.

    The objective of proximal policy optimisation, to be maximised (Schulman et al. 2017, equation 7).
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


class GumbelSoftmax:
    """See the module's docstring.

    Args:
        critic: with its optimizer.
    """

    def __init__(self, critic: CriticTrainer) -> None:
        self.critic, self.updates = critic, 0

    def loss(self, model: nn.Module, tunes: Tensors, tokens: float) -> Tensor:
        """Loss of the model against the critic in nats, plus the weighted likelihood loss in nats per token."""
        config = self.critic.config
        pairs = self.critic.roll_out(model, tunes)
        self.critic.train_critic(pairs)
        made = pairs.generated
        samples = straight_through(self.critic.log_probs(model, made), made.targets, self.temperature)
        primers = F.one_hot(made.targets, samples.shape[-1]).to(samples.dtype)
        adversarial = F.softplus(self.critic.margin(pairs, samples.where(made.generated[..., None], primers))).mean()
        self.updates += 1
        with self.critic.autocast():
            logits, _ = model(tunes.ids, tunes.features)
        nats = F.cross_entropy(
            logits.flatten(0, 1).float(), tunes.targets.flatten(), ignore_index=IGNORED, reduction="sum"
        )
        return adversarial + config.likelihood_weight * nats / tokens

    @property
    def temperature(self) -> float:
        """Temperature of the soft samples of the next update."""
        config = self.critic.config
        cooled = min(self.updates / config.cooling, 1.0)
        return config.first_temperature * float((config.last_temperature / config.first_temperature) ** cooled)

    def pack(self) -> dict[str, Tensor]:
        """The number of updates."""
        return {"updates": torch.tensor(self.updates)}

    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        """The inverse of `pack`."""
        self.updates = int(tensors["updates"])


def straight_through(log_probs: Tensor, targets: Tensor, temperature: float) -> Tensor:
    """(..., V) one-hot samples whose gradient is that of the soft ones at a temperature (Jang, Gu and Poole 2017).

    Args:
        log_probs: (..., V) of the distributions from which the tokens were drawn.
        targets: (...) the tokens.
        temperature: of the soft samples; the lower, the less biased and the noisier the gradient.
    """
    noisy = log_probs + (perturbed(log_probs.detach(), targets) - log_probs.detach())
    soft = (noisy / temperature).softmax(-1)
    hard = F.one_hot(targets, log_probs.shape[-1]).to(soft.dtype)
    return hard + soft - soft.detach()


def perturbed(log_probs: Tensor, targets: Tensor) -> Tensor:
    """(..., V) log-probabilities plus Gumbel noise, given that `targets` came out as the largest.

    The largest is Gumbel itself and independent of which it is; the others are Gumbel cut off below it (Maddison,
    Tarlow and Minka 2014).
    """
    waits = torch.empty_like(log_probs).exponential_()
    largest = -waits.gather(-1, targets[..., None]).log()
    others = -(waits * (-log_probs).exp() + (-largest).exp()).log()
    return others.scatter(-1, targets[..., None], largest)
