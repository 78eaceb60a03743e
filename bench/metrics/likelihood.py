"""Likelihoods: exact probabilities of codes, densities and bounds, never in one column.

nll                  -mean log_prob on the board's rows, in the data's own measure: codes of images, densities of real data
nll_dequantized      the density of (code + u) / levels, where a model of real values is put on images
nll_gap              mean log_prob of training rows less that of the board's rows: what a density learned by heart
nll_bound            minus the importance-weighted bound (Burda et al. 2016), k = 64
bits_per_dim         nll / (D ln 2);  of a density of (code + u) / levels: + log2 levels
"""

from __future__ import annotations

import math

from torch import Tensor

from bench.metrics import Estimate, block_means, metric, refuse_non_finite
from bench.metrics._evaluation import Evaluation


def bits(nats: Tensor, *, dim: int, levels: int | None = None) -> Tensor:
    """Convert nats per example to bits per dimension; levels: of a density on (code + u) / levels."""
    return nats / (dim * math.log(2)) + (math.log2(levels) if levels else 0.0)


def _mean(values: Tensor) -> Estimate:
    refuse_non_finite(values, "log_prob")
    return Estimate(float(values.double().mean()), len(values), block_means(values))


def _dim(ev: Evaluation) -> int:
    return math.prod(ev.dataset.shape)


@metric(needs=("log_prob", "natural"), better="lower", unit="nats")
def nll(ev: Evaluation) -> Estimate:
    """Mean negative log-probability of held-out rows in the data's own measure; exact models only."""
    return _mean(-ev.log_prob)


@metric(needs=("log_prob", "levels", "lebesgue"), better="lower", unit="nats")
def nll_dequantized(ev: Evaluation) -> Estimate:
    """Mean negative log-density of (code + u) / levels: a column of its own."""
    return _mean(-ev.log_prob)


@metric(needs=("log_prob", "train_log_prob"), better="none", unit="nats")
def nll_gap(ev: Evaluation) -> Estimate:
    """Mean log-probability of training rows less that of held-out rows; large for a density that memorises; no rank."""
    refuse_non_finite(ev.train_log_prob, "train.log_prob")
    refuse_non_finite(ev.log_prob, "log_prob")
    train = float(ev.train_log_prob.double().mean())
    return Estimate(train - float(ev.log_prob.double().mean()), len(ev.log_prob), block_means(train - ev.log_prob))


@metric(needs=("elbo",), better="lower", unit="nats")
def nll_bound(ev: Evaluation) -> Estimate:
    """Upper bound on the negative log-likelihood from the suite's number of importance samples (64 in core)."""
    return _mean(-ev.elbo)


@metric(needs=("log_prob", "levels", "counting"), better="lower", unit="bits")
def bits_per_dim(ev: Evaluation) -> Estimate:
    """Exact bits per dimension of the codes."""
    return _mean(bits(-ev.log_prob, dim=_dim(ev)))


@metric(needs=("log_prob", "levels", "lebesgue"), better="lower", unit="bits")
def bits_per_dim_dequantized(ev: Evaluation) -> Estimate:
    """Bits per dimension of a density of (code + u) / levels."""
    return _mean(bits(-ev.log_prob, dim=_dim(ev), levels=ev.dataset.levels))


@metric(needs=("elbo", "levels"), better="lower", unit="bits")
def bits_per_dim_bound(ev: Evaluation) -> Estimate:
    """Upper bound on the bits per dimension of the codes."""
    return _mean(bits(-ev.elbo, dim=_dim(ev)))
