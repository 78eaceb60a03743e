"""Centroids of k-means as samples, each once before any twice (Theis et al., 2016, table 1).

They fool a Parzen window.

Lloyd's algorithm from training rows drawn by the seed, `iterations` rounds at most: with as many clusters as samples are asked for,
each centroid is the average of a few rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor


@dataclass(kw_only=True, eq=False)
class Centroids:
    """clusters: how many, at most half of the training rows."""

    family: ClassVar[str] = "reference"
    clusters: int = 10_000
    iterations: int = 10

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Cluster x (N, *shape)."""
        from sklearn.cluster import KMeans

        rows = x.flatten(1).cpu().float().numpy()
        means = KMeans(
            min(self.clusters, len(rows) // 2), init="random", n_init=1, max_iter=self.iterations, random_state=seed
        )
        self.centroids_ = torch.from_numpy(means.fit(rows).cluster_centers_).to(x.device).reshape(-1, *x.shape[1:])
        return self

    def sample(self, n: int, *, seed: int) -> Tensor:
        """Return n centroids (n, *shape) in an order drawn by the seed, over again after the last."""
        order = torch.randperm(len(self.centroids_), generator=torch.Generator().manual_seed(seed))
        return self.centroids_[order[torch.arange(n) % len(order)].to(self.centroids_.device)]
