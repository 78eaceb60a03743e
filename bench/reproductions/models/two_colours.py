"""A small perceptron that tells two colours apart which no line separates.

What hidden layers can fold is what counts. Two tasks:

checkerboard   rows (x_1, x_2) of grid25, whose 25 means are {-4, -2, 0, 2, 4}^2; neighbouring means have different colours
parity         rows of four numbers from N(0, I), drawn here whatever the data; the colour is the parity of the number of signs below zero

Networks of one and of two hidden layers have as many weights where W(h) = W(k, k), for D inputs and two outputs:

    W(h) = D h + h + 2 h + 2,    W(k, k) = D k + k + k^2 + k + 2 k + 2                                    (1)

so 32 units against 10 and 10 on the checkerboard (162 weights), 80 against 20 and 20 for the parity (562). Cross-entropy, Adam.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

INPUTS = {"checkerboard": 2, "parity": 4}


@dataclass(kw_only=True, eq=False)
class TwoColours:
    """task: which colours; hidden: units of each hidden layer."""

    family: ClassVar[str] = "extension"
    steps: int = 2000
    task: str = "checkerboard"
    hidden: tuple[int, ...] = (32,)
    batch: int = 256
    lr: float = 1e-2

    def __post_init__(self) -> None:
        if self.task not in INPUTS:
            raise ValueError(f"task must be one of {', '.join(INPUTS)}, got {self.task!r}")

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Learn from points x (N, 2); their colours follow from x."""
        for _ in self.fit_steps(x, y, seed=seed):
            pass
        return self

    def fit_steps(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Iterator[dict[str, Tensor | int]]:
        """Yield the cross-entropy in nats after each step; the learning rate falls to zero."""
        generator = torch.Generator().manual_seed(seed)
        sizes = [INPUTS[self.task], *self.hidden, 2]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            layers = [m for a, b in pairwise(sizes) for m in (nn.Linear(a, b), nn.ReLU())][:-1]
        self.network_ = nn.Sequential(*layers).to(x.device)
        adam = torch.optim.Adam(self.network_.parameters(), lr=self.lr, fused=True)
        for step in range(self.steps):
            adam.param_groups[0]["lr"] = self.lr * (1 - step / self.steps)
            rows = self.rows(x, self.batch, generator)  # (B, D)
            adam.zero_grad()
            loss = F.cross_entropy(self.network_(self._scaled(rows)), self.colour_of(rows))
            loss.backward()
            adam.step()
            yield {"examples": self.batch, "loss": loss.detach()}

    def rows(self, x: Tensor, n: int, generator: torch.Generator) -> Tensor:
        """Draw n rows of the task, (n, D): those of x for the checkerboard, fresh ones for the parity."""
        if self.task == "parity":
            return torch.randn(n, INPUTS["parity"], generator=generator).to(x.device)
        return x[torch.randint(len(x), (n,), generator=generator)]

    def colour_of(self, rows: Tensor) -> Tensor:
        """0 or 1 for rows (N, D) of the task."""
        if self.task == "parity":
            return (rows < 0).sum(dim=1) % 2
        cell = (rows / 2).round().clamp(-2, 2).long() + 2
        return cell.sum(dim=1) % 2

    @torch.no_grad()
    def predict_proba(self, x: Tensor) -> Tensor:
        """Probabilities of the two colours of rows x (N, D) of the task, (N, 2)."""
        return self.network_(self._scaled(x)).softmax(dim=1)

    def _scaled(self, rows: Tensor) -> Tensor:
        return rows / 4 if self.task == "checkerboard" else rows
