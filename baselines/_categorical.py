"""What the discrete autoregressive models share: codes, the refusals, and draws by inversion."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def check_levels(levels: int | None) -> int:
    """Return the number of levels, or raise if there is none to count with."""
    if levels is None or levels < 2:
        raise ValueError(f"levels must be at least 2, got {levels}; set the number of values a pixel can take, e.g. levels=2")
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
