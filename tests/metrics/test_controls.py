"""The control ladder: what the rungs are, and that every embedded dataset's primary metric keeps its orders and is not saturated."""

import pytest
import torch

from bench.metrics._controls import ORDERS, SPREAD, answers_of, board_of, controls, violated
from bench.metrics._score import metric_of
from bench.registry import load

SAMPLE_BOARDS = ("ring8", "grid25", "digits", "stacked_digits", "breast_cancer")


def answers(name, metric):
    return answers_of(load("dataset", name)(), (metric,))[metric]


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE_BOARDS)
def test_the_primary_metric_keeps_the_orders_and_is_not_saturated(name):
    primary = load("dataset", name)().primary
    values = answers(name, primary)
    assert violated(values, better=metric_of(primary).better) == []
    if metric_of(primary).scale == "log":
        assert values["one gaussian"] > SPREAD * values["real"]
        assert values["one example"] > SPREAD * values["one gaussian"], "something worse is still seen to be worse"


@pytest.mark.parametrize(
    ("name", "metric", "broken"),
    [
        ("digits", "fid_lenet", "low contrast"),
        ("ring8", "mode_jsd", "one example"),
    ],
)
def test_the_old_primary_metrics_break_an_order(name, metric, broken):
    assert any(broken in words for words in violated(answers(name, metric)))


def test_rungs_are_what_their_names_say():
    data = load("dataset", "digits")()
    rungs, real = controls(data), board_of(data).test
    assert torch.equal(rungs["real"], real.x)
    assert all(rows.shape == real.x.shape and torch.equal(data.to_grid(rows), rows) for rows in rungs.values())
    away = [float((rungs[f"{size} noise"] - real.x).square().mean()) for size in ("light", "middle", "heavy")]
    assert 0 < away[0] < away[1] < away[2]
    train = {row.numpy().tobytes() for row in data.train.x}
    among = lambda rows: sum(row.numpy().tobytes() in train for row in rows) / len(rows)
    assert among(rungs["copies"]) == 1 and among(rungs["half copies"]) == pytest.approx(0.5, abs=0.01)
    assert among(rungs["averages"]) == 0 and len(rungs["one example"].unique(dim=0)) == 1
    means = [rungs[name].mean(dim=0) for name in ("independent", "copies")]
    torch.testing.assert_close(means[0], means[1], atol=0.08, rtol=0)  # 4 sd of a pixel / sqrt(398)


def test_the_same_seed_gives_the_same_rungs():
    data = load("dataset", "iris")()
    first, second, other = controls(data), controls(data), controls(data, seed=1)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["middle noise"], other["middle noise"])


def test_a_contradicted_order_is_told_in_words():
    values = {"real": 2.0, "blur": 1.0, "shift": 3.0}
    assert violated(values) == ["real (2) is not better than blur (1)"]
    assert violated(values, better="higher") == ["real (2) is not better than shift (3)"]
    assert {rung for pair in ORDERS for rung in pair} <= controls(load("dataset", "digits")()).keys()
