"""A discriminator alone, against a generator that is frozen at a known law.

A control for Theorem 1 of Goodfellow et al. (2014):

    D*(x) = p(x) / (p(x) + q(x)),  V(D*) = -log 4 + 2 JSD(p, q)                                          (1)

fakes   "data": q = p, training rows drawn again; D must go to 1/2 and V to -log 4, for there is nothing to tell
        "gaussian": q is one Gaussian of the rows' mean and covariance; D must go to D*, far from 1/2
apart   so many first steps are against the Gaussian whatever `fakes` says: D then has to come back to 1/2, where an untrained one
        stands anyway

The network, loss, batch and learning rate are those of gan_models/vanilla_gan.py on rows. From _blocks.py: the perceptron.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor

from gan_models._blocks import draw_index, mlp_discriminator, seeded, set_lr
from gan_models.vanilla_gan import discriminator_loss


@dataclass(kw_only=True, eq=False)
class FrozenGenerator:
    """Only D learns; sample() draws from the law that it is to tell from the data."""

    family: ClassVar[str] = "extension"
    steps: int = 4000
    fakes: str = "data"
    apart: int = 0
    hidden: int = 128
    depth: int = 3
    batch: int = 128
    lr: float = 1e-3
    beta1: float = 0.5

    def __post_init__(self) -> None:
        if self.fakes not in ("data", "gaussian"):
            raise ValueError(f"fakes must be 'data' or 'gaussian', got {self.fakes!r}")

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Train D on x (N, D) against the frozen law."""
        for _ in self.fit_steps(x, y, seed=seed):
            pass
        return self

    def fit_steps(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Iterator[dict[str, Tensor | int]]:
        """Yield after each step of D: its loss in nats, mean D(x) and D of the fakes."""
        generator = torch.Generator(x.device).manual_seed(seed)
        self.rows_ = x[:]
        self.mean_, self.root_ = self.rows_.mean(dim=0), torch.linalg.cholesky(torch.cov(self.rows_.T))
        with seeded(seed):
            self.discriminator_ = mlp_discriminator(x.shape[1], [self.hidden] * self.depth).to(x.device)
        adam = torch.optim.Adam(self.discriminator_.parameters(), lr=self.lr, betas=(self.beta1, 0.999), fused=True)
        for step in range(self.steps):
            set_lr(self.lr * (1 - step / self.steps), adam)
            real = self._real(self.batch, generator)  # (B, D)
            fake = self._fake(self.batch, generator, "gaussian" if step < self.apart else self.fakes)  # (B, D)
            adam.zero_grad()
            real_logits, fake_logits = self.discriminator_(torch.cat([real, fake])).chunk(2)  # (B, 1) each
            loss = discriminator_loss(real_logits, fake_logits)
            loss.backward()
            adam.step()
            yield {
                "examples": self.batch,
                "d_loss": loss.detach(),
                "d_real": real_logits.detach().sigmoid().mean(),
                "d_fake": fake_logits.detach().sigmoid().mean(),
            }

    def sample(self, n: int, *, seed: int) -> Tensor:
        """Draw n rows of the frozen law, (n, D)."""
        return self._fake(n, torch.Generator(self.rows_.device).manual_seed(seed), self.fakes)

    def _real(self, n: int, generator: torch.Generator) -> Tensor:
        return self.rows_[draw_index(len(self.rows_), n, generator)]

    def _fake(self, n: int, generator: torch.Generator, law: str) -> Tensor:
        if law == "data":
            return self._real(n, generator)
        noise = torch.randn(n, len(self.mean_), generator=generator, device=self.rows_.device)
        return self.mean_ + noise @ self.root_.T
