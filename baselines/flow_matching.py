"""Flow matching with straight paths: this decade's simplest yardstick (Lipman, Chen, Ben-Hamu, Nickel & Le, 2023).

Flow Matching for Generative Modeling. ICLR 2023; the same model as rectified flow (Liu, Gong & Liu, ICLR 2023). A velocity field v
carries noise to data along an ordinary differential equation, learned by regression and without an adversary:

    x_t = (1 - t) x_0 + t x_1,      x_0 ~ N(0, I), x_1 ~ data, t ~ U(0, 1)          (20) with sigma_min = 0
    L = E |v(x_t, t) - (x_1 - x_0)|^2                                               (9), (14)
    dx / dt = v(x, t),   x(0) ~ N(0, I)   gives samples x(1)                        (1)

Sampling integrates eq. (1) by Heun's method with `ode_steps` steps between the times t_i = 1 - (1 - i / ode_steps)^time_power, which
are dense near the data, where the field bends; two evaluations of v a step.

Differs from the paper:
- on images of 16 pixels or more a U-net of two levels on patches of 2x2 pixels, without attention; on rows and smaller images, flattened,
  a multilayer perceptron with residual layers.
- rows of few numbers also enter by `waves` sines and cosines of each (Tancik et al. 2020): a perceptron alone learns no narrow modes.
- t drawn evenly over each batch (one from each of B equal intervals, shuffled), which lowers the variance of L.
- data standardised: by one mean and one scale a dimension, for the U-net a channel; images end with a cut to [0, 1].
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

from baselines._device import at_once, seeded

NARROW = 3  # numbers a row, up to which each enters by waves too


@dataclass(kw_only=True, eq=False)
class FlowMatching:
    """A velocity field fitted by least squares; sampling costs 2 ode_steps evaluations."""

    family: ClassVar[str] = "extension"
    paper: ClassVar[str] = "Lipman et al. 2023, arXiv:2210.02747"
    uses_labels: ClassVar[bool] = False
    search: ClassVar[dict[str, Any]] = {"lr": (5e-4, 5e-3), "batch": [64, 128, 256], "average_decay": [0.99, 0.999]}
    steps: int = 2000
    hidden: int | None = None  # units a layer; None: 128 on rows, 256 on small images, 32 channels in the U-net
    depth: int = 3  # residual layers of the perceptron; of the U-net, residual blocks a level
    frequencies: int = 8  # of the sines and cosines that t enters by
    waves: int | None = None  # sines and cosines of each number of a row; None: 16 up to 3 numbers, else 0
    ode_steps: int = 16
    time_power: float = 2.0  # 1: even steps
    batch: int | None = None  # None: 256, 64 for the U-net
    lr: float = 2e-3
    average_decay: float = 0.99
    precision: str = "fp32"  # or "bf16", in training and sampling

    def __post_init__(self) -> None:
        for name in ("steps", "depth", "frequencies", "ode_steps", "batch"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.waves is not None and self.waves < 0:
            raise ValueError(f"waves must be at least 0, got {self.waves}; 0 for the numbers alone")
        if not self.time_power > 0:
            raise ValueError(f"time_power must be > 0, got {self.time_power}; 1 for even steps")
        if self.precision not in ("fp32", "bf16"):
            raise ValueError(f"precision must be 'fp32' or 'bf16', got {self.precision!r}")
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
        x = x[:]  # floats of all rows, where x is kept as bytes
        with seeded(seed):
            self.net_ = (_UNet if _large(self.shape_) else _Perceptron)(x, self).to(x.device)
        self.average_ = deepcopy(self.net_).requires_grad_(False)
        x = (x - self.net_.mean) / self.net_.scale
        batch = self.batch or (64 if isinstance(self.net_, _UNet) else 256)  # B
        optimizer = torch.optim.Adam(self.net_.parameters(), self.lr, fused=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.steps)
        for step in range(self.steps):
            data = x[torch.randint(len(x), (batch,), generator=generator, device=x.device)]  # (B, *shape)
            noise = torch.randn(data.shape, generator=generator, device=x.device)
            within = torch.rand(batch, generator=generator, device=x.device)
            t = (torch.randperm(batch, generator=generator, device=x.device) + within) / batch
            t = t.view(-1, *[1] * len(self.shape_))  # (B, 1, ...)
            optimizer.zero_grad()
            velocity = self._velocity(self.net_, (1 - t) * noise + t * data, t)  # eq. (20)
            loss = F.mse_loss(velocity, data - noise)  # eq. (14)
            loss.backward()
            optimizer.step()
            schedule.step()
            decay = min(self.average_decay, (step + 1) / (step + 10))
            torch._foreach_lerp_(
                list(self.average_.parameters()), [p.detach() for p in self.net_.parameters()], 1 - decay
            )
            yield {"examples": batch, "loss": loss.detach()}

    @torch.no_grad()
    def sample(self, n: int, *, seed: int) -> Tensor:
        """Integrate eq. (1) from noise, (n, *shape); images in [0, 1]."""
        return self._carried(self._noise(n, seed))

    @torch.no_grad()
    def walk(self, n: int, *, seed: int) -> Tensor:
        """Integrate eq. (1) from n noises z_0 cos t + z_1 sin t, 0 <= t <= pi / 2, each N(0, I): (n, *shape)."""
        ends = self._noise(2, seed)
        angle = torch.linspace(0, math.pi / 2, n, device=ends.device).reshape(n, *[1] * len(self.shape_))
        return self._carried(angle.cos() * ends[0] + angle.sin() * ends[1])

    def _noise(self, n: int, seed: int) -> Tensor:
        device = self.average_.mean.device
        return torch.randn(n, *self.shape_, generator=torch.Generator(device).manual_seed(seed), device=device)

    def _carried(self, noise: Tensor) -> Tensor:
        """Carry noise (n, *shape) to data in parts of rows that fit."""
        net = self.average_
        rows = at_once(2048 if isinstance(net, _Perceptron) else 256, noise.device)
        samples = torch.cat([self._integrate(part) for part in noise.split(rows)]) * net.scale + net.mean
        return samples.clamp(0, 1) if len(self.shape_) == 3 else samples

    def _integrate(self, x: Tensor) -> Tensor:
        """Heun's method from t = 0 to 1, x (n, *shape)."""
        times = [1 - (1 - i / self.ode_steps) ** self.time_power for i in range(self.ode_steps + 1)]
        for now, then in zip(times, times[1:], strict=False):
            h, one = then - now, x.new_ones(len(x), *[1] * (x.ndim - 1))
            slope = self._velocity(self.average_, x, now * one)
            x = x + h / 2 * (slope + self._velocity(self.average_, x + h * slope, then * one))
        return x

    def _velocity(self, net: nn.Module, x: Tensor, t: Tensor) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            return net(x, t).to(x.dtype)


def _large(shape: tuple[int, ...]) -> bool:
    """Whether a U-net fits: an image of 16 pixels or more that can be halved twice."""
    return len(shape) == 3 and min(shape[1:]) >= 16 and all(side % 4 == 0 for side in shape[1:])


class _Perceptron(nn.Module):
    """v(x, t): x (B, *shape) and t (B, 1, ...) -> (B, *shape); carries the mean and scale of the data."""

    def __init__(self, x: Tensor, model: FlowMatching) -> None:
        super().__init__()
        dim = math.prod(x.shape[1:])
        width = model.hidden or (256 if x.ndim == 4 else 128)
        waves = model.waves if model.waves is not None else 16 if dim <= NARROW else 0
        self.register_buffer("mean", x.mean(dim=0))
        self.register_buffer("scale", x.std(dim=0).clamp(min=1e-2))
        self.register_buffer("of_t", math.pi * 2.0 ** torch.arange(model.frequencies) / 2)
        self.register_buffer("of_x", math.pi * torch.linspace(math.log(0.25), math.log(16), waves).exp())
        self.first = nn.Linear(dim * (1 + 2 * waves) + 2 * model.frequencies, width)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(model.depth))
        self.last = nn.Linear(width, dim)
        nn.init.zeros_(self.last.weight)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        rows, angles = x.flatten(1), t.flatten(1) * self.of_t
        of_x = (rows[:, :, None] * self.of_x).flatten(1)  # (B, D waves)
        h = self.first(torch.cat([rows, angles.sin(), angles.cos(), of_x.sin(), of_x.cos()], dim=1))  # (B, w)
        for layer in self.layers:
            h = h + layer(F.silu(h))
        return self.last(F.silu(h)).view_as(x)


class _UNet(nn.Module):
    """v(x, t): x (B, C, H, W) and t (B, 1, 1, 1) -> (B, C, H, W); carries the mean and scale of the data."""

    def __init__(self, x: Tensor, model: FlowMatching) -> None:
        super().__init__()
        channels, w = x.shape[1], model.hidden or 32
        self.register_buffer("mean", x.mean(dim=(0, 2, 3))[:, None, None])
        self.register_buffer("scale", x.std(dim=(0, 2, 3))[:, None, None].clamp(min=1e-2))
        self.register_buffer("of_t", math.pi * 2.0 ** torch.arange(model.frequencies) / 2)
        self.time = nn.Linear(2 * model.frequencies, 4 * w)
        self.first = nn.Conv2d(4 * channels, w, 3, padding=1)
        self.down = nn.Conv2d(w, 2 * w, 2, stride=2)
        self.up = nn.ConvTranspose2d(2 * w, w, 2, stride=2)
        self.before = nn.ModuleList(_Block(w, 4 * w) for _ in range(model.depth - 1))
        self.deep = nn.ModuleList(_Block(2 * w, 4 * w) for _ in range(model.depth))
        self.after = nn.ModuleList(_Block(w, 4 * w) for _ in range(model.depth - 1))
        self.last = nn.Conv2d(w, 4 * channels, 3, padding=1)
        nn.init.zeros_(self.last.weight)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        angles = t.flatten(1) * self.of_t
        time = F.silu(self.time(torch.cat([angles.sin(), angles.cos()], dim=1)))  # (B, 4w)
        patches = F.pixel_unshuffle(x, 2)  # (B, 4C, H/2, W/2)
        h = self.first(patches.contiguous(memory_format=torch.channels_last))  # (B, w, H/2, W/2)
        for block in self.before:
            h = block(h, time)
        deep = self.down(h)  # (B, 2w, H/4, W/4)
        for block in self.deep:
            deep = block(deep, time)
        h = h + self.up(deep)  # (B, w, H/2, W/2)
        for block in self.after:
            h = block(h, time)
        return F.pixel_shuffle(self.last(F.silu(h)), 2)  # (B, C, H, W)


class _Block(nn.Module):
    """A residual block whose features t scales and shifts: h (B, w, H, W), time (B, T) -> (B, w, H, W)."""

    def __init__(self, width: int, n_time: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.norm = nn.GroupNorm(8 if width % 8 == 0 else 1, width)
        self.time = nn.Linear(n_time, 2 * width)
        nn.init.zeros_(self.second.weight)

    def forward(self, h: Tensor, time: Tensor) -> Tensor:
        scale, shift = self.time(time)[:, :, None, None].chunk(2, dim=1)
        return h + self.second(F.silu(self.norm(self.first(F.silu(h))) * (1 + scale) + shift))
