"""What training minimises: the likelihood, here; `adversarial.objective` implements the same protocol."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from melodysynthesis.encodings.base import Encoding, Group, Role
from melodysynthesis.models.base import State
from melodysynthesis.training.batches import Batch, Batches

IGNORED = -100
"""Target of a position without loss; cross-entropy's own convention."""


class Tensors(NamedTuple):
    """A batch on a device.

    Attributes:
        ids: (B, T).
        features: (B, T, F) or None.
        targets: (B, T), `IGNORED` at positions without loss.
        mask: (B, T) True at real positions; None where nothing is padded.
    """

    ids: Tensor
    features: Tensor | None
    targets: Tensor
    mask: Tensor | None


def to_tensors(batch: Batch, device: torch.device) -> Tensors:
    """A batch on a device."""
    targets = batch.targets.copy()
    targets[~batch.mask] = IGNORED
    is_padded = batch.padded and not batch.mask.all()
    return Tensors(
        torch.from_numpy(batch.ids).to(device, non_blocking=True),
        None if batch.features is None else torch.from_numpy(batch.features).to(device, non_blocking=True),
        torch.from_numpy(targets).to(device, non_blocking=True),
        torch.from_numpy(batch.mask).to(device, non_blocking=True) if is_padded else None,
    )


@dataclass(frozen=True, slots=True)
class Figures:
    """Results of a validation.

    Attributes:
        loss: nats per token, every token.
        accuracy: share of tokens that were predicted as the most likely.
        bits_per_note: bits of all tokens that describe music, divided by the number of notes.
    """

    loss: float
    accuracy: float
    bits_per_note: float


class Objective(Protocol):
    """What the training loop needs of an objective."""

    def set_up(self, device: torch.device, tokens: float) -> None:
        """Move to the device of the model; called before anything else.

        Args:
            device: of the model.
            tokens: mean tokens of a training batch, which the loop divides every batch's loss by.
        """

    def prepare(self, model: nn.Module, training: Batches) -> Iterator[tuple[int, int]]:
        """Work that precedes the first update of a run, in steps: yields how many are done, and how many there are.

        If it yields anything, the model is validated before the first update.
        """

    def loss(self, model: nn.Module, batch: Tensors, state: State | None) -> tuple[Tensor, State]:
        """Sum of the loss over all positions with loss, a scalar with gradients, and the state after the batch."""

    def sums(self, model: nn.Module, batch: Tensors, state: State | None) -> tuple[Tensor, State]:
        """Sums over a validation batch, (5,), which `figures` takes added up over batches; and the state after it."""

    def figures(self, model: nn.Module, sums: Tensor, batches: Batches) -> Figures:
        """The figures of all validation batches added up."""

    def reason_to_stop(self, figures: Figures) -> str:
        """Why the run should stop and these weights should not be kept; "" if all is well."""

    def pack(self) -> dict[str, Tensor]:
        """State beyond the model that a checkpoint keeps, such as a critic, as named tensors."""

    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        """The inverse of `pack`."""


class Likelihood:
    """Cross-entropy of the next token at every position, given the true ones before it (teacher forcing)."""

    def __init__(self, encoding: Encoding) -> None:
        self.is_music = torch.from_numpy(encoding.roles == Role.MUSIC)
        self.is_note = torch.from_numpy(encoding.groups == Group.NOTE)

    def set_up(self, device: torch.device, tokens: float) -> None:
        """See `Objective.set_up`."""
        del tokens
        self.is_music, self.is_note = self.is_music.to(device), self.is_note.to(device)

    def prepare(self, model: nn.Module, training: Batches) -> Iterator[tuple[int, int]]:
        """Nothing to prepare."""
        del model, training
        return iter(())

    def loss(self, model: nn.Module, batch: Tensors, state: State | None) -> tuple[Tensor, State]:
        """See `Objective.loss`."""
        logits, state = model(batch.ids, batch.features, state, batch.mask)
        # In 32 bits whatever the model's precision: it is a sum of thousands of terms.
        return nn.functional.cross_entropy(
            logits.flatten(0, 1).float(), batch.targets.flatten(), ignore_index=IGNORED, reduction="sum"
        ), state

    def sums(self, model: nn.Module, batch: Tensors, state: State | None) -> tuple[Tensor, State]:
        """Sums of nats, tokens, right tokens, nats of music, and notes, as float64."""
        logits, state = model(batch.ids, batch.features, state, batch.mask)
        has_loss = batch.targets.flatten() != IGNORED
        logits, targets = logits.flatten(0, 1)[has_loss].float(), batch.targets.flatten()[has_loss]
        nats = nn.functional.cross_entropy(logits, targets, reduction="none").double()
        is_music, is_note = self.is_music[targets], self.is_note[targets]
        right = (logits.argmax(-1) == targets).sum()
        return torch.stack(
            [nats.sum(), has_loss.sum().double(), right.double(), nats[is_music].sum(), is_note.sum().double()]
        ), state

    def figures(self, model: nn.Module, sums: Tensor, batches: Batches) -> Figures:
        """See `Objective.figures`."""
        del model, batches
        nats, tokens, right, music, notes = sums.tolist()
        return Figures(nats / max(tokens, 1), right / max(tokens, 1), music / math.log(2) / max(notes, 1))

    def reason_to_stop(self, figures: Figures) -> str:
        """None: a loss that rises is overfitting; the best weights are kept, and patience ends the run."""
        del figures
        return ""

    def pack(self) -> dict[str, Tensor]:
        """Nothing beyond the model."""
        return {}

    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        """Nothing beyond the model."""
