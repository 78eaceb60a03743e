"""On how many boards of a kind may a model be first: nothing that the ranks beside it do not say.

Boards of exact likelihoods are a kind of their own: they admit other models than boards of samples do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import pandas as pd

from bench.leaderboard.kinds import kind_of_board
from bench.leaderboard.row import SUBMISSION, Row, rows_of

COLUMNS = ["suite", "device", "kind", "model", "family", "may_be_first", "boards_judged", "boards_entered", "boards"]


def summary(frame: pd.DataFrame, primaries: Mapping[str, tuple[str, str]], *, board: str = "public") -> pd.DataFrame:
    """Count for each model the boards on which none is surely better, kind by kind.

    Columns: COLUMNS. boards_judged: those on which it has a range of ranks; may_be_first is missing where there are none.
    boards_entered: those on which it has a rank, of `boards`.
    """
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows_of(frame):
        metric, kind = primaries.get(row.dataset, ("", ""))
        if row.metric == metric and row.board == board and not row.reference and row.family != SUBMISSION:
            groups[row.suite, row.device, kind_of_board(metric, kind)].append(row)
    rows = [(*key, *counts) for key, those in sorted(groups.items()) for counts in _counts(those)]
    result = pd.DataFrame(rows, columns=COLUMNS)
    result["may_be_first"] = result["may_be_first"].astype("Int64")
    return result.sort_values(["suite", "device", "kind", "model"]).reset_index(drop=True)


def _counts(rows: list[Row]) -> Iterator[tuple[str, str, int | None, int, int, int]]:
    """Yield (model, family, may be first, boards judged, entered, boards) of each model of one kind."""
    ranked = [row for row in rows if row.rank is not None]
    boards = len({row.dataset for row in ranked})
    for model, family in sorted({row.model: row.family for row in rows}.items()):
        own = [row for row in ranked if row.model == model]
        lows = [row.rank_low for row in own if row.rank_low is not None]
        yield model, family, sum(low == 1 for low in lows) if lows else None, len(lows), len(own), boards
