"""How good are class-conditional samples as replacements of labelled data?

class_agreement     share of samples given y that the dataset's pinned classifier calls y
synthetic_accuracy  test accuracy of a logistic regression trained on 1,000 samples and their classes, from sample_given, or, where a
                    model has P(x) and P(y given x) only, from samples labelled by the model itself
joint_accuracy      the same, trained on those samples and 100 real labelled rows
few_accuracy        trained on those 100 real labelled rows alone
full_accuracy       trained on 1,000 real labelled rows: the ceiling
"""

from __future__ import annotations

import torch
from torch import Tensor

from bench.features import CountingModes, load_space
from bench.reproductions.measure import Column, Fitted
from bench.reproductions.measures.labels import label_subset, linear_accuracy

COLUMNS = {
    "class_agreement": Column("samples of the class asked for", better="higher", scale="logit"),
    "synthetic_accuracy": Column("accuracy of a classifier trained on samples", better="higher", scale="logit"),
    "joint_accuracy": Column("... on samples and 100 real labels", better="higher", scale="logit"),
    "few_accuracy": Column("... on 100 real labels alone", better="higher", scale="logit"),
    "full_accuracy": Column("... on 1,000 real labels", better="higher", scale="logit"),
}
NEEDS = ("lenet",)
SAMPLES, FEW = 1_000, 100


def measure(fitted: Fitted) -> dict[str, float]:
    """The columns that the model's capabilities allow."""
    if fitted.model is None:
        return {}
    dataset = fitted.dataset
    test, labels = dataset.test.x.flatten(1), dataset.test.labels
    rows = label_subset(dataset.train.labels, FEW, fitted.seed)  # those that the model of 100 labels was given
    few, few_y = dataset.train.x[rows].flatten(1), dataset.train.labels[rows]
    found = {
        "few_accuracy": linear_accuracy(few, few_y, test, labels),
        "full_accuracy": linear_accuracy(
            dataset.train.x[:SAMPLES].flatten(1), dataset.train.labels[:SAMPLES], test, labels
        ),
    }
    pair = labelled_samples(fitted)
    if pair is None:
        return found
    x, y = pair
    if hasattr(fitted.model, "sample_given"):
        space = load_space("lenet", dataset)
        assert isinstance(space, CountingModes)
        found["class_agreement"] = float((space.mode_ids_of(space(x)) == y).double().mean())
    x = x.flatten(1)
    found["synthetic_accuracy"] = linear_accuracy(x, y, test, labels)
    found["joint_accuracy"] = linear_accuracy(torch.cat([x, few]), torch.cat([y, few_y]), test, labels)
    return found


def labelled_samples(fitted: Fitted) -> tuple[Tensor, Tensor] | None:
    """(x (n, *shape) on the dataset's grid, y (n,)), None for a model of x alone."""
    model, dataset, seed = fitted.model, fitted.dataset, fitted.seed + 1000
    lebesgue = getattr(model, "measure", "") == "lebesgue"
    with torch.no_grad():
        if hasattr(model, "sample_given"):
            y = dataset.train.labels[:SAMPLES]
            return dataset.to_grid(model.sample_given(y, seed=seed).float(), dequantized=lebesgue), y
        if not hasattr(model, "predict_proba"):
            return None
        x = model.sample(SAMPLES, seed=seed).float()
        return dataset.to_grid(x, dequantized=lebesgue), model.predict_proba(x).argmax(dim=1)
