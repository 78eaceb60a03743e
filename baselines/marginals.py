"""Marginals: every pixel an independent categorical (the independence model of every density benchmark).

    p(x) = prod_i p_i(x_i),      p_i(v) = (count of v at pixel i + a) / (N + a levels)                 (1)

a = 1/2 is the estimator of Krichevsky and Trofimov (1981): no value has probability 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from baselines._categorical import check_levels, counts_of, refuse_real, to_codes

STRIP = 1024  # rows whose codes are held at a time


def smoothed(counts: Tensor, smoothing: float) -> Tensor:
    """log p_i(v) of eq. (1) from counts (D, levels), float64."""
    counts = counts.double() + smoothing
    return (counts / counts.sum(dim=1, keepdim=True)).log()


def draw_columns(log_probs: Tensor, uniform: Tensor) -> Tensor:
    """Invert each column's distribution: log_probs (D, levels), uniform (N, D) in [0, 1) -> codes (N, D).

    As many codes as there are cumulated probabilities up to u: no array of N x D x levels.
    """
    cumulated = log_probs.softmax(dim=1).cumsum(dim=1)[:, :-1].contiguous()
    return torch.searchsorted(cumulated, uniform.double().T.contiguous(), right=True).T


def pick(log_probs: Tensor, codes: Tensor) -> Tensor:
    """Sum over pixels of log p_i(x_i): log_probs (D, levels), codes (N, D) -> (N,)."""
    return log_probs.T.gather(0, codes).sum(dim=1)


@dataclass(kw_only=True, eq=False)
class Marginals:
    """smoothing: a of eq. (1), > 0."""

    family: ClassVar[str] = "statistical"
    paper: ClassVar[str] = "Krichevsky and Trofimov 1981, doi:10.1109/TIT.1981.1056331"
    uses_labels: ClassVar[bool] = False
    measure: ClassVar[str] = "counting"
    levels: int | None = None
    smoothing: float = 0.5

    def __post_init__(self) -> None:
        if not self.smoothing > 0:
            raise ValueError(f"smoothing must be > 0, got {self.smoothing}; 0.5 is Krichevsky and Trofimov's")

    def supports(self, dataset: Any) -> str:
        """Codes only."""
        return refuse_real(dataset, "an independent categorical")

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Count; x (N, *shape)."""
        self.shape_ = tuple(x.shape[1:])
        levels = check_levels(self.levels)
        counts = sum(counts_of(to_codes(part.flatten(1), levels), levels) for part in x.split(STRIP))
        self.log_probs_ = smoothed(counts, self.smoothing)
        return self

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-probability of the codes, nats, (N,); eq. (1)."""
        parts = [pick(self.log_probs_, to_codes(part.flatten(1), self.levels)) for part in x.split(STRIP)]
        return torch.cat(parts)

    def sample(self, n: int, *, seed: int) -> Tensor:
        """(n, *shape) on the grid of levels."""
        generator = torch.Generator(self.log_probs_.device).manual_seed(seed)
        uniform = torch.rand(n, len(self.log_probs_), generator=generator, device=self.log_probs_.device)
        codes = torch.cat([draw_columns(self.log_probs_, part) for part in uniform.split(STRIP)])
        return (codes.float() / (self.levels - 1)).reshape(n, *self.shape_)
