"""Train on synthetic, test on real (Esteban et al. 2017): are the class-conditional samples worth learning from?

A logistic regression on rows standardised by the training data, fitted to samples given their class and tested on the
board's real rows. `trtr_accuracy` is the same classifier fitted to the real training rows: the ceiling to read it beside.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from bench.metrics import Estimate, block_means, metric
from bench.metrics._evaluation import Evaluation
from bench.metrics._two_sample import prepared

MAX_ROWS = 5000  # of training rows: a logistic regression's time grows with them, its accuracy hardly


def correct_after_training_on(x: Tensor, y: Tensor, real: Tensor, labels: Tensor) -> Tensor:
    """Say on which of real (M, D) a classifier fitted to the first 5,000 of x (N, D), y (N,) is right, bool (M,)."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    x, y = x[:MAX_ROWS], y[:MAX_ROWS]
    x, real = prepared(x, real)
    classes = y.unique()
    if len(classes) == 1:  # nothing to separate: the one class is the answer
        return labels.cpu() == classes[0].cpu()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(max_iter=300).fit(x.cpu().numpy(), y.cpu().numpy())
    return torch.as_tensor(model.predict(real.cpu().numpy())) == labels.cpu()


def _estimate(correct: Tensor) -> Estimate:
    return Estimate(float(correct.double().mean()), len(correct), block_means(correct.double()))


@metric(needs=("given", "labels"), better="higher", unit="fraction", scale="logit")
def tstr_accuracy(ev: Evaluation) -> Estimate:
    """Accuracy on real rows of a logistic regression trained on class-conditional samples."""
    space = ev.space("identity")
    x, y = ev.outputs["given.x"], ev.outputs["given.y"]
    return _estimate(correct_after_training_on(space(x), y, ev.real_features("identity"), ev.real.labels))


@metric(needs=("given", "labels"), better="none", unit="fraction", scale="logit")
def trtr_accuracy(ev: Evaluation) -> Estimate:
    """Accuracy of the same classifier trained on the real training rows: the ceiling of tstr_accuracy."""
    rows = (ev.train.labels >= 0).nonzero().flatten()[:MAX_ROWS]
    x, y = ev.space("identity")(ev.train.x[rows]), ev.train.labels[rows]
    return _estimate(correct_after_training_on(x, y, ev.real_features("identity"), ev.real.labels))
