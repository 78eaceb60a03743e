"""Modes of images, and a cell of its own for what is no image of the data: a KL of histograms.

A classifier puts noise into near-uniform classes, so that a histogram of its predictions alone rewards noise. Here a sample of which
some part lies outside every held-out part's ball of 5 neighbours (Kynkaanniemi et al. 2019), in pixels, counts for no mode but for
one further cell. A part is what the classifier reads at a time: a channel of a stacked image, else the image. The cell's true mass
is measured on the other held-out split. A point on an edge is outside.

In features of whole stacked images the cell is blind: there one Gaussian's samples lie outside the balls less often than real rows do
(.04 against .08 on stacked_digits), channel by channel more often.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bench.datasets import Examples
from bench.features import Classifying
from bench.metrics import Estimate, metric
from bench.metrics._evaluation import Evaluation
from bench.metrics.modes import histogram_kl, mode_counts

NEIGHBOURS = 5
MAX_ROWS = 2_000  # of a held-out split
STRIP = 1_024


def outside_every_ball(samples: Tensor, rows: Tensor, k: int = NEIGHBOURS) -> Tensor:
    """Say which samples (S, D) lie in no ball of rows (N, D), bool (S,).

    A ball reaches to the k-th other row.
    """
    if len(rows) <= k:
        raise ValueError(f"expected more than {k} different rows, got {len(rows)}")
    radii = torch.cat([torch.cdist(strip, rows).kthvalue(k + 1, dim=1).values for strip in rows.split(STRIP)])
    return torch.cat([(torch.cdist(strip, rows) >= radii).all(dim=1) for strip in samples.split(STRIP)])


def parts_of(x: Examples, groups: int) -> Tensor:
    """Return the channel groups of images (N, C, H, W) as rows, (N groups, C / groups H W)."""
    images = x[:].float()
    return images.reshape(len(images) * groups, -1)


@metric(needs=("samples", "classifier", "image"), better="lower", unit="nats", scale="log")
def mode_kl_off(ev: Evaluation) -> Estimate:
    """KL of the histogram over modes and one off-manifold cell to the true shares: noise is no mode."""
    space = ev.space("lenet")
    assert isinstance(space, Classifying), "the pinned classifier has logits"
    groups = space.logits_of(ev.sample_features("lenet")[:1]).shape[1]
    other = ev.dataset.split({"public": "private", "private": "public"}[ev.board])
    rows = parts_of(ev.real.x[:MAX_ROWS], groups).unique(dim=0)  # a stacked set shows each of its digits many times
    truly, off = (
        outside_every_ball(parts_of(x, groups), rows).reshape(-1, groups).any(dim=1)
        for x in (other.x[:MAX_ROWS], ev.mode_samples)
    )
    _, prior = mode_counts(ev)
    counts = torch.bincount(ev.mode_ids.cpu()[~off.cpu()], minlength=len(prior))
    mass = (float(truly.sum()) + 0.5) / (len(truly) + 1)
    shares = torch.cat([prior.cpu() * (1 - mass), torch.tensor([mass], dtype=prior.dtype)])
    return Estimate(histogram_kl(torch.cat([counts, off.cpu().sum()[None]]), shares), len(off))
