"""C2ST, train-on-synthetic, Parzen, inception score, FID at infinity: what each must say of cases that are known."""

import math

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score

from bench.metrics._evaluation import Evaluation
from bench.metrics.c2st import classifier_auc, drawn, kinds_of_groups
from bench.metrics.frechet import frechet_at_infinity, frechet_distance
from bench.metrics.inception_score import inception_score_of
from bench.metrics.parzen import parzen_log_likelihood
from bench.metrics.tstr import correct_after_training_on
from bench.registry import load


def normal(n, d, *, seed, shift=0.0):
    return torch.as_tensor(np.random.default_rng(seed).standard_normal((n, d))) + shift


def test_one_law_cannot_be_told_apart_and_two_can():
    """The AUC of noise has a standard error of about 1 / sqrt(12 n / 2) = 0.03 at n = 200."""
    assert classifier_auc(normal(200, 3, seed=0), normal(200, 3, seed=1)) == pytest.approx(0.5, abs=0.1)
    assert classifier_auc(normal(200, 3, seed=0), normal(200, 3, seed=1, shift=4.0)) > 0.99


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0])
def test_rows_out_of_bag_give_the_number_of_cross_validation(shift):
    """Both scatter by about .02 between seeds at 200 rows a side; the mean of three seeds by .012, so that .05 is 3 of a difference."""
    real, fake = normal(200, 5, seed=0), normal(200, 5, seed=1, shift=shift / 5**0.5)
    x, y = torch.cat([real, fake]).numpy(), np.repeat([0, 1], 200)
    folds = [StratifiedKFold(5, shuffle=True, random_state=seed) for seed in range(3)]
    forest = RandomForestClassifier(100, min_samples_leaf=3, random_state=0)
    crossed = [cross_val_score(forest, x, y, cv=fold, scoring="roc_auc").mean() for fold in folds]
    ours = [classifier_auc(real, fake, seed=seed) for seed in range(3)]
    assert np.mean(ours) == pytest.approx(np.mean(crossed), abs=0.05)


def test_rows_that_are_equal_are_drawn_together():
    """Each tree draws as many groups of a kind as there are, an only one with the chance that any row has."""
    kinds, groups = kinds_of_groups(np.array([[0.0], [1], [0], [2], [3], [0]]), np.array([0, 0, 0, 1, 0, 1]))
    assert (
        kinds[groups[0]] == kinds[groups[2]] == kinds[groups[5]]
        and kinds[groups[1]] == kinds[groups[4]] != kinds[groups[3]]
    )
    times = np.stack([drawn(np.array([0, 0, 0, 1]), np.random.RandomState(seed)) for seed in range(400)])
    assert (times[:, :3].sum(axis=1) == 3).all()
    assert (times > 0).mean(axis=0) == pytest.approx([1 - (2 / 3) ** 3] * 3 + [0.632], abs=0.1), (
        "4 standard errors of 400"
    )


def test_repeated_rows_do_not_look_real():
    """Copies of one row could be learned by heart; a tree is given all of them or none, and still none looks real."""
    repeated = normal(1, 3, seed=5).expand(100, 3)
    assert classifier_auc(normal(100, 3, seed=0), repeated) >= 0.5


def test_a_classifier_learns_from_good_samples_and_not_from_shuffled_labels():
    iris = load("dataset", "iris")()
    ceiling = correct_after_training_on(iris.train.x, iris.train.y, iris.valid.x, iris.valid.y).double().mean()
    assert float(ceiling) > 0.9
    one = correct_after_training_on(iris.train.x[:5], torch.zeros(5, dtype=torch.long), iris.valid.x, iris.valid.y)
    assert float(one.double().mean()) == pytest.approx(float((iris.valid.y == 0).double().mean()))
    shuffled = iris.train.y[torch.randperm(len(iris.train), generator=torch.Generator().manual_seed(0))]
    poor = correct_after_training_on(iris.train.x, shuffled, iris.valid.x, iris.valid.y).double().mean()
    assert float(poor) < 0.75


def test_train_on_synthetic_stands_beside_train_on_real():
    wine = load("dataset", "wine")()
    y = torch.arange(3).repeat(40)
    given = load("model", "lda")().fit(wine.train.x, wine.train.y, seed=0).sample_given(y, seed=0)
    ev = Evaluation(wine, {"given.x": given, "given.y": y}, board="public")
    real, synthetic = load("metric", "trtr_accuracy")(ev).value, load("metric", "tstr_accuracy")(ev).value
    assert 0.85 < synthetic <= 1
    assert 0.85 < real <= 1


def test_parzen_by_hand_and_by_scikit_learn():
    from sklearn.neighbors import KernelDensity

    x, samples = normal(20, 3, seed=0), normal(30, 3, seed=1)
    ours = parzen_log_likelihood(x, samples, (0.3, 1.0))
    for row, sigma in zip(ours, (0.3, 1.0), strict=True):
        theirs = KernelDensity(bandwidth=sigma, leaf_size=30).fit(samples.numpy()).score_samples(x.numpy())
        assert row.tolist() == pytest.approx(theirs.tolist(), abs=1e-9)


def test_k_means_centroids_fool_the_parzen_window():
    """Theis et al. (2016): centroids score higher than as many true samples, which is why nobody is ranked by it."""
    data = load("dataset", "digits")()
    centroids = load("model", "kmeans")(n_clusters=200).fit(data.train.x, seed=0).sample(200, seed=0)
    metric = load("metric", "parzen")
    by_centroids = metric(Evaluation(data, {"samples": centroids}, board="private")).value
    by_real = metric(Evaluation(data, {"samples": data.valid.x[:200]}, board="private")).value
    assert by_centroids > by_real
    assert metric.better == "none"


def test_inception_score_from_one_to_the_number_of_classes():
    sure = 50 * torch.eye(10).repeat(100, 1)
    assert inception_score_of(sure)[0] == pytest.approx(10, rel=1e-6)
    assert inception_score_of(torch.zeros(100, 10))[0] == pytest.approx(1)
    assert inception_score_of(50 * torch.eye(10)[:1].expand(100, 10))[0] == pytest.approx(1)
    with pytest.raises(ValueError, match="N >= 10"):
        inception_score_of(torch.zeros(5, 10))


def test_inception_score_is_torch_fidelitys_up_to_its_shuffle():
    from bench.features._torchvision import import_torchvision

    import_torchvision()
    from torch_fidelity.metric_isc import isc_features_to_metric

    logits = 3 * normal(200, 12, seed=3)
    theirs = isc_features_to_metric(logits, splits=10, shuffle=False)
    mean, std = inception_score_of(logits)
    assert mean == pytest.approx(theirs["inception_score_mean"], rel=1e-6)
    assert std == pytest.approx(theirs["inception_score_std"], rel=1e-6)


def test_fid_at_infinity_removes_the_bias():
    """Two samples of one law: FID is about d (d + 5) / (2 n) > 0, its extrapolation lies nearer to that of the real rows alone."""
    real, fake = normal(6000, 8, seed=0), normal(6000, 8, seed=1)
    biased, extrapolated = frechet_distance(real, fake), frechet_at_infinity(real, fake, least=500)
    assert abs(extrapolated) < biased
    assert frechet_at_infinity(real, fake, least=500) == extrapolated, "seeded"
    with pytest.raises(ValueError, match="more than 5000 rows"):
        frechet_at_infinity(real[:100], fake)


def test_the_published_floor_of_fid():
    """SCIENCE: N(0, I_d) against itself at equal n is about d (d + 5) / (2 n); within 15 % of the mean of 10 draws at d = 16."""
    d, n = 16, 1000
    values = [frechet_distance(normal(n, d, seed=2 * i), normal(n, d, seed=2 * i + 1)) for i in range(10)]
    assert sum(values) / 10 == pytest.approx(d * (d + 5) / (2 * n), rel=0.15)


def test_the_published_floor_of_mode_kl():
    """(K - 1) / (2 n) for a perfect sampler: the mean over 200 draws of 2,500 within 4 standard errors."""
    from bench.metrics.modes import histogram_kl

    k, n = 25, 2500
    rng = np.random.default_rng(0)
    values = [
        histogram_kl(torch.as_tensor(rng.multinomial(n, [1 / k] * k)), torch.full((k,), 1 / k)) for _ in range(200)
    ]
    error = 4 * np.std(values) / math.sqrt(200)
    assert np.mean(values) == pytest.approx((k - 1) / (2 * n), abs=error)
