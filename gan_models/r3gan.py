"""R3GAN (Huang, Gokaslan, Kuleshov & Tompkin, 2024).

The GAN is dead; long live the GAN! A Modern Baseline GAN. NeurIPS 2024. D scores pairs of a fake and a real example (the
relativistic pairing loss, Jolicoeur-Martineau 2019); the gradient of its score is held down on both (numbers of this file):

    min_G max_D  E f(D(G(z)) - D(x)),  f(t) = -log(1 + exp(-t))                          (1)
    D also pays  R1 = gamma/2 E_x |grad D(x)|^2  and  R2 = gamma/2 E_z |grad D(G(z))|^2  (2)

D descends E softplus(-(D(x) - D(G(z)))), G the same with the two exchanged. With such a loss the networks can be plain: no
normalisation, no momentum (Adam with beta1 0, beta2 0.99), residual blocks whose last layer starts at zero, LeakyReLU of slope
0.2, bilinear resampling, a linear output. The learning rate and gamma fall along a cosine; samples come from an exponential
average of G's weights. From _blocks.py: the sizes of the maps (ConvStack), perceptrons, He's initial weights, the average.

Differs from the paper:
- rows, which the paper has not: perceptrons of three hidden layers, G's of ReLUs from He's initial weights (residual ones
  learnt slower); rows are brought to a standard deviation of `ROW_SCALE` in all.
- images: one residual block of 3x3 and 1x1 convolutions a resolution (there two of 1x1, grouped 3x3 and 1x1, slow on a CPU),
  none at the full one: the picture is met by a 4x4 convolution of stride 2. The smallest map is a linear map of z, and all of
  it enters D's last layer (there a basis of one map a channel). A step costs two to three of this folder's dcgan's.
- the rate falls to zero and gamma to a tenth over the whole run, beta2 is constant, and the average's decay is at most
  (1 + step)/(10 + step): a run is thousands of steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from math import cos, pi, prod
from typing import Any, ClassVar, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_models._blocks import (
    ConvStack,
    arc,
    check_precision,
    convolutional,
    draw_index,
    frozen,
    generate,
    he_init,
    is_image,
    leaky_relu,
    mixed,
    mlp,
    placed,
    seeded,
    set_lr,
    update_average,
)

ROW_SCALE = (
    3.0  # standard deviation of the rows as the networks see them: D's first layer then bends between close modes
)


def relativistic_loss(better: Tensor, worse: Tensor) -> Tensor:
    """E softplus(-(better - worse)), nats, of paired logits (B, 1): log 2 where D cannot tell; eq. (1)."""
    return F.softplus(worse - better).mean()


def score_and_gradients(judge: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """D(x) (B, 1), and |grad D|^2 at each example, (B,), which can be differentiated once more."""
    x = x.detach().requires_grad_(True)
    logits = judge(x).float()
    (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return logits, gradient.flatten(1).square().sum(dim=1)


class Residual(nn.Module):
    """x + branch(x): the branch's last layer starts at zero, so that the block starts as the identity."""

    def __init__(self, *branch: nn.Module) -> None:
        super().__init__()
        self.branch = nn.Sequential(*branch)
        nn.init.zeros_(self.branch[-1].weight)
        nn.init.zeros_(self.branch[-1].bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


def conv_block(width: int) -> Residual:
    """(B, w, h, h) -> the same."""
    return Residual(leaky_relu(), nn.Conv2d(width, width, 3, padding=1), leaky_relu(), nn.Conv2d(width, width, 1))


def conv_generator(stack: ConvStack, inputs: int) -> nn.Sequential:
    """(B, inputs) -> (B, C, H, W), linear at the end: a block at each size from the smallest map to half of the picture's."""
    widths = [stack.width * 2**i for i in reversed(range(stack.halvings))]  # e.g. 4w 2w w
    side = stack.seed_size
    layers: list[nn.Module] = [nn.Linear(inputs, widths[0] * side**2), nn.Unflatten(1, (widths[0], side, side))]
    for fan_in, fan_out in pairwise(widths):
        layers += [conv_block(fan_in), nn.Conv2d(fan_in, fan_out, 1)]  # (B, w, h, h)
        layers += [nn.Upsample(scale_factor=2, mode="bilinear")]  # (B, w, 2h, 2h)
    layers += [conv_block(widths[-1]), nn.ConvTranspose2d(widths[-1], stack.shape[0], 4, stride=2, padding=1)]
    return nn.Sequential(*layers)  # (B, C, H, W)


def conv_discriminator(stack: ConvStack) -> nn.Sequential:
    """(B, C, H, W) -> logits (B, 1): conv_generator turned round; the mean of four pixels is bilinear at half the size."""
    widths = [stack.width * 2**i for i in range(stack.halvings)]  # e.g. w 2w 4w
    layers: list[nn.Module] = [nn.Conv2d(stack.shape[0], widths[0], 4, stride=2, padding=1), conv_block(widths[0])]
    for fan_in, fan_out in pairwise(widths):
        layers += [nn.AvgPool2d(2), nn.Conv2d(fan_in, fan_out, 1), conv_block(fan_out)]  # (B, 2w, h/2, h/2)
    return nn.Sequential(*layers, leaky_relu(), nn.Flatten(), nn.Linear(widths[-1] * stack.seed_size**2, 1))


@dataclass(kw_only=True, eq=False)
class R3GAN:
    """Relativistic pairs under two gradient penalties: perceptrons on rows, residual convolutions on images."""

    family: ClassVar[str] = "extension"
    paper: ClassVar[str] = "Huang et al. 2024, arXiv:2501.05441"
    uses_labels: ClassVar[bool] = False
    search: ClassVar[dict[str, Any]] = {"lr": (1e-3, 1e-2), "gamma": (0.01, 10.0), "d_steps": [1, 2]}
    steps: int = 4000
    gamma: float | None = None  # at the start, a tenth of it at the end; None: 0.05 on rows, 3 on images
    d_steps: int = 1
    z_dim: int | None = None  # None: 64 for images, else D, 16 at most
    hidden: int = 64  # units on rows
    depth: int = 3  # hidden layers of each network on rows
    width: int = 32  # channels of the largest hidden map on images
    batch: int | None = None  # None: 128 on rows, 64 on images
    lr: float | None = None  # None: 5e-3 on rows, 3e-3 on images
    betas: tuple[float, float] = (0.0, 0.99)
    average_decay: float = 0.995  # of G's weights; 0 for the last
    precision: str = "fp32"  # or "bf16", with channels last

    def __post_init__(self) -> None:
        check_precision(self.precision)
        if self.gamma is not None and self.gamma < 0:
            raise ValueError(f"gamma must be >= 0, got {self.gamma}; 0 takes both penalties out")
        if not 0 <= self.average_decay < 1:
            raise ValueError(f"average_decay must be in [0, 1), got {self.average_decay}; 0 for the last weights")
        for name in ("steps", "d_steps", "hidden", "depth", "width", "batch", "z_dim"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    def supports(self, dataset: Any) -> str:
        """Rows, and square images whose side halves to a small map."""
        return convolutional(dataset.shape) if is_image(dataset.shape) else ""

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Learn from x (N, *shape)."""
        for _ in self.fit_steps(x, y, seed=seed):
            pass
        return self

    def fit_steps(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Iterator[dict[str, Tensor | int]]:
        """Yield after each pair of D's and G's steps; penalty is R1 + R2 over gamma/2."""
        self._build(x, seed)
        generator = torch.Generator(x.device).manual_seed(seed)
        image = is_image(self.shape_)
        batch, lr = self.batch or (64 if image else 128), self.lr or (3e-3 if image else 5e-3)
        gamma = self.gamma if self.gamma is not None else (3.0 if image else 0.05)
        d_adam = torch.optim.Adam(self.discriminator_.parameters(), lr=lr, betas=tuple(self.betas), fused=True)
        g_adam = torch.optim.Adam(self.generator_.parameters(), lr=lr, betas=tuple(self.betas), fused=True)
        data = (x - self.shift_) / self.scale_
        for step in range(self.steps):
            left = (1 + cos(pi * step / self.steps)) / 2  # 1 at the start, 0 at the end
            set_lr(lr * left, d_adam, g_adam)
            for _ in range(self.d_steps):
                real = data[draw_index(len(x), batch, generator)]  # (B, *shape)
                d_adam.zero_grad()
                with mixed(x.device, self.precision):
                    with torch.no_grad():
                        fake = self.generator_(self._noise(batch, generator)).float()
                    logits, squares = score_and_gradients(
                        self.discriminator_, torch.cat([real, fake])
                    )  # (2B, 1), (2B,)
                real_logits, fake_logits = logits.chunk(2)
                penalty = 2 * squares.mean()  # the means over real and over fake, added
                d_loss = relativistic_loss(real_logits, fake_logits)  # eq. (1)
                (d_loss + gamma * (0.1 + 0.9 * left) / 2 * penalty).backward()  # eq. (2)
                d_adam.step()
            g_adam.zero_grad()
            real = data[draw_index(len(x), batch, generator)]
            with frozen(self.discriminator_):
                with mixed(x.device, self.precision):
                    fake_logits = self.discriminator_(self.generator_(self._noise(batch, generator)))
                    with torch.no_grad():
                        real_logits = self.discriminator_(real)
                g_loss = relativistic_loss(fake_logits.float(), real_logits.float())
                g_loss.backward()
            g_adam.step()
            update_average(self.average_, self.generator_, min(self.average_decay, (step + 1) / (step + 10)))
            yield {
                "examples": batch * self.d_steps,
                "d_loss": d_loss.detach(),
                "g_loss": g_loss.detach(),
                "penalty": penalty.detach(),
            }

    def sample(self, n: int, *, seed: int) -> Tensor:
        """(n, *shape) by the averaged G; images are cut to [0, 1]."""
        device = next(self.average_.parameters()).device
        noise = self._noise(n, torch.Generator(device).manual_seed(seed))
        samples = generate(self.average_, noise, precision=self.precision) * self.scale_ + self.shift_
        return samples.clamp(0, 1) if is_image(self.shape_) else samples

    def walk(self, n: int, *, seed: int) -> Tensor:
        """Draw x = G(z) for n noises z on an arc from the first of two samples to the second, (n, *shape)."""
        device = next(self.average_.parameters()).device
        noise = arc(self._noise(2, torch.Generator(device).manual_seed(seed)), n)
        samples = generate(self.average_, noise, precision=self.precision) * self.scale_ + self.shift_
        return samples.clamp(0, 1) if is_image(self.shape_) else samples

    def _build(self, x: Tensor, seed: int) -> None:
        self.shape_ = tuple(x.shape[1:])
        image, dims = is_image(self.shape_), prod(self.shape_)
        self.z_dim_ = self.z_dim or (64 if image else min(dims, 16))
        self.shift_ = torch.tensor(0.5, device=x.device) if image else x.mean(dim=0)
        self.scale_ = (
            torch.tensor(0.5, device=x.device) if image else (x - self.shift_).square().mean().sqrt() / ROW_SCALE
        )
        with seeded(seed):
            if image:
                stack = ConvStack(self.shape_, width=self.width)
                generator, discriminator = conv_generator(stack, self.z_dim_), conv_discriminator(stack)
            else:
                units = [self.hidden] * self.depth
                generator = he_init(mlp([self.z_dim_, *units, dims]))
                discriminator = mlp([dims, *units, 1], leaky_relu)
        self.generator_ = placed(generator, x.device, self.precision)
        self.discriminator_ = placed(discriminator, x.device, self.precision)
        self.average_ = deepcopy(self.generator_).requires_grad_(False)

    def _noise(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.randn(n, self.z_dim_, generator=generator, device=generator.device)
