"""The Gumbel-softmax arm: the critic's gradient goes straight through the samples into the model.

As in RelGAN (Nie, Narodytska and Patel, ICLR 2019) and Transformer-GANs for music (Muhamed et al., AAAI 2021): forward
the critic reads the hard sample, backward the soft one, at a temperature that falls by a constant factor; the loss is
relativistic, real against generated, and the likelihood loss is kept beside it.

The soft sample of each position is made after the rollout, from the noise that would have led to the token that was
drawn. Gradients pass through each choice into its own logits, not through the model's reading of it later: features,
which follow the hard sample, could not pass them either.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from melodysynthesis.training.adversarial.game import Game
from melodysynthesis.training.objective import IGNORED, Tensors


class GumbelSoftmax:
    """See the module's docstring.

    Args:
        game: the critic.
    """

    def __init__(self, game: Game) -> None:
        self.game, self.updates = game, 0

    def loss(self, model: nn.Module, tunes: Tensors) -> Tensor:
        """Nats by which the critic tells the model's melodies from the real ones, and nats per token of the latter."""
        config = self.game.config
        pair = self.game.deal(model, tunes)
        self.game.teach(pair)
        made = pair.made
        chosen = straight_through(self.game.log_probs(model, made), made.targets, self.temperature)
        told = F.one_hot(made.targets, chosen.shape[-1]).to(chosen.dtype)
        adversarial = F.softplus(self.game.margin(pair, chosen.where(made.played[..., None], told))).mean()
        self.updates += 1
        with self.game.precision():
            logits, _ = model(tunes.ids, tunes.features)
        likelihood = F.cross_entropy(logits.flatten(0, 1).float(), tunes.targets.flatten(), ignore_index=IGNORED)
        return adversarial + config.likelihood_weight * likelihood

    @property
    def temperature(self) -> float:
        """Of the soft samples of the next update."""
        config = self.game.config
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
        log_probs: (..., V) what the tokens were drawn from.
        targets: (...) the tokens.
        temperature: of the soft samples; the lower, the less biased and the noisier the gradient.
    """
    noisy = log_probs + (perturbed(log_probs.detach(), targets) - log_probs.detach())
    soft = (noisy / temperature).softmax(-1)
    hard = F.one_hot(targets, log_probs.shape[-1]).to(soft.dtype)
    return hard + soft - soft.detach()


def perturbed(log_probs: Tensor, targets: Tensor) -> Tensor:
    """(..., V) log-probabilities with Gumbel noise, drawn given that `targets` came out as the largest.

    The largest is Gumbel itself and independent of which it is; the others are Gumbel cut off below it (Maddison,
    Tarlow and Minka 2014).
    """
    waits = torch.empty_like(log_probs).exponential_()
    largest = -waits.gather(-1, targets[..., None]).log()
    others = -(waits * (-log_probs).exp() + (-largest).exp()).log()
    return others.scatter(-1, targets[..., None], largest)
