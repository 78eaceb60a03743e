"""bench gate and bench calibrate: read the results, judge or accept them, print what was found."""

from __future__ import annotations

import json
import math
import os
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from bench.errors import UsageError
from bench.gate import finding, judge, reference, report
from bench.gate import power as resolution
from bench.records.record import FAILED, Record
from bench.records.store import Store
from bench.render.text import clean

SHARED = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE")  # set on runners whose neighbours slow them down


def run_gate(
    results: Path,
    ref: Path,
    *,
    alpha: float,
    speed: str = "auto",
    strict: bool = False,
    partial: bool = False,
    junit: Path | None = None,
    summary: Path | None = None,
) -> int:
    """Judge a folder of results against a reference, print the findings, write the files; returns the exit code."""
    if not 0 < alpha < 1:
        raise UsageError(f"--alpha must lie between 0 and 1, got {alpha:g}")
    old = reference.read(ref)
    store = Store(results)
    fresh = reference.summarise(_records(store))
    _check_suites(old, fresh, ref, results)
    fail = speed == "fail" or (speed == "auto" and not shared_machine())
    findings = judge.judge(old, fresh, alpha=alpha, fail_on_speed=fail, partial=partial)
    findings += [finding.Finding(line, "record", "error", "a stored cell cannot be read") for line in store.problems]
    head, code = report.headline(findings), judge.exit_code(findings, strict=strict)
    for line in (*report.lines(findings), head):
        print(line)
    unwritten = _write(junit, report.junit(findings), "--junit") if junit else []
    unwritten += _write(summary, report.summary(findings, head).encode(), "--summary") if summary else []
    for line in unwritten:
        print(clean(f"bench: {line}"), file=sys.stderr)
    return code or (UsageError.exit_code if unwritten else 0)


def shared_machine() -> bool:
    """Whether others may have slowed this run down: a CI runner, or more work than cores over the last five minutes."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return any(os.environ.get(name) for name in SHARED) or os.getloadavg()[1] > cores + 1


def accept(results: Path, ref: Path, *, partial: bool = False) -> str:
    """Write the reference of reviewed results; says which suites and rows it now holds."""
    from bench.records.environment import source_state

    store = Store(results)
    fresh = reference.summarise(_records(store))
    if store.problems:
        raise UsageError(f"will not accept results with unreadable cells: {store.problems[0]}")
    old = reference.read(ref) if ref.exists() else None
    renewed = reference.accept(old, fresh, git_sha=source_state()["git_sha"], partial=partial)
    reference.write(renewed, ref)
    was = old["rows"] if old else {}
    new, gone = sorted(renewed["rows"].keys() - was.keys()), sorted(was.keys() - renewed["rows"].keys())
    changed = sum(k in was and was[k] != v for k, v in renewed["rows"].items())
    lines = [f"{ref}: {len(renewed['rows'])} rows; {len(new)} new, {changed} changed, {len(gone)} gone"]
    lines += [f"gone: {row}" for row in gone]
    failed = [row for row in fresh["rows"] if set(fresh["rows"][row]["statuses"]) & set(FAILED)]
    lines += [f"accepted although it failed: {row}: {fresh['rows'][row]['error']}" for row in failed]
    return "\n".join([*lines, f"Review it as a diff: git diff {ref}"])


def _records(store: Store) -> list[Record]:
    if store.out.exists() and not store.out.is_dir():
        raise UsageError(f"--results {store.out} is a file; expected a folder of results, such as results")
    if not store.out.is_dir():
        raise UsageError(f"no folder --results {store.out}; make one with: bench run --all --out {store.out}")
    records = store.records()
    if not records:
        why = f"; {store.problems[0]}" if store.problems else ""
        raise UsageError(f"no results in {store.out}{why}; make some with: bench run --all --out {store.out}")
    return records


def _check_suites(old: reference.Reference, fresh: reference.Reference, ref: Path, results: Path) -> None:
    """UsageError for results of suites that the reference knows nothing of: all would be new, and green."""
    unknown = sorted(reference.suites_of(fresh) - reference.suites_of(old))
    if unknown:
        known = ", ".join(sorted(reference.suites_of(old))) or "nothing"
        raise UsageError(
            f"{results} holds {', '.join(unknown)}, but --ref {ref} holds {known}; "
            f"accept reviewed results of that suite first: bench gate --accept --results DIR"
        )


def _write(path: Path, raw: bytes, option: str) -> list[str]:
    """A report; a pipe or a device is written into, a file is replaced. Why it could not be written: the verdict stands."""
    from bench.files import write_atomic

    try:
        if path.exists() and not path.is_file():
            path.write_bytes(raw)
        else:
            write_atomic(path, raw)
    except OSError as error:
        return [f"{option} {path} cannot be written: {error.strerror or error}; name a file in a folder that can be"]
    return []


def calibrate(results: Path, *, seeds: int, effect: float, alpha: float, power: float, as_json: bool) -> str:
    """A table of what the stored seeds say: deviation, the effect that `seeds` seeds resolve, the seeds that `effect` needs."""
    if not 0 < effect < math.inf:
        raise UsageError(
            f"--effect is a share worse, for example 0.3 for 30 %, and must be a finite number above 0; got {effect:g}"
        )
    for option, value in (("--alpha", alpha), ("--power", power)):
        if not 0 < value < 1:
            raise UsageError(f"{option} must lie between 0 and 1, got {value:g}")
    records = _records(Store(results))
    typical = _typical(records)
    rows, columns = [], resolution.columns(records, seeds=seeds)
    tests = Counter()  # of a whole run of the suite, if every value differed
    for (place, _, _), column in columns.items():
        tests[place] += column.rows
    for key, column in columns.items():
        wanted = resolution.effect_on_scale(effect, column, typical[key])
        level = {"alpha": alpha, "power": power}
        gate = level | {"tests": tests[key[0]], "floor": column.floor}
        facts = {
            "board": f"{key[0]}/{key[1]}",
            "metric": key[2],
            "resolvable": resolution.resolvable(column.deviation, seeds, **level),
            "seeds_needed": resolution.seeds_needed(column.deviation, wanted, **level),
            "tests": tests[key[0]],
            "gate_finds": resolution.found_by_gate(column.deviation, seeds, **gate),
            "gate_seeds_needed": resolution.seeds_needed(column.deviation, wanted, **gate),
        }
        rows.append(asdict(column) | facts)
    if as_json:
        finite = [{k: None if v == math.inf else v for k, v in row.items()} for row in rows]
        return json.dumps(finite, indent=1, sort_keys=True)
    return "\n".join(_calibration_lines(rows, seeds=seeds, effect=effect, alpha=alpha, power=power))


def _typical(records: list[Record]) -> dict[resolution.Key, float]:
    """Median value of each gated column of the public board."""
    found: dict[resolution.Key, list[float]] = {}
    for record in records:
        place = f"{record['suite']}-{record['device']}", record["dataset"]["id"]
        for metric, entry in record["metrics"]["public"].items():
            if entry["value"] is not None:
                found.setdefault((*place, metric), []).append(entry["value"])
    return {key: median(values) for key, values in found.items()}


def _calibration_lines(
    rows: list[dict[str, Any]], *, seeds: int, effect: float, alpha: float, power: float
) -> list[str]:
    head = f"one-sided Welch test, alpha {alpha:g}, power {power:.0%}, {seeds} seeds a side; on each metric's scale"
    titles = f"{'sd':>8} {'found':>8} {'delta':>8} {'need':>6} {'gate':>8} need"
    lines = [head, f"{'board':26} {'metric':16} {'scale':5} {'seeds':>5} {titles}"]
    many = lambda count: f">{resolution.MOST_SEEDS}" if count is None else str(count)
    for row in rows:
        numbers = " ".join(f"{row[k]:8.3g}" for k in ("deviation", "resolvable", "delta"))
        numbers += f" {many(row['seeds_needed']):>6} {row['gate_finds']:8.3g} {many(row['gate_seeds_needed'])}"
        lines.append(f"{row['board']:26} {row['metric']:16} {row['scale']:5} {row['seeds']:5} {numbers}")
    return [
        *lines,
        "sd: of a typical row over the stored seeds. found: the effect that one test finds. delta: below it the gate",
        f"is never red. need: seeds a side to find a typical row {effect:.0%} worse, in one test. gate, need: the same",
        "of the gate where every value of the suite differs (Holm over them all, and beyond delta); few lie between.",
    ]
