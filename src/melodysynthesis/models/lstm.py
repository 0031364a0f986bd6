"""The LSTM: from its configuration to its logits.

`original` is the network of the original study: one-hot -> LSTM -> batch norm -> LSTM -> dropout -> dense.
`base` follows the AWD-LSTM (Merity, Keskar and Socher 2017, arXiv 1708.02182): embeddings, locked dropout,
an output tied to the embedding.

    tokens, features ── input ── dropout ── LSTM ── (norm) ── dropout ── LSTM ── (norm) ── dropout ── output

Axes and letters as in `models.base`; both ends are those of `models.layers`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from melodysynthesis.encodings.base import Feature
from melodysynthesis.errors import ModelError
from melodysynthesis.models.base import MelodyModel, State
from melodysynthesis.models.layers import LockedDropout, MaskedBatchNorm, ModelConfig, TokenOutput


@dataclass(frozen=True, slots=True)
class LSTMConfig(ModelConfig):
    """Sizes and rates of an LSTM.

    Raises:
        ModelError: on construction, for a size or rate out of range and for contradictory fields.
    """

    units: int = 256
    """Size of h and c in each layer."""
    layers: int = 2
    """Number of LSTM layers."""
    dropout_input: float = 0.1
    """Dropout on the embeddings, before the first layer."""
    dropout_between: float = 0.2
    """Dropout between layers."""
    dropout_output: float = 0.3
    """Dropout after the last layer."""
    locked: bool = True
    """Whether dropout keeps one mask for all positions of a sequence."""
    weight_drop: float = 0.0
    """DropConnect rate on the recurrent weights."""
    batch_norm: bool = False
    """Whether there is a batch norm between layers."""
    layer_norm: bool = False
    """Whether there is a layer norm after each layer."""

    def __post_init__(self) -> None:
        rates = ("dropout_input", "dropout_between", "dropout_output", "weight_drop")
        self.check("lstm", sizes=("units", "layers"), rates=rates)
        if self.batch_norm and self.layer_norm:
            raise ModelError("lstm: choose one of batch_norm and layer_norm")


PRESETS: dict[str, LSTMConfig] = {
    # The study's text gives dropout 0.5, its released code used 0.2.
    "original": LSTMConfig(
        embedding=0, units=256, layers=2, dropout_input=0.0, dropout_between=0.0, dropout_output=0.2,
        locked=False, batch_norm=True, tie_weights=False, use_features=(),
    ),
    "base": LSTMConfig(
        embedding=128, units=208, dropout_input=0.1, dropout_between=0.25, dropout_output=0.25,
        skip_features=True, copy_bias=True,
    ),
}  # fmt: skip


class LSTMLayer(nn.Module):
    """One LSTM layer with one bias for each gate, as in the equations and in Keras.

    PyTorch's kernel wants two biases, one for each product. Only their sum matters, so a second trainable one
    would be counted twice and double the bias' step size: it stays a constant zero.
    """

    no_bias: Tensor

    def __init__(self, width: int, units: int, weight_drop: float = 0.0) -> None:
        super().__init__()
        self.units, self.weight_drop = units, weight_drop
        self.input_weight = nn.Parameter(torch.empty(4 * units, width))
        self.recurrent_weight = nn.Parameter(torch.empty(4 * units, units))
        self.bias = nn.Parameter(torch.zeros(4 * units))
        self.register_buffer("no_bias", torch.zeros(4 * units), persistent=False)
        nn.init.xavier_uniform_(self.input_weight)
        for gate in self.recurrent_weight.data.chunk(4):  # in PyTorch's order: input, forget, cell, output
            nn.init.orthogonal_(gate)
        # A forget gate that starts open learns long dependencies sooner (Jozefowicz et al. 2015).
        nn.init.ones_(self.bias.data[units : 2 * units])

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T, width), (B, U), (B, U) -> (B, T, U) and h, c (B, U) after the last position."""
        recurrent = F.dropout(self.recurrent_weight, self.weight_drop, self.training)
        weights = [self.input_weight, recurrent, self.bias, self.no_bias]
        x, h, c = torch.lstm(
            x, (h[None], c[None]), weights, has_biases=True, num_layers=1, dropout=0.0, train=self.training,
            bidirectional=False, batch_first=True,
        )  # fmt: skip
        return x, h[0], c[0]

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """One position: (B, width), (B, U), (B, U) -> h, c. Its last output is h."""
        gates = F.linear(x, self.input_weight, self.bias) + F.linear(h, self.recurrent_weight)
        i, f, g, o = gates.chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c


class LSTMStack(nn.Module):
    """LSTM layers one after the other, each with a norm and dropout after it. The state is h and c of each, (B, U).

    Args:
        width: of the input.
        units: of h and c in each layer.
        layers: how many.
        norm: "none", "batch" (between layers) or "layer" (after each).
        dropout_between: rate between layers.
        dropout_output: rate after the last.
        locked: whether dropout keeps one mask for all positions of a sequence.
        weight_drop: DropConnect rate on the recurrent weights.
    """

    def __init__(
        self, width: int, units: int, layers: int, *, norm: str = "none", dropout_between: float,
        dropout_output: float, locked: bool, weight_drop: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.units = units
        self.layers = nn.ModuleList(LSTMLayer(w, units, weight_drop) for w in [width] + [units] * (layers - 1))
        self.norms = nn.ModuleList(
            MaskedBatchNorm(units) if norm == "batch" and not last
            else nn.LayerNorm(units) if norm == "layer" else nn.Identity()
            for last in [False] * (layers - 1) + [True]
        )  # fmt: skip
        self.dropout_between = LockedDropout(dropout_between, locked)
        self.dropout_output = LockedDropout(dropout_output, locked)

    def forward(self, x: Tensor, state: State, mask: Tensor | None) -> tuple[Tensor, dict[str, Tensor]]:
        """(B, T, width), mask (B, T) True at real positions -> (B, T, U) and the state after."""
        after: dict[str, Tensor] = {}
        for i, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            x, after[f"h{i}"], after[f"c{i}"] = layer(x, state[f"h{i}"], state[f"c{i}"])
            x = norm(x, mask) if isinstance(norm, MaskedBatchNorm) else norm(x)
            x = (self.dropout_output if i == len(self.layers) - 1 else self.dropout_between)(x)
        return x, after

    def step(self, x: Tensor, state: State) -> tuple[Tensor, dict[str, Tensor]]:
        """`forward` for one position, without dropout: (B, width) -> (B, U) and the state after."""
        after: dict[str, Tensor] = {}
        for i, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            assert isinstance(layer, LSTMLayer)
            h, c = layer.step(x, state[f"h{i}"], state[f"c{i}"])
            after[f"h{i}"], after[f"c{i}"] = h, c
            x = norm(h)
        return x, after

    def initial_state(self, batch: int) -> dict[str, Tensor]:
        """Zeros."""
        like = next(self.parameters())
        return {f"{name}{i}": like.new_zeros(batch, self.units) for i in range(len(self.layers)) for name in "hc"}


class LSTM(MelodyModel):
    """Layers of LSTM over tokens and features; see the module's docstring."""

    def __init__(self, config: LSTMConfig, vocabulary_size: int, features: tuple[Feature, ...] = ()) -> None:
        super().__init__(config, vocabulary_size, features)
        self.dropout_input = LockedDropout(config.dropout_input, config.locked)
        self.stack = LSTMStack(
            self.input.width, config.units, config.layers,
            norm="batch" if config.batch_norm else "layer" if config.layer_norm else "none",
            dropout_between=config.dropout_between, dropout_output=config.dropout_output, locked=config.locked,
            weight_drop=config.weight_drop,
        )  # fmt: skip
        self.output = TokenOutput(config, config.units, self.input, features)

    def body(self, x: Tensor, state: State, mask: Tensor | None) -> tuple[Tensor, dict[str, Tensor]]:
        """See `MelodyModel.body`."""
        hidden, after = self.stack(self.dropout_input(x), state, mask)
        return hidden, after

    def body_step(self, x: Tensor, state: State) -> tuple[Tensor, dict[str, Tensor]]:
        """See `MelodyModel.body_step`."""
        return self.stack.step(x, state)

    def initial_state(self, batch: int) -> dict[str, Tensor]:
        """See `LSTMStack.initial_state`."""
        return self.stack.initial_state(batch)
