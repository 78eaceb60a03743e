"""Frechet distance and precision, recall, density, coverage from features, beside pytorch-fid, torch-fidelity and prdc."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from bench.features._torchvision import import_torchvision
from bench.metrics.frechet import distance_of, frechet_distance, moments
from bench.metrics.prdc import prdc
from tests.speed.pairs import Peer

import_torchvision()
from prdc import compute_prdc  # noqa: E402
from pytorch_fid.fid_score import calculate_frechet_distance  # noqa: E402
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric  # noqa: E402


@cache
def features(n: int, dim: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two sets of correlated, non-negative features (n, dim) float64 with a decaying spectrum, as a network's are."""
    rng = np.random.default_rng(0)
    scale = np.arange(1, dim + 1) ** -0.5
    mix = rng.standard_normal((dim, dim)) / dim**0.5
    sides = (np.maximum(rng.standard_normal((n, dim)) * scale @ mix + shift, 0) for shift in (0.1, 0.12))
    return tuple(torch.from_numpy(side) for side in sides)


def pytorch_fid(real, fake):
    """As pytorch-fid does from activations: mean, np.cov, its distance."""
    sides = [
        (np.mean(side, axis=0), np.cov(side, rowvar=False)) if isinstance(side, np.ndarray) else side
        for side in (real, fake)
    ]
    return calculate_frechet_distance(*sides[0], *sides[1])


def torch_fidelity(real, fake):
    """As torch-fidelity does from features or from kept statistics."""
    sides = [fid_features_to_statistics(side) if torch.is_tensor(side) else side for side in (real, fake)]
    return fid_statistics_to_metric(*sides, verbose=False)["frechet_inception_distance"]


def close(rtol):
    return lambda ours, theirs: np.testing.assert_allclose(ours, theirs, rtol=rtol)


def test_frechet_from_features(pairs_of):
    """Rank-deficient covariances: peers are off by up to 3e-4 there, so a difference of 1e-3 passes."""
    real, fake = features(1000, 2048)
    pairs_of(
        "Frechet distance, d=2048, N=1,000",
        lambda: frechet_distance(real, fake),
        Peer("pytorch-fid", lambda: pytorch_fid(real.numpy(), fake.numpy()), 80, close(1e-3)),
        Peer("torch-fidelity", lambda: torch_fidelity(real, fake), 12, close(1e-3)),
        threads=2,
    )


def test_frechet_with_the_reference_kept(pairs_of):
    real, fake = features(10_000, 2048)
    kept, statistics = moments(real), fid_features_to_statistics(real)
    numbers = statistics["mu"], statistics["sigma"]
    pairs_of(
        "Frechet distance, d=2048, N=10,000, reference kept",
        lambda: distance_of(kept, moments(fake)),
        Peer("pytorch-fid", lambda: pytorch_fid(numbers, fake.numpy()), 8, close(1e-6)),
        Peer("torch-fidelity", lambda: torch_fidelity(statistics, fake), 2.5, close(1e-6)),
        threads=2,
    )


@pytest.mark.parametrize("dim, goal", [(64, 8), (2048, 2.5)])
def test_precision_recall_density_coverage(pairs_of, dim, goal):
    """The same counts; a row within rounding of a ball's edge may fall on either side: one in 10,000 rows."""
    real, fake = features(10_000, dim)

    def agrees(ours, theirs):
        assert {name: pytest.approx(value, abs=1e-4) for name, value in theirs.items()} == ours

    pairs_of(
        f"precision, recall, density, coverage, d={dim}, N=10,000",
        lambda: prdc(real, fake, k=5),
        Peer("prdc", lambda: compute_prdc(real.numpy(), fake.numpy(), 5), goal, agrees),
        threads=2,
    )
