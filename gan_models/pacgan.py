"""PacGAN (Lin, Khetan, Fanti & Oh, 2018).

PacGAN: The power of two samples in generative adversarial networks. NeurIPS 2018. D sees m samples of one kind at once,

    min_G max_D  E log D(x_1, ..., x_m) + E log(1 - D(G(z_1), ..., G(z_m)))                              (sec. 2)

concatenated along features (vectors) or channels (images), so that a lack of diversity shows. G is the unpacked GAN's; a
batch is `batch` tuples.

Differs from the paper: the networks, batch and learning rates of this folder's vanilla_gan (vectors) and dcgan (images), so
that packing is all that differs; m = 2. The paper's own recipe for the 2-D mixtures (Table 1) is m=1, 2 or 4, z_dim=2, hidden=400,
depth=4, d_hidden=200, d_depth=3, maxout=5, lr=1e-4, beta1=0.8, lr_decay=False, batch=100 (tuples); for Stacked-MNIST width=64, z_dim=100,
noise="uniform", g_steps=2, batch=64, lr=2e-4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from gan_models._blocks import (
    ConvStack,
    arc,
    check_precision,
    convolutional,
    dcgan_init,
    draw_index,
    frozen,
    generate,
    is_image,
    line,
    maxout_discriminator,
    mixed,
    mlp_discriminator,
    mlp_generator,
    placed,
    seeded,
    set_lr,
)
from gan_models.vanilla_gan import discriminator_loss, generator_loss


def pack(x: Tensor, m: int) -> Tensor:
    """(B m, C, ...) -> (B, m C, ...): m consecutive examples become one, joined along the first dimension."""
    return x.reshape(len(x) // m, m * x.shape[1], *x.shape[2:])


@dataclass(kw_only=True, eq=False)
class PacGAN:
    """A discriminator of m packed samples."""

    family: ClassVar[str] = "extension"
    paper: ClassVar[str] = "Lin et al. 2018, arXiv:1712.04086"
    uses_labels: ClassVar[bool] = False
    search: ClassVar[dict[str, Any]] = {"lr": (3e-4, 3e-3), "d_lr": (3e-4, 3e-3), "d_steps": [1, 2], "g_steps": [1, 2]}
    steps: int = 4000
    m: int = 2
    z_dim: int | None = None
    hidden: int = 128  # units a layer on vectors
    depth: int = 3
    d_hidden: int | None = None  # units a layer of D on vectors; None: as G's
    d_depth: int | None = None
    maxout: int = 0  # linear pieces of a unit of D on vectors; 0: LeakyReLU
    d_steps: int = 1
    g_steps: int = 1
    noise: str = "normal"  # or "uniform", on [-1, 1]
    width: int | None = None  # channels on images; None: 32 at 8x8, 64 above
    batch: int | None = None  # tuples; None: 128 on vectors, 32 on images (as many examples as dcgan)
    lr: float | None = None  # None: 1e-3 on vectors and images below 16 pixels, 2e-4 above
    d_lr: float | None = None  # of D; None: as G's
    beta1: float = 0.5
    lr_decay: bool | None = None  # linearly to zero; None: on vectors and images below 16 pixels
    precision: str = "fp32"  # or "bf16"

    def __post_init__(self) -> None:
        check_precision(self.precision)
        if self.noise not in ("normal", "uniform"):
            raise ValueError(f"noise must be 'normal' or 'uniform', got {self.noise!r}")
        for name, least in {
            "d_steps": 1,
            "g_steps": 1,
            "depth": 1,
            "d_depth": 1,
            "hidden": 1,
            "d_hidden": 1,
            "maxout": 0,
        }.items():
            if getattr(self, name) is not None and getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if self.m < 1:
            raise ValueError(f"m must be at least 1 (1 is the plain GAN), got {self.m}")
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}")

    def supports(self, dataset: Any) -> str:
        """Vectors, and square images whose side halves to a small map."""
        return convolutional(dataset.shape) if is_image(dataset.shape) else ""

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Learn from x (N, *shape)."""
        for _ in self.fit_steps(x, y, seed=seed):
            pass
        return self

    def fit_steps(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Iterator[dict[str, Tensor | int]]:
        """Yield after each pair of D's and G's steps."""
        self._build(x, seed)
        generator = torch.Generator(x.device).manual_seed(seed)
        image = is_image(self.shape_)
        small = not image or self.shape_[1] < 16
        lr, rows = self.lr or (1e-3 if small else 2e-4), self.m * (self.batch or (32 if image else 128))
        d_lr = self.d_lr or lr
        d_adam = torch.optim.Adam(self.discriminator_.parameters(), lr=d_lr, betas=(self.beta1, 0.999), fused=True)
        g_adam = torch.optim.Adam(self.generator_.parameters(), lr=lr, betas=(self.beta1, 0.999), fused=True)
        data = 2 * x - 1 if image else x
        for step in range(self.steps):
            if small if self.lr_decay is None else self.lr_decay:
                set_lr(d_lr * (1 - step / self.steps), d_adam)
                set_lr(lr * (1 - step / self.steps), g_adam)
            for _ in range(self.d_steps):
                real = data[draw_index(len(x), rows, generator)]  # (B m, ...)
                d_adam.zero_grad()
                with mixed(x.device, self.precision):
                    with torch.no_grad():
                        fake = self.generator_(self._noise(rows, generator))  # (B m, ...)
                    real_logits, fake_logits = (self.discriminator_(pack(each, self.m)) for each in (real, fake))
                real_logits, fake_logits = real_logits.float(), fake_logits.float()  # (B, 1) each
                d_loss = discriminator_loss(real_logits, fake_logits)  # sec. 2: eq. (1) of the plain GAN, on tuples
                d_loss.backward()
                d_adam.step()
            for _ in range(self.g_steps):
                g_adam.zero_grad()
                with frozen(self.discriminator_):
                    with mixed(x.device, self.precision):
                        logits = self.discriminator_(pack(self.generator_(self._noise(rows, generator)), self.m))
                    g_loss = generator_loss(logits.float(), "non_saturating")
                    g_loss.backward()
                g_adam.step()
            yield {
                "examples": rows * self.d_steps,
                "d_loss": d_loss.detach(),
                "g_loss": g_loss.detach(),
                "d_real": real_logits.detach().sigmoid().mean(),
                "d_fake": fake_logits.detach().sigmoid().mean(),
            }

    def sample(self, n: int, *, seed: int) -> Tensor:
        """(n, *shape); images in [0, 1]."""
        device = next(self.generator_.parameters()).device
        noise = self._noise(n, torch.Generator(device).manual_seed(seed))
        samples = generate(self.generator_, noise, precision=self.precision)
        return (samples + 1) / 2 if is_image(self.shape_) else samples

    def walk(self, n: int, *, seed: int) -> Tensor:
        """Draw x = G(z) for n noises z on a path from the first of two samples to the second, (n, *shape)."""
        device = next(self.generator_.parameters()).device
        ends = self._noise(2, torch.Generator(device).manual_seed(seed))
        noise = line(ends, n) if self.noise == "uniform" else arc(ends, n)
        samples = generate(self.generator_, noise, precision=self.precision)
        return (samples + 1) / 2 if is_image(self.shape_) else samples

    def _build(self, x: Tensor, seed: int) -> None:
        self.shape_ = tuple(x.shape[1:])
        image = is_image(self.shape_)
        self.z_dim_ = self.z_dim or (64 if image else min(prod(self.shape_), 16))
        with seeded(seed):
            if image:
                stack = ConvStack(self.shape_, width=self.width or (32 if self.shape_[1] < 16 else 64))
                generator = dcgan_init(stack.generator(self.z_dim_))
                discriminator = dcgan_init(stack.discriminator(self.m * self.shape_[0]))
            else:
                hidden, inputs = [self.hidden] * self.depth, self.m * prod(self.shape_)
                d_hidden = [self.d_hidden or self.hidden] * (self.d_depth or self.depth)
                generator = mlp_generator(self.shape_, self.z_dim_, hidden, nn.ReLU, nn.BatchNorm1d)
                if self.maxout:
                    discriminator = maxout_discriminator(inputs, d_hidden, self.maxout)
                else:
                    discriminator = mlp_discriminator(inputs, d_hidden)
        self.generator_ = placed(generator, x.device, self.precision)
        self.discriminator_ = placed(discriminator, x.device, self.precision)

    def _noise(self, n: int, generator: torch.Generator) -> Tensor:
        if self.noise == "uniform":
            return 2 * torch.rand(n, self.z_dim_, generator=generator, device=generator.device) - 1
        return torch.randn(n, self.z_dim_, generator=generator, device=generator.device)
