"""Rows of 8-bit images that stay 8-bit: floats are made for the rows that are asked for.

`Rows` stands where a dataset's tensor x (N, C, H, W) would stand. Indexing its first axis gives a float tensor of those rows
alone; whatever else is asked of it (an operation of torch, an attribute of a tensor) is asked of all rows as floats.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor


class Rows:
    """codes (M, C, H, W) uint8, value = code / (levels - 1); with index (N, K): row i is the K images index[i] stacked as channels."""

    dtype = torch.float32

    def __init__(self, codes: Tensor, levels: int, index: Tensor | None = None) -> None:
        if codes.dtype != torch.uint8:
            raise ValueError(f"codes must be uint8, got {codes.dtype}")
        self.codes, self.levels, self.index = codes, levels, index
        groups = 1 if index is None else index.shape[1]
        self.shape = torch.Size((len(codes if index is None else index), groups * codes.shape[1], *codes.shape[2:]))

    @property
    def device(self) -> torch.device:
        """Where the codes are."""
        return self.codes.device

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Tensor:
        """Float rows; a tuple's first entry chooses the rows, the rest is taken from them."""
        first, rest = (key[0], key[1:]) if isinstance(key, tuple) else (key, ())
        if first is None or first is Ellipsis:
            return self.whole()[key]
        codes = self._codes(first)
        kept = (slice(None),) * (codes.ndim - self.ndim + 1)  # no row axis is left where one row was asked for
        return (codes[(*kept, *rest)] if rest else codes).float() / (self.levels - 1)

    def _codes(self, first: Any) -> Tensor:
        if self.index is None:
            return self.codes[first]
        chosen = self.codes[self.index[first]]  # (..., K, C, H, W)
        return chosen.flatten(-4, -3)

    def whole(self) -> Tensor:
        """All rows as one float tensor (N, C, H, W)."""
        return self[:]

    def split(self, size: int, dim: int = 0) -> Iterator[Tensor]:
        """Blocks of `size` rows, one after the other."""
        if dim:
            return iter(self.whole().split(size, dim))
        return (self[start : start + size] for start in range(0, len(self), size))

    def size(self, dim: int | None = None) -> Any:
        """As a tensor's."""
        return self.shape if dim is None else self.shape[dim]

    def dim(self) -> int:
        """Number of axes."""
        return self.ndim

    def to(self, device: torch.device | str) -> Rows:
        """The same rows, codes and all, on a device."""
        return Rows(self.codes.to(device), self.levels, None if self.index is None else self.index.to(device))

    def digest_parts(self) -> Iterator[Tensor]:
        """What identifies the values: codes and index, never the floats."""
        yield self.codes
        if self.index is not None:
            yield self.index

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # copy and pickle ask for these; a tensor's own are below
            raise AttributeError(name)
        return getattr(self.whole(), name)

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        return function(*_floats(args), **{k: _floats(v) for k, v in (kwargs or {}).items()})


def _floats(value: Any) -> Any:
    if isinstance(value, Rows):
        return value.whole()
    if isinstance(value, (tuple, list)):
        return type(value)(_floats(v) for v in value)
    return value


def _forward(name: str) -> Any:
    def operator(self: Rows, *others: Any) -> Tensor:
        return getattr(self.whole(), name)(*_floats(others))

    operator.__name__ = name
    return operator


for _name in (
    *("__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__truediv__", "__rtruediv__", "__pow__"),
    *("__neg__", "__matmul__", "__ge__", "__gt__", "__le__", "__lt__", "__array__"),
):
    setattr(Rows, _name, _forward(_name))
