"""Adversarial training as an objective of the ordinary loop: an arm to learn by, a critic, guards at validation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import count, islice
from typing import Protocol

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
from melodysynthesis.training.adversarial.game import Game
from melodysynthesis.training.adversarial.guards import AdversarialFigures, complaint
from melodysynthesis.training.adversarial.gumbel import GumbelSoftmax
from melodysynthesis.training.adversarial.policy import PolicyGradient
from melodysynthesis.training.batches import Batch, Batches, Songs
from melodysynthesis.training.config import TrainingConfig
from melodysynthesis.training.objective import Figures, Likelihood, Tensors, to_tensors

OWN_EPOCHS = 1_000_000
"""Number of the first epoch that the critic alone learns from: none that a run reaches."""
TOGETHER = 64
"""Melodies of a validation that are stepped at once."""


class Arm(Protocol):
    """How a model learns from its critic."""

    def loss(self, model: nn.Module, tunes: Tensors) -> Tensor:
        """A mean to go backward from, after letting model and critic play as it needs."""

    def pack(self) -> dict[str, Tensor]:
        """What resuming needs, as named tensors."""

    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        """The inverse of `pack`."""


class Adversarial:
    """An `Objective`: see the module's docstring.

    Args:
        config: of the game.
        training: of the loop.
        encoding: of the melodies.
        reference: the likelihood model that the run begins with.

    Raises:
        TrainingError: for a loop that a game can't be played in.
    """

    def __init__(
        self, config: AdversarialConfig, training: TrainingConfig, encoding: Encoding, reference: nn.Module
    ) -> None:
        if training.devices > 1 or training.accumulate > 1 or training.mode != "songs":
            raise TrainingError("adversarial training is of whole melodies (mode songs), on one device, in one part")
        self.config, self.likelihood = config, Likelihood(encoding)
        self.game = Game(encoding, config, training.precision, training.seed)
        self.reference = reference.eval()
        self.arm: Arm = PolicyGradient(self.game, reference) if config.arm == "policy" else GumbelSoftmax(self.game)
        self.start: AdversarialFigures | None = None

    def move(self, device: torch.device) -> None:
        """See `Objective.move`."""
        for part in (self.likelihood, self.game):
            part.move(device)
        self.reference.to(device)

    def begin(self, model: nn.Module, training: Batches) -> bool:
        """Let the critic learn alone, from training tunes; see `Objective.begin`."""
        for tunes in islice(_endless(training), self.config.critic_first):
            self.game.teach(self.game.deal(model, to_tensors(tunes, self.game.device)))
        return True

    def loss(self, model: nn.Module, batch: Tensors, state: State | None) -> tuple[Tensor, State]:
        """The arm's loss, times the tokens that the loop divides by; see `Objective.loss`."""
        del state
        counted = batch.targets.ge(0).sum()
        return self.arm.loss(model, batch) * counted, {}

    def sums(self, model: nn.Module, batch: Tensors, state: State | None) -> tuple[Tensor, State]:
        """Those of the likelihood; see `Objective.sums`."""
        return self.likelihood.sums(model, batch, state)

    def figures(self, model: nn.Module, sums: Tensor, batches: Batches) -> Figures:
        """Those of the likelihood, and what the model makes of held-out beginnings, by the same draws each time."""
        found = self.likelihood.figures(model, sums, batches)
        generator = torch.Generator().manual_seed(0)
        played, right = list[NDArray[np.int64]](), list[Tensor]()
        for tunes in _some(batches, self.config.rollouts):
            pair = self.game.deal(model, to_tensors(tunes, self.game.device), generator)
            right.append(self.game.margin(pair) > 0)
            played += [row[mask].cpu().numpy() for row, mask in zip(pair.made.targets, pair.made.played, strict=True)]
        accuracy = float(torch.cat(right).double().mean())
        return AdversarialFigures(
            **asdict(found), distinct_8grams=distinct_ngrams(played).value, critic_accuracy=accuracy
        )

    def complaint(self, figures: Figures) -> str:
        """What the guards say; the first figures are those that the later ones are held against."""
        assert isinstance(figures, AdversarialFigures)
        self.start = self.start or figures
        return complaint(self.config, self.start, figures)

    def pack(self) -> dict[str, Tensor]:
        """See `Objective.pack`."""
        start = {} if self.start is None else {name: torch.tensor(x).double() for name, x in asdict(self.start).items()}
        return checkpoint.sections(game=self.game.pack(), arm=self.arm.pack(), start=start)

    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        """See `Objective.unpack`."""
        self.game.unpack(checkpoint.section(tensors, "game"))
        self.arm.unpack(checkpoint.section(tensors, "arm"))
        start = {name: float(x) for name, x in checkpoint.section(tensors, "start").items()}
        self.start = AdversarialFigures(**start) if start else None


def _endless(training: Batches) -> Iterator[Batch]:
    for epoch in count(OWN_EPOCHS):
        yield from training.epoch(epoch)


def _some(batches: Batches, number: int) -> Iterator[Batch]:
    """So many of the melodies, spread over all of them, always the same."""
    songs = Songs(batches.sequences, TOGETHER)
    songs.pieces = songs.pieces[np.linspace(0, len(songs.pieces) - 1, min(number, len(songs.pieces))).astype(np.int64)]
    return songs.epoch(0)
