"""What training minimises. Likelihood is the one here; `adversarial.objective` implements the same protocol."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from melodysynthesis.encodings.base import Encoding, Group, Role
from melodysynthesis.models.base import State
from melodysynthesis.training.batches import Batch, Batches

IGNORED = -100
"""Target of a position that does not count; cross-entropy's own convention."""


class Tensors(NamedTuple):
    """A batch on a device.

    Attributes:
        ids: (B, T).
        features: (B, T, F) or None.
        targets: (B, T), `IGNORED` where a prediction does not count.
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
    """What a validation found.

    Attributes:
        loss: nats per token, every token.
        accuracy: share of tokens whose likeliest prediction was right.
        bits_per_note: bits of all tokens that are music, over the number of notes.
    """

    loss: float
    accuracy: float
    bits_per_note: float


class Objective(Protocol):
    """What the loop needs to know of an objective."""

    def move(self, device: torch.device) -> None:
        """To the device of the model, before anything else."""

    def begin(self, model: nn.Module, training: Batches) -> bool:
        """Before the first update of a run that is not resumed; whether to validate the model as it begins."""

    def loss(self, model: nn.Module, batch: Tensors, state: State | None) -> tuple[Tensor, State]:
        """Sum of the loss over the positions that count, a scalar to go backward from, and the state after."""

    def sums(self, model: nn.Module, batch: Tensors, state: State | None) -> tuple[Tensor, State]:
        """What `figures` needs of a validation batch, (5,), to be added up over batches, and the state after."""

    def figures(self, model: nn.Module, sums: Tensor, batches: Batches) -> Figures:
        """The figures of all validation batches added up."""

    def complaint(self, figures: Figures) -> str:
        """Why the run should stop and these weights should not be kept; "" if all is well."""

    def pack(self) -> dict[str, Tensor]:
        """What a checkpoint has to keep beside the model, such as a critic, as named tensors."""

    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        """The inverse of `pack`."""


class Likelihood:
    """Cross-entropy of the next token at every position, given the true ones before it (teacher forcing)."""

    def __init__(self, encoding: Encoding) -> None:
        self.is_music = torch.from_numpy(encoding.roles == Role.MUSIC)
        self.is_note = torch.from_numpy(encoding.groups == Group.NOTE)

    def move(self, device: torch.device) -> None:
        """See `Objective.move`."""
        self.is_music, self.is_note = self.is_music.to(device), self.is_note.to(device)

    def begin(self, model: nn.Module, training: Batches) -> bool:
        """Nothing to prepare."""
        del model, training
        return False

    def loss(self, model: nn.Module, batch: Tensors, state: State | None) -> tuple[Tensor, State]:
        """See `Objective.loss`."""
        logits, state = model(batch.ids, batch.features, state, batch.mask)
        # In 32 bits whatever the model runs in: a sum of thousands of terms.
        return nn.functional.cross_entropy(
            logits.flatten(0, 1).float(), batch.targets.flatten(), ignore_index=IGNORED, reduction="sum"
        ), state

    def sums(self, model: nn.Module, batch: Tensors, state: State | None) -> tuple[Tensor, State]:
        """Sums of nats, tokens, right tokens, nats of music, and notes, as float64."""
        logits, state = model(batch.ids, batch.features, state, batch.mask)
        counts = batch.targets.flatten() != IGNORED
        logits, targets = logits.flatten(0, 1)[counts].float(), batch.targets.flatten()[counts]
        nats = nn.functional.cross_entropy(logits, targets, reduction="none").double()
        is_music, is_note = self.is_music[targets], self.is_note[targets]
        right = (logits.argmax(-1) == targets).sum()
        return torch.stack(
            [nats.sum(), counts.sum().double(), right.double(), nats[is_music].sum(), is_note.sum().double()]
        ), state

    def figures(self, model: nn.Module, sums: Tensor, batches: Batches) -> Figures:
        """See `Objective.figures`."""
        del model, batches
        nats, tokens, right, music, notes = sums.tolist()
        return Figures(nats / max(tokens, 1), right / max(tokens, 1), music / math.log(2) / max(notes, 1))

    def complaint(self, figures: Figures) -> str:
        """Likelihood that gets worse is over-fitting: what is best is kept, and patience ends it."""
        del figures
        return ""

    def pack(self) -> dict[str, Tensor]:
        """Nothing beside the model."""
        return {}

    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        """Nothing beside the model."""
