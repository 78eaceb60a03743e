"""Are the features of a classifier of some classes of use for others? Trained on the digits 0 to 4, reused on 5 to 9.

A perceptron of 64 units learns 0 to 4 from all their training rows; then 25 labelled rows of 5 to 9 (five a class, by the cell's
seed) train a linear classifier on its hidden layer, on the same layer before training, and on the pixels.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from bench.reproductions.measure import Column, Fitted
from bench.reproductions.measures.labels import label_subset, linear_accuracy

COLUMNS = {
    "reuse_trained": Column(
        "5 to 9 from 25 labels, features of a classifier of 0 to 4", better="higher", scale="logit"
    ),
    "reuse_random": Column("the same on an untrained layer", better="higher", scale="logit"),
    "reuse_pixels": Column("the same on pixels", better="higher", scale="logit"),
}
UNITS, LABELS = 64, 25
Map = Callable[[Tensor], Tensor]


def measure(fitted: Fitted) -> dict[str, float]:
    """The three accuracies on the test rows of 5 to 9."""
    dataset = fitted.dataset.to("cpu")
    train, test = dataset.train, dataset.test
    known, new, new_test = train.labels < 5, train.labels >= 5, test.labels >= 5
    x, y = train.x[new].flatten(1), train.labels[new]
    rows = label_subset(y, LABELS, fitted.seed)
    trained, random = hidden_layers(train.x[known].flatten(1), train.labels[known], seed=fitted.seed)
    spaces = {"trained": trained, "random": random, "pixels": lambda v: v}
    held_out = test.x[new_test].flatten(1)
    return {
        f"reuse_{name}": linear_accuracy(space(x[rows]), y[rows], space(held_out), test.labels[new_test])
        for name, space in spaces.items()
    }


def hidden_layers(x: Tensor, y: Tensor, *, seed: int) -> tuple[Map, Map]:
    """(trained, untrained) maps (N, D) -> (N, 64) of one perceptron."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    def fit(iterations: int, rate: float) -> MLPClassifier:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            net = MLPClassifier((UNITS,), max_iter=iterations, learning_rate_init=rate, random_state=seed)
            return net.fit(x.double().numpy(), y.numpy())

    def layer(net: MLPClassifier) -> Map:
        weight, bias = (torch.as_tensor(v[0]).float() for v in (net.coefs_, net.intercepts_))
        return lambda v: (v.float() @ weight + bias).relu()

    return layer(fit(100, 1e-3)), layer(fit(1, 1e-12))
