"""Mean rank of each model over the boards of one kind of data."""

from __future__ import annotations

from collections import defaultdict

import pandas as pd

from bench.leaderboard.ranks import SUBMISSION


def summary(frame: pd.DataFrame, primaries: dict[str, tuple[str, str]], *, board: str = "public") -> pd.DataFrame:
    """Mean rank per kind of data over the boards that all of a kind's models entered, with boards_entered.

    Columns: suite, device, kind, model, family, mean_rank (None unless it entered every common board), boards_entered,
    boards. Ranks are taken anew among the models that share all boards of the kind, so that absentees move nobody.
    """
    chosen = frame[(frame.board == board) & ~frame.reference.astype(bool) & (frame.family != SUBMISSION)]
    rows = []
    for (suite, device), part in chosen.groupby(["suite", "device"], sort=True):
        for kind in sorted({kind for _, kind in primaries.values()}):
            boards = {
                d: m
                for d, (m, k) in primaries.items()
                if k == kind and ((part.dataset == d) & (part.metric == m)).any()
            }
            entered: dict[str, dict[str, int]] = defaultdict(dict)
            family = {}
            for dataset, metric in boards.items():
                for row in part[(part.dataset == dataset) & (part.metric == metric)].itertuples():
                    entered[row.model][dataset] = int(row.rank)
                    family[row.model] = row.family
            common = [model for model, ranks in entered.items() if len(ranks) == len(boards)]
            places: dict[str, list[int]] = {model: [] for model in common}
            for dataset in boards:
                for place, model in enumerate(sorted(common, key=lambda m, d=dataset: entered[m][d]), start=1):
                    places[model].append(place)
            for model, ranks in sorted(entered.items()):
                mean = sum(places[model]) / len(boards) if model in places and boards else None
                rows.append((suite, device, kind, model, family[model], mean, len(ranks), len(boards)))
    names = ["suite", "device", "kind", "model", "family", "mean_rank", "boards_entered", "boards"]
    result = pd.DataFrame(rows, columns=names)
    return result.sort_values(["suite", "device", "kind", "mean_rank", "model"], na_position="last").reset_index(
        drop=True
    )
