"""What a model and a metric see of a dataset: tensors, splits, and what is known of the law behind them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from bench.datasets._pixels import Rows


@dataclass(frozen=True)
class Split:
    """Rows of one split: x (N, *shape) float32 (8-bit images as Rows), y (N,) int64 or None where there are no labels."""

    x: Tensor | Rows
    y: Tensor | None = None

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Mixture:
    """The known law of a 2-D dataset: equal spherical Gaussians, means (K, D), standard deviation sigma."""

    means: Tensor
    sigma: float

    def sample(self, n: int, *, seed: int) -> Tensor:
        """Draw n points, shape (n, D)."""
        generator = torch.Generator().manual_seed(seed)
        which = torch.randint(len(self.means), (n,), generator=generator)
        noise = torch.randn(n, self.means.shape[1], generator=generator)
        return self.means[which.to(self.means.device)] + self.sigma * noise.to(self.means.device)

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-density of x (N, D) in nats, shape (N,)."""
        dim = self.means.shape[1]
        squared = torch.cdist(x.double(), self.means.double()).square()  # (N, K)
        log_kernel = -squared / (2 * self.sigma**2) - dim * torch.log(torch.tensor(self.sigma).double())
        constant = torch.log(torch.tensor(len(self.means)).double()) + dim * 0.5 * torch.log(torch.tensor(2 * torch.pi))
        return torch.logsumexp(log_kernel, dim=1) - constant


@dataclass(frozen=True)
class Dataset:
    """A dataset with fixed splits; a model sees `train` only, `valid` is the public board, `test` the private one."""

    name: str
    kind: str  # "2d", "table", "image" or "large_image"
    train: Split
    valid: Split
    test: Split
    primary: str  # the metric its board is ranked by
    spaces: tuple[str, ...]  # feature spaces, by name
    levels: int | None = None  # image values are code / (levels - 1); None for real data
    n_classes: int = 0  # 0: no labels
    class_names: tuple[str, ...] = ()
    law: Mixture | None = None  # where the true law is known
    n_modes: int = 0  # classes (or tuples of classes) that a classifier can count; 0: none
    mode_prior: Tensor | None = None  # true shares of those modes, (n_modes,); None: the training labels' shares
    n_mode_samples: int = 0  # mode statistics use this many samples; 0: as many as the board has rows
    version: int = 1
    fresh: Callable[[int, str, int], Tensor] | None = None  # (n, split, seed) -> new real rows built from a split
    classifier_of: str = ""  # the dataset whose pinned classifier serves this one, if not its own
    own_path: str = ""  # of the user's own data; empty for the suite's datasets
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return tuple(self.train.x.shape[1:])

    @property
    def n_train(self) -> int:
        """Training rows."""
        return len(self.train)

    @cached_property
    def sha256(self) -> str:
        """Hash of every value of every split, so that changed data gives a changed key."""
        digest = hashlib.sha256(f"{self.name}/{self.version}/{self.levels}".encode())
        for split in (self.train, self.valid, self.test):
            _feed(digest, split)
        return digest.hexdigest()

    @cached_property
    def train_sha256(self) -> str:
        """Hash of the training rows alone, for what is derived from them."""
        digest = hashlib.sha256(f"{self.name}/{self.version}/{self.levels}".encode())
        _feed(digest, self.train)
        return digest.hexdigest()

    def split(self, board: str) -> Split:
        """The held-out rows behind a board, "public" or "private"."""
        return {"public": self.valid, "private": self.test}[board]

    def oracle(self, n: int, *, board: str, seed: int) -> Tensor:
        """Real data as a sampler: fresh draws where the law is known, else of or from the *other* held-out split."""
        if self.law is not None:
            return self.law.sample(n, seed=seed)
        other = {"public": "test", "private": "valid"}[board]
        if self.fresh is not None:
            return self.fresh(n, other, seed).to(self.train.x.device)
        return cycle_rows(getattr(self, other).x, n, seed=seed)

    def to_grid(self, x: Tensor, *, dequantized: bool = False) -> Tensor:
        """Clip and round image samples to the dataset's own levels; real data passes unchanged.

        dequantized: the samples live on (code + u) / levels, so that a code is a floor and not a rounding.
        """
        if self.levels is None:
            return x
        codes = torch.floor(x * self.levels) if dequantized else torch.round(x * (self.levels - 1))
        return codes.clamp(0, self.levels - 1) / (self.levels - 1)

    def dequantize(self, x: Tensor, *, seed: int | None) -> Tensor:
        """(code + u) / levels with seeded uniform u (u = 1/2 where seed is None); real data passes unchanged."""
        if self.levels is None:
            return x
        codes = torch.round(x * (self.levels - 1))
        if seed is None:
            return (codes + 0.5) / self.levels
        generator = torch.Generator(x.device).manual_seed(seed)
        noisy = codes + torch.rand(x.shape, generator=generator, device=x.device)
        return (
            torch.minimum(noisy, torch.nextafter(codes + 1, codes)) / self.levels
        )  # code + u must not round to code + 1

    def to(self, device: torch.device | str) -> Dataset:
        """The same dataset with its tensors on a device."""
        from dataclasses import replace

        move = lambda split: Split(split.x.to(device), None if split.y is None else split.y.to(device))
        law = None if self.law is None else Mixture(self.law.means.to(device), self.law.sigma)
        return replace(self, train=move(self.train), valid=move(self.valid), test=move(self.test), law=law)


def _feed(digest: Any, split: Split) -> None:
    values = split.x.digest_parts() if isinstance(split.x, Rows) else [split.x]
    for tensor in (*values, split.y):
        if tensor is not None:
            digest.update(str(tuple(tensor.shape)).encode())
            digest.update(tensor.contiguous().cpu().numpy().data)


def cycle_rows(x: Tensor, n: int, *, seed: int) -> Tensor:
    """N rows of x in random order, each as often as any other (plus or minus one)."""
    generator = torch.Generator().manual_seed(seed)
    rounds = [torch.randperm(len(x), generator=generator) for _ in range(-(-n // len(x)))]
    return x[torch.cat(rounds)[:n].to(x.device)]


def binarized(dataset: Dataset, *, seed: int = 0) -> Dataset:
    """Images whose pixels were drawn once from Bernoulli(value), every split by a stream of its own: a fixed binarisation."""
    from dataclasses import replace

    def draw(split: Split, offset: int) -> Split:
        generator = torch.Generator().manual_seed(3 * seed + offset)
        parts = [torch.rand(part.shape, generator=generator) < part for part in split.x.split(4096)]
        return Split(Rows(torch.cat(parts).to(torch.uint8), 2), split.y)

    splits = {name: draw(getattr(dataset, name), i) for i, name in enumerate(("train", "valid", "test"))}
    binary = {"levels": 2, "primary": "nll", "spaces": (), "n_modes": 0, "n_classes": 0, "n_mode_samples": 0}
    return replace(dataset, name=f"{dataset.name}_binarized", **splits, **binary)
