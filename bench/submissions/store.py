"""Submissions on disk and on the boards: results/submissions/<name>/<sha>.json, one file for each distinct file of samples.

A submission is no cell: nobody knows its training, its seeds or its cost. It stands on every board of its dataset under
sub:NAME with the rank it would have; it moves no model's rank.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.errors import UsageError
from bench.files import write_atomic
from bench.leaderboard.row import SUBMISSION
from bench.records.record import BOARDS, Record
from bench.records.schema import is_name, shown, wrong_entry
from bench.registry import entries

SCHEMA = "bench.submission/1"
PREFIX = "sub:"  # no model's name holds a colon: a submission cannot pass for one
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
SHA = re.compile(r"[0-9a-f]{64}")
UNKNOWN = (
    "not known: how it was trained, on what, with how many seeds (its interval covers held-out rows only), its cost, "
    "and whether it was chosen on these held-out rows, which anyone can download"
)
Submission = dict[str, Any]


def check_name(name: str) -> str:
    """The name, or UsageError."""
    if not NAME.fullmatch(name):
        raise UsageError(
            f"--name {name[:80]!r}: expected 1 to 64 of a-z, 0-9, '.', '_', '-', the first a letter or a digit"
        )
    return name


def path_of(results: Path, name: str, sha256: str) -> Path:
    """Where a submission is stored."""
    return results / "submissions" / check_name(name) / f"{sha256}.json"


def read_all(results: Path) -> tuple[list[Submission], list[str]]:
    """(submissions in a fixed order, one line for each file that is none)."""
    found, problems = [], []
    for path in sorted((results / "submissions").glob("*/*.json")):
        try:
            value = json.loads(path.read_bytes(), parse_constant=_refuse)
            problem = check(value, path)
        except (ValueError, OSError, RecursionError) as error:
            problem = f"not readable as JSON ({error})"
        if problem:
            problems.append(f"{path}: {problem}; left out")
        else:
            found.append(value)
    return found, problems


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def check(value: Any, path: Path) -> str:
    """Why an object is not the submission that its path says, in words; empty if it is."""
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        return f"not of schema {SCHEMA!r}"
    fields = {"name", "sha256", "dataset", "n_samples", "metrics", "metric_versions", "flags", "submitted_utc"}
    if fields - value.keys():
        return f"no {', '.join(sorted(fields - value.keys()))}"
    if not NAME.fullmatch(str(value["name"])) or not SHA.fullmatch(str(value["sha256"])):
        return "its name or hash has another form"
    if (value["name"], value["sha256"]) != (path.parent.name, path.stem):
        return "its name and hash are not those of its path"
    return _wrong_type(value) or _wrong_metrics(value["metrics"])


def _wrong_type(value: dict[str, Any]) -> str:
    for name, kind in {"dataset": dict, "metric_versions": dict, "submitted_utc": str, "flags": list}.items():
        if not isinstance(value[name], kind):
            return f"its {name} is {shown(value[name])}"
    named = all(is_name(value["dataset"].get(key)) for key in ("id", "sha256"))
    if not named or not all(isinstance(flag, str) for flag in value["flags"]):
        return "its dataset or flags have another form"
    return ""


def _wrong_metrics(metrics: Any) -> str:
    if not isinstance(metrics, dict) or set(metrics) != set(BOARDS):
        return "its metrics are not those of both boards"
    known = entries("metric")
    for board in BOARDS:
        if not isinstance(metrics[board], dict):
            return f"its {board} metrics are {shown(metrics[board])}"
        for name, entry in metrics[board].items():
            if name not in known:
                return f"it has a value of no known metric, {shown(name)}"
            if problem := wrong_entry(entry):
                return f"its {name}: {problem}"
    return ""


def store(submission: Submission, results: Path) -> Path:
    """Write one; UsageError where that cannot be done."""
    path = path_of(results, submission["name"], submission["sha256"])
    try:
        write_atomic(path, (json.dumps(submission, indent=1, sort_keys=True, allow_nan=False) + "\n").encode())
    except OSError as error:
        raise UsageError(f"cannot write to --results {results}: {error.strerror or error}") from error
    return path


def check_writable(results: Path, name: str) -> None:
    """UsageError where a submission could not be stored: told before minutes of scoring."""
    folder = results / "submissions" / check_name(name)
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        reason = "Permission denied" if there.is_dir() else "a file stands there"
        raise UsageError(f"cannot write to --results {results}: {there}: {reason}; name a folder that can be written")


def latest(submissions: Iterable[Submission]) -> list[Submission]:
    """The newest of each name and dataset: the best one would be chosen on the board."""
    newest: dict[tuple[str, str], Submission] = {}
    for one in sorted(submissions, key=lambda s: (s["submitted_utc"], s["sha256"])):
        newest[one["name"], one["dataset"]["id"]] = one
    return list(newest.values())


def as_records(submissions: Iterable[Submission], records: Iterable[Record]) -> list[Record]:
    """Rows for every board of their datasets. Of another version of the data, or where no model ran: none."""
    boards = {(r["suite"], r["device"], r["dataset"]["sha256"]): r["dataset"] for r in records}
    found = []
    for one in latest(submissions):
        for (suite, device, sha256), dataset in sorted(boards.items(), key=lambda item: item[0]):
            if sha256 == one["dataset"]["sha256"]:
                found.append(_record(one, suite, device, dataset))
    return found


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
    """Stored submissions of the same bytes to the same dataset, under whatever name."""
    return [s for s in read_all(results)[0] if s["sha256"] == sha256 and s["dataset"]["id"] == dataset]
