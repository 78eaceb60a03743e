"""Mean rank of each model over the boards of one kind of data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import pandas as pd

from bench.leaderboard.row import SUBMISSION, Row, rows_of

COLUMNS = ["suite", "device", "kind", "model", "family", "mean_rank", "boards_entered", "boards"]
Ranks = dict[str, dict[str, int]]  # dataset -> model -> rank


def summary(frame: pd.DataFrame, primaries: Mapping[str, tuple[str, str]], *, board: str = "public") -> pd.DataFrame:
    """Average the ranks per kind of data over its boards.

    Columns: COLUMNS; mean_rank is None for a model that did not enter every board of the kind.
    Ranks are taken anew among the models that share all boards of the kind, so that absentees move nobody.
    """
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows_of(frame):
        metric, kind = primaries.get(row.dataset, ("", ""))
        if row.metric == metric and row.board == board and not row.reference and row.family != SUBMISSION:
            groups[row.suite, row.device, kind].append(row)
    rows = [(*key, *means) for key, those in sorted(groups.items()) for means in _means(those)]
    result = pd.DataFrame(rows, columns=COLUMNS)
    return result.sort_values(["suite", "device", "kind", "mean_rank", "model"], na_position="last").reset_index(
        drop=True
    )


def _means(rows: list[Row]) -> Iterator[tuple[str, str, float | None, int, int]]:
    """Yield (model, family, mean rank, boards entered, boards) of each model of one kind of data."""
    ranks: Ranks = defaultdict(dict)
    for row in rows:
        if row.rank is not None:
            ranks[row.dataset][row.model] = row.rank
    means = _common_means(ranks)
    families = {row.model: row.family for row in rows}
    for model, family in sorted(families.items()):
        entered = sum(model in places for places in ranks.values())
        yield model, family, means.get(model), entered, len(ranks)


def _common_means(ranks: Ranks) -> dict[str, float]:
    """Average the ranks that the models of all boards have among each other."""
    common = set.intersection(*(set(places) for places in ranks.values())) if ranks else set()
    totals = dict.fromkeys(common, 0)
    for places in ranks.values():
        for place, model in enumerate(sorted(common, key=places.__getitem__), start=1):
            totals[model] += place
    return {model: total / len(ranks) for model, total in totals.items()}
