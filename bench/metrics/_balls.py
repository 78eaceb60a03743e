"""Rows and the balls around them that reach to the k-th nearest neighbour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from bench.metrics._neighbours import ROUNDING, ScreenedRows, fits, kth_squared_distance, pairs_within

STRIP = 256


@dataclass(frozen=True)
class Side:
    """Centred features (N, D) and their squared radii (N,)."""

    rows: Tensor
    radii: Tensor
    others: Tensor | None = None  # (N,) k_i, of a reference

    @cached_property
    def norms(self) -> Tensor:
        """Squared norms of the rows, (N,)."""
        return self.rows.square().sum(dim=1)

    @cached_property
    def screen(self) -> ScreenedRows:
        """The rows for the float32 screen."""
        return ScreenedRows(self.rows.numpy())


def side(rows: Tensor, *, k: int) -> Side:
    """Radii of centred float64 rows (N, D), each pair of strips computed once; keep them for a reference."""
    n = len(rows)
    if not 1 <= k < n:
        raise ValueError(f"k must be from 1 to N - 1 = {n - 1}, got {k}")
    if screened(rows):
        return Side(rows, torch.from_numpy(kth_squared_distance(rows.numpy(), k)))
    norms = rows.square().sum(dim=1)
    nearest = torch.full((n, k), float("inf"), dtype=rows.dtype, device=rows.device)
    for start in range(0, n, STRIP):
        stop = min(start + STRIP, n)
        squared = squared_distances(rows[start:stop], norms[start:stop], rows[start:], norms[start:])
        squared.diagonal().fill_(float("inf"))
        nearest[start:stop] = smallest(torch.cat([nearest[start:stop], squared], dim=1), k)
        if stop < n:
            nearest[stop:] = smallest(torch.cat([nearest[stop:], squared[:, stop - start :].T], dim=1), k)
    return Side(rows, nearest.amax(dim=1))


def screened(*sides: Tensor) -> bool:
    """Whether float32 may decide what it can: on a CPU, where it holds the squares of these rows."""
    return all(side.device.type == "cpu" and fits(side.numpy()) for side in sides)


def squared_distances(a: Tensor, a_norms: Tensor, b: Tensor, b_norms: Tensor) -> Tensor:
    """|a_i - b_j|^2, (N, M)."""
    return torch.addmm(b_norms[None, :], a, b.T, alpha=-2).add_(a_norms[:, None]).clamp_(min=0)


def lowered(rows: Tensor, norms: Tensor, other: Side) -> Tensor:
    """|a_i - b_j|^2 less the rounding within which a row is on an edge, (N, M)."""
    squared = squared_distances(rows, norms, other.rows, other.norms)
    return squared.sub_(ROUNDING * (norms[:, None] + other.norms))


def smallest(squared: Tensor, k: int) -> Tensor:
    """Return the k smallest of each row of (N, M), (N, k)."""
    return squared.topk(k, dim=1, largest=False, sorted=False).values


@dataclass(frozen=True)
class Counts:
    """What the four numbers are made of.

    inside (M,), weight (M,): real balls that hold a generated row, and these as shares 1 / k_i; held (N,): generated rows in each
    real ball; recalled (N,) bool: in some generated ball. set_inside, set_weight (M, S): the part of each set of real rows.
    """

    inside: Tensor
    weight: Tensor
    held: Tensor
    recalled: Tensor
    set_inside: Tensor
    set_weight: Tensor

    def values(self) -> dict[str, float]:
        """Return the four numbers."""
        return four_numbers(self.inside > 0, self.recalled, float(self.weight.mean()), self.held > 0)

    def without(self, place: int, left: Tensor) -> dict[str, float]:
        """Return the four numbers without a set of real rows, `left` the rows that are left, the radii held."""
        n = len(self.held)
        density = float((self.weight - self.set_weight[:, place]).mean()) * n / len(left)
        inside = self.inside - self.set_inside[:, place] > 0
        left = left.to(self.held.device)
        return four_numbers(inside, self.recalled[left], density, self.held[left] > 0)


def four_numbers(precise: Tensor, recalled: Tensor, density: float, covered: Tensor) -> dict[str, float]:
    share = lambda which: float(which.double().mean())
    return {"precision": share(precise), "recall": share(recalled), "density": density, "coverage": share(covered)}


def count(real: Side, fake: Side, sets: Sequence[Tensor] = ()) -> Counts:
    """Count who is in whose ball, strip by strip; sets: of real rows, to be left out."""
    member = torch.zeros(len(real.rows), len(sets), dtype=torch.float64, device=real.rows.device)
    for place, rows in enumerate(sets):
        member[rows.to(member.device), place] = 1
    share = torch.ones_like(real.radii) if real.others is None else 1 / real.others.double()
    if screened(real.rows, fake.rows):
        return _count_of_pairs(real, fake, member, share)
    m = len(fake.rows)
    inside, weight = member.new_zeros(m), member.new_zeros(m)
    set_inside, set_weight = member.new_zeros(m, len(sets)), member.new_zeros(m, len(sets))
    held, recalled = [], []
    for start in range(0, len(real.rows), STRIP):
        part = slice(start, start + STRIP)
        squared = lowered(real.rows[part], real.norms[part], fake)
        within = (squared <= real.radii[part, None]).double()
        inside += within.sum(dim=0)
        weight += within.T @ share[part]
        set_inside += within.T @ member[part]
        set_weight += within.T @ (member[part] * share[part, None])
        held.append(within.sum(dim=1))
        recalled.append((squared <= fake.radii).any(dim=1))
    return Counts(inside, weight, torch.cat(held), torch.cat(recalled), set_inside, set_weight)


def _count_of_pairs(real: Side, fake: Side, member: Tensor, share: Tensor) -> Counts:
    """count() from the list of pairs within a real ball: there are few of them."""
    n, m, sets = len(real.rows), len(fake.rows), member.shape[1]
    each, weights = member.numpy() > 0, share.numpy()
    inside, weight, held, recalled = np.zeros(m), np.zeros(m), np.zeros(n), np.zeros(n, bool)
    set_inside, set_weight = np.zeros(m * sets), np.zeros(m * sets)
    for i, j, found in pairs_within(real.screen, fake.screen, real.radii.numpy(), fake.radii.numpy()):
        recalled[found] = True
        held += np.bincount(i, minlength=n)
        inside += np.bincount(j, minlength=m)
        weight += np.bincount(j, weights[i], minlength=m)
        if sets:
            pair, place = np.nonzero(each[i])
            cell = j[pair] * sets + place
            set_inside += np.bincount(cell, minlength=m * sets)
            set_weight += np.bincount(cell, weights[i[pair]], minlength=m * sets)
    shaped = lambda x: torch.from_numpy(x.reshape(m, sets))
    plain = torch.from_numpy
    return Counts(plain(inside), plain(weight), plain(held), plain(recalled), shaped(set_inside), shaped(set_weight))
