"""What the training loop is built from: devices, optimizer, averaged weights, and signals that stop it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.utilities.exceptions import MisconfigurationException
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from melodysynthesis.errors import TrainingError
from melodysynthesis.training.config import TrainingConfig


def make_fabric(config: TrainingConfig, callbacks: Sequence[object] = ()) -> Fabric:
    """The devices of a run, and the callbacks that `Fabric.call` reaches.

    Raises:
        TrainingError: if the machine does not have such devices.
    """
    try:
        return Fabric(
            accelerator=config.device,
            strategy="ddp" if config.devices > 1 else "auto",
            devices=config.devices,
            precision=precision(config),  # type: ignore[arg-type]
            callbacks=list(callbacks),
        )
    except (ValueError, RuntimeError, ImportError, MisconfigurationException) as error:
        raise TrainingError(f"device {config.device!r} can't be used: {error}") from error


def precision(config: TrainingConfig) -> str:
    """The number format of a run on this machine; "auto" is the fastest one.

    That is bf16-mixed where there is 16-bit arithmetic, else 32-true. A processor without AVX-512 has none: PyTorch
    trains no LSTM there in 16 bits, and a Transformer eight times slower than in 32.
    """
    if config.precision != "auto":
        return config.precision
    return "bf16-mixed" if _has_16_bits(config.device) else "32-true"


def check_lstm(config: TrainingConfig) -> None:
    """Check that this machine can train an LSTM as it is configured.

    Raises:
        TrainingError: for mixed precision on a processor without 16-bit arithmetic.
    """
    if precision(config) == "bf16-mixed" and not _has_16_bits(config.device):
        raise TrainingError("this processor can't train an LSTM in bf16-mixed: use precision auto or 32-true")


def _has_16_bits(device: str) -> bool:
    """Whether a device has 16-bit arithmetic, found out by trying: PyTorch has no public question for it."""
    if device == "cuda" or (device == "auto" and _has_accelerator()):
        return True
    zero, weight = torch.zeros(1, 1, 1), torch.zeros(4, 1)
    try:
        with torch.autocast("cpu", torch.bfloat16):
            torch.lstm(zero, (zero, zero), [weight, weight], False, 1, 0.0, True, False, True)
    except RuntimeError:
        return False
    return True


def _has_accelerator() -> bool:
    return torch.cuda.is_available() or torch.backends.mps.is_available()


def make_optimizer(config: TrainingConfig, model: nn.Module, device: torch.device) -> torch.optim.Optimizer:
    """AdamW that decays matrices only."""
    groups = decay_groups(model, config.weight_decay)
    fused = device.type in ("cpu", "cuda")  # one kernel for all weights instead of several for each
    return torch.optim.AdamW(groups, config.learning_rate, (0.9, config.beta2), fused=fused)


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameter groups of an optimizer: matrices decay; biases and norms have no reason to be small."""
    trained = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]


def average_weights(model: nn.Module, decay: float) -> AveragedModel:
    """A running average of a model's weights and statistics (Polyak averaging): smoother, and often better.

    Args:
        model: whose weights are averaged; `update_parameters` takes them in after each update.
        decay: share of the old average that an update keeps; less at first, so that the start is soon forgotten.
    """

    def update(averages: list[Tensor], weights: list[Tensor], _: Tensor) -> None:
        if averages[0].is_floating_point():
            updates = int(average.n_averaged)  # on the CPU: the argument would make another device wait
            share = 1 - min(decay, (1 + updates) / (10 + updates))
            torch._foreach_lerp_(averages, weights, share)

    average = AveragedModel(model, multi_avg_fn=update, use_buffers=True)  # type: ignore[arg-type]
    average.n_averaged += 1  # at 0 the first update would copy the weights instead
    return average


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C or SIGTERM sets, so that the current update is finished; a second ends at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # only the main thread may set handlers
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before: dict[int, Any] = {number: signal.getsignal(number) for number in numbers}

    def request_stop(number: int, frame: object) -> None:
        del frame
        stop.set()
        signal.signal(number, before[number])

    for number in numbers:
        signal.signal(number, request_stop)
    try:
        yield stop
    finally:
        for number in numbers:
            signal.signal(number, before[number])
