"""What a trained D knows of the classes: a linear classifier on its last hidden layer, learned from 20 and from 100 labels.

The labelled rows are the class-balanced subset of the cell's seed, so that arms of one seed share them; accuracy on the test rows.
`pixel_accuracy_...` is the same classifier on the pixels.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from bench.reproductions.labelled_rows import label_subset
from bench.reproductions.measure import Column, Fitted

COLUMNS = {
    "label_accuracy_20": Column("accuracy from 20 labels, on D's features", better="higher", scale="logit"),
    "label_accuracy_100": Column("accuracy from 100 labels, on D's features", better="higher", scale="logit"),
    "pixel_accuracy_20": Column("accuracy from 20 labels, on pixels", better="higher", scale="logit"),
    "pixel_accuracy_100": Column("accuracy from 100 labels, on pixels", better="higher", scale="logit"),
}


def measure(fitted: Fitted) -> dict[str, float]:
    """Accuracies in [0, 1]; the images go to D in the range the model trains it on."""
    if fitted.model is None:
        return {}
    train, test, accuracies = fitted.dataset.train, fitted.dataset.test, {}
    assert train.y is not None and test.y is not None, "an experiment on labels asks for a dataset that has them"
    for n in (20, 100):
        rows = label_subset(train.y, n, fitted.seed)
        for name, features in (("label", lambda x: features_of(fitted.model, x)), ("pixel", lambda x: x.flatten(1))):
            learned, held_out = features(train.x[rows]), features(test.x)
            accuracies[f"{name}_accuracy_{n}"] = linear_accuracy(learned, train.y[rows], held_out, test.y)
    return accuracies


@torch.no_grad()
def features_of(model: object, x: Tensor) -> Tensor:
    """Last hidden layer of a model's discriminator for x (N, *shape) in [0, 1], (N, A), in eval mode."""
    network = model.discriminator_  # type: ignore[attr-defined]
    body = getattr(network, "body", None)
    body = network[:-1] if body is None else body
    modes = [(module, module.training) for module in body.modules()]
    body.eval()
    try:
        scaled = 2 * x - 1 if any(isinstance(m, torch.nn.Conv2d) for m in body.modules()) else x
        return torch.cat([body(part).flatten(1) for part in scaled.split(1024)])
    finally:
        for module, training in modes:
            module.training = training


def linear_accuracy(x: Tensor, y: Tensor, test: Tensor, labels: Tensor) -> float:
    """Accuracy on test (M, D) of a logistic regression on x (N, D), standardised by x."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    x, y, test, labels = x.cpu(), y.cpu(), test.cpu(), labels.cpu()
    mean, std = x.mean(dim=0), x.std(dim=0).clamp(min=1e-3)
    if len(y.unique()) == 1:  # a classifier that has seen one class says it of all
        return float((labels == y[0]).double().mean())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(max_iter=500, C=0.1).fit(((x - mean) / std).numpy(), y.numpy())
    return float((torch.as_tensor(model.predict(((test - mean) / std).numpy())) == labels).double().mean())
