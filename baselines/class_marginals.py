"""Class marginals: naive Bayes as a density, the reference that every autoregressive model must beat.

    p(x) = sum_k pi_k prod_i p_i(x_i|k)                                                                (1)
    p(k|x) = pi_k prod_i p_i(x_i|k) / p(x)                                                             (2)

A mixture of independent categoricals, one for each class, without any network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from baselines._categorical import check_levels, counts_of, refuse_real, to_codes
from baselines.marginals import STRIP, draw_columns, pick, smoothed


@dataclass(kw_only=True, eq=False)
class ClassMarginals:
    """smoothing: added to every count, > 0."""

    family: ClassVar[str] = "reference"
    paper: ClassVar[str] = "Maron 1961, doi:10.1145/321075.321084"
    uses_labels: ClassVar[bool] = True
    measure: ClassVar[str] = "counting"
    levels: int | None = None
    smoothing: float = 0.1

    def __post_init__(self) -> None:
        if not self.smoothing > 0:
            raise ValueError(f"smoothing must be > 0, got {self.smoothing}")

    def supports(self, dataset: Any) -> str:
        """Codes with class labels only."""
        if not dataset.n_classes:
            return f"needs class labels; {dataset.name} has none"
        return refuse_real(dataset, "an independent categorical")

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Count class by class; rows with y = -1 are left out."""
        assert y is not None
        self.shape_ = tuple(x.shape[1:])
        levels = check_levels(self.levels)
        labels = y[y >= 0]
        self.priors_ = torch.bincount(labels).double() / len(labels)
        counts = [0] * len(self.priors_)
        for rows, part in zip(x.split(STRIP), y.split(STRIP)):
            codes = to_codes(rows.flatten(1), levels)
            counts = [count + counts_of(codes[part == k], levels) for k, count in enumerate(counts)]
        self.log_probs_ = torch.stack([smoothed(count, self.smoothing) for count in counts])  # (K, D, levels)
        return self

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-probability of the codes, nats, (N,); eq. (1)."""
        return torch.logsumexp(self._log_joint(x), dim=1)

    def predict_proba(self, x: Tensor) -> Tensor:
        """Class probabilities, (N, K); eq. (2)."""
        return torch.softmax(self._log_joint(x), dim=1)

    def _log_joint(self, x: Tensor) -> Tensor:
        joint = []
        for part in x.split(STRIP):
            codes = to_codes(part.flatten(1), self.levels)
            columns = [prior.log() + pick(log_probs, codes) for prior, log_probs in zip(self.priors_, self.log_probs_)]
            joint.append(torch.stack(columns, dim=1))
        return torch.cat(joint)

    def sample(self, n: int, *, seed: int) -> Tensor:
        """A class from the prior, then its pixels; (n, *shape)."""
        generator = torch.Generator(self.priors_.device).manual_seed(seed)
        y = torch.multinomial(self.priors_, n, replacement=True, generator=generator)
        return self._draw(y, generator)

    def sample_given(self, y: Tensor, *, seed: int) -> Tensor:
        """(len(y), *shape)."""
        return self._draw(y, torch.Generator(self.priors_.device).manual_seed(seed))

    def _draw(self, y: Tensor, generator: torch.Generator) -> Tensor:
        uniform = torch.rand(len(y), self.log_probs_.shape[1], generator=generator, device=y.device)
        codes = torch.empty(uniform.shape, dtype=torch.long, device=y.device)
        for k in range(len(self.priors_)):
            codes[y == k] = draw_columns(self.log_probs_[k], uniform[y == k])
        return (codes.float() / (self.levels - 1)).reshape(len(y), *self.shape_)
