"""What a stored record must look like before anything reads it: a file that was edited, merged or cut is named and left out.

Fields that readers look up must be there and of their kind; what only one page shows may be missing. A number is finite and below
LARGEST, so that squares of it are finite too. Strings that stand on boards hold no control character.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from bench.metrics import DIRECTIONS
from bench.records.record import BOARDS, SCHEMA, STATUSES

LARGEST = 1e150
LONGEST = 300  # letters of a name
NUMBER_TYPES = {int, float}  # bool is neither here
Check = Callable[[Any], bool]


def is_number(value: Any) -> bool:
    """A finite int or float."""
    return type(value) in NUMBER_TYPES and -LARGEST < value < LARGEST


def numbers(values: Any) -> bool:
    """A list of finite numbers."""
    if type(values) is not list or not set(map(type, values)) <= NUMBER_TYPES:
        return False
    if not values:
        return True
    # min and max can step over a NaN; the sum cannot, and of numbers in these bounds it is finite
    return min(values) > -LARGEST and max(values) < LARGEST and math.isfinite(sum(values))


def is_name(value: Any) -> bool:
    """A short string that may be printed."""
    return type(value) is str and 0 < len(value) <= LONGEST and value.isprintable()


def _label(value: Any) -> bool:
    return value == "" or is_name(value)


def _count(value: Any) -> bool:
    return type(value) is int and 0 <= value < LARGEST


def _flag(value: Any) -> bool:
    return type(value) is bool


def _text(value: Any) -> bool:
    return type(value) is str


def _object(value: Any) -> bool:
    return type(value) is dict


def numbers_or_none(values: Any) -> bool:
    """A list of finite numbers and of null, which stands for what was none."""
    return numbers(values) or (type(values) is list and numbers([value for value in values if value is not None]))


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _objects(value: Any) -> bool:
    return type(value) is list and all(type(v) is dict for v in value)


def _pairs(value: Any) -> bool:
    return type(value) is list and all(numbers_or_none(pair) and len(pair) == 2 for pair in value)


def _texts(value: Any) -> bool:
    return type(value) is list and all(type(v) is str for v in value)


def _curve(value: Any) -> bool:
    return _objects(value) and numbers_or_none([v for point in value for v in point.values()])


def _to_quality(value: Any) -> bool:
    return value is None or (type(value) is dict and (not value or {"steps", "seconds"} <= value.keys()))


_NUMBER, _COUNT = _or_none(is_number), _or_none(_count)
WANTED: dict[str, tuple[str, Check]] = {  # path -> (what is expected, check)
    "key": ("a string", _text),
    "suite": ("a name", is_name),
    "device": ("a name", is_name),
    "precision": ("a name", is_name),
    "seed": ("a whole number from 0", _count),
    "flags": ("a list of strings", _texts),
    "dataset": ("an object", _object),
    "dataset.id": ("a name", is_name),
    "dataset.sha256": ("a string", _text),
    "model": ("an object", _object),
    "model.id": ("a name", is_name),
    "model.row": ("a name", is_name),
    "model.family": ("a string", _label),
    "model.uses_labels": ("true or false", _flag),
    "model.reference": ("true or false", _flag),
    "protocol": ("an object", _object),
    "training": ("an object", _object),
    "timing": ("an object", _object),
    "throughput": ("an object", _object),
    "resources": ("an object", _object),
    "error": ("null or an object", _or_none(_object)),
}
WHERE_THERE: dict[str, tuple[str, Check]] = {  # may be missing
    "curve": ("a list of objects of numbers", _curve),
    "protocol.metric_versions": ("an object", _object),
    "model.variant": ("a string", _label),
    "model.hparams": ("an object", _object),
    "dataset.primary": ("a string", _label),
    "dataset.kind": ("a string", _label),
    "model.n_params": ("a whole number or null", _COUNT),
    "protocol.steps": ("a whole number or null", _COUNT),
    "env_ref": ("a string or null", _or_none(_label)),
    "code": ("an object or null", _or_none(_object)),
    "code.git_sha": ("a string or null", _or_none(_label)),
    "started_utc": ("a string or null", _or_none(_label)),
    "artifacts": ("a list of objects", _objects),
    "attempt": ("a whole number", _count),
    "measures": ("an object", _object),
    "training.probes": ("a list of pairs of numbers", _pairs),
    "training.modes": ("a list of pairs of numbers", _pairs),
    "training.to_quality": ("null or steps and seconds", _to_quality),
    "throughput.contended": ("true or false", _flag),
    "throughput.calibration": ("an object or null", _or_none(_object)),
} | {
    f"{group}.{name}": ("a number or null", _NUMBER)
    for group, names in {
        "training": ("last", "best", "gap"),
        "training.to_quality": ("steps", "seconds"),
        "timing": ("load_s", "train_s", "sample_s", "eval_s", "total_s"),
        "throughput": (
            *("train_examples_per_s", "sample_examples_per_s", "train_spread", "sample_spread"),
            *("share_of_peak", "joules_per_1000_samples"),
        ),
        "throughput.calibration": ("matmul_flops_per_s",),
        "resources": ("peak_rss_bytes", "peak_cuda_bytes", "cpu_s"),
    }.items()
    for name in names
}
RUN_NEEDS = (
    *("artifacts", "curve", "model.n_params", "protocol.metric_versions", "throughput.contended"),
    *("timing.train_s", "timing.total_s", "resources.cpu_s", "resources.peak_rss_bytes"),
)
_MISSING = object()
_CHECKS = [(path, tuple(path.split(".")), what, check) for path, (what, check) in (WANTED | WHERE_THERE).items()]
_HEADS = {parts: path for path, parts, _, _ in _CHECKS[: len(WANTED)]}


def check_record(record: Any) -> str:
    """Why an object is not a record of this schema, in words; empty if it is one."""
    if not isinstance(record, dict):
        return "not a JSON object"
    schema = record.get("schema")
    if schema != SCHEMA:
        return f"schema {shown(schema)}, this version reads {SCHEMA!r}"
    missing = [path for parts, path in _HEADS.items() if _at(record, parts) is _MISSING]
    missing += [name for name in ("status", "metrics") if name not in record]
    if missing:
        return f"no {', '.join(sorted(missing)[:8])}"
    if record["status"] not in STATUSES:
        return f"status {shown(record['status'])} is none of {', '.join(STATUSES)}"
    for path, parts, what, check in _CHECKS:
        value = _at(record, parts)
        if value is not _MISSING and not check(value):
            return f"{path} is {shown(value)}; expected {what}"
    return _wrong_error(record["error"]) or _wrong_metrics(record["metrics"])


def check_whole(record: Any) -> str:
    """As check_record, for a record that a run goes on from: nothing of what a run writes may be missing either."""
    missing = [
        path for path in RUN_NEEDS if isinstance(record, dict) and _at(record, tuple(path.split("."))) is _MISSING
    ]
    problem = check_record(record) or (f"no {', '.join(missing)}" if missing else "")
    if not problem and not all(_text(a.get("role")) and _count(a.get("bytes")) for a in record["artifacts"]):
        return f"artifacts are {shown(record['artifacts'])}; expected role and bytes"
    return problem


def shown(value: Any) -> str:
    """A value in a message: its repr, cut."""
    if type(value) is int and abs(value) > LARGEST:
        return "a number of hundreds of digits"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _at(record: dict[str, Any], parts: tuple[str, ...]) -> Any:
    value: Any = record
    for part in parts:
        if not isinstance(value, dict) or part not in value:
            return _MISSING
        value = value[part]
    return value


def _wrong_error(error: dict[str, Any] | None) -> str:
    if error is None or all(isinstance(error.get(name), str) for name in ("type", "phase", "message")):
        return ""
    return f"error is {shown(error)}; expected type, phase and message"


def _wrong_metrics(metrics: Any) -> str:
    if not isinstance(metrics, dict) or not all(isinstance(metrics.get(board), dict) for board in BOARDS):
        return f"metrics are {shown(metrics)}; expected an object for each of {', '.join(BOARDS)}"
    for board in BOARDS:
        for name, entry in metrics[board].items():
            problem = wrong_entry(entry) if is_name(name) else f"name {shown(name)}; expected a short one"
            if problem:
                return f"metric {shown(name)} of the {board} board: {problem}"
    return ""


def wrong_entry(entry: Any) -> str:
    """Why an object is no metric's value with its direction, unit, number of rows and blocks; empty if it is."""
    if type(entry) is not dict or {"value", "better", "unit", "n", "blocks"} - entry.keys():
        return f"{shown(entry)}; expected value, better, unit, n and blocks"
    value = entry["value"]
    if not (value is None or is_number(value)) or not numbers_or_none(entry["blocks"]):
        return f"value {shown(value)} or blocks {shown(entry['blocks'])}; expected finite numbers"
    if entry["better"] not in DIRECTIONS or not _label(entry["unit"]) or not (entry["n"] is None or _count(entry["n"])):
        words = f"better {shown(entry['better'])}, unit {shown(entry['unit'])}, n {shown(entry['n'])}"
        return f"{words}; expected {', '.join(DIRECTIONS)}, a string, a whole number"
    return ""
