"""The unit of work and its result: a Cell is what will be run, a record is the JSON object that comes of it.

Schema `bench.cell/1`: sorted keys, no NaN, at most 20 kB; see SCHEMA_FIELDS. A cell's key covers everything that decides
its numbers; metrics have versions of their own, so that a changed metric re-scores stored samples and retrains nothing.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

SCHEMA = "bench.cell/1"
MAX_BYTES = 20_000
DRIVER_VERSION = 1  # part of every key: raise it when a change of the harness can change a trained model
STATUSES = ("ok", "diverged", "oom", "timeout", "crashed")
FAILED = ("oom", "timeout", "crashed")  # `diverged` is a finding, not a failure of the run
BOARDS = ("public", "private")

Record = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One model on one dataset with one seed. Everything in it is JSON."""

    suite: str
    device: str  # "cpu" | "cuda"
    precision: str
    dataset: dict[str, Any]  # id, version, sha256, n_train, n_valid, n_test, and path of the user's own data
    model: dict[str, Any]  # id, family, uses_labels, source_sha256, hparams, path, module, reference, measure, variant
    steps: int | None
    seed: int
    draws: int
    elbo_samples: int
    metrics: dict[str, int]  # name -> version
    features: dict[str, str]  # name -> sha256
    versions: dict[str, str] = field(default_factory=dict)  # torch, driver
    probes: int = 0
    target: float | None = None  # of the primary metric: its time to quality is counted up to there; no part of the key
    sample_limit: int = 0
    timeout_s: float = 300.0
    memory_bytes: int = 3 * 2**30
    measures: dict[str, str] = field(default_factory=dict)  # of an experiment: name -> sha256 of its source
    train_rows: int = 0  # of an experiment: train on so many rows; 0: all

    @property
    def row(self) -> str:
        """The model's name on a board, with what was set by hand: "dcgan+batch_norm=false"."""
        variant = self.model.get("variant", "")
        return f"{self.model['id']}+{variant}" if variant else self.model["id"]

    @property
    def slot(self) -> str:
        """Relative path of its record, without the ending."""
        return f"{self.suite}-{self.device}/{self.dataset['id']}/{self.row}/seed-{self.seed}"

    @property
    def key(self) -> str:
        """Hash of all that decides the model's outputs: data, sources, hyper-parameters, seed, device, versions."""
        model = {k: self.model[k] for k in ("id", "source_sha256", "hparams")}
        parts = {
            "dataset": self.dataset["sha256"],
            "model": model,
            "steps": self.steps,
            "seed": self.seed,
            "draws": self.draws,
            "elbo_samples": self.elbo_samples,
            "sample_limit": self.sample_limit,
            "device": self.device,
            "precision": self.precision,
            "versions": self.versions,
        }
        if self.measures or self.train_rows:
            parts |= {"measures": self.measures, "train_rows": self.train_rows}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `Cell(**object)` reads back."""
        return asdict(self)


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
