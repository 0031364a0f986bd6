"""Adversarial training as an objective of the ordinary loop: a critic, an estimator, and guards at validation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import count, islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from melodysynthesis.encodings.base import Encoding
from melodysynthesis.errors import TrainingError
from melodysynthesis.evaluation.diversity import distinct_ngrams
from melodysynthesis.models.base import State
from melodysynthesis.training import checkpoint
from melodysynthesis.training.adversarial.config import AdversarialConfig
from melodysynthesis.training.adversarial.critic import CriticTrainer
from melodysynthesis.training.adversarial.estimators import Estimator, GumbelSoftmax, PolicyGradient
from melodysynthesis.training.batches import Batch, Batches, Songs
from melodysynthesis.training.config import TrainingConfig
from melodysynthesis.training.objective import Figures, Likelihood, Tensors, to_tensors
from melodysynthesis.training.setup import precision

CRITIC_EPOCHS = 1_000_000
"""Number of the first epoch from which the critic learns alone: no run reaches it."""
VALIDATION_BATCH = 64
"""Melodies that are generated at once at a validation."""


@dataclass(frozen=True, slots=True)
class AdversarialFigures(Figures):
    """Results of a validation; beyond the likelihood those of continuations of held-out tunes' first bars.

    Attributes:
        distinct_8grams: share of distinct ones among all runs of eight generated tokens.
        critic_accuracy: share of pairs in which the critic scores the real continuation higher than the model's.
    """

    distinct_8grams: float
    critic_accuracy: float


def guard(config: AdversarialConfig, start: AdversarialFigures, now: AdversarialFigures) -> str:
    """Why a run should stop before the model gets worse; "" if it may go on.

    Args:
        config: the limits.
        start: figures of the likelihood model from which the run started.
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


class Adversarial:
    """An `Objective`: a model learns from a critic, and guards stop it at validation.

    Args:
        config: of critic, estimator and guards.
        training: of the loop.
        encoding: of the melodies.
        reference: the likelihood model from which the run starts.

    Raises:
        TrainingError: for a loop on several devices, in several parts, or of anything but whole melodies.
    """

    def __init__(
        self, config: AdversarialConfig, training: TrainingConfig, encoding: Encoding, reference: nn.Module
    ) -> None:
        if training.devices > 1 or training.accumulate > 1 or training.mode != "songs":
            raise TrainingError("adversarial training needs mode songs, devices 1 and accumulate 1")
        self.config, self.likelihood = config, Likelihood(encoding)
        self.critic = CriticTrainer(encoding, config, precision(training), training.seed)
        self.reference = reference.eval()
        self.estimator: Estimator = (
            PolicyGradient(self.critic, reference) if config.estimator == "policy" else GumbelSoftmax(self.critic)
        )
        self.start: AdversarialFigures | None = None
        self.tokens = 1.0

    def set_up(self, device: torch.device, tokens: float) -> None:
        """See `Objective.set_up`."""
        self.tokens = tokens
        self.likelihood.set_up(device, tokens)
        self.critic.move(device)
        self.reference.to(device)

    def prepare(self, model: nn.Module, training: Batches) -> Iterator[tuple[int, int]]:
        """Train the critic alone, on training tunes; see `Objective.prepare`."""
        batches = self.config.critic_first
        for done, tunes in enumerate(islice(_endless(training), batches)):
            yield done, batches
            self.critic.train_critic(self.critic.roll_out(model, to_tensors(tunes, self.critic.device)))
        yield batches, batches

    def loss(self, model: nn.Module, batch: Tensors, state: State | None) -> tuple[Tensor, State]:
        """The estimator's loss, times the number of tokens that the loop divides by; see `Objective.loss`."""
        del state
        return self.estimator.loss(model, batch, self.tokens) * self.tokens, {}

    def sums(self, model: nn.Module, batch: Tensors, state: State | None) -> tuple[Tensor, State]:
        """Those of the likelihood; see `Objective.sums`."""
        return self.likelihood.sums(model, batch, state)

    def figures(self, model: nn.Module, sums: Tensor, batches: Batches) -> Figures:
        """Those of the likelihood, and of continuations of held-out tunes, drawn with the same seed each time."""
        found = self.likelihood.figures(model, sums, batches)
        generator = torch.Generator().manual_seed(0)
        generated, right = list[NDArray[np.int64]](), list[Tensor]()
        for tunes in _evenly_chosen(batches, self.config.rollouts):
            pairs = self.critic.roll_out(model, to_tensors(tunes, self.critic.device), generator)
            right.append(self.critic.margin(pairs) > 0)
            made = pairs.generated
            generated += [row[mask].cpu().numpy() for row, mask in zip(made.targets, made.generated, strict=True)]
        accuracy, distinct = float(torch.cat(right).double().mean()), distinct_ngrams(generated).value
        return AdversarialFigures(**asdict(found), distinct_8grams=distinct, critic_accuracy=accuracy)

    def reason_to_stop(self, figures: Figures) -> str:
        """See `guard`; the first figures are those of the start."""
        assert isinstance(figures, AdversarialFigures)
        self.start = self.start or figures
        return guard(self.config, self.start, figures)

    def pack(self) -> dict[str, Tensor]:
        """See `Objective.pack`."""
        start = {} if self.start is None else {name: torch.tensor(x).double() for name, x in asdict(self.start).items()}
        return checkpoint.sections(critic=self.critic.pack(), estimator=self.estimator.pack(), start=start)

    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        """See `Objective.unpack`."""
        self.critic.unpack(checkpoint.section(tensors, "critic"))
        self.estimator.unpack(checkpoint.section(tensors, "estimator"))
        start = {name: float(x) for name, x in checkpoint.section(tensors, "start").items()}
        self.start = AdversarialFigures(**start) if start else None


def _endless(training: Batches) -> Iterator[Batch]:
    for epoch in count(CRITIC_EPOCHS):
        yield from training.epoch(epoch)


def _evenly_chosen(batches: Batches, number: int) -> Iterator[Batch]:
    """A number of the melodies, evenly spread over all of them."""
    songs = Songs(batches.sequences, VALIDATION_BATCH)
    songs.pieces = songs.pieces[np.linspace(0, len(songs.pieces) - 1, min(number, len(songs.pieces))).astype(np.int64)]
    return songs.epoch(0)
