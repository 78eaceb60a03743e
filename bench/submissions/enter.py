"""Enter a file of samples: check it, score it, find its place on the boards, store it.

Torch comes after the checks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import UsageError, unknown
from bench.files import finite
from bench.leaderboard.row import SUBMISSION
from bench.registry import find, load
from bench.submissions import store
from bench.submissions.archive import is_strict, read_header
from bench.submissions.file import Samples, check_archive, read_samples, sha256_of, template
from bench.submissions.screen import screen
from bench.submissions.values import Form, form_of

if TYPE_CHECKING:
    from bench.datasets import Dataset

Scores = dict[str, Any]  # what `bench score --json` prints


@dataclass(frozen=True)
class Place:
    """The rank of a submission among the models of one board, and the range that its error leaves, if any."""

    suite: str
    device: str
    board: str
    models: int
    rank: int
    low: int | None  # None where no model has five seeds
    high: int | None


@dataclass(frozen=True)
class Entry:
    """What became of a submitted file."""

    submission: store.Submission
    places: list[Place]
    repeated: bool  # the same bytes were stored before under this name: nothing was computed
    other_names: list[str]  # under which the same bytes are stored for this dataset
    path: Path | None  # where it was stored; None where it was not


def score(path: Path, dataset: str, *, space: str | None = None) -> Scores:
    """Score samples on both boards of a dataset, two yardsticks beside them.

    InvalidSubmission lists all that is wrong.

    path: an .npz as `submit` takes it, or whatever `compare` reads: a folder of images, bytes, flat rows.
    """
    find("dataset", dataset)
    strict = is_strict(path)
    if strict:
        check_archive(path)
    from bench.features import load_space, space_names
    from bench.submissions.fitted import is_another_layout, read_for
    from bench.submissions.score import interval_of, score_samples, yardsticks_of

    data = load("dataset", dataset)()
    if space is not None:
        if space not in space_names():
            raise unknown("feature space", space, space_names())
        data = replace(data, spaces=(space,))
        load_space(space, data)  # asked for by name: its absence is an error, not a note
    form = form_of(data)
    strict = strict and not is_another_layout(read_header(path).shape, form)
    x = read_samples(path, form).x if strict else read_for(path, form, data.levels)
    scores = score_samples(data, x)
    scores["flags"] += screen(data, x, scores["metrics"])
    for entries in scores["metrics"].values():
        for name, entry in entries.items():
            entry["interval"] = interval_of(name, entry)
    return finite(scores | {"yardsticks": yardsticks_of(data)})


def _score_checked(path: Path, dataset: str) -> tuple[Scores, Samples, Dataset]:
    """Return (scores, samples, data) of a valid file; the archive is checked before torch is imported."""
    check_archive(path)
    find("dataset", dataset)
    from bench.submissions.score import score_samples

    data = load("dataset", dataset)()
    samples = read_samples(path, form_of(data))
    scores = finite(score_samples(data, samples.x))
    scores["flags"] += screen(data, samples.x, scores["metrics"])
    return scores, samples, data


def write_template(dataset: str, path: Path) -> Form:
    """Write a valid submission of training rows into a new file, and return the form that it has."""
    find("dataset", dataset)
    if path.exists():
        raise UsageError(f"--out {path} exists; name a new file")
    if path.suffix != ".npz":
        raise UsageError(f"--out {path}: expected a name that ends in .npz")
    data = load("dataset", dataset)()
    template(data, path)
    return form_of(data)


def submit(path: Path, dataset: str, name: str, *, results: Path, dry_run: bool) -> Entry:
    """Check, score and place a file; store it unless dry_run. The same bytes again are not scored again."""
    store.check_name(name)
    check_archive(path)
    find("dataset", dataset)
    if results.exists() and not results.is_dir():
        raise UsageError(f"--results {results} is no folder")
    if not dry_run:
        store.check_writable(results, name)
    sha256 = sha256_of(path)
    known = {one["name"]: one for one in store.find(results, sha256, dataset)}
    repeated = name in known
    submission = known[name] if repeated else _score_as_submission(path, dataset, name)
    stored = None
    if not repeated and not dry_run:
        _refuse_to_overwrite(store.path_of(results, name, sha256), name)
        stored = store.store(submission, results)
    others = [other for other in known if other != name]
    return Entry(submission, _places(submission, results), repeated=repeated, other_names=others, path=stored)


def _refuse_to_overwrite(path: Path, name: str) -> None:
    """Raise UsageError where these bytes are stored under this name for another dataset."""
    if path.exists():
        raise UsageError(
            f"{path} exists: the same bytes stand there for another dataset; take another --name than {name}"
        )


def _score_as_submission(path: Path, dataset: str, name: str) -> store.Submission:
    """Score a file and return the object that is stored of it."""
    from bench.records.environment import source_state

    scores, samples, data = _score_checked(path, dataset)
    metrics = sorted(scores["metrics"]["public"])
    versions = {metric: find("metric", metric).constants.get("version", 1) for metric in metrics}
    return {
        "schema": store.SCHEMA,
        "name": name,
        "sha256": samples.sha256,
        "bytes": path.stat().st_size,
        "dataset": {"id": data.name, "version": data.version, "sha256": data.sha256, "primary": data.primary},
        "n_samples": len(samples.x),
        "metrics": scores["metrics"],
        "metric_versions": versions,
        "flags": scores["flags"],
        "unknown": store.UNKNOWN,
        "submitted_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "code": source_state(),
    }


def _places(submission: store.Submission, results: Path) -> list[Place]:
    """Rank a submission among the models of every suite that ran its dataset, on both boards."""
    from bench.leaderboard.table import tidy
    from bench.records.store import Store

    here = [r for r in Store(results).records() if r["dataset"]["sha256"] == submission["dataset"]["sha256"]]
    rows = store.as_records([submission], here)
    if not rows:
        return []
    frame = tidy(here + rows)
    board = frame[(frame.metric == submission["dataset"]["primary"]) & ~frame.reference & frame.board.ne("")]
    places = []
    for (suite, device, side), part in board.groupby(["suite", "device", "board"]):
        models = len(part[(part.family != SUBMISSION) & part["rank"].notna()])
        ranked = part[(part.family == SUBMISSION) & part["rank"].notna()]
        for rank, low, high in ranked[["rank", "rank_low", "rank_high"]].itertuples(index=False):
            ends = (None, None) if low != low or low is None else (int(low), int(high))
            places.append(Place(suite, device, side, models, int(rank), *ends))
    return places
