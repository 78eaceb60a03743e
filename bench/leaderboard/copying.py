"""Rows that return training rows: exact copies are counted, near ones have the copycat as scale."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.leaderboard.row import Row

COPYCAT = "copycat"  # the row that returns training rows: the scale of a gap between train and held-out likelihood
NEAR_FROM = 0.25  # of the copycat's gap; chosen by `python -m studies.copy_screen`
EXACT_COPIES, NEAR_COPIES = "exact copies", "near copies"  # how the findings about copies open
GAPS = ("fld_gap_random", "fld_gap_identity")  # the column of that gap, for images and for tables


def near_copies(rows: Sequence[Row]) -> list[tuple[Row, str]]:
    """Return the rows whose gap on the public board is a good part of the copycat's, with the finding."""
    gaps = [row for row in rows if row.metric in GAPS and row.board == "public"]
    copycats = {_place(row): row.centre for row in gaps if row.model == COPYCAT and row.centre is not None}
    near = []
    for row in gaps:
        whole = copycats.get(_place(row), 0.0)
        if row.model != COPYCAT and row.centre is not None and is_near(row.centre, whole):
            words = f"{NEAR_COPIES}: its train-test gap in likelihood is {row.centre / whole:.0%} of the copycat's"
            near.append((row, words))
    return near


def is_near(gap: float, copycat: float) -> bool:
    """Say whether a gap is so large a part of the copycat's that it tells copies."""
    return gap >= NEAR_FROM * copycat > 0


def tells_copies(findings: Iterable[str]) -> bool:
    """Say whether a row's findings hold one about copies of training rows: it is marked beside the name."""
    return any(words.startswith((EXACT_COPIES, NEAR_COPIES)) for words in findings)


def _place(row: Row) -> tuple[str, ...]:
    return row.suite, row.device, row.dataset, row.metric
