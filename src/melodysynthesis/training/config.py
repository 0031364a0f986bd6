"""How to train: typed, flat and early to complain. Each field's line of documentation is its command-line help."""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from melodysynthesis.errors import TrainingError, unknown

SCHEDULES = ("one-cycle", "cosine", "plateau", "inverse-sqrt", "constant")
MODES = ("songs", "stream", "windows")
MONITORS = ("loss", "bits_per_note", "last")
# Without 16-mixed: its loss scale is state that a checkpoint would have to keep, and melodies need no such range.
PRECISIONS = ("32-true", "bf16-mixed", "bf16-true")


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """A training run, apart from its model and data.

    Raises:
        TrainingError: on construction, for a value out of range or two that contradict each other.
    """

    mode: str = "songs"
    """"songs" trains on whole melodies, "stream" on one text with carried state, "windows" on stretches of it."""
    batch_size: int = 32
    """Melodies of an update, or lanes of a stream; over all devices together."""
    steps: int = 64
    """Positions of an update in a stream."""
    max_length: int = 1024
    """Longer melodies are cut into pieces of so many tokens."""
    accumulate: int = 1
    """Parts that a batch is run in, one after the other: the same update with less memory."""
    epochs: int = 30
    """Times that the training set is seen."""
    max_minutes: float = 0.0
    """Stop cleanly after so many minutes of training; the schedule is sized to it. 0 for no limit."""
    learning_rate: float = 3e-3
    """Highest learning rate of AdamW."""
    schedule: str = "one-cycle"
    """Course of the learning rate: one-cycle, cosine, plateau, inverse-sqrt or constant."""
    warm_up: float = 0.1
    """Share of the run in which the learning rate rises; for inverse-sqrt, that many updates."""
    lowest_rate: float = 1e-5
    """Floor of the learning rate."""
    plateau_factor: float = 0.2
    """With schedule plateau: what the rate is multiplied by after plateau_patience validations without gain."""
    plateau_patience: int = 2
    """With schedule plateau: validations without gain before the rate falls."""
    weight_decay: float = 0.01
    """Decay of weight matrices; biases and norms are left alone."""
    beta2: float = 0.99
    """AdamW's memory for squared gradients."""
    clip: float = 1.0
    """Largest norm of the gradient; 0 for no limit."""
    ema_decay: float = 0.0
    """Decay of the running average of the weights that is validated and exported; 0 for none."""
    patience: int = 8
    """Validations without gain before training stops; 0 to never stop early."""
    monitor: str = "loss"
    """Validation figure that decides what is kept: loss (nats per token), bits_per_note, or last for the latest."""
    validate_every: int = 0
    """Updates between validations; 0 for once an epoch."""
    checkpoint_every: int = 500
    """Updates between checkpoints, beside one each epoch."""
    log_every: int = 20
    """Updates between looks at the loss, which make the device wait."""
    seed: int = 0
    """Of weights, order and dropout."""
    device: str = "auto"
    """Accelerator that Fabric should use: auto, cpu, cuda, mps."""
    devices: int = 1
    """Number of devices; more than one train in parallel on shares of each batch."""
    precision: str = "32-true"
    """Precision in Fabric's words: 32-true, or bf16-mixed where the device has it."""
    threads: int = 0
    """Processor threads of PyTorch; 0 for its own choice."""
    tensorboard: bool = True
    """Whether to write a TensorBoard log."""

    def __post_init__(self) -> None:
        at_least: dict[str, float] = {
            "batch_size": 1, "steps": 1, "max_length": 2, "accumulate": 1, "epochs": 1, "plateau_patience": 1,
            "devices": 1, "checkpoint_every": 1, "log_every": 1, "max_minutes": 0, "warm_up": 0, "weight_decay": 0,
            "clip": 0, "patience": 0, "validate_every": 0, "threads": 0, "seed": 0, "lowest_rate": 0,
        }  # fmt: skip
        for name, least in at_least.items():
            if not least <= getattr(self, name) < math.inf:
                raise TrainingError(f"{name} is {getattr(self, name)}, expected at least {least}")
        for name in ("ema_decay", "beta2", "plateau_factor"):
            if not 0 <= getattr(self, name) < 1:
                raise TrainingError(f"{name} is {getattr(self, name)}, expected a number from 0 to below 1")
        for name, known in (("schedule", SCHEDULES), ("mode", MODES), ("monitor", MONITORS), ("precision", PRECISIONS)):
            if getattr(self, name) not in known:
                raise TrainingError(unknown(name, getattr(self, name), known))
        if not self.lowest_rate <= self.learning_rate < math.inf or not self.learning_rate:
            raise TrainingError(f"learning_rate {self.learning_rate} is not above lowest_rate {self.lowest_rate}")
        if self.warm_up >= 1 and self.schedule in ("one-cycle", "cosine"):
            raise TrainingError(f"warm_up is {self.warm_up}, expected a share below 1 with schedule {self.schedule}")
        if self.accumulate * self.devices > self.batch_size:
            raise TrainingError(
                f"a batch of {self.batch_size} can't be parted in {self.accumulate} x {self.devices} devices"
            )


# The original study's: Adam, batches of 64, up to 50 epochs, rate x0.2 after 2 epochs without gain, patience 5.
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
        precision="bf16-mixed",
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
    names = [field.name for field in fields(TrainingConfig)]
    if strange := [name for name in given if name not in names]:
        raise TrainingError(unknown("training field", strange[0], names))
    try:
        return TrainingConfig(**given)  # type: ignore[arg-type]
    except TypeError as error:
        raise TrainingError(f"a training field is of the wrong type: {error}") from None


def as_values(config: TrainingConfig) -> dict[str, object]:
    """A configuration as plain values for JSON."""
    return asdict(config)


@cache
def field_help(config: type[Any]) -> dict[str, str]:
    """The documentation of each field of a dataclass, inherited ones first: the string below it."""
    documented: dict[str, str] = {}
    for one in reversed([base for base in config.__mro__ if is_dataclass(base)]):
        tree = ast.parse(inspect.getsource(one))
        body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
        documented |= {
            field.target.id: ast.literal_eval(text.value)
            for field, text in pairwise(body)
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr)
        }
    return documented


Schedule = Callable[[TrainingConfig, float, int], float]


def rate(config: TrainingConfig, progress: float, step: int, falls: int = 0) -> float:
    """The learning rate of an update.

    Args:
        config: names the schedule.
        progress: share of the run that is over, 0 to 1.
        step: number of updates made.
        falls: how often the plateau schedule has lowered the rate.
    """
    top, floor = config.learning_rate, config.lowest_rate
    match config.schedule:
        case "constant":
            return top
        case "plateau":
            return max(top * config.plateau_factor**falls, floor)
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
