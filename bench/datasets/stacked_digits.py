"""stacked_digits: three random digits as the channels of one 8x8 image, 1000 modes (after Metz et al. 2017)."""

import torch

from bench.datasets import Dataset, Split
from bench.datasets.digits import digit_splits

SIZES = {"train": 20_000, "valid": 2_000, "test": 2_000}


def stacked_digits() -> Dataset:
    """20,000 / 2,000 / 2,000 triples, each of digits of its own split only; without labels."""
    splits = digit_splits()
    return Dataset(
        name="stacked_digits",
        kind="image",
        **{part: Split(stack(splits[part].x, n, seed=i)) for i, (part, n) in enumerate(SIZES.items())},
        primary="mode_kl",
        spaces=("lenet",),
        levels=17,
        n_modes=1000,
        fresh=lambda n, part, seed: stack(splits[part].x, n, seed=seed),
        mode_prior=triple_prior(splits["train"].y),
        n_mode_samples=10_000,
        classifier_of="digits",
        notes={"source": "triples of digits' rows, drawn within each split", "modes": "digits of the three channels"},
    )


def triple_prior(y: torch.Tensor) -> torch.Tensor:
    """Share of each triple of classes when three digits are drawn independently, (1000,) float64."""
    share = torch.bincount(y, minlength=10).double() / len(y)
    return torch.einsum("a,b,c->abc", share, share, share).flatten()


def stack(x: torch.Tensor, n: int, *, seed: int) -> torch.Tensor:
    """N triples of rows of x (N, 1, H, W) as channels, (n, 3, H, W)."""
    rows = torch.randint(len(x), (n, 3), generator=torch.Generator().manual_seed(seed))
    return x[rows].squeeze(2)
