"""How to train adversarially: typed, flat and checked at once, like `TrainingConfig`. `--set` changes a field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from melodysynthesis.configuration import check_fields, from_mapping
from melodysynthesis.errors import TrainingError
from melodysynthesis.training.config import TrainingConfig

ESTIMATORS = ("policy", "gumbel")

TRAINING = TrainingConfig(
    batch_size=64, epochs=1000, max_minutes=10, learning_rate=3e-5, schedule="cosine", warm_up=0.1, lowest_rate=1e-6,
    weight_decay=0.0, patience=0, monitor="last", validate_every=25, checkpoint_every=25, log_every=5,
    precision="auto",
)  # fmt: skip
"""Default configuration of the loop. The minutes decide how long it trains, not the epochs."""


@dataclass(frozen=True, slots=True)
class AdversarialConfig:
    """The critic, the estimator of the model's gradient, and the limits that stop a run.

    Raises:
        TrainingError: on construction, for a value out of range.
    """

    estimator: str = "policy"
    """How the model learns from the critic: policy (rewards, PPO) or gumbel (straight-through gradients)."""
    length: int = 80
    """Length of the melodies that model and critic learn from, in tokens, primer included."""
    primer_bars: int = 2
    """Bars of a real tune that the model continues."""
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
    """Batches that the critic learns from before the model is trained."""
    critic_steps: int = 2
    """Updates of the critic on each batch of pairs."""
    critic_features: tuple[str, ...] = ("all",)
    """Names of the encoding's features that the critic reads with the tokens, "all" for every one."""
    clip_ratio: float = 0.2
    """policy: how far the ratio of a token's probabilities, now and when drawn, may leave 1 (PPO)."""
    uses: int = 2
    """policy: number of times that the model learns from each rollout."""
    parts: int = 2
    """policy: number of updates into which each of these times is split."""
    kl_weight: float = 0.1
    """policy: weight of the divergence from the likelihood model, in nats per token."""
    real_share: float = 0.2
    """policy: real continuations among those learned from, for each generated one (TextGAIL)."""
    real_reward: float = 2.0
    """policy: their reward, in standard deviations above the mean."""
    first_temperature: float = 1.0
    """gumbel: temperature of the soft samples at the start."""
    last_temperature: float = 0.2
    """gumbel: temperature of the soft samples at the end of cooling."""
    cooling: int = 200
    """gumbel: updates over which the temperature falls, by a constant factor."""
    likelihood_weight: float = 1.0
    """gumbel: weight of the likelihood loss relative to the critic's."""
    rollouts: int = 256
    """Melodies generated at each validation."""
    worse_likelihood: float = 0.02
    """The run stops when the validation loss is worse than at the start by more than this share,"""
    fewer_ngrams: float = 0.05
    """or when the share of distinct 8-grams in generated melodies fell by more than this share,"""
    least_accuracy: float = 0.55
    """or when the critic's accuracy on held-out pairs is below this,"""
    most_accuracy: float = 0.85
    """or above this."""

    def __post_init__(self) -> None:
        least = dict.fromkeys(("length", "primer_bars", "critic_width", "critic_layers", "critic_heads", "critic_steps",
                               "uses", "parts", "cooling", "rollouts"), 1.0)  # fmt: skip
        least |= dict.fromkeys(("critic_rate", "clip_ratio", "first_temperature", "last_temperature"), 1e-12)
        least |= dict.fromkeys(("critic_first", "kl_weight", "real_share", "real_reward", "likelihood_weight"), 0.0)
        shares = ("critic_dropout", "worse_likelihood", "fewer_ngrams", "least_accuracy", "most_accuracy")
        check_fields(self, TrainingError, at_least=least, shares=shares, choices={"estimator": ESTIMATORS})
        if self.critic_width % self.critic_heads:
            raise TrainingError(
                f"critic_width {self.critic_width} is not a multiple of critic_heads {self.critic_heads}"
            )
        if self.last_temperature > self.first_temperature:
            raise TrainingError("last_temperature is above first_temperature: the temperature can only fall")


def adversarial_config(given: Mapping[str, object]) -> AdversarialConfig:
    """The configuration of a mapping, as it comes back from JSON.

    Raises:
        TrainingError: for an unknown field or a value that makes no sense.
    """
    return from_mapping(AdversarialConfig, given, "adversarial field", TrainingError)
