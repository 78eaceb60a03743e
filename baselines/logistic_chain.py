"""Logistic chain: a fully visible sigmoid belief network (Neal, 1992; Frey, 1998).

    p(x) = prod_i p(x_i | x_<i),      p(x_i = 1 | x_<i) = sigmoid(b_i + w_i . x_<i)                    (1)

One logistic regression a pixel, all fitted at once by Newton-type optimisation (L-BFGS) of a convex objective with an L2
penalty on w, whose strength is the best of a few on a fifth of the training rows. No hidden unit: the reference that
the binary autoregressive networks must beat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor
from torch.nn.functional import softplus

PENALTIES = (0.001, 0.003, 0.01, 0.03, 0.1)


@dataclass(kw_only=True, eq=False)
class LogisticChain:
    """penalty: L2 strength per training row, > 0; None: the best of PENALTIES inside train."""

    family: ClassVar[str] = "reference"
    paper: ClassVar[str] = "Neal 1992, doi:10.1016/0004-3702(92)90065-6"
    uses_labels: ClassVar[bool] = False
    measure: ClassVar[str] = "counting"
    levels: int | None = None
    penalty: float | None = None

    def __post_init__(self) -> None:
        if self.penalty is not None and not self.penalty > 0:
            raise ValueError(f"penalty must be > 0, or None to choose it inside train, got {self.penalty}")

    def supports(self, dataset: Any) -> str:
        """Binary images only."""
        return "" if dataset.levels == 2 else f"needs binary data; {dataset.name} has {dataset.levels or 'real'} values"

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """x (N, *shape) in {0, 1}."""
        self.shape_ = tuple(x.shape[1:])
        rows = x.flatten(1).double()
        self.penalty_ = self.penalty or self._choose(rows, seed)
        self.weight_, self.bias_ = fit_chain(rows, self.penalty_)
        return self

    def _choose(self, rows: Tensor, seed: int) -> float:
        """The penalty of highest likelihood on a fifth of the rows."""
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed)).to(rows.device)
        held, kept = rows[order[: len(rows) // 5]], rows[order[len(rows) // 5 :]]
        scores = {p: float(chain_log_prob(held, *fit_chain(kept, p)).mean()) for p in PENALTIES}
        return max(scores, key=scores.__getitem__)

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-probability, nats, (N,); eq. (1)."""
        return chain_log_prob(x.flatten(1).double(), self.weight_, self.bias_)

    def sample(self, n: int, *, seed: int) -> Tensor:
        """Pixel by pixel, (n, *shape)."""
        generator = torch.Generator(self.bias_.device).manual_seed(seed)
        uniform = torch.rand(n, len(self.bias_), generator=generator, device=self.bias_.device, dtype=torch.float64)
        logits = self.bias_.expand(n, -1).clone()
        for i in range(len(self.bias_)):
            value = (uniform[:, i] < logits[:, i].sigmoid()).double()  # (n,), eq. (1)
            logits[:, i + 1 :] += value[:, None] * self.weight_[i + 1 :, i]
            uniform[:, i] = value
        return uniform.float().reshape(n, *self.shape_)


def chain_log_prob(rows: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """eq. (1): rows (N, D) in {0, 1}, weight (D, D) strictly lower triangular, bias (D,) -> (N,) nats."""
    logits = rows @ weight.T + bias
    return (rows * logits - softplus(logits)).sum(dim=1)


def fit_chain(rows: Tensor, penalty: float) -> tuple[Tensor, Tensor]:
    """Minimise the mean negative log-likelihood plus penalty/2 |w|^2: (weight (D, D), bias (D,))."""
    dim = rows.shape[1]
    mask = torch.ones(dim, dim, dtype=rows.dtype, device=rows.device).tril(-1)
    share = ((rows.sum(dim=0) + 0.5) / (len(rows) + 1)).clamp(1e-6, 1 - 1e-6)
    weight = torch.zeros_like(mask, requires_grad=True)
    bias = share.logit().requires_grad_(True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=60, history_size=8, line_search_fn="strong_wolfe")

    def objective() -> Tensor:
        optimizer.zero_grad()
        kept = weight * mask
        # a weak pull of the bias to its start keeps pixels that are always dark finite
        loss = -chain_log_prob(rows, kept, bias).mean() + penalty / 2 * kept.square().sum()
        loss = loss + 1e-4 / 2 * (bias - share.logit()).square().sum()
        loss.backward()
        return loss

    optimizer.step(objective)
    return (weight * mask).detach(), bias.detach()
