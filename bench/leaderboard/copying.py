"""Rows that return training rows: exact copies are counted, near ones have the copycat as scale."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.leaderboard.row import Row

COPYCAT = "copycat"  # the row that returns training rows: the scale of a gap between train and held-out likelihood
NEAR_FROM = 0.25  # of the copycat's gap; chosen by `python -m studies.copy_screen`
EXACT_COPIES, NEAR_COPIES = "exact copies", "near copies"  # how the findings about copies open
GAPS = ("fld_gap_random", "fld_gap_identity")  # the column of that gap, for images and for tables
SHARE, NO_MEMORY = (
    "dcr_share",
    0.5,
)  # samples nearer to training rows than to as many held-out rows, and what it is without memory
SHARE_FROM, SURELY_FROM = (
    0.75,
    0.5,
)  # of the copycat's excess over no memory: the row's, and two standard errors below it
LEAST_SHARE, LEAST_ERRORS = (
    0.1,
    4.0,
)  # the copycat's excess, and its standard errors, that make it a scale: no small table's


def near_copies(rows: Sequence[Row]) -> list[tuple[Row, str]]:
    """Return the rows that lie about as near to training rows on the public board as the copycat."""
    asked = [row for row in rows if row.metric in (*GAPS, SHARE) and row.board == "public"]
    copycats = {_place(row): row for row in asked if row.model == COPYCAT}
    near = []
    for row in asked:
        scale = copycats.get(_place(row))
        if row.model == COPYCAT or row.centre is None or scale is None or scale.centre is None:
            continue
        whole = scale.centre
        if row.metric == SHARE and is_close(row.centre, whole, se=row.se or 0.0, scale_se=scale.se or 0.0):
            words = f"{row.centre:.0%} of its samples lie nearer to training rows than to as many held-out rows, the copycat's {whole:.0%}"
            near.append((row, f"{NEAR_COPIES}: {words}"))
        elif row.metric in GAPS and is_near(row.centre, whole):
            words = f"its train-test gap in likelihood is {row.centre / whole:.0%} of the copycat's"
            near.append((row, f"{NEAR_COPIES}: {words}"))
    return near


def is_close(share: float, copycat: float, *, se: float = 0.0, scale_se: float = 0.0) -> bool:
    """Say whether a DCR share is so near to the copycat's that it tells copies, beyond both errors."""
    excess = copycat - NO_MEMORY
    is_scale = excess >= max(LEAST_SHARE, LEAST_ERRORS * scale_se)
    return is_scale and share - NO_MEMORY >= max(SHARE_FROM * excess, SURELY_FROM * excess + 2 * se)


def is_near(gap: float, copycat: float) -> bool:
    """Say whether a gap is so large a part of the copycat's that it tells copies."""
    return gap >= NEAR_FROM * copycat > 0


def tells_copies(findings: Iterable[str]) -> bool:
    """Say whether a row's findings hold one about copies of training rows: it is marked beside the name."""
    return any(words.startswith((EXACT_COPIES, NEAR_COPIES)) for words in findings)


def _place(row: Row) -> tuple[str, ...]:
    return row.suite, row.device, row.dataset, row.metric
