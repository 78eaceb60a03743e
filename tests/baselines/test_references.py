"""Marginals, class marginals, logistic chain, mixtures, k-means and the reference rows against counting and scikit-learn."""

import itertools
import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from baselines._categorical import draw
from baselines.marginals import draw_columns
from bench.registry import load


def binary_space(bits):
    return torch.tensor(list(itertools.product((0.0, 1.0), repeat=bits))).view(-1, 1, 1, bits)


@pytest.fixture(scope="module")
def correlated():
    """Binary rows of 10 bits, each a noisy copy of the one before, with the first bit as label."""
    generator = torch.Generator().manual_seed(0)
    x = torch.empty(600, 10)
    x[:, 0] = (torch.rand(600, generator=generator) < 0.3).float()
    for i in range(1, 10):
        flip = torch.rand(600, generator=generator) < 0.2
        x[:, i] = torch.where(flip, 1 - x[:, i - 1], x[:, i - 1])
    return x.view(-1, 1, 1, 10), x[:, 0].long()


@pytest.mark.parametrize("name", ["marginals", "class_marginals", "logistic_chain"])
def test_discrete_references_sum_to_one_and_sample_their_law(name, correlated):
    x, y = correlated
    model = load("model", name)(levels=2).fit(x, y, seed=0)
    p = model.log_prob(binary_space(10)).double().exp()
    assert float(p.sum()) == pytest.approx(1.0, abs=1e-9)
    samples = model.sample(50_000, seed=1).flatten(1)
    mean = (p[:, None] * binary_space(10).flatten(1)).sum(dim=0)
    pair = (p * (binary_space(10).flatten(1)[:, 0] * binary_space(10).flatten(1)[:, 1])).sum()
    assert samples.mean(dim=0).tolist() == pytest.approx(mean.tolist(), abs=5 * 0.5 / 50_000**0.5)
    assert float((samples[:, 0] * samples[:, 1]).mean()) == pytest.approx(float(pair), abs=5 * 0.5 / 50_000**0.5)


def test_the_order_of_the_references_on_correlated_bits(correlated):
    """One label explains part of the dependence, the chain all of it: 0.5 nats a bit at a flip of 0.2."""
    x, y = correlated
    nll = {
        n: -float(load("model", n)(levels=2).fit(x, y, seed=0).log_prob(x).mean())
        for n in ("marginals", "class_marginals", "logistic_chain")
    }
    assert nll["logistic_chain"] < nll["class_marginals"] < nll["marginals"]
    truth = 0.611 + 9 * 0.500  # entropies of .3 and of .2, nats
    assert nll["logistic_chain"] == pytest.approx(truth, abs=0.15)


def test_class_marginals_are_scikit_learns_categorical_naive_bayes():
    from sklearn.naive_bayes import CategoricalNB

    data = load("dataset", "digits")()
    model = load("model", "class_marginals")(levels=17, smoothing=0.1).fit(data.train.x, data.train.y, seed=0)
    theirs = CategoricalNB(alpha=0.1, min_categories=17).fit(
        (data.train.x.flatten(1) * 16).round().long(), data.train.y
    )
    expected = theirs.predict_proba((data.valid.x.flatten(1) * 16).round().long())
    assert np.abs(model.predict_proba(data.valid.x).numpy() - expected).max() < 1e-6


def test_the_logistic_chain_is_scikit_learns_logistic_regression(correlated):
    from sklearn.linear_model import LogisticRegression

    x, _ = correlated
    rows = x.flatten(1).double()
    model = load("model", "logistic_chain")(levels=2, penalty=0.01).fit(x, seed=0)
    theirs = LogisticRegression(C=1 / (0.01 * len(rows)), tol=1e-10, max_iter=1000).fit(rows[:, :9], rows[:, 9])
    assert model.weight_[9, :9].tolist() == pytest.approx(theirs.coef_[0].tolist(), abs=2e-2)


def test_a_mixture_is_scikit_learns_and_follows_its_density():
    from sklearn.mixture import GaussianMixture

    data = load("dataset", "iris")()
    model = load("model", "gmm")(n_components=3).fit(data.train.x, seed=0)
    rows = data.train.x.double().numpy()
    theirs = GaussianMixture(3, reg_covar=1e-6, random_state=0, max_iter=60).fit(rows)
    assert model.log_prob(data.valid.x).numpy() == pytest.approx(
        theirs.score_samples(data.valid.x.double().numpy()), abs=1e-6
    )
    samples = model.sample(20_000, seed=1)
    assert samples.mean(dim=0).tolist() == pytest.approx((theirs.weights_ @ theirs.means_).tolist(), abs=0.06)


def test_the_number_of_components_is_found_on_a_ring():
    data = load("dataset", "ring8")()
    assert len(load("model", "gmm")().fit(data.train.x, seed=0).law_.priors) == 8


def test_k_means_gives_centroids_in_the_shares_of_their_clusters():
    x = torch.cat([torch.zeros(300, 2), torch.full((100, 2), 5.0)]) + 0.01 * torch.randn(
        400, 2, generator=torch.Generator().manual_seed(0)
    )
    samples = load("model", "kmeans")(n_clusters=2).fit(x, seed=0).sample(10_000, seed=1)
    assert len(samples.unique(dim=0)) == 2
    assert float((samples[:, 0] < 2.5).double().mean()) == pytest.approx(0.75, abs=5 * math.sqrt(0.75 * 0.25 / 10_000))


def test_copycat_returns_training_rows_and_one_gaussian_their_moments():
    data = load("dataset", "wine")()
    copies = load("model", "copycat")().fit(data.train.x, seed=0).sample(200, seed=1)
    assert bool((torch.cdist(copies, data.train.x, compute_mode="donot_use_mm_for_euclid_dist").amin(dim=1) == 0).all())
    samples = load("model", "one_gaussian")().fit(data.train.x, seed=0).sample(50_000, seed=1).double()
    train = data.train.x.double()
    error = 5 * train.std(dim=0) / 50_000**0.5
    assert bool(((samples.mean(dim=0) - train.mean(dim=0)).abs() < error).all())
    assert torch.cov(samples.T).numpy() == pytest.approx(
        torch.cov(train.T).numpy(), abs=0.15 * float(torch.cov(train.T).diagonal().max())
    )


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("marginals", {"smoothing": 0}, "smoothing must be > 0, got 0"),
        ("class_marginals", {"smoothing": -1}, "smoothing must be > 0, got -1"),
        ("logistic_chain", {"penalty": 0.0}, "penalty must be > 0"),
        ("gmm", {"covariance": "tied"}, 'covariance must be "full" or "diag", got \'tied\''),
        ("gmm", {"n_components": 0}, "n_components must be at least 1"),
    ],
)
def test_bad_fields_are_refused(name, fields, message):
    with pytest.raises(ValueError, match=message):
        load("model", name)(**fields)


def test_what_does_not_fit_says_why():
    iris, digits = load("dataset", "iris")(), load("dataset", "digits")()
    assert "needs discrete data" in load("model", "marginals")().supports(iris)
    assert "needs binary data; digits has 17 values" in load("model", "logistic_chain")().supports(digits)
    assert "needs class labels" in load("model", "class_marginals")().supports(load("dataset", "stacked_digits")())


def test_draws_by_strips_are_those_of_the_whole_table():
    """searchsorted of the distribution function against the comparison of every level."""
    generator = torch.Generator().manual_seed(0)
    log_probs = torch.randn(7, 17, generator=generator, dtype=torch.float64).log_softmax(dim=1)
    log_probs[0, 3:9] = -torch.inf  # codes that never occur are never drawn
    uniform = torch.rand(4000, 7, generator=generator)
    uniform[0] = 0.0
    assert torch.equal(draw_columns(log_probs, uniform), draw(log_probs, uniform))


MEMORY = """
import resource, torch
from bench.datasets._pixels import PixelRows
from bench.registry import load
x = PixelRows(torch.randint(0, 256, (500, 3, 32, 32), generator=torch.Generator().manual_seed(0)).to(torch.uint8), 256)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name in ("class_marginals", "marginals"):
    model = load("model", name)(levels=256).fit(x, torch.arange(500) % 2, seed=0)
    model.log_prob(x), model.sample(500, seed=1)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_marginals_of_colour_photos_stay_far_below_the_memory_of_a_cell():
    """500 photos of 32x32 pixels and 256 levels took 9,690 MiB, one array of 512 x 3,072 x 256; 120 MiB are seen."""
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 400
