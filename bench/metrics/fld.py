"""Feature likelihood divergence (Jiralerspong et al. 2023): samples as a density on held-out rows.

    p(x) = 1/M sum_j N(x; g_j, s_j^2 I)             g_j a sample, its width s_j fitted to the likelihood of the training rows    (1)
    fld     = -100 / D x mean log p(held-out rows)                                                                             (2)
    fld_gap =  100 / D x (mean log p(training rows) - mean log p(held-out rows))                                               (3)

Noise in the samples makes them poor centres; missing modes leave held-out rows far from any; a copy of a training row fits that row with
a width near zero, which raises (3) and leaves held-out rows to wide neighbours, which raises (2). Features are standardised by the
training rows. Differs from the paper: the widths are fitted by expectation maximisation (eq. 4) from one common start, for at most
100 rounds, not below a thousandth of that start; no constant is subtracted from (2).

    s_j^2 <- sum_i r_ij |x_i - g_j|^2 / (D sum_i r_ij),   r_ij = the share of centre j in p(x_i)                               (4)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.metrics import Estimate, metric, refuse_non_finite
from bench.metrics._evaluation import Evaluation

ROUNDS = 100
ENOUGH = 1e-4  # nats a feature: a round that gains less is the last
LEAST_WIDTH = 1e-3  # of the common start
MAX_TRAIN, MAX_SAMPLES = 4_000, 2_500
DIRECT_UP_TO = 8  # features; above, distances come from products
CLOSE = 1e-6  # of |a|^2 + |b|^2: nearer pairs are taken from their difference
STRIP = 64  # rows whose parts are looked at together: they stay in a core's own cache


@dataclass(frozen=True)
class Mixture:
    """Eq. (1): centres (M, D) and log of their variances (M,), float64."""

    centres: Tensor
    log_variance: Tensor

    def log_prob(self, x: Tensor) -> Tensor:
        """Return log p of rows x (N, D), nats, (N,)."""
        return torch.cat([_log_parts(strip, self).logsumexp(dim=1) for strip in x.double().split(1024)])


def _log_parts(x: Tensor, mixture: Mixture) -> Tensor:
    """Log of each centre's part of p(x), (N, M)."""
    return _of_squares(_squared(x, mixture.centres), mixture)


def _of_squares(squared: Tensor, mixture: Mixture) -> Tensor:
    dim, variance = mixture.centres.shape[1], mixture.log_variance
    constant = -0.5 * dim * (variance + math.log(2 * math.pi)) - math.log(len(variance))
    return torch.addcmul(constant, squared, -0.5 * (-variance).exp())


def _squared(a: Tensor, b: Tensor) -> Tensor:
    """Return |a_i - b_j|^2, (N, M), from products but where these leave few digits, as for copies."""
    if a.shape[1] <= DIRECT_UP_TO:
        return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").square_()
    norms, others = a.square().sum(dim=1)[:, None], b.square().sum(dim=1)
    squared = torch.addmm(others[None], a, b.T, alpha=-2).add_(norms)
    row, column = (squared < CLOSE * (norms + others)).nonzero(as_tuple=True)
    squared[row, column] = (a[row] - b[column]).square().sum(dim=1)
    return squared


def fit_widths(train: Tensor, samples: Tensor) -> Mixture:
    """Fit eq. (1) to the training rows (N, D) by eq. (4), from samples (M, D)."""
    for name, rows in {"training rows": train, "samples": samples}.items():
        refuse_non_finite(rows, name)
    train, centres = train.double(), samples.double()
    squared, dim = _squared(train, centres), train.shape[1]
    start = (squared.amin(dim=1).mean() / dim).clamp(min=1e-12).log()  # as wide as a row is far from its nearest sample
    least = start + 2 * math.log(LEAST_WIDTH)
    mixture, before = Mixture(centres, start.repeat(len(centres))), -math.inf
    for _ in range(ROUNDS):
        now, weight, spread = _expected(squared, mixture)
        variance = spread / (dim * weight.clamp(min=1e-300))
        log_variance = torch.where(weight > 1e-12, variance.clamp(min=1e-300).log(), mixture.log_variance)
        mixture = Mixture(centres, log_variance.clamp(min=least))
        if now - before < ENOUGH * dim:
            break
        before = now
    return mixture


def _expected(squared: Tensor, mixture: Mixture) -> tuple[float, Tensor, Tensor]:
    """Return mean log p of the rows, sum_i r_ij and sum_i r_ij |x_i - g_j|^2, (M,) each.

    squared: the distances |x_i - g_j|^2, (N, M).
    """
    weight, spread = torch.zeros_like(mixture.log_variance), torch.zeros_like(mixture.log_variance)
    total = 0.0
    for strip in squared.split(STRIP):
        shares = _of_squares(strip, mixture)
        largest = shares.amax(dim=1, keepdim=True)
        sums = shares.sub_(largest).exp_().sum(dim=1)
        total += float((largest[:, 0] + sums.log()).sum())
        weight += (1 / sums) @ shares
        spread += (1 / sums) @ shares.mul_(strip)
    return total / len(squared), weight, spread


def feature_likelihood(samples: Tensor, train: Tensor, held_out: Tensor) -> tuple[Tensor, Tensor]:
    """Return -100/D log p of held-out rows (M,) and of training rows (N,), the terms of eqs. (2) and (3)."""
    fitted = Fitted.to_rows(samples, train)
    return fitted.terms(held_out), fitted.terms(train)


@dataclass(frozen=True)
class Fitted:
    """Eq. (1) in features standardised by the training rows; keep: those that vary there, bool (D,)."""

    mixture: Mixture
    mean: Tensor
    std: Tensor
    keep: Tensor

    @classmethod
    def to_rows(cls, samples: Tensor, train: Tensor) -> Fitted:
        """Fit the widths of samples (M, D) to training rows (N, D)."""
        mean, std = train.double().mean(dim=0), train.double().std(dim=0)
        keep = std > 1e-9 * mean.abs().clamp(min=1)
        scaled = [((rows.double() - mean) / std)[:, keep] for rows in (train, samples)]
        return cls(fit_widths(*scaled), mean, std, keep)

    def terms(self, rows: Tensor) -> Tensor:
        """Return -100/D log p of rows (N, D), (N,)."""
        scaled = ((rows.double() - self.mean) / self.std)[:, self.keep]
        return self.mixture.log_prob(scaled) * (-100 / scaled.shape[1])


def _terms(ev: Evaluation, space: str) -> tuple[Tensor, Tensor]:
    def fit() -> tuple[Fitted, Tensor]:
        fitted = Fitted.to_rows(samples, train)
        return fitted, fitted.terms(train)

    def compute() -> tuple[Tensor, Tensor]:
        fitted, of_train = ev.memo(("widths", space, len(samples), ev.own_samples), fit)
        return fitted.terms(ev.real_features(space)), of_train

    train = ev.train_features(space, MAX_TRAIN)
    samples = ev.draw_features(space)[0][:MAX_SAMPLES]
    return ev.memo(("feature likelihood", space, ev.board), compute)


@metric(
    needs=("samples", "unknown_law"), spaces=("random", "pca", "identity"), better="lower", unit="nats/100 features"
)
def fld(ev: Evaluation, space: str) -> Estimate:
    """Likelihood of held-out rows under the samples as a density, -100/D log p: noise, variety, copies."""
    held_out, _ = _terms(ev, space)
    blocks, se = ev.blocks.mean(held_out)
    return Estimate(float(held_out.mean()), len(held_out), blocks, row_se=se)


@metric(needs=("samples", "unknown_law"), spaces=("random", "pca", "identity"), better="none", unit="nats/100 features")
def fld_gap(ev: Evaluation, space: str) -> Estimate:
    """Likelihood of training rows above that of held-out rows, 100/D nats: near 0 without memory; no rank."""
    held_out, train = _terms(ev, space)
    blocks, se = ev.blocks.mean(held_out - train.mean())
    return Estimate(float(held_out.mean() - train.mean()), len(held_out), blocks, row_se=se)
