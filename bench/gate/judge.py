"""Compare results with the reference, row by row, and say what the run's exit code is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bench.gate.budgets import judge_memory, judge_speed, judge_status
from bench.gate.finding import RED, Finding
from bench.gate.quality import ALPHA, Change, judge_quality
from bench.records.record import FAILED


def judge(
    reference: dict[str, Any],
    fresh: dict[str, Any],
    *,
    alpha: float = ALPHA,
    fail_on_speed: bool = True,
    partial: bool = False,
) -> list[Finding]:
    """All findings. reference, fresh: {"columns", "rows"} as bench.reference makes them; partial: missing rows are no error."""
    suites = {row.split("/")[0] for row in fresh["rows"]}
    old = {row: facts for row, facts in reference["rows"].items() if row.split("/")[0] in suites}
    found: list[Finding] = []
    tests: list[Change] = []
    for row in sorted(old.keys() | fresh["rows"].keys()):
        before, after = old.get(row), fresh["rows"].get(row)
        if after is None:
            words = "in the reference, not in these results: a plugin is broken, or the run was not whole (--partial)"
            found += [] if partial else [Finding(row, "status", "error", words)]
            continue
        if before is None:
            statuses = {s: n for s, n in after["statuses"].items() if s in FAILED}
            words = f"new, nothing to compare with; {after['error']}" if statuses else "new, nothing to compare with"
            found.append(Finding(row, "status", "error" if statuses else "note", words))
            continue
        found += _judge_row(row, before, after, fail_on_speed=fail_on_speed)
        new_tests, problems = differences(row, before, after, reference["columns"], fresh["columns"])
        tests += new_tests
        found += problems
    return found + judge_quality(tests, alpha=alpha)


def _judge_row(row: str, before: dict[str, Any], after: dict[str, Any], *, fail_on_speed: bool) -> list[Finding]:
    findings: list[Finding | None] = [judge_status(row, before["statuses"], after)]
    findings += judge_speed(row, before, after, fail=fail_on_speed)
    findings.append(judge_memory(row, before.get("peak_rss_bytes"), after.get("peak_rss_bytes"), "memory"))
    findings.append(judge_memory(row, before.get("peak_cuda_bytes"), after.get("peak_cuda_bytes"), "memory of the GPU"))
    return [finding for finding in findings if finding is not None]


def differences(
    row: str,
    before: dict[str, Any],
    after: dict[str, Any],
    reference: dict[str, dict[str, Any]],
    fresh: dict[str, dict[str, Any]],
) -> tuple[list[Change], list[Finding]]:
    """The metrics of a row that can be compared, and findings about those that cannot."""
    tests, problems = [], []
    board = row.rpartition("/")[0]
    for metric, values in before["metrics"].items():
        old, new = reference[f"{board}/{metric}"], fresh.get(f"{board}/{metric}")
        now = after["metrics"].get(metric)
        if not now or new is None:
            if not set(after["statuses"]) & {*FAILED, "diverged"}:
                problems.append(Finding(row, metric, "error", "in the reference, no longer measured", math.inf))
        elif before["dataset"] != after["dataset"] or old["version"] != new["version"]:
            what = "the dataset" if before["dataset"] != after["dataset"] else f"the definition of {metric}"
            words = f"{what} changed: the values cannot be compared; bench gate --accept takes the new ones"
            problems.append(Finding(row, metric, "inconclusive", words))
        else:
            sides = tuple(values), tuple(now)
            tests.append(Change(row, metric, *sides, old["scale"], old["better"], old["delta"]))
    return tests, problems


def exit_code(findings: Sequence[Finding], *, strict: bool = False) -> int:
    """4 if anything is red, 5 with strict if anything is inconclusive, else 0."""
    verdicts = {finding.verdict for finding in findings}
    if verdicts & set(RED):
        return 4
    return 5 if strict and "inconclusive" in verdicts else 0
