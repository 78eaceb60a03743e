"""Conditional GAN (Mirza & Osindero, 2014).

Conditional Generative Adversarial Nets. Both networks are told the class:

    min_G max_D  E log D(x | y) + E log(1 - D(G(z | y) | y))                                            (2)

so that G learns P(x given y) and D cannot be fooled by the right image of the wrong class. y enters both as a one-hot
vector beside their input. Of vanilla_gan: the two losses; of _blocks: the perceptrons, and what every game here needs.

Differs from the paper:
- the kind of networks of this folder's vanilla_gan: batch-norm in G, LeakyReLU in D, neither maxout nor dropout, and y beside x and z
  in place of a hidden layer of its own for each.
- Adam, its rate falling linearly to zero, in place of momentum; samples from an exponential average of G's weights.
- one batch of samples serves both players of a step.
- `sample` draws y from the training shares. Rows with y = -1 are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
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
    update_average,
)
from gan_models.vanilla_gan import discriminator_loss, generator_loss


@dataclass(kw_only=True, eq=False)
class ConditionalGAN:
    """Multilayer perceptrons given the class, on tables and images (flattened)."""

    family: ClassVar[str] = "extension"
    paper: ClassVar[str] = "Mirza and Osindero 2014, arXiv:1411.1784"
    uses_labels: ClassVar[bool] = True
    search: ClassVar[dict[str, Any]] = {"lr": (2e-4, 4e-3), "beta1": [0.0, 0.5], "batch": [64, 128, 256]}
    steps: int = 4000
    z_dim: int | None = None  # None: 32 for images, else D, 16 at most
    hidden: int | None = None  # units a layer; None: 128, 256 or 512 by the size of an example
    depth: int | None = None  # hidden layers; None: 3 on rows, 2 on images
    batch: int = 128
    lr: float = 1e-3  # at the start; it falls to zero
    beta1: float = 0.5
    average_decay: float = 0.995  # a step, of the average of G that is sampled from; 0: G's last weights
    precision: str = "fp32"  # or "bf16": pays from 512 units a layer on where the processor has it

    def __post_init__(self) -> None:
        check_precision(self.precision)
        if not 0 <= self.average_decay < 1:
            raise ValueError(f"average_decay must be in [0, 1), got {self.average_decay}; 0 for the last weights")
        for name, least in {"steps": 1, "hidden": 1, "depth": 1, "batch": 2}.items():
            if getattr(self, name) is not None and getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")

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
        d_adam = torch.optim.Adam(self.discriminator_.parameters(), lr=self.lr, betas=(self.beta1, 0.999), fused=True)
        g_adam = torch.optim.Adam(self.generator_.parameters(), lr=self.lr, betas=(self.beta1, 0.999), fused=True)
        rows, codes = x.flatten(1), F.one_hot(y, len(self.shares_)).to(x.dtype)  # (N, D), (N, K)
        for step in range(self.steps):
            set_lr(self.lr * (1 - step / self.steps), d_adam, g_adam)
            index = draw_index(len(x), self.batch, generator)
            real, code = rows[index], codes[index]  # (B, D), (B, K)
            d_adam.zero_grad()
            with mixed(x.device, self.precision):
                noise = torch.cat([self._noise(self.batch, generator), code], dim=1)  # (B, z + K)
                fake = self.generator_(noise).flatten(1)  # G(z | y), (B, D)
                pairs = torch.cat([torch.cat([real, fake.detach()]), code.repeat(2, 1)], dim=1)  # (2B, D + K)
                logits = self.discriminator_(pairs)
            real_logits, fake_logits = logits.float().chunk(2)  # (B, 1) each
            d_loss = discriminator_loss(real_logits, fake_logits)  # eq. (2), as logits
            d_loss.backward()
            d_adam.step()
            g_adam.zero_grad()
            with frozen(self.discriminator_):
                with mixed(x.device, self.precision):
                    logits = self.discriminator_(torch.cat([fake, code], dim=1))  # (B, 1)
                g_loss = generator_loss(logits.float(), "non_saturating")  # -E log D(G(z | y) | y)
                g_loss.backward()
            g_adam.step()
            update_average(self.average_, self.generator_, min(self.average_decay, step / (step + 10)))
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
        code = F.one_hot(y, len(self.shares_)).float()
        return generate(self.average_, torch.cat([noise, code], dim=1), precision=self.precision)

    def _draw(self, y: Tensor, generator: torch.Generator) -> Tensor:
        code = F.one_hot(y, len(self.shares_)).float()
        noise = torch.cat([self._noise(len(y), generator), code], dim=1)  # (N, z + K)
        return generate(self.average_, noise, precision=self.precision)

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
        self.average_ = deepcopy(self.generator_).requires_grad_(False)

    def _noise(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.randn(n, self.z_dim_, generator=generator, device=generator.device)
