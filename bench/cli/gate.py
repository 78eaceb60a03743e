"""bench gate: judge results against a reference, or accept them as the new one; print what was found."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.app import Results, app
from bench.errors import UsageError
from bench.render.text import clean

if TYPE_CHECKING:
    from bench.gate.reference import Reference

SHARED = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE")  # set on runners whose neighbours slow them down


class Speed(StrEnum):
    """What a slow row does to the verdict."""

    auto = "auto"
    fail = "fail"
    warn = "warn"


@app.command(short_help="Compare results with a reference: 4 if worse.")
def gate(
    results: Results = Path("results"),
    ref: Annotated[Path, typer.Option(help="The reference to compare with.")] = Path("results/reference.json"),
    alpha: Annotated[float, typer.Option(help="Chance of a false alarm in a run.")] = 0.05,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML, a test case a row.")] = None,
    summary: Annotated[Path | None, typer.Option(help="Write Markdown for a job's page.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 5 if anything is inconclusive.")] = False,
    speed: Annotated[
        Speed, typer.Option(help="What a slow row does; auto: warn where CI is set, else fail.")
    ] = Speed.auto,
    partial: Annotated[
        bool, typer.Option("--partial", help="Only some rows were run: missing ones are no error.")
    ] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="Write --ref from reviewed results instead of judging.")
    ] = False,
) -> None:
    """Compare results with a reference: exit 4 if something really got worse."""
    if accept:
        print(accept_results(results, ref, partial=partial))
        return
    raise typer.Exit(
        run_gate(results, ref, alpha=alpha, speed=speed, strict=strict, partial=partial, junit=junit, summary=summary)
    )


def run_gate(
    results: Path,
    ref: Path,
    *,
    alpha: float,
    speed: Speed = Speed.auto,
    strict: bool = False,
    partial: bool = False,
    junit: Path | None = None,
    summary: Path | None = None,
) -> int:
    """Judge a folder of results against a reference, print the findings, return the exit code."""
    from bench.gate import finding, judge, reference, report
    from bench.leaderboard.newest import newest
    from bench.records.store import open_results

    if not 0 < alpha < 1:
        raise UsageError(f"--alpha must lie between 0 and 1, got {alpha:g}")
    old = reference.read(ref)
    store, records = open_results(results, option="--results")
    fresh = reference.summarise(records)
    _check_suites(old, fresh, ref, results)
    fail = speed is Speed.fail or (speed is Speed.auto and not shared_machine())
    findings = judge.judge(old, fresh, alpha=alpha, fail_on_speed=fail, partial=partial)
    findings += [finding.Finding(line, "record", "error", "a stored cell cannot be read") for line in store.problems]
    findings += [finding.Finding(gone.row, "seeds", "note", gone.words) for gone in newest(records).left_out]
    head, code = report.headline(findings), judge.exit_code(findings, strict=strict)
    for line in (*report.lines(findings), head):
        print(line)
    unwritten = _write(junit, report.junit(findings), "--junit") if junit else []
    unwritten += _write(summary, report.summary(findings, head).encode(), "--summary") if summary else []
    for line in unwritten:
        print(clean(f"bench: {line}"), file=sys.stderr)
    return code or (UsageError.exit_code if unwritten else 0)


def shared_machine() -> bool:
    """Tell whether others may slow this machine down.

    A CI runner, or five minutes with more work than cores.
    """
    from bench.executors.device import cores

    return any(os.environ.get(name) for name in SHARED) or os.getloadavg()[1] > cores() + 1


def accept_results(results: Path, ref: Path, *, partial: bool = False) -> str:
    """Write the reference of reviewed results; return lines that say which rows it now holds."""
    from bench.gate import reference
    from bench.records.environment import source_state
    from bench.records.record import FAILED
    from bench.records.store import open_results

    store, records = open_results(results, option="--results")
    fresh = reference.summarise(records)
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


def _check_suites(old: Reference, fresh: Reference, ref: Path, results: Path) -> None:
    """Refuse results of suites that the reference knows nothing of: all would be new, and green."""
    from bench.gate import reference

    unknown = sorted(reference.suites_of(fresh) - reference.suites_of(old))
    if unknown:
        known = ", ".join(sorted(reference.suites_of(old))) or "nothing"
        raise UsageError(
            f"{results} holds {', '.join(unknown)}, but --ref {ref} holds {known}; "
            f"accept reviewed results of that suite first: bench gate --accept --results DIR"
        )


def _write(path: Path, raw: bytes, option: str) -> list[str]:
    """Write a report into a pipe or device, or in a file's place.

    Return why that failed, which changes no verdict.
    """
    from bench.files import write_atomic

    try:
        if path.exists() and not path.is_file():
            path.write_bytes(raw)
        else:
            write_atomic(path, raw)
    except OSError as error:
        return [f"{option} {path} cannot be written: {error.strerror or error}; name a file in a folder that can be"]
    return []
