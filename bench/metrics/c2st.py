"""Classifier two-sample test (Lopez-Paz and Oquab 2017): can real and generated be told apart?

The area under the ROC curve of a random forest's predictions for the rows that a tree has not seen (out of bag, Breiman 2001): 0.5 is
perfect, 1 is told apart without fail. Equal numbers of both, 2,000 at most; identity features (standardised data). Each tree draws as many
real and as many generated rows as there are, with replacement; rows of both sides that are equal are drawn together, else a model that
repeats itself would look better than it is. One forest of 150 trees gives the number of five-fold cross-validation with 100 trees a fold,
within a seed's scatter, at a third of its trees.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from bench.metrics import Estimate, metric
from bench.metrics._evaluation import Evaluation
from bench.metrics._two_sample import prepared

LEAST_ROWS = 10  # a side
TREES = 150
MAX_ROWS = 2000  # a side: a forest of more takes minutes
DRAWN = 0.632  # how often a row is drawn that is the only one of its kind: as often as one of many is


def classifier_auc(real: Tensor, fake: Tensor, *, seed: int = 0) -> float:
    """Return the out-of-bag AUC for rows (N, D) and (M, D); 0.5 for samples of one law."""
    from sklearn.metrics import roc_auc_score
    from sklearn.tree import DecisionTreeClassifier

    real, fake = prepared(real, fake)
    if min(len(real), len(fake)) < LEAST_ROWS:
        raise ValueError(f"expected at least {LEAST_ROWS} rows on each side, got {len(real)} and {len(fake)}")
    x = np.ascontiguousarray(torch.cat([real, fake]).cpu().numpy(), dtype=np.float32)
    y = np.repeat([0, 1], [len(real), len(fake)])
    votes, voters = np.zeros(len(x)), np.zeros(len(x))
    random = np.random.RandomState(seed)
    kinds, groups = kinds_of_groups(x, y)
    for _ in range(TREES):
        times = drawn(kinds, random)[groups]
        out = times == 0
        if len(set(y[~out])) < 2 or not out.any():  # one repeated row is a whole side
            continue
        tree = DecisionTreeClassifier(max_features="sqrt", min_samples_leaf=3, random_state=random.randint(2**31 - 1))
        tree.fit(x, y, sample_weight=times.astype(float), check_input=False)
        votes[out] += tree.predict_proba(x[out], check_input=False)[:, 1]
        voters[out] += 1
    told = voters > 0
    return float(roc_auc_score(y[told], votes[told] / voters[told])) if len(set(y[told])) == 2 else 1.0


def kinds_of_groups(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the kind of each group of equal rows, (G,), and each row's group, (N,).

    Groups of a kind have as many rows of either side.
    """
    groups = np.unique(x, axis=0, return_inverse=True)[1].reshape(-1)
    sides = [np.bincount(groups[y == side], minlength=groups.max() + 1) for side in (0, 1)]
    return np.unique(np.stack(sides), axis=1, return_inverse=True)[1].reshape(-1), groups


def drawn(kinds: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """Say how often each group is drawn, (G,): of each kind as many as there are, with replacement."""
    times = np.zeros(len(kinds), int)
    for kind in range(kinds.max() + 1):
        groups = np.flatnonzero(kinds == kind)
        if len(groups) > 1:
            times[groups] = np.bincount(random.randint(len(groups), size=len(groups)), minlength=len(groups))
        else:
            times[groups] = random.rand() < DRAWN
    return times


@metric(needs=("samples",), better="lower", unit="fraction", scale="logit", slow=True, version=3)
def c2st_auc(ev: Evaluation) -> Estimate:
    """AUC of a forest that tells real from generated rows new to its trees; 0.5 is perfect."""
    real = ev.real_features("identity")[:MAX_ROWS]
    values = [classifier_auc(real, draw[:MAX_ROWS], seed=i) for i, draw in enumerate(ev.draw_features("identity"))]
    return Estimate(sum(values) / len(values), len(real))
