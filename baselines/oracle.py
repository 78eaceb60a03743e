"""Oracle: held-out real data as samples, the ceiling of every board.

Fresh draws where the law is known, else the rows of the *other* held-out split. It is handed the dataset, learns nothing
and takes no rank; a row that beats it by more than the standard error is flagged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from torch import Tensor


@dataclass(kw_only=True, eq=False)
class Oracle:
    """Reference row: the dataset's own held-out data."""

    family: ClassVar[str] = "reference"
    paper: ClassVar[str] = "none: a control"
    uses_labels: ClassVar[bool] = False

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Learn nothing."""
        return self

    def sample_held_out(self, dataset: Any, n: int, *, board: str, seed: int) -> Tensor:
        """n rows that are real and that neither the model nor the board's own split holds."""
        return dataset.oracle(n, board=board, seed=seed + 1000)
