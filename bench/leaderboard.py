"""Records -> tidy DataFrame -> ranks. Pure: the same cells give the same boards to the byte.

One row per suite, device, precision, dataset, board, model and metric. Ranks are of the board's primary metric and of
every other ranked one alike; reference rows stand on every board and take no rank; what failed ranks last.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from bench.records.record import BOARDS, Record
from bench.registry import entries
from bench.stats import Centre, compare, compare_pairs, holm, pairs_of, summarise

ALPHA = 0.05
SEEDS_FOR_AN_ORDER = 5
SUBMISSION = (
    "submission"  # family of a row that came as a file of samples: placed among the models, it moves none of them
)
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


def ranked(column: list[dict[str, Any]], found: dict[str, Centre], *, better: str) -> list[dict[str, Any]]:
    """Add rank and rank range to one metric's rows: 1 + significantly better to 1 + not significantly worse."""
    contestants = [row for row in column if not row["reference"] and row["family"] != SUBMISSION]
    if better == "none" or not contestants:
        return column
    sign = 1 if better == "lower" else -1
    whole = [row for row in contestants if row["model"] in found and not row["n_failed"]]
    whole.sort(key=lambda row: sign * found[row["model"]].scaled)
    for position, row in enumerate(whole):
        row["rank"] = position + 1
    above, below = _significant([row["model"] for row in whole], found, sign)
    for row in whole:
        row["rank_low"] = 1 + above[row["model"]]
        row["rank_high"] = len(whole) - below[row["model"]]
    for row in contestants:
        if row not in whole:  # a failed seed: a mean over the survivors would flatter it
            row["rank"], row["rank_low"], row["rank_high"] = len(contestants), len(whole) + 1, len(contestants)
    for row in column:
        if row["family"] == SUBMISSION and row["model"] in found:
            row |= _place_among(found[row["model"]], [found[other["model"]] for other in whole], sign)
    return column


def _place_among(mine: Centre, others: list[Centre], sign: int) -> dict[str, int]:
    """The rank and rank range that a submission would have among the models; Holm over its own pairs."""
    tests = [compare(mine, other) for other in others]
    p_values = holm([1.0 if test.p is None else test.p for test in tests])
    worse_than = sum(sign * test.value > 0 for test in tests)
    surely_worse = sum(sign * test.value > 0 and p < ALPHA for test, p in zip(tests, p_values))
    surely_better = sum(sign * test.value < 0 and p < ALPHA for test, p in zip(tests, p_values))
    return {"rank": 1 + worse_than, "rank_low": 1 + surely_worse, "rank_high": 1 + len(others) - surely_better}


def _significant(names: list[str], found: dict[str, Centre], sign: int) -> tuple[dict[str, int], dict[str, int]]:
    """How many models are significantly better and worse than each, Holm over all pairs of the board."""
    values, p_values = compare_pairs([found[name] for name in names])
    better = sign * values < 0
    certain = (np.array(holm(p_values)) < ALPHA) & (values != 0)
    first, second = pairs_of(len(names))
    winners, losers = np.where(better, first, second)[certain], np.where(better, second, first)[certain]
    count = lambda places: dict(zip(names, np.bincount(places, minlength=len(names)).tolist()))
    return count(losers), count(winners)


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


def primary_metrics(records: Iterable[Record]) -> dict[str, tuple[str, str]]:
    """dataset -> (primary metric, kind of data)."""
    return {r["dataset"]["id"]: (r["dataset"].get("primary", ""), r["dataset"].get("kind", "")) for r in records}


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


def flags(frame: pd.DataFrame, records: Iterable[Record]) -> dict[tuple[str, str, str, str], list[str]]:
    """(suite, device, dataset, model) -> findings in words: of the records, and better than the oracle."""
    found: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for record in records:
        key = record["suite"], record["device"], record["dataset"]["id"], record["model"]["row"]
        for flag in record["flags"]:
            words = flag.removeprefix("metric: ")
            if words.partition(":")[0] not in {f.partition(":")[0] for f in found[key]}:
                found[key].append(words)
    primaries = primary_metrics(records)
    for row in better_than_oracle(frame):
        if primaries.get(row.dataset, ("",))[0] == row.metric:
            found[row.suite, row.device, row.dataset, row.model].append(
                f"better than the oracle: {row.metric} beats held-out real data on the {row.board} board"
            )
    return {key: sorted(set(words)) for key, words in sorted(found.items()) if words}


def better_than_oracle(frame: pd.DataFrame) -> list[Any]:
    """Rows that beat the oracle of their board by more than twice the standard error of the difference."""
    rows = []
    keys = ["suite", "device", "dataset", "board", "metric"]
    oracle = {
        tuple(r): (c, s) for *r, c, s in frame[frame.model == "oracle"][[*keys, "centre", "se"]].itertuples(index=False)
    }
    chosen = frame[(frame.board != "") & (frame.better != "none") & ~frame.reference.astype(bool)]
    for row in chosen[[*keys, "model", "better", "centre", "se"]].itertuples():
        real = oracle.get((row.suite, row.device, row.dataset, row.board, row.metric))
        if real is None or row.se is None or math.isnan(row.centre):
            continue
        sign = 1 if row.better == "lower" else -1
        se = math.hypot(row.se, 0.0 if real[1] is None or math.isnan(real[1]) else real[1])
        if sign * (real[0] - row.centre) > 2 * se > 0:
            rows.append(row)
    return rows


def compare_models(records: list[Record], a: str, b: str, *, dataset: str) -> pd.DataFrame:
    """Every metric that both rows have on a dataset: centres, difference on the metric's scale, SE, p, Holm's p."""
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
