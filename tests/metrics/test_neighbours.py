"""The float32 screen against all distances in float64: the same pairs, the same k-th neighbours, on rows that try its error bound."""

import tracemalloc

import numpy as np
import pytest
import torch

from bench.metrics import _balls, _neighbours
from bench.metrics._neighbours import ROUNDING, ScreenedRows, fits, kth_squared_distance, pairs_within
from bench.metrics.prdc import prdc


def normal(n, d, seed):
    return np.random.default_rng(seed).standard_normal((n, d))


def heavy(n, d, seed):
    return np.random.default_rng(seed).standard_t(1.5, (n, d))


def repeated(n, d, seed):
    return normal(7, d, seed).repeat(n // 7 + 1, axis=0)[:n]


def lattice(n, d, seed):
    """Many distances that are equal."""
    return np.random.default_rng(seed).integers(0, 3, (n, d)).astype(float)


def close(n, d, seed):
    """Distances that float32 cannot tell apart from 0."""
    return 1 + 1e-5 * normal(n, d, seed)


KINDS = {f.__name__: f for f in (normal, heavy, repeated, lattice, close)}
SHAPES = [(9, 8, 1), (40, 33, 3), (300, 257, 8), (600, 530, 64), (330, 300, 300)]


def all_squared(x, y):
    return np.stack([np.square(row - y).sum(axis=1) for row in x])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("n", "m", "d"), SHAPES)
def test_pairs_and_radii_are_those_of_float64(kind, n, m, d, monkeypatch):
    monkeypatch.setattr(_neighbours, "STRIP", 32)
    monkeypatch.setattr(_neighbours, "PAIRS", 7 * m)
    real, fake = KINDS[kind](n, d, 0), KINDS[kind](m, d, 1)
    fake[: m // 4] = real[: m // 4]  # copies lie on edges
    radii, fake_radii = kth_squared_distance(real, 5), kth_squared_distance(fake, 5)
    for side, found in ((real, radii), (fake, fake_radii)):
        squared = all_squared(side, side)
        np.fill_diagonal(squared, np.inf)
        atol = 1e-13 * np.square(side).sum(axis=1).max()  # where float64's own product is off by so much
        np.testing.assert_allclose(found, np.sort(squared, axis=1)[:, 4], rtol=1e-12, atol=atol)

    squared = all_squared(real, fake)
    rounding = ROUNDING * (np.square(real).sum(axis=1)[:, None] + np.square(fake).sum(axis=1))
    parts = list(pairs_within(ScreenedRows(real), ScreenedRows(fake), radii, fake_radii))
    pairs = set(zip(np.concatenate([p[0] for p in parts]).tolist(), np.concatenate([p[1] for p in parts]).tolist()))
    sure = set(zip(*(index.tolist() for index in np.nonzero(squared - 0.5 * rounding <= radii[:, None]))))
    maybe = set(zip(*(index.tolist() for index in np.nonzero(squared - 1.5 * rounding <= radii[:, None]))))
    assert sure <= pairs <= maybe
    recalled = set(np.concatenate([p[2] for p in parts]).tolist())
    assert recalled >= set(np.flatnonzero((squared - 0.5 * rounding <= fake_radii).any(axis=1)).tolist())
    assert recalled <= set(np.flatnonzero((squared - 1.5 * rounding <= fake_radii).any(axis=1)).tolist())


@pytest.mark.parametrize("d", [3, 300])
def test_the_error_bound_holds_where_float32_is_worst(d):
    """s_ij of eq. (1) of rows whose terms cancel."""
    rng = np.random.default_rng(0)
    x, y = (np.sign(rng.standard_normal((200, d))) * 10.0 ** rng.uniform(-3, 3, (200, d)) for _ in range(2))
    a, b = ScreenedRows(x), ScreenedRows(y)
    s = a.single @ b.single.T - b.half_norms
    exact = (x.astype(np.longdouble) @ y.T.astype(np.longdouble)) - np.square(y.astype(np.longdouble)).sum(axis=1) / 2
    assert (np.abs(s - exact) <= a.slack(b)[:, None]).all()
    assert (np.abs(s - exact) > 1e-4 * a.slack(b)[:, None]).any()


@pytest.mark.parametrize("scale", [1e-5, 1e-7, 1e-9])
def test_generated_rows_far_nearer_to_the_centre_than_real_ones(scale, monkeypatch):
    """Then what s_ij is compared with has the larger error, of float64; two real rows beside them give all others their radii."""
    d = 32
    half, near = normal(400, d, 0), scale * normal(1, d, 1) / d**0.5
    half *= np.random.default_rng(3).uniform(0.9, 1.1, (400, 1)) / np.linalg.norm(half, axis=1)[:, None]
    real = torch.from_numpy(np.concatenate([half, -half, near, -near]))
    fake = torch.from_numpy(np.concatenate([scale * normal(3000, d, 2) / d**0.5, near, -near]))
    screened = prdc(real, fake, k=1)
    monkeypatch.setattr(_balls, "screened", lambda *sides: False)
    assert screened == prdc(real, fake, k=1)


def test_samples_that_are_all_in_the_middle_take_little_memory():
    """Every pair is within a real ball: 24 million of them."""
    real, fake = normal(4_000, 300, 0), np.zeros((6_000, 300)) + 1e-6 * normal(1, 300, 1)
    rows, others = ScreenedRows(real - real.mean(axis=0)), ScreenedRows(fake)
    radii, fake_radii = kth_squared_distance(real, 5), np.full(len(fake), 1e-9)
    tracemalloc.start()
    found = sum(len(i) for i, _, _ in pairs_within(rows, others, radii, fake_radii))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == 24_000_000
    assert peak < 100 * 2**20


def test_rows_too_large_for_float32_are_taken_in_float64():
    real, fake = (torch.from_numpy(normal(60, 4, seed)) for seed in (0, 1))
    assert not fits(1e20 * real.numpy())
    assert prdc(1e20 * real, 1e20 * fake) == prdc(real, fake)
    assert prdc(1e-20 * real, 1e-20 * fake) == prdc(real, fake)
