"""2-D Gaussian mixtures with a known law, drawn once from a fixed seed."""

from __future__ import annotations

from torch import Tensor

from bench.datasets import Dataset, Mixture, Split


def mixture_dataset(name: str, means: Tensor, sigma: float) -> Dataset:
    """100,000 / 2,500 / 2,500 fresh points of an equal mixture; without labels."""
    law = Mixture(means.float(), sigma)
    rows = {split: Split(law.sample(n, seed=seed)) for split, n, seed in _SPLITS}
    return Dataset(
        name=name,
        kind="2d",
        **rows,
        primary="mode_jsd",
        spaces=("identity",),
        law=law,
        n_modes=len(means),
        n_mode_samples=2500,
        notes={
            "law": f"{len(means)} equal Gaussians, sigma {sigma:g}",
            "source": "drawn from torch's generator, seeds 1-3",
        },
    )


_SPLITS = (("train", 100_000, 1), ("valid", 2_500, 2), ("test", 2_500, 3))
