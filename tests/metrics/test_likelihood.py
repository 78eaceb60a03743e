"""Units of likelihoods, their error over rows, and the columns that keep measures apart."""

import math

import pytest
import torch

from bench.metrics._evaluation import Evaluation
from bench.metrics.likelihood import bits
from bench.registry import load


def test_bits_of_uniform_codes():
    """A uniform law over 17 levels has log2 17 bits a dimension, as codes and as a density on [0, 1]."""
    nats = torch.tensor([64 * math.log(17)])
    assert float(bits(nats, dim=64)) == pytest.approx(math.log2(17))
    assert float(bits(torch.zeros(1), dim=64, levels=17)) == pytest.approx(math.log2(17))


def test_measures_have_columns_of_their_own():
    digits, iris = load("dataset", "digits")(), load("dataset", "iris")()

    def columns(dataset, measure, output="log_prob"):
        rows = len(dataset.valid)
        ev = Evaluation(dataset, {f"valid.{output}": torch.full((rows,), -3.0)}, board="public", measure=measure)
        names = (
            "nll",
            "nll_dequantized",
            "bits_per_dim",
            "bits_per_dim_dequantized",
            "nll_bound",
            "bits_per_dim_bound",
        )
        return {n for n in names if all(ev.has(need) for need in load("metric", n).needs)}

    assert columns(digits, "counting") == {"nll", "bits_per_dim"}
    assert columns(digits, "lebesgue") == {"nll_dequantized", "bits_per_dim_dequantized"}
    assert columns(iris, "lebesgue") == {"nll"}
    assert columns(digits, "counting", "elbo") == {"nll_bound", "bits_per_dim_bound"}


def test_the_error_over_rows_is_that_of_a_mean():
    """20 block means of 398 independent rows: their standard error is close to std / sqrt(n)."""
    digits = load("dataset", "digits")()
    values = -100 + 10 * torch.randn(len(digits.valid), generator=torch.Generator().manual_seed(0)).double()
    ev = Evaluation(digits, {"valid.log_prob": values}, board="public", measure="counting")
    estimate = load("metric", "nll")(ev)
    assert estimate.value == pytest.approx(-float(values.mean()))
    assert estimate.test_se == pytest.approx(10 / len(values) ** 0.5, rel=0.5)


def test_an_impossible_row_is_refused_with_its_position():
    digits = load("dataset", "digits")()
    values = torch.zeros(len(digits.valid))
    values[5] = -math.inf
    ev = Evaluation(digits, {"valid.log_prob": values}, board="public", measure="counting")
    with pytest.raises(ValueError, match=r"position \(5,\)"):
        load("metric", "nll")(ev)


def test_accuracy_counts():
    iris = load("dataset", "iris")()
    proba = torch.eye(3)[iris.valid.y]
    proba[0] = proba[0].roll(1)
    ev = Evaluation(iris, {"valid.proba": proba}, board="public")
    assert load("metric", "accuracy")(ev).value == pytest.approx(1 - 1 / len(iris.valid))


def test_the_gap_between_train_and_held_out_is_what_was_learned_by_heart():
    """Held-out values 1, 2, ..., training values 3 higher on average: a gap of 3 nats, whatever the board's size."""
    digits = load("dataset", "digits")()
    held_out = -torch.arange(398.0)
    outputs = {"valid.log_prob": held_out, "train.log_prob": torch.full((500,), float(held_out.mean()) + 3)}
    gap = load("metric", "nll_gap")(Evaluation(digits, outputs, board="public", measure="counting"))
    assert (gap.value, gap.n, len(gap.blocks)) == (pytest.approx(3), 398, 20)
    ev = Evaluation(digits, {"valid.log_prob": held_out}, board="public", measure="counting")
    assert not ev.has("train_log_prob"), "stored outputs of before have no column, and no error"


def test_a_narrow_kernel_density_has_learned_its_rows_by_heart():
    """KDE keeps a row's own kernel among its training rows; the narrower it is, the wider the gap."""
    iris = load("dataset", "iris")()
    model = load("model", "kde")
    gaps = []
    for bandwidth in (0.05, 0.5):
        fitted = model(bandwidth=bandwidth).fit(iris.train.x, iris.train.y, seed=0)
        outputs = {"valid.log_prob": fitted.log_prob(iris.valid.x), "train.log_prob": fitted.log_prob(iris.train.x)}
        gaps.append(load("metric", "nll_gap")(Evaluation(iris, outputs, board="public", measure="lebesgue")).value)
    assert gaps[0] > gaps[1] > 0
