"""The unit of work and its result: a Cell is what will be run, a record is the JSON object that comes of it.

Schema `bench.cell/1`: sorted keys, no NaN, at most 20 kB; see SCHEMA_FIELDS. A cell's key covers everything that decides
its numbers; metrics have versions of their own, so that a changed metric re-scores stored samples and retrains nothing.
"""

from __future__ import annotations

import json
import math
from typing import Any

from bench.plan.cell import Cell

SCHEMA = "bench.cell/1"
MAX_BYTES = 20_000
STATUSES = ("ok", "diverged", "oom", "timeout", "crashed")
FAILED = ("oom", "timeout", "crashed")  # `diverged` is a finding, not a failure of the run
BOARDS = ("public", "private")
Record = dict[str, Any]


def new_record(cell: Cell) -> Record:
    """The record of a cell that has not run yet."""
    model = {k: cell.model[k] for k in ("id", "family", "uses_labels", "source_sha256", "hparams", "reference")}
    return {
        "schema": SCHEMA,
        "key": cell.key,
        "status": "crashed",
        "flags": [],
        "error": None,
        "suite": cell.suite,
        "device": cell.device,
        "precision": cell.precision,
        "dataset": {k: v for k, v in cell.dataset.items() if k != "path"},
        "model": model | {"n_params": None, "variant": cell.model.get("variant", ""), "row": cell.row},
        "protocol": {
            "id": f"{cell.suite}/1",
            "steps": cell.steps,
            "draws": cell.draws,
            "elbo_samples": cell.elbo_samples,
            "probes": cell.probes,
            "features": {name: {"name": name, "sha256": sha} for name, sha in cell.features.items()},
            "metric_versions": cell.metrics,
        },
        "seed": cell.seed,
        "metrics": {board: {} for board in BOARDS},
        "training": {"last": None, "best": None, "gap": None, "to_quality": None},
        "curve": [],
        "timing": {"load_s": None, "train_s": None, "sample_s": None, "eval_s": None, "total_s": None},
        "throughput": {"train_examples_per_s": None, "sample_examples_per_s": None, "contended": True},
        "resources": {"peak_rss_bytes": None, "peak_cuda_bytes": None, "cpu_s": None},
        "env_ref": None,
        "code": None,
        "artifacts": [],
        "started_utc": None,
        "attempt": 1,
    }


def failure(record: Record, status: str, *, phase: str, kind: str, message: str) -> Record:
    """The same record as a failure: its status, where it happened and what was said; it holds no metric."""
    assert status in STATUSES
    error = {"type": kind, "phase": phase, "message": message[:2000]}
    return record | {"status": status, "error": error, "metrics": {board: {} for board in BOARDS}}


def encode(record: Record) -> bytes:
    """Sorted, readable JSON without NaN, thinned to at most 20 kB by dropping points of the curve."""
    record = _finite(record)
    while True:
        raw = (json.dumps(record, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()
        if len(raw) > MAX_BYTES:
            compact = json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False) + "\n"
            raw = compact.encode()
        if len(raw) <= MAX_BYTES or len(record["curve"]) < 4:
            return raw
        curve = record["curve"]
        record = record | {"curve": curve[:1] + curve[1:-1:2] + curve[-1:]}


def _finite(value: Any) -> Any:
    """Replace what JSON cannot hold by None, and round floats to 9 significant digits only in curves' sizes."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return value
