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


def judge_status(row: str, before: dict[str, int], after: dict[str, Any]) -> Finding:
    """What failed now and had not failed in the reference. before, after["statuses"]: status -> number of seeds."""
    statuses = Counter(after["statuses"])
    for status in (*FAILED, "diverged"):
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
    """Training and sampling speed, each side divided by its machine's calibration workload. fail: a slow one is red."""
    found = []
    machine = relative_machine(before, after)
    for name, subject in (("train", "speed of training"), ("sample", "speed of sampling")):
        was, now = before.get(f"{name}_examples_per_s"), after.get(f"{name}_examples_per_s")
        if not was or not now or machine is None:
            continue
        slower = was * machine / now
        if slower <= SPEED_BUDGET:
            verdict = "same" if slower == 1 else "within"
            found.append(Finding(row, subject, verdict, f"{1 / slower:.2f} of the reference's speed"))
            continue
        spreads = [side.get(f"{name}_spread") or 0.0 for side in (before, after)]
        spread, certain = max(spreads), slower > SPEED_BUDGET * (1 + sum(spreads))
        words = f"{slower:.2f} times slower, the budget is {SPEED_BUDGET:g} ({was:,.4g} -> {now:,.4g} per second"
        words += f", this machine is {machine:.2f} times the reference's)"
        if spread > NOISY or not certain:
            words += f"; the windows differ by {spread:.0%}: measure again on a quiet machine"
        elif not fail:
            words += "; a warning on a shared runner"
        verdict = "regression" if fail and certain and spread <= NOISY else "inconclusive"
        found.append(Finding(row, subject, verdict, words, math.log(slower)))
    return found


def relative_machine(before: dict[str, Any], after: dict[str, Any]) -> float | None:
    """How much faster this machine is than the reference's: calibration workloads, 1 on the same machine, None unknown."""
    was, now = before.get("matmul_flops_per_s"), after.get("matmul_flops_per_s")
    if was and now:
        return now / was
    same = before.get("env_ref") and before.get("env_ref") == after.get("env_ref")
    return 1.0 if same else None


def judge_memory(row: str, before: float | None, after: float | None, subject: str) -> Finding | None:
    """Peak bytes against their budget."""
    if not before or not after:
        return None
    words = f"{before / 2**20:,.0f} -> {after / 2**20:,.0f} MiB"
    if after > MEMORY_BUDGET * before + MEMORY_SLACK:
        budget = f"the budget is {MEMORY_BUDGET:g} times and {MEMORY_SLACK / 2**20:.0f} MiB"
        return Finding(row, subject, "regression", f"{words}; {budget}", after / before)
    return Finding(row, subject, "same" if before == after else "within", words)
