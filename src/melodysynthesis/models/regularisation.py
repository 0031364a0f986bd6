"""Layers that keep a model from learning its melodies by heart, and its activations in range."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LockedDropout(nn.Module):
    """Dropout with one mask for all positions of a sequence (Gal and Ghahramani 2016).

    Noise that is new at every position averages out in a recurrent state; this does not. `locked` False gives
    ordinary dropout.
    """

    def __init__(self, rate: float, locked: bool = True) -> None:
        super().__init__()
        self.rate, self.locked = rate, locked

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> the same shape."""
        if not self.training or self.rate == 0:
            return x
        if not self.locked:
            return nn.functional.dropout(x, self.rate)
        kept = torch.empty_like(x[:, :1]).bernoulli_(1 - self.rate).div_(1 - self.rate)
        return x * kept

    def extra_repr(self) -> str:
        """For people who print the model."""
        return f"{self.rate}, locked={self.locked}"


class MaskedBatchNorm(nn.Module):
    """Batch norm over all positions of a batch that are not padded, as in Keras (padding apart).

    In training a prediction depends on its batch, later positions included, through mean and variance;
    afterwards the running averages stand in for them, so that a trained model looks only back.
    """

    running_mean: Tensor
    running_var: Tensor
    seen: Tensor

    def __init__(self, width: int, momentum: float = 0.01, epsilon: float = 1e-3) -> None:
        super().__init__()
        self.momentum, self.epsilon = momentum, epsilon
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_var", torch.ones(width))
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(..., width), mask (...) -> the same shape; padded positions stay as they were."""
        if mask is None or not self.training:
            return self._normalise(x)
        normal = torch.zeros_like(x)
        normal[mask] = self._normalise(x[mask]).to(x.dtype)
        return normal

    def _normalise(self, x: Tensor) -> Tensor:
        if self.training:
            flat = x.reshape(-1, x.shape[-1])
            self._remember(flat.detach().float())
            return nn.functional.batch_norm(flat, None, None, self.weight, self.bias, True, 0.0, self.epsilon).view_as(
                x
            )
        scale = self.weight * torch.rsqrt(self.running_var + self.epsilon)
        return x * scale + (self.bias - self.running_mean * scale)

    @torch.no_grad()
    def _remember(self, flat: Tensor) -> None:
        """Take the statistics of a batch, (positions, width), into the running ones."""
        # A plain average while few batches were seen: at a hundredth each, a hundred would still be a third zeros.
        self.seen += 1
        share = torch.clamp(1 / self.seen, min=self.momentum)
        variance, mean = torch.var_mean(flat, 0)
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance, share)
