"""Kernel density estimation with a Gaussian kernel (Parzen, 1962; Rosenblatt, 1956).

    p(x) = 1/n sum_i N(x; x_i, h^2 I)                                                                  (1)
    h* = argmax_h  sum_i log p_{-i}(x_i)      leave-one-out likelihood (n <= 10,000)                   (2)
    h* = argmax_h  sum_j log p(x_j)           rows x_j held out of train (larger n)                    (3)
    h_scott = n^(-1/(d+4))                    per standardised feature (Scott, 1992), as an option     (4)
    p(y|x) ~ pi_y p(x|y)                      KDE-Bayes, where there are labels                        (5)

All bandwidths of a grid come from one pass over the distances: with a ratio of sqrt 2 the kernel of the next smaller
bandwidth is the square of the last, so that the exponential is taken once. A second, short pass refines the best by 2^(1/4).

Differs from the paper: log-densities are an exact, chunked logsumexp in float64; no tree, which is inexact in 64
dimensions. Rows that equal x_i are left out of p_{-i} with it: of tied rows the likelihood grows without bound as h goes to 0.
In eq. (3) the held-out rows are HELD_OUT = 200 only: the bandwidth is one number. max_rows puts kernels on a random subset alone.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor

from baselines._device import at_once
from baselines._gaussian import deviations

STRIP, ROWS = 256, 1024  # queries and training rows of one tile of distances, on a CPU
FEWEST = 32  # queries of a strip of distances to all rows: with less the rows are read from memory too often
HELD_OUT = 200
EXACT_LOO = 10_000


@dataclass(kw_only=True, eq=False)
class KDE:
    """bandwidth: a number > 0, None for the best by likelihood (eqs. 2, 3), "scott" for eq. (4). max_rows: kernels at most."""

    family: ClassVar[str] = "statistical"
    paper: ClassVar[str] = "Parzen 1962, doi:10.1214/aoms/1177704472"
    uses_labels: ClassVar[bool] = False
    measure: ClassVar[str] = "lebesgue"
    bandwidth: float | str | None = None
    max_rows: int | None = None  # None: all; the log-density of a row costs rows x dimensions

    def __post_init__(self) -> None:
        h = self.bandwidth
        if h is not None and h != "scott" and not (isinstance(h, (int, float)) and h > 0):
            raise ValueError(f'bandwidth must be > 0, "scott" or None for the best by likelihood, got {h!r}')
        if self.max_rows is not None and self.max_rows < 2:
            raise ValueError(f"max_rows must be at least 2, or None for all, got {self.max_rows}")

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Keep the rows and choose the bandwidth; x (N, *shape)."""
        self.shape_ = tuple(x.shape[1:])
        if self.max_rows is not None and len(x) > self.max_rows:
            chosen = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))[: self.max_rows].to(x.device)
            x, y = x[chosen], None if y is None else y[chosen]
        self.rows_ = x.flatten(1).double()  # (N, D)
        self.scale_ = torch.ones(self.rows_.shape[1], dtype=torch.float64, device=x.device)
        self.labels_ = y
        if self.bandwidth == "scott":
            self.scale_ = deviations(self.rows_)
            self.bandwidth_ = len(x) ** (-1 / (self.rows_.shape[1] + 4))  # eq. (4)
        else:
            self.bandwidth_ = float(self.bandwidth or choose_bandwidth(self.rows_, seed=seed))
        return self

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-density, nats, (N,) float64; eq. (1)."""
        scaled = self.rows_ / self.scale_, x.flatten(1).double() / self.scale_
        return log_density(*scaled, self.bandwidth_) - self.scale_.log().sum()

    def sample(self, n: int, *, seed: int) -> Tensor:
        """A training row plus noise, (n, *shape)."""
        generator = torch.Generator(self.rows_.device).manual_seed(seed)
        device = self.rows_.device
        which = torch.randint(len(self.rows_), (n,), generator=generator, device=device)
        noise = torch.randn(n, self.rows_.shape[1], generator=generator, device=device, dtype=torch.float64)
        samples = self.rows_[which] + self.bandwidth_ * self.scale_ * noise  # (n, D), eq. (1)
        return samples.float().reshape(n, *self.shape_)

    def predict_proba(self, x: Tensor) -> Tensor:
        """Class probabilities by Bayes' rule, (N, K); eq. (5). Needs a fit with labels."""
        if self.labels_ is None:
            raise ValueError("predict_proba needs labels: fit(x, y) was given none")
        queries, joint = x.flatten(1).double() / self.scale_, []
        labelled = self.labels_[self.labels_ >= 0]
        for k in range(int(labelled.max()) + 1):
            rows = self.rows_[self.labels_ == k] / self.scale_
            if not len(rows):
                joint.append(torch.full((len(x),), -torch.inf, dtype=torch.float64, device=x.device))
                continue
            prior = len(rows) / len(labelled)
            joint.append(log_density(rows, queries, self.bandwidth_) + math.log(prior))
        return torch.softmax(torch.stack(joint, dim=1), dim=1)


def log_density(rows: Tensor, queries: Tensor, bandwidth: float) -> Tensor:
    """log p of queries (N, D) under kernels at rows (n, D), nats, (N,) float64; eq. (1).

    Exponents are float64; once the largest is subtracted they are rounded to float32, which moves a kernel e^-t by at most
    t 6e-8 of itself: below 1e-7 in the sum. Memory: the queries and one tile of STRIP x ROWS.
    """
    rows, queries = rows.double(), queries.double()
    centre = rows.mean(dim=0)  # distances from products lose digits far from the origin
    queries = (queries - centre) / bandwidth
    largest = queries.new_full((len(queries), 1), -torch.inf)
    total = queries.new_zeros(len(queries))
    for tile in rows.split(ROWS):
        tile = (tile - centre) / bandwidth
        half_norms = tile.square().sum(dim=1) / 2
        for strip, most, sums in zip(*(part.split(at_once(STRIP, rows.device)) for part in (queries, largest, total))):
            exponents = torch.addmm(-half_norms, strip, tile.T)  # q.r - |r|^2 / 2, (STRIP, ROWS)
            above = torch.maximum(most, exponents.amax(dim=1, keepdim=True))
            kernels = torch.sub(exponents, above, out=exponents.new_empty(exponents.shape, dtype=torch.float32))
            kernels.clamp_(min=-80.0).exp_()
            sums.mul_((most - above).exp().squeeze(1)).add_(kernels.sum(dim=1))
            most.copy_(above)
    found = largest.squeeze(1) + total.log() - queries.square().sum(dim=1) / 2
    return found - math.log(len(rows)) - rows.shape[1] * math.log(bandwidth * math.sqrt(2 * math.pi))


def choose_bandwidth(rows: Tensor, *, seed: int) -> float:
    """The bandwidth of highest leave-one-out or held-out likelihood on a grid of ratio 2^(1/4); eqs. (2), (3)."""
    ids = equal_rows(rows)
    if len(rows) <= EXACT_LOO:
        queries, others, skip_self, of_each = rows, rows, True, (ids, ids)
    else:
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed)).to(rows.device)
        queries, others, skip_self = rows[order[:HELD_OUT]], rows[order[HELD_OUT:]], False
        of_each = (ids[order[:HELD_OUT]], ids[order[HELD_OUT:]])
    if len(of_each[1].unique()) < 2:
        raise ValueError(
            f"all {len(others)} rows are equal, so that no bandwidth is best; set bandwidth to a number > 0"
        )
    tied = of_each if int(ids.max()) + 1 < len(rows) else None
    largest = 2 * float(rows.var(dim=0).mean().sqrt())
    coarse = bandwidth_scores(others, queries, largest=largest, skip_self=skip_self, tied=tied)
    best = max(coarse, key=coarse.__getitem__)
    fine = bandwidth_scores(others, queries, largest=best * 2**0.25, skip_self=skip_self, count=2, tied=tied)
    scores = coarse | fine
    return max(scores, key=scores.__getitem__)


def equal_rows(rows: Tensor) -> Tensor:
    """A number for each of the different rows of (N, D), (N,) int64."""
    seen: dict[bytes, int] = {}
    ids = []
    for part in rows.split(ROWS):
        for row in (part + 0.0).cpu().numpy():  # -0.0 + 0.0 is 0.0
            ids.append(seen.setdefault(hashlib.blake2b(row.tobytes(), digest_size=16).digest(), len(seen)))
    return torch.tensor(ids, device=rows.device)


def bandwidth_scores(
    rows: Tensor,
    queries: Tensor,
    *,
    largest: float,
    skip_self: bool,
    count: int = 20,
    tied: tuple[Tensor, Tensor] | None = None,
) -> dict[float, float]:
    """Mean log-likelihood of the queries for each bandwidth largest * 2^(-j/2), j < count, from one pass over the distances.

    Exponents are taken from each query's nearest row, so that squaring the kernels (h -> h / sqrt 2) keeps the largest at 1
    and loses only kernels below 1e-38 of it (float32). tied: numbers of the queries' and the rows' values (equal_rows); a
    query's likelihood is then that of the rows that differ from it.
    """
    bandwidths = [largest / 2 ** (j / 2) for j in range(count)]
    totals = rows.new_zeros(count, dtype=torch.float64)
    log_counts = rows.new_zeros(
        (), dtype=torch.float64
    )  # sum over queries of the log of how many rows each is compared with
    for begin, squared in _squared_distances(queries, rows):
        if tied is not None:
            equal = tied[0][begin : begin + len(squared), None] == tied[1]
            squared[equal] = torch.inf
            log_counts += (~equal).sum(dim=1).clamp(min=1).double().log().sum()
        elif skip_self:
            squared[:, begin : begin + len(squared)].fill_diagonal_(torch.inf)
        nearest = squared.min(dim=1, keepdim=True).values
        kernels = ((nearest - squared) / (2 * largest**2)).float().exp_()
        for j, h in enumerate(bandwidths):
            if j:
                kernels.mul_(kernels)
            log_sum = kernels.sum(dim=1).double().log() - nearest.squeeze(1) / (2 * h**2)
            totals[j] += log_sum.sum()
    n, dim = len(rows) - skip_self, rows.shape[1]
    log_count = math.log(n) if tied is None else float(log_counts) / len(queries)
    constants = [log_count + dim * math.log(h * math.sqrt(2 * math.pi)) for h in bandwidths]
    return {h: total / len(queries) - constant for h, total, constant in zip(bandwidths, totals.tolist(), constants)}


def _squared_distances(queries: Tensor, rows: Tensor) -> Iterable[tuple[int, Tensor]]:
    """Strips (first query, squared distances (B, n)) of the whole matrix."""
    centre = rows.mean(dim=0)
    rows, queries = rows - centre, queries - centre
    norms = rows.square().sum(dim=1)
    size = max(FEWEST, at_once(STRIP * ROWS, rows.device) // len(rows))
    for begin in range(0, len(queries), size):
        strip = queries[begin : begin + size]
        squared = torch.addmm(norms, strip, rows.T, alpha=-2).add_(strip.square().sum(dim=1, keepdim=True))
        yield begin, squared.clamp_(min=0.0)
