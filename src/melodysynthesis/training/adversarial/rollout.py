"""Rollouts: a model goes on from the first bars of real tunes, all of a batch in lock-step.

The walk is that of generation: the encoding's own context says what may follow and which features the model sees, with
the rules that every generated melody keeps. The primers are walked along as well, so that a model is stepped exactly as
it will be later.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from melodysynthesis.constraints import Constraint, NoLoop, StartsWithNote, WholeBars
from melodysynthesis.encodings.base import Encoding, Ids
from melodysynthesis.models import MelodyModel
from melodysynthesis.models.base import State
from melodysynthesis.music import TICKS_PER_WHOLE
from melodysynthesis.training.objective import IGNORED, Tensors


class Melodies(NamedTuple):
    """Melodies as a model reads and predicts them, (B, T) but for their last axes.

    Attributes:
        ids: what is read, from the start token on.
        features: (B, T, F) what is known beside them.
        targets: the token that followed each position.
        mask: True up to the end of each melody.
        played: True where the target belongs to the continuation, not to the primer.
        allowed: (B, T, V) tokens that the target was chosen from.
    """

    ids: Tensor
    features: Tensor
    targets: Tensor
    mask: Tensor
    played: Tensor
    allowed: Tensor

    def rows(self, chosen: Tensor) -> Self:
        """The melodies at `chosen`: indices, or True for each to keep."""
        return type(self)(*(tensor[chosen] for tensor in self))


class Pair(NamedTuple):
    """Real melodies, and what a model made of their beginnings, row by row."""

    real: Melodies
    made: Melodies


@torch.no_grad()
def roll_out(
    model: MelodyModel,
    encoding: Encoding,
    tunes: Tensors,
    *,
    length: int,
    bars: int,
    generator: torch.Generator | None = None,
) -> Pair:
    """Let a model go on from the first bars of real tunes.

    Args:
        model: is stepped as it is: put it into evaluation mode before.
        encoding: of the tunes.
        tunes: those that begin at their beginning and go on after the primer are taken.
        length: tokens, the primer's included, after which a melody is left as it stands.
        bars: of the primer, not counting a pickup; whole notes where there is no meter.
        generator: of the draws, on the CPU; without one PyTorch's own.
    """
    real = _real(tunes, encoding.start_id, length)
    device, told = real.ids.device, real.targets.cpu().numpy()
    walk = _Walk(encoding, len(told), bars)
    uniforms = torch.rand(told.shape, generator=generator).numpy()
    token = real.ids[:, 0]
    state: State = model.initial_state(len(told))
    steps: list[tuple[Tensor, ...]] = []
    for place in range(length):
        is_given, is_live, allowed = walk.is_given(), ~walk.context.done, walk.allowed()
        features = torch.from_numpy(walk.context.features()).to(device)
        logits, state = model.step(token, features if model.uses_features else None, state)
        target = np.where(is_given, told[:, place], _draw(logits, allowed, uniforms[:, place]))
        walk.context.advance(target)
        arrays = (target, is_live, is_live & ~is_given, allowed)
        following, *rest = (torch.from_numpy(array).to(device) for array in arrays)
        steps.append((token, features, following, *rest))
        token = following
    made = Melodies(*(torch.stack(column, 1) for column in zip(*steps, strict=True)))
    # A real continuation begins where the model's does, and was chosen from all there is.
    real = real._replace(played=(made.played.cumsum(1) > 0) & real.mask, allowed=torch.ones_like(made.allowed))
    continued = real.played.any(1)
    return Pair(real.rows(continued), made.rows(continued))


def marked(encoding: Encoding, tunes: Tensors, *, length: int, bars: int) -> Melodies:
    """Whole melodies as a critic hears them, what stands behind their first bars marked as played; see `roll_out`."""
    melodies = _real(tunes, encoding.start_id, length)
    walk, told, played = _Walk(encoding, len(melodies.ids), bars), melodies.targets.cpu().numpy(), []
    for place in range(length):
        played.append(~walk.is_given())
        walk.context.advance(told[:, place])
    behind = torch.from_numpy(np.stack(played, 1)).to(melodies.ids.device)
    return melodies._replace(played=behind & melodies.mask)


def _real(tunes: Tensors, start: int, length: int) -> Melodies:
    """The tunes that begin at their beginning, (B, length); behind its end a tune's last token is repeated."""
    whole = tunes.ids[:, 0] == start
    ids, targets = tunes.ids[whole, :length], tunes.targets[whole, :length]
    features = ids.new_zeros(*ids.shape, 0) if tunes.features is None else tunes.features[whole, :length]
    mask = targets != IGNORED
    last = targets.gather(1, mask.sum(1, keepdim=True) - 1)
    missing = length - ids.shape[1]
    mask = F.pad(mask, (0, missing))
    ids, targets = (F.pad(tokens, (0, missing)).where(mask, last) for tokens in (ids, targets))
    return Melodies(ids, F.pad(features, (0, 0, 0, missing)), targets, mask, mask, mask)


def _draw(logits: Tensor, allowed: NDArray[np.bool_], uniforms: NDArray[np.float32]) -> Ids:
    """A token of each row by its probability among those allowed, by inversion."""
    scores = np.where(allowed, logits.float().cpu().numpy(), -np.inf)
    reached = np.cumsum(np.exp(scores - scores.max(1, keepdims=True)), axis=1)
    target = np.minimum(uniforms * reached[:, -1], np.nextafter(reached[:, -1], 0))
    return np.asarray((reached > target[:, None]).argmax(1), np.int64)


class _Walk:
    """A batch of melodies under way: their context, the rules that they keep, and which are still in their primer."""

    def __init__(self, encoding: Encoding, batch: int, bars: int) -> None:
        self.context, self.bars = encoding.start(batch), bars
        self.rules: list[Constraint] = [StartsWithNote(encoding), WholeBars(encoding), NoLoop(encoding)]
        self._given = np.ones(batch, np.bool_)

    def is_given(self) -> NDArray[np.bool_]:
        """(batch,) whether the next token is the primer's: the frame, a pickup and the first bars."""
        context, bar = self.context, self.context.bar_ticks
        end = context.pickup + self.bars * np.where(bar > 0, bar, TICKS_PER_WHOLE)
        self._given &= ~context.in_body | (context.tick < end)
        return self._given.copy()

    def allowed(self) -> NDArray[np.bool_]:
        """(batch, vocabulary) what may come next; the grammar alone where a primer has broken the rules."""
        grammar = self.context.allowed()
        ruled = grammar.copy()
        for rule in self.rules:
            ruled &= rule.mask(self.context)
        free = self.context.done | ~ruled.any(1)
        return np.where(free[:, None], grammar, ruled)
