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


IMPROVING = "still improving"  # how the finding opens


class Curve(NamedTuple):
    """How a row's training ended: flat is None where it is not known.

    gain: the mean over its seeds, of each over the last fifth of its steps. flat_at: a step, where it was flat.
    """

    flat: bool | None = None
    gain: float | None = None
    flat_at: int | None = None

    @property
    def words(self) -> str:
        """Say that it was still improving, and by how much; empty where it was not, or where it is not known."""
        if self.flat is not False or self.gain is None:
            return ""
        return f"{IMPROVING}: {100 * self.gain:.0f} % over the last fifth"


class Row(NamedTuple):
    """What the table says of one model by one metric; None where a number is absent.

    board: "" for speed, memory and size, which belong to no side of the held-out rows. better: "lower", "higher" or "none".
    centre, se, ci_low, ci_high: in the metric's unit. steps: None for a model that is not trained in steps. train_core_s: measured
    seconds of all cores together in training, of the middle seed. flat, gain, flat_at: of the curve (`plateau.Curve`).
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
    steps: int | None = None
    train_core_s: float | None = None
    flat: bool | None = None
    gain: float | None = None
    flat_at: int | None = None

    @property
    def curve(self) -> Curve:
        """Whether its training was flat at the end."""
        return Curve(self.flat, self.gain, self.flat_at)

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
