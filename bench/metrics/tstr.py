"""Train on synthetic, test on real (Esteban et al. 2017): are samples worth learning from?

A logistic regression on rows standardised by the training data, fitted to samples given their class and tested on the
board's real rows. `trtr_accuracy` is the same classifier fitted to the real training rows: the ceiling to read it beside.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from bench.datasets import some_rows
from bench.metrics import Estimate, metric
from bench.metrics._evaluation import Evaluation
from bench.metrics._two_sample import prepared

MAX_ROWS = 5000  # to train on: a logistic regression's time grows with the rows, its accuracy hardly


def correct_after_training_on(x: Tensor, y: Tensor, real: Tensor, labels: Tensor) -> Tensor:
    """Say where a classifier fitted to 5,000 of x (N, D), y (N,) is right on real (M, D), bool (M,)."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    rows = some_rows(len(x), MAX_ROWS).to(x.device)
    x, y = x[rows], y[rows]
    x, real = prepared(x, real)
    classes = y.unique()
    if len(classes) == 1:  # nothing to separate: the one class is the answer
        return labels.cpu() == classes[0].cpu()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(max_iter=300).fit(x.cpu().numpy(), y.cpu().numpy())
    return torch.as_tensor(model.predict(real.cpu().numpy())) == labels.cpu()


def _estimate(ev: Evaluation, correct: Tensor) -> Estimate:
    blocks, se = ev.blocks.mean(correct)
    return Estimate(float(correct.double().mean()), len(correct), blocks, row_se=se)


@metric(needs=("given", "labels"), better="higher", unit="fraction", scale="logit", version=2)
def tstr_accuracy(ev: Evaluation) -> Estimate:
    """Accuracy on real rows of a logistic regression trained on class-conditional samples."""
    space = ev.space("identity")
    x, y = ev.given
    real = ev.real_features("identity")
    return _estimate(ev, correct_after_training_on(space(x).to(real.device), y, real, ev.real.labels))


@metric(needs=("given", "labels"), better="none", unit="fraction", scale="logit", version=2)
def trtr_accuracy(ev: Evaluation) -> Estimate:
    """The same classifier trained on the real training rows: the ceiling of tstr_accuracy."""  # noqa: D401 - a column's title
    labelled = (ev.train.labels >= 0).nonzero().flatten()
    rows = labelled[some_rows(len(labelled), MAX_ROWS).to(labelled.device)]
    real = ev.real_features("identity")
    x, y = ev.space("identity")(ev.train.x[rows]).to(real.device), ev.train.labels[rows]
    return _estimate(ev, correct_after_training_on(x, y, real, ev.real.labels))
