"""Widths against brute force in one dimension, invariances, and what copies, noise and lost variety do."""

import math

import pytest
import torch
from scipy.optimize import minimize

from bench.metrics.fld import LEAST_WIDTH, Mixture, _squared, feature_likelihood, fit_widths

G = torch.Generator().manual_seed(0)
TRAIN, HELD = torch.randn(300, 4, generator=G), torch.randn(200, 4, generator=G)
FRESH = torch.randn(150, 4, generator=G)


def searched_terms(samples, train, held_out):
    """Means of both terms with widths found by a quasi-Newton search with bounds instead of rounds, from the same start."""
    mean, std = train.double().mean(dim=0), train.double().std(dim=0)
    g, t, h = ((rows.double() - mean) / std for rows in (samples, train, held_out))
    d, squared = g.shape[1], torch.cdist(t, g).square()
    start = float((squared.amin(dim=1).mean() / d).clamp(min=1e-12).log())

    def loss(log_variance):
        v = torch.tensor(log_variance, requires_grad=True)
        value = -Mixture(g, v).log_prob(t).mean()
        value.backward()
        return float(value.detach()), v.grad.numpy()

    bounds = [(start + 2 * math.log(LEAST_WIDTH), None)] * len(g)
    best = minimize(loss, [start] * len(g), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 2000})
    fitted = Mixture(g, torch.tensor(best.x))
    return tuple(float(fitted.log_prob(rows).mean()) * -100 / d for rows in (h, t))


def test_widths_by_rounds_give_the_likelihood_of_a_search():
    ours, theirs = feature_likelihood(FRESH, TRAIN, HELD), searched_terms(FRESH, TRAIN, HELD)
    assert float(ours[1].mean()) == pytest.approx(theirs[1], rel=0.01)
    assert float(ours[0].mean()) == pytest.approx(theirs[0], rel=0.02)


def test_the_density_integrates_to_one():
    mixture = Mixture(torch.tensor([[0.0], [1.0]]).double(), torch.tensor([0.0, -2.0]).double())
    grid = torch.linspace(-12, 12, 24_001, dtype=torch.float64)[:, None]
    assert float(mixture.log_prob(grid).exp().sum() * 0.001) == pytest.approx(1, abs=1e-9)


def test_one_width_in_one_dimension_is_the_maximum_of_the_likelihood():
    """With one centre eq. (4) has the closed form: the mean square distance."""
    train = torch.tensor([[0.0], [1.0], [3.0]])
    mixture = fit_widths(train, torch.tensor([[1.0]]))
    assert float(mixture.log_variance.exp()) == pytest.approx((1 + 0 + 4) / 3, rel=1e-9)


def test_two_widths_are_those_of_a_search_by_brute_force():
    """A grid over both logarithms; the likelihood that the rounds reach is at most what one more of them would gain below it."""
    train = torch.cat([0.3 * torch.randn(200, 1, generator=G), 4 + torch.randn(200, 1, generator=G)])
    centres = torch.tensor([[0.0], [4.0]])
    best = float(fit_widths(train, centres).log_prob(train).mean())
    grid = torch.linspace(-5, 2, 141, dtype=torch.float64)
    searched = max(
        float(Mixture(centres.double(), torch.stack([a, b])).log_prob(train).mean()) for a in grid for b in grid[::2]
    )
    assert best == pytest.approx(searched, abs=2e-3)


def test_order_and_scale_change_nothing():
    value = feature_likelihood(FRESH, TRAIN, HELD)[0].mean()
    order = torch.randperm(len(FRESH), generator=G)
    assert float(feature_likelihood(FRESH[order], TRAIN, HELD)[0].mean()) == pytest.approx(float(value), rel=1e-6)
    moved = [rows * torch.tensor([2.0, 0.5, 3.0, 1.0]) + 7 for rows in (FRESH, TRAIN, HELD)]
    assert float(feature_likelihood(*moved)[0].mean()) == pytest.approx(float(value), rel=1e-4)


def gap(samples):
    held_out, train = feature_likelihood(samples, TRAIN, HELD)
    return float(held_out.mean() - train.mean())


def test_copies_raise_the_gap_and_only_they():
    copies, half = gap(TRAIN[:150]), gap(torch.cat([TRAIN[:75], FRESH[:75]]))
    assert copies > 100 and 30 < half < copies
    assert abs(gap(FRESH)) < 15 and abs(gap(FRESH + 0.3 * torch.randn(FRESH.shape, generator=G))) < 15


def test_noise_and_lost_variety_raise_the_divergence():
    value = lambda samples: float(feature_likelihood(samples, TRAIN, HELD)[0].mean())
    noise = torch.randn(FRESH.shape, generator=G)
    assert value(FRESH) < value(FRESH + noise) < value(FRESH + 3 * noise)
    assert value(FRESH) < value(FRESH[:10].repeat(15, 1)) < value(FRESH[:1].repeat(150, 1))


def test_a_constant_feature_counts_for_nothing_and_bad_rows_are_refused():
    with_constant = [torch.cat([rows, torch.full((len(rows), 1), 0.1)], dim=1) for rows in (FRESH, TRAIN, HELD)]
    torch.testing.assert_close(feature_likelihood(*with_constant)[0], feature_likelihood(FRESH, TRAIN, HELD)[0])
    with pytest.raises(ValueError, match="samples holds nan"):
        feature_likelihood(FRESH * math.nan, TRAIN, HELD)


def test_distances_from_products_are_those_of_differences_copies_included():
    """A copy is at exactly 0, one a millionth off at 1e-12 of its squared length, which products alone cannot tell from 0."""
    generator = torch.Generator().manual_seed(3)
    rows = torch.randn(50, 20, generator=generator).double()
    others = torch.cat([rows[:10], rows[10:20] * (1 + 1e-6), torch.randn(30, 20, generator=generator).double()])
    found, expected = _squared(rows, others), (rows[:, None] - others).square().sum(dim=2)
    assert (found.diagonal()[:10] == 0).all()
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=0)
