"""The game of a model and its critic: tunes are dealt, the model goes on from their first bars, the critic learns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from melodysynthesis.encodings.base import Encoding
from melodysynthesis.errors import TrainingError
from melodysynthesis.models import MelodyModel
from melodysynthesis.training import checkpoint
from melodysynthesis.training.adversarial.config import AdversarialConfig
from melodysynthesis.training.adversarial.critic import Critic, margin
from melodysynthesis.training.adversarial.rollout import Melodies, Pair, roll_out
from melodysynthesis.training.objective import Tensors

RULED_OUT = -1e9
"""Logit of what the rules forbid: finite, so that nothing times its logarithm is nothing."""


class Game:
    """The critic with its optimizer, and how a model plays against it.

    Args:
        encoding: of the melodies.
        config: sizes and rates.
        precision: in Fabric's words; the critic follows the model.
        seed: of the critic's first weights.
    """

    def __init__(
        self, encoding: Encoding, config: AdversarialConfig, precision: str = "32-true", seed: int = 0
    ) -> None:
        self.encoding, self.config, self.is_half = encoding, config, precision.startswith("bf16")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.critic = Critic(encoding, config)
        self.optimizer = torch.optim.AdamW(self.critic.parameters(), config.critic_rate, weight_decay=0.01)
        self.device = torch.device("cpu")

    def move(self, device: torch.device) -> None:
        """To a device, before anything is learned."""
        self.critic.to(device)
        self.device = device

    def deal(self, model: nn.Module, tunes: Tensors, generator: torch.Generator | None = None) -> Pair:
        """Real tunes and how the model goes on from their beginnings; see `roll_out`.

        Raises:
            TrainingError: if none of the tunes goes on after its beginning.
        """
        plain, config = getattr(model, "module", model), self.config  # Fabric's wrapper only knows `forward`
        assert isinstance(plain, MelodyModel)
        with settled(model):
            pair = roll_out(
                plain, self.encoding, tunes, length=config.length, bars=config.primer_bars, generator=generator
            )
        if not len(pair.made.ids):
            raise TrainingError(
                f"none of {len(tunes.ids)} tunes goes on after its first {config.primer_bars} bars within "
                f"{config.length} tokens: there is nothing to play for. Try fewer primer_bars or a larger length"
            )
        return pair

    def log_probs(self, model: nn.Module, melodies: Melodies) -> Tensor:
        """(B, T, V) natural logarithms of the probabilities that a model chose from, without dropout."""
        with settled(model), self.precision():
            logits: Tensor = model(melodies.ids, melodies.features)[0]
        return logits.float().masked_fill(~melodies.allowed, RULED_OUT).log_softmax(-1)

    def margin(self, pair: Pair, chosen: Tensor | None = None) -> Tensor:
        """(B,) the critic's logits that the real melodies are real, as it is now; see `critic.margin`."""
        self.critic.eval()
        with self.precision():
            return margin(self.critic, pair.real, pair.made, chosen)

    def teach(self, pair: Pair) -> float:
        """The critic's updates on a batch of pairs; its loss before them in nats, ln 2 for one that knows nothing."""
        self.critic.train()
        losses = [self._update(pair) for _ in range(self.config.critic_lessons)]
        self.optimizer.zero_grad()
        return float(losses[0])

    def _update(self, pair: Pair) -> Tensor:
        self.optimizer.zero_grad()  # the model's loss, too, goes backward through the critic
        with self.precision():
            loss = F.softplus(-margin(self.critic, pair.real, pair.made)).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.critic.parameters(), 1.0)
        self.optimizer.step()
        return loss.detach()

    def precision(self) -> torch.autocast:
        """The context that both networks run in."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.is_half)

    def pack(self) -> dict[str, Tensor]:
        """Critic and optimizer as named tensors."""
        return checkpoint.sections(
            critic=checkpoint.weights(self.critic), optimizer=checkpoint.pack_optimizer(self.optimizer)
        )

    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        """The inverse of `pack`."""
        with torch.no_grad():
            for name, tensor in checkpoint.weights(self.critic).items():
                tensor.copy_(tensors[f"critic/{name}"])
        checkpoint.unpack_optimizer(self.optimizer, checkpoint.section(tensors, "optimizer"))


@contextmanager
def settled(model: nn.Module) -> Iterator[None]:
    """A model without dropout, as it generates; gradients still pass. It stays in evaluation mode."""
    model.eval()
    # cuDNN refuses to go backward through a recurrent network in evaluation mode.
    with torch.backends.cudnn.flags(enabled=False):
        yield
