"""Likelihoods: exact probabilities of codes, densities and bounds, never in one column.

nll                  -mean log_prob on the board's rows, in the data's own measure: codes of images, densities of real data
nll_dequantized      the density of (code + u) / levels, where a model of real values is put on images
nll_bound            minus the importance-weighted bound (Burda et al. 2016), k = 64
bits_per_dim         nll / (D ln 2);  of a density of (code + u) / levels: + log2 levels
"""

from __future__ import annotations

import math

from torch import Tensor

from bench.metrics import Estimate, metric
from bench.metrics._evaluation import Evaluation


def bits(nats: Tensor, *, dim: int, levels: int | None = None) -> Tensor:
    """Convert nats per example to bits per dimension; levels: of a density on (code + u) / levels."""
    return nats / (dim * math.log(2)) + (math.log2(levels) if levels else 0.0)


def _mean(ev: Evaluation, values: Tensor) -> Estimate:
    blocks, se = ev.blocks.mean(values)
    return Estimate(float(values.double().mean()), len(values), blocks, row_se=se)


def _dim(ev: Evaluation) -> int:
    return math.prod(ev.dataset.shape)


@metric(needs=("log_prob", "natural", "density"), better="lower", unit="nats", version=2)
def nll(ev: Evaluation) -> Estimate:
    """Mean negative log-probability of held-out rows in the data's own measure; exact models only."""
    return _mean(ev, -ev.log_prob)


@metric(needs=("log_prob", "levels", "lebesgue"), better="lower", unit="nats", version=2)
def nll_dequantized(ev: Evaluation) -> Estimate:
    """Mean negative log-density of (code + u) / levels: a column of its own."""
    return _mean(ev, -ev.log_prob)


@metric(needs=("elbo", "density"), better="lower", unit="nats", version=2)
def nll_bound(ev: Evaluation) -> Estimate:
    """Upper bound on the negative log-likelihood, from the suite's importance samples (64 in core)."""
    return _mean(ev, -ev.elbo)


@metric(needs=("log_prob", "levels", "counting"), better="lower", unit="bits", version=2)
def bits_per_dim(ev: Evaluation) -> Estimate:
    """Exact bits per dimension of the codes."""
    return _mean(ev, bits(-ev.log_prob, dim=_dim(ev)))


@metric(needs=("log_prob", "levels", "lebesgue"), better="lower", unit="bits", version=2)
def bits_per_dim_dequantized(ev: Evaluation) -> Estimate:
    """Bits per dimension of a density of (code + u) / levels."""
    return _mean(ev, bits(-ev.log_prob, dim=_dim(ev), levels=ev.dataset.levels))


@metric(needs=("elbo", "levels"), better="lower", unit="bits", version=2)
def bits_per_dim_bound(ev: Evaluation) -> Estimate:
    """Upper bound on the bits per dimension of the codes."""
    return _mean(ev, bits(-ev.elbo, dim=_dim(ev)))
