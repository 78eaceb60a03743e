"""Hot paths under pytest-benchmark: `pytest tests/speed --benchmark-enable --benchmark-autosave --benchmark-compare`.

`test_calibration` is a matrix product: between two machines compare the others relative to it. Without --benchmark-enable each
runs once, as a plain test; nothing here asserts a time.
"""

import pytest
import torch

from bench.metrics.frechet import frechet_distance
from bench.metrics.kid import kernel_distance
from bench.registry import load


@pytest.fixture(scope="module")
def features():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(398, 64, generator=generator), torch.randn(398, 64, generator=generator)


@pytest.fixture(scope="module")
def digits():
    return load("dataset", "digits")()


def test_calibration(benchmark):
    x = torch.randn(512, 512, generator=torch.Generator().manual_seed(0))
    assert benchmark(lambda: x @ x).shape == (512, 512)


def test_frechet_distance(benchmark, features):
    assert benchmark(frechet_distance, *features) > 0


def test_kernel_distance(benchmark, features):
    assert len(benchmark(kernel_distance, *features)) == 2


@pytest.mark.parametrize("model", ["vanilla_gan", "dcgan", "made"])
def test_training_steps(benchmark, digits, model):
    """Twenty steps on digits, set-up in it."""
    cls = load("model", model)

    def steps():
        fresh = cls(levels=digits.levels, steps=20) if model == "made" else cls(steps=20)
        return sum(1 for _ in fresh.fit_steps(digits.train.x, digits.train.y, seed=0))

    assert benchmark.pedantic(steps, rounds=5) == 20


@pytest.mark.parametrize("model", ["vanilla_gan", "made"])
def test_sampling(benchmark, digits, model):
    """500 samples of a model that was hardly trained: its speed is the same."""
    cls = load("model", model)
    fitted = cls(levels=digits.levels, steps=2) if model == "made" else cls(steps=2)
    fitted.fit(digits.train.x, digits.train.y, seed=0)
    assert benchmark(lambda: fitted.sample(500, seed=0)).shape == (500, 1, 8, 8)
