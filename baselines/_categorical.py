"""What the discrete autoregressive models share: codes, refusals, draws by inversion, and mask B between channels."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def check_levels(levels: int | None) -> int:
    """Return the number of levels, or raise if there is none to count with."""
    if levels is None or levels < 2:
        raise ValueError(
            f"levels must be at least 2, got {levels}; set the number of values a pixel can take, e.g. levels=2"
        )
    return levels


def refuse_real(dataset: Any, name: str) -> str:
    """Say why a model of codes cannot run on a dataset; empty if it can."""
    return "" if dataset.levels else f"needs discrete data; {name} is a softmax over levels"


def to_codes(x: Tensor, levels: int) -> Tensor:
    """Turn x = code / (levels - 1) in [0, 1] into codes 0 .. levels - 1, int64, of the same shape."""
    return (x * (levels - 1)).round().long()


def draw(logits: Tensor, uniform: Tensor) -> Tensor:
    """Invert the distribution function: logits (..., K), uniform (...) in [0, 1) -> codes (...)."""
    cumulated = logits.softmax(dim=-1).cumsum(dim=-1)
    return (uniform.unsqueeze(-1) >= cumulated[..., :-1]).sum(dim=-1)


def with_ones(codes: Tensor, levels: int) -> Tensor:
    """Scale codes to [-1, 1] and put a channel of ones, which shows borders, before them: (B, C, ...) -> (B, 1 + C, ...)."""
    scaled = codes.float() * (2 / (levels - 1)) - 1
    return torch.cat([torch.ones_like(scaled[:, :1]), scaled], dim=1)


def log_marginals(codes: Tensor, levels: int) -> Tensor:
    """Logarithm of the smoothed frequency of every code at every position, (N, *shape) -> (*shape, K)."""
    counts = sum(counts_of(part.flatten(1), levels) for part in codes[:20_000].split(1000)) + 0.5  # (D, K)
    return (counts / counts.sum(dim=-1, keepdim=True)).log().view(*codes.shape[1:], levels)


def counts_of(codes: Tensor, levels: int) -> Tensor:
    """How often each code stands at each place of codes (N, D), (D, levels) int64."""
    places = torch.arange(codes.shape[1], device=codes.device) * levels
    counted = torch.bincount((codes + places).flatten(), minlength=codes.shape[1] * levels)
    return counted.reshape(-1, levels)


class Pointwise(nn.Conv2d):
    """A 1x1 convolution with mask B: a feature of a channel's group sees the groups up to its own."""

    def __init__(self, seen: Tensor, groups: Tensor) -> None:
        super().__init__(len(seen), len(groups), 1)
        self.register_buffer("mask", (seen <= groups[:, None]).float()[:, :, None, None])

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.mask, self.bias)

    def matrix(self) -> tuple[Tensor, Tensor]:
        """Weight (inputs, outputs) and bias (outputs,) of the same map on (n, inputs)."""
        return (self.weight * self.mask)[:, :, 0, 0].t().contiguous(), self.bias
