"""bench score and bench submit: check a stranger's file, score it, place it on the boards. Torch comes after the checks."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.errors import UsageError
from bench.files import finite
from bench.records.store import Store
from bench.registry import find
from bench.render.text import clean
from bench.submissions import store
from bench.submissions.file import Samples, check_archive, form_of, read_samples, sha256_of, template
from bench.submissions.screen import screen

Scores = dict[str, Any]


def score(path: Path, dataset: str, *, as_json: bool) -> str:
    """Every sample metric on both boards of a file of samples."""
    found, _, _ = _scored(path, dataset)
    return json.dumps(found, indent=1, sort_keys=True) if as_json else "\n".join(_score_lines(path.name, found))


def _scored(path: Path, dataset: str) -> tuple[Scores, Samples, Any]:
    """(scores, samples, Dataset) of a valid file; the archive is checked before torch is imported."""
    check_archive(path)
    find("dataset", dataset)
    from bench.registry import load
    from bench.submissions.score import score_samples

    data = load("dataset", dataset)()
    samples = read_samples(path, form_of(data))
    found = finite(score_samples(data, samples.x))
    found["flags"] += screen(data, samples.x, found["metrics"])
    return found, samples, data


def _score_lines(name: str, found: Scores) -> list[str]:
    lines = [clean(f"{name} on {found['dataset']}"), f"{'metric':24} {'public':>12} {'private':>12}  better"]
    for metric in sorted(found["metrics"]["public"]):
        public, private = (found["metrics"][board][metric] for board in ("public", "private"))
        lines.append(f"{metric:24} {_number(public['value'])} {_number(private['value'])}  {public['better']}")
    return lines + [clean(f"flag: {flag}") for flag in found["flags"]]


def _number(value: float | None) -> str:
    return f"{'–':>12}" if value is None else f"{value:>12.4g}"


def write_template(dataset: str, path: Path) -> str:
    """Write a valid submission of training rows; it takes no file's place."""
    find("dataset", dataset)
    if path.exists():
        raise UsageError(f"--out {path} exists; name a new file")
    if path.suffix != ".npz":
        raise UsageError(f"--out {path}: expected a name that ends in .npz")
    from bench.registry import load

    data = load("dataset", dataset)()
    template(data, path)
    return (
        f"wrote {path}: training rows of {dataset}, which the copy screen will name; put your samples in their place\n"
        f"the form: {form_of(data).describe()}"
    )


def submit(path: Path, dataset: str, name: str, *, results: Path, dry_run: bool, as_json: bool) -> str:
    """Check, score, place; store unless dry_run. The same bytes again are told, and nothing is computed twice."""
    store.check_name(name)
    check_archive(path)
    find("dataset", dataset)
    if results.exists() and not results.is_dir():
        raise UsageError(f"--results {results} is no folder")
    if not dry_run:
        store.check_writable(results, name)
    sha256 = sha256_of(path)
    known = store.find(results, sha256, dataset)
    same = next((one for one in known if one["name"] == name), None)
    lines = []
    if same:
        one = same
        lines.append(f"the same bytes were submitted as {name} on {one['submitted_utc']}: nothing is computed again")
    else:
        lines += [f"the same bytes stand on the boards as {other['name']}" for other in known]
        one = _new(path, dataset, name)
    if not same and not dry_run:
        _refuse_to_overwrite(store.path_of(results, name, sha256), name)
        stored = store.store(one, results)
        lines += _rebuild(results)
        lines.append(f"stored as {stored}; public and private rank are on the boards: bench leaderboard -d {dataset}")
    elif dry_run:
        lines.append("dry run: nothing is stored")
    places = _places(one, results)
    if as_json:
        return json.dumps(one | {"places": places, "messages": lines}, indent=1, sort_keys=True)
    shown = {"dataset": dataset, "metrics": one["metrics"], "flags": one["flags"]}
    table = _score_lines(path.name, shown)
    return "\n".join([*table, *_place_lines(places, dataset, results), clean(store.UNKNOWN), *map(clean, lines)])


def _refuse_to_overwrite(path: Path, name: str) -> None:
    """UsageError where these bytes are stored under this name for another dataset."""
    if path.exists():
        raise UsageError(
            f"{path} exists: the same bytes stand there for another dataset; take another --name than {name}"
        )


def _new(path: Path, dataset: str, name: str) -> store.Submission:
    from bench.records.environment import code

    found, samples, data = _scored(path, dataset)
    metrics = sorted(found["metrics"]["public"])
    versions = {metric: find("metric", metric).constants.get("version", 1) for metric in metrics}
    return {
        "schema": store.SCHEMA,
        "name": name,
        "sha256": samples.sha256,
        "bytes": path.stat().st_size,
        "dataset": {"id": data.name, "version": data.version, "sha256": data.sha256, "primary": data.primary},
        "n_samples": len(samples.x),
        "metrics": found["metrics"],
        "metric_versions": versions,
        "flags": found["flags"],
        "unknown": store.UNKNOWN,
        "submitted_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "code": code(),
    }


def _rebuild(results: Path) -> list[str]:
    """The boards with the new row, where there are boards; why they could not be written."""
    if (results / "cells").is_dir():
        from bench.render.files import write_boards

        try:
            write_boards(Store(results))
        except OSError as error:
            return [f"the files of boards were not renewed: {error.filename or results}: {error.strerror or error}"]
    return []


def _places(one: store.Submission, results: Path) -> list[dict[str, Any]]:
    """The rank and rank range among the models of every suite that ran this dataset, on both boards."""
    import pandas as pd

    from bench.leaderboard.table import tidy

    here = [r for r in Store(results).records() if r["dataset"]["sha256"] == one["dataset"]["sha256"]]
    rows = store.as_records([one], here)
    if not rows:
        return []
    frame = tidy(here + rows)
    primary = one["dataset"]["primary"]
    board = frame[(frame.metric == primary) & ~frame.reference & frame.board.ne("")]
    found = []
    for (suite, device, side), part in board.groupby(["suite", "device", "board"]):
        models = part[part.family != store.SUBMISSION]
        for row in part[part.family == store.SUBMISSION].itertuples():
            if row.rank == row.rank:  # not missing
                low, high = (None if end is pd.NA else int(end) for end in (row.rank_low, row.rank_high))
                place = {"rank": int(row.rank), "low": low, "high": high}
                found.append({"suite": suite, "device": device, "board": side, "models": len(models), **place})
    return found


def _place_lines(places: list[dict[str, Any]], dataset: str, results: Path) -> list[str]:
    if not places:
        return [f"no rank: {results} holds no results on this version of {dataset}; bench run --all -d {dataset}"]
    return [
        f"rank among {p['models']} models of {p['suite']}-{p['device']}, {p['board']} board: "
        f"{p['rank']}" + ("" if p["low"] is None else f" (range {p['low']} to {p['high']})")
        for p in sorted(places, key=lambda p: (p["suite"], p["device"], p["board"] != "public"))
    ]
