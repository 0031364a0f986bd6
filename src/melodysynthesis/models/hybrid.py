"""The Transformer-LSTM hybrid: from its configuration to its logits.

Attention looks up earlier positions; an LSTM on top of it keeps count. `original` is the network of the original study:
dense -> 3 blocks without positions -> LSTM -> batch norm -> LSTM -> dropout -> dense, its attention made causal.

    tokens, features ─ input ─(in_proj)─ dropout ─ block ─ ... ─ block ─ LSTM ─(norm)─ LSTM ─ dropout ─ output

Blocks are those of `models.transformer`, LSTM layers those of `models.lstm`; axes and letters as there.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from melodysynthesis.encodings.base import Feature
from melodysynthesis.models.base import MelodyModel, State
from melodysynthesis.models.layers import TokenOutput
from melodysynthesis.models.lstm import LSTMStack
from melodysynthesis.models.transformer import AttentionConfig


@dataclass(frozen=True, slots=True)
class HybridConfig(AttentionConfig):
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
    """Dropout after the last LSTM layer, and between layers where there is no batch norm."""
    locked: bool = True
    """Whether dropout around the LSTM keeps one mask for all positions of a sequence."""
    batch_norm: bool = False
    """Whether there is a batch norm between LSTM layers, in place of dropout."""

    def __post_init__(self) -> None:
        self.check("hybrid", sizes=("width", "units", "layers"), rates=("dropout_output",))
        self.check_blocks("hybrid", self.width)


PRESETS: dict[str, HybridConfig] = {
    "original": HybridConfig(
        embedding=0, width=256, blocks=3, heads=8, head_size=256, hidden=512, positions="none", units=256, layers=2,
        dropout_input=0.0, dropout_attention=0.1, dropout_dense=0.0, dropout_output=0.2, locked=False,
        batch_norm=True, tie_weights=False, use_features=(),
    ),
    "base": HybridConfig(embedding=128, skip_features=True, copy_bias=True),
}  # fmt: skip


class Hybrid(MelodyModel):
    """Blocks of attention, then layers of LSTM; see the module's docstring."""

    def __init__(self, config: HybridConfig, vocabulary_size: int, features: tuple[Feature, ...] = ()) -> None:
        super().__init__(config, vocabulary_size, features)
        width = config.width
        self.in_proj = nn.Linear(self.input.width, width) if self.input.width != width else nn.Identity()
        self.dropout_input = nn.Dropout(config.dropout_input)
        self.blocks = config.stack(width)
        self.stack = LSTMStack(
            width, config.units, config.layers, norm="batch" if config.batch_norm else "none",
            dropout_between=0.0 if config.batch_norm else config.dropout_output,
            dropout_output=config.dropout_output, locked=config.locked,
        )  # fmt: skip
        self.output = TokenOutput(config, config.units, self.input, features)

    def body(self, x: Tensor, state: State, mask: Tensor | None) -> tuple[Tensor, dict[str, Tensor]]:
        """See `MelodyModel.body`."""
        x, attended = self.blocks(self.dropout_input(self.in_proj(x)), state)
        x, after = self.stack(x, state, mask)
        return x, {**attended, **after}

    def body_step(self, x: Tensor, state: State) -> tuple[Tensor, dict[str, Tensor]]:
        """See `MelodyModel.body_step`."""
        x, attended = self.blocks.step(self.in_proj(x), state)
        x, after = self.stack.step(x, state)
        return x, {**attended, **after}

    def initial_state(self, batch: int) -> dict[str, Tensor]:
        """The state of the blocks, then that of the LSTM layers."""
        return {**self.blocks.initial_state(batch), **self.stack.initial_state(batch)}
