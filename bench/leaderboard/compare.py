"""Two rows of a dataset against each other, metric by metric."""

from __future__ import annotations

import math

import pandas as pd

from bench.leaderboard.centre import summarise
from bench.leaderboard.student import holm
from bench.leaderboard.table import metric_scale
from bench.leaderboard.welch import compare
from bench.records.record import BOARDS, Record


def compare_models(records: list[Record], a: str, b: str, *, dataset: str) -> pd.DataFrame:
    """Compare two rows by every metric that both have on a dataset.

    Columns: both centres, their difference on the metric's scale with its SE, p, and Holm's p.
    """
    rows = []
    for board in BOARDS:
        sides = [[r for r in records if r["dataset"]["id"] == dataset and r["model"]["row"] == name] for name in (a, b)]
        columns = [
            {m for r in side for m, e in r["metrics"][board].items() if e["value"] is not None} for side in sides
        ]
        for metric in sorted(columns[0] & columns[1]):
            scale = metric_scale(metric)
            centres = []
            for side in sides:
                cells = [r["metrics"][board][metric] for r in side if metric in r["metrics"][board]]
                cells = [cell for cell in cells if cell["value"] is not None]
                centres.append(
                    summarise([c["value"] for c in cells], [c["blocks"] for c in cells], scale, cells[0]["n"])
                )
            test = compare(*centres)
            rows.append((board, metric, centres[0].centre, centres[1].centre, scale, test.value, test.se, test.p))
    names = ["board", "metric", a, b if b != a else f"{b} (2)", "scale", "difference", "se", "p"]
    frame = pd.DataFrame(rows, columns=names)
    frame["p_holm"] = holm([1.0 if p is None or math.isnan(p) else p for p in frame["p"]])
    return frame
