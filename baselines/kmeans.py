"""k-means centroids as samples (Lloyd, 1982): the control that fools a Parzen window (Theis et al., 2016).

Centroids are averages, so that they lie nearer to held-out points than real points do; a metric that prefers them to the
oracle rewards blur. min(n_train / 5, 200) clusters, at most 10,000 rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor

MAX_ROWS = 10_000


@dataclass(kw_only=True, eq=False)
class KMeans:
    """Reference row. n_clusters None: min(n_train / 5, 200)."""

    family: ClassVar[str] = "reference"
    paper: ClassVar[str] = "Lloyd 1982, doi:10.1109/TIT.1982.1056489"
    uses_labels: ClassVar[bool] = False
    n_clusters: int | None = None

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Centroids of x (N, *shape), by scikit-learn."""
        from sklearn.cluster import KMeans as SklearnKMeans

        rows = x.flatten(1)
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))[:MAX_ROWS]
        k = self.n_clusters or max(1, min(len(rows) // 5, 200))
        if not 1 <= k <= len(rows):
            raise ValueError(f"n_clusters must be between 1 and the {len(rows)} training rows, got {k}")
        fitted = SklearnKMeans(k, n_init=1, random_state=seed).fit(rows[order.to(x.device)].double().cpu().numpy())
        self.shape_ = tuple(x.shape[1:])
        self.centroids_ = torch.as_tensor(fitted.cluster_centers_, dtype=x.dtype, device=x.device)
        share = torch.bincount(torch.as_tensor(fitted.labels_).long(), minlength=k).double()
        self.shares_ = share.to(x.device) / share.sum()
        return self

    def sample(self, n: int, *, seed: int) -> Tensor:
        """Centroids, as often as their clusters are large; (n, *shape)."""
        generator = torch.Generator(self.shares_.device).manual_seed(seed)
        which = torch.multinomial(self.shares_, n, replacement=True, generator=generator)
        return self.centroids_[which].reshape(n, *self.shape_)
