"""Judge speed, memory and failures against their budgets."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from bench.gate.finding import Finding
from bench.records.record import FAILED

SPEED_BUDGET = 2.0  # times slower than the reference, after both machines' speed is divided out
NOISY = 0.5  # spread (max - min) / median of a measurement's windows above which it decides nothing
MEMORY_BUDGET = 1.25  # times the reference's peak memory ...
MEMORY_SLACK = 48 * 2**20  # ... plus what the allocator may hold on to


ENDED_EARLY = (*FAILED, "diverged")  # statuses of seeds that may lack metrics


def judge_status(row: str, before: dict[str, int], after: dict[str, Any]) -> Finding:
    """Say whether seeds failed that had not failed in the reference.

    before, after["statuses"]: status -> number of seeds.
    """
    statuses = Counter(after["statuses"])
    for status in ENDED_EARLY:
        count, was = statuses[status], before.get(status, 0)
        if count > was:
            verdict = "error" if status in FAILED else "regression"
            seeds = sum(statuses.values())
            words = f"{status} in {count} of {seeds} seeds, {was} in the reference: {after['error'] or 'no message'}"
            return Finding(row, "status", verdict, words, math.inf)
        if count:
            return Finding(row, "status", "note", f"{status} in {count} seeds, as in the reference")
    return Finding(row, "status", "same", "every seed ended well")


def judge_speed(row: str, before: dict[str, Any], after: dict[str, Any], *, fail: bool) -> list[Finding]:
    """Judge training and sampling speed, each side divided by its machine's calibration workload.

    fail: a slow one is red.
    """
    findings: list[Finding] = []
    machine = relative_machine(before, after)
    for name, subject in (("train", "speed of training"), ("sample", "speed of sampling")):
        was, now = before.get(f"{name}_examples_per_s"), after.get(f"{name}_examples_per_s")
        if not was or not now or machine is None:
            continue
        slower = was * machine / now
        if slower <= SPEED_BUDGET:
            verdict = "same" if slower == 1 else "within"
            findings.append(Finding(row, subject, verdict, f"{1 / slower:.2f} of the reference's speed"))
            continue
        spreads = [side.get(f"{name}_spread") or 0.0 for side in (before, after)]
        verdict, advice = _verdict_on_slower(slower, spreads, fail=fail)
        words = f"{slower:.2f} times slower, the budget is {SPEED_BUDGET:g} ({was:,.4g} -> {now:,.4g} per second"
        words += f", this machine is {machine:.2f} times the reference's){advice}"
        findings.append(Finding(row, subject, verdict, words, math.log(slower)))
    return findings


def _verdict_on_slower(slower: float, spreads: list[float], *, fail: bool) -> tuple[str, str]:
    """Return the verdict on a speed beyond its budget, and advice.

    spreads: of the windows that either side measured.
    """
    spread = max(spreads)
    if spread > NOISY or slower <= SPEED_BUDGET * (1 + sum(spreads)):
        return "inconclusive", f"; the windows differ by {spread:.0%}: measure again on a quiet machine"
    return ("regression", "") if fail else ("inconclusive", "; a warning on a shared runner")


def relative_machine(before: dict[str, Any], after: dict[str, Any]) -> float | None:
    """Return how many times faster this machine is than the reference's.

    It is None where neither the workload's speed nor the machine is known.
    """
    was, now = before.get("matmul_flops_per_s"), after.get("matmul_flops_per_s")
    if was and now:
        return now / was
    same = before.get("env_ref") and before.get("env_ref") == after.get("env_ref")
    return 1.0 if same else None


def judge_memory(row: str, before: float | None, after: float | None, subject: str) -> Finding | None:
    """Judge peak bytes against their budget; None where one side was not measured."""
    if not before or not after:
        return None
    words = f"{before / 2**20:,.0f} -> {after / 2**20:,.0f} MiB"
    if after > MEMORY_BUDGET * before + MEMORY_SLACK:
        budget = f"the budget is {MEMORY_BUDGET:g} times and {MEMORY_SLACK / 2**20:.0f} MiB"
        return Finding(row, subject, "regression", f"{words}; {budget}", after / before)
    return Finding(row, subject, "same" if before == after else "within", words)
