"""Parzen-window log-likelihood (Breuleux et al. 2011; Goodfellow et al. 2014): a historical column.

    log p(x) ~= log mean_j N(x; s_j, sigma^2 I)        s_j the samples, sigma the best of a grid on rows of another split  (1)

Misleading by construction (Theis et al. 2016): k-means centroids beat true samples, which the row `kmeans` shows beside
`oracle`. So it ranks nobody. Sigma is chosen on 1,000 validation rows for the private board, as Goodfellow et al. did, and
on training rows for the public one, whose rows are the validation rows. In [0, 1] units of the data, 10,000 samples at
most. Memory: one strip of 128 rows.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bench.metrics import Estimate, metric, refuse_non_finite
from bench.metrics._evaluation import Evaluation

SIGMAS = tuple(10 ** (-2 + i / 9) for i in range(19))  # 0.01 to 1; from 0.1 on those of Goodfellow et al.'s program
MAX_SAMPLES = 10_000
STRIP = 128  # rows, whose distances stay near the core


def parzen_log_likelihood(x: Tensor, samples: Tensor, sigmas: tuple[float, ...]) -> Tensor:
    """Return eq. (1) for x (N, D), samples (M, D) and each sigma, nats, (len(sigmas), N)."""
    for name, rows in {"rows": x, "samples": samples}.items():
        refuse_non_finite(rows, name)
    x, samples = x.double(), samples.double()
    dim, strips = x.shape[1], []
    for strip in x.split(STRIP):
        squared = torch.cdist(strip, samples).square_()
        nearest = squared.amin(dim=1)
        beyond, each = squared.sub_(nearest[:, None]), []
        for s in sigmas:
            sums = (beyond / (-2 * s * s)).exp_().sum(dim=1)
            each.append(sums.log() - nearest / (2 * s * s) - 0.5 * dim * math.log(2 * math.pi * s * s))
        strips.append(torch.stack(each))
    return torch.cat(strips, dim=1) - math.log(len(samples))


@metric(needs=("samples", "density"), better="none", unit="nats", slow=True, version=3)
def parzen(ev: Evaluation) -> Estimate:
    """Log-likelihood of held-out rows under a Parzen window of the samples.

    Historical, fooled by k-means centroids.
    """
    samples = ev.samples[:MAX_SAMPLES].flatten(1)
    others = ev.dataset.valid if ev.board == "private" else ev.train
    by_sigma = parzen_log_likelihood(others.some(1000).x[:].flatten(1), samples, SIGMAS).mean(dim=1)
    sigma = SIGMAS[int(by_sigma.argmax())]
    values = parzen_log_likelihood(ev.real.x.flatten(1), samples, (sigma,))[0]
    blocks, se = ev.blocks.mean(values)
    return Estimate(float(values.mean()), len(values), blocks, row_se=se)
