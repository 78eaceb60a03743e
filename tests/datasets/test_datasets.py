"""Datasets: fixed splits and hashes, levels, no row in two splits, the oracle's rows, the known laws."""

import math

import pytest
import torch

from bench.errors import DataUnavailable
from bench.files import without_downloads
from bench.registry import entries, load

HASHES = {  # the first 12 digits: a changed dataset must be noticed, and gets a new version
    "ring8": "c362f3b23dde",
    "grid25": "acd29f4d544e",
    "digits": "8910fbb7f896",
    "digits_binary": "8513a3959d42",
    "stacked_digits": "7f0867276f81",
    "iris": "7f115d2e0eb7",
    "wine": "ff8c909fdbad",
    "breast_cancer": "faad19a2ba32",
    "fashion_mnist": "1fb0acf9713f",
}
SIZES = {
    "ring8": (100_000, 2_500, 2_500),
    "grid25": (100_000, 2_500, 2_500),
    "digits": (1000, 398, 399),
    "digits_binary": (1000, 398, 399),
    "stacked_digits": (20_000, 2_000, 2_000),
    "iris": (90, 30, 30),
    "wine": (106, 36, 36),
    "breast_cancer": (341, 114, 114),
    "fashion_mnist": (50_000, 5_000, 10_000),
}


@pytest.fixture(scope="module", params=entries("dataset"))
def dataset(request):
    try:
        with without_downloads():
            return load("dataset", request.param)()
    except DataUnavailable as error:
        pytest.skip(str(error))


def test_splits_are_fixed_and_hashed(dataset):
    if dataset.name not in HASHES:
        pytest.skip("its files' own hashes are checked when they are read")
    assert (len(dataset.train), len(dataset.valid), len(dataset.test)) == SIZES[dataset.name]
    assert dataset.sha256[:12] == HASHES[dataset.name]


def test_values_lie_on_their_grid_and_rounding_keeps_them(dataset):
    x = dataset.train.x[:]
    assert x.dtype == torch.float32 and bool(torch.isfinite(x).all())
    if dataset.levels:
        assert float(x.min()) == 0.0 and float(x.max()) == 1.0
        assert torch.equal(dataset.to_grid(x), x)
        uniform = dataset.dequantize(x, seed=0)
        assert float(uniform.min()) >= 0 and float(uniform.max()) < 1
        assert torch.equal(dataset.to_grid(uniform, dequantized=True), x), "a floor undoes the uniform noise"
    else:
        assert torch.equal(dataset.to_grid(x), x)


def test_tables_are_standardised_by_train_and_stratified(dataset):
    if dataset.kind != "table":
        pytest.skip("not a table")
    assert float(dataset.train.x.mean(dim=0).abs().max()) < 1e-5
    assert dataset.train.x.std(dim=0).tolist() == pytest.approx([1.0] * dataset.shape[0], abs=1e-5)
    shares = [torch.bincount(s.y) / len(s) for s in (dataset.train, dataset.valid, dataset.test)]
    assert max(float((shares[0] - s).abs().max()) for s in shares) < 0.03


def test_no_held_out_digit_is_a_training_digit():
    """Distinct rows by content; digits has a few identical images by chance, none expected at 8x8 with 17 levels."""
    data = load("dataset", "digits")()
    seen = {row.numpy().tobytes() for row in data.train.x}
    assert not [row for row in torch.cat([data.valid.x, data.test.x]) if row.numpy().tobytes() in seen]


def test_stacked_digits_are_made_of_their_own_splits_digits():
    digits, stacked = load("dataset", "digits")(), load("dataset", "stacked_digits")()
    for part in ("train", "valid", "test"):
        own = {row.numpy().tobytes() for row in getattr(digits, part).x}
        channels = getattr(stacked, part).x[:200].reshape(-1, 1, 8, 8)
        assert all(row.numpy().tobytes() in own for row in channels)
    assert float(stacked.mode_prior.sum()) == pytest.approx(1.0)


def test_the_oracle_gives_rows_of_the_other_held_out_split(dataset):
    for board, other in (("public", dataset.test), ("private", dataset.valid)):
        rows = dataset.oracle(50, board=board, seed=3)
        assert rows.shape == (50, *dataset.shape)
        if dataset.law is None and dataset.fresh is None:
            known = {row.numpy().tobytes() for row in other.x}
            assert all(row.numpy().tobytes() in known for row in rows)


@pytest.mark.parametrize("name", ["ring8", "grid25"])
def test_the_law_is_a_density_with_the_entropy_of_its_draws(name):
    """Entropy of K separated Gaussians: ln K + ln(2 pi e sigma^2); -log p of 2,500 draws has a standard deviation of 1."""
    law = load("dataset", name)().law
    entropy = math.log(len(law.means)) + math.log(2 * math.pi * math.e * law.sigma**2)
    nll = -law.log_prob(law.sample(2500, seed=9))
    assert float(nll.mean()) == pytest.approx(entropy, abs=5 / 2500**0.5)
