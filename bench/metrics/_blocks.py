"""The jackknife over held-out rows: what is left out together, and a value's error from it.

    pseudo_b = B v - (B - 1) v_(-b)                          v_(-b): the value without block b of B                      (1)
    SE^2     = var(pseudo) / B - V2                          never below half of the first term                          (2)
    V2       = 2 mean g_ab^2 / (B (B - 1)),   g_ab: what blocks a and b do together beyond what each does alone          (3)

Eq. (1) counts twice what rows do in pairs (Efron and Stein 1981); a distance between two samples of one law is mostly that, and eq. (2)
takes one of the two away. g_ab comes from leaving neighbouring blocks out together.

A side whose classes have their exact shares cannot be unlucky in them: its rows are dealt to the blocks class by class, and up to 200 rows
are left out one at a time, the spread taken within classes. Rows made of shared parts (the digits of a stack) are left out with every
row that shares one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bench.metrics import N_BLOCKS, block_of_rows

ONE_BY_ONE_UP_TO = 200  # rows; above, blocks of them
SEED = 0


class Errors(NamedTuple):
    """Pseudo-values of the blocks, and the standard error of eq. (2); None where there is none."""

    blocks: tuple[float, ...] = ()
    se: float | None = None

    def spread_once(self) -> Errors:
        """Return blocks that spread as the error says, for values that are no mean over rows to first order."""
        if self.se is None:
            return self
        blocks = np.array(self.blocks)
        middle = blocks.mean()
        scale = self.se / (blocks.std(ddof=1) / len(blocks) ** 0.5)
        return Errors(tuple((middle + scale * (blocks - middle)).tolist()), self.se)


def dealt_order(n: int, strata: Tensor | None) -> Tensor:
    """Return a fixed random order in which blocks of rows share each stratum evenly."""
    order = np.random.RandomState(SEED).permutation(n)
    if strata is not None:
        order = order[np.argsort(strata.cpu().numpy()[order], kind="stable")]
    count = min(N_BLOCKS, n)
    return torch.from_numpy(np.concatenate([order[b::count] for b in range(count)]) if n else order)


@dataclass(frozen=True)
class Blocks:
    """The sets of rows that are left out, of n rows in dealt order.

    strata (n,): the class of each row where the split fixes how many each has. parts (n, P): what each row is made of, where rows
    share parts.
    """

    n: int
    strata: Tensor | None = None
    parts: Tensor | None = None

    @cached_property
    def sets(self) -> list[Tensor]:
        """Rows that are left out together, index tensors."""
        if self.parts is not None:
            names, index = np.unique(self.parts.cpu().numpy(), return_inverse=True)
            block = np.random.RandomState(SEED).permutation(len(names)) % min(N_BLOCKS, len(names))
            touched = block[index.reshape(self.parts.shape)]
            return [torch.from_numpy(np.flatnonzero((touched == b).any(axis=1))) for b in range(block.max() + 1)]
        if self.one_by_one:
            return list(torch.arange(self.n).split(1))
        return [torch.arange(rows.start, rows.stop) for rows in block_of_rows(self.n)]

    @property
    def one_by_one(self) -> bool:
        """Whether rows are left out one at a time."""
        return self.parts is None and self.n <= ONE_BY_ONE_UP_TO

    def rest(self, rows: Tensor) -> Tensor:
        """Return the rows that are left without some."""
        kept = torch.ones(self.n, dtype=torch.bool)
        kept[rows] = False
        return kept.nonzero().flatten()

    @cached_property
    def ring(self) -> np.ndarray:
        """The sets in a random order: neighbours in the order of blocks are often of one class."""
        return np.random.RandomState(SEED).permutation(len(self.sets))

    @cached_property
    def pairs(self) -> list[Tensor]:
        """Return each set with its neighbour in the ring; nothing where sets overlap."""
        if self.parts is not None or len(self.sets) < 4:
            return []
        return [torch.cat([self.sets[a], self.sets[b]]) for a, b in zip(self.ring, np.roll(self.ring, -1))]

    def jackknife(self, value: float, without: Callable[[Tensor], float]) -> Errors:
        """Return the errors of a value; without(rows): the value where these rows are left out."""
        if not self.sets or self.n - max(map(len, [*self.sets, *self.pairs])) < 2:
            return Errors()
        return self.errors(value, [without(s) for s in self.sets], [without(s) for s in self.pairs])

    def mean(self, values: Tensor) -> Errors:
        """Return the errors of a mean over the rows, values (n,)."""
        values = values.double().cpu()
        if not self.sets or self.n - max(map(len, self.sets)) < 1:
            return Errors()
        total = float(values.sum())
        alone = [(total - float(values[s].sum())) / (self.n - len(s)) for s in self.sets]
        return self.errors(total / self.n, alone, [])

    def errors(self, value: float, alone: list[float], together: list[float]) -> Errors:
        """Return the errors from the values without each of `sets`, and of `pairs` if rows act so."""
        count = len(alone)
        if count < 2:
            return Errors()
        left_out = np.array(alone)
        beyond = (count - 1) * (value - left_out)
        blocks = value + (self._summed(beyond) if self.one_by_one else beyond)
        variance = float(blocks.var(ddof=1)) / len(blocks)
        if not variance > 0 or not np.isfinite(variance):
            return Errors()
        twice = 0.0
        if together:
            interaction = _interactions(value, left_out[self.ring], beyond[self.ring], np.array(together))
            twice = 2 * self._mean_square(interaction) / (count * (count - 1))
        return Errors(tuple(blocks.tolist()), max(variance / 2, variance - twice) ** 0.5)

    def _mean_square(self, interaction: np.ndarray) -> float:
        """Return the mean square round the ring; of single rows, about the mean of two classes."""
        if not self.one_by_one or self.strata is None:
            return float(np.mean(interaction**2))
        classes = self.strata.cpu().numpy()[self.ring]
        pairs = np.sort(np.stack([classes, np.roll(classes, -1)]), axis=0).T
        kind = np.unique(pairs, axis=0, return_inverse=True)[1].reshape(-1)
        left = interaction - (np.bincount(kind, interaction) / np.bincount(kind))[kind]
        return float((left**2).sum() / max(1, len(left) - kind.max() - 1))

    def _summed(self, beyond: np.ndarray) -> np.ndarray:
        """Sum over the blocks what single rows do beyond the mean of their class."""
        strata = np.zeros(self.n, int) if self.strata is None else self.strata.cpu().numpy()
        count, left = min(N_BLOCKS, self.n), beyond.copy()
        for stratum in np.unique(strata):
            rows = strata == stratum
            left[rows] -= left[rows].mean()
            if 1 < rows.sum() <= count:  # at most one in a block: their sums keep the lost degree of freedom
                left[rows] *= (rows.sum() / (rows.sum() - 1) * (count - 1) / count) ** 0.5
        return np.array([left[rows].sum() * count / self.n for rows in block_of_rows(self.n)])


def _interactions(value: float, alone: np.ndarray, beyond: np.ndarray, together: np.ndarray) -> np.ndarray:
    """Return g of eq. (3) for neighbours round the ring, from the values without one set and without two."""
    count, ahead = len(alone), lambda x: np.roll(x, -1)
    sums = count * (count - 1) * value - (count - 1) * (count - 2) * (alone + ahead(alone))
    kernel = (sums + (count - 2) * (count - 3) * together) / 2
    return kernel - value - (beyond + ahead(beyond)) / 2
