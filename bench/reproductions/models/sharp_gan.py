"""A GAN on rows whose D can be made sharp: which game collapses when D sees finely?

    D's input is (x, sin w_i x, cos w_i x), w_i = pi e^{linspace(log 1/4, log 16)}, for `waves` frequencies (Tancik et al. 2020)    (1)
    plain: D descends E softplus(-D(x)) + E softplus(D(G(z))), G E softplus(-D(G(z)))           (Goodfellow et al. 2014)       (2)
    pairs: D descends E softplus(D(G(z)) - D(x)), G the same with the two exchanged             (Jolicoeur-Martineau 2019)     (3)
    gamma: D also pays gamma/2 (E |grad D(x)|^2 + E |grad D(G(z))|^2)                           (Huang et al. 2024)           (4)

Everything else is one and the same in all arms: perceptrons, batch norm in G, Adam at a rate that falls to zero, rows standardised by
their mean and one scale. From gan_models: the networks, and the losses of vanilla_gan.py and r3gan.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log, pi
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from gan_models._blocks import draw_index, frozen, generate, mlp_discriminator, mlp_generator, seeded, set_lr
from gan_models.r3gan import relativistic_loss, score_and_gradients
from gan_models.vanilla_gan import discriminator_loss, generator_loss


class Waves(nn.Module):
    """(B, D) -> (B, D + 2 D W): eq. (1)."""

    frequencies: Tensor

    def __init__(self, waves: int) -> None:
        super().__init__()
        self.register_buffer("frequencies", pi * torch.linspace(log(0.25), log(16.0), waves).exp())

    def forward(self, x: Tensor) -> Tensor:
        angles = (x[:, :, None] * self.frequencies).flatten(1)  # (B, D W)
        return torch.cat([x, angles.sin(), angles.cos()], dim=1)


@dataclass(kw_only=True, eq=False)
class SharpGAN:
    """waves: frequencies of eq. (1), 0 for x alone; pairs: eq. (3) in place of (2).

    gamma: of eq. (4), 0 for none.
    """

    family: ClassVar[str] = "extension"
    steps: int = 4000
    waves: int = 0
    pairs: bool = False
    gamma: float = 0.0
    hidden: int = 128
    depth: int = 3
    batch: int = 128
    lr: float = 1e-3
    beta1: float = 0.5

    def __post_init__(self) -> None:
        if self.waves < 0 or self.gamma < 0:
            raise ValueError(f"waves and gamma must be at least 0, got {self.waves} and {self.gamma}")

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Learn from rows x (N, D)."""
        for _ in self.fit_steps(x, y, seed=seed):
            pass
        return self

    def fit_steps(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Iterator[dict[str, Tensor | int]]:
        """Yield after each pair of D's and G's steps: losses in nats."""
        self._build(x, seed)
        generator = torch.Generator(x.device).manual_seed(seed)
        d_adam, g_adam = (
            torch.optim.Adam(network.parameters(), lr=self.lr, betas=(self.beta1, 0.999), fused=True)
            for network in (self.discriminator_, self.generator_)
        )
        data = (x[:] - self.shift_) / self.scale_  # (N, D)
        for step in range(self.steps):
            set_lr(self.lr * (1 - step / self.steps), d_adam, g_adam)
            real = data[draw_index(len(data), self.batch, generator)]  # (B, D)
            with torch.no_grad():
                fake = self.generator_(self._noise(self.batch, generator))  # (B, D)
            d_adam.zero_grad()
            d_loss, penalty = self._judged(real, fake)
            (d_loss + penalty).backward()
            d_adam.step()
            g_adam.zero_grad()
            with frozen(self.discriminator_):
                fake_logits = self.discriminator_(self.generator_(self._noise(self.batch, generator)))  # (B, 1)
                if self.pairs:
                    with torch.no_grad():
                        real_logits = self.discriminator_(data[draw_index(len(data), self.batch, generator)])
                    g_loss = relativistic_loss(fake_logits, real_logits)  # eq. (3)
                else:
                    g_loss = generator_loss(fake_logits, "non_saturating")  # eq. (2)
                g_loss.backward()
            g_adam.step()
            yield {"examples": self.batch, "d_loss": d_loss.detach(), "g_loss": g_loss.detach()}

    def _judged(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """D's loss by eq. (2) or (3), and what it pays by eq. (4)."""
        both, penalty = torch.cat([real, fake]), torch.zeros((), device=real.device)
        if self.gamma:
            logits, squares = score_and_gradients(self.discriminator_, both)  # (2B, 1), (2B,)
            penalty = self.gamma * squares.mean()  # half of the sum of two means
        else:
            logits = self.discriminator_(both)
        real_logits, fake_logits = logits.chunk(2)
        loss = relativistic_loss if self.pairs else discriminator_loss
        return loss(real_logits, fake_logits), penalty

    def sample(self, n: int, *, seed: int) -> Tensor:
        """Draw n rows, (n, D)."""
        noise = self._noise(n, torch.Generator(self.shift_.device).manual_seed(seed))
        return generate(self.generator_, noise) * self.scale_ + self.shift_

    def _build(self, x: Tensor, seed: int) -> None:
        rows, dims = x[:], x.shape[1]
        self.z_dim_, self.shift_ = min(dims, 16), rows.mean(dim=0)
        self.scale_ = (rows - self.shift_).square().mean().sqrt()
        units = [self.hidden] * self.depth
        with seeded(seed):
            generator = mlp_generator((dims,), self.z_dim_, units, nn.ReLU, nn.BatchNorm1d)
            judge = mlp_discriminator(dims * (1 + 2 * self.waves), units)
        self.generator_ = generator.to(x.device)
        self.discriminator_ = (nn.Sequential(Waves(self.waves), *judge) if self.waves else judge).to(x.device)

    def _noise(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.randn(n, self.z_dim_, generator=generator, device=generator.device)
