"""DCGAN training as PyTorch's example does it, step by step: the loop that ours is compared with.

Probabilities and BCELoss, a gradient for D in G's step too, five numbers read from the device each step, float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import torch
from torch import Tensor, nn

Z = 100


def generator(channels: int, width: int) -> nn.Sequential:
    """(B, 100, 1, 1) -> (B, C, 64, 64) in [-1, 1]."""
    layers: list[nn.Module] = [nn.ConvTranspose2d(Z, 8 * width, 4, 1, 0, bias=False)]
    for times in (8, 4, 2):
        layers += [nn.BatchNorm2d(times * width), nn.ReLU(True)]
        layers += [nn.ConvTranspose2d(times * width, times // 2 * width, 4, 2, 1, bias=False)]
    layers += [
        nn.BatchNorm2d(width),
        nn.ReLU(True),
        nn.ConvTranspose2d(width, channels, 4, 2, 1, bias=False),
        nn.Tanh(),
    ]
    return nn.Sequential(*layers)


def discriminator(channels: int, width: int) -> nn.Sequential:
    """(B, C, 64, 64) -> probabilities (B, 1, 1, 1)."""
    layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
    for times in (1, 2, 4):
        layers += [nn.Conv2d(times * width, 2 * times * width, 4, 2, 1, bias=False)]
        layers += [nn.BatchNorm2d(2 * times * width), nn.LeakyReLU(0.2, inplace=True)]
    return nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 4, 1, 0, bias=False), nn.Sigmoid())


def initialise(module: nn.Module) -> None:
    """The paper's weights."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def example_steps(x: Tensor, *, width: int = 64, batch: int = 64, seed: int = 0) -> Iterator[dict[str, float]]:
    """Train the example's networks for ever on images x (N, C, 64, 64) in [-1, 1]; yields what the example prints.

    In its favour the images are already on the device: no loader, no decoding. Width and batch are arguments, else as published.
    """
    torch.manual_seed(seed)
    net_g = generator(x.shape[1], width).to(x.device).apply(initialise)
    net_d = discriminator(x.shape[1], width).to(x.device).apply(initialise)
    batches = (x[torch.randint(len(x), (batch,), device=x.device)] for _ in count())
    return example_loop(batches, net_g, net_d, (Z, 1, 1))


def example_loop(
    batches: Iterator[Tensor], net_g: nn.Module, net_d: nn.Module, noise: tuple[int, ...]
) -> Iterator[dict[str, float]]:
    """The example's loop for a generator of noise (B, *noise) and a discriminator that returns B probabilities."""
    criterion = nn.BCELoss()
    adam_d = torch.optim.Adam(net_d.parameters(), lr=2e-4, betas=(0.5, 0.999))
    adam_g = torch.optim.Adam(net_g.parameters(), lr=2e-4, betas=(0.5, 0.999))
    for real in batches:
        label = torch.full((len(real),), 1.0, device=real.device)
        net_d.zero_grad()
        judged = net_d(real).view(-1)
        loss_real = criterion(judged, label)
        loss_real.backward()
        d_x = judged.mean().item()
        fake = net_g(torch.randn(len(real), *noise, device=real.device))
        label.fill_(0.0)
        judged = net_d(fake.detach()).view(-1)
        loss_fake = criterion(judged, label)
        loss_fake.backward()
        d_g_z1 = judged.mean().item()
        loss_d = loss_real + loss_fake
        adam_d.step()
        net_g.zero_grad()
        label.fill_(1.0)
        judged = net_d(fake).view(-1)
        loss_g = criterion(judged, label)
        loss_g.backward()
        d_g_z2 = judged.mean().item()
        adam_g.step()
        yield {
            "examples": len(real),
            "d_loss": loss_d.item(),
            "g_loss": loss_g.item(),
            "d_real": d_x,
            "d_fake": d_g_z1,
            "d_fake_after": d_g_z2,
        }
