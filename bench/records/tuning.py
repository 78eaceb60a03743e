"""Keep searches: results/tuning/DATASET/MODEL.json, the trials of one model on one dataset.

A search is of one suite, training seed and number of steps; another search of the model takes its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NotRequired, TypeAlias

from typing_extensions import TypedDict  # pydantic refuses typing's own before Python 3.12

from bench.files import encode_json, read_json, write_atomic
from bench.files.shapes import (
    AmountOrNull,
    Count,
    CountOrNull,
    Label,
    LabelOrNull,
    Name,
    NumberOrNull,
    Object,
    Text,
    wrong_shape,
)
from bench.records.schema import Direction, Status

SCHEMA = "bench.tuning/1"
FOLDER = "tuning"  # in the folder of results
MOST_BYTES = 5_000_000
Search: TypeAlias = dict[str, Any]  # a SearchShape; readers index it by variables


class TrialShape(TypedDict):
    """One trial.

    value: of the primary metric on the public board, null where there is none. error: its first line.
    """

    settings: Object
    value: NumberOrNull
    status: Status
    core_seconds: AmountOrNull
    key: Text
    commit: LabelOrNull
    error: NotRequired[Label]


class MetricShape(TypedDict):
    """The metric that trials are compared by."""

    name: Name
    version: Count
    better: Direction


class SearchShape(TypedDict):
    """A search.

    fixed: what --set decided for every trial. best: the number of the best trial, null where none has a value.
    """

    schema: Literal["bench.tuning/1"]
    model: Name
    dataset: Name
    suite: Name
    device: Name
    metric: MetricShape
    seed: Count
    steps: CountOrNull
    fixed: Object
    search: Object
    source_sha256: Text
    dataset_sha256: Text
    versions: Object
    trials: list[TrialShape]
    best: CountOrNull


def path_of(out: Path, dataset: str, model: str) -> Path:
    """Return where the search of a model on a dataset lies."""
    return out / FOLDER / dataset / f"{model}.json"


def trials_folder(out: Path) -> Path:
    """Return the store of the cells of trials, which searches are made from."""
    return out / FOLDER / "trials"


def best_of(trials: Iterable[Mapping[str, Any]], better: str) -> int | None:
    """Return the number of the best trial, the first of equal ones; None where no trial has a value."""
    sign = -1 if better == "higher" else 1
    values = [(sign * trial["value"], i) for i, trial in enumerate(trials) if trial["value"] is not None]
    return min(values)[1] if values else None


def cost_of(search: Search) -> float:
    """Return the core-seconds of all trials."""
    return sum(trial["core_seconds"] or 0.0 for trial in search["trials"])


def write_search(out: Path, search: Search) -> Path:
    """Write a search in its place, and return the file."""
    path = path_of(out, search["dataset"], search["model"])
    write_atomic(path, encode_json(search))
    return path


def read_search_file(path: Path) -> tuple[Search | None, str]:
    """Return (search, "") of a file, or (None, why it is none)."""
    try:
        search = read_json(path.read_bytes(), most_bytes=MOST_BYTES)
    except OSError as error:
        return None, f"cannot be read: {error.strerror or error}"
    except ValueError as error:
        return None, f"not readable as JSON ({error})"
    problem = wrong_shape(search, SearchShape, SCHEMA)
    if not problem and (search["dataset"], search["model"]) != (path.parent.name, path.stem):
        problem = f"it says that it is {search['dataset']}/{search['model']}.json"
    if not problem and search["best"] is not None and search["best"] >= len(search["trials"]):
        problem = f"best is {search['best']}; expected the number of one of {len(search['trials'])} trials"
    return (None, problem) if problem else (search, "")


def read_searches(out: Path) -> tuple[list[Search], list[str]]:
    """Return all searches of a folder of results, and one line for each file that is none."""
    searches, problems = [], []
    for path in sorted((out / FOLDER).glob("*/*.json")):
        search, problem = read_search_file(path)
        if search is None:
            problems.append(f"{path}: {problem}; left out")
        else:
            searches.append(search)
    return searches, problems
