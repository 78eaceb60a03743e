"""Energy distance, kernel distance, precision and its three relatives against independent implementations."""

import contextlib
import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.features._torchvision import import_torchvision
from bench.metrics import _balls as balls
from bench.metrics import _neighbours as neighbours
from bench.metrics import _two_sample as two_sample
from bench.metrics import copies, frechet
from bench.metrics import parzen as parzen_module
from bench.metrics.energy import energy_distance, minus_distance
from bench.metrics.kid import kernel_distance, polynomial_kernel, subset_values
from bench.metrics.prdc import prdc

import_torchvision()
from prdc import compute_prdc  # noqa: E402
from torch_fidelity.metric_kid import kid_features_to_metric  # noqa: E402


def normal(n, d, *, seed, scale=1.0, shift=0.0):
    return torch.as_tensor(np.random.default_rng(seed).standard_normal((n, d))) * scale + shift


def heavy(n, d, *, seed):
    return torch.as_tensor(np.random.default_rng(seed).standard_t(2.5, (n, d)))


def ties(n, d, *, seed):
    return torch.as_tensor(np.random.default_rng(seed).integers(0, 3, (n, d)).astype(float))


CASES = {
    "same law": (normal(120, 5, seed=0), normal(100, 5, seed=1)),
    "shifted": (normal(120, 5, seed=2), normal(90, 5, seed=3, shift=1.0)),
    "heavy tails": (heavy(150, 8, seed=4), heavy(150, 8, seed=5)),
    "N < D": (normal(30, 80, seed=6), normal(40, 80, seed=7, scale=1.2)),
    "repeated rows": (ties(100, 3, seed=8), ties(110, 3, seed=9)),
    "one point": (normal(60, 4, seed=10), normal(1, 4, seed=11).expand(50, 4)),
    "far from the origin": (normal(100, 5, seed=12, shift=1e4), normal(100, 5, seed=13, shift=1e4)),
    "more than a strip": (normal(700, 3, seed=14), normal(600, 3, seed=15, shift=0.3)),
}


def brute_energy(x, y):
    """Double sums over pairs, i != j within a set."""
    x, y = x.numpy(), y.numpy()

    def total(a, b):
        return sum(np.sqrt(((row - b) ** 2).sum(axis=1)).sum() for row in a)

    n, m = len(x), len(y)
    return 2 * total(x, y) / (n * m) - total(x, x) / (n * (n - 1)) - total(y, y) / (m * (m - 1))


@pytest.mark.parametrize("case", CASES)
def test_energy_distance_is_the_double_sum(case):
    x, y = CASES[case]
    assert energy_distance(x, y) == pytest.approx(brute_energy(x, y), abs=1e-9 * max(1.0, float(x.abs().max())))


@pytest.mark.parametrize("case", [c for c in CASES if c != "far from the origin"])
def test_kernel_distance_is_torch_fidelitys_on_the_same_subsets(case):
    x, y = CASES[case]
    size = min(len(x), len(y)) // 2
    theirs = kid_features_to_metric(x, y, kid_subsets=20, kid_subset_size=size, verbose=False, rng_seed=2020)
    ours = subset_values(x, y, subsets=20, subset_size=size, seed=2020)
    assert float(ours.mean()) == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-8, abs=1e-8)
    assert float(ours.std()) == pytest.approx(theirs["kernel_inception_distance_std"], rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("case", ["same law", "shifted", "N < D", "more than a strip"])
def test_the_u_statistic_over_all_rows_by_matrices(case):
    x, y = CASES[case]
    d = x.shape[1]
    kxx, kyy, kxy = ((a @ b.T / d + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    n, m = len(x), len(y)
    by_hand = (kxx.sum() - kxx.trace()) / (n * (n - 1)) + (kyy.sum() - kyy.trace()) / (m * (m - 1)) - 2 * kxy.mean()
    assert kernel_distance(x, y)[0] == pytest.approx(float(by_hand), rel=1e-9, abs=1e-12)


def test_unbiased_statistics_are_zero_on_average_for_one_law():
    """60 pairs of samples of one law: the mean within 4 standard errors of 0, and some values are negative."""
    for statistic in (energy_distance, lambda a, b: kernel_distance(a, b)[0]):
        values = np.array([statistic(normal(80, 3, seed=i), normal(70, 3, seed=1000 + i)) for i in range(60)])
        assert abs(values.mean()) < 4 * values.std(ddof=1) / 60**0.5
        assert values.min() < 0 < values.max()


@pytest.mark.parametrize("kernel", [minus_distance, polynomial_kernel])
def test_rows_left_out_in_closed_form_equal_a_recomputation(kernel):
    x, y = normal(90, 4, seed=0), normal(70, 4, seed=1, shift=0.5)
    found = two_sample.statistic(x, y, kernel)
    for rows in (torch.tensor([3]), torch.arange(40, 45), torch.tensor([0, 17, 89])):
        kept = torch.ones(90, dtype=torch.bool)
        kept[rows] = False
        value = two_sample.without(x, found.real, found.fake, found.real_cross, kernel, rows)
        assert value == pytest.approx(two_sample.statistic(x[kept], y, kernel).value, rel=1e-9, abs=1e-12)
        value = two_sample.without(y, found.fake, found.real, found.fake_cross, kernel, rows[rows < 70])
        expected = two_sample.statistic(x, y[kept[:70]], kernel).value
        assert value == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("case", [c for c in CASES if c not in ("one point", "repeated rows")])
@pytest.mark.parametrize("k", [1, 5])
def test_precision_recall_density_coverage_are_prdcs(case, k):
    x, y = CASES[case]
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = compute_prdc(x.numpy(), y.numpy(), nearest_k=k)
    ours = prdc(x, y, k=k)
    for name in ("precision", "recall", "density", "coverage"):
        assert ours[name] == pytest.approx(theirs[name], abs=1e-12), name


def brute_prdc(x, y, k):
    """The published definitions, ball by ball, on integers: no rounding, and a row on an edge is inside."""

    def squared(a, b):
        return ((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2)

    def radii(a):
        return np.sort(squared(a, a), axis=1)[:, k]  # the 0-th is the row itself

    cross, own = squared(x, y), squared(x, x)
    inside = cross <= radii(x)[:, None]
    others = (own <= radii(x)[:, None]).sum(axis=1) - 1
    return {
        "precision": inside.any(axis=0).mean(),
        "recall": (cross <= radii(y)).any(axis=1).mean(),
        "density": (inside / others[:, None]).sum() / len(y),
        "coverage": inside.any(axis=1).mean(),
    }


@pytest.mark.parametrize("on_gpu", [False, True])
@pytest.mark.parametrize(("levels", "d"), [(3, 2), (2, 6), (5, 3), (40, 2)])
@pytest.mark.parametrize("k", [1, 5])
def test_tied_and_repeated_rows_are_counted_as_published(k, levels, d, on_gpu, monkeypatch):
    rng = np.random.default_rng(levels)
    x, y = rng.integers(0, levels, (150, d)), rng.integers(0, levels + 1, (140, d))
    if on_gpu:
        monkeypatch.setattr(balls, "screened", lambda *sides: False)
    assert prdc(torch.as_tensor(x), torch.as_tensor(y), k=k) == pytest.approx(brute_prdc(x, y, k), abs=1e-12)


def test_two_samples_of_one_law_of_categories_are_as_good_as_real():
    """A 3 x 3 grid: open balls of radius 0 would be empty, and all four numbers 0."""
    x, y = (torch.as_tensor(np.random.default_rng(seed).integers(0, 3, (300, 2))) for seed in range(2))
    found = prdc(x, y)
    assert found["precision"] == found["recall"] == found["coverage"] == 1
    assert found["density"] == pytest.approx(1, abs=0.1)


def test_prdc_tells_fidelity_from_diversity():
    """Half of the modes: precise, but recall and coverage fall to about a half."""
    modes = torch.tensor([[0.0, 0.0], [20.0, 0.0]]).double()
    real = torch.cat([modes[i] + normal(200, 2, seed=i) for i in range(2)])
    half = modes[0] + normal(400, 2, seed=5)
    found = prdc(real, half, k=5)
    assert found["precision"] > 0.9
    assert found["recall"] == pytest.approx(0.5, abs=0.1)
    assert found["coverage"] == pytest.approx(0.5, abs=0.1)


@settings(max_examples=20, deadline=None)
@given(
    strip=st.sampled_from([1, 7, 64, 1000]),
    n=st.integers(8, 80),
    m=st.integers(8, 80),
    d=st.integers(1, 12),
    seed=st.integers(0, 99),
)
def test_no_number_depends_on_the_size_of_a_strip(strip, n, m, d, seed):
    x, y = normal(n, d, seed=seed), normal(m, d, seed=seed + 100, shift=0.3)

    def all_numbers():
        excess = copies.copy_excess_of(x, y, x + 0.1)
        parzen = float(parzen_module.parzen_log_likelihood(x, y, (0.5,)).mean())
        both = (energy_distance(x, y), kernel_distance(x, y)[0], frechet.frechet_distance(x, y))
        return (*both, *prdc(x, y).values(), *of_a_gpu(x, y).values(), *excess, parzen)

    def of_a_gpu(x, y):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(balls, "screened", lambda *sides: False)
            return prdc(x, y)

    assert of_a_gpu(x, y) == pytest.approx(prdc(x, y), rel=1e-12)
    modules = (two_sample, balls, neighbours, frechet, copies, parzen_module)
    expected, old = all_numbers(), [module.STRIP for module in modules]
    for module in modules:
        module.STRIP = strip
    try:
        found = all_numbers()
    finally:
        for module, size in zip(modules, old, strict=True):
            module.STRIP = size
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_features_do_not_depend_on_the_batch():
    """One row at a time and all at once through the pinned classifier: the same to float32's rounding."""
    from bench.features import load_space
    from bench.registry import load

    data = load("dataset", "digits")()
    space, x = load_space("lenet", data), data.valid.x[:60]
    torch.testing.assert_close(torch.cat([space(row[None]) for row in x]), space(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("function", [energy_distance, kernel_distance, prdc])
def test_bad_features_are_refused(function):
    x = normal(20, 3, seed=0)
    broken = x.clone()
    broken[7, 1] = float("nan")
    with pytest.raises(ValueError, match=r"generated features holds nan at position \(7, 1\)"):
        function(x, broken)
    with pytest.raises(ValueError, match=r"expected features \(N, D\) and \(M, D\), got \(20, 3\) and \(20, 2\)"):
        function(x, x[:, :2])
    with pytest.raises(ValueError, match="at least 2 rows on each side, got 20 and 1"):
        function(x, x[:1])
