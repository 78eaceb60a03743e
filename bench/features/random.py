"""random: a convolutional network with fixed random orthogonal weights, a feature space that needs no labels and no download.

Three 3x3 convolutions of 64 channels with ReLU (strides 1, 2, 2; from 16 pixels on 2, 2, 2), the last map flattened and projected on its
48 leading directions of the training rows. Random features see local texture and its place, which a classifier discards: dependence
between pixels, noise and blur (Naeem et al. 2020, section 5, on random embeddings). Its Frechet distance is not the papers' FID.
"""

from __future__ import annotations

import hashlib
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.datasets import Dataset

WIDTH, LAYERS = 64, 3
N_COMPONENTS = 48
MAX_ROWS = 10_000
SEED = 0
VERSION = 1
LARGE_FROM = 16  # pixels a side: the first layer has stride 2 there


def orthogonal(rows: int, columns: int, *, generator: torch.Generator) -> Tensor:
    """Return (rows, columns) with orthonormal rows, or columns where those are fewer, in float64 from a fixed generator."""
    tall = rows >= columns
    gauss = torch.randn(max(rows, columns), min(rows, columns), generator=generator, dtype=torch.float64)
    q, r = torch.linalg.qr(gauss)
    q = q * r.diagonal().sign()
    return q if tall else q.T


def kernels(channels: int, seed: int = SEED) -> list[Tensor]:
    """Return the weights of the three layers, (64, C, 3, 3) float32 each, scaled so that ReLU keeps the variance (He et al. 2015)."""
    generator = torch.Generator().manual_seed(seed)
    weights = []
    for width in (channels, *[WIDTH] * (LAYERS - 1)):
        flat = orthogonal(WIDTH, width * 9, generator=generator)
        gain = math.sqrt(2 * flat.numel() / width / 9) / math.sqrt(float(flat.square().sum()))
        weights.append((flat * gain * 1.0).reshape(WIDTH, width, 3, 3).float())
    return weights


class RandomConv:
    """x (N, C, H, W) in [0, 1] -> (N, 48) float64."""

    name = "random"

    def __init__(self, weights: list[Tensor], strides: tuple[int, ...]) -> None:
        self.weights, self.strides = weights, strides
        self.mean: Tensor | None = None
        self.axes: Tensor | None = None
        self.sha256 = ""

    @torch.no_grad()
    def maps(self, x: Tensor) -> Tensor:
        """The flattened last map, (N, 64 H' W')."""
        h = 2 * x.float() - 1
        for weight, stride in zip(self.weights, self.strides):
            h = F.relu(F.conv2d(h, weight, stride=stride, padding=1))
        return h.flatten(1)

    def __call__(self, x: Tensor) -> Tensor:
        return torch.cat([(self.maps(part).double() - self.mean) @ self.axes for part in x.split(1024)])


def build(dataset: Dataset, *, seed: int = SEED, components: int = N_COMPONENTS) -> RandomConv:
    x = dataset.train.x
    strides = (2, 2, 2) if x.shape[-1] >= LARGE_FROM else (1, 2, 2)
    space = RandomConv([w.to(x.device) for w in kernels(x.shape[1], seed)], strides)
    n = min(len(x), MAX_ROWS)
    rows = torch.cat([space.maps(part).double() for part in x[:n].split(1024)])
    mean = rows.mean(dim=0)
    centred = rows - mean
    kept = min(components, len(rows) - 1, rows.shape[1])
    if rows.shape[1] <= len(rows):
        values, vectors = torch.linalg.eigh(centred.T @ centred / (len(rows) - 1))
        axes = vectors[:, -kept:].flip(1)
    else:
        values, left = torch.linalg.eigh(centred @ centred.T)
        axes = (centred.T @ left[:, -kept:] / values[-kept:].sqrt()).flip(1)
        values = values / (len(rows) - 1)
    space.mean, space.axes = mean, axes / values[-1].sqrt()
    space.sha256 = hashlib.sha256(f"random {VERSION} {WIDTH} {LAYERS} {strides} {kept} {seed} {dataset.train_sha256}".encode()).hexdigest()
    return space
