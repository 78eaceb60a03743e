"""A metric: a pure function of arrays, and an adapter marked by @metric that takes an Evaluation.

    @metric(needs=("samples",), better="lower", unit="nats", scale="log")
    def mode_jsd(ev: Evaluation) -> Estimate: ...

    @metric(needs=("samples",), spaces=("lenet", "inception"), better="lower", scale="log")
    def fid(ev: Evaluation, space: str) -> Estimate: ...      # becomes fid_lenet, fid_inception

Arguments of @metric are literals: `bench list metrics` reads them from the syntax tree without importing anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

N_BLOCKS = 20  # of the jackknife over held-out rows
DIRECTIONS = ("lower", "higher", "none")  # which values are better; "none": a control, never ranked
SCALES = ("raw", "log", "logit")  # on which values are averaged and compared


@dataclass(frozen=True)
class Estimate:
    """A metric's value on one board.

    n: the number of samples or rows that it was computed from. blocks: pseudo-values of the 20 blocks of held-out rows; their
    mean is about the value, and their standard deviation / sqrt(20) is its standard error over the rows; empty where the
    value depends on no held-out row. note: a finding in words that goes to the record's flags.
    """

    value: float
    n: int
    blocks: tuple[float, ...] = ()
    note: str = ""
    row_se: float | None = None

    @property
    def test_se(self) -> float | None:
        """Return the standard error over the held-out rows; None where it cannot be known."""
        count = len(self.blocks)
        if self.row_se is not None or count < 2:
            return self.row_se
        mean = sum(self.blocks) / count
        return (sum((b - mean) ** 2 for b in self.blocks) / (count - 1) / count) ** 0.5 or None


@dataclass(frozen=True)
class Metric:
    """A marked adapter.

    better: "higher", "lower" or "none" (a control, never ranked); scale: "raw", "log" or "logit".
    """

    name: str
    function: Callable[..., Estimate]
    needs: tuple[str, ...]
    better: str
    unit: str
    scale: str
    spaces: tuple[str, ...]
    version: int
    slow: bool
    low: float | None = None
    high: float | None = None

    def __call__(self, *arguments: Any) -> Estimate:
        """Call the function that was marked."""
        return self.function(*arguments)

    def names(self) -> tuple[str, ...]:
        """Return the column names: one per feature space, or the function's own name."""
        return tuple(f"{self.name}_{space}" for space in self.spaces) or (self.name,)


def metric(
    *,
    needs: Sequence[str],
    better: str,
    name: str = "",
    unit: str = "",
    scale: str = "raw",
    spaces: Sequence[str] = (),
    version: int = 1,
    slow: bool = False,
    low: float | None = None,
    high: float | None = None,
) -> Callable[[Callable[..., Any]], Metric]:
    """Mark a function of an Evaluation as a metric, named like the function unless `name` says otherwise.

    needs: attributes of the Evaluation (see Evaluation.has). slow: not in core. A higher version re-scores stored samples.
    low, high: the ends of the values it can have, where it has any (logit: 0 and 1, log: 0); no interval passes them.
    """
    if better not in DIRECTIONS:
        raise ValueError(f'better must be "higher", "lower" or "none", got {better!r}')
    if scale not in SCALES:
        raise ValueError(f'scale must be "raw", "log" or "logit", got {scale!r}')

    def mark(function: Callable[..., Estimate]) -> Metric:
        return Metric(
            name=name or function.__name__,
            function=function,
            needs=tuple(needs),
            better=better,
            unit=unit,
            scale=scale,
            spaces=tuple(spaces),
            version=version,
            slow=slow,
            low=low,
            high=high,
        )

    return mark


def block_of_rows(n: int, blocks: int = N_BLOCKS) -> list[slice]:
    """Split n rows into contiguous, even blocks: the same for every model, so that they pair.

    An Evaluation hands out its held-out rows in an order that makes each of these blocks a fair share of every class.
    """
    if not n:
        return []
    size, longer = divmod(n, min(blocks, n))
    edges = [i * size + min(i, longer) for i in range(min(blocks, n) + 1)]
    return [slice(a, b) for a, b in pairwise(edges)]


def block_means(values: Tensor) -> tuple[float, ...]:
    """Return the pseudo-values of a mean over rows (N,): the block means."""
    return tuple(float(values[rows].double().mean()) for rows in block_of_rows(len(values)))


def pseudo_values(value: float, leave_one_out: Sequence[float]) -> tuple[float, ...]:
    """Return B value - (B - 1) (value without block b): the jackknife (Efron and Tibshirani 1993)."""
    count = len(leave_one_out)
    return tuple(count * value - (count - 1) * float(other) for other in leave_one_out)


def refuse_non_finite(x: Tensor, name: str) -> None:
    """Raise ValueError with the position of the first NaN or infinity in a tensor of rows (N, ...)."""
    import torch

    bad = ~torch.isfinite(x)
    if bool(bad.any()):
        position = tuple(int(i) for i in bad.nonzero()[0])
        raise ValueError(f"{name} holds {float(x[position])} at position {position}; expected finite values only")
