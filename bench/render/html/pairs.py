"""What the page needs to compare rows of a board: their centres and errors, packed for its script.

    [centre, scaled, s^2 / k, k, v, step, blocks]      of each row and metric

as `bench.leaderboard.centre.Centre` has them, s^2 / k null with one seed. A block is `step` times a byte of `blocks` (base64), from the
least one on: only differences between blocks count. At most a part in 500 of their range is lost, far less than their variance shows.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from typing import Any

from bench.leaderboard.centre import Centre
from bench.leaderboard.table import centre_of
from bench.records.record import BOARDS, FAILED
from bench.records.schema import Entry
from bench.render.html.source import Key, Source, family_class

STEPS = 255
MOST_ROWS = (
    30  # models of a board that can be compared, the best ones, so that a page of thousands of variants stays a page
)


def pairs_json(source: Source, key: Key) -> str:
    """Write the rows of a board with all their metrics on both sides as JSON that a page may hold."""
    rows = [m for m in source.order(key) if any(r["status"] not in FAILED for r in source.cells[key][m])]
    references = [m for m in rows if source.heads(key)[m].reference]
    rows = [m for m in rows if m not in references][:MOST_ROWS] + references
    metrics: dict[tuple[str, str], dict[int, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for i, model in enumerate(rows):
        for record in source.cells[key][model]:
            for board in BOARDS if record["status"] not in FAILED else ():
                for metric, entry in record["metrics"][board].items():
                    if entry["value"] is not None:
                        metrics[board, metric][i].append(entry)
    primary = source.boards.primaries[key[2]][0]
    order = sorted(metrics, key=lambda one: (one[1] != primary, BOARDS.index(one[0]), one[1]))
    value = {
        "rows": [{"m": m, "f": family_class(source.heads(key)[m].family)} for m in rows],
        "metrics": [_column(board, metric, metrics[board, metric]) for board, metric in order],
    }
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _column(board: str, metric: str, entries: dict[int, list[Entry]]) -> dict[str, Any]:
    centres = {i: centre_of(metric, those) for i, those in entries.items()}
    first = next(iter(entries.values()))[0]
    facts = {"b": board, "m": metric, "w": first["better"], "u": first["unit"]}
    return facts | {"s": next(iter(centres.values())).scale, "e": {str(i): packed(c) for i, c in centres.items()}}


def packed(centre: Centre) -> list[Any]:
    """Pack a centre: numbers in few digits, blocks of one byte each."""
    low, high = min(centre.blocks, default=0.0), max(centre.blocks, default=0.0)
    step = (high - low) / STEPS
    codes = bytes(round((block - low) / step) if step else 0 for block in centre.blocks)
    seeds = None if centre.seed_variance is None else _short(centre.seed_variance, 4)
    return [_short(centre.centre, 4), _short(centre.scaled), seeds, centre.n_seeds, _short(centre.row_variance, 4),
            _short(step, 5), base64.b64encode(codes).decode()]  # fmt: skip


def _short(value: float, digits: int = 6) -> float | int:
    rounded = float(f"{value:.{digits}g}")
    return int(rounded) if rounded == int(rounded) and abs(rounded) < 1e6 else rounded
