"""Check a stored record before anything reads it: a file that was edited, merged or cut is named and left out."""

from __future__ import annotations

from typing import Any

from bench.records.record import SCHEMA, RecordShape
from bench.shapes import is_count, is_text, shown, wrong_shape

RUN_NEEDS = (
    *("artifacts", "curve", "model.n_params", "protocol.metric_versions", "throughput.contended"),
    *("timing.train_s", "timing.total_s", "resources.cpu_s", "resources.peak_rss_bytes"),
)


def check_record(record: object) -> str:
    """Say why an object is not a record of this schema; empty if it is one."""
    return wrong_shape(record, RecordShape, SCHEMA)


def check_whole(record: object) -> str:
    """Say why a run cannot go on from a record: it is none, or something that a run writes is missing."""
    problem = check_record(record)
    if problem or not isinstance(record, dict):
        return problem
    missing = [path for path in RUN_NEEDS if not _holds(record, path)]
    if missing:
        return f"no {', '.join(missing)}"
    if not all(is_text(artifact.get("role")) and is_count(artifact.get("bytes")) for artifact in record["artifacts"]):
        return f"artifacts are {shown(record['artifacts'])}; expected role and bytes"
    return ""


def _holds(record: dict[str, Any], path: str) -> bool:
    value: Any = record
    for part in path.split("."):
        if part not in value:
            return False
        value = value[part]
    return True
