"""The Transformer: from its configuration to its logits.

`original` is the network of the original study: dense -> 4 blocks that each add sinusoids -> dense, its attention
made causal so that every position can be trained at once. `base` is smaller and encodes positions as rotations.

    tokens, features ── input ──(in_proj)── dropout ── block ── ... ── block ──(norm)── output

    block    x + positions ─┬─ norm ── attention ── dropout ─ + ─┬─ norm ── dense ── ReLU ── dense ── dropout ─ + ── x
                            └─────────────────────────────────┘  └────────────────────────────────────────────┘

Letters in addition to those of `models.base`: H heads, D size of a head, P positions in the cache.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from melodysynthesis.configuration import check_fields
from melodysynthesis.encodings.base import Feature
from melodysynthesis.errors import ModelError
from melodysynthesis.models.base import MelodyModel, State
from melodysynthesis.models.layers import ModelConfig, TokenOutput

POSITIONS = ("none", "sinusoidal", "rotary")
MAX_WAVELENGTH = 10_000.0


@dataclass(frozen=True, slots=True)
class AttentionConfig(ModelConfig):
    """Sizes and rates of attention blocks, which Transformer and hybrid both have."""

    blocks: int = 4
    """Number of attention blocks."""
    heads: int = 4
    """Attention heads of a block."""
    head_size: int = 32
    """Size of a head's queries, keys and values."""
    hidden: int = 512
    """Size of the hidden layer in a block's dense part."""
    positions: str = "rotary"
    """How positions are encoded: none, sinusoidal (added in each block) or rotary (Su et al. 2021)."""
    context: int = 0
    """Number of positions that a position attends to, itself included; 0 for all before it."""
    dropout_input: float = 0.2
    """Dropout on the input of the first block."""
    dropout_attention: float = 0.2
    """Dropout on the output of attention."""
    dropout_dense: float = 0.2
    """Dropout on the output of a block's dense part."""

    def check_blocks(self, architecture: str, width: int) -> None:
        """Check the fields above, for vectors of a width.

        Raises:
            ModelError: for the first that is out of range, and for an odd size where positions need pairs.
        """
        sizes, rates = (
            ("blocks", "heads", "head_size", "hidden"),
            ("dropout_input", "dropout_attention", "dropout_dense"),
        )
        self.check(architecture, sizes=sizes, rates=rates)
        check_fields(self, ModelError, of=architecture, at_least={"context": 0}, choices={"positions": POSITIONS})
        if self.positions == "rotary" and self.head_size % 2:
            raise ModelError(f"{architecture}: rotary positions need an even head_size, not {self.head_size}")
        if self.positions == "sinusoidal" and width % 2:
            raise ModelError(f"{architecture}: sinusoidal positions need vectors of an even size, not {width}")

    def stack(self, width: int) -> AttentionStack:
        """The blocks, for vectors of a width."""
        return AttentionStack(
            width, blocks=self.blocks, heads=self.heads, head_size=self.head_size, hidden=self.hidden,
            positions=self.positions, context=self.context, dropout_attention=self.dropout_attention,
            dropout_dense=self.dropout_dense,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class TransformerConfig(AttentionConfig):
    """Sizes and rates of a Transformer.

    Raises:
        ModelError: on construction, for a size or rate out of range and for contradictory fields.
    """

    units: int = 128
    """Size of the vectors that blocks read and add to."""
    last_norm: bool = True
    """Whether there is a layer norm before the output."""

    def __post_init__(self) -> None:
        self.check("transformer", sizes=("units",), rates=())
        self.check_blocks("transformer", self.units)


PRESETS: dict[str, TransformerConfig] = {
    "original": TransformerConfig(
        embedding=0, units=256, blocks=4, heads=8, head_size=256, hidden=1024, positions="sinusoidal",
        dropout_input=0.0, dropout_attention=0.2, dropout_dense=0.2, last_norm=False, tie_weights=False,
        use_features=(),
    ),
    "base": TransformerConfig(embedding=128, skip_features=True, copy_bias=True),
}  # fmt: skip


def rotary_angles(position: Tensor, size: int) -> Tensor:
    """Angles, (...) -> (..., size / 2), of wavelengths from 2 pi to `MAX_WAVELENGTH` times that (Vaswani 2017)."""
    exponents = torch.arange(0, size, 2, device=position.device, dtype=torch.float32) / size
    return position[..., None] * MAX_WAVELENGTH**-exponents


def apply_rotary(x: Tensor, angles: Tensor) -> Tensor:
    """Rotate the pairs of (B, H, T, D) by angles (B, 1, T, D / 2); the halves of D hold the pairs' members."""
    a, b = x.chunk(2, -1)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


def causal_bias(positions: int, before: int, context: int, device: torch.device) -> Tensor | None:
    """(T, P + T) zeros where a position may attend and minus infinity elsewhere; None for one position, which sees all.

    Args:
        positions: T.
        before: P.
        context: number of positions that a position attends to, itself included; 0 for all before it.
        device: of the result.
    """
    if positions == 1:
        return None  # the cache holds no more than it may attend to
    query = before + torch.arange(positions, device=device)[:, None]
    key = torch.arange(before + positions, device=device)
    hidden = key > query
    if context:
        hidden = hidden | (key <= query - context)
    return torch.zeros(hidden.shape, device=device).masked_fill(hidden, -torch.inf)


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
    """Scaled dot-product attention: (B, H, T, D), (B, H, P + T, D) twice -> (B, H, T, D).

    It is written out on CPUs, where PyTorch's fused kernel takes three to five times as long to train in 16 bits.
    """
    if q.is_cuda:
        mask = None if bias is None else bias.to(q.dtype)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    shape, size = q.shape, q.shape[-1]
    q, k, v = (x.reshape(-1, x.shape[2], size) for x in (q * size**-0.5, k, v))
    scores = q @ k.transpose(1, 2) if bias is None else torch.baddbmm(bias.to(q.dtype), q, k.transpose(1, 2))
    return (scores.softmax(-1) @ v).view(shape)


class CausalSelfAttention(nn.Module):
    """Causal self-attention with a cache of keys and values."""

    def __init__(self, units: int, heads: int, head_size: int) -> None:
        super().__init__()
        self.heads, self.head_size = heads, head_size
        self.qkv_proj = nn.Linear(units, 3 * heads * head_size)
        self.out_proj = nn.Linear(heads * head_size, units)

    def forward(
        self, x: Tensor, keys: Tensor, values: Tensor, angles: Tensor | None, bias: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T, units), cache (B, H, P, D) twice -> (B, T, units), cache (B, H, P + T, D) twice.

        Args:
            x: the input.
            keys, values: of the positions before.
            angles: (B, 1, T, D / 2) by which queries and keys are rotated, or None.
            bias: (T, P + T) added to the scores; see `causal_bias`.
        """
        batch, positions, _ = x.shape
        q, k, v = self.qkv_proj(x).view(batch, positions, 3, self.heads, self.head_size).permute(2, 0, 3, 1, 4)
        if angles is not None:
            q, k = apply_rotary(q, angles), apply_rotary(k, angles)
        keys, values = torch.cat([keys.to(k.dtype), k], 2), torch.cat([values.to(v.dtype), v], 2)
        return self.out_proj(attend(q, keys, values, bias).transpose(1, 2).flatten(2)), keys, values


class TransformerBlock(nn.Module):
    """Attention, then a dense part, each with a layer norm before it and a residual connection around it."""

    def __init__(
        self, units: int, *, heads: int, head_size: int, hidden: int, dropout_attention: float, dropout_dense: float
    ) -> None:
        super().__init__()
        self.norm_attention, self.norm_dense = nn.LayerNorm(units), nn.LayerNorm(units)
        self.attention = CausalSelfAttention(units, heads, head_size)
        self.dense_in, self.dense_out = nn.Linear(units, hidden), nn.Linear(hidden, units)
        self.dropout_attention, self.dropout_dense = nn.Dropout(dropout_attention), nn.Dropout(dropout_dense)

    def forward(
        self, x: Tensor, keys: Tensor, values: Tensor, angles: Tensor | None, bias: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T, units) -> (B, T, units) and the cache; see `CausalSelfAttention.forward`."""
        attn_out, keys, values = self.attention(self.norm_attention(x), keys, values, angles, bias)
        x = x + self.dropout_attention(attn_out)
        return x + self.dropout_dense(self.dense_out(self.dense_in(self.norm_dense(x)).relu())), keys, values


class AttentionStack(nn.Module):
    """Transformer blocks one after the other, with their positions and their caches.

    The state is the number of positions seen so far, (B,), and for each block keys and values (B, H, P, D).

    Args:
        units, heads, head_size, hidden: sizes; see `AttentionConfig`.
        blocks: how many.
        positions: one of `POSITIONS`.
        context: number of positions that a position attends to, itself included; 0 for all before it.
        dropout_attention, dropout_dense: rates.
    """

    def __init__(
        self,
        units: int,
        *,
        blocks: int,
        heads: int,
        head_size: int,
        hidden: int,
        positions: str,
        context: int,
        dropout_attention: float,
        dropout_dense: float,
    ) -> None:
        super().__init__()
        self.units, self.heads, self.head_size = units, heads, head_size
        self.positions, self.context = positions, context
        self.blocks = nn.ModuleList(
            TransformerBlock(
                units, heads=heads, head_size=head_size, hidden=hidden, dropout_attention=dropout_attention,
                dropout_dense=dropout_dense,
            )
            for _ in range(blocks)
        )  # fmt: skip
        for block in self.blocks:  # the sum of what all blocks add should not grow with their number (GPT-2)
            assert isinstance(block, TransformerBlock)
            for last in (block.attention.out_proj, block.dense_out):
                nn.init.normal_(last.weight, std=0.5 * (2 * blocks * last.in_features) ** -0.5)

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, dict[str, Tensor]]:
        """(B, T, units) -> (B, T, units) and the state after."""
        positions, before = x.shape[1], state["keys0"].shape[2]
        position = state["position"][:, None] + torch.arange(positions, device=x.device)
        added, angles = self._encode_positions(position)
        bias = causal_bias(positions, before, self.context, x.device)
        after = {"position": state["position"] + positions}
        for i, block in enumerate(self.blocks):
            x = x if added is None else x + added
            x, keys, values = block(x, state[f"keys{i}"], state[f"values{i}"], angles, bias)
            after[f"keys{i}"], after[f"values{i}"] = self._truncate_cache(keys), self._truncate_cache(values)
        return x, after

    def step(self, x: Tensor, state: State) -> tuple[Tensor, dict[str, Tensor]]:
        """`forward` for one position: (B, units) -> (B, units) and the state after."""
        x, after = self(x[:, None], state)
        return x[:, 0], after

    def initial_state(self, batch: int) -> dict[str, Tensor]:
        """No position seen: zero, and caches without positions, (B, H, 0, D)."""
        like = next(self.parameters())
        shape = (batch, self.heads, 0, self.head_size)
        names = [f"{name}{i}" for i in range(len(self.blocks)) for name in ("keys", "values")]
        return {"position": like.new_zeros(batch), **{name: like.new_zeros(shape) for name in names}}

    def _encode_positions(self, position: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """(B, T) -> a term added before each block (B, T, units); angles of queries and keys (B, 1, T, D / 2)."""
        if self.positions == "sinusoidal":
            angles = rotary_angles(position, self.units)
            return torch.cat([angles.sin(), angles.cos()], -1), None
        return None, rotary_angles(position, self.head_size)[:, None] if self.positions == "rotary" else None

    def _truncate_cache(self, cache: Tensor) -> Tensor:
        """The part of a cache, (B, H, P, D), that the next position may attend to."""
        if not self.context:
            return cache
        return cache[:, :, -(self.context - 1) :] if self.context > 1 else cache[:, :, :0]


class Transformer(MelodyModel):
    """Blocks of attention over tokens and features; see the module's docstring."""

    def __init__(self, config: TransformerConfig, vocabulary_size: int, features: tuple[Feature, ...] = ()) -> None:
        super().__init__(config, vocabulary_size, features)
        units = config.units
        self.in_proj = nn.Linear(self.input.width, units) if self.input.width != units else nn.Identity()
        self.dropout_input = nn.Dropout(config.dropout_input)
        self.blocks = config.stack(units)
        self.norm = nn.LayerNorm(units) if config.last_norm else nn.Identity()
        self.output = TokenOutput(config, units, self.input, features)

    def body(self, x: Tensor, state: State, mask: Tensor | None) -> tuple[Tensor, dict[str, Tensor]]:
        """See `MelodyModel.body`."""
        del mask  # padding ends a row, and no position looks forward
        x, after = self.blocks(self.dropout_input(self.in_proj(x)), state)
        return self.norm(x), after

    def body_step(self, x: Tensor, state: State) -> tuple[Tensor, dict[str, Tensor]]:
        """See `MelodyModel.body_step`."""
        x, after = self.blocks.step(self.in_proj(x), state)
        return self.norm(x), after

    def initial_state(self, batch: int) -> dict[str, Tensor]:
        """See `AttentionStack.initial_state`."""
        return self.blocks.initial_state(batch)
