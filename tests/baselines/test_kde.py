"""KDE against scikit-learn's exact mode, brute force and the closed form of its bandwidth search."""

import math

import numpy as np
import pytest
import torch
from sklearn.neighbors import KernelDensity

from baselines import kde
from baselines.kde import KDE, bandwidth_scores, equal_rows, log_density
from bench.registry import load


@pytest.mark.parametrize("bandwidth", [0.05, 0.1, 0.3, 1.0])
def test_log_density_equals_scikit_learns_exact_mode_on_digits(bandwidth):
    """leaf_size >= n switches its tree off; 1e-6 absolute is the issue's tolerance."""
    data = load("dataset", "digits")()
    rows, queries = data.train.x.flatten(1).double(), data.valid.x.flatten(1).double()
    exact = KernelDensity(bandwidth=bandwidth, leaf_size=len(rows)).fit(rows.numpy()).score_samples(queries.numpy())
    ours = log_density(rows, queries, bandwidth).numpy()
    assert np.abs(ours - exact).max() < 1e-6


@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_log_density_in_2d_far_from_the_origin(shift):
    """Distances from products lose 1e8 * 1e-16 * 1/h^2 = 1e-4 at a shift of 1e4 unless the rows are centred."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(500, 2, generator=generator, dtype=torch.float64)
    queries = torch.randn(50, 2, generator=generator, dtype=torch.float64)
    brute = [
        math.log(sum(math.exp(-float((q - r).square().sum()) / (2 * 0.01)) for r in rows) / (500 * 2 * math.pi * 0.01))
        for q in queries
    ]
    assert log_density(rows + shift, queries + shift, 0.1).tolist() == pytest.approx(brute, abs=1e-6)


def test_bandwidth_scores_equal_a_leave_one_out_by_hand():
    rows = torch.randn(40, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    scores = bandwidth_scores(rows, rows, largest=2.0, skip_self=True, count=8)
    for h, score in scores.items():
        by_hand = [
            float(log_density(torch.cat([rows[:i], rows[i + 1 :]]), rows[i : i + 1], h)) for i in range(len(rows))
        ]
        assert score == pytest.approx(np.mean(by_hand), abs=1e-5), "float32 kernels, squared 7 times: 2^7 x 6e-8"
    ratios = sorted(scores)
    assert ratios[1] / ratios[0] == pytest.approx(2**0.5)


def test_the_chosen_bandwidth_on_digits_is_the_best_of_a_finer_search():
    data = load("dataset", "digits")()
    model = KDE().fit(data.dequantize(data.train.x, seed=0), seed=0)
    rows = model.rows_

    def leave_one_out(h):
        return bandwidth_scores(rows, rows, largest=h, skip_self=True, count=1)[h]

    chosen = leave_one_out(model.bandwidth_)
    assert all(leave_one_out(model.bandwidth_ * factor) <= chosen for factor in (0.7, 1.4))
    assert 0.1 < model.bandwidth_ < 0.2, "SCIENCE.md: 0.138 on this data"


def test_samples_follow_the_density():
    """KL of two histograms over 20 bins at 20,000 draws is about 19/40,000; mean and variance within 4 standard errors."""
    x = torch.tensor([[-2.0], [0.0], [3.0]])
    model = KDE(bandwidth=0.5).fit(x, seed=0)
    samples = model.sample(20_000, seed=1)
    variance = float(x.var(unbiased=False)) + 0.25
    assert float(samples.mean()) == pytest.approx(1 / 3, abs=4 * math.sqrt(variance / 20_000))
    grid = torch.linspace(-6, 7, 2001, dtype=torch.float64)[:, None]
    assert float(model.log_prob(grid).exp().sum() * 13 / 2000) == pytest.approx(1.0, abs=1e-6)


def test_kde_bayes_on_iris_is_as_good_as_published():
    """SCIENCE.md: .949 by cross-validation at h = .5; one split of 30 rows has a standard error of 4 %."""
    data = load("dataset", "iris")()
    proba = KDE(bandwidth=0.5).fit(data.train.x, data.train.y, seed=0).predict_proba(data.valid.x)
    assert float((proba.argmax(dim=1) == data.valid.y).double().mean()) >= 0.949 - 3 * 0.04
    assert torch.allclose(proba.sum(dim=1), torch.ones(len(proba), dtype=proba.dtype))


@pytest.mark.parametrize("bad", [0, -1.0, "silverman"])
def test_a_bad_bandwidth_is_refused(bad):
    with pytest.raises(ValueError, match=f"bandwidth must be > 0.*got {bad!r}"):
        KDE(bandwidth=bad)


def scores_by_hand(rows, bandwidth):
    """Mean log-density of each row under the kernels of the rows that differ from it."""
    found = []
    for row in rows:
        others = rows[(rows != row).any(dim=1)]
        found.append(float(log_density(others, row[None], bandwidth)))
    return np.mean(found)


def test_equal_rows_are_left_out_together():
    """Each row twice: leave-one-out chose 0.002 and gave fresh rows 296 nats, where the truth has 1.42."""
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(150, 1, generator=generator, dtype=torch.float64)
    once, twice = KDE().fit(values, seed=0), KDE().fit(values.repeat_interleave(2, dim=0), seed=0)
    assert twice.bandwidth_ == pytest.approx(once.bandwidth_, rel=0.01), "the grids differ by the variance's n - 1"
    fresh = torch.randn(2000, 1, generator=generator, dtype=torch.float64)
    assert -float(twice.log_prob(fresh).mean()) == pytest.approx(0.5 * math.log(2 * math.pi * math.e), abs=0.06)


def test_scores_of_tied_rows_equal_a_sum_by_hand():
    rows = torch.randint(0, 4, (40, 2), generator=torch.Generator().manual_seed(1)).double()
    ids = equal_rows(rows)
    assert len(ids.unique()) == len(rows.unique(dim=0)) < 40
    scores = bandwidth_scores(rows, rows, largest=2.0, skip_self=True, count=4, tied=(ids, ids))
    assert [scores[h] for h in scores] == pytest.approx([scores_by_hand(rows, h) for h in scores], abs=1e-5)


def test_equal_rows_are_left_out_of_held_out_rows_too(monkeypatch):
    """More rows than EXACT_LOO: the bandwidth is chosen on rows held out of train, whose copies are still in it."""
    monkeypatch.setattr(kde, "EXACT_LOO", 100)
    values = torch.randn(300, 1, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    model = KDE().fit(values.repeat_interleave(4, dim=0), seed=0)
    assert 0.1 < model.bandwidth_ < 1.0


@pytest.mark.parametrize("value", [0.0, 0.1, -3.0])
def test_constant_data_is_refused_in_words(value):
    """It was "math domain error"."""
    with pytest.raises(
        ValueError, match=r"all 20 rows are equal, so that no bandwidth is best; set bandwidth to a number > 0"
    ):
        KDE().fit(torch.full((20, 3), value), seed=0)


def test_scotts_rule_leaves_a_column_alone_that_is_constant_within_rounding():
    """The deviation of 41 times 0.1 computes to 1e-17, which is not 0: kernels so narrow give 38 nats too many."""
    column = torch.full((41, 1), 0.1, dtype=torch.float64)
    assert float(column.std(dim=0)) > 0, "else this test shows nothing"
    assert KDE(bandwidth="scott").fit(column, seed=0).scale_.tolist() == [1.0]
    x = torch.randn(41, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    noisy = 1e6 * (1 + torch.finfo(torch.float64).eps * (torch.arange(41) % 3).double()[:, None])
    scale = KDE(bandwidth="scott").fit(torch.cat([x, noisy], dim=1), seed=0).scale_
    assert scale[2] == 1.0 and torch.equal(scale[:2], torch.cat([x, noisy], dim=1).std(dim=0)[:2])


def test_a_class_without_rows_has_probability_0():
    x, y = torch.randn(30, 2, generator=torch.Generator().manual_seed(4)), torch.arange(30) % 2 * 2
    proba = KDE(bandwidth=0.5).fit(x, y, seed=0).predict_proba(x)
    assert proba.shape == (30, 3) and (proba[:, 1] == 0).all()


def test_max_rows_keeps_kernels_on_some_of_the_rows_with_their_labels():
    x, y = torch.randn(300, 2, generator=torch.Generator().manual_seed(5)), torch.arange(300) % 2
    model = KDE(bandwidth=0.5, max_rows=100).fit(x, y, seed=0)
    where = torch.cdist(model.rows_, x.double(), compute_mode="donot_use_mm_for_euclid_dist").argmin(dim=1)
    assert len(where.unique()) == 100 and torch.equal(x[where].double(), model.rows_)
    assert torch.equal(model.labels_, y[where])
    assert KDE(bandwidth=0.5, max_rows=400).fit(x, y, seed=0).rows_.shape == (300, 2)
    with pytest.raises(ValueError, match="max_rows must be at least 2, or None for all, got 1"):
        KDE(max_rows=1)


def test_the_bandwidth_of_many_rows_is_chosen_by_strips_of_32_queries(monkeypatch):
    """Strips of one query, read from memory 200 times, took 8 s on 50,000 images of 28x28; the scores are the same."""
    rows = torch.randn(500, 3, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    sizes = [len(squared) for _, squared in kde._squared_distances(rows[:70], rows)]
    monkeypatch.setattr(kde, "ROWS", 1)  # 256 numbers at a time: less than one query
    assert [len(squared) for _, squared in kde._squared_distances(rows[:70], rows)] == [32, 32, 6] != sizes
