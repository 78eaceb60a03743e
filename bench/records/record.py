"""A record: the JSON object that comes of running a Cell, and its bytes.

Schema `bench.cell/1`: sorted keys, no NaN, at most 20 kB; schema.py declares its fields.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from bench.files import encode_json
from bench.plan.cell import Cell

SCHEMA = "bench.cell/1"
MAX_BYTES = 20_000
STATUSES = ("ok", "diverged", "oom", "timeout", "crashed")
PLACES = ("path", "files")  # what a cell says of the driver's machine, and a record does not
FAILED = ("oom", "timeout", "crashed")  # `diverged` is a finding, not a failure of the run
BOARDS = ("public", "private")
# gain over the last fifth of training, docs/metrics.md: a power law that gains less there gains 5.4 % of twice the steps
FLAT_BELOW = 0.02
Record: TypeAlias = dict[str, Any]  # a RecordShape; readers index it by variables


def new_record(cell: Cell) -> Record:
    """Return the record of a cell that has not run yet."""
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
        "dataset": {k: v for k, v in cell.dataset.items() if k not in PLACES},
        "model": model | {"n_params": None, "variant": cell.model.get("variant", ""), "row": cell.row},
        "protocol": {
            "id": f"{cell.suite}/1",
            "steps": cell.steps,
            "draws": cell.draws,
            "elbo_samples": cell.elbo_samples,
            "probes": cell.probes,
            "ranks": cell.ranks,
            "features": {name: {"name": name, "sha256": sha} for name, sha in cell.features.items()},
            "metric_versions": cell.metrics,
        },
        "versions": cell.versions | cell.model.get("libraries", {}),
        "seed": cell.seed,
        "metrics": {board: {} for board in BOARDS},
        "training": {"last": None, "best": None, "gap": None, "to_quality": None, "plateau": None},
        "curve": [],
        "timing": dict.fromkeys(("load_s", "train_s", "train_core_s", "look_s", "sample_s", "eval_s", "total_s")),
        "throughput": {"train_examples_per_s": None, "sample_examples_per_s": None, "contended": True},
        "resources": {"peak_rss_bytes": None, "peak_cuda_bytes": None, "cpu_s": None},
        "env_ref": None,
        "code": None,
        "artifacts": [],
        "started_utc": None,
        "attempt": 1,
    }


def failure(record: Record, status: str, *, phase: str, kind: str, message: str) -> Record:
    """Return a record as a failure: with status, phase and words of the error, without metrics."""
    assert status in STATUSES
    error = {"type": kind, "phase": phase, "message": message[:2000]}
    return record | {"status": status, "error": error, "metrics": {board: {} for board in BOARDS}}


def encode(record: Record) -> bytes:
    """Return strict JSON of at most 20 kB: longer ones lose indents, then every other point of the curve."""
    while True:
        raw = encode_json(record)
        if len(raw) > MAX_BYTES:
            raw = encode_json(record, indent=None)
        curve = record["curve"] if len(raw) > MAX_BYTES else []
        if len(curve) < 4:
            return raw
        record = record | {"curve": curve[:1] + curve[1:-1:2] + curve[-1:]}
