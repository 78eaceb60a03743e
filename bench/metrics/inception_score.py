"""Inception score (Salimans et al. 2016, sec. 4): sharp and varied predictions of its network.

    IS = exp E_x KL(p(y|x) || p(y)),   p(y) the mean of p(y|x) over the samples                             (1)

The mean over ten splits, as published, of samples in random order. It sees no real image, so it rewards classes of ImageNet on
whatever data: a control
column that ranks nobody.
"""

from __future__ import annotations

from torch import Tensor

from bench.features import Classifying
from bench.metrics import Estimate, metric, refuse_non_finite
from bench.metrics._evaluation import Evaluation

SPLITS = 10


def inception_score_of(logits: Tensor, *, splits: int = SPLITS) -> tuple[float, float]:
    """Return mean and standard deviation over the splits of eq. (1) for logits (N, K); from 1 to K."""
    if logits.ndim != 2 or len(logits) < splits:
        raise ValueError(f"expected logits (N, K) with N >= {splits}, got {tuple(logits.shape)}")
    refuse_non_finite(logits, "logits")
    scores = []
    for i in range(splits):
        part = logits[len(logits) * i // splits : len(logits) * (i + 1) // splits].double().log_softmax(dim=1)
        p = part.exp()
        mean = p.mean(dim=0)
        scores.append((p * part).sum(dim=1).mean() - (mean * mean.clamp(min=1e-300).log()).sum())
    values = [float(score.exp()) for score in scores]
    centre = sum(values) / splits
    return centre, (sum((v - centre) ** 2 for v in values) / splits) ** 0.5


@metric(needs=("samples", "image"), spaces=("inception",), better="none", scale="log", low=1.0, version=2)
def inception_score(ev: Evaluation, space: str) -> Estimate:
    """Exponential of the mutual information of sample and predicted ImageNet class, over ten splits.

    Ranks nobody.
    """
    features, network = ev.sample_features(space), ev.space(space)
    assert isinstance(network, Classifying), "the Inception network has a classifier"
    value, _ = inception_score_of(network.logits_of(features)[:, 0])
    return Estimate(value, len(features))
