"""Noise, blur and copies on a real board: which columns and flags give them away."""

import pytest
import torch

from bench.metrics._evaluation import Evaluation
from bench.registry import load


@pytest.fixture(scope="module")
def digits():
    return load("dataset", "digits")()


def value(name, data, samples):
    space = [name.rpartition("_")[2]] if load("metric", name).spaces else []
    return load("metric", name)(Evaluation(data, {"samples": samples}, board="private"), *space)


def test_noise_is_far_off_and_imprecise(digits):
    generator = torch.Generator().manual_seed(0)
    noise = digits.to_grid(torch.rand(1995, 1, 8, 8, generator=generator))
    real = digits.oracle(1995, board="private", seed=0)
    assert value("fid_lenet", digits, noise).value > 20 * value("fid_lenet", digits, real).value
    assert value("precision_lenet", digits, noise).value < 0.5 * value("precision_lenet", digits, real).value
    assert value("coverage_lenet", digits, noise).value < 0.2


def test_blur_keeps_precision_and_loses_coverage(digits):
    """The mean image of each class, repeated."""
    means = torch.stack([digits.train.x[digits.train.y == k].mean(dim=0) for k in range(10)])
    blur = digits.to_grid(means[torch.arange(1995) % 10])
    real = digits.oracle(1995, board="private", seed=0)
    assert value("recall_lenet", digits, blur).value < 0.2
    assert value("coverage_lenet", digits, blur).value < 0.5 * value("coverage_lenet", digits, real).value
    assert value("fid_lenet", digits, blur).value > 3 * value("fid_lenet", digits, real).value


def test_copies_are_good_by_every_distance_and_flagged(digits):
    copies = digits.train.x[torch.randint(1000, (1995,), generator=torch.Generator().manual_seed(0))]
    assert value("fid_lenet", digits, copies).value < 2, "as good as real data"
    assert value("exact_copies", digits, copies).note.startswith("exact copies: 100%")
