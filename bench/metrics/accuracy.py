"""Accuracy of generative classifiers on held-out rows."""

from __future__ import annotations

from bench.metrics import Estimate, metric
from bench.metrics._evaluation import Evaluation


@metric(needs=("proba", "labels"), better="higher", unit="fraction", scale="logit", version=2)
def accuracy(ev: Evaluation) -> Estimate:
    """Share of held-out rows whose most probable class is the true one."""
    correct = (ev.proba.argmax(dim=1) == ev.real.labels).double()
    blocks, se = ev.blocks.mean(correct)
    return Estimate(float(correct.mean()), len(correct), blocks, row_se=se)
