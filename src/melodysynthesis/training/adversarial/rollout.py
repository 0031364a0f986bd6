"""Rollouts: a model continues the first bars of real tunes, all of a batch in lock-step.

Tokens are drawn as in generation: the encoding's own context says what may follow and which features the model reads,
under the rules that every generated melody keeps. The model is stepped along the primers as well, as it is later.
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


class Rollout(NamedTuple):
    """Melodies as a model reads and predicts them, (B, T) and further axes where given.

    Attributes:
        ids: the tokens read, from the start token on.
        features: (B, T, F) the features read with them.
        targets: the token that follows each position.
        mask: True up to the end of each melody.
        generated: True where the target belongs to the continuation, not to the primer.
        allowed: (B, T, V) True at the tokens from which the target was chosen.
    """

    ids: Tensor
    features: Tensor
    targets: Tensor
    mask: Tensor
    generated: Tensor
    allowed: Tensor

    def rows(self, chosen: Tensor) -> Self:
        """The melodies at `chosen`: indices, or a mask."""
        return type(self)(*(tensor[chosen] for tensor in self))


class Pairs(NamedTuple):
    """Real melodies and, row by row, a model's continuations of the same first bars."""

    real: Rollout
    generated: Rollout


@torch.no_grad()
def roll_out(
    model: MelodyModel,
    encoding: Encoding,
    tunes: Tensors,
    *,
    length: int,
    bars: int,
    generator: torch.Generator | None = None,
) -> Pairs:
    """Let a model continue the first bars of real tunes.

    Args:
        model: is stepped in the mode that it is in: put it into evaluation mode before.
        encoding: of the tunes.
        tunes: only those are used that are not cut at their start and go on after the primer.
        length: number of tokens, the primer's included, at which a melody is cut.
        bars: length of the primer without a pickup, in bars; in whole notes where there is no meter.
        generator: random numbers, on the CPU; by default PyTorch's own.
    """
    real = whole_tunes(tunes, encoding.start_id, length)
    device, given = real.ids.device, real.targets.cpu().numpy()
    drawing = DrawingState(encoding, len(given), bars)
    uniforms = torch.rand(given.shape, generator=generator).numpy()
    token = real.ids[:, 0]
    state: State = model.initial_state(len(given))
    steps: list[tuple[Tensor, ...]] = []
    for position in range(length):
        is_primer, is_live, allowed = drawing.is_primer(), ~drawing.context.done, drawing.allowed()
        features = torch.from_numpy(drawing.context.features()).to(device)
        logits, state = model.step(token, features if model.uses_features else None, state)
        target = np.where(is_primer, given[:, position], _draw(logits, allowed, uniforms[:, position]))
        drawing.context.advance(target)
        arrays = (target, is_live, is_live & ~is_primer, allowed)
        following, *rest = (torch.from_numpy(array).to(device) for array in arrays)
        steps.append((token, features, following, *rest))
        token = following
    made = Rollout(*(torch.stack(column, 1) for column in zip(*steps, strict=True)))
    # A real continuation begins where the model's does; its tokens were chosen from the whole vocabulary.
    real = real._replace(generated=(made.generated.cumsum(1) > 0) & real.mask, allowed=torch.ones_like(made.allowed))
    continued = real.generated.any(1)
    return Pairs(real.rows(continued), made.rows(continued))


def whole_tunes(tunes: Tensors, start: int, length: int) -> Rollout:
    """The tunes that are not cut at their start, (B, length); after the end of a tune its last token is repeated."""
    whole = tunes.ids[:, 0] == start
    ids, targets = tunes.ids[whole, :length], tunes.targets[whole, :length]
    features = ids.new_zeros(*ids.shape, 0) if tunes.features is None else tunes.features[whole, :length]
    mask = targets != IGNORED
    last = targets.gather(1, mask.sum(1, keepdim=True) - 1)
    missing = length - ids.shape[1]
    mask = F.pad(mask, (0, missing))
    ids, targets = (F.pad(tokens, (0, missing)).where(mask, last) for tokens in (ids, targets))
    return Rollout(ids, F.pad(features, (0, 0, 0, missing)), targets, mask, mask, mask)


def _draw(logits: Tensor, allowed: NDArray[np.bool_], uniforms: NDArray[np.float32]) -> Ids:
    """Draw a token for each row from the distribution over the allowed tokens, by inversion."""
    scores = np.where(allowed, logits.float().cpu().numpy(), -np.inf)
    reached = np.cumsum(np.exp(scores - scores.max(1, keepdims=True)), axis=1)
    target = np.minimum(uniforms * reached[:, -1], np.nextafter(reached[:, -1], 0))
    return np.asarray((reached > target[:, None]).argmax(1), np.int64)


class DrawingState:
    """A batch of melodies being drawn: their context, the rules that they keep, and which are still in their primer."""

    def __init__(self, encoding: Encoding, batch: int, bars: int) -> None:
        self.context, self.bars = encoding.start(batch), bars
        self.rules: list[Constraint] = [StartsWithNote(encoding), WholeBars(encoding), NoLoop(encoding)]
        self._is_primer = np.ones(batch, np.bool_)

    def is_primer(self) -> NDArray[np.bool_]:
        """(batch,) whether the next token belongs to the primer: header, pickup and first bars."""
        context, bar = self.context, self.context.bar_ticks
        end = context.pickup + self.bars * np.where(bar > 0, bar, TICKS_PER_WHOLE)
        self._is_primer &= ~context.in_body | (context.tick < end)
        return self._is_primer.copy()

    def allowed(self) -> NDArray[np.bool_]:
        """(batch, vocabulary) True at tokens that may follow; by the grammar alone where a primer broke the rules."""
        grammar = self.context.allowed()
        ruled = grammar.copy()
        for rule in self.rules:
            ruled &= rule.mask(self.context)
        free = self.context.done | ~ruled.any(1)
        return np.where(free[:, None], grammar, ruled)
