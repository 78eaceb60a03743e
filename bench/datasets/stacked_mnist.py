"""stacked_mnist: three random MNIST digits as the channels of one 28x28 image, 1000 modes (Metz et al. 2017)."""

import torch

from bench.datasets import Dataset, Split
from bench.datasets._pixels import Rows
from bench.datasets.mnist import mnist
from bench.datasets.stacked_digits import triple_prior

SIZES = {"train": 50_000, "valid": 5_000, "test": 10_000}


def stacked_mnist() -> Dataset:
    """50,000 / 5,000 / 10,000 triples, each of digits of its own split only; kept as indices into MNIST's rows."""
    grey = mnist()

    def triples(n: int, part: str, seed: int) -> Rows:
        base = getattr(grey, part)
        index = torch.randint(len(base), (n, 3), generator=torch.Generator().manual_seed(seed))
        return Rows(base.x.codes, 256, index)

    return Dataset(
        name="stacked_mnist",
        kind="large_image",
        **{part: Split(triples(n, part, seed=i)) for i, (part, n) in enumerate(SIZES.items())},
        primary="mode_kl",
        spaces=("lenet",),
        levels=256,
        n_modes=1000,
        fresh=lambda n, part, seed: triples(n, part, seed).whole(),
        mode_prior=triple_prior(grey.train.y),
        n_mode_samples=10_000,
        classifier_of="mnist",
        notes={"source": "triples of MNIST's rows, drawn within each split", "modes": "digits of the three channels"},
    )
