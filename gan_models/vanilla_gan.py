"""Vanilla GAN (Goodfellow et al., 2014).

Generative Adversarial Nets. NeurIPS 2014. A generator G turns noise z into samples, a discriminator D tells them from data:

    min_G max_D V(D, G) = E_x log D(x) + E_z log(1 - D(G(z)))                        (1)
    D*(x) = p_data(x) / (p_data(x) + p_g(x)), so at the optimum D = 1/2, V = -log 4  (2), Theorem 1

Algorithm 1: d_steps ascents of (1) in D's parameters with G fixed, then g_steps descents in G's with D fixed; in practice G
ascends E log D(G(z)) instead (sec. 3, the non-saturating loss). D returns the logit l, D = sigmoid(l), so that
-log D = softplus(-l) and -log(1 - D) = softplus(l) for any l.

Differs from the paper:
- batch normalisation in G's hidden layers (batch_norm=False takes it out): without it the small nets here lose modes on
  tables and digits. Samples are drawn with its running averages.
- D has LeakyReLU layers in place of maxout and dropout; both networks have the same hidden sizes unless d_hidden, d_depth say so.
- Adam with beta1 = 0.5 and a learning rate that falls to zero, in place of momentum: G then settles on the modes.
- z is Gaussian in place of uniform; D sees real and fake rows in one pass (the same sums, it has no batch statistics).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_models._blocks import (
    arc,
    check_precision,
    draw_index,
    frozen,
    generate,
    is_image,
    mixed,
    mlp_discriminator,
    mlp_generator,
    mlp_units,
    seeded,
    set_lr,
)


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return -V of eq. (1), nats: E softplus(-l_real) + E softplus(l_fake); log 4 when D = 1/2 everywhere."""
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def generator_loss(fake_logits: Tensor, loss: str) -> Tensor:
    """Return what G descends, nats: E log(1 - D) (minimax, eq. 1) or -E log D (non-saturating, sec. 3)."""
    if loss == "minimax":
        return -F.softplus(fake_logits).mean()
    return F.softplus(-fake_logits).mean()


@dataclass(kw_only=True, eq=False)
class VanillaGAN:
    """Two multilayer perceptrons in the minimax game, on images (flattened, sigmoid output), tables and 2-D data."""

    family: ClassVar[str] = "implicit"
    paper: ClassVar[str] = "Goodfellow et al. 2014, arXiv:1406.2661"
    uses_labels: ClassVar[bool] = False
    search: ClassVar[dict[str, Any]] = {"lr": (3e-4, 3e-3), "d_steps": [1, 2, 3], "hidden": [64, 128, 256]}
    steps: int = 4000
    loss: str = "non_saturating"  # or "minimax"
    d_steps: int = 1  # k of Algorithm 1
    g_steps: int = 1
    z_dim: int | None = None  # None: 32 for images, else D, 16 at most
    hidden: int | None = None  # units a layer; None: 128, 256 or 512 by the size of an example
    depth: int | None = None  # hidden layers of each network; None: 3 on rows, 2 on images
    d_hidden: int | None = None  # units a layer of D; None: as many as G's
    d_depth: int | None = None  # hidden layers of D; None: as many as G's
    batch_norm: bool = True  # in G
    batch: int = 128
    lr: float | None = None  # None: 1e-3, 4e-4 above 256 numbers an example
    beta1: float = 0.5
    precision: str = "fp32"  # or "bf16": at the sizes of a run on a CPU it does not pay

    def __post_init__(self) -> None:
        check_precision(self.precision)
        if self.loss not in ("non_saturating", "minimax"):
            raise ValueError(f"loss must be 'non_saturating' or 'minimax', got {self.loss!r}")
        for name, least in {
            "steps": 1,
            "d_steps": 1,
            "g_steps": 1,
            "depth": 1,
            "d_depth": 1,
            "d_hidden": 1,
            "batch": 2,
        }.items():
            if getattr(self, name) is not None and getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Learn from x (N, *shape)."""
        for _ in self.fit_steps(x, y, seed=seed):
            pass
        return self

    def fit_steps(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Iterator[dict[str, Tensor | int]]:
        """Yield after each iteration of Algorithm 1: losses in nats, mean D(x) and D(G(z))."""
        self._build(x, seed)
        generator = torch.Generator(x.device).manual_seed(seed)
        lr = self.lr or (1e-3 if prod(self.shape_) <= 256 else 4e-4)
        d_adam = torch.optim.Adam(self.discriminator_.parameters(), lr=lr, betas=(self.beta1, 0.999), fused=True)
        g_adam = torch.optim.Adam(self.generator_.parameters(), lr=lr, betas=(self.beta1, 0.999), fused=True)
        for step in range(self.steps):
            set_lr(lr * (1 - step / self.steps), d_adam, g_adam)
            for _ in range(self.d_steps):  # Algorithm 1, lines 2 to 6
                real = x[draw_index(len(x), self.batch, generator)]  # (B, *shape)
                d_adam.zero_grad()
                with mixed(x.device, self.precision):
                    with torch.no_grad():
                        fake = self.generator_(self._noise(self.batch, generator))  # (B, *shape)
                    logits = self.discriminator_(torch.cat([real, fake]))  # (2B, 1)
                real_logits, fake_logits = logits.float().chunk(2)  # (B, 1) each
                d_loss = discriminator_loss(real_logits, fake_logits)
                d_loss.backward()
                d_adam.step()
            for _ in range(self.g_steps):  # lines 7 and 8
                g_adam.zero_grad()
                with frozen(self.discriminator_):
                    with mixed(x.device, self.precision):
                        logits = self.discriminator_(self.generator_(self._noise(self.batch, generator)))
                    g_loss = generator_loss(logits.float(), self.loss)
                    g_loss.backward()
                g_adam.step()
            yield {
                "examples": self.batch * self.d_steps,
                "d_loss": d_loss.detach(),
                "g_loss": g_loss.detach(),
                "d_real": real_logits.detach().sigmoid().mean(),
                "d_fake": fake_logits.detach().sigmoid().mean(),
            }

    def sample(self, n: int, *, seed: int) -> Tensor:
        """Draw x = G(z), (n, *shape)."""
        device = next(self.generator_.parameters()).device
        noise = self._noise(n, torch.Generator(device).manual_seed(seed))
        return generate(self.generator_, noise, precision=self.precision)

    def walk(self, n: int, *, seed: int) -> Tensor:
        """Draw x = G(z) for n noises z on an arc from the first of two samples to the second, (n, *shape)."""
        device = next(self.generator_.parameters()).device
        noise = arc(self._noise(2, torch.Generator(device).manual_seed(seed)), n)
        return generate(self.generator_, noise, precision=self.precision)

    def _build(self, x: Tensor, seed: int) -> None:
        self.shape_ = tuple(x.shape[1:])
        dims = prod(self.shape_)
        self.z_dim_ = self.z_dim or (32 if is_image(self.shape_) else min(dims, 16))
        units, depth = self.hidden or mlp_units(self.shape_), self.depth or (2 if is_image(self.shape_) else 3)
        norm = nn.BatchNorm1d if self.batch_norm else None
        with seeded(seed):
            self.generator_ = mlp_generator(self.shape_, self.z_dim_, [units] * depth, nn.ReLU, norm).to(x.device)
            d_hidden = [self.d_hidden or units] * (self.d_depth or depth)
            self.discriminator_ = mlp_discriminator(dims, d_hidden).to(x.device)

    def _noise(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.randn(n, self.z_dim_, generator=generator, device=generator.device)
