"""Declare the shape of a stored record and check it.

A file that was edited, merged or cut is left out. What readers look up is required; what only one page shows may be missing.
Fields that are not declared here are kept as they are, and nothing may rely on them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypeAlias, cast

from typing_extensions import TypedDict  # pydantic refuses typing's own before Python 3.12

from bench.files.shapes import (
    AmountOrNull,
    Count,
    CountOrNull,
    Expected,
    Flag,
    Label,
    LabelOrNull,
    Name,
    Number,
    NumberOrNull,
    Numbers,
    Object,
    Objects,
    Text,
    Texts,
    are_numbers_or_null,
    are_objects,
    is_count,
    is_text,
    shown,
    wrong_shape,
)
from bench.records.record import SCHEMA

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
    ranks: Label


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


class Plateau(TypedDict):
    """Whether the curve of the probes was flat at its end, and what it gained over the last fifth."""

    flat: Flag
    gain: Number
    flat_at: CountOrNull


class TrainingFacts(TypedDict, total=False):
    """The probes of the public board during training, and what they show."""

    last: NumberOrNull
    best: NumberOrNull
    gap: NumberOrNull
    to_quality: TimeToQuality
    plateau: Plateau | None
    probes: Pairs
    modes: Pairs


class Timing(TypedDict, total=False):
    """Seconds of each phase; core: of all cores together, look: of probes, warm: of a GPU's start."""

    load_s: NumberOrNull
    train_s: NumberOrNull
    train_core_s: NumberOrNull
    look_s: NumberOrNull
    warm_s: NumberOrNull
    sample_s: NumberOrNull
    eval_s: NumberOrNull
    total_s: NumberOrNull


class Calibration(TypedDict, total=False):
    """What the machine could do when the speed was measured."""

    matmul_flops_per_s: NumberOrNull


class Throughput(TypedDict, total=False):
    """Speeds, on the machine of fingerprint node_kind; contended: other cells ran at the same time."""

    contended: Flag
    node_kind: LabelOrNull
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
    """Entries by metric: on the rows that training may look at, and on those that it may not."""

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
    versions: NotRequired[Object]
    env_ref: NotRequired[LabelOrNull]
    code: NotRequired[SourceState | None]
    artifacts: NotRequired[Objects]
    started_utc: NotRequired[LabelOrNull]
    attempt: NotRequired[Count]


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
