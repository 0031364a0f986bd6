"""How to train adversarially: typed, flat and early to complain, beside `TrainingConfig`. `--set` changes a field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

from melodysynthesis.errors import TrainingError, unknown
from melodysynthesis.training.config import TrainingConfig

ARMS = ("policy", "gumbel")

TRAINING = TrainingConfig(
    batch_size=64, epochs=1000, max_minutes=10, learning_rate=3e-5, schedule="cosine", warm_up=0.1, lowest_rate=1e-6,
    weight_decay=0.0, patience=0, monitor="last", validate_every=25, checkpoint_every=25, log_every=5,
    precision="bf16-mixed",
)  # fmt: skip
"""The loop's configuration where nothing else is asked for. An epoch means little here; the minutes decide."""


@dataclass(frozen=True, slots=True)
class AdversarialConfig:
    """The critic, the arms and what stops them.

    Raises:
        TrainingError: on construction, for a value out of range.
    """

    arm: str = "policy"
    """policy (rewards, PPO) or gumbel (straight-through gradients)."""
    length: int = 80
    """Tokens of a melody that critic and model play for, primer included."""
    primer_bars: int = 2
    """Bars of a real tune from which the model goes on."""
    critic_width: int = 128
    """Size of the critic's vectors."""
    critic_layers: int = 2
    """Number of the critic's encoder layers."""
    critic_heads: int = 4
    """Attention heads of a layer."""
    critic_dropout: float = 0.2
    """Dropout of the critic."""
    critic_rate: float = 5e-4
    """Learning rate of the critic."""
    critic_first: int = 30
    """Batches of tunes that the critic learns from before the model plays against it."""
    critic_lessons: int = 2
    """Updates of the critic on each batch of pairs."""
    critic_features: tuple[str, ...] = ("all",)
    """Names of the encoding's features that the critic sees beside the tokens, "all" for every one."""
    clip_ratio: float = 0.2
    """policy: how far a token's probability counts to have moved from where it was when it was drawn (PPO)."""
    uses: int = 2
    """policy: times that the model learns from each rollout."""
    parts: int = 2
    """policy: updates in which it does so each time."""
    kl_weight: float = 0.1
    """policy: price of a nat a token away from the likelihood model."""
    real_share: float = 0.2
    """policy: real continuations in the buffer for each rollout (TextGAIL)."""
    real_reward: float = 2.0
    """policy: their reward, in standard deviations above the mean."""
    first_temperature: float = 1.0
    """gumbel: temperature of the soft samples at first."""
    last_temperature: float = 0.2
    """gumbel: temperature that they cool down to."""
    cooling: int = 200
    """gumbel: updates in which they do so, by a constant factor."""
    likelihood_weight: float = 1.0
    """gumbel: weight of the likelihood loss beside the critic's."""
    rollouts: int = 256
    """Melodies of each validation."""
    worse_likelihood: float = 0.02
    """Guard: the run stops when the validation loss is worse than at the start by more than this share."""
    fewer_ngrams: float = 0.05
    """Guard: or the share of distinct 8-grams in generated melodies fell by more than this share."""
    least_accuracy: float = 0.55
    """Guard: or the critic's accuracy on held-out pairs is below this."""
    most_accuracy: float = 0.85
    """Guard: or above this."""

    def __post_init__(self) -> None:
        if self.arm not in ARMS:
            raise TrainingError(unknown("arm", self.arm, ARMS))
        whole = ("length", "primer_bars", "critic_width", "critic_layers", "critic_heads", "critic_lessons", "uses",
                 "parts", "cooling", "rollouts")  # fmt: skip
        positive = ("critic_rate", "clip_ratio", "first_temperature", "last_temperature")
        not_negative = ("critic_first", "kl_weight", "real_share", "real_reward", "likelihood_weight")
        for names, least in ((whole, 1.0), (positive, 1e-12), (not_negative, 0.0)):
            for name in names:
                if not least <= getattr(self, name) < math.inf:
                    raise TrainingError(f"{name} is {getattr(self, name)}, expected at least {least:g}")
        for name in ("critic_dropout", "worse_likelihood", "fewer_ngrams", "least_accuracy", "most_accuracy"):
            if not 0 <= getattr(self, name) <= 1:
                raise TrainingError(f"{name} is {getattr(self, name)}, expected a share from 0 to 1")
        if self.critic_width % self.critic_heads:
            raise TrainingError(f"critic_width {self.critic_width} can't be shared by {self.critic_heads} heads")
        if self.last_temperature > self.first_temperature:
            raise TrainingError("last_temperature is above first_temperature: samples cool down")


def adversarial_config(given: Mapping[str, object]) -> AdversarialConfig:
    """The configuration of a mapping, as it comes back from JSON.

    Raises:
        TrainingError: for an unknown field or a value that makes no sense.
    """
    names = [field.name for field in fields(AdversarialConfig)]
    if strange := [name for name in given if name not in names]:
        raise TrainingError(unknown("adversarial field", strange[0], names))
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    try:
        return AdversarialConfig(**values)  # type: ignore[arg-type]
    except TypeError as error:
        raise TrainingError(f"an adversarial field is of the wrong type: {error}") from None
