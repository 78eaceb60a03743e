"""One row of the boards' table: one model's value of one metric on one board, with every field typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

# the family of a row that came as a file of samples: it is placed among the models and moves none of them
SUBMISSION = "submission"


class Place(NamedTuple):
    """A rank, and the range that no sure difference excludes; no range below five seeds."""

    rank: int
    low: int | None
    high: int | None

    @property
    def span(self) -> str:
        """Write the range, "1–3"; nothing where there is none or the rank is certain."""
        return "" if self.low is None or self.low == self.high else f"{self.low}–{self.high}"

    @property
    def may_be_first(self) -> bool:
        """Say whether no model is surely better; without a range nobody knows."""
        return self.low == 1

    def parts(self, field: int) -> tuple[str, str]:
        """Write the rank among `field` models and its range, ("4", "(2–6)"); a wide range stands alone."""
        if self.span and self.is_wide(field):
            return self.span, ""
        return str(self.rank), f"({self.span})" if self.span else ""

    def words(self, field: int) -> str:
        """Write the place as one text: "1", "4 (2–6)", "1–11"."""
        return " ".join(part for part in self.parts(field) if part)

    def is_wide(self, field: int) -> bool:
        """Say whether the range holds more than half of the field, so that the rank itself says little."""
        return self.low is not None and self.high is not None and 2 * (self.high - self.low + 1) > field > 1


class Row(NamedTuple):
    """What the table says of one model by one metric; None where a number is absent.

    board: "" for speed, memory and size, which belong to no side of the held-out rows. better: "lower", "higher" or "none".
    centre, se, ci_low, ci_high: in the metric's unit.
    """

    suite: str
    device: str
    precision: str
    dataset: str
    board: str
    model: str
    family: str
    uses_labels: bool
    reference: bool
    metric: str
    better: str
    unit: str
    n_samples: int | None
    centre: float | None
    se: float | None
    ci_low: float | None
    ci_high: float | None
    n_seeds: int | None
    n_failed: int
    rank: int | None
    rank_low: int | None
    rank_high: int | None

    @property
    def place(self) -> Place | None:
        """The rank with its range; None for a row that takes no rank."""
        if self.rank is None:
            return None
        return Place(self.rank, self.rank_low, self.rank_high)


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """Read the rows of the boards' table in their order."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [Row(*values) for values in zip(*(plain[name].tolist() for name in Row._fields))]
