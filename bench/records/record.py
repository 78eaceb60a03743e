"""A record: the JSON object that comes of running a Cell, its shape and its bytes.

Schema `bench.cell/1`: sorted keys, no NaN, at most 20 kB. What readers look up is required; what only one page shows may
be missing. Fields that are not declared here are kept as they are, and nothing may rely on them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypeAlias, cast

from typing_extensions import TypedDict  # pydantic refuses typing's own before Python 3.12

from bench.files import encode_json
from bench.plan.cell import Cell
from bench.shapes import (
    AmountOrNull,
    Count,
    CountOrNull,
    Expected,
    Flag,
    Label,
    LabelOrNull,
    Name,
    NumberOrNull,
    Numbers,
    Object,
    Objects,
    Text,
    Texts,
    are_numbers_or_null,
    are_objects,
)

SCHEMA = "bench.cell/1"
MAX_BYTES = 20_000
STATUSES = ("ok", "diverged", "oom", "timeout", "crashed")
FAILED = ("oom", "timeout", "crashed")  # `diverged` is a finding, not a failure of the run
BOARDS = ("public", "private")
Status: TypeAlias = Literal["ok", "diverged", "oom", "timeout", "crashed"]
Direction: TypeAlias = Literal["lower", "higher", "none"]


class Entry(TypedDict):
    """One metric's value on one board, over n rows and in blocks of them."""

    value: NumberOrNull
    better: Direction
    unit: Label
    n: CountOrNull
    blocks: Numbers
    test_se: NotRequired[AmountOrNull]


class DatasetFacts(TypedDict):
    """The dataset that a cell was run on."""

    id: Name
    sha256: Text
    primary: NotRequired[Label]
    kind: NotRequired[Label]


class ModelFacts(TypedDict):
    """The model that was trained, under the name of its row on the boards."""

    id: Name
    row: Name
    family: Label
    uses_labels: Flag
    reference: Flag
    variant: NotRequired[Label]
    hparams: NotRequired[Object]
    n_params: NotRequired[CountOrNull]


class Protocol(TypedDict, total=False):
    """How long a cell was trained, and by which versions of the metrics it was scored."""

    metric_versions: Object
    steps: CountOrNull


def _are_pairs(value: object) -> bool:
    return type(value) is list and all(are_numbers_or_null(pair) and len(pair) == 2 for pair in value)


def _is_curve(value: object) -> bool:
    return are_objects(value) and are_numbers_or_null(
        [v for point in cast("list[dict[str, object]]", value) for v in point.values()]
    )


def _is_time_to_quality(value: object) -> bool:
    if type(value) is not dict:
        return value is None
    return not value or (
        {"steps", "seconds"} <= value.keys() and are_numbers_or_null([value["steps"], value["seconds"]])
    )


Pairs: TypeAlias = Annotated[list[list[float | None]], Expected("a list of pairs of numbers", _are_pairs)]
Curve: TypeAlias = Annotated[list[dict[str, float | None]], Expected("a list of objects of numbers", _is_curve)]
TimeToQuality: TypeAlias = Annotated[
    dict[str, float | None] | None, Expected("null or steps and seconds", _is_time_to_quality)
]


class TrainingFacts(TypedDict, total=False):
    """The probes of the public board during training, and what they show."""

    last: NumberOrNull
    best: NumberOrNull
    gap: NumberOrNull
    to_quality: TimeToQuality
    probes: Pairs
    modes: Pairs


class Timing(TypedDict, total=False):
    """Seconds of each phase."""

    load_s: NumberOrNull
    train_s: NumberOrNull
    sample_s: NumberOrNull
    eval_s: NumberOrNull
    total_s: NumberOrNull


class Calibration(TypedDict, total=False):
    """What the machine could do when the speed was measured."""

    matmul_flops_per_s: NumberOrNull


class Throughput(TypedDict, total=False):
    """Speeds; contended: other cells ran at the same time."""

    contended: Flag
    train_examples_per_s: NumberOrNull
    sample_examples_per_s: NumberOrNull
    train_spread: NumberOrNull
    sample_spread: NumberOrNull
    share_of_peak: NumberOrNull
    joules_per_1000_samples: NumberOrNull
    calibration: Calibration | None


class Resources(TypedDict, total=False):
    """Peak memory, and seconds of all cores together."""

    peak_rss_bytes: NumberOrNull
    peak_cuda_bytes: NumberOrNull
    cpu_s: NumberOrNull


class Failure(TypedDict):
    """Why a cell has no numbers."""

    type: Text
    phase: Text
    message: Text


class SourceState(TypedDict, total=False):
    """The commit that a record was made with."""

    git_sha: LabelOrNull


class Boards(TypedDict):
    """Entries by metric, on the held-out rows that models are compared on and on those that nobody looks at."""

    public: dict[Name, Entry]
    private: dict[Name, Entry]


class RecordShape(TypedDict):
    """The shape of a record."""

    schema: Literal["bench.cell/1"]
    key: Text
    status: Status
    flags: Texts
    error: Failure | None
    suite: Name
    device: Name
    precision: Name
    dataset: DatasetFacts
    model: ModelFacts
    protocol: Protocol
    seed: Count
    metrics: Boards
    training: TrainingFacts
    timing: Timing
    throughput: Throughput
    resources: Resources
    curve: NotRequired[Curve]
    measures: NotRequired[Object]
    env_ref: NotRequired[LabelOrNull]
    code: NotRequired[SourceState | None]
    artifacts: NotRequired[Objects]
    started_utc: NotRequired[LabelOrNull]
    attempt: NotRequired[Count]


Record: TypeAlias = dict[str, Any]  # of RecordShape; readers of other rooms index it by variables


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
    """Return readable strict JSON of at most 20 kB: without indents where that helps, then with every other point of the curve."""
    while True:
        raw = encode_json(record)
        if len(raw) > MAX_BYTES:
            raw = encode_json(record, indent=None)
        curve = record["curve"] if len(raw) > MAX_BYTES else []
        if len(curve) < 4:
            return raw
        record = record | {"curve": curve[:1] + curve[1:-1:2] + curve[-1:]}
