"""Records -> tidy DataFrame -> ranks. Pure: the same cells give the same boards to the byte.

One row per suite, device, precision, dataset, board, model and metric. Ranks are of the board's primary metric and of
every other ranked one alike; reference rows stand on every board and take no rank; what failed ranks last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median_high
from typing import Any

import pandas as pd

from bench.leaderboard.centre import Centre, summarise
from bench.leaderboard.newest import newest
from bench.leaderboard.plateau import curve_of
from bench.leaderboard.ranks import ranked
from bench.leaderboard.resources import resource_rows
from bench.leaderboard.row import SUBMISSION, Row
from bench.leaderboard.scales import metric_scale
from bench.records.record import BOARDS, Record
from bench.registry import entries

Primaries = dict[str, tuple[str, str]]  # dataset -> (primary metric, kind of data)
COLUMNS = list(Row._fields)


def by_board(records: Iterable[Record]) -> dict[tuple[str, str, str], dict[str, list[Record]]]:
    """Group records: (suite, device, dataset) -> row -> its records, one per seed."""
    groups: dict[tuple[str, str, str], dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        groups[record["suite"], record["device"], record["dataset"]["id"]][record["model"]["row"]].append(record)
    return groups


def tidy(records: Iterable[Record]) -> pd.DataFrame:
    """Make the table of all boards, columns COLUMNS, in a fixed order, from each row's newest records."""
    rows: list[dict[str, Any]] = []
    for (suite, device, dataset), models in by_board(newest(records).records).items():
        head = {"suite": suite, "device": device, "dataset": dataset}
        for board in BOARDS:
            rows += _board_rows(head | {"board": board}, models)
        heads = {model: head | {"board": ""} | _model_head(those) for model, those in models.items()}
        rows += [heads[model] | column for model, column in resource_rows(models)]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    for column in ("n_samples", "n_seeds", "n_failed", "rank", "rank_low", "rank_high", "steps", "flat_at"):
        frame[column] = frame[column].astype("Int64")
    order = ["suite", "device", "dataset", "board", "metric", "reference", "rank", "model"]
    return frame.sort_values(order, kind="stable", na_position="last").reset_index(drop=True)


def _model_head(records: list[Record]) -> dict[str, Any]:
    first = records[0]
    return {
        "precision": first["precision"],
        "model": first["model"]["row"],
        "family": first["model"]["family"],
        "uses_labels": first["model"]["uses_labels"],
        "reference": first["model"]["reference"],
        "n_failed": sum(record["status"] != "ok" for record in records),
        "steps": first.get("protocol", {}).get("steps"),
        "train_core_s": _core_seconds(records),
    } | curve_of(records)._asdict()


def _core_seconds(records: list[Record]) -> float | None:
    """Return the measured core-seconds of training of the middle seed; None where no record has them."""
    measured = [s for r in records if r["status"] == "ok" and (s := r["timing"].get("train_core_s")) is not None]
    return median_high(measured) if measured else None


def _board_rows(head: dict[str, Any], models: dict[str, list[Record]]) -> list[dict[str, Any]]:
    board = head["board"]
    primary = next(iter(models.values()))[0]["dataset"].get("primary", "")
    names = {name: e for records in models.values() for r in records for name, e in r["metrics"][board].items()}
    only_flat = any(r.get("protocol", {}).get("ranks") == "flat" for records in models.values() for r in records)
    cells = [
        (model, head | _model_head(records), [r["metrics"][board] for r in records])
        for model, records in sorted(models.items())
    ]
    rows = []
    for metric, facts in sorted(names.items()):
        centres: dict[str, Centre] = {}
        column = []
        for model, first, columns in cells:
            stored = [known[metric] for known in columns if metric in known]
            values = [e["value"] for e in stored if e["value"] is not None]
            row = first | {"metric": metric, "better": facts["better"], "unit": facts["unit"]}
            row["n_seeds"] = None if row["family"] == SUBMISSION else len(values)
            if values:
                centres[model] = centre_of(metric, stored)
                column.append(row | {"n_samples": stored[0]["n"]} | _numbers(centres[model]))
            elif metric == primary and row["n_failed"] == len(columns):
                column.append(row)  # every seed failed: it ranks last
        rows += ranked(column, centres, better=facts["better"], only_flat=only_flat)
    return rows


def _numbers(centre: Centre) -> dict[str, Any]:
    low, high = centre.interval() or (None, None)
    return {"centre": centre.centre, "se": centre.raw_se, "ci_low": low, "ci_high": high}


def centre_of(metric: str, cells: Sequence[Mapping[str, Any]]) -> Centre:
    """Summarise the entries of a metric that some seeds have, one a seed."""
    known = [cell for cell in cells if cell["value"] is not None]
    return summarise(
        [cell["value"] for cell in known],
        [cell["blocks"] for cell in known],
        metric_scale(metric),
        known[0]["n"] or 0,
        errors=[cell.get("test_se") for cell in known],
        ends=metric_ends(metric),
    )


def metric_ends(name: str) -> tuple[float | None, float | None]:
    """Read the ends of a metric's values from its file: those it declares, and those of its scale."""
    scale, known = metric_scale(name), entries("metric")
    ends = {"log": (0.0, None), "logit": (0.0, 1.0)}.get(scale, (None, None))
    declared = [known[name].constants.get(end) if name in known else None for end in ("low", "high")]
    low, high = (of_scale if own is None else own for own, of_scale in zip(declared, ends))
    return low, high


def primary_metrics(records: Iterable[Record]) -> Primaries:
    """Read the primary metric and the kind of data of each dataset."""
    return {r["dataset"]["id"]: (r["dataset"].get("primary", ""), r["dataset"].get("kind", "")) for r in records}
