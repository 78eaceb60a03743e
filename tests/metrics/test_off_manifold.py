"""The off-manifold cell: what falls into it, and that noise no longer looks like balanced modes."""

from dataclasses import replace

import pytest
import torch

from bench.metrics._controls import controls
from bench.metrics._evaluation import Evaluation
from bench.metrics.modes import mode_kl
from bench.metrics.off_manifold import mode_kl_off, outside_every_ball, parts_of
from bench.registry import load


def test_balls_of_a_line_reach_to_their_kth_neighbour():
    """Rows 0..9, k = 2: the balls of the inner rows have radius 1, of the outer ones 2, and an edge is outside."""
    rows = torch.arange(10.0)[:, None]
    samples = torch.tensor([[-2.0], [-1.9], [4.0], [10.9], [11.0]])
    assert outside_every_ball(samples, rows, k=2).tolist() == [True, False, False, False, True]
    with pytest.raises(ValueError, match="expected more than 5 different rows, got 3"):
        outside_every_ball(samples, rows[:3])


def test_a_part_is_a_channel_group_of_one_image():
    x = torch.arange(2 * 3 * 4.0).reshape(2, 3, 2, 2)
    assert torch.equal(parts_of(x, 3)[4], x[1, 1].flatten()) and torch.equal(parts_of(x, 1)[1], x[1].flatten())


def test_noise_gains_nothing_from_a_classifier_that_calls_it_digits():
    digits = load("dataset", "stacked_digits")()
    rungs = controls(digits)
    value = lambda metric, rung: metric(Evaluation(digits, {"samples": rungs[rung]}, board="public")).value
    assert value(mode_kl, "one gaussian") < 1.5 * value(mode_kl, "real"), "the histogram alone is fooled"
    assert value(mode_kl_off, "one gaussian") > 3 * value(mode_kl_off, "real")
    assert value(mode_kl_off, "real") == pytest.approx(value(mode_kl, "real"), rel=0.1)


def test_the_cells_true_mass_is_that_of_the_other_split():
    """Where held-out rows are outside as often as samples are, the cell adds nothing: samples are the other split."""
    digits = load("dataset", "digits")()
    ev = Evaluation(replace(digits, test=digits.valid), {"samples": digits.valid.x}, board="public")
    assert mode_kl_off(ev).value == pytest.approx(mode_kl(ev).value, abs=0.01)
