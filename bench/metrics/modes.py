"""Mode statistics: which modes of the data a model's samples fall into, and how evenly.

2-D mixtures: every sample counts for its nearest mode; one within 3 sigma (strictly) is of high quality (Lin et al. 2018).
Images: a mode is the class, or the triple of classes, that the pinned classifier predicts.

    mode_kl          KL(generated histogram || true prior)                                    nats
    mode_jsd         JSD over K modes x shells [0,1), [1,2), [2,3) sigma and one off-mode cell   nats, at most ln 2
    hq_fraction      share within 3 sigma; 1 - e^-4.5 = 0.9889 for a perfect sampler in 2-D
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bench.datasets import Mixture
from bench.metrics import Estimate, metric, refuse_non_finite
from bench.metrics._evaluation import Evaluation

SHELL_MASSES = (1 - math.exp(-0.5), math.exp(-0.5) - math.exp(-2), math.exp(-2) - math.exp(-4.5), math.exp(-4.5))
HQ_CEILING = 1 - math.exp(-4.5)


def nearest_mode(x: Tensor, law: Mixture) -> tuple[Tensor, Tensor]:
    """Return the index of the nearest mode (N,) of x (N, 2), and the distance to it in sigmas (N,)."""
    refuse_non_finite(x, "samples")
    distance = torch.cdist(x.double(), law.means.double(), compute_mode="donot_use_mm_for_euclid_dist")
    nearest, mode = distance.min(dim=1)
    return mode, nearest / law.sigma


def histogram_kl(counts: Tensor, prior: Tensor) -> float:
    """Return KL(counts / n || prior) in nats; an empty cell adds nothing. counts, prior: (K,)."""
    share = counts.double() / counts.sum()
    present = share > 0
    return float((share[present] * (share[present] / prior.double()[present]).log()).sum())


def jensen_shannon(p: Tensor, q: Tensor) -> float:
    """Return the JSD of two histograms that sum to one, nats, in [0, ln 2]."""
    middle = (p + q) / 2

    def kl(a: Tensor) -> float:
        present = a > 0
        return float((a[present] * (a[present] / middle[present]).log()).sum())

    return max(0.0, (kl(p) + kl(q)) / 2)


def shell_histogram(mode: Tensor, sigmas: Tensor, n_modes: int) -> Tensor:
    """Return the shares of the K x 3 cells (mode, shell) and of the one off-mode cell, (3 K + 1,)."""
    cell = torch.where(sigmas < 3, mode * 3 + sigmas.clamp(max=2.5).floor().long(), torch.full_like(mode, 3 * n_modes))
    return torch.bincount(cell, minlength=3 * n_modes + 1).double() / len(cell)


def true_shells(n_modes: int) -> Tensor:
    """Return the masses of the same cells under an equal mixture of well separated 2-D Gaussians."""
    return torch.tensor([m / n_modes for _ in range(n_modes) for m in SHELL_MASSES[:3]] + [SHELL_MASSES[3]]).double()


def mode_counts(ev: Evaluation) -> tuple[Tensor, Tensor]:
    """Return the samples per mode (K,) and the true prior over modes (K,)."""
    if ev.has("law"):
        mode, _ = nearest_mode(ev.mode_samples, ev.law)
        n_modes = len(ev.law.means)
        return torch.bincount(mode.cpu(), minlength=n_modes), torch.full((n_modes,), 1 / n_modes, dtype=torch.float64)
    refuse_non_finite(ev.mode_samples, "samples")
    n_modes, prior = ev.dataset.n_modes, ev.dataset.mode_prior
    if prior is None:
        prior = torch.bincount(ev.train.labels.cpu(), minlength=n_modes).double() / len(ev.train)
    return torch.bincount(ev.mode_ids.cpu(), minlength=n_modes), prior


@metric(needs=("samples", "law"), better="lower", unit="nats", scale="log", high=0.6931471805599453, version=2)
def mode_jsd(ev: Evaluation) -> Estimate:
    """Jensen-Shannon divergence between generated and true histogram over modes x sigma shells."""
    mode, sigmas = nearest_mode(ev.mode_samples, ev.law)
    n_modes = len(ev.law.means)
    value = jensen_shannon(shell_histogram(mode, sigmas, n_modes).cpu(), true_shells(n_modes))
    return Estimate(value, len(mode))


@metric(needs=("samples", "modes"), better="higher", unit="count", low=0.0, version=2)
def modes_captured(ev: Evaluation) -> Estimate:
    """Modes with a high-quality sample (2-D), or classes predicted max(1, 10 % of expected) times."""
    n = len(ev.mode_samples)
    if ev.has("law"):
        mode, sigmas = nearest_mode(ev.mode_samples, ev.law)
        return Estimate(float(len(mode[sigmas < 3].unique())), n)
    counts, prior = mode_counts(ev)
    captured = int((counts >= (0.1 * prior * n).clamp(min=1)).sum())
    share = float(counts.max()) / n
    note = f"one mode: {share:.0%} of the samples fall into one of {len(counts)}" if share >= 0.9 and n > 1 else ""
    return Estimate(float(captured), n, note=note)


@metric(needs=("samples", "classifier"), better="higher", unit="count", low=0.0, version=2)
def modes_hit(ev: Evaluation) -> Estimate:
    """Modes predicted at least once, as the papers count."""
    counts, _ = mode_counts(ev)
    return Estimate(float((counts > 0).sum()), int(counts.sum()))


@metric(needs=("samples", "modes"), better="lower", unit="nats", scale="log", version=2)
def mode_kl(ev: Evaluation) -> Estimate:
    """KL of the generated histogram over modes to the true prior.

    Every sample counts for its nearest mode.
    """
    counts, prior = mode_counts(ev)
    return Estimate(histogram_kl(counts, prior), int(counts.sum()))


@metric(needs=("samples", "modes"), better="none", unit="nats", scale="log", version=2)
def mode_kl_uniform(ev: Evaluation) -> Estimate:
    """KL of the generated histogram over modes to the uniform, as the papers print it."""
    counts, prior = mode_counts(ev)
    return Estimate(histogram_kl(counts, torch.full_like(prior, 1 / len(prior))), int(counts.sum()))


@metric(needs=("samples", "law"), better="none", unit="nats", scale="log")
def mode_kl_uniform_hq(ev: Evaluation) -> Estimate:
    """KL to the uniform of high-quality samples' modes alone, as Lin et al. (2018) count.

    Infinite without such a sample.
    """
    mode, sigmas = nearest_mode(ev.mode_samples, ev.law)
    good, n_modes = mode[sigmas < 3].cpu(), len(ev.law.means)
    if not len(good):
        return Estimate(math.inf, 0, note="no sample within 3 sigma of a mode")
    counts = torch.bincount(good, minlength=n_modes)
    return Estimate(histogram_kl(counts, torch.full((n_modes,), 1 / n_modes)), len(good))


@metric(needs=("samples", "law"), better="none", unit="fraction", scale="logit", version=2)
def hq_fraction(ev: Evaluation) -> Estimate:
    """Share of samples within 3 sigma of the nearest mode.

    A perfect sampler has 0.9889, more is over-concentration.
    """
    _, sigmas = nearest_mode(ev.mode_samples, ev.law)
    n, value = len(sigmas), float((sigmas < 3).double().mean())
    above = value - HQ_CEILING > 3 * math.sqrt(HQ_CEILING * (1 - HQ_CEILING) / n)
    note = f"over-concentration: {value:.2%} within 3 sigma, a perfect sampler has {HQ_CEILING:.2%}" if above else ""
    return Estimate(value, n, note=note)
