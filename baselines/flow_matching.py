"""Flow matching with straight paths: this decade's simplest yardstick (Lipman, Chen, Ben-Hamu, Nickel & Le, 2023).

Flow Matching for Generative Modeling. ICLR 2023; the same model as rectified flow (Liu, Gong & Liu, ICLR 2023). A velocity field v
carries noise to data along an ordinary differential equation, learned by regression and without an adversary:

    x_t = (1 - t) x_0 + t x_1,      x_0 ~ N(0, I), x_1 ~ data, t ~ U(0, 1)          (20) with sigma_min = 0
    L = E |v(x_t, t) - (x_1 - x_0)|^2                                               (9), (14)
    dx / dt = v(x, t),   x(0) ~ N(0, I)   gives samples x(1)                        (1)

Sampling integrates eq. (1) by Heun's method with `ode_steps` equal steps, two evaluations of v each.

Differs from the paper:
- multilayer perceptrons with residual layers in place of a U-net: rows and small images, flattened.
- t drawn evenly over each batch (one from each of B equal intervals, shuffled), which lowers the variance of L.
- data standardised by one mean and one scale a dimension; images end with a cut to [0, 1].
- an average of the weights is sampled from; the learning rate falls to zero by a cosine.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(kw_only=True, eq=False)
class FlowMatching:
    """A velocity field fitted by least squares; sampling costs 2 ode_steps evaluations."""

    family: ClassVar[str] = "extension"
    paper: ClassVar[str] = "Lipman et al. 2023, arXiv:2210.02747"
    uses_labels: ClassVar[bool] = False
    steps: int = 2000
    hidden: int | None = None  # units a layer; None: 128 on rows, 256 on images
    depth: int = 3  # residual layers
    frequencies: int = 8  # of the sines and cosines that t enters by
    ode_steps: int = 16
    batch: int = 256
    lr: float = 2e-3
    average_decay: float = 0.99

    def __post_init__(self) -> None:
        for name in ("steps", "depth", "frequencies", "ode_steps", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.average_decay < 1:
            raise ValueError(f"average_decay must be in [0, 1), got {self.average_decay}; 0 for the last weights")

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Learn from x (N, *shape)."""
        for _ in self.fit_steps(x, y, seed=seed):
            pass
        return self

    def fit_steps(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Iterator[dict[str, Any]]:
        """One minibatch a step; the loss is eq. (14) per dimension, of standardised data."""
        generator = torch.Generator(x.device).manual_seed(seed)
        self.shape_ = tuple(x.shape[1:])
        rows = x.flatten(1)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            width = self.hidden or (256 if len(self.shape_) == 3 else 128)
            self.net_ = _Velocity(rows, width, self.depth, self.frequencies).to(x.device)
        self.average_ = deepcopy(self.net_).requires_grad_(False)
        rows = (rows - self.net_.mean) / self.net_.scale
        optimizer = torch.optim.Adam(self.net_.parameters(), self.lr, fused=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.steps)
        for step in range(self.steps):
            data = rows[torch.randint(len(rows), (self.batch,), generator=generator, device=x.device)]
            noise = torch.randn(data.shape, generator=generator, device=x.device)
            within = torch.rand(self.batch, generator=generator, device=x.device)
            t = (torch.randperm(self.batch, generator=generator, device=x.device) + within)[:, None] / self.batch
            optimizer.zero_grad()
            loss = F.mse_loss(self.net_((1 - t) * noise + t * data, t), data - noise)  # eq. (14)
            loss.backward()
            optimizer.step()
            schedule.step()
            decay = min(self.average_decay, (step + 1) / (step + 10))
            torch._foreach_lerp_(
                list(self.average_.parameters()), [p.detach() for p in self.net_.parameters()], 1 - decay
            )
            yield {"examples": self.batch, "loss": loss.detach()}

    @torch.no_grad()
    def sample(self, n: int, *, seed: int) -> Tensor:
        """Integrate eq. (1) from noise, (n, *shape); images in [0, 1]."""
        net = self.average_
        generator = torch.Generator(net.mean.device).manual_seed(seed)
        noise = torch.randn(n, len(net.mean), generator=generator, device=net.mean.device)
        samples = torch.cat([self._integrate(part) for part in noise.split(2048)]) * net.scale + net.mean
        return (samples.clamp(0, 1) if len(self.shape_) == 3 else samples).reshape(n, *self.shape_)

    @torch.no_grad()
    def walk(self, n: int, *, seed: int) -> Tensor:
        """Integrate eq. (1) from n noises z_0 cos t + z_1 sin t, 0 <= t <= pi / 2, each N(0, I): (n, *shape)."""
        net = self.average_
        generator = torch.Generator(net.mean.device).manual_seed(seed)
        ends = torch.randn(2, len(net.mean), generator=generator, device=net.mean.device)
        angle = torch.linspace(0, math.pi / 2, n, device=net.mean.device)[:, None]
        points = self._integrate(angle.cos() * ends[0] + angle.sin() * ends[1]) * net.scale + net.mean
        return (points.clamp(0, 1) if len(self.shape_) == 3 else points).reshape(n, *self.shape_)

    def _integrate(self, x: Tensor) -> Tensor:
        """Heun's method from t = 0 to 1, x (n, D)."""
        h = 1 / self.ode_steps
        for i in range(self.ode_steps):
            now, then = x.new_full((len(x), 1), i * h), x.new_full((len(x), 1), (i + 1) * h)
            slope = self.average_(x, now)
            x = x + h / 2 * (slope + self.average_(x + h * slope, then))
        return x


class _Velocity(nn.Module):
    """v(x, t): x (B, D) and t (B, 1) -> (B, D); carries the mean and scale of the data."""

    def __init__(self, rows: Tensor, width: int, depth: int, frequencies: int) -> None:
        super().__init__()
        self.register_buffer("mean", rows.mean(dim=0))
        self.register_buffer("scale", rows.std(dim=0).clamp(min=1e-2))
        self.register_buffer("waves", math.pi * 2.0 ** torch.arange(frequencies) / 2)
        self.first = nn.Linear(rows.shape[1] + 2 * frequencies, width)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.last = nn.Linear(width, rows.shape[1])
        nn.init.zeros_(self.last.weight)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        h = self.first(torch.cat([x, (t * self.waves).sin(), (t * self.waves).cos()], dim=1))
        for layer in self.layers:
            h = h + layer(F.silu(h))
        return self.last(F.silu(h))
