"""A diagram of an architecture: each layer with its kind, the shape of its output, and its parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from melodysynthesis.evaluation import plotting
from melodysynthesis.models.base import MelodyModel, parameter_count
from melodysynthesis.models.layers import LockedDropout, MaskedBatchNorm, TokenInput, TokenOutput
from melodysynthesis.models.lstm import LSTMLayer
from melodysynthesis.models.transformer import CausalSelfAttention

STEPS = 64
"""Length of the sequence that is run through the model to find the shapes."""

# Name and color of each kind of module. A module that is not here is drawn by its class name if it has no parts.
KINDS: dict[type[nn.Module], tuple[str, str]] = {
    TokenInput: ("tokens and features", "#cfe3f5"),
    CausalSelfAttention: ("attention", "#f5e3a9"),
    LSTMLayer: ("LSTM", "#f7d9b9"),
    nn.LayerNorm: ("layer norm", "#dcecd3"),
    MaskedBatchNorm: ("batch norm", "#dcecd3"),
    LockedDropout: ("dropout", "#eeeeee"),
    nn.Dropout: ("dropout", "#eeeeee"),
    TokenOutput: ("logits", "#ead5ec"),
    nn.Linear: ("dense", "#ead5ec"),
}


class LayerRow(NamedTuple):
    """A row of the diagram; parameters that an earlier row counted, such as tied weights, are not counted again."""

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    color: str


def layers_of(model: MelodyModel) -> list[LayerRow]:
    """The layers in the order in which they run, with their outputs' shapes for one sequence of `STEPS` tokens."""
    rows: list[LayerRow] = []
    counted: set[int] = set()
    hooks = [part.register_forward_hook(_note(name, rows, counted)) for name, part in _drawn(model)]
    ids = torch.zeros(1, STEPS, dtype=torch.long)
    features = torch.zeros(1, STEPS, len(model.features), dtype=torch.long) if model.uses_features else None
    was_training = model.training
    try:
        with torch.no_grad():
            model.eval()(ids, features)
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return rows


def _drawn(model: nn.Module, prefix: str = "") -> list[tuple[str, nn.Module]]:
    """The modules that get a row: known kinds whole, others by their parts."""
    found: list[tuple[str, nn.Module]] = []
    for name, part in model.named_children():
        if isinstance(part, nn.Identity) or _rate(part) == 0:
            continue
        if type(part) in KINDS or not list(part.children()):
            found.append((prefix + name, part))
        else:
            found += _drawn(part, f"{prefix}{name}.")
    return found


def _rate(part: nn.Module) -> float | None:
    """The rate of a dropout, None for anything else."""
    if isinstance(part, LockedDropout):
        return part.rate
    return part.p if isinstance(part, nn.Dropout) else None


def _note(name: str, rows: list[LayerRow], counted: set[int]) -> Any:
    def hook(part: nn.Module, _: object, result: Any) -> None:
        kind, color = KINDS.get(type(part), (type(part).__name__, "#ffffff"))
        new = {id(p): p.numel() for p in part.parameters() if p.requires_grad and id(p) not in counted}
        counted.update(new)
        output = result[0] if isinstance(result, tuple) else result
        rate = _rate(part)
        rows.append(
            LayerRow(
                name, kind if rate is None else f"{kind} {rate:g}", tuple(output.shape[1:]), sum(new.values()), color
            )
        )

    return hook


def draw_architecture(model: MelodyModel, path: Path, title: str = "") -> None:
    """Write the diagram as PNG, whole or not at all.

    Raises:
        FormatError: where it can't be written.
    """
    plotting.save(_draw(layers_of(model), model, title or type(model).__name__), path)


def _draw(rows: list[LayerRow], model: MelodyModel, title: str) -> Any:
    from matplotlib.patches import FancyBboxPatch

    tokens = LayerRow("ids", f"one of {model.vocabulary_size} tokens", (STEPS,), 0, "#ffffff")
    rows = [tokens, *rows]
    height = 0.62 * len(rows) + 1.3
    figure = plotting.figure(8, height)
    figure.set_layout_engine("none")  # everything has its place
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 8), ylim=(0, height))
    axes.axis("off")
    axes.text(0.4, height - 0.42, title, fontsize=15, weight="bold", va="center")
    for x, text in ((5.55, "output (time, width)"), (7.6, "parameters")):
        axes.text(x, height - 0.42, text, fontsize=10, ha="right", va="center", color=plotting.QUIET)
    for i, row in enumerate(rows):
        y = height - 1.15 - 0.62 * i
        if i:
            arrow = {"arrowstyle": "-|>", "color": plotting.QUIET}
            axes.annotate("", (1.9, y + 0.2), (1.9, y + 0.42), arrowprops=arrow)
        box = FancyBboxPatch((0.4, y - 0.2), 7.2, 0.4, boxstyle="round,pad=0.02", fc=row.color, ec="#999999", lw=0.8)
        axes.add_patch(box)
        axes.text(0.55, y, row.kind, fontsize=11, va="center")
        axes.text(3.3, y, row.name, fontsize=9, va="center", color=plotting.QUIET, family="monospace")
        axes.text(5.55, y, " × ".join(map(str, row.shape)), fontsize=11, ha="right", va="center")
        axes.text(7.45, y, f"{row.parameters:,}" if row.parameters else "–", fontsize=11, ha="right", va="center")
    total = f"{parameter_count(model):,} trainable parameters"
    axes.text(7.45, 0.3, total, fontsize=12, weight="bold", ha="right", va="center")
    return figure
