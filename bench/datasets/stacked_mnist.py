"""stacked_mnist: three MNIST digits as channels of a 28x28 image, 1000 modes (Metz et al. 2017)."""

from bench.datasets import Dataset, Split
from bench.datasets._pixels import PixelRows
from bench.datasets.mnist import mnist
from bench.datasets.stacked_digits import triple_prior, triple_rows


def stacked_mnist() -> Dataset:
    """Draw 50,000 / 5,000 / 10,000 triples within each split, kept as indices into MNIST's rows."""
    grey = mnist()

    def triples(n: int, part: str, seed: int) -> PixelRows:
        base = {"train": grey.train, "valid": grey.valid, "test": grey.test}[part].x
        assert isinstance(base, PixelRows), "MNIST's images are held as bytes"
        return PixelRows(base.codes, 256, triple_rows(len(base), n, seed=seed))

    return Dataset(
        name="stacked_mnist",
        kind="large_image",
        train=Split(triples(50_000, "train", 0)),
        valid=Split(triples(5_000, "valid", 1)),
        test=Split(triples(10_000, "test", 2)),
        primary="mode_kl",
        spaces=("lenet",),
        levels=256,
        n_modes=1000,
        fresh=lambda n, part, seed: triples(n, part, seed).whole(),
        parts={
            "valid": triple_rows(len(grey.valid), 5_000, seed=1),
            "test": triple_rows(len(grey.test), 10_000, seed=2),
        },
        mode_prior=triple_prior(grey.train.labels),
        n_mode_samples=10_000,
        classifier_of="mnist",
        notes={"source": "triples of MNIST's rows, drawn within each split", "modes": "digits of the three channels"},
    )
