"""2-D Gaussian mixtures with a known law, drawn once from a fixed seed."""

from __future__ import annotations

from torch import Tensor

from bench.datasets import Dataset, Mixture, Split


def mixture_dataset(name: str, means: Tensor, sigma: float) -> Dataset:
    """Draw 100,000 / 2,500 / 2,500 points of an equal mixture; without labels."""
    law = Mixture(means.float(), sigma)
    return Dataset(
        name=name,
        kind="2d",
        train=Split(law.sample(100_000, seed=1)),
        valid=Split(law.sample(2_500, seed=2)),
        test=Split(law.sample(2_500, seed=3)),
        primary="w1",
        spaces=("identity",),
        law=law,
        n_modes=len(means),
        n_mode_samples=2500,
        notes={
            "law": f"{len(means)} equal Gaussians, sigma {sigma:g}",
            "source": "drawn from torch's generator, seeds 1-3",
        },
    )
