"""Rows and the balls around them that reach to the k-th nearest neighbour, for precision, recall, density and coverage."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from bench.metrics._neighbours import ROUNDING, ScreenedRows, fits, kth_squared_distance

STRIP = 256


@dataclass(frozen=True)
class Side:
    """Centred features (N, D) and their squared radii (N,)."""

    rows: Tensor
    radii: Tensor
    others: Tensor | None = None  # (N,) k_i, of a reference

    @cached_property
    def norms(self) -> Tensor:
        """Squared norms of the rows, (N,)."""
        return self.rows.square().sum(dim=1)

    @cached_property
    def screen(self) -> ScreenedRows:
        """The rows for the float32 screen."""
        return ScreenedRows(self.rows.numpy())


def side(rows: Tensor, *, k: int) -> Side:
    """Radii of centred float64 rows (N, D), each pair of strips computed once; keep them for a reference."""
    n = len(rows)
    if not 1 <= k < n:
        raise ValueError(f"k must be from 1 to N - 1 = {n - 1}, got {k}")
    if screened(rows):
        return Side(rows, torch.from_numpy(kth_squared_distance(rows.numpy(), k)))
    norms = rows.square().sum(dim=1)
    nearest = torch.full((n, k), float("inf"), dtype=rows.dtype, device=rows.device)
    for start in range(0, n, STRIP):
        stop = min(start + STRIP, n)
        squared = squared_distances(rows[start:stop], norms[start:stop], rows[start:], norms[start:])
        squared.diagonal().fill_(float("inf"))
        nearest[start:stop] = smallest(torch.cat([nearest[start:stop], squared], dim=1), k)
        if stop < n:
            nearest[stop:] = smallest(torch.cat([nearest[stop:], squared[:, stop - start :].T], dim=1), k)
    return Side(rows, nearest.amax(dim=1))


def screened(*sides: Tensor) -> bool:
    """Whether float32 may decide what it can: on a CPU, where it holds the squares of these rows."""
    return all(side.device.type == "cpu" and fits(side.numpy()) for side in sides)


def squared_distances(a: Tensor, a_norms: Tensor, b: Tensor, b_norms: Tensor) -> Tensor:
    """|a_i - b_j|^2, (N, M)."""
    return torch.addmm(b_norms[None, :], a, b.T, alpha=-2).add_(a_norms[:, None]).clamp_(min=0)


def lowered(rows: Tensor, norms: Tensor, other: Side) -> Tensor:
    """|a_i - b_j|^2 less the rounding within which a row is on an edge, (N, M)."""
    squared = squared_distances(rows, norms, other.rows, other.norms)
    return squared.sub_(ROUNDING * (norms[:, None] + other.norms))


def smallest(squared: Tensor, k: int) -> Tensor:
    """Return the k smallest of each row of (N, M), (N, k)."""
    return squared.topk(k, dim=1, largest=False, sorted=False).values
