"""A trained D beside the optimal one, on data whose density is known (Goodfellow et al. 2014, eq. 2 and Theorem 1).

    D*(x) = p(x) / (p(x) + q(x))                                                          (1)
    V(D) = E_p log D(x) + E_q log(1 - D(x));  V(D*) = -log 4 + 2 JSD(p, q)                 (2)

q is G's density, estimated by a Gaussian kernel of a fifth of sigma over 40,000 samples; p is smoothed by the same kernel, which is
exact for a Gaussian mixture, so that q = p gives D* = 1/2 up to sampling. Averages over 2,000 points of p and 2,000 fresh ones of q.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.datasets import Mixture
from bench.reproductions.measure import Column, Fitted

COLUMNS = {
    "d_real": Column("mean D(x) on data"),
    "d_fake": Column("mean D(x) on samples"),
    "d_half": Column("mean |D - 1/2|", scale="log"),
    "d_star_half": Column("mean |D* - 1/2|", better="lower", scale="log"),
    "d_error": Column("mean |D - D*|", better="lower", scale="log"),
    "v": Column("V(D), nats"),
    "v_star": Column("V(D*), nats", better="lower"),
    "jsd": Column("JSD(p, q) from V(D*), nats", better="lower", scale="log"),
}
SAMPLES, POINTS = 40_000, 2_000
LOG_FLOOR = -50.0  # nats below the data's own log-density, where a kernel estimate says "nothing here"


def measure(fitted: Fitted) -> dict[str, float]:
    """All columns; the model needs a `discriminator_` that returns logits."""
    if fitted.model is None:
        return {}
    law, model, seed = fitted.dataset.law, fitted.model, fitted.seed
    if law is None:
        raise ValueError(f"the law of {fitted.dataset.name} is not known, so neither is the best D")
    width = law.sigma / 5
    with torch.no_grad():
        support = model.sample(SAMPLES, seed=seed + 1000)
        real = Mixture(law.means.cpu(), law.sigma).sample(POINTS, seed=seed + 2000).to(law.means.device)
        fake = model.sample(POINTS, seed=seed + 3000)
        logits = {name: model.discriminator_(x).double().squeeze(1) for name, x in (("real", real), ("fake", fake))}
        optimal = {name: optimal_logit(x, law, support, width) for name, x in (("real", real), ("fake", fake))}
    return columns(logits, optimal)


def optimal_logit(x: Tensor, law: Mixture, support: Tensor, width: float) -> Tensor:
    """Log p - log q at x (N, 2), the logit of eq. (1), both smoothed by a kernel of this width; (N,) float64."""
    smooth = Mixture(law.means, math.hypot(law.sigma, width))
    log_p = smooth.log_prob(x)
    log_q = kernel_log_density(x, support, width)
    return log_p.clamp(min=LOG_FLOOR) - log_q.clamp(min=LOG_FLOOR)


def kernel_log_density(x: Tensor, support: Tensor, width: float) -> Tensor:
    """Log of the mean Gaussian kernel of this width over support (M, D) at x (N, D), nats, (N,) float64."""
    found = []
    for strip in x.double().split(250):
        squared = torch.cdist(strip, support.double(), compute_mode="donot_use_mm_for_euclid_dist").square_()
        found.append((squared / (-2 * width**2)).logsumexp(dim=1))
    dim = x.shape[1]
    return torch.cat(found) - math.log(len(support)) - dim / 2 * math.log(2 * math.pi * width**2)


def columns(logits: dict[str, Tensor], optimal: dict[str, Tensor]) -> dict[str, float]:
    """The columns from logits of D and of D* at points of p ("real") and of q ("fake"), each (N,)."""
    trained, best = (torch.cat([t["real"], t["fake"]]).sigmoid() for t in (logits, optimal))
    v, v_star = value(logits), value(optimal)
    return {
        "d_real": float(logits["real"].sigmoid().mean()),
        "d_fake": float(logits["fake"].sigmoid().mean()),
        "d_half": float((trained - 0.5).abs().mean()),
        "d_star_half": float((best - 0.5).abs().mean()),
        "d_error": float((trained - best).abs().mean()),
        "v": v,
        "v_star": v_star,
        "jsd": max(0.0, (v_star + math.log(4)) / 2),
    }


def value(logits: dict[str, Tensor]) -> float:
    """V of eq. (2), nats: log D = -softplus(-l), log(1 - D) = -softplus(l)."""
    return -float(F.softplus(-logits["real"]).mean() + F.softplus(logits["fake"]).mean())
