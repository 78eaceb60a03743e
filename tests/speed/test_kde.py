"""Kernel density estimation beside scikit-learn, as it comes and in its exact mode: leaf_size >= N, which switches the tree off.

The tree's bounds are wrong in many dimensions: on the images below its log-densities are off by more than a hundred nats, in two
dimensions by less than 1e-6. So ours is held against the exact mode.
"""

from __future__ import annotations

import numpy as np
import torch
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neighbors import KernelDensity

from baselines.kde import bandwidth_scores, log_density
from bench.registry import load
from tests.speed.pairs import Peer

QUERIES, THEIRS, OURS = 10_000, 50, 1000


def same_start(ours, theirs):
    n = min(len(ours), len(theirs))
    np.testing.assert_allclose(ours[:n], theirs[:n], rtol=1e-6, atol=1e-6)


def off_by_nats(ours, theirs):
    """What "wrong" means above: if a release of scikit-learn mends it, the row says so by failing."""
    assert np.abs(ours[: len(theirs)] - theirs).max() > 100


def test_log_densities_of_images(pairs_of):
    """60,000 rows of 784 pixels around random prototypes, so that the sum has many and few terms."""
    generator = torch.Generator().manual_seed(0)
    prototypes = torch.rand(100, 784, generator=generator, dtype=torch.float64)
    draws = [prototypes[torch.randint(100, (n,), generator=generator)] for n in (60_000, OURS)]
    rows, queries = (d + 0.1 * torch.randn(d.shape, generator=generator, dtype=torch.float64) for d in draws)
    tree, exact = (KernelDensity(bandwidth=0.2, leaf_size=size).fit(rows.numpy()) for size in (40, len(rows)))
    first, part = queries[:THEIRS].numpy(), QUERIES / THEIRS
    pairs_of(
        "KDE, 10,000 log-densities on 60,000 x 784",
        lambda: log_density(rows, queries, 0.2).numpy(),
        Peer("scikit-learn (wrong here)", lambda: tree.score_samples(first), 40, off_by_nats, whole=part),
        Peer("scikit-learn, exact", lambda: exact.score_samples(first), None, same_start, whole=part),
        threads=2,
        whole=QUERIES / OURS,
    )


def test_twenty_bandwidths_on_digits(pairs_of):
    """Five folds; float32 kernels squared 19 times: 1e-3 of a log-likelihood."""
    rows = load("dataset", "digits")().train.x.flatten(1).double()
    folds = [(torch.from_numpy(a), torch.from_numpy(b)) for a, b in KFold(5).split(rows)]
    grid = [2.0 / 2 ** (j / 2) for j in range(20)]

    def ours():
        scores = [bandwidth_scores(rows[a], rows[b], largest=2.0, skip_self=False, count=20) for a, b in folds]
        return np.mean([list(s.values()) for s in scores], axis=0)

    def theirs():
        search = GridSearchCV(KernelDensity(leaf_size=len(rows)), {"bandwidth": grid}, cv=KFold(5), refit=False)
        return search.fit(rows.numpy()).cv_results_["mean_test_score"] / (len(rows) / 5)

    def agrees(a, b):
        np.testing.assert_allclose(a, b, rtol=1e-3)

    pairs_of(
        "KDE, 20 bandwidths by 5 folds on digits", ours, Peer("GridSearchCV, exact", theirs, 40, agrees), threads=1
    )


def test_log_densities_in_2d(pairs_of):
    data = load("dataset", "ring8")()
    rows, queries = data.train.x.double(), data.valid.x.double()
    peer = KernelDensity(bandwidth=0.1, leaf_size=len(rows)).fit(rows.numpy())
    pairs_of(
        "KDE, 2,500 log-densities on 100,000 x 2",
        lambda: log_density(rows, queries, 0.1).numpy(),
        Peer("scikit-learn, exact", lambda: peer.score_samples(queries.numpy()), 3, same_start),
        threads=1,
    )
