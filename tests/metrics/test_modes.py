"""Mode statistics against closed forms and by counting; each way to fail has its name."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.metrics._evaluation import Evaluation
from bench.metrics.modes import (
    HQ_CEILING,
    SHELL_MASSES,
    histogram_kl,
    jensen_shannon,
    nearest_mode,
    shell_histogram,
    true_shells,
)
from bench.registry import load


def evaluation(dataset, samples, board="public"):
    return Evaluation(dataset, {"samples": samples}, board=board)


@pytest.fixture(scope="module")
def ring():
    return load("dataset", "ring8")()


@pytest.fixture(scope="module")
def digits():
    return load("dataset", "digits")()


def test_kl_and_jensen_shannon_of_known_histograms():
    prior = torch.tensor([0.5, 0.25, 0.25])
    assert histogram_kl(torch.tensor([2, 1, 1]), prior) == pytest.approx(0.0, abs=1e-12)
    assert histogram_kl(torch.tensor([4, 0, 0]), prior) == pytest.approx(math.log(2))
    p, q = torch.tensor([1.0, 0.0]).double(), torch.tensor([0.0, 1.0]).double()
    assert jensen_shannon(p, q) == pytest.approx(math.log(2))
    assert jensen_shannon(p, p) == 0
    from scipy.spatial.distance import jensenshannon

    a, b = torch.rand(2, 9, generator=torch.Generator().manual_seed(0)).double()
    a, b = a / a.sum(), b / b.sum()
    assert jensen_shannon(a, b) == pytest.approx(jensenshannon(a, b) ** 2)
    assert jensen_shannon(a, b) == jensen_shannon(b, a)


def test_the_shells_hold_the_mass_of_a_gaussian_in_two_dimensions():
    """P(r < k sigma) = 1 - exp(-k^2 / 2)."""
    assert sum(SHELL_MASSES) == pytest.approx(1)
    assert pytest.approx(0.98889, abs=1e-5) == HQ_CEILING
    assert float(true_shells(8).sum()) == pytest.approx(1)
    mode, sigmas = torch.tensor([0, 0, 1, 1]), torch.tensor([0.5, 2.9999, 3.0, 1.0])
    shares = shell_histogram(mode, sigmas, 2)
    assert shares.tolist() == [0.25, 0, 0.25, 0, 0.25, 0, 0.25], "a sample at exactly 3 sigma is off its mode"


def test_a_perfect_sampler_reaches_the_ceilings(ring):
    """2,500 draws: hq within 5 standard errors of 1 - e^-4.5, JSD near (cells - 1) / (8 n) = 0.0012."""
    samples = ring.law.sample(2500, seed=9)
    ev = evaluation(ring, samples)
    error = math.sqrt(HQ_CEILING * (1 - HQ_CEILING) / 2500)
    assert load("metric", "hq_fraction")(ev).value == pytest.approx(HQ_CEILING, abs=5 * error)
    assert load("metric", "mode_jsd")(ev).value < 4 * 24 / (8 * 2500)
    assert load("metric", "modes_captured")(ev).value == 8
    assert load("metric", "mode_kl")(ev).value < 4 * 7 / (2 * 2500)


def test_half_of_the_modes_gives_half_of_the_modes(ring):
    mode = torch.arange(2500) % 4
    ev = evaluation(ring, ring.law.means[mode].float())
    assert load("metric", "modes_captured")(ev).value == 4
    assert load("metric", "mode_kl")(ev).value == pytest.approx(math.log(2), abs=1e-3)


def test_over_concentration_is_named(ring):
    """Samples at the centres have 100 % within 3 sigma: better than perfect is a fault."""
    ev = evaluation(ring, ring.law.means[torch.arange(2500) % 8].float())
    estimate = load("metric", "hq_fraction")(ev)
    assert estimate.value == 1
    assert estimate.note.startswith("over-concentration")
    assert load("metric", "mode_jsd")(ev).value > 0.1, "and the JSD sees it"


def test_nearest_mode_is_measured_in_sigmas_and_refuses_nan(ring):
    law = ring.law
    point = law.means[3] + torch.tensor([2 * law.sigma, 0.0])
    mode, sigmas = nearest_mode(point[None], law)
    assert (int(mode), float(sigmas)) == (3, pytest.approx(2.0, rel=1e-5))
    with pytest.raises(ValueError, match=r"nan at position \(1, 0\)"):
        nearest_mode(torch.tensor([[0.0, 0.0], [math.nan, 0.0]]), law)


def test_classes_of_real_digits_are_captured_and_half_of_them_is_half(digits):
    real = digits.valid
    ev = evaluation(digits, real.x)
    assert load("metric", "modes_captured")(ev).value == 10
    assert load("metric", "mode_kl")(ev).value < 0.01
    few = real.x[real.y < 5]
    half = evaluation(digits, few.repeat(3, 1, 1, 1)[: len(real)])
    assert load("metric", "modes_captured")(half).value == 5
    assert load("metric", "modes_hit")(half).value >= 5
    assert load("metric", "mode_kl")(half).value == pytest.approx(math.log(2), abs=0.06)


def test_one_repeated_image_is_one_mode(digits):
    ev = evaluation(digits, digits.train.x[:1].expand(len(digits.valid), -1, -1, -1))
    estimate = load("metric", "modes_captured")(ev)
    assert estimate.value == 1
    assert estimate.note.startswith("one mode: 100% of the samples")


def test_a_class_hit_by_chance_is_not_captured(digits):
    """Captured: at least a tenth of the expected count (4 of 398 for a class of a tenth); hit: once."""
    nine = digits.train.x[digits.train.y == 9][:1]
    rest = digits.train.x[digits.train.y != 9]
    n = len(digits.valid)
    samples = torch.cat([nine, rest])[:n]
    ev = evaluation(digits, samples)
    if int((ev.mode_ids == 9).sum()) > 3:
        pytest.skip("the classifier takes more than three of the others for a nine")
    assert load("metric", "modes_hit")(ev).value == 10
    assert load("metric", "modes_captured")(ev).value == 9


@given(
    counts=st.lists(st.integers(0, 50), min_size=2, max_size=30).filter(sum),
)
def test_the_divergence_to_the_uniform_has_its_floor(counts):
    """KL(p || uniform) >= ln(K / m) with m modes that are not empty, and equality where they are even."""
    k, m = len(counts), sum(c > 0 for c in counts)
    uniform = torch.full((k,), 1 / k, dtype=torch.float64)
    assert histogram_kl(torch.tensor(counts), uniform) >= math.log(k / m) - 1e-12
    even = torch.tensor([7 if c else 0 for c in counts])
    assert histogram_kl(even, uniform) == pytest.approx(math.log(k / m), abs=1e-12)


def test_the_floor_of_mode_jsd_is_a_quarter_of_that_of_a_divergence():
    """About (cells - 1) / (8 n): the mean over 100 perfect samples of 2,500 within a tenth of it."""
    cells, n = true_shells(8), 2500
    rng = torch.Generator().manual_seed(0)
    values = []
    for _ in range(100):
        drawn = torch.bincount(torch.multinomial(cells, n, replacement=True, generator=rng), minlength=len(cells))
        values.append(jensen_shannon(drawn.double() / n, cells))
    assert sum(values) / 100 == pytest.approx((len(cells) - 1) / (8 * n), rel=0.1)
