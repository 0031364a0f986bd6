"""A running average of the weights (Polyak averaging): smoother than the weights, and often better."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from melodysynthesis.training.checkpoint import weights


class Ema:
    """The average of a model's weights and running statistics.

    Args:
        model: whose weights are averaged.
        decay: share of the old average that an update keeps; early on less, so that the start is soon forgotten.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay, self.updates = decay, 0
        self.live = [tensor for tensor in weights(model).values() if tensor.is_floating_point()]
        self.names = [name for name, tensor in weights(model).items() if tensor.is_floating_point()]
        self.average = [tensor.detach().clone() for tensor in self.live]

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights as they are now."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(self.average, [tensor.detach() for tensor in self.live], 1 - decay)

    @contextmanager
    def swapped(self) -> Iterator[None]:
        """The model holds the average inside, its own weights again outside."""
        own = [tensor.detach().clone() for tensor in self.live]
        self._put(self.average)
        try:
            yield
        finally:
            self._put(own)

    @torch.no_grad()
    def _put(self, values: list[Tensor]) -> None:
        for tensor, value in zip(self.live, values, strict=True):
            tensor.copy_(value)

    def pack(self) -> dict[str, Tensor]:
        """The average as named tensors."""
        return dict(zip(self.names, self.average, strict=True))

    def unpack(self, tensors: Mapping[str, Tensor], updates: int) -> None:
        """The inverse of `pack`."""
        self.updates = updates
        for name, tensor in zip(self.names, self.average, strict=True):
            tensor.copy_(tensors[name])
