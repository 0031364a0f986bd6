"""The Transformer-LSTM hybrid: from its configuration to its logits.

Attention finds what stood where, an LSTM on top of it keeps count. `original` is the network of the original study:
dense -> 3 blocks without positions -> LSTM -> batch norm -> LSTM -> dropout -> dense, its attention made causal.

    tokens, features ── input ──(lift)── dropout ── block ── ... ── block ── LSTM ──(norm)── LSTM ── dropout ── output

Blocks are those of `models.transformer`, layers those of `models.lstm`; axes and letters as there.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from melodysynthesis.encodings.base import Feature
from melodysynthesis.models.base import MelodyModel, State
from melodysynthesis.models.lstm import LSTMLayer
from melodysynthesis.models.regularisation import LockedDropout, MaskedBatchNorm
from melodysynthesis.models.tokens import TokenOutput
from melodysynthesis.models.transformer import BlocksConfig


@dataclass(frozen=True, slots=True)
class HybridConfig(BlocksConfig):
    """Sizes and rates of a hybrid.

    Raises:
        ModelError: on construction, for a size or rate out of range and for contradictory fields.
    """

    blocks: int = 2
    """Number of attention blocks."""
    width: int = 128
    """Size of the vectors that blocks read and add to."""
    units: int = 224
    """Size of h and c in each LSTM layer."""
    layers: int = 1
    """Number of LSTM layers."""
    dropout_output: float = 0.35
    """Dropout between LSTM layers, unless a batch norm stands there, and after the last."""
    locked: bool = True
    """Whether dropout around the LSTM keeps one mask for all positions of a sequence."""
    batch_norm: bool = False
    """Whether a batch norm stands between LSTM layers, in the place of dropout."""

    def __post_init__(self) -> None:
        self.check("hybrid", sizes=("width", "units", "layers"), rates=("dropout_output",))
        self.check_blocks("hybrid", self.width)


PRESETS: dict[str, HybridConfig] = {
    "original": HybridConfig(
        embedding=0, width=256, blocks=3, heads=8, head_size=256, hidden=512, positions="none", units=256, layers=2,
        dropout_input=0.0, dropout_attention=0.1, dropout_dense=0.0, dropout_output=0.2, locked=False,
        batch_norm=True, tie_weights=False, use_features=(),
    ),
    "base": HybridConfig(embedding=128, skip_features=True, follow_suggestions=True),
}  # fmt: skip


class Hybrid(MelodyModel):
    """Blocks of attention, then layers of LSTM; see the module's docstring."""

    def __init__(self, config: HybridConfig, vocabulary_size: int, features: tuple[Feature, ...] = ()) -> None:
        super().__init__(config, vocabulary_size, features)
        width, units = config.width, config.units
        self.units = units
        self.lift = nn.Linear(self.input.width, width) if self.input.width != width else nn.Identity()
        self.dropout_input = nn.Dropout(config.dropout_input)
        self.blocks = config.stack(width)
        self.layers = nn.ModuleList(LSTMLayer(w, units) for w in [width] + [units] * (config.layers - 1))
        self.norms = nn.ModuleList(
            MaskedBatchNorm(units) if config.batch_norm else LockedDropout(config.dropout_output, config.locked)
            for _ in range(config.layers - 1)
        )
        self.dropout_output = LockedDropout(config.dropout_output, config.locked)
        self.output = TokenOutput(config, units, self.input, features)

    def forward(
        self,
        ids: Tensor,
        features: Tensor | None = None,
        state: State | None = None,
        mask: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """(B, T), (B, T, F) -> logits (B, T, V) and the state; see `MelodyModel.forward`."""
        state = self.initial_state(len(ids)) if state is None else state
        x, known = self.input(ids, features)
        x, after = self.blocks(self.dropout_input(self.lift(x)), state)
        for i, layer in enumerate(self.layers):
            if i:
                norm = self.norms[i - 1]
                x = norm(x, mask) if isinstance(norm, MaskedBatchNorm) else norm(x)
            x, after[f"h{i}"], after[f"c{i}"] = layer(x, state[f"h{i}"], state[f"c{i}"])
        return self.output(self.dropout_output(x), known, features), after

    def step(self, ids: Tensor, features: Tensor | None, state: State) -> tuple[Tensor, State]:
        """(B,), (B, F) -> logits (B, V) and the state; see `MelodyModel.step`."""
        x, known = self.input(ids, features)
        x, after = self.blocks.step(self.lift(x), state)
        for i, layer in enumerate(self.layers):
            assert isinstance(layer, LSTMLayer)
            if i:
                x = self.norms[i - 1](x)
            x, c = layer.step(x, state[f"h{i}"], state[f"c{i}"])
            after[f"h{i}"], after[f"c{i}"] = x, c
        return self.output(x, known, features), after

    def initial_state(self, batch: int) -> dict[str, Tensor]:
        """The blocks' empty state, and zeros: h and c of each layer, (B, U)."""
        names = [f"{name}{i}" for i in range(len(self.layers)) for name in "hc"]
        zeros = {name: self.output.bias.new_zeros(batch, self.units) for name in names}
        return {**self.blocks.initial_state(batch), **zeros}
