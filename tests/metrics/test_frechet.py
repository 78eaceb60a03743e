"""Frechet distance against pytorch-fid, torch-fidelity and the closed form, on well- and ill-conditioned inputs."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.features._torchvision import import_torchvision
from bench.metrics import _gaussians, block_of_rows, pseudo_values
from bench.metrics._gaussians import roots_of_eigenvalues, squared_cross
from bench.metrics.frechet import distance_of, frechet_distance, leave_out, moments, row_influence

import_torchvision()
from pytorch_fid.fid_score import calculate_frechet_distance  # noqa: E402
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric  # noqa: E402


def normal(n, d, *, seed, scale=1.0, shift=0.0):
    return torch.as_tensor(np.random.default_rng(seed).standard_normal((n, d))) * scale + shift


def mixed(n, d, *, seed):
    """Correlated columns with scales from 0.01 to 100."""
    rng = np.random.default_rng(seed)
    return torch.as_tensor(rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) * np.logspace(-2, 2, d) / d**0.5)


def heavy(n, d, *, seed):
    return torch.as_tensor(np.random.default_rng(seed).standard_t(2.5, (n, d)))


CASES = {
    "normal": (normal(500, 16, seed=0), normal(400, 16, seed=1, scale=1.3, shift=0.2)),
    "correlated": (mixed(600, 24, seed=2), mixed(600, 24, seed=3)),
    "heavy tails": (heavy(800, 12, seed=4), heavy(700, 12, seed=5)),
    "wide": (normal(900, 300, seed=6), normal(900, 300, seed=7, scale=0.8)),
}
DEFICIENT = {
    "N < D": (normal(40, 100, seed=8), normal(60, 100, seed=9, shift=0.5)),
    "constant columns": (torch.cat([normal(200, 4, seed=10), torch.ones(200, 4)], dim=1), normal(200, 8, seed=11)),
    "one repeated row": (normal(100, 8, seed=12), normal(1, 8, seed=13).expand(100, 8)),
    "collapsed": (normal(700, 300, seed=18), normal(8, 300, seed=19).repeat(90, 1)),
    "low rank": (normal(300, 3, seed=14) @ normal(3, 20, seed=15), normal(300, 3, seed=16) @ normal(3, 20, seed=17)),
}


def nuclear(x, y):
    """|m1 - m2|^2 + |A|^2 + |B|^2 - 2 |A B^T|_*, A and B the centred rows over sqrt(n - 1): no square root of a product."""
    a, b = ((v.double() - v.double().mean(dim=0)).numpy() / (len(v) - 1) ** 0.5 for v in (x, y))
    shift = float((x.double().mean(dim=0) - y.double().mean(dim=0)).square().sum())
    return shift + (a**2).sum() + (b**2).sum() - 2 * np.linalg.svd(a @ b.T, compute_uv=False).sum()


@pytest.mark.parametrize("case", CASES)
def test_agrees_with_pytorch_fid_and_torch_fidelity(case):
    x, y = CASES[case]
    ours = frechet_distance(x, y)
    (mu1, s1), (mu2, s2) = ((v.numpy().mean(axis=0), np.cov(v.numpy(), rowvar=False)) for v in (x, y))
    assert ours == pytest.approx(calculate_frechet_distance(mu1, s1, mu2, s2), rel=1e-6)
    statistics = [fid_features_to_statistics(v) for v in (x, y)]
    theirs = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert ours == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("case", [*CASES, *DEFICIENT])
def test_agrees_with_the_closed_form(case):
    x, y = {**CASES, **DEFICIENT}[case]
    assert frechet_distance(x, y) == pytest.approx(nuclear(x, y), rel=1e-6)


@pytest.mark.parametrize("case", [*CASES, *DEFICIENT])
def test_identity_and_symmetry(case):
    x, y = {**CASES, **DEFICIENT}[case]
    size = float(x.double().square().sum(dim=1).mean())
    assert frechet_distance(x, x) <= 1e-8 * size
    assert frechet_distance(x, y) == pytest.approx(frechet_distance(y, x), rel=1e-9)


@pytest.mark.parametrize("decay", [0, 1, 2, 4])
@pytest.mark.parametrize("n", [300, 513, 2000])
def test_the_error_of_the_eigenvalues_is_not_underestimated_where_spectra_are_alike(n, decay):
    """Spectra from flat to falling as k^-8, fewer rows than columns, one more, and many more; against singular values."""
    d = 512
    rng = np.random.default_rng(n + decay)
    mix = np.arange(1.0, d + 1)[:, None] ** -decay * rng.standard_normal((d, d)) / d**0.5
    real, fake = (moments(torch.from_numpy(rng.standard_normal((n, d)) @ mix + shift)) for shift in (0.1, 0.2))
    roots, error = roots_of_eigenvalues(squared_cross(real, fake))
    exact = np.linalg.svd(real.factor.numpy() @ fake.factor.numpy().T, compute_uv=False).sum()
    assert abs(roots - exact) <= error


@pytest.mark.parametrize("ratio", [1e2, 1e4, 1e6])
def test_sides_that_are_large_in_different_directions(ratio):
    """The sum of roots is then off by far more than its estimate, and does not matter beside the traces."""
    x, y = normal(1000, 300, seed=30), normal(1000, 300, seed=31)
    x[:, :150] *= ratio
    y[:, 150:] *= ratio
    assert frechet_distance(x, y) == pytest.approx(nuclear(x, y), rel=1e-9)


def test_small_columns_beside_a_large_one_count():
    """The large column is the same on both sides, so that the distance is all in the small ones."""
    x, y = 1.5e-7 * normal(1000, 300, seed=32), 1e-6 * normal(1000, 300, seed=33)
    y[:, 0] = x[:, 0] = normal(1000, 1, seed=34)[:, 0]
    spread = [np.linalg.svd(v.numpy() - v.numpy().mean(axis=0), compute_uv=False)[1:] for v in (x, y)]
    assert frechet_distance(x, y) == pytest.approx(nuclear(x, y), rel=1e-3)
    assert len(moments(x).factor) == 300 and min(spread[0]) > 0
    deficient = torch.cat([x, x[:, :5]], dim=1)
    assert len(moments(deficient).factor) == 300


@pytest.mark.parametrize("case", [*CASES, *DEFICIENT])
def test_the_route_of_a_gpu_gives_the_same(case, monkeypatch):
    """Taken on the CPU by tensors that say they are elsewhere."""
    monkeypatch.setattr(_gaussians, "_on_cpu", lambda x: False)
    x, y = {**CASES, **DEFICIENT}[case]
    assert frechet_distance(x, y) == pytest.approx(nuclear(x, y), rel=1e-6)


def test_gaussians_that_commute_have_a_formula():
    """Sum of (m1 - m2)^2 + (s1 - s2)^2 for diagonal covariances; 200,000 rows leave a relative error below a percent."""
    x, y = (
        normal(200_000, 2, seed=20),
        normal(200_000, 2, seed=21) * torch.tensor([2.0, 0.5]) + torch.tensor([1.0, 0.0]),
    )
    assert frechet_distance(x, y) == pytest.approx(1 + 1 + 0.25, rel=0.02)


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(3, 60), m=st.integers(3, 60), d=st.integers(1, 40), seed=st.integers(0, 9), scale=st.floats(1e-3, 1e3)
)
def test_closed_form_over_shapes_and_scales(n, m, d, seed, scale):
    x, y = normal(n, d, seed=seed, scale=scale), normal(m, d, seed=seed + 10, scale=scale, shift=scale)
    assert frechet_distance(x, y) == pytest.approx(nuclear(x, y), rel=1e-6)
    assert frechet_distance(x * 3, y * 3) == pytest.approx(9 * frechet_distance(x, y), rel=1e-6)


def test_the_number_does_not_depend_on_strips():
    x, y = normal(9000, 6, seed=1), normal(5000, 6, seed=2, shift=0.1)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    assert frechet_distance(x[order], y) == pytest.approx(frechet_distance(x, y), rel=1e-9)


def blocks_of(n):
    return [torch.arange(n)[rows] for rows in block_of_rows(n)]


@pytest.mark.parametrize(("n", "d"), [(300, 12), (60, 80)])
def test_blocks_left_out_by_downdating_equal_a_recomputation(n, d):
    x, y = mixed(n, d, seed=1), mixed(200, d, seed=2)
    fake = moments(y)
    for block, rest in zip(block_of_rows(n), leave_out(x, blocks_of(n)), strict=True):
        by_hand = frechet_distance(torch.cat([x[: block.start], x[block.stop :]]), y)
        assert distance_of(rest, fake) == pytest.approx(by_hand, rel=1e-6)


def test_the_first_order_influence_is_the_derivative():
    """Against the distance with one row's weight raised by 1e-5, a numerical derivative in the row's weight."""
    x, y = mixed(200, 6, seed=3), mixed(300, 6, seed=4)
    real, fake = moments(x), moments(y)
    influence = row_influence(x, real, fake)
    without = [distance_of(m, fake) for m in leave_out(x, blocks_of(len(x)))]
    value = distance_of(real, fake)
    exact = np.array(pseudo_values(value, without))
    first_order = np.array([value + float(influence[b].mean()) for b in block_of_rows(len(x))])
    assert np.corrcoef(exact, first_order)[0, 1] > 0.99


def test_bad_features_are_refused_with_the_position():
    x = normal(10, 3, seed=0)
    with pytest.raises(ValueError, match="real features have 3 dimensions and generated ones 4"):
        frechet_distance(x, normal(10, 4, seed=0))
    with pytest.raises(ValueError, match=r"\(N, D\) with N >= 2"):
        frechet_distance(x[:1], x)
    with pytest.raises(ValueError, match="too large for float64"):
        frechet_distance(1e200 * x, x)
    assert frechet_distance(x.requires_grad_(), x.bfloat16()) < 0.01
    x = x.detach()
    broken = x.clone()
    broken[4, 2] = float("inf")
    with pytest.raises(ValueError, match=r"inf at position \(4, 2\)"):
        frechet_distance(broken, x)


def test_samples_that_are_all_the_same_have_influences_too():
    """T = 0 for a fake law without spread: eq. (1) is then |mu_r - mu_f|^2 + tr S_r, whose influence is written out here."""
    real = torch.randn(200, 3, generator=torch.Generator().manual_seed(0)).double()
    fake = torch.ones(50, 3).double()
    found = row_influence(real, moments(real), moments(fake))
    centred = real - real.mean(dim=0)
    expected = centred.square().sum(dim=1) + 2 * centred @ (real.mean(dim=0) - 1)
    torch.testing.assert_close(found, expected - expected.mean())
