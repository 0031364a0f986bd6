"""How to train: typed, flat and checked at once. Each field's line of documentation is its command-line help."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from melodysynthesis.configuration import check_fields, from_mapping
from melodysynthesis.errors import TrainingError, unknown

CHOICES = {
    "mode": ("songs", "stream", "windows"),
    "schedule": ("one-cycle", "cosine", "plateau", "inverse-sqrt", "constant"),
    "monitor": ("loss", "bits_per_note", "last"),
    # Without 16-mixed: its loss scale is state that a checkpoint would have to keep, and melodies need no such range.
    "precision": ("auto", "32-true", "bf16-mixed", "bf16-true"),
}


_MOST = {"threads": 1024, "seed": 2**32}
"""What PyTorch takes, with room for the seeds that follow from one."""


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """A training run, apart from its model and data.

    Raises:
        TrainingError: on construction, for a value out of range or two that contradict each other.
    """

    mode: str = "songs"
    """songs (whole melodies), stream (one long text, state carried on) or windows (parts of it, state reset)."""
    batch_size: int = 32
    """Melodies in an update, or lanes of a stream, over all devices together."""
    steps: int = 64
    """Tokens of each lane in an update, for stream and windows."""
    max_length: int = 1024
    """Longer melodies are cut into pieces of this many tokens."""
    accumulate: int = 1
    """Number of parts in which a batch is run, one after the other: the same update with less memory."""
    epochs: int = 30
    """Number of passes over the training set."""
    max_minutes: float = 0.0
    """Stop cleanly after this many minutes; the learning rate follows them. 0 for no limit."""
    learning_rate: float = 3e-3
    """Highest learning rate of AdamW."""
    schedule: str = "one-cycle"
    """Learning rate schedule: one-cycle, cosine, plateau, inverse-sqrt or constant."""
    warm_up: float = 0.1
    """Share of the run in which the learning rate rises; for inverse-sqrt, a number of updates."""
    lowest_rate: float = 1e-5
    """Floor of the learning rate."""
    plateau_factor: float = 0.2
    """With schedule plateau: factor by which the rate falls after plateau_patience validations without gain."""
    plateau_patience: int = 2
    """With schedule plateau: validations without gain before the rate falls."""
    weight_decay: float = 0.01
    """Decay of weight matrices; biases and norms do not decay."""
    beta2: float = 0.99
    """AdamW's memory for squared gradients."""
    clip: float = 1.0
    """Largest norm of the gradient; 0 for no limit."""
    ema_decay: float = 0.0
    """Decay of the running average of the weights that is validated and exported; 0 for none."""
    patience: int = 8
    """Validations without gain after which training stops; 0 to never stop early."""
    monitor: str = "loss"
    """What decides which weights are kept: loss (nats per token), bits_per_note, or last for the latest weights."""
    validate_every: int = 0
    """Updates between validations; 0 for once an epoch."""
    checkpoint_every: int = 500
    """Updates between checkpoints; there is also one after each epoch."""
    log_every: int = 20
    """Updates between reports of the loss; each makes the device wait."""
    seed: int = 0
    """Random seed of weights, order and dropout."""
    device: str = "auto"
    """Device to train on: auto, cpu, cuda or mps."""
    devices: int = 1
    """Number of devices; each trains on its share of every batch."""
    precision: str = "32-true"
    """Number format: 32-true (32 bits), bf16-mixed or bf16-true (16 bits), auto (bf16-mixed where a device has it)."""
    threads: int = 0
    """Processor threads; 0 lets PyTorch choose."""
    tensorboard: bool = True
    """Whether to write a TensorBoard log."""

    def __post_init__(self) -> None:
        least = dict.fromkeys(("batch_size", "steps", "accumulate", "epochs", "plateau_patience", "devices",
                               "checkpoint_every", "log_every"), 1) | {"max_length": 2}  # fmt: skip
        least |= dict.fromkeys(("max_minutes", "warm_up", "weight_decay", "clip", "patience", "validate_every",
                                "threads", "seed", "lowest_rate"), 0)  # fmt: skip
        rates = ("ema_decay", "beta2", "plateau_factor")
        check_fields(self, TrainingError, at_least=least, at_most=_MOST, below_one=rates, choices=CHOICES)
        if not self.lowest_rate <= self.learning_rate < math.inf or not self.learning_rate:
            raise TrainingError(f"learning_rate {self.learning_rate} is not above lowest_rate {self.lowest_rate}")
        if self.warm_up >= 1 and self.schedule in ("one-cycle", "cosine"):
            raise TrainingError(f"warm_up is {self.warm_up}, expected a share below 1 with schedule {self.schedule}")
        if self.accumulate * self.devices > self.batch_size:
            raise TrainingError(
                f"batch_size {self.batch_size} is too small: {self.devices} devices with accumulate {self.accumulate} "
                f"need at least {self.accumulate * self.devices}"
            )


# As in the original study: Adam, batches of 64, up to 50 epochs, rate x0.2 after 2 epochs without gain, patience 5.
PRESETS: dict[str, TrainingConfig] = {
    "original": TrainingConfig(
        batch_size=64, epochs=50, learning_rate=1e-3, schedule="plateau", weight_decay=0.0, beta2=0.999, patience=5
    ),
    "base": TrainingConfig(
        epochs=15,
        learning_rate=4e-3,
        warm_up=0.15,
        weight_decay=0.02,
        ema_decay=0.998,
        patience=0,
        monitor="bits_per_note",
        precision="auto",
    ),
}


def training_config(given: str | Mapping[str, object]) -> TrainingConfig:
    """The configuration of a preset's name or of a mapping.

    Raises:
        TrainingError: for an unknown preset or field or a value that makes no sense.
    """
    if isinstance(given, str):
        if given not in PRESETS:
            raise TrainingError(unknown("training preset", given, PRESETS))
        return PRESETS[given]
    return from_mapping(TrainingConfig, given, "training field", TrainingError)


def learning_rate(config: TrainingConfig, progress: float, step: int, reductions: int = 0) -> float:
    """The learning rate of an update.

    It is a function of progress, which may be measured in updates or in minutes: torch's schedulers count updates only.

    Args:
        config: names the schedule.
        progress: share of the run that is done, 0 to 1.
        step: number of updates made.
        reductions: how often the plateau schedule has lowered the rate.
    """
    top, floor = config.learning_rate, config.lowest_rate
    match config.schedule:
        case "constant":
            return top
        case "plateau":
            return max(top * config.plateau_factor**reductions, floor)
        case "inverse-sqrt":
            warm = max(config.warm_up, 1.0)
            return max(top * min((step + 1) / warm, math.sqrt(warm / (step + 1))), floor)
        case "one-cycle":  # Smith and Topin 2018: up from a 25th, then down along a cosine
            if progress < config.warm_up:
                low = max(top / 25, floor)
                return low + (top - low) * progress / config.warm_up
        case _:
            if progress < config.warm_up:
                return max(top * progress / config.warm_up, floor)
    falling = min((progress - config.warm_up) / (1 - config.warm_up), 1.0)
    return floor + (top - floor) * (1 + math.cos(math.pi * falling)) / 2


@dataclass(frozen=True, slots=True)
class JudgeTraining:
    """How to train a judge.

    Raises:
        TrainingError: on construction, for a value out of range.
    """

    drafts: int = 2000
    """Drafts of each model in each round."""
    of: int = 4
    """Of so many drafts one is chosen for the second round."""
    epochs: int = 6
    """Number of passes over the melodies in the first round; the second, which has twice as many, takes half."""
    batch_size: int = 64
    """Drafts in an update, with as many tunes."""
    learning_rate: float = 2e-3
    """Highest learning rate of AdamW."""
    weight_decay: float = 0.05
    """Decay of weight matrices."""
    seed: int = 0
    """Random seed of drafts, weights and order."""
    threads: int = 1
    """Processor threads."""

    def __post_init__(self) -> None:
        least = {"drafts": 20, "of": 2, "epochs": 1, "batch_size": 2, "threads": 1, "seed": 0, "weight_decay": 0}
        check_fields(self, TrainingError, of="judge", at_least=least, at_most=_MOST)
        if not 0 < self.learning_rate < 1:
            raise TrainingError(f"judge: learning_rate {self.learning_rate:g} is not between 0 and 1")
