"""A small perceptron that tells apart the two colours of a checkerboard on grid25.

The 25 Gaussians of grid25 have their means at {-4, -2, 0, 2, 4}^2; neighbours have different colours. No line separates them, so that
what hidden layers can fold is what counts: one of 20 units, or two of 10. Cross-entropy, Adam.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(kw_only=True, eq=False)
class CheckerboardClassifier:
    """hidden: units of each hidden layer."""

    family: ClassVar[str] = "extension"
    steps: int = 2000
    hidden: tuple[int, ...] = (20,)
    batch: int = 256
    lr: float = 1e-2

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Learn from points x (N, 2); their colours follow from x."""
        for _ in self.fit_steps(x, y, seed=seed):
            pass
        return self

    def fit_steps(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Iterator[dict[str, Tensor | int]]:
        """Yield the cross-entropy in nats after each step; the learning rate falls to zero."""
        generator = torch.Generator().manual_seed(seed)
        sizes = [2, *self.hidden, 2]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            layers = [m for a, b in pairwise(sizes) for m in (nn.Linear(a, b), nn.ReLU())][:-1]
        self.network_ = nn.Sequential(*layers).to(x.device)
        adam = torch.optim.Adam(self.network_.parameters(), lr=self.lr, fused=True)
        colour = self.colour_of(x)
        for step in range(self.steps):
            adam.param_groups[0]["lr"] = self.lr * (1 - step / self.steps)
            rows = torch.randint(len(x), (self.batch,), generator=generator)
            adam.zero_grad()
            loss = F.cross_entropy(self.network_(x[rows] / 4), colour[rows])
            loss.backward()
            adam.step()
            yield {"examples": self.batch, "loss": loss.detach()}

    @staticmethod
    def colour_of(x: Tensor) -> Tensor:
        """0 or 1 for points x (N, 2): the parity of the nearest mean's row and column."""
        cell = (x / 2).round().clamp(-2, 2).long() + 2
        return cell.sum(dim=1) % 2

    @torch.no_grad()
    def predict_proba(self, x: Tensor) -> Tensor:
        """Probabilities of the two colours, (N, 2)."""
        return self.network_(x / 4).softmax(dim=1)
