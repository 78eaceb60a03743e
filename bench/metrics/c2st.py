"""Classifier two-sample test (Lopez-Paz and Oquab 2017): can real and generated be told apart?

The area under the ROC curve of 5-fold cross-validated predictions of a random forest: 0.5 is perfect, 1 is told apart
without fail. Equal numbers of both, 2,000 at most; identity features (standardised data). Rows of both sides that are equal are kept in
one fold, else a model that repeats itself would look better than it is.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from bench.metrics import Estimate, metric
from bench.metrics._evaluation import Evaluation
from bench.metrics._two_sample import prepared

FOLDS = 5
TREES = 100
MAX_ROWS = 2000  # a side: a forest of more takes minutes


def classifier_auc(real: Tensor, fake: Tensor, *, seed: int = 0) -> float:
    """Return the mean AUC over the folds for rows (N, D) and (M, D); 0.5 for samples of one law."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold

    real, fake = prepared(real, fake)
    if min(len(real), len(fake)) < 2 * FOLDS:
        raise ValueError(f"expected at least {2 * FOLDS} rows on each side, got {len(real)} and {len(fake)}")
    x = torch.cat([real, fake]).cpu().numpy()
    y = np.repeat([0, 1], [len(real), len(fake)])
    groups = np.unique(x, axis=0, return_inverse=True)[1].reshape(-1)
    scores = []
    for train, test in StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(x, y, groups):
        if len(set(y[train])) < 2 or len(set(y[test])) < 2:  # one repeated row fills a fold
            continue
        forest = RandomForestClassifier(TREES, min_samples_leaf=3, random_state=seed).fit(x[train], y[train])
        scores.append(roc_auc_score(y[test], forest.predict_proba(x[test])[:, 1]))
    return float(np.mean(scores)) if scores else 1.0


@metric(needs=("samples",), better="lower", unit="fraction", scale="logit", slow=True, version=2)
def c2st_auc(ev: Evaluation) -> Estimate:
    """AUC of a cross-validated forest that tells real from generated rows; 0.5 is perfect."""
    real = ev.real_features("identity")[:MAX_ROWS]
    values = [classifier_auc(real, draw[:MAX_ROWS], seed=i) for i, draw in enumerate(ev.draw_features("identity"))]
    return Estimate(sum(values) / len(values), len(real))
