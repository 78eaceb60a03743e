"""stacked_digits: three digits as channels of an 8x8 image, 1000 modes (after Metz et al. 2017)."""

import torch

from bench.datasets import Dataset, Examples, Split
from bench.datasets.digits import digit_splits


def stacked_digits() -> Dataset:
    """Draw 20,000 / 2,000 / 2,000 triples, each of digits of its own split only; without labels."""
    splits = digit_splits()

    def triples(n: int, part: str, seed: int) -> torch.Tensor:
        return stack({"train": splits.train, "valid": splits.valid, "test": splits.test}[part].x, n, seed=seed)

    return Dataset(
        name="stacked_digits",
        kind="image",
        train=Split(triples(20_000, "train", 0)),
        valid=Split(triples(2_000, "valid", 1)),
        test=Split(triples(2_000, "test", 2)),
        primary="mode_kl",
        spaces=("lenet",),
        levels=17,
        n_modes=1000,
        fresh=triples,
        parts={
            "valid": triple_rows(len(splits.valid), 2_000, seed=1),
            "test": triple_rows(len(splits.test), 2_000, seed=2),
        },
        mode_prior=triple_prior(splits.train.labels),
        n_mode_samples=10_000,
        classifier_of="digits",
        notes={"source": "triples of digits' rows, drawn within each split", "modes": "digits of the three channels"},
    )


def triple_prior(y: torch.Tensor) -> torch.Tensor:
    """Return each triple's share when three digits are drawn independently, (1000,) float64."""
    share = torch.bincount(y, minlength=10).double() / len(y)
    return torch.einsum("a,b,c->abc", share, share, share).flatten()


def stack(x: Examples, n: int, *, seed: int) -> torch.Tensor:
    """Draw n triples of rows of x (N, 1, H, W) as channels, (n, 3, H, W)."""
    return x[triple_rows(len(x), n, seed=seed)].squeeze(2)


def triple_rows(available: int, n: int, *, seed: int) -> torch.Tensor:
    """Draw n triples of row numbers, (n, 3)."""
    return torch.randint(available, (n, 3), generator=torch.Generator().manual_seed(seed))
