"""W1 against translations, permutations, a brute force, its dual, and Gaussians' closed form in one dimension."""

from dataclasses import replace
from itertools import permutations

import pytest
import torch
from scipy.optimize import linear_sum_assignment, linprog

from bench.datasets import Split
from bench.metrics._evaluation import Evaluation
from bench.metrics.wasserstein import smooth_potentials, w1, wasserstein_1
from bench.registry import load

G = torch.Generator().manual_seed(0)
X, Y = torch.randn(200, 2, generator=G), 1.5 * torch.randn(200, 2, generator=G) + 1


def by_linear_programme(x, y):
    """Equation (1) over all couplings with equal masses, by a solver that knows no assignments (HiGHS)."""
    n = len(x)
    cost = (x.double()[:, None] - y.double()[None]).norm(dim=2).flatten()
    sums = torch.cat([torch.eye(n).repeat_interleave(n, dim=1), torch.eye(n).repeat(1, n)])
    return float(linprog(cost.numpy(), A_eq=sums.numpy(), b_eq=[1 / n] * (2 * n), bounds=(0, None)).fun)


def test_it_is_the_least_of_all_couplings():
    assert wasserstein_1(X[:30], Y[:30])[0] == pytest.approx(by_linear_programme(X[:30], Y[:30]), rel=1e-9)


def test_a_translation_costs_its_length_and_order_nothing():
    moved = X + torch.tensor([3.0, 4.0])
    assert wasserstein_1(X, moved[torch.randperm(200, generator=G)])[0] == pytest.approx(5, rel=1e-6)
    assert wasserstein_1(X, X[torch.randperm(200, generator=G)])[0] == 0


def test_it_is_the_least_of_all_assignments():
    x, y = X[:6].double(), Y[:6].double()
    best = min(float((x - y[list(p)]).norm(dim=1).mean()) for p in permutations(range(6)))
    assert wasserstein_1(x, y)[0] == pytest.approx(best, rel=1e-12)


def test_the_potentials_certify_the_assignment():
    """Feasible potentials whose sum is the cost: no assignment costs less (weak duality of eq. (2))."""
    for x, y in ((X, Y), (X, X.clone()), (X[:1], Y[:1]), (X, Y[:1].expand(200, 2))):
        value, u = wasserstein_1(x, y)
        v = (torch.cdist(x.double(), y.double(), compute_mode="donot_use_mm_for_euclid_dist") - u[:, None]).amin(dim=0)
        assert float(u.mean() + v.mean()) == pytest.approx(value, abs=1e-9)


def test_what_is_subtracted_from_the_costs_leaves_the_least_as_it_is():
    """Points in far clusters, on a lattice, repeated, and a thousand times as far away, against the bare solver."""
    clusters = 10 * torch.randint(3, (200, 2), generator=G) + 0.1 * X
    for x, y in ((clusters, Y), (X, 1000 * Y), ((2 * X).round(), (2 * Y).round()), (X, Y[:3].repeat(67, 1)[:200])):
        cost = torch.cdist(x.double(), y.double(), compute_mode="donot_use_mm_for_euclid_dist").numpy()
        rows, partner = linear_sum_assignment(cost)
        assert wasserstein_1(x, y)[0] == pytest.approx(cost[rows, partner].mean(), rel=1e-12)
        reduced = cost - smooth_potentials(cost)
        rows, partner = linear_sum_assignment(reduced)
        searched = reduced.min(axis=1).sum() + (reduced - reduced.min(axis=1)[:, None]).min(axis=0).sum()
        assert reduced[rows, partner].sum() - searched < 0.1 * cost[rows, partner].sum(), "little is left to search"


def test_gaussians_in_one_dimension_have_the_closed_form():
    """W1(N(0, 1), N(0, s^2)) = |s - 1| sqrt(2 / pi); quantiles of 1,001 points leave out tails that weigh below one percent."""
    quantiles = torch.distributions.Normal(0.0, 1.0).icdf((torch.arange(1001).double() + 0.5) / 1001)[:, None]
    assert wasserstein_1(quantiles, 3 * quantiles)[0] == pytest.approx(2 * (2 / torch.pi) ** 0.5, rel=0.01)


def test_the_column_uses_every_row_and_its_error_is_that_of_fresh_rows():
    """Mean jackknife error against the spread over fresh real points; 24 of them know a standard deviation to 15 %."""
    ring = load("dataset", "ring8")()
    estimates = []
    for seed in range(24):
        board = replace(ring, valid=Split(ring.law.sample(300, seed=seed)))
        estimates.append(w1(Evaluation(board, {"samples": ring.test.x[:300] * 1.3}, board="public")))
    spread = torch.tensor([e.value for e in estimates]).std()
    assert 0.5 < sum(e.test_se for e in estimates) / 24 / float(spread) < 2
    whole = w1(Evaluation(ring, {"samples": ring.test.x}, board="public"))
    assert whole.n == 1250 and len(whole.blocks) == 20


def test_bad_points_are_refused():
    with pytest.raises(ValueError, match="expected as many samples as real points and at least one, got 3 and 200"):
        wasserstein_1(X, Y[:3])
    with pytest.raises(ValueError, match="samples holds nan"):
        wasserstein_1(X, Y * float("nan"))
