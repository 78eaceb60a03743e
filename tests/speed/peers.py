"""Training loops as the peers write them, from their published descriptions: plain PyTorch, float32, one loss read every step.

Each yields the number of examples of a step, or a dict that has it, so that the same steps can be timed in pieces.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from tests.speed.examples_dcgan import example_loop


def nade_logits(v: Tensor, W: Tensor, c: Tensor, V: Tensor, b: Tensor) -> Tensor:
    """Bernoulli logits (B, D) by the loop over pixels that the paper's equations spell out: v (B, D), W, V (D, H)."""
    a, logits = c.expand(len(v), -1), []
    for i in range(v.shape[1]):
        logits.append(torch.sigmoid(a) @ V[i] + b[i])
        a = a + v[:, i, None] * W[i]
    return torch.stack(logits, dim=1)


def nade_loop(images: Tensor, hidden: int, batch: int) -> Iterator[int]:
    """NADE by autograd through the loop over pixels; images (N, D) of 0 and 1."""
    dim = images.shape[1]
    W, V = (nn.Parameter(torch.randn(dim, hidden) / dim**0.5) for _ in range(2))
    c, b = nn.Parameter(torch.zeros(hidden)), nn.Parameter(torch.zeros(dim))
    optimizer = torch.optim.Adam([W, V, c, b], lr=1e-3)
    while True:
        v = images[torch.randint(len(images), (batch,))]
        loss = F.binary_cross_entropy_with_logits(nade_logits(v, W, c, V, b), v, reduction="sum") / batch
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
        yield batch


class MaskedLinear(nn.Linear):
    """A linear layer whose weight is multiplied by a mask at every forward pass."""

    def __init__(self, inputs: int, outputs: int, mask: Tensor) -> None:
        super().__init__(inputs, outputs)
        self.register_buffer("mask", mask.float())

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.mask * self.weight, self.bias)


def made_loop(images: Tensor, hidden: int, batch: int) -> Iterator[int]:
    """MADE as pytorch-made trains it: one hidden layer, Bernoulli outputs, Adam with weight decay, the loss read every step."""
    dim = images.shape[1]
    inputs, units = torch.arange(dim), torch.randint(dim - 1, (hidden,))
    net = nn.Sequential(
        MaskedLinear(dim, hidden, inputs <= units[:, None]),
        nn.ReLU(),
        MaskedLinear(hidden, dim, units < inputs[:, None]),
    )
    optimizer = torch.optim.Adam(net.parameters(), 1e-3, weight_decay=1e-4)
    while True:
        for start in range(0, len(images) - batch + 1, batch):
            rows = images[start : start + batch]
            loss = F.binary_cross_entropy_with_logits(net(rows), rows, reduction="sum") / batch
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()
            yield batch


def dcgan_loop(
    images: Tensor, generator: nn.Module, discriminator: nn.Module, z_dim: int, batch: int
) -> Iterator[dict[str, float]]:
    """DCGAN as PyTorch's example trains it, with its DataLoader.

    images (N, C, H, W) in [-1, 1]; the networks are ours, in float32, so that both sides compute the same.
    """
    loader = DataLoader(TensorDataset(images), batch_size=batch, shuffle=True, drop_last=True)
    batches = (real for _ in count() for (real,) in loader)
    return example_loop(batches, generator, nn.Sequential(discriminator, nn.Sigmoid()), (z_dim,))
