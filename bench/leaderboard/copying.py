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
SHARE_FROM, LEAST_SHARE = 0.75, 0.1  # of the copycat's excess over no memory, which must be so large to be a scale


def near_copies(rows: Sequence[Row]) -> list[tuple[Row, str]]:
    """Return the rows that lie about as near to training rows on the public board as the copycat."""
    asked = [row for row in rows if row.metric in (*GAPS, SHARE) and row.board == "public"]
    copycats = {_place(row): row.centre for row in asked if row.model == COPYCAT and row.centre is not None}
    near = []
    for row in asked:
        whole = copycats.get(_place(row))
        if row.model == COPYCAT or row.centre is None or whole is None:
            continue
        if row.metric == SHARE and is_close(row.centre, whole):
            words = f"{row.centre:.0%} of its samples lie nearer to training rows than to as many held-out rows, the copycat's {whole:.0%}"
            near.append((row, f"{NEAR_COPIES}: {words}"))
        elif row.metric in GAPS and is_near(row.centre, whole):
            words = f"its train-test gap in likelihood is {row.centre / whole:.0%} of the copycat's"
            near.append((row, f"{NEAR_COPIES}: {words}"))
    return near


def is_close(share: float, copycat: float) -> bool:
    """Say whether a DCR share is so near to the copycat's that it tells copies."""
    excess = copycat - NO_MEMORY
    return excess >= LEAST_SHARE and share - NO_MEMORY >= SHARE_FROM * excess


def is_near(gap: float, copycat: float) -> bool:
    """Say whether a gap is so large a part of the copycat's that it tells copies."""
    return gap >= NEAR_FROM * copycat > 0


def tells_copies(findings: Iterable[str]) -> bool:
    """Say whether a row's findings hold one about copies of training rows: it is marked beside the name."""
    return any(words.startswith((EXACT_COPIES, NEAR_COPIES)) for words in findings)


def _place(row: Row) -> tuple[str, ...]:
    return row.suite, row.device, row.dataset, row.metric
