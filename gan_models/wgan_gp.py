"""WGAN-GP (Gulrajani, Ahmed, Arjovsky, Dumoulin & Courville, 2017).

Improved Training of Wasserstein GANs. NeurIPS 2017. The critic D approximates the Wasserstein-1 distance:

    L = E D(G(z)) - E D(x) + lambda E (|grad D(x^)|_2 - 1)^2,    x^ = e x + (1 - e) G(z), e ~ U[0, 1]   (3)
    G descends -E D(G(z)); n_critic = 5 steps of D for one of G, lambda = 10                    (Algorithm 1)

No batch normalisation in the critic, since the penalty is per example. Adam 1e-4 with betas (0, 0.9).

Differs from the paper:
- multilayer perceptrons on vectors and on images below 16 pixels a side (the penalty's second derivatives of convolutions
  cost too much there for what they gain), the DCGAN stack above; no normalisation in the critic, batch norm in G.
- on vectors a batch of 256 and 2 critic steps for one of G, in place of 64 and 5: at equal seconds the modes are sharper.
- learning rate 2e-3 (vectors), 1e-3 (small images) or 5e-4 (convolutions), falling to zero: a run is thousands of steps of G
  at most, not 200,000.
From _blocks.py: the perceptrons, and the DCGAN stack of an image's size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from gan_models._blocks import (
    ConvStack,
    arc,
    convolutional,
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


def is_large(shape: Sequence[int]) -> bool:
    """True for images of 16 pixels a side and more, which get convolutions."""
    return is_image(shape) and shape[1] >= 16


def gradient_penalty(critic: nn.Module, real: Tensor, fake: Tensor, generator: torch.Generator) -> Tensor:
    """Mean of (|grad D|_2 - 1)^2 at random points between pairs of real and fake (B, ...); eq. (3)."""
    mix = torch.rand(len(real), *[1] * (real.ndim - 1), generator=generator, device=real.device)
    between = (mix * real + (1 - mix) * fake).requires_grad_(True)  # x^ of eq. (3), (B, ...)
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)  # (B, ...)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


@dataclass(kw_only=True, eq=False)
class WGANGP:
    """A critic with a gradient penalty, on vectors and images."""

    family: ClassVar[str] = "extension"
    paper: ClassVar[str] = "Gulrajani et al. 2017, arXiv:1704.00028"
    uses_labels: ClassVar[bool] = False
    search: ClassVar[dict[str, Any]] = {"lr": (3e-4, 3e-3), "n_critic": [1, 2, 5], "penalty": (0.03, 10.0)}
    steps: int = 600  # of G
    penalty: float | None = None  # lambda; None: 10, on vectors 0.1 (as in the authors' code for two dimensions)
    n_critic: int | None = None  # None: 2 on vectors, 5 on images
    z_dim: int | None = None  # None: 64 for images, else D, 16 at most
    hidden: int | None = None  # units a layer on vectors and small images; None: 128 or 256 by the size of an example
    depth: int = 3
    d_hidden: int | None = None  # the same of the critic; None: as G's
    width: int = 64  # channels on images of 16 pixels a side and more
    batch: int | None = None  # None: 256 on vectors, 64 on images
    lr: float | None = None  # None: 2e-3 on vectors, 1e-3 on small images, 5e-4 on large ones
    betas: tuple[float, float] = (0.0, 0.9)

    def __post_init__(self) -> None:
        if self.penalty is not None and self.penalty < 0:
            raise ValueError(f"penalty (lambda) must be >= 0, got {self.penalty}; the paper's is 10")
        for name in ("steps", "n_critic", "batch", "depth"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    def supports(self, dataset: Any) -> str:
        """Vectors, and square images whose side halves to a small map."""
        return convolutional(dataset.shape) if is_large(dataset.shape) else ""

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Learn from x (N, *shape)."""
        for _ in self.fit_steps(x, y, seed=seed):
            pass
        return self

    def fit_steps(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Iterator[dict[str, Tensor | int]]:
        """Algorithm 1: one yield for each step of G; w_distance is E D(x) - E D(G(z)) of the last critic step."""
        self._build(x, seed)
        generator = torch.Generator(x.device).manual_seed(seed)
        image = is_image(self.shape_)
        lr = self.lr or (5e-4 if is_large(self.shape_) else 1e-3 if image else 2e-3)
        batch, n_critic = self.batch or (64 if image else 256), self.n_critic or (5 if image else 2)
        d_adam = torch.optim.Adam(self.discriminator_.parameters(), lr=lr, betas=tuple(self.betas), fused=True)
        g_adam = torch.optim.Adam(self.generator_.parameters(), lr=lr, betas=tuple(self.betas), fused=True)
        penalty = self.penalty if self.penalty is not None else 10.0 if image else 0.1
        data = 2 * x - 1 if is_large(self.shape_) else x
        for step in range(self.steps):
            set_lr(lr * (1 - step / self.steps), d_adam, g_adam)
            for _ in range(n_critic):  # Algorithm 1, lines 2 to 8
                real = data[draw_index(len(x), batch, generator)]  # (B, *shape)
                with torch.no_grad():
                    fake = self.generator_(self._noise(batch, generator))
                d_adam.zero_grad()
                distance = self.discriminator_(real).mean() - self.discriminator_(fake).mean()
                d_loss = -distance + penalty * gradient_penalty(self.discriminator_, real, fake, generator)  # eq. (3)
                d_loss.backward()
                d_adam.step()
            g_adam.zero_grad()  # Algorithm 1, lines 9 to 11
            with frozen(self.discriminator_):
                g_loss = -self.discriminator_(self.generator_(self._noise(batch, generator))).mean()
                g_loss.backward()
            g_adam.step()
            yield {
                "examples": batch * n_critic,
                "d_loss": d_loss.detach(),
                "g_loss": g_loss.detach(),
                "w_distance": distance.detach(),
            }

    def sample(self, n: int, *, seed: int) -> Tensor:
        """(n, *shape); images in [0, 1]."""
        device = next(self.generator_.parameters()).device
        samples = generate(self.generator_, self._noise(n, torch.Generator(device).manual_seed(seed)))
        return (samples + 1) / 2 if is_large(self.shape_) else samples

    def walk(self, n: int, *, seed: int) -> Tensor:
        """Draw x = G(z) for n noises z on an arc from the first of two samples to the second, (n, *shape)."""
        device = next(self.generator_.parameters()).device
        noise = arc(self._noise(2, torch.Generator(device).manual_seed(seed)), n)
        samples = generate(self.generator_, noise)
        return (samples + 1) / 2 if is_large(self.shape_) else samples

    def _build(self, x: Tensor, seed: int) -> None:
        self.shape_ = tuple(x.shape[1:])
        self.z_dim_ = self.z_dim or (64 if is_image(self.shape_) else min(prod(self.shape_), 16))
        with seeded(seed):
            if is_large(self.shape_):
                generator = ConvStack(self.shape_, width=self.width).generator(self.z_dim_)
                critic = ConvStack(self.shape_, width=self.width, norm=None).discriminator()
            else:
                units = self.hidden or mlp_units(self.shape_)
                generator = mlp_generator(self.shape_, self.z_dim_, [units] * self.depth, nn.ReLU, nn.BatchNorm1d)
                critic = mlp_discriminator(prod(self.shape_), [self.d_hidden or units] * self.depth)
        self.generator_, self.discriminator_ = generator.to(x.device), critic.to(x.device)

    def _noise(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.randn(n, self.z_dim_, generator=generator, device=generator.device)
