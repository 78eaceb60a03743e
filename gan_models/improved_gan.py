"""Improved GAN (Salimans et al., 2016).

Improved Techniques for Training GANs. NeurIPS 2016, sec. 3. Five techniques, each a switch, on top of the game of
Goodfellow et al. (2014); f(x) in R^A are the activations of D's last hidden layer:

    feature_matching          G descends |E f(x) - E f(G(z))|^2                                      (sec. 3.1)
    minibatch_discrimination  M_i = f(x_i) T, T in R^{A x B x C};  c_b(i, j) = exp(-|M_ib - M_jb|_1)  (sec. 3.2)
                              o_b(i) = sum over j != i of c_b(i, j);  D's last layer sees [f(x_i), o(x_i)]
    historical_averaging      each player's cost gets + w |theta - mean of its past theta|^2         (sec. 3.3)
    one_sided_label_smoothing D's target is 0.9 on data and 0 on samples, so that
                              D* = 0.9 p_data / (p_data + p_g)                                       (sec. 3.4)
    virtual_batch_norm        G normalises an example by a fixed reference batch and the example itself (sec. 3.5)

The sums o(x) are taken over the data's batch and over the samples' batch apart. The defaults are what samples best
(the paper: minibatch discrimination for samples, feature matching for classification; see improved_gan_semi).
Of _blocks: DCGAN's stack and initial weights, and what every game here needs; of _virtual_norm: sec. 3.5. w below is
`width`, the shapes are those of 28x28 images.

Differs from the paper:
- B = 32, C = 5 on images (the authors' code: 100, 5), B = 16, C = 3 on rows. T is scaled once so that the first batch's nearest
  neighbours are at L1 distance 1 on average (the code: 2); else every exp(-L1) may start at 0.
- The convolutional networks are DCGAN's, with batch-norm in D; on rows both are MLPs and VBN is off unless asked for.
- One batch of samples serves both players of a step. The learning rate falls linearly to zero (the code: constant).
- Samples come from an exponential average of G's weights (the paper: of D's, for its predictions).
- The reference batch has 32 examples (the code: as many as a batch). It passes through G with the samples, once a step.
- The paper's sum keeps j = i, where c_b = 1: a constant, left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any, ClassVar, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_models._blocks import (
    ConvStack,
    arc,
    check_precision,
    dcgan_init,
    draw_index,
    frozen,
    generate,
    is_image,
    leaky_relu,
    mixed,
    mlp,
    placed,
    seeded,
    set_lr,
    to_tanh,
    update_average,
)
from gan_models._virtual_norm import ReferencedGenerator, VirtualBatchNorm


def minibatch_features(features: Tensor, kernels: Tensor) -> Tensor:
    """Return o (N, B) of sec. 3.2: how close each of features (N, A) lies to the others under kernels T (A, B, C)."""
    n, (_, b, c) = len(features), kernels.shape
    rows = (features @ kernels.flatten(1)).float().view(n, b, c).transpose(0, 1)  # M, (B, N, C)
    closeness = (-torch.cdist(rows, rows, p=1.0).clamp(max=80.0)).exp()  # c_b(i, j), (B, N, N); denormals are slow
    return closeness.sum(dim=2).T - 1.0  # unlike the paper's sum leave out j = i, where exp(-0) = 1


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor, positive: float = 1.0) -> Tensor:
    """Return the cross-entropy against targets `positive` on data and 0 on samples, nats (sec. 3.4)."""
    real = positive * F.softplus(-real_logits) + (1.0 - positive) * F.softplus(real_logits)
    return real.mean() + F.softplus(fake_logits).mean()


def feature_matching_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Return |mean of f(x) - mean of f(G(z))|^2 (sec. 3.1) of features (N, A) each."""
    return (real.mean(dim=0) - fake.mean(dim=0)).square().sum()


class HistoricalAverage:
    """The running mean of a network's parameters and the squared distance to it (sec. 3.3)."""

    def __init__(self, network: nn.Module) -> None:
        self.parameters = list(network.parameters())
        self.means = [p.detach().clone() for p in self.parameters]
        self.count = 1

    def penalty(self) -> Tensor:
        """|theta - (1/t) sum_{i=1}^t theta[i]|^2."""
        return sum((p - m).square().sum() for p, m in zip(self.parameters, self.means, strict=True))

    @torch.no_grad()
    def update(self) -> None:
        """Take the present parameters into the mean."""
        self.count += 1
        torch._foreach_lerp_(self.means, [p.detach() for p in self.parameters], 1.0 / self.count)


class Discriminator(nn.Module):
    """A body that gives f (N, A), the kernels T (none where B = 0) and the last layer."""

    def __init__(self, body: nn.Module, n_features: int, n_kernels: int, kernel_dims: int) -> None:
        super().__init__()
        self.body = body
        self.kernels = nn.Parameter(torch.randn(n_features, n_kernels, kernel_dims) * 0.05) if n_kernels else None
        self.head = nn.Linear(n_features + n_kernels, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (N, *shape) -> logits (N, 1) and features f (N, A)."""
        features = self.body(x).float()  # (N, A); images: (N, 1, 28, 28) -> (N, w, 14, 14) -> (N, 2w, 7, 7) -> A = 98w
        if self.kernels is None:
            return self.head(features), features
        return self.head(torch.cat([features, minibatch_features(features, self.kernels)], dim=1)), features

    @torch.no_grad()
    def scale_kernels(self, x: Tensor) -> None:
        """Scale T so that the mean L1 distance to the nearest neighbour in the batch x is 1."""
        if self.kernels is not None:
            rows = torch.einsum("na,abc->bnc", self.body(x), self.kernels)
            distance = torch.cdist(rows, rows, p=1.0) + torch.diag(torch.full((len(x),), torch.inf, device=x.device))
            self.kernels /= distance.amin(dim=2).mean().clamp(min=1e-6)


@dataclass(kw_only=True, eq=False)
class ImprovedGAN:
    """DCGAN on images and MLPs on rows, with the five techniques as switches."""

    family: ClassVar[str] = "implicit"
    paper: ClassVar[str] = "Salimans et al. 2016, arXiv:1606.03498"
    uses_labels: ClassVar[bool] = False
    search: ClassVar[dict[str, Any]] = {
        "lr": (2e-4, 4e-3),
        "beta1": [0.0, 0.5],
        "one_sided_label_smoothing": [0.8, 0.9, 1.0],
    }
    steps: int = 2000
    feature_matching: bool = False
    minibatch_discrimination: bool | None = None  # None: on images only, a few kernels blur two-dimensional data
    virtual_batch_norm: bool = True
    historical_averaging: float = 0.0  # the penalty's weight
    one_sided_label_smoothing: float | None = 0.9
    n_kernels: int | None = None  # B; None: 16, 32 for images
    kernel_dims: int | None = None  # C; None: 3, 5 for images
    n_reference: int = 32  # examples in the reference batch
    z_dim: int | None = None  # None: 2 for 2-D, 16 for tables, 64 for images
    hidden: int = 128  # units a layer, rows
    depth: int = 3  # hidden layers, rows
    width: int = 32  # channels at the largest hidden map, images
    batch: int = 64
    lr: float | None = None  # at the start; it falls to zero. None: 2e-3, 1e-3 for images
    beta1: float = 0.5
    average_decay: float = 0.995  # a step, of the average of G that is sampled from; 0: G's last weights
    precision: str = "fp32"  # or "bf16", for the convolutions; the kernels' distances stay float32

    def __post_init__(self) -> None:
        check_precision(self.precision)
        target = self.one_sided_label_smoothing
        if target is not None and not 0.5 < target <= 1:
            raise ValueError(f"one_sided_label_smoothing is D's target on data, in (0.5, 1], got {target}; None for 1")
        if not 0 <= self.average_decay < 1:
            raise ValueError(f"average_decay must be in [0, 1), got {self.average_decay}; 0 for the last weights")
        if self.historical_averaging < 0:
            raise ValueError(f"historical_averaging is a weight, at least 0 (off), got {self.historical_averaging}")
        for name, least in {"steps": 1, "n_reference": 1, "hidden": 1, "depth": 1, "width": 1, "batch": 2}.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Learn from x (N, *shape)."""
        for _ in self.fit_steps(x, y, seed=seed):
            pass
        return self

    def fit_steps(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Iterator[dict[str, Tensor | int]]:
        """Yield after one step of D and one of G: losses in nats, mean D(x) and D(G(z))."""
        generator = torch.Generator(x.device).manual_seed(seed)
        self._build(x, seed, generator)
        lr = self.lr or (1e-3 if is_image(self.shape_) else 2e-3)
        d_adam = torch.optim.Adam(self.discriminator_.parameters(), lr=lr, betas=(self.beta1, 0.999), fused=True)
        g_adam = torch.optim.Adam(self.generator_.parameters(), lr=lr, betas=(self.beta1, 0.999), fused=True)
        rows = to_tanh(x, self.precision) if is_image(self.shape_) else x  # (N, *shape)
        d_past, g_past = HistoricalAverage(self.discriminator_), HistoricalAverage(self.generator_)
        for step in range(self.steps):
            set_lr(lr * (1 - step / self.steps), d_adam, g_adam)
            real = rows[draw_index(len(x), self.batch, generator)]  # (B, *shape)
            d_adam.zero_grad()
            with mixed(x.device, self.precision):
                fake = self.generator_(self._noise(self.batch, generator))  # (B, z) -> (B, *shape)
                real_logits, _ = self.discriminator_(real)  # (B, 1), a batch each: for the sums o and the norms
                fake_logits, _ = self.discriminator_(fake.detach())
            real_logits, fake_logits = real_logits.float(), fake_logits.float()
            d_loss = discriminator_loss(real_logits, fake_logits, self.one_sided_label_smoothing or 1.0)
            (d_loss + self._penalty(d_past)).backward()
            d_adam.step()

            g_adam.zero_grad()
            with frozen(self.discriminator_):
                g_loss = self._generator_loss(real, fake)
                (g_loss + self._penalty(g_past)).backward()
            g_adam.step()

            update_average(self.average_, self.generator_, min(self.average_decay, step / (step + 10)))
            if self.historical_averaging:
                d_past.update()
                g_past.update()
            yield {
                "examples": self.batch,
                "d_loss": d_loss.detach(),
                "g_loss": g_loss.detach(),
                "d_real": real_logits.detach().sigmoid().mean(),
                "d_fake": fake_logits.detach().sigmoid().mean(),
            }

    def sample(self, n: int, *, seed: int) -> Tensor:
        """Draw x = G(z), (n, *shape)."""
        device = next(self.average_.parameters()).device
        z = self._noise(n, torch.Generator(device).manual_seed(seed))
        x = generate(self.average_, z, precision=self.precision)
        return (x + 1) / 2 if is_image(self.shape_) else x  # tanh's range to [0, 1]

    def walk(self, n: int, *, seed: int) -> Tensor:
        """Draw x = G(z) for n noises z on an arc from the first of two samples to the second, (n, *shape)."""
        device = next(self.average_.parameters()).device
        noise = arc(self._noise(2, torch.Generator(device).manual_seed(seed)), n)
        x = generate(self.average_, noise, precision=self.precision)
        return (x + 1) / 2 if is_image(self.shape_) else x

    def _generator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        with mixed(real.device, self.precision):
            logits, features = self.discriminator_(fake)
            if not self.feature_matching:
                return F.softplus(-logits.float()).mean()  # -E log D(G(z))
            with torch.no_grad():
                _, real_features = self.discriminator_(real)
        return feature_matching_loss(real_features.float(), features.float())

    def _penalty(self, past: HistoricalAverage) -> Tensor | float:
        return self.historical_averaging * past.penalty() if self.historical_averaging else 0.0

    def _build(self, x: Tensor, seed: int, generator: torch.Generator) -> None:
        self.shape_ = tuple(x.shape[1:])
        image, dims = is_image(self.shape_), prod(self.shape_)
        self.z_dim_ = self.z_dim or (64 if image else 2 if dims == 2 else 16)
        virtual, minibatch = self.virtual_batch_norm, self.minibatch_discrimination
        norm = partial(VirtualBatchNorm, self.n_reference) if virtual else nn.BatchNorm2d if image else None
        b = (self.n_kernels or (32 if image else 16)) * (image if minibatch is None else minibatch)
        c = self.kernel_dims or (5 if image else 3)
        with seeded(seed):
            if image:
                body = dcgan_init(ConvStack(self.shape_, self.width, norm=norm).generator(self.z_dim_))
                conv = dcgan_init(ConvStack(self.shape_, self.width).discriminator())
                critic = Discriminator(conv[:-1], conv[-1].in_features, b, c)
            else:
                sizes = [self.hidden] * self.depth
                body = mlp([self.z_dim_, *sizes, dims], leaky_relu, norm=norm)
                critic = Discriminator(nn.Sequential(mlp([dims, *sizes], leaky_relu), leaky_relu()), self.hidden, b, c)
        if virtual:
            # a stream of its own: no z that is drawn with this seed later must be one of the reference's.
            # The CPU's generator takes a seed's low 32 bits only.
            apart = torch.Generator(x.device).manual_seed(seed ^ 0x5EED_BA7C)
            body = ReferencedGenerator(body, self._noise(self.n_reference, apart))
        self.generator_, self.discriminator_ = (placed(net, x.device, self.precision) for net in (body, critic))
        first = x[draw_index(len(x), self.batch, generator)]
        self.discriminator_.scale_kernels(to_tanh(first, "fp32") if image else first)
        self.average_ = deepcopy(self.generator_).requires_grad_(False)

    def _noise(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.randn(n, self.z_dim_, generator=generator, device=generator.device)
