"""8-bit images that stay 8-bit: floats are made for the rows that are asked for.

`PixelRows` stands where a dataset's tensor x (N, C, H, W) would stand. Indexing its first axis gives a float tensor of those rows
alone. What is defined below for all rows at once (flatten, arithmetic, a function of torch) makes floats of all of them; any other
attribute of a tensor is an error that says how to ask for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor


class PixelRows:
    """codes (M, C, H, W) uint8, value = code / (levels - 1).

    With index (N, K), row i is the K images index[i] stacked as channels.
    """

    dtype = torch.float32

    def __init__(self, codes: Tensor, levels: int, index: Tensor | None = None) -> None:
        if codes.dtype != torch.uint8:
            raise ValueError(f"codes must be uint8, got {codes.dtype}")
        self.codes, self.levels, self.index = codes, levels, index
        groups = 1 if index is None else index.shape[1]
        self.shape = torch.Size((len(codes if index is None else index), groups * codes.shape[1], *codes.shape[2:]))

    @property
    def device(self) -> torch.device:
        """Return where the codes are."""
        return self.codes.device

    @property
    def ndim(self) -> int:
        """Return the number of axes."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Tensor:
        """Return float rows; a tuple's first entry chooses the rows, the rest is taken from them."""
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

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def split(self, size: int) -> Iterator[Tensor]:
        """Yield blocks of `size` rows, one after the other."""
        return (self[start : start + size] for start in range(0, len(self), size))

    def size(self, dim: int) -> int:
        """Return the length of an axis."""
        return self.shape[dim]

    def dim(self) -> int:
        """Return the number of axes."""
        return self.ndim

    def to(self, device: torch.device | str) -> PixelRows:
        """Move codes and index to a device."""
        return PixelRows(self.codes.to(device), self.levels, None if self.index is None else self.index.to(device))

    def digest_parts(self) -> Iterator[Tensor]:
        """Yield what identifies the values: codes and index, never the floats."""
        yield self.codes
        if self.index is not None:
            yield self.index

    # From here on, floats are made of all rows.

    def whole(self) -> Tensor:
        """Return all rows as one float tensor (N, C, H, W)."""
        return self[:]

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        """Return all rows with the axes from start_dim to end_dim made one."""
        return self.whole().flatten(start_dim, end_dim)

    def float(self) -> Tensor:
        """Return all rows, which are float32 already."""
        return self.whole()

    def __add__(self, other: Tensor | complex) -> Tensor:
        return self.whole() + other

    def __sub__(self, other: Tensor | complex) -> Tensor:
        return self.whole() - other

    def __rsub__(self, other: complex) -> Tensor:
        return other - self.whole()

    def __mul__(self, other: Tensor | complex) -> Tensor:
        return self.whole() * other

    __radd__, __rmul__ = __add__, __mul__

    def __truediv__(self, other: Tensor | complex) -> Tensor:
        return self.whole() / other

    def __ge__(self, other: Tensor | complex) -> Tensor:
        return self.whole() >= other

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.whole().numpy(), dtype=dtype)

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call a function of torch with all rows as floats, as torch.cat([rows, others]) does."""
        return function(*_floats(args), **{name: _floats(value) for name, value in (kwargs or {}).items()})

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # copy and pickle ask for these
            raise AttributeError(name)
        raise AttributeError(
            f"8-bit images have no attribute {name!r}, which would make floats of all {len(self)} rows; "
            f"take the rows you need, x[rows], or say that you want them all, x[:].{name}"
        )


def _floats(value: Any) -> Any:
    if isinstance(value, PixelRows):
        return value.whole()
    if isinstance(value, (tuple, list)):
        return type(value)(_floats(v) for v in value)
    return value
