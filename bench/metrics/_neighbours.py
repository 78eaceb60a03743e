"""Who is near whom among many rows on a CPU: float32 decides what its rounding cannot have changed, float64 the rest.

    s_ij = x_i . y_j - |y_j|^2 / 2        so that |x_i - y_j|^2 = |x_i|^2 - 2 s_ij                         (1)

comes from one float32 product, off by at most e_i = (D + 16) u (|x_i| Y + Y^2 / 2), u = 2^-24 and Y the longest y (Higham 2002,
section 3.1). What a comparison decides by more than e_i is decided; the few pairs within it are looked at again in float64.
So the answers are those of float64, at half the time and memory. numpy throughout: torch's threads would take OpenBLAS's cores.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

Array = np.ndarray
STRIP = 256  # rows of x at a time, twice as many of many dimensions
UNIT = 2.0**-24
SPARE = 3  # nearest rows kept beyond k
MANY = 0.01  # share of a strip's pairs above which float64 takes the whole strip
HALVES = 256  # dimensions from which each pair of a side is computed once
ROUNDING = 1e-12  # of |x|^2 + |y|^2: within it of an edge is outside


class Rows:
    """Rows (N, D) float64 near the origin, their squared norms (N,), and both in float32."""

    def __init__(self, rows: Array) -> None:
        self.exact = rows
        self.norms = np.einsum("ij,ij->i", rows, rows)
        self.single = rows.astype(np.float32)
        self.half_norms = (self.norms / 2).astype(np.float32)
        self.reach = float(self.norms.max()) ** 0.5

    def slack(self, other: Rows) -> Array:
        """e_i of eq. (1) for these rows as x and the other side as y, (N,)."""
        unit = (self.exact.shape[1] + 16) * UNIT
        return unit * (np.sqrt(self.norms) * other.reach + other.reach**2 / 2)


def fits(*sides: Array) -> bool:
    """Whether float32 holds the squares of these rows."""
    return all(1e-12 < float(np.abs(side).max()) < 1e15 for side in sides)


def kth_squared_distance(rows: Array, k: int) -> Array:
    """Squared distance from each row (N, D) to its k-th nearest other row, (N,)."""
    side = Rows(rows)
    n, keep = len(rows), min(k + SPARE, len(rows) - 1)
    near, which = np.full((n, keep), -np.inf, np.float32), np.zeros((n, keep), np.int64)

    def merge(part: slice, s: Array, first: int) -> None:
        value, column = _largest(s, min(keep, s.shape[1]))
        value = np.concatenate([near[part], value], axis=1)
        column = np.concatenate([which[part], column + first], axis=1)
        best = np.argpartition(value, -keep, axis=1)[:, -keep:]
        near[part], which[part] = np.take_along_axis(value, best, 1), np.take_along_axis(column, best, 1)

    halves = rows.shape[1] >= HALVES
    strip = STRIP * (1 + halves)
    space = np.empty(strip * n, np.float32)
    for start in range(0, n, strip):
        stop, first = min(start + strip, n), start if halves else 0
        s = _product(side.single[start:stop], side.single[first:], space)
        if halves and stop < n:
            merge(slice(stop, n), s[:, stop - start :].T - side.half_norms[start:stop], start)
        s -= side.half_norms[first:]
        s[np.arange(stop - start), np.arange(start - first, stop - first)] = -np.inf
        merge(slice(start, stop), s, first)
    return _exact_kth(side, near, which, k)


def _product(x: Array, y: Array, space: Array) -> Array:
    """x @ y^T (B, M) in memory that is used again: new pages cost more than a pass over them."""
    return np.matmul(x, y.T, out=space[: len(x) * len(y)].reshape(len(x), len(y)))


def _largest(s: Array, k: int) -> tuple[Array, Array]:
    """The k largest of each row of s (B, M) and their columns: they lie in the k groups of columns with the largest maxima."""
    groups = int((s.shape[1] / k) ** 0.5)
    if groups < 4:
        column = np.argpartition(s, -k, axis=1)[:, -k:]
        return np.take_along_axis(s, column, 1), column
    width = s.shape[1] // groups
    grouped = s[:, : groups * width].reshape(len(s), groups, width)
    best = np.argpartition(grouped.max(axis=1), -k, axis=1)[:, -k:]
    column = (best[:, None, :] + width * np.arange(groups)[:, None]).reshape(len(s), -1)
    rest = np.broadcast_to(np.arange(groups * width, s.shape[1]), (len(s), s.shape[1] - groups * width))
    column = np.concatenate([column, rest], axis=1)
    value = np.take_along_axis(s, column, 1)
    best = np.argpartition(value, -k, axis=1)[:, -k:]
    return np.take_along_axis(value, best, 1), np.take_along_axis(column, best, 1)


def _exact_kth(side: Rows, near: Array, which: Array, k: int) -> Array:
    """The k-th smallest squared distance in float64 of the candidates (N, keep), of all rows where these may not hold it."""
    near = near.astype(np.float64)
    slack = 2 * side.slack(side)[:, None]
    kth = np.sort(near, axis=1)[:, -k, None]
    squared = np.where(near > kth + slack, -1.0, np.inf)  # surely nearer than the k-th; surely farther
    i, c = np.nonzero(np.abs(near - kth) <= slack)
    squared[i, c] = _of_pairs(side, side, i, which[i, c])
    found = np.sort(squared, axis=1)[:, k - 1]
    unsure = np.flatnonzero(near.min(axis=1) + slack[:, 0] >= kth[:, 0]) if near.shape[1] < len(near) - 1 else []
    for part in _strips(unsure):
        squared = _all_squared(side, part, side)
        squared[np.arange(len(part)), part] = np.inf
        found[part] = np.partition(squared, k - 1, axis=1)[:, k - 1]
    return found


def pairs_within(real: Rows, fake: Rows, radii: Array, fake_radii: Array) -> Iterator[tuple[Array, Array, Array]]:
    """For strips of real rows: (i, j) of the pairs with |x_i - y_j|^2 < radii_i, and the i with some |x_i - y_j|^2 < fake_radii_j."""
    slack, threshold = real.slack(fake), (real.norms - radii) / 2
    low, high = np.nextafter((threshold - slack).astype(np.float32), np.float32(-np.inf)), threshold + slack
    strip = STRIP * (1 + (real.exact.shape[1] >= HALVES))
    space = np.empty(strip * len(fake_radii), np.float32)
    for part in _strips(np.arange(len(radii)), strip):
        s = _product(real.single[part[0] : part[-1] + 1], fake.single, space)
        s -= fake.half_norms
        flat = np.flatnonzero(s > low[part, None])
        i, j = np.divmod(flat, s.shape[1])
        i += part[0]
        unsure = np.flatnonzero(s.ravel()[flat] <= high[i])
        if len(unsure) > MANY * s.size:
            i, j = np.nonzero(_raised(real, part, fake) < radii[part, None])
            i += part[0]
        elif len(unsure):
            rounding = ROUNDING * (real.norms[i[unsure]] + fake.norms[j[unsure]])
            outside = _of_pairs(real, fake, i[unsure], j[unsure]) + rounding >= radii[i[unsure]]
            i, j = np.delete(i, unsure[outside]), np.delete(j, unsure[outside])
        s += (fake_radii / 2).astype(np.float32)
        nearest, edge = s.max(axis=1), real.norms[part] / 2
        recalled = nearest > edge + slack[part]
        for rows in _strips(np.flatnonzero(~recalled & (nearest > edge - slack[part]))):
            recalled[rows] = (_raised(real, part[rows], fake) < fake_radii).any(axis=1)
        yield i, j, part[recalled]


def _strips(rows: Array, size: int = STRIP) -> list[Array]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _of_pairs(x: Rows, y: Rows, i: Array, j: Array) -> Array:
    """|x_i - y_j|^2 in float64 for lists of pairs."""
    found = np.empty(len(i))
    for start in range(0, len(i), 1024):
        part = slice(start, start + 1024)
        difference = x.exact[i[part]] - y.exact[j[part]]
        found[part] = np.einsum("ij,ij->i", difference, difference)
    return found


def _all_squared(x: Rows, part: Array, y: Rows) -> Array:
    """|x_i - y_j|^2 in float64 for the rows `part` of x and all of y, (B, M)."""
    squared = x.norms[part, None] + y.norms
    squared -= 2 * (x.exact[part] @ y.exact.T)
    return squared.clip(min=0, out=squared)


def _raised(x: Rows, part: Array, y: Rows) -> Array:
    """_all_squared() and the rounding that counts as outside."""
    return _all_squared(x, part, y) + ROUNDING * (x.norms[part, None] + y.norms)
