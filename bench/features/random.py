"""random: a convolutional network with fixed random weights, a feature space that needs no labels.

It needs no download either: 3x3 convolutions of 64 channels with orthogonal weights and ReLU, at least three, the last ones of stride 2
until the map is at most 4x4 (8x8 images: strides 1, 2, 2; 28x28: 2, 2, 2; 64x64: 2, 2, 2, 2), the last map flattened and projected on
its 48 leading directions of the training rows. Random features see local texture and its place, which a classifier discards:
dependence between pixels, noise and blur (Naeem et al. 2020, section 5, on random embeddings). Their Frechet distance is not the
papers' FID.

The directions are found when they are first needed, so that a plan can name the space without computing features, and kept on disk.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.datasets import Dataset, Examples
from bench.files import cache_folder, cached

WIDTH, FEWEST_LAYERS, LARGEST_MAP = 64, 3, 4
N_COMPONENTS = 48
MAX_ROWS = 10_000
SEED = 0
VERSION = 1
WORTH_SECONDS = 0.25  # directions that took less are not kept


def strides_of(height: int, width: int) -> tuple[int, ...]:
    """Return each layer's stride: at least two halvings, as many as bring the last map to 4x4 or less."""
    halvings = max(2, math.ceil(math.log2(max(height, width) / LARGEST_MAP)))
    return (1,) * (FEWEST_LAYERS - halvings) + (2,) * halvings


def orthogonal(rows: int, columns: int, *, generator: torch.Generator) -> Tensor:
    """Draw (rows, columns) float64 with orthonormal rows, or orthonormal columns where those are fewer."""
    gauss = torch.randn(max(rows, columns), min(rows, columns), generator=generator, dtype=torch.float64)
    q, r = torch.linalg.qr(gauss)
    q = q * r.diagonal().sign()
    return q if rows >= columns else q.T


def kernels(channels: int, layers: int, *, seed: int = SEED) -> list[Tensor]:
    """Draw the weights of each layer, (64, C, 3, 3) float32.

    Their mean square is 2 / (9 C), so that ReLU keeps the variance (He et al. 2015).
    """
    generator = torch.Generator().manual_seed(seed)
    weights = []
    for width in (channels, *[WIDTH] * (layers - 1)):
        gain = math.sqrt(2 * max(1.0, WIDTH / (9 * width)))
        weights.append((gain * orthogonal(WIDTH, 9 * width, generator=generator)).reshape(WIDTH, width, 3, 3).float())
    return weights


class RandomConv:
    """x (N, C, H, W) in [0, 1] -> (N, 48) float64, in standard deviations of the first direction."""

    name = "random"

    def __init__(
        self, weights: list[Tensor], strides: tuple[int, ...], *, sha256: str, rows: Callable[[], Tensor]
    ) -> None:
        self.weights, self.strides, self.sha256 = weights, strides, sha256
        self._rows = rows

    @torch.no_grad()
    def maps(self, x: Tensor) -> Tensor:
        """Return the flattened last map, (N, 64 H' W') float32."""
        h = 2 * x.float() - 1
        for weight, stride in zip(self.weights, self.strides, strict=True):
            h = F.relu(F.conv2d(h, weight, stride=stride, padding=1))
        return h.flatten(1)

    def __call__(self, x: Examples) -> Tensor:
        """Return features (N, 48)."""
        mean, axes = self.directions
        return torch.cat([(self.maps(part).double() - mean) @ axes for part in x.split(1024)])

    @cached_property
    def directions(self) -> tuple[Tensor, Tensor]:
        """The mean (M,) of the training rows' maps and their leading directions (M, 48), kept on disk."""
        from safetensors.torch import load, save

        device = self.weights[0].device

        def make() -> bytes:
            mean, axes = self._fit()
            return save({"mean": mean.cpu().contiguous(), "axes": axes.cpu().contiguous()})

        made_with = f"{torch.__version__} {device.type} {torch.get_num_threads()}"  # what decides the last bits beside the recipe
        name = hashlib.sha256(f"{self.sha256} {made_with}".encode()).hexdigest()
        raw = cached(
            cache_folder() / "random", f"{name}.safetensors", make, whole=_is_whole, worth_seconds=WORTH_SECONDS
        )
        kept = load(raw)
        return kept["mean"].to(device), kept["axes"].to(device)

    def _fit(self) -> tuple[Tensor, Tensor]:
        maps = torch.cat([self.maps(part).double() for part in self._rows().split(1024)])
        mean = maps.mean(dim=0)
        centred = maps - mean
        kept = min(N_COMPONENTS, len(maps) - 1, maps.shape[1])
        if maps.shape[1] <= len(maps):
            values, vectors = torch.linalg.eigh(centred.T @ centred / (len(maps) - 1))
            axes = vectors[:, -kept:].flip(1)
        else:  # fewer rows than entries of a map: the same directions from the rows' inner products
            values, left = torch.linalg.eigh(centred @ centred.T / (len(maps) - 1))
            axes = (centred.T @ left[:, -kept:] / ((len(maps) - 1) * values[-kept:].clamp(min=1e-12)).sqrt()).flip(1)
        signs = axes.gather(0, axes.abs().argmax(dim=0, keepdim=True)).sign()  # an eigenvector's sign is free
        return mean, axes * signs / values[-1].clamp(min=1e-12).sqrt()


def _is_whole(raw: bytes) -> bool:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(raw).keys() == {"mean", "axes"}
    except SafetensorError:
        return False


def build(dataset: Dataset, *, seed: int = SEED) -> RandomConv:
    """Draw the network for a dataset's shape.

    Its directions are of the first 10,000 training rows, which are in random order.
    """
    channels, height, width = dataset.shape
    strides = strides_of(height, width)
    recipe = f"random {VERSION} {WIDTH} {strides} {N_COMPONENTS} {MAX_ROWS} {seed} {dataset.train_sha256}"
    weights = [weight.to(dataset.train.x.device) for weight in kernels(channels, len(strides), seed=seed)]
    sha256 = hashlib.sha256(recipe.encode()).hexdigest()
    return RandomConv(weights, strides, sha256=sha256, rows=lambda: dataset.train.some(MAX_ROWS).x[:])
