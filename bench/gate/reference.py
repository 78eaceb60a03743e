"""Make, write and read results/reference.json: one row a line, sorted, for reviews."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from bench.errors import UsageError
from bench.files import read_json, write_atomic
from bench.gate.power import columns, gated_metrics
from bench.gate.schema import SCHEMA, check
from bench.leaderboard.newest import newest
from bench.records.record import Record

SPEEDS = ("train_examples_per_s", "sample_examples_per_s", "train_spread", "sample_spread")
Reference = dict[str, Any]


def summarise(records: Iterable[Record]) -> Reference:
    """Return {"columns", "rows"} of records: a row has scores by seed, statuses, speed, memory.

    A column scale and delta.
    """
    records = newest(records).records
    groups: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        place = f"{record['suite']}-{record['device']}/{record['dataset']['id']}/{record['model']['row']}"
        groups[place].append(record)
    return {
        "columns": {"/".join(key): _rounded(asdict(column)) for key, column in columns(records).items()},
        "rows": {row: _row(sorted(group, key=lambda r: r["seed"])) for row, group in sorted(groups.items())},
    }


def _rounded(column: dict[str, Any]) -> dict[str, Any]:
    """Round deviation and delta to four digits, and drop the floor, which delta holds."""
    column = {k: v for k, v in column.items() if k != "floor"}
    return column | {k: float(f"{column[k]:.4g}") for k in ("deviation", "delta")}


def _row(records: list[Record]) -> dict[str, Any]:
    statuses: dict[str, int] = defaultdict(int)
    for record in records:
        statuses[record["status"]] += 1
    metrics = {}
    for metric in gated_metrics(records[0]["dataset"].get("primary", "")):
        entries = [r["metrics"]["public"].get(metric) for r in records]
        values = [e["value"] for e in entries if e and e["value"] is not None]
        if values:
            metrics[metric] = values
    failed = next((r for r in records if r["error"]), None)
    return {
        "statuses": dict(statuses),
        "dataset": records[0]["dataset"]["sha256"][:12],
        "metrics": metrics,
        "error": _first_line(failed) if failed else "",
        **_resources(records),
        **_speed(records),
    }


def _first_line(record: Record) -> str:
    error = record["error"]
    return f"{error['type']} in {error['phase']}: {(error['message'].splitlines() or [''])[0]}"[:300]


def _resources(records: list[Record]) -> dict[str, Any]:
    """Return the median peak bytes over the seeds that ended well; absent where they were not measured."""
    peaks = {}
    for name in ("peak_rss_bytes", "peak_cuda_bytes"):
        values = [r["resources"].get(name) for r in records if r["status"] == "ok"]
        if any(values):
            peaks[name] = round(median(v for v in values if v))
    return peaks


def _speed(records: list[Record]) -> dict[str, Any]:
    """Return speeds and machine of the first seed that was timed alone; {} where none was."""
    for record in records:
        throughput = record["throughput"]
        if not throughput.get("contended", True):
            speeds = {name: throughput.get(name) for name in SPEEDS}
            speeds["matmul_flops_per_s"] = (throughput.get("calibration") or {}).get("matmul_flops_per_s")
            speeds["env_ref"] = record.get("env_ref")
            return {k: float(f"{v:.5g}") if isinstance(v, float) else v for k, v in speeds.items() if v is not None}
    return {}


def suites_of(reference: Reference) -> set[str]:
    """Return the suite-device pairs that the rows belong to."""
    return {row.split("/")[0] for row in reference["rows"]}


def accept(old: Reference | None, fresh: Reference, *, git_sha: str | None, partial: bool = False) -> Reference:
    """Return the old reference with what was run anew in place: whole suites, or rows if partial."""
    base = old or {"columns": {}, "rows": {}, "commits": {}}
    renewed = suites_of(fresh)
    keep = lambda key: partial or key.split("/")[0] not in renewed
    rows = {k: v for k, v in base["rows"].items() if keep(k)} | fresh["rows"]
    kept = {k: v for k, v in base["columns"].items() if keep(k)}
    merged = fresh["columns"] | kept if partial else kept | fresh["columns"]  # few rows say little of a column's noise
    commits = base.get("commits", {}) | dict.fromkeys(renewed, git_sha)
    return {"columns": merged, "rows": rows, "commits": commits}


def encode(reference: Reference) -> bytes:
    """Return a reference as JSON with one row a line."""
    lines = [
        "{",
        f' "schema": {json.dumps(SCHEMA)},',
        f' "commits": {json.dumps(reference["commits"], sort_keys=True)},',
    ]
    for name, end in (("columns", ","), ("rows", "")):
        lines.append(f' "{name}": {{')
        items = sorted(reference[name].items())
        for i, (key, value) in enumerate(items):
            text = json.dumps(_no_infinite_delta(value), sort_keys=True, allow_nan=False)
            lines.append(f"  {json.dumps(key)}: {text}{',' if i + 1 < len(items) else ''}")
        lines.append(f" }}{end}")
    return ("\n".join([*lines, "}"]) + "\n").encode()


def _no_infinite_delta(entry: dict[str, Any]) -> dict[str, Any]:
    """Replace infinity by null, which means no bound there; a NaN must never become one."""
    return {k: None if isinstance(v, float) and math.isinf(v) else v for k, v in entry.items()}


def write(reference: Reference, path: Path) -> None:
    """Write a reference whole or not at all; UsageError where the path cannot be written."""
    try:
        write_atomic(path, encode(reference))
    except OSError as error:
        raise UsageError(f"--ref {path} cannot be written: {error.strerror or error}") from error


def read(path: Path) -> Reference:
    """Read a reference; UsageError says what is wrong in it and what to do."""
    advice = "write one from reviewed results: bench gate --accept --results DIR"
    if not path.is_file():
        raise UsageError(f"no reference at --ref {path}; {advice}")
    try:
        value = read_json(path.read_bytes())
    except (ValueError, OSError) as error:
        raise UsageError(f"--ref {path} is not readable as JSON ({error}); {advice}") from error
    problem = check(value)
    if problem:
        raise UsageError(f"--ref {path} is no reference: {problem}; {advice}")
    for column in value["columns"].values():
        column["delta"] = math.inf if column["delta"] is None else column["delta"]
    return value
