"""What a reference must look like before the gate trusts it: a NaN or a wrong word in it would make the gate green for ever."""

from __future__ import annotations

from typing import Any

from bench.metrics import SCALES
from bench.records.record import STATUSES
from bench.records.schema import is_name, is_number, numbers, shown

SCHEMA = "bench.reference/1"
AMOUNTS = (
    *("peak_rss_bytes", "peak_cuda_bytes", "matmul_flops_per_s"),
    *("train_examples_per_s", "sample_examples_per_s", "train_spread", "sample_spread"),
)


def check(value: Any) -> str:
    """Why an object is not a reference of this schema, in words; empty if it is one."""
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        schema = value.get("schema") if isinstance(value, dict) else type(value).__name__
        return f"schema {shown(schema)}, this version reads {SCHEMA!r}"
    for name in ("columns", "rows", "commits"):
        if not isinstance(value.get(name), dict):
            return f"no table {name!r}"
    for key, column in value["columns"].items():
        if problem := _wrong_column(column):
            return f"column {shown(key)} {problem}"
    for key, row in value["rows"].items():
        if problem := _wrong_row(key, row, value["columns"]):
            return f"row {shown(key)} {problem}"
    return ""


def _wrong_column(column: Any) -> str:
    if not isinstance(column, dict) or {"scale", "better", "delta", "version"} - column.keys():
        return "has no scale, better, delta or version"
    if column["scale"] not in SCALES or column["better"] not in ("lower", "higher"):
        words = f"has scale {shown(column['scale'])} and better {shown(column['better'])}"
        return f"{words}; expected {', '.join(SCALES)}, and lower or higher"
    if not (column["delta"] is None or _amount(column["delta"])):
        return f"has delta {shown(column['delta'])}; expected null or a number from 0"
    return ""


def _wrong_row(key: str, row: Any, columns: dict[str, Any]) -> str:
    if not is_name(key) or key.count("/") != 2:
        return "has no name of the form SUITE-DEVICE/DATASET/MODEL"
    if not isinstance(row, dict) or {"statuses", "dataset", "metrics"} - row.keys():
        return "has no statuses, dataset or metrics"
    statuses = row["statuses"]
    if not isinstance(statuses, dict) or not all(s in STATUSES and _amount(n) for s, n in statuses.items()):
        return f"has statuses {shown(statuses)}; expected a count for each of {', '.join(STATUSES)}"
    for name in AMOUNTS:
        if not (row.get(name) is None or _amount(row[name])):
            return f"has {name} {shown(row[name])}; expected a number from 0"
    if not isinstance(row["metrics"], dict):
        return f"has metrics {shown(row['metrics'])}; expected an object"
    board = key.rpartition("/")[0]
    for metric, values in row["metrics"].items():
        if f"{board}/{metric}" not in columns:
            return f"has {shown(metric)}, which is not among the columns"
        if not numbers(values) or not values:
            return f": {shown(metric)} is {shown(values)}; expected a list of finite numbers"
    return ""


def _amount(value: Any) -> bool:
    return is_number(value) and value >= 0
