"""LDA, QDA: scikit-learn's probabilities, the published cross-validation, their own law."""

import re

import numpy as np
import pytest
import torch
from sklearn.covariance import ledoit_wolf as sklearn_ledoit_wolf
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.preprocessing import StandardScaler

from baselines._gaussian import ledoit_wolf
from baselines.lda import LDA
from baselines.one_gaussian import OneGaussian
from baselines.qda import QDA

TABLES = {"iris": load_iris, "wine": load_wine, "digits": load_digits}
PUBLISHED = {"iris": (0.977, 0.955), "wine": (0.983, 0.992), "digits": (0.954, 0.979)}  # SCIENCE.md, section 3


def table(name):
    bunch = TABLES[name]()
    return bunch.data.astype(float), bunch.target


def tensors(x, y):
    return torch.as_tensor(x), torch.as_tensor(y).long()


def test_ledoit_wolf_equals_scikit_learns():
    rows = np.random.RandomState(0).standard_t(4, size=(30, 8)) @ np.random.RandomState(1).normal(size=(8, 8))
    assert ledoit_wolf(torch.as_tensor(rows)).numpy() == pytest.approx(sklearn_ledoit_wolf(rows)[0], rel=1e-10)


@pytest.mark.parametrize("name", ["iris", "wine"])
def test_probabilities_equal_scikit_learns(name):
    x, y = table(name)
    theirs = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(x[::2], y[::2]).predict_proba(x[1::2])
    ours = LDA().fit(*tensors(x[::2], y[::2]), seed=0).predict_proba(torch.as_tensor(x[1::2]))
    assert ours.numpy() == pytest.approx(theirs, abs=1e-6)
    scaler = StandardScaler().fit(x[::2])
    train, test = scaler.transform(x[::2]), scaler.transform(x[1::2])
    theirs = QuadraticDiscriminantAnalysis(reg_param=0.1).fit(train, y[::2]).predict_proba(test)
    ours = QDA().fit(*tensors(x[::2], y[::2]), seed=0).predict_proba(torch.as_tensor(x[1::2]))
    assert ours.numpy() == pytest.approx(theirs, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_the_published_cross_validation(name):
    """RepeatedStratifiedKFold(5 x 10, seed 0): accuracy within 0.002 of SCIENCE.md's table."""
    x, y = table(name)
    scores = []
    for train, test in RepeatedStratifiedKFold(n_splits=5, n_repeats=10, random_state=0).split(x, y):
        rows, labels = tensors(x[train], y[train])
        queries = torch.as_tensor(x[test])
        correct = [
            (model.fit(rows, labels, seed=0).predict_proba(queries).argmax(dim=1).numpy() == y[test]).mean()
            for model in (LDA(), QDA())
        ]
        scores.append(correct)
    assert np.mean(scores, axis=0) == pytest.approx(PUBLISHED[name], abs=0.002)


@pytest.mark.parametrize("model", [LDA(), QDA()])
def test_samples_have_the_models_own_law(model):
    """Class shares, means and covariances of 200,000 draws, within 5 standard errors; mean log p is the entropy's."""
    x, y = tensors(*table("iris"))
    model.fit(x, y, seed=0)
    n = 50_000
    given = model.sample_given(torch.arange(3).repeat_interleave(n), seed=1).double()
    for k in range(3):
        rows, factor = given[k * n : (k + 1) * n], model.law_.factors[k]
        white = torch.linalg.solve_triangular(factor, (rows - model.law_.means[k]).T, upper=False).T
        assert white.mean(dim=0).abs().max() < 5 / n**0.5
        assert (torch.cov(white.T) - torch.eye(4)).abs().max() < 5 * (2 / n) ** 0.5
    samples = model.sample(n, seed=2)
    share = model.predict_proba(samples).mean(dim=0)
    assert (share - model.law_.priors).abs().max() < 5 * 0.5 / n**0.5, "E p(k|x) = pi_k under p(x)"


@pytest.mark.parametrize("model", [LDA(), QDA(), OneGaussian()])
def test_log_prob_is_the_mixture_density(model):
    """Against scipy's multivariate normal, 1e-9 relative."""
    from scipy.stats import multivariate_normal

    x, y = tensors(*table("iris"))
    law = model.fit(x, y, seed=0).law_
    expected = sum(
        float(p) * multivariate_normal(m.numpy(), (f @ f.T).numpy()).pdf(x.numpy())
        for p, m, f in zip(law.priors, law.means, law.factors)
    )
    assert model.log_prob(x).numpy() == pytest.approx(np.log(expected), rel=1e-9)


def test_unlabelled_rows_are_left_out_and_unlabelled_data_is_refused():
    x, y = tensors(*table("iris"))
    more = torch.cat([x, 100 * torch.ones(5, 4)]), torch.cat([y, -torch.ones(5, dtype=torch.long)])
    assert torch.equal(LDA().fit(*more, seed=0).law_.means, LDA().fit(x, y, seed=0).law_.means)
    unlabelled = type("D", (), {"n_classes": 0, "name": "ring8"})
    assert "needs class labels" in LDA().supports(unlabelled) and "needs class labels" in QDA().supports(unlabelled)


def test_lda_fits_two_rows_of_each_class():
    """Where no class can estimate its own shrinkage, the pooled residuals do: a density, and still a classifier."""
    bunch = load_digits()
    x, y = torch.as_tensor(bunch.data).float() / 16, torch.as_tensor(bunch.target)
    few = torch.cat([torch.nonzero(y == k).flatten()[:2] for k in range(10)])
    model = LDA().fit(x[few], y[few], seed=0)
    assert model.log_prob(x).isfinite().all()
    accuracy = (model.predict_proba(x).argmax(dim=1) == y).double().mean()
    assert accuracy > 0.5


def test_bad_parameters_are_refused():
    with pytest.raises(ValueError, match=r"shrinkage must be in \[0, 1\]"):
        LDA(shrinkage=1.5)
    with pytest.raises(ValueError, match=r"regularization must be in \[0, 1\]"):
        QDA(regularization=-0.1)
    with pytest.raises(ValueError, match="class 1 has 1 training rows"):
        QDA().fit(torch.randn(4, 2), torch.tensor([0, 0, 0, 1]), seed=0)


def two_classes(column):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(60, 3, generator=generator, dtype=torch.float64)
    y = torch.arange(60) % 2
    x[:, 1] += 5 * y
    return column(x, y), y


DEFICIENT = {
    "constant in class 1": (lambda x, y: torch.cat([x, torch.where(y == 1, 0.1, x[:, 0] ** 2)[:, None]], dim=1), "class 1 (30 rows)"),
    "a sum in class 0": (
        lambda x, y: torch.cat([x, (x[:, 0] + x[:, 1] * torch.where(y == 0, 1.0, x[:, 2]))[:, None]], dim=1),
        "class 0 (30 rows)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DEFICIENT)
def test_a_singular_class_is_named_with_its_columns(case):
    """It was LAPACK's "leading minor of order 4 is not positive-definite", or a density out of rounding errors."""
    column, whose = DEFICIENT[case]
    x, y = two_classes(column)
    with pytest.raises(
        ValueError, match=re.escape(f"the covariance of {whose} has no inverse: column 3 (from 0) is constant or")
    ):
        QDA(regularization=0).fit(x, y, seed=0)
    assert QDA().fit(x, y, seed=0).log_prob(x).isfinite().all()


def test_lda_names_the_columns_that_are_constant_within_classes():
    x, y = two_classes(lambda x, y: torch.cat([x, (0.1 + 0.2 * y)[:, None], 2 * x[:, :1]], dim=1))
    with pytest.raises(
        ValueError, match=r"the 60 rows within their classes has no inverse: column 3, 4 \(from 0\) is constant"
    ):
        LDA(shrinkage=0).fit(x, y, seed=0)
    assert LDA(shrinkage=0.1).fit(x, y, seed=0).log_prob(x).isfinite().all()


@pytest.mark.parametrize("model", [QDA(regularization=0), LDA(shrinkage=0)])
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_classes_far_apart_and_small_units_are_not_singular(model, scale):
    """A class's spread of a millionth of the distance between classes is a spread."""
    x, y = two_classes(lambda x, y: torch.cat([x, (x[:, :1] + 1e6 * y[:, None])], dim=1) * scale)
    x[:, 3] += torch.randn(60, generator=torch.Generator().manual_seed(9), dtype=torch.float64) * scale
    assert model.fit(x, y, seed=0).predict_proba(x).argmax(dim=1).equal(y)


@pytest.mark.parametrize("value", [0.1, 14.62, 1e6])
def test_a_column_constant_within_rounding_is_treated_as_constant(value):
    """Its spread of 1e-16 is not 0: scaled by it, the column counted as one of spread 1 and got a density 1e16 high."""
    x, y = two_classes(lambda x, _: x)
    zero = torch.zeros(60, 1, dtype=torch.float64)
    noisy = value * (1 + torch.finfo(torch.float64).eps * (torch.arange(60) % 3).double()[:, None])
    for model in (LDA(), QDA()):
        plain = model.fit(torch.cat([x, zero], dim=1), y, seed=0).law_.factors.clone()
        moved = model.fit(torch.cat([x, noisy], dim=1), y, seed=0).law_.factors
        assert torch.allclose(plain, moved, rtol=1e-6, atol=1e-9)
