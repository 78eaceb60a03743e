"""Who is near whom, on a CPU: float32 decides where its rounding cannot matter, float64 the rest.

    s_ij = x_i . y_j - |y_j|^2 / 2        so that |x_i - y_j|^2 = |x_i|^2 - 2 s_ij                         (1)

comes from one float32 product. A comparison stands where its two sides differ by more than a bound on the error; the few pairs
that differ by less are looked at again in float64. So the answers are those of float64, at half the time and memory. All of it is
numpy's: torch's threads would take OpenBLAS's cores.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

Array = np.ndarray
STRIP = 256  # rows of x at a time, twice as many of many dimensions
PAIRS = 2**20  # looked at together, so that lists of them stay small where most are near
UNIT = 2.0**-24
SPARE = 3  # nearest rows kept beyond k
MANY = 0.01  # share of unsure pairs above which float64 takes all that are looked at together
HALVES = 256  # dimensions from which each pair of a side is computed once
ROUNDING = 1e-12  # of |x|^2 + |y|^2: within it of an edge is on the edge, and inside


class ScreenedRows:
    """Rows (N, D) float64 near the origin, their squared norms (N,), and both in float32."""

    def __init__(self, rows: Array) -> None:
        self.exact = rows
        self.norms = np.einsum("ij,ij->i", rows, rows)  # without a copy of the rows
        self.single = rows.astype(np.float32)
        self.half_norms = (self.norms / 2).astype(np.float32)
        self.reach = float(self.norms.max()) ** 0.5

    def slack(self, other: ScreenedRows) -> Array:
        """Bound the error of s_ij, these rows as x and the others as y, and of its comparison, (N,).

        (D + 16) u (|x_i| Y + Y^2 / 2), u = 2^-24 and Y the longest y: D u for the product (Higham 2002, section 3.1), 2 u for the
        rounded rows, 2 u for |y|^2 / 2 and its subtraction, the rest for squared radii of the other side up to (2 Y)^2 that are
        added. In float64 the other side of a comparison is off by less than ROUNDING (|x_i|^2 + Y^2).
        """
        single = (self.exact.shape[1] + 16) * UNIT * (np.sqrt(self.norms) * other.reach + other.reach**2 / 2)
        return single + ROUNDING * (self.norms + other.reach**2)


def fits(*sides: Array) -> bool:
    """Say whether float32 holds the squares of these rows."""
    return all(1e-12 < max(float(side.max()), -float(side.min())) < 1e15 for side in sides)


def kth_squared_distance(rows: Array, k: int) -> Array:
    """Return the squared distance from each row (N, D) to its k-th nearest other row, (N,)."""
    side = ScreenedRows(rows - rows.mean(axis=0))  # the bound is tightest about their own mean
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
    """Return x @ y^T (B, M) in memory that is used again: new pages cost more than a pass over them."""
    return np.matmul(x, y.T, out=space[: len(x) * len(y)].reshape(len(x), len(y)))


def _largest(s: Array, k: int) -> tuple[Array, Array]:
    """Return the k largest of each row of s (B, M) and their columns.

    They lie in the k groups of columns with the largest maxima.
    """
    size = int((s.shape[1] / k) ** 0.5)  # columns in a group
    if size < 4:
        column = np.argpartition(s, -k, axis=1)[:, -k:]
        return np.take_along_axis(s, column, 1), column
    width = s.shape[1] // size
    grouped = s[:, : size * width].reshape(len(s), size, width)
    best = np.argpartition(grouped.max(axis=1), -k, axis=1)[:, -k:]
    column = (best[:, None, :] + width * np.arange(size)[:, None]).reshape(len(s), -1)
    rest = np.broadcast_to(np.arange(size * width, s.shape[1]), (len(s), s.shape[1] - size * width))
    column = np.concatenate([column, rest], axis=1)
    value = np.take_along_axis(s, column, 1)
    best = np.argpartition(value, -k, axis=1)[:, -k:]
    return np.take_along_axis(value, best, 1), np.take_along_axis(column, best, 1)


def _exact_kth(side: ScreenedRows, near: Array, which: Array, k: int) -> Array:
    """Return the k-th smallest squared distance of each row in float64, (N,).

    Looked for among the candidates (N, keep), and among all rows where the candidates may not hold it.
    """
    near = near.astype(np.float64)
    slack = 2 * side.slack(side)[:, None]
    kth = np.sort(near, axis=1)[:, -k, None]
    squared = np.where(near > kth + slack, -1.0, np.inf)  # surely nearer than the k-th; surely farther
    i, c = np.nonzero(np.abs(near - kth) <= slack)
    squared[i, c] = _of_pairs(side, side, i, which[i, c])
    exact = np.sort(squared, axis=1)[:, k - 1]
    some_left_out = near.shape[1] < len(near) - 1
    for part in _strips(np.flatnonzero((near.min(axis=1) + slack[:, 0] >= kth[:, 0]) & some_left_out)):
        squared = _all_squared(side, part, side)
        squared[np.arange(len(part)), part] = np.inf
        exact[part] = np.partition(squared, k - 1, axis=1)[:, k - 1]
    return exact


def pairs_within(
    real: ScreenedRows, fake: ScreenedRows, radii: Array, fake_radii: Array
) -> Iterator[tuple[Array, Array, Array]]:
    """Yield for strips of real rows the pairs within a real ball, and rows within a fake one.

    (i, j) with |x_i - y_j|^2 <= radii_i, and the i with some |x_i - y_j|^2 <= fake_radii_j.
    """
    strip = STRIP * (1 + (real.exact.shape[1] >= HALVES))
    space = np.empty(strip * len(fake_radii), np.float32)
    slack, half_radii = real.slack(fake), (fake_radii / 2).astype(np.float32)
    for part in _strips(np.arange(len(radii)), strip):
        products = _product(real.single[part[0] : part[-1] + 1], fake.single, space)
        for rows in _strips(part, max(1, PAIRS // len(fake_radii))):
            s = products[rows[0] - part[0] : rows[-1] - part[0] + 1]
            s -= fake.half_norms
            i, j = _inside(s, rows, real, fake, radii, slack)
            s += half_radii
            nearest, edge = s.max(axis=1), real.norms[rows] / 2
            recalled = nearest > edge + slack[rows]
            for unsure in _strips(np.flatnonzero(~recalled & (nearest >= edge - slack[rows]))):
                recalled[unsure] = (_lowered(real, rows[unsure], fake) <= fake_radii).any(axis=1)
            yield i, j, rows[recalled]


def _inside(
    s: Array, rows: Array, real: ScreenedRows, fake: ScreenedRows, radii: Array, slack: Array
) -> tuple[Array, Array]:
    """Return (i, j) with |x_i - y_j|^2 <= radii_i for these real rows, from s of eq. (1)."""
    threshold = (real.norms[rows] - radii[rows]) / 2
    low = np.nextafter((threshold - slack[rows]).astype(np.float32), np.float32(-np.inf))
    flat = np.flatnonzero(s > low[:, None])
    i, j = np.divmod(flat, s.shape[1])
    unsure = np.flatnonzero(s.ravel()[flat] <= (threshold + slack[rows])[i])
    if len(unsure) > MANY * s.size:
        i, j = np.nonzero(_lowered(real, rows, fake) <= radii[rows, None])
        return i + rows[0], j
    i += rows[0]
    if len(unsure):
        rounding = ROUNDING * (real.norms[i[unsure]] + fake.norms[j[unsure]])
        outside = _of_pairs(real, fake, i[unsure], j[unsure]) - rounding > radii[i[unsure]]
        i, j = np.delete(i, unsure[outside]), np.delete(j, unsure[outside])
    return i, j


def _strips(rows: Array, size: int | None = None) -> list[Array]:
    size = size or STRIP
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _of_pairs(x: ScreenedRows, y: ScreenedRows, i: Array, j: Array) -> Array:
    """Return |x_i - y_j|^2 in float64 for lists of pairs."""
    squared = np.empty(len(i))
    for start in range(0, len(i), 1024):
        part = slice(start, start + 1024)
        difference = x.exact[i[part]] - y.exact[j[part]]
        squared[part] = np.einsum("ij,ij->i", difference, difference)
    return squared


def _all_squared(x: ScreenedRows, part: Array, y: ScreenedRows) -> Array:
    """Return |x_i - y_j|^2 in float64 for the rows `part` of x and all of y, (B, M)."""
    squared = x.exact[part] @ y.exact.T
    squared *= -2
    squared += x.norms[part, None]
    squared += y.norms
    return squared.clip(min=0, out=squared)


def _lowered(x: ScreenedRows, part: Array, y: ScreenedRows) -> Array:
    """_all_squared() less the rounding that counts as inside."""
    squared = _all_squared(x, part, y)
    squared -= ROUNDING * x.norms[part, None]
    squared -= ROUNDING * y.norms
    return squared
