"""Virtual batch normalisation (Salimans et al., 2016, sec. 3.5), for the generator of improved_gan.

An example x is normalised by the mean and variance of a fixed reference batch of R examples and x itself, so that its output
does not depend on what else is in its batch. With m and s the means of the reference's activations and of their squares:

    mean = (R m + x) / (R + 1),   var = (R s + x^2) / (R + 1) - mean^2,   output = gain (x - mean) / sqrt(var + 1e-5) + bias
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class VirtualBatchNorm(nn.Module):
    """Normalise by a reference batch, which is the first R examples of the input, and the example itself (sec. 3.5)."""

    def __init__(self, n_reference: int, channels: int) -> None:
        super().__init__()
        self.n_reference = n_reference
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(R + B, channels, ...) -> the same shape; the reference is normalised by its own statistics alone."""
        r, x = self.n_reference, x.float()  # a variance in bfloat16 would be noise
        own, own_square = self._means(x)  # (R + B, C) each
        mean, square = own[:r].mean(dim=0, keepdim=True), own_square[:r].mean(dim=0, keepdim=True)  # (1, C)
        with_own = torch.cat([mean.expand_as(own[:r]), (r * mean + own[r:]) / (r + 1)])  # (R + B, C)
        with_own_square = torch.cat([square.expand_as(own[:r]), (r * square + own_square[r:]) / (r + 1)])
        scale = self.weight * (with_own_square - with_own.square() + 1e-5).rsqrt()
        shift = self.bias - with_own * scale
        maps = (*scale.shape, *[1] * (x.ndim - 2))
        return torch.addcmul(shift.view(maps), x, scale.view(maps))  # one pass over the maps in place of three

    @staticmethod
    def _means(x: Tensor) -> tuple[Tensor, Tensor]:
        """Means of x and of its square over each example's places, (N, C) each, in the layout that x has in memory."""
        if x.ndim == 2:
            return x, x.square()
        rows, places = (x.flatten(2), 2) if x.is_contiguous() else (x.movedim(1, -1).flatten(1, -2), 1)
        return rows.mean(dim=places), rows.square().mean(dim=places)


class ReferencedGenerator(nn.Module):
    """A generator with virtual batch norm: every pass takes the fixed reference noise (R, z) along."""

    def __init__(self, body: nn.Module, reference: Tensor) -> None:
        super().__init__()
        self.body = body
        self.register_buffer("reference", reference)

    def forward(self, z: Tensor) -> Tensor:
        """(B, z) -> (B, *shape)."""
        return self.body(torch.cat([self.reference, z]))[len(self.reference) :]
