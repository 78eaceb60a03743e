"""Compare results with the reference, row by row, and say what the run's exit code is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bench.gate.budgets import ENDED_EARLY, judge_memory, judge_speed, judge_status
from bench.gate.finding import RED, Finding
from bench.gate.power import ALPHA
from bench.gate.quality import Change, judge_quality
from bench.records.record import FAILED


def judge(
    reference: dict[str, Any],
    fresh: dict[str, Any],
    *,
    alpha: float = ALPHA,
    fail_on_speed: bool = True,
    partial: bool = False,
) -> list[Finding]:
    """Return all findings about fresh results.

    Both sides are {"columns", "rows"} as bench.gate.reference makes them.

    fail_on_speed: a slow row is red, not a warning; partial: a row that is missing from the fresh results is no error.
    """
    suites = {row.split("/")[0] for row in fresh["rows"]}
    old = {row: facts for row, facts in reference["rows"].items() if row.split("/")[0] in suites}
    findings: list[Finding] = []
    changes: list[Change] = []
    for row in sorted(old.keys() | fresh["rows"].keys()):
        before, after = old.get(row), fresh["rows"].get(row)
        if before is None:
            findings.append(_new_row(row, after))
        elif after is not None:
            findings += _judge_row(row, before, after, fail_on_speed=fail_on_speed)
            comparable, problems = changes_of(row, before, after, columns=(reference["columns"], fresh["columns"]))
            changes += comparable
            findings += problems
        elif not partial:
            words = "in the reference, not in these results: a plugin is broken, or the run was not whole (--partial)"
            findings.append(Finding(row, "status", "error", words))
    return findings + judge_quality(changes, alpha=alpha)


def _new_row(row: str, after: dict[str, Any]) -> Finding:
    failed = any(status in FAILED for status in after["statuses"])
    words = f"new, nothing to compare with; {after['error']}" if failed else "new, nothing to compare with"
    return Finding(row, "status", "error" if failed else "note", words)


def _judge_row(row: str, before: dict[str, Any], after: dict[str, Any], *, fail_on_speed: bool) -> list[Finding]:
    """Judge everything but the metrics: status, speed and memory."""
    memory = [
        judge_memory(row, before.get(name), after.get(name), subject)
        for name, subject in (("peak_rss_bytes", "memory"), ("peak_cuda_bytes", "memory of the GPU"))
    ]
    return [
        judge_status(row, before["statuses"], after),
        *judge_speed(row, before, after, fail=fail_on_speed),
        *(finding for finding in memory if finding is not None),
    ]


def changes_of(
    row: str,
    before: dict[str, Any],
    after: dict[str, Any],
    *,
    columns: tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]],
) -> tuple[list[Change], list[Finding]]:
    """Return the metrics of a row that can be compared, and findings about those that cannot.

    columns: those of the reference and of the fresh results, by board and metric.
    """
    changes: list[Change] = []
    problems: list[Finding] = []
    board = row.rpartition("/")[0]
    for metric, values in before["metrics"].items():
        old, new = (side.get(f"{board}/{metric}") for side in columns)
        now = after["metrics"].get(metric)
        if not now or old is None or new is None:
            if not set(after["statuses"]) & set(ENDED_EARLY):
                problems.append(Finding(row, metric, "error", "in the reference, no longer measured", math.inf))
        elif before["dataset"] != after["dataset"] or old["version"] != new["version"]:
            what = "the dataset" if before["dataset"] != after["dataset"] else f"the definition of {metric}"
            words = f"{what} changed: the values cannot be compared; bench gate --accept takes the new ones"
            problems.append(Finding(row, metric, "inconclusive", words))
        else:
            sides = tuple(values), tuple(now)
            changes.append(Change(row, metric, *sides, old["scale"], old["better"], old["delta"]))
    return changes, problems


def exit_code(findings: Sequence[Finding], *, strict: bool = False) -> int:
    """Return 4 if anything is red, 5 with strict if anything is inconclusive, else 0."""
    verdicts = {finding.verdict for finding in findings}
    if verdicts & set(RED):
        return 4
    return 5 if strict and "inconclusive" in verdicts else 0
