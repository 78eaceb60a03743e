"""DCGAN (Radford, Metz & Chintala, 2016).

Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks. ICLR 2016. The game of
Goodfellow et al. (2014), eq. (1), with the architecture guidelines of section 3, each of them a switch here:

    strided          strided convolutions in D and fractionally strided ones in G, no pooling        (rule 1)
    batch_norm       batch normalisation in both                                                     (rule 2)
    norm_at_edges    ... but not at G's output and D's input: True breaks that                        (rule 2)
    dense            no fully connected hidden layers: a number of units > 0 breaks that              (rule 3)
    relu             ReLU in G, tanh at its output: False is LeakyReLU in G                            (rule 4)
    leaky            LeakyReLU of slope 0.2 in D: False is ReLU                                        (rule 5)

Weights from N(0, 0.02), Adam with beta1 0.5, images scaled to tanh's [-1, 1] (sec. 4). Of _blocks: the stack of the rules above,
the initial weights, and what every game here needs. w below is `width`, the shapes are those of 28x28 images.

Differs from the paper:
- sizes other than 64x64: the stack ends at a smallest map of 2x2 (8x8 images), 7x7 (28x28) or 4x4 (32x32).
- width 32 below 64x64, z of 64 dimensions at 8x8 (the paper at 64x64: 128, 100); batches of 64 (the paper: 128).
- the learning rate falls linearly to zero, and starts at 1e-3 below 64x64 (the paper: 2e-4, constant): runs are thousands of steps.
- samples come from an exponential average of G's weights (Karras et al. 2018): without it a run is good at its very end only.
- one batch of samples serves D's step and the first of G's, which saves a pass of G.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
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
    leaky_relu,
    mixed,
    placed,
    seeded,
    set_lr,
    to_tanh,
    update_average,
)
from gan_models.vanilla_gan import discriminator_loss, generator_loss


@dataclass(kw_only=True, eq=False)
class DCGAN:
    """Convolutional networks in the game of eq. (1); width, z_dim and lr None: by the image's size."""

    family: ClassVar[str] = "implicit"
    paper: ClassVar[str] = "Radford et al. 2016, arXiv:1511.06434"
    uses_labels: ClassVar[bool] = False
    search: ClassVar[dict[str, Any]] = {"lr": (2e-4, 4e-3), "beta1": [0.0, 0.5], "batch": [32, 64, 128]}
    steps: int = 1000
    strided: bool = True
    batch_norm: bool = True
    norm_at_edges: bool = False
    dense: int = 0
    relu: bool = True
    leaky: bool = True
    loss: str = "non_saturating"  # or "minimax", of vanilla_gan
    d_steps: int = 1
    g_steps: int = 1
    width: int | None = None  # channels of the largest hidden map; None: 32 below 64x64, else 64
    d_width: int | None = None  # the same of D; None: as G's
    z_dim: int | None = None  # None: 64 at 8x8, 100 above
    batch: int = 64
    lr: float | None = None  # at the start; it falls to zero. None: 1e-3 below 64x64, else 2e-4
    beta1: float = 0.5
    average_decay: float = 0.995  # a step, of the average of G that is sampled from; 0: G's last weights
    precision: str = "fp32"  # or "bf16", with channels last: pays from 28x28 on where the processor has it
    compile: bool = False  # torch.compile of both networks: seconds to a minute first, does not pay on a CPU

    def __post_init__(self) -> None:
        check_precision(self.precision)
        if self.loss not in ("non_saturating", "minimax"):
            raise ValueError(f"loss must be 'non_saturating' or 'minimax', got {self.loss!r}")
        for name in ("steps", "batch", "d_steps", "g_steps", "width", "d_width"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.average_decay < 1:
            raise ValueError(f"average_decay must be in [0, 1), got {self.average_decay}; 0 for the last weights")
        if self.dense < 0:
            raise ValueError(f"dense must be a number of units, 0 for no hidden dense layer, got {self.dense}")

    def supports(self, dataset: Any) -> str:
        """Square images whose side halves to a small map."""
        return convolutional(dataset.shape)

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Learn from images x (N, C, H, W) in [0, 1]."""
        for _ in self.fit_steps(x, y, seed=seed):
            pass
        return self

    def fit_steps(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Iterator[dict[str, Tensor | int]]:
        """Yield after each pair of D's and G's steps."""
        self._build(x, seed)
        generator = torch.Generator(x.device).manual_seed(seed)
        lr = self.lr or (1e-3 if self.shape_[1] < 64 else 2e-4)
        d_adam = torch.optim.Adam(self.discriminator_.parameters(), lr=lr, betas=(self.beta1, 0.999), fused=True)
        g_adam = torch.optim.Adam(self.generator_.parameters(), lr=lr, betas=(self.beta1, 0.999), fused=True)
        generate_batch, judge = self.generator_, self.discriminator_
        if self.compile:  # for these shapes alone: G's (B, z) and D's (B, C, H, W) are no variants of one another
            generate_batch, judge = (torch.compile(network, dynamic=False) for network in (generate_batch, judge))
        images = to_tanh(x, self.precision)  # (N, C, H, W)
        for step in range(self.steps):
            set_lr(lr * (1 - step / self.steps), d_adam, g_adam)
            for _ in range(self.d_steps):
                real = images[draw_index(len(x), self.batch, generator)]  # (B, C, H, W)
                d_adam.zero_grad()
                with mixed(x.device, self.precision):
                    fake = generate_batch(self._noise(self.batch, generator))  # (B, z) -> (B, C, H, W)
                    real_logits, fake_logits = (
                        judge(real),
                        judge(fake.detach()),
                    )  # (B, 1) each: a batch each, for the norms
                real_logits, fake_logits = real_logits.float(), fake_logits.float()
                d_loss = discriminator_loss(real_logits, fake_logits)  # eq. (1), as logits
                d_loss.backward()
                d_adam.step()
            for k in range(self.g_steps):
                g_adam.zero_grad()
                with frozen(self.discriminator_):
                    with mixed(x.device, self.precision):
                        fake = generate_batch(self._noise(self.batch, generator)) if k else fake
                        logits = judge(fake)  # (B, 1)
                    g_loss = generator_loss(logits.float(), self.loss)
                    g_loss.backward()
                g_adam.step()
            update_average(self.average_, self.generator_, min(self.average_decay, step / (step + 10)))
            yield {
                "examples": self.batch * self.d_steps,
                "d_loss": d_loss.detach(),
                "g_loss": g_loss.detach(),
                "d_real": real_logits.detach().sigmoid().mean(),
                "d_fake": fake_logits.detach().sigmoid().mean(),
            }

    def sample(self, n: int, *, seed: int) -> Tensor:
        """(n, C, H, W) in [0, 1]."""
        device = next(self.average_.parameters()).device
        noise = self._noise(n, torch.Generator(device).manual_seed(seed))
        return (generate(self.average_, noise, precision=self.precision) + 1) / 2

    def walk(self, n: int, *, seed: int) -> Tensor:
        """Draw x = G(z) for n noises z on an arc from the first of two samples to the second, (n, *shape)."""
        device = next(self.average_.parameters()).device
        noise = arc(self._noise(2, torch.Generator(device).manual_seed(seed)), n)
        return (generate(self.average_, noise, precision=self.precision) + 1) / 2

    def _build(self, x: Tensor, seed: int) -> None:
        self.shape_ = tuple(x.shape[1:])
        self.z_dim_ = self.z_dim or (64 if self.shape_[1] < 16 else 100)
        stack = ConvStack(
            self.shape_,
            width=self.width or (32 if self.shape_[1] < 64 else 64),
            strided=self.strided,
            norm=nn.BatchNorm2d if self.batch_norm else None,
            norm_at_edges=self.norm_at_edges,
            dense=self.dense,
        )
        d_stack = replace(stack, width=self.d_width or stack.width)
        with seeded(seed):
            generator = stack.generator(self.z_dim_, nn.ReLU if self.relu else leaky_relu)
            discriminator = d_stack.discriminator(activation=leaky_relu if self.leaky else partial(nn.ReLU))
            self.generator_ = placed(dcgan_init(generator), x.device, self.precision)
            self.discriminator_ = placed(dcgan_init(discriminator), x.device, self.precision)
        self.average_ = deepcopy(self.generator_).requires_grad_(False)

    def _noise(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.randn(n, self.z_dim_, generator=generator, device=generator.device)
