"""Conditional GAN (Mirza & Osindero, 2014).

Conditional Generative Adversarial Nets. Both networks are told the class:

    min_G max_D  E log D(x | y) + E log(1 - D(G(z | y) | y))                                            (2)

so that G learns P(x given y) and D cannot be fooled by the right image of the wrong class. y enters both as a one-hot
vector beside their input.

Differs from the paper: the networks and schedule of this folder's vanilla_gan, so that the class is all that differs;
`sample` draws y from the training shares. Rows with y = -1 are left out.
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
    draw_index,
    frozen,
    generate,
    is_image,
    mlp_discriminator,
    mlp_generator,
    mlp_units,
    seeded,
    set_lr,
)
from gan_models.vanilla_gan import discriminator_loss, generator_loss


@dataclass(kw_only=True, eq=False)
class ConditionalGAN:
    """Multilayer perceptrons given the class, on tables and images (flattened)."""

    family: ClassVar[str] = "extension"
    paper: ClassVar[str] = "Mirza and Osindero 2014, arXiv:1411.1784"
    uses_labels: ClassVar[bool] = True
    steps: int = 4000
    z_dim: int | None = None  # None: 32 for images, else D, 16 at most
    hidden: int | None = None  # units a layer; None: 128, 256 or 512 by the size of an example
    depth: int | None = None  # hidden layers; None: 3 on rows, 2 on images
    batch: int = 128
    lr: float | None = None  # None: 1e-3, 4e-4 above 256 numbers an example
    beta1: float = 0.5

    def __post_init__(self) -> None:
        for name in ("steps", "depth", "batch"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    def supports(self, dataset: Any) -> str:
        """Labels are needed."""
        return "" if dataset.n_classes else f"needs class labels; {dataset.name} has none"

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Learn P(x given y) from x (N, *shape) and y (N,)."""
        for _ in self.fit_steps(x, y, seed=seed):
            pass
        return self

    def fit_steps(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Iterator[dict[str, Tensor | int]]:
        """Yield after each pair of D's and G's steps."""
        assert y is not None
        x, y = x[y >= 0], y[y >= 0]
        self._build(x, y, seed)
        generator = torch.Generator(x.device).manual_seed(seed)
        lr = self.lr or (1e-3 if prod(self.shape_) <= 256 else 4e-4)
        d_adam = torch.optim.Adam(self.discriminator_.parameters(), lr=lr, betas=(self.beta1, 0.999), fused=True)
        g_adam = torch.optim.Adam(self.generator_.parameters(), lr=lr, betas=(self.beta1, 0.999), fused=True)
        rows, codes = x.flatten(1), F.one_hot(y, len(self.shares_)).to(x.dtype)  # (N, D), (N, K)
        for step in range(self.steps):
            set_lr(lr * (1 - step / self.steps), d_adam, g_adam)
            index = draw_index(len(x), self.batch, generator)
            real, code = rows[index], codes[index]
            with torch.no_grad():
                fake = self._generated(code, generator)
            d_adam.zero_grad()
            real_logits = self.discriminator_(torch.cat([real, code], dim=1))
            fake_logits = self.discriminator_(torch.cat([fake, code], dim=1))
            d_loss = discriminator_loss(real_logits, fake_logits)  # eq. (2)
            d_loss.backward()
            d_adam.step()
            g_adam.zero_grad()
            with frozen(self.discriminator_):
                generated = self._generated(code, generator)
                g_loss = generator_loss(self.discriminator_(torch.cat([generated, code], dim=1)), "non_saturating")
                g_loss.backward()
            g_adam.step()
            yield {
                "examples": self.batch,
                "d_loss": d_loss.detach(),
                "g_loss": g_loss.detach(),
                "d_real": real_logits.detach().sigmoid().mean(),
                "d_fake": fake_logits.detach().sigmoid().mean(),
            }

    def sample(self, n: int, *, seed: int) -> Tensor:
        """y from the training shares, then x given y: (n, *shape)."""
        generator = torch.Generator(self.shares_.device).manual_seed(seed)
        return self._draw(torch.multinomial(self.shares_, n, replacement=True, generator=generator), generator)

    def sample_given(self, y: Tensor, *, seed: int) -> Tensor:
        """One example of each class of y, (len(y), *shape)."""
        return self._draw(y, torch.Generator(self.shares_.device).manual_seed(seed))

    def walk(self, n: int, *, seed: int) -> Tensor:
        """Draw one y, and x given it for n noises on an arc from one noise to another, (n, *shape)."""
        generators = [torch.Generator(self.shares_.device).manual_seed(seed) for _ in range(2)]
        y = torch.multinomial(self.shares_, 1, generator=generators[0]).expand(n)
        noise = arc(self._noise(2, generators[1]), n)
        return generate(self.generator_, torch.cat([noise, F.one_hot(y, len(self.shares_)).float()], dim=1))

    def _draw(self, y: Tensor, generator: torch.Generator) -> Tensor:
        code = F.one_hot(y, len(self.shares_)).float()
        return generate(self.generator_, torch.cat([self._noise(len(y), generator), code], dim=1))

    def _generated(self, code: Tensor, generator: torch.Generator) -> Tensor:
        """G(z | y) flattened, (B, D)."""
        return self.generator_(torch.cat([self._noise(len(code), generator), code], dim=1)).flatten(1)

    def _build(self, x: Tensor, y: Tensor, seed: int) -> None:
        self.shape_ = tuple(x.shape[1:])
        self.shares_ = torch.bincount(y).double() / len(y)
        dims, classes = prod(self.shape_), len(self.shares_)
        self.z_dim_ = self.z_dim or (32 if is_image(self.shape_) else min(dims, 16))
        hidden = [self.hidden or mlp_units(self.shape_)] * (self.depth or (2 if is_image(self.shape_) else 3))
        with seeded(seed):
            self.generator_ = mlp_generator(self.shape_, self.z_dim_ + classes, hidden, nn.ReLU, nn.BatchNorm1d).to(
                x.device
            )
            self.discriminator_ = mlp_discriminator(dims + classes, hidden).to(x.device)

    def _noise(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.randn(n, self.z_dim_, generator=generator, device=generator.device)
