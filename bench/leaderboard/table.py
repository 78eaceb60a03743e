"""Records -> tidy DataFrame -> ranks. Pure: the same cells give the same boards to the byte.

One row per suite, device, precision, dataset, board, model and metric. Ranks are of the board's primary metric and of
every other ranked one alike; reference rows stand on every board and take no rank; what failed ranks last.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pandas as pd

from bench.leaderboard.centre import Centre, summarise
from bench.leaderboard.ranks import SUBMISSION, ranked
from bench.records.record import BOARDS, Record
from bench.registry import entries

Primaries = dict[str, tuple[str, str]]  # dataset -> (primary metric, kind of data)
COLUMNS = [
    "suite", "device", "precision", "dataset", "board", "model", "family", "uses_labels", "reference", "metric", "better",
    "unit", "n_samples", "centre", "se", "ci_low", "ci_high", "n_seeds", "n_failed", "rank", "rank_low", "rank_high",
]  # fmt: skip
RESOURCES = {  # column -> (better, unit, how to read it from a record)
    "train_examples_per_s": ("higher", "1/s", lambda r: _uncontended(r, "train_examples_per_s")),
    "sample_examples_per_s": ("higher", "1/s", lambda r: _uncontended(r, "sample_examples_per_s")),
    "train_seconds": ("none", "s", lambda r: r["timing"].get("train_s")),
    "peak_rss_bytes": ("lower", "bytes", lambda r: r["resources"].get("peak_rss_bytes")),
    "peak_cuda_bytes": ("lower", "bytes", lambda r: r["resources"].get("peak_cuda_bytes")),
    "parameters": ("none", "count", lambda r: r["model"].get("n_params")),
    "share_of_peak": ("none", "fraction", lambda r: _uncontended(r, "share_of_peak")),
    "joules_per_1000_samples": ("lower", "J", lambda r: _uncontended(r, "joules_per_1000_samples")),
    "steps_to_quality": (
        "none",
        "count",
        lambda r: _to_quality(r, "steps"),
    ),  # a step is another amount of work in each model
    "seconds_to_quality": (
        "none",
        "s",
        lambda r: _to_quality(r, "seconds"),
    ),  # like train_s: other cells may run beside it
}


def _uncontended(record: Record, name: str) -> float | None:
    """A throughput of the exclusive pass; what was measured beside another cell is never shown or ranked."""
    throughput = record["throughput"]
    return None if throughput.get("contended", True) else throughput.get(name)


def _to_quality(record: Record, name: str) -> float | None:
    """Steps or seconds until the suite's target; infinite where it was not reached, None where there is none.

    A run that diverged has no score to say so: it never got there, wherever another seed of its row had a target.
    """
    found = record["training"].get("to_quality")
    if not found:
        return None
    return math.inf if found[name] is None else found[name]


def tidy(records: Iterable[Record]) -> pd.DataFrame:
    """The board's table, columns COLUMNS, in a fixed order."""
    groups: dict[tuple[str, ...], dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        groups[record["suite"], record["device"], record["dataset"]["id"]][record["model"]["row"]].append(record)
    rows: list[dict[str, Any]] = []
    for (suite, device, dataset), models in groups.items():
        head = {"suite": suite, "device": device, "dataset": dataset}
        for board in BOARDS:
            rows += _board_rows(head | {"board": board}, models)
        rows += _resource_rows(head | {"board": ""}, models)
    frame = pd.DataFrame(rows, columns=COLUMNS)
    for column in ("n_samples", "n_seeds", "n_failed", "rank", "rank_low", "rank_high"):
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
    }


def _board_rows(head: dict[str, Any], models: dict[str, list[Record]]) -> list[dict[str, Any]]:
    board = head["board"]
    primary = next(iter(models.values()))[0]["dataset"].get("primary", "")
    names = {name: e for records in models.values() for r in records for name, e in r["metrics"][board].items()}
    cells = [
        (model, head | _model_head(records), [r["metrics"][board] for r in records])
        for model, records in sorted(models.items())
    ]
    rows = []
    for metric, facts in sorted(names.items()):
        scale = metric_scale(metric)
        found: dict[str, Centre] = {}
        column = []
        for model, first, columns in cells:
            entries_ = [known[metric] for known in columns if metric in known]
            values = [e["value"] for e in entries_ if e["value"] is not None]
            row = first | {"metric": metric, "better": facts["better"], "unit": facts["unit"]}
            row["n_seeds"] = None if row["family"] == SUBMISSION else len(values)
            if values:
                found[model] = summarise(values, [e["blocks"] for e in entries_], scale, entries_[0]["n"])
                column.append(row | {"n_samples": entries_[0]["n"]} | _numbers(found[model]))
            elif metric == primary and row["n_failed"] == len(columns):
                column.append(row)  # every seed failed: it ranks last
        rows += ranked(column, found, better=facts["better"])
    return rows


def _numbers(centre: Centre) -> dict[str, Any]:
    low, high = centre.interval() or (None, None)
    return {"centre": centre.centre, "se": centre.raw_se, "ci_low": low, "ci_high": high}


def _resource_rows(head: dict[str, Any], models: dict[str, list[Record]]) -> list[dict[str, Any]]:
    """Speed, memory and size: columns of their own, never ranked against quality. The median seed, so that one that never
    reached a target counts; n_seeds are those that did."""
    rows = []
    for _, records in sorted(models.items()):
        first = head | _model_head(records)
        for metric, (better, unit, read) in RESOURCES.items():
            values = [float(v) for v in (read(r) for r in records if r["status"] == "ok") if v is not None]
            if metric.endswith("_to_quality") and values:
                values += [math.inf for r in records if r["status"] == "diverged"]
            centre = sorted(values)[len(values) // 2] if values else math.inf
            if math.isfinite(centre):
                count = sum(map(math.isfinite, values))
                row = {"metric": metric, "better": better, "unit": unit, "centre": centre, "n_seeds": count}
                rows.append(first | row)
    return rows


def metric_scale(name: str) -> str:
    """The scale a metric declares, read from its file; "raw" for one that is gone."""
    known = entries("metric")
    return known[name].constants.get("scale", "raw") if name in known else "raw"


def primary_metrics(records: Iterable[Record]) -> Primaries:
    """Read the primary metric and the kind of data of each dataset."""
    return {r["dataset"]["id"]: (r["dataset"].get("primary", ""), r["dataset"].get("kind", "")) for r in records}
