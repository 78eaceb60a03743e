"""Copies of training rows: flagged when they are, and not flagged when they are not, over 100 draws each."""

import math

import pytest
import torch

from bench.metrics._evaluation import Evaluation
from bench.metrics.copies import copy_excess_of, different_rows, is_copy, nearest
from bench.registry import load


@pytest.fixture(scope="module")
def rows():
    """Training rows and the 797 held-out rows of digits, flattened."""
    data = load("dataset", "digits")()
    return data.train.x.flatten(1), torch.cat([data.valid.x, data.test.x]).flatten(1)


def test_nearest_by_hand():
    x = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
    distance, index = nearest(torch.tensor([[0.0, 0.1]]), x)
    assert (float(distance), int(index)) == (pytest.approx(0.1), 0)
    assert nearest(x, x, own=True)[0].tolist() == pytest.approx([1.0, math.hypot(3, 3), 1.0])


def test_a_point_nearer_than_the_rows_own_neighbour_is_a_copy():
    train = torch.tensor([[0.0], [1.0], [10.0]])
    spacing = nearest(train, train, own=True)[0]
    assert is_copy(torch.tensor([[0.4], [1.6], [2.5], [12.0]]), train, spacing).tolist() == [True, True, False, True]


def test_a_copy_of_a_row_that_stands_twice_is_a_copy(rows):
    """Every training row three times: its nearest row has distance 0, the nearest that differs has not."""
    train, held_out = rows
    assert copy_excess_of(train[:398], held_out[:398], train.repeat(3, 1)) == copy_excess_of(
        train[:398], held_out[:398], train
    )
    assert torch.equal(different_rows(train.repeat(3, 1)), train)
    assert len(different_rows(torch.tensor([[0.0, 1.0], [-0.0, 1.0], [1.0, 0.0]]))) == 2


def test_training_images_are_always_flagged(rows):
    train, held_out = rows
    for seed in range(100):
        generator = torch.Generator().manual_seed(seed)
        copies = train[torch.randperm(len(train), generator=generator)[:398]]
        excess, bound = copy_excess_of(copies, held_out[torch.randperm(797, generator=generator)[:398]], train)
        assert bound > 0
        assert 0.45 < excess < 0.65, "1.00 less the 0.42 to 0.46 of held-out digits"


def test_held_out_images_are_flagged_no_more_often_than_a_99_percent_bound_allows(rows):
    """Two disjoint halves of the held-out rows, 100 times: at most 4 alarms (a chance of 0.3 % at a level of 1 %)."""
    train, held_out = rows
    alarms = 0
    for seed in range(100):
        order = torch.randperm(797, generator=torch.Generator().manual_seed(seed))
        alarms += copy_excess_of(held_out[order[:398]], held_out[order[398:796]], train)[1] > 0
    assert alarms <= 4


def test_the_board_names_a_copycat_and_no_oracle():
    data = load("dataset", "digits")()
    metric = load("metric", "copy_excess")
    copies = data.train.x[torch.randint(1000, (1990,), generator=torch.Generator().manual_seed(0))]
    assert metric(Evaluation(data, {"samples": copies}, board="public")).note.startswith("close to training rows")
    honest = data.oracle(1990, board="public", seed=0)
    assert metric(Evaluation(data, {"samples": honest}, board="public")).note == ""


def test_bad_rows_are_refused():
    x = torch.zeros(3, 2)
    with pytest.raises(ValueError, match=r"samples holds nan at position \(0, 1\)"):
        copy_excess_of(torch.tensor([[0.0, math.nan]]), x, x)
    with pytest.raises(ValueError, match="at least 2 different training rows, got 1"):
        copy_excess_of(x, x, x)
