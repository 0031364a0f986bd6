"""What updates are made with: the devices of a run, and its optimizer."""

from __future__ import annotations

from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.utilities.exceptions import MisconfigurationException
from torch import nn

from melodysynthesis.errors import TrainingError
from melodysynthesis.training.config import TrainingConfig


def fabric_of(config: TrainingConfig) -> Fabric:
    """The devices that a run asks for.

    Raises:
        TrainingError: if they can't be had.
    """
    try:
        return Fabric(
            accelerator=config.device,
            strategy="ddp" if config.devices > 1 else "auto",
            devices=config.devices,
            precision=config.precision,  # type: ignore[arg-type]
        )
    except (ValueError, RuntimeError, ImportError, MisconfigurationException) as error:
        raise TrainingError(f"device {config.device!r} can't be used: {error}") from error


def optimizer_of(config: TrainingConfig, model: nn.Module, device: torch.device) -> torch.optim.Optimizer:
    """AdamW that decays matrices only: biases and norms have no reason to be small."""
    trained = [p for p in model.parameters() if p.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    fused = device.type in ("cpu", "cuda")  # one kernel for all weights instead of several for each
    return torch.optim.AdamW(groups, config.learning_rate, (0.9, config.beta2), fused=fused)
