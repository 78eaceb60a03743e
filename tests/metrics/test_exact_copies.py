"""Exact copies counted on the data's grid and in float32, less what held-out rows share with training rows."""

from dataclasses import replace

import pytest
import torch

from bench.datasets import Split
from bench.metrics._evaluation import Evaluation
from bench.metrics.exact_copies import exact_copies, is_exact_copy
from bench.registry import load


@pytest.mark.parametrize("name", ["digits", "iris", "wine", "digits_binary"])
def test_the_share_of_copies_is_counted(name):
    data = load("dataset", name)()
    n = len(data.valid)
    k = n // 3
    base = float(is_exact_copy(data.valid.x, data).double().mean())
    samples = torch.cat([data.train.x[:k], data.valid.x[k:]])
    rest = float(is_exact_copy(data.valid.x[k:], data).double().sum())
    assert exact_copies(Evaluation(data, {"samples": samples}, board="public")).value == pytest.approx(
        (k + rest) / n - base
    )


def test_a_copy_is_one_on_the_grid_whatever_the_floats_say():
    data = load("dataset", "digits")()
    assert bool(is_exact_copy(data.train.x[:5] + 1e-3, data).all())
    assert not bool(is_exact_copy((data.train.x[:5] + 1 / 16).clamp(max=1), data).any())


def test_a_blank_image_that_train_holds_accuses_nobody():
    """Held-out rows have as many of them."""
    data = load("dataset", "digits")()
    blank = torch.zeros(100, 1, 8, 8)
    board = replace(data, train=Split(torch.cat([data.train.x, blank]), None), valid=Split(blank, None))
    assert exact_copies(Evaluation(board, {"samples": blank}, board="public")).value == 0
