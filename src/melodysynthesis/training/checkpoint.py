"""Checkpoints: safetensors files with JSON in their metadata. Without pickle, opening one can't run any code.

A file is written under another name, forced to disk and then moved in place: whatever kills the process, the
name always leads to a whole checkpoint, the old one or the new one.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from melodysynthesis.encodings.base import Encoding
from melodysynthesis.errors import ModelError, TrainingError

META = "melodysynthesis"
VERSION = 2
PART = ".part"


@dataclass(slots=True)
class TrainingState:
    """How far a run has come.

    Attributes:
        epoch: number of the current epoch, from 0.
        batch: batches of it that are done.
        step: updates made in all.
        seconds: time spent in all, without interruptions.
        tokens: tokens trained on since the last validation.
        best: lowest value of the monitored figure; `best_step` when.
        without_gain: validations since then; `waited` since then or since the plateau schedule last lowered the rate.
        reductions: how often the plateau schedule lowered the rate.
        stopped: why the run is over; "" if it is not.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    seconds: float = 0.0
    tokens: int = 0
    best: float = math.inf
    best_step: int = 0
    without_gain: int = 0
    waited: int = 0
    reductions: int = 0
    stopped: str = ""


@contextmanager
def whole_file(path: Path, what: str = "the file") -> Iterator[Path]:
    """Write a file whole or not at all: write to the name that is given, which is then forced to disk and renamed.

    Raises:
        TrainingError: where it can't be written; a file that was there before is left as it was.
    """
    part = path.with_name(path.name + PART)
    try:
        yield part
        _sync(part)
        os.replace(part, path)
        _sync(path.parent)
    except (OSError, SafetensorError) as error:
        with suppress(OSError):
            part.unlink()
        raise TrainingError(f"{path}: {what} can't be written: {error}") from error


def _sync(path: Path) -> None:
    """Force a file or folder to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def save(path: Path, tensors: Mapping[str, Tensor], meta: Mapping[str, object]) -> None:
    """Write a checkpoint, whole or not at all.

    Raises:
        TrainingError: where it can't be written.
    """
    # Each tensor gets memory of its own, as the format demands: views and ties would be refused.
    own = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    with whole_file(path, "the checkpoint") as part:
        save_file(own, part, metadata={META: json.dumps({"version": VERSION, **meta})})


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all.

    Raises:
        TrainingError: where it can't be written.
    """
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def remove_unfinished(folder: Path) -> None:
    """Remove what a killed process was writing into a run's folder: our parts, and those of safetensors itself."""
    for part in [*folder.rglob(f"*{PART}"), *folder.glob("checkpoints/.tmp*")]:
        part.unlink()


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and JSON of a checkpoint.

    Raises:
        ModelError: for a file that is missing, truncated or no checkpoint of ours.
    """
    if not path.is_file():
        raise ModelError(f"{path}: there is no such checkpoint")
    try:
        with safe_open(path, framework="pt") as file:
            meta = json.loads((file.metadata() or {}).get(META, "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dictionary)
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{path}: damaged or no checkpoint at all: {error}") from error
    if not isinstance(meta, dict):
        raise ModelError(f"{path}: a safetensors file, but not a checkpoint of a melody model")
    if meta.get("version") != VERSION:
        raise ModelError(
            f"{path}: the checkpoint is of version {meta.get('version')}, this program reads version {VERSION}: "
            "go on with the version of melodysynthesis that wrote it, or train again"
        )
    return tensors, meta


@dataclass(frozen=True, slots=True)
class Identity:
    """What the weights of a checkpoint fit: a model of this architecture and configuration, with this encoding."""

    architecture: str
    preset: str
    model: dict[str, object]
    encoding: dict[str, object]

    @classmethod
    def of(cls, architecture: str, preset: str, model: dict[str, object], encoding: Encoding) -> Identity:
        """The identity of a run; its values are as they come back from JSON."""
        return cls(architecture, preset, *json.loads(json.dumps([model, encoding.description()])))

    def check(self, meta: Mapping[str, Any], path: Path) -> None:
        """Compare with a checkpoint's.

        Raises:
            ModelError: naming what differs.
        """
        for name in ("architecture", "encoding", "model"):
            mine, other = getattr(self, name), meta.get(name)
            if mine != other:
                raise ModelError(
                    f"{path}: the checkpoint's {name} is {_short(other, mine)}, here it is {_short(mine, other)}"
                )


def _short(value: object, other: object) -> str:
    """A value for a message; of a mapping only what differs."""
    if isinstance(value, Mapping) and isinstance(other, Mapping):
        differing = [f"{key} {value[key]}" for key in value if value[key] != other.get(key)]
        return (", ".join(differing) or "without " + ", ".join(sorted(set(other) - set(value))))[:100]
    return repr(value)[:100]


def weights(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers to keep, each once even if tied."""
    keep: dict[str, Tensor] = dict(model.named_parameters())
    stored = model.state_dict().keys()
    keep.update({name: buffer for name, buffer in model.named_buffers() if name in stored})
    return keep


def load_weights(model: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Copy a checkpoint's weights into a model.

    Raises:
        ModelError: where names or shapes differ.
    """
    mine = weights(model)
    if strange := sorted(set(mine) ^ set(tensors)):
        side = "lacks" if strange[0] in mine else "has an unknown"
        raise ModelError(f"{path}: the checkpoint {side} {strange[0]!r}: it is of another architecture")
    with torch.no_grad():
        for name, tensor in mine.items():
            if tensor.shape != tensors[name].shape:
                shapes = f"{tuple(tensors[name].shape)}, expected {tuple(tensor.shape)}"
                raise ModelError(f"{path}: {name} has shape {shapes}: it is of another preset or encoding")
            tensor.copy_(tensors[name])


def pack_optimizer(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of an optimizer as named tensors: ``"0.exp_avg"``."""
    state = optimizer.state_dict()["state"]
    return {f"{index}.{name}": value for index, values in state.items() for name, value in values.items()}


def unpack_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """The inverse of `pack_optimizer`; learning rates and the like stay those of the optimizer."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = tensor.clone()
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def pack_random() -> dict[str, Tensor]:
    """The states of PyTorch's random generators."""
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states |= {f"cuda{i}": state for i, state in enumerate(torch.cuda.get_rng_state_all())}
    return states


def unpack_random(tensors: Mapping[str, Tensor]) -> None:
    """The inverse of `pack_random`; a device that is missing is skipped."""
    torch.set_rng_state(tensors["cpu"])
    for i in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        if f"cuda{i}" in tensors:
            torch.cuda.set_rng_state(tensors[f"cuda{i}"], i)


def section(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """The tensors whose names start with ``name/``, without it."""
    return {key.removeprefix(f"{name}/"): tensor for key, tensor in tensors.items() if key.startswith(f"{name}/")}


def sections(**parts: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of `section`: several groups of tensors in one dictionary."""
    return {f"{name}/{key}": tensor for name, part in parts.items() for key, tensor in part.items()}
