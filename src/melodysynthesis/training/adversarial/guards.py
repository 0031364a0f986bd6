"""What stops an adversarial run before it has ruined its model: three figures that may not go too far."""

from __future__ import annotations

from dataclasses import dataclass

from melodysynthesis.training.adversarial.config import AdversarialConfig
from melodysynthesis.training.objective import Figures


@dataclass(frozen=True, slots=True)
class AdversarialFigures(Figures):
    """What a validation found, on continuations of held-out tunes' first bars beside the likelihood.

    Attributes:
        distinct_8grams: share of the runs of eight tokens in them that are different from each other.
        critic_accuracy: share of pairs in which the critic prefers the real continuation to the model's.
    """

    distinct_8grams: float
    critic_accuracy: float


def complaint(config: AdversarialConfig, start: AdversarialFigures, now: AdversarialFigures) -> str:
    """Why a run should stop; "" if it may go on.

    Args:
        config: the limits.
        start: figures of the likelihood model that the run began with.
        now: figures of the latest validation.
    """
    if now.loss > start.loss * (1 + config.worse_likelihood):
        return (
            f"guard: likelihood: {now.loss:.4f} nats per token on validation, {now.loss / start.loss - 1:.1%} worse "
            f"than the {start.loss:.4f} at the start (limit {config.worse_likelihood:.1%})"
        )
    if now.distinct_8grams < start.distinct_8grams * (1 - config.fewer_ngrams):
        return (
            f"guard: diversity: {now.distinct_8grams:.1%} of the generated 8-grams are distinct, "
            f"{1 - now.distinct_8grams / start.distinct_8grams:.1%} fewer than the {start.distinct_8grams:.1%} at the "
            f"start (limit {config.fewer_ngrams:.1%})"
        )
    if not config.least_accuracy <= now.critic_accuracy <= config.most_accuracy:
        role = "no longer tells" if now.critic_accuracy < config.least_accuracy else "too easily tells"
        return (
            f"guard: critic: it {role} real from generated, accuracy {now.critic_accuracy:.1%} "
            f"(limits {config.least_accuracy:.0%} to {config.most_accuracy:.0%})"
        )
    return ""
