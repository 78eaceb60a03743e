"""What models and metrics see of a dataset: tensors, splits, and what is known of their law."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bench.datasets._pixels import PixelRows

Examples = Tensor | PixelRows  # x (N, *shape) float32; 8-bit images stay bytes until rows are taken


@dataclass(frozen=True)
class Split:
    """Rows of one split: x (N, *shape) and y (N,) int64, None where there are no labels."""

    x: Examples
    y: Tensor | None = None

    def __len__(self) -> int:
        return len(self.x)

    @property
    def labels(self) -> Tensor:
        """Return y where it cannot be absent; ValueError where it is."""
        if self.y is None:
            raise ValueError("these rows have no labels; use a dataset with n_classes > 0")
        return self.y

    def some(self, n: int) -> Split:
        """Return at most n rows, as a tensor: all, or a draw by a fixed seed."""
        rows = some_rows(len(self), n).to(self.x.device)
        return Split(self.x[rows], None if self.y is None else self.y[rows])


class Splits(NamedTuple):
    """The three fixed parts of a dataset."""

    train: Split
    valid: Split
    test: Split


@dataclass(frozen=True)
class Mixture:
    """A law known in full: equal spherical Gaussians with means (K, D) and standard deviation sigma."""

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
    """Fixed splits: a model sees `train` only, `valid` is the public board, `test` the private one."""

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
    own_path: str = ""  # where the user's own data are; empty for the suite's datasets
    density: str = ""  # why no density of these data means anything; empty where one does
    spare: Split | None = None  # published training rows that stand in no split; see with_every_row
    parts: dict[str, Tensor] = field(
        default_factory=dict
    )  # "valid", "test": what each row is made of (N, P), where rows share parts
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of one example."""
        return tuple(self.train.x.shape[1:])

    @property
    def n_train(self) -> int:
        """Return the number of training rows."""
        return len(self.train)

    @cached_property
    def sha256(self) -> str:
        """Hash every value of every split, so that changed data gives a changed key."""
        digest = hashlib.sha256(f"{self.name}/{self.version}/{self.levels}".encode())
        for split in (self.train, self.valid, self.test):
            _feed(digest, split)
        return digest.hexdigest()

    @cached_property
    def train_sha256(self) -> str:
        """Hash the training rows alone, for what is derived from them."""
        digest = hashlib.sha256(f"{self.name}/{self.version}/{self.levels}".encode())
        _feed(digest, self.train)
        return digest.hexdigest()

    def split(self, board: str) -> Split:
        """Return the held-out rows behind a board, "public" or "private"."""
        return {"public": self.valid, "private": self.test}[board]

    def strata(self, board: str) -> Tensor | None:
        """Return the classes of a board's rows where each has its training share to within a row.

        Then the numbers of the classes are no accident, and no error over the rows may count them as one.
        """
        held, known = self.split(board).y, self.train.y
        if held is None or known is None or int(held.min()) < 0 or int(known.min()) < 0:
            return None
        classes = 1 + int(max(held.max(), known.max()))
        share = torch.bincount(known.cpu(), minlength=classes).double() / len(known)
        surplus = torch.bincount(held.cpu(), minlength=classes) - share * len(held)
        return held if bool((surplus.abs() <= 1).all()) else None

    def oracle(self, n: int, *, board: str, seed: int) -> Tensor:
        """Sample real data: the known law, else the *other* held-out split, with replacement.

        With replacement, so that every draw has the noise of a sampler; without it, all draws would be the same rows.
        """
        if self.law is not None:
            return self.law.sample(n, seed=seed)
        other = {"public": "test", "private": "valid"}[board]
        if self.fresh is not None:
            return self.fresh(n, other, seed).to(self.train.x.device)
        return resampled_rows({"valid": self.valid, "test": self.test}[other].x, n, seed=seed)

    def to_grid(self, x: Examples, *, dequantized: bool = False) -> Tensor:
        """Clip and round image samples to the dataset's own levels; real data pass unchanged.

        dequantized: the samples live on (code + u) / levels, so that a code is a floor and not a rounding.
        """
        if self.levels is None:
            return x[:]
        codes = torch.floor(x * self.levels) if dequantized else torch.round(x * (self.levels - 1))
        return codes.clamp(0, self.levels - 1) / (self.levels - 1)

    def dequantize(self, x: Examples, *, seed: int | None) -> Tensor:
        """Return (code + u) / levels, u uniform by seed, 1/2 where seed is None; real data pass unchanged."""
        if self.levels is None:
            return x[:]
        codes = torch.round(x * (self.levels - 1))
        if seed is None:
            return (codes + 0.5) / self.levels
        generator = torch.Generator(x.device).manual_seed(seed)
        noisy = codes + torch.rand(x.shape, generator=generator, device=x.device)
        below = torch.nextafter(codes + 1, codes)  # code + u must not round to code + 1
        return torch.minimum(noisy, below) / self.levels

    def to(self, device: torch.device | str) -> Dataset:
        """Move the tensors to a device."""

        def move(split: Split) -> Split:
            return Split(split.x.to(device), None if split.y is None else split.y.to(device))

        law = None if self.law is None else Mixture(self.law.means.to(device), self.law.sigma)
        return replace(self, train=move(self.train), valid=move(self.valid), test=move(self.test), law=law)


def is_dequantised(measure: str) -> bool:
    """Say whether a density of this measure is trained and scored on (code + u) / levels of codes."""
    return measure == "lebesgue"


def _feed(digest: Any, split: Split) -> None:
    values = split.x.digest_parts() if isinstance(split.x, PixelRows) else [split.x]
    for tensor in (*values, split.y):
        if tensor is not None:
            digest.update(str(tuple(tensor.shape)).encode())
            digest.update(tensor.contiguous().cpu().numpy().data)


def resampled_rows(x: Examples, n: int, *, seed: int) -> Tensor:
    """Draw n rows of x with replacement."""
    rows = torch.randint(len(x), (n,), generator=torch.Generator().manual_seed(seed))
    return x[rows.to(x.device)]


def some_rows(n: int, at_most: int, *, seed: int = 0) -> Tensor:
    """Return the positions of at most so many of n rows: all, or a draw by a fixed seed, in order.

    The first rows of a file or a split may be all of one class.
    """
    if n <= at_most:
        return torch.arange(n)
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed))[:at_most].sort().values
