"""Keep submissions in results/submissions/<name>/<sha>.json, and make them rows of the boards.

A submission is no cell: nobody knows its training, its seeds or its cost. It stands on every board of its dataset under
sub:NAME with the rank it would have; it moves no model's rank.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, cast

from typing_extensions import TypedDict  # pydantic refuses typing's own before Python 3.12

from bench.errors import UsageError
from bench.files import encode_json, read_json, write_atomic
from bench.leaderboard.row import SUBMISSION
from bench.records.record import BOARDS, Record
from bench.records.schema import Boards
from bench.registry import entries
from bench.shapes import Count, Expected, Name, Object, Text, Texts, shown, wrong_shape

SCHEMA = "bench.submission/1"
PREFIX = "sub:"  # no model's name holds a colon: a submission cannot pass for one
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
SHA = re.compile(r"[0-9a-f]{64}")
UNKNOWN = (
    "not known: how it was trained, on what, with how many seeds (its interval covers held-out rows only), its cost, "
    "and whether it was chosen on these held-out rows, which anyone can download"
)
Submission: TypeAlias = dict[str, Any]  # of SubmissionShape


def _fits(pattern: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


class SubmittedDataset(TypedDict):
    """The dataset that a file of samples was made for."""

    id: Name
    sha256: Name


class SubmissionShape(TypedDict):
    """The shape of a stored submission."""

    schema: Literal["bench.submission/1"]
    name: Annotated[str, Expected("1 to 64 of a-z, 0-9, '.', '_', '-', the first a letter or a digit", _fits(NAME))]
    sha256: Annotated[str, Expected("64 of 0-9 and a-f", _fits(SHA))]
    dataset: SubmittedDataset
    n_samples: Count
    metrics: Boards
    metric_versions: Object
    flags: Texts
    submitted_utc: Text


def check_name(name: str) -> str:
    """Return a submission's name if it may stand on a board; else raise UsageError."""
    if not NAME.fullmatch(name):
        raise UsageError(
            f"--name {name[:80]!r}: expected 1 to 64 of a-z, 0-9, '.', '_', '-', the first a letter or a digit"
        )
    return name


def path_of(results: Path, name: str, sha256: str) -> Path:
    """Return where a submission is stored."""
    return results / "submissions" / check_name(name) / f"{sha256}.json"


def read_all(results: Path) -> tuple[list[Submission], list[str]]:
    """Return the submissions in a fixed order, and one line for each file that is none."""
    submissions, problems = [], []
    for path in sorted((results / "submissions").glob("*/*.json")):
        try:
            value = read_json(path.read_bytes())
            problem = check(value, path)
        except (ValueError, OSError) as error:
            problem = f"not readable as JSON ({error})"
        if problem:
            problems.append(f"{path}: {problem}; left out")
        else:
            submissions.append(value)
    return submissions, problems


def check(value: object, path: Path) -> str:
    """Say why an object is not the submission that its path names; empty if it is."""
    if problem := wrong_shape(value, SubmissionShape, SCHEMA):
        return problem
    submission = cast(Submission, value)
    if (submission["name"], submission["sha256"]) != (path.parent.name, path.stem):
        return "its name and hash are not those of its path"
    if set(submission["metrics"]) != set(BOARDS):
        return f"its metrics are those of {shown(sorted(submission['metrics']))}; expected {', '.join(BOARDS)}"
    for metric in (metric for board in BOARDS for metric in submission["metrics"][board]):
        if metric not in entries("metric"):
            return f"it has a value of no known metric, {shown(metric)}"
    return ""


def store(submission: Submission, results: Path) -> Path:
    """Write a submission to its place and return that; UsageError where it cannot be written."""
    path = path_of(results, submission["name"], submission["sha256"])
    try:
        write_atomic(path, encode_json(submission))
    except OSError as error:
        raise UsageError(f"cannot write to --results {results}: {error.strerror or error}") from error
    return path


def check_writable(results: Path, name: str) -> None:
    """Raise UsageError where a submission could not be stored, before minutes are spent on its scores."""
    folder = results / "submissions" / check_name(name)
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        reason = "Permission denied" if there.is_dir() else "a file stands there"
        raise UsageError(f"cannot write to --results {results}: {there}: {reason}; name a folder that can be written")


def latest(submissions: Iterable[Submission]) -> list[Submission]:
    """Return the newest submission of each name and dataset: the best one would be chosen on the board."""
    newest: dict[tuple[str, str], Submission] = {}
    for one in sorted(submissions, key=lambda s: (s["submitted_utc"], s["sha256"])):
        newest[one["name"], one["dataset"]["id"]] = one
    return list(newest.values())


def as_records(submissions: Iterable[Submission], records: Iterable[Record]) -> list[Record]:
    """Return a record for each board on which models ran on the same data as a submission."""
    boards = {(r["suite"], r["device"], r["dataset"]["sha256"]): r["dataset"] for r in records}
    rows = []
    for one in latest(submissions):
        for (suite, device, sha256), dataset in sorted(boards.items(), key=lambda item: item[0]):
            if sha256 == one["dataset"]["sha256"]:
                rows.append(_record(one, suite, device, dataset))
    return rows


def _record(one: Submission, suite: str, device: str, dataset: dict[str, Any]) -> Record:
    declared = {name: e.constants for name, e in entries("metric").items()}
    today = {n: c for n, c in declared.items() if one["metric_versions"].get(n) == c.get("version", 1)}
    facts = {n: {"better": c["better"], "unit": c.get("unit", "")} for n, c in today.items()}  # not what a file says
    row = PREFIX + one["name"]
    return {
        "suite": suite,
        "device": device,
        "precision": "",
        "dataset": dataset,
        "model": {"id": row, "row": row, "family": SUBMISSION, "uses_labels": False, "reference": False, "variant": ""},
        "seed": 0,
        "status": "ok",
        "error": None,
        "metrics": {b: {n: e | facts[n] for n, e in one["metrics"][b].items() if n in facts} for b in BOARDS},
        "flags": [*one["flags"], "submission: training, seeds, cost and choice unknown"],
        "training": {},
        "timing": {},
        "throughput": {},
        "resources": {},
    }


def find(results: Path, sha256: str, dataset: str) -> list[Submission]:
    """Return the stored submissions of the same bytes to the same dataset, under whatever name."""
    return [s for s in read_all(results)[0] if s["sha256"] == sha256 and s["dataset"]["id"] == dataset]
