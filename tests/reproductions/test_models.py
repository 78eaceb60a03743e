"""Models of the reproductions alone, against numpy and scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.linear_model import Ridge
from sklearn.preprocessing import PolynomialFeatures

from bench.reproductions.models.centroids import Centroids
from bench.reproductions.models.least_squares import LeastSquares
from bench.reproductions.models.pca_qda import PcaQda
from bench.reproductions.models.training_rows import TrainingRows


@pytest.fixture(scope="module")
def digits():
    from bench.datasets.digits import digits

    data = digits()
    return data.train.x[:], data.train.y, data.test.x[:]


def _components(x, rows, count):
    flat = x.flatten(1).double().numpy()
    _, _, axes = np.linalg.svd(flat - flat.mean(0), full_matrices=False)
    return (rows.flatten(1).double().numpy() - flat.mean(0)) @ axes[:count].T


@pytest.mark.parametrize(("terms", "count"), [("products", 15), ("distinct", 15), ("all", 20)])
def test_least_squares_of_polynomials_is_scikit_learn_s(digits, terms, count):
    x, y, test = digits
    polynomial = PolynomialFeatures(2, interaction_only=terms == "distinct", include_bias=False)
    train, held = (polynomial.fit_transform(_components(x, rows, 5)) for rows in (x, test))
    if terms == "products":
        train, held = train[:, 5:], held[:, 5:]
    assert train.shape[1] == count
    theirs = Ridge(alpha=1e-9).fit(train, 2 * np.eye(10)[y.numpy()] - 1).predict(held).argmax(1)
    ours = LeastSquares(components=5, terms=terms, ridge=1e-12).fit(x, y, seed=0).predict_proba(test)
    assert ours.shape == (len(test), 10) and float(ours.sum()) == len(test)
    assert (ours.argmax(1).numpy() == theirs).mean() == 1.0


def test_terms_are_checked():
    with pytest.raises(ValueError, match="terms must be"):
        LeastSquares(terms="cubes")


def test_qda_of_components_is_scikit_learn_s(digits):
    x, y, test = digits
    oracle = QuadraticDiscriminantAnalysis().fit(_components(x, x, 8), y.numpy())
    ours = PcaQda(components=8).fit(x, y, seed=0).predict_proba(test).argmax(1).numpy()
    assert (ours == oracle.predict(_components(x, test, 8))).mean() > 0.99  # covariances over n and over n - 1


def test_rows_and_centroids_come_each_once_before_any_twice():
    x = torch.arange(12.0).reshape(12, 1)
    drawn = TrainingRows().fit(x, seed=0).sample(30, seed=1).flatten().tolist()
    assert sorted(drawn[:12]) == sorted(drawn[12:24]) == list(range(12)) and drawn[:12] != list(range(12))
    model = Centroids(clusters=3, iterations=50).fit(torch.tensor([[0.0], [0.2], [5.0], [5.2], [9.0], [9.2]]), seed=0)
    found = model.sample(6, seed=0).flatten()
    assert torch.equal(found[:3], found[3:])
    assert float(found.min()) >= 0.0 and len(set(found.tolist())) == 3
