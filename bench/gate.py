"""Regression verdicts: a run's results against the reference. Pure; says in words what it found.

    identical values pass without statistics; a difference is tested: one-sided on the metric's declared scale, Holm over every
    difference of the run; red only if it is significant and beyond the column's delta, in the mean and in the median seed

    p = min(1, 2 min(p_welch, p_outlying)),   t_outlying = worsening / (s_before sqrt(1/n + 1/m)), n - 1 degrees of freedom    (1)

Welch takes the scatter of the new seeds for doubt, and a broken model scatters: three seeds twenty times worse pass it. An
unchanged one would scatter like the reference's seeds, which is what the second test asks; doubling keeps the level. The second
takes a rare collapse that the reference's seeds did not happen to show for a change: hence the median, which one seed cannot move.

Conditional on the held-out rows, which both sides share, so that training seeds are the only noise. Quality, speed and memory
have budgets of their own. What is neither shown to be worse nor shown to be no worse than delta is inconclusive: a warning.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.leaderboard.scales import from_scale, to_scale
from bench.leaderboard.student import holm, satterthwaite, t_quantile, t_tail
from bench.records.record import FAILED

ALPHA = 0.05
SPEED_BUDGET = 2.0  # times slower than the reference, after both machines' speed is divided out
NOISY = 0.5  # spread (max - min) / median of a measurement's windows above which it decides nothing
MEMORY_BUDGET = 1.25  # times the reference's peak memory ...
MEMORY_SLACK = 48 * 2**20  # ... plus what the allocator may hold on to

RED = ("regression", "error")
VERDICTS = ("error", "regression", "inconclusive", "note", "within", "same")  # the gravest first


@dataclass(frozen=True)
class Difference:
    """One metric of one cell before and after: values per seed in the metric's unit; delta is on its scale."""

    row: str
    metric: str
    before: tuple[float, ...]
    after: tuple[float, ...]
    scale: str
    better: str
    delta: float


@dataclass(frozen=True)
class Finding:
    """A verdict of VERDICTS about one subject (a metric, speed, memory, status) of one row, in words."""

    row: str
    subject: str
    verdict: str
    words: str
    size: float = 0.0  # how bad, for sorting


@dataclass(frozen=True)
class Welch:
    """Worsening on the scale (positive is worse), its one-sided p-value, and its upper confidence limit; None: unknown."""

    worsening: float
    p: float | None
    limit: float | None


def welch(test: Difference, *, alpha: float = ALPHA) -> Welch:
    """One-sided Welch test that `after` is worse. A side of one seed takes the other side's variance."""
    sign = 1 if test.better == "lower" else -1
    sides = [[to_scale(value, test.scale) for value in values] for values in (test.before, test.after)]
    means = [math.fsum(values) / len(values) for values in sides]
    worsening = sign * (means[1] - means[0])
    variances = [_variance(values, mean) for values, mean in zip(sides, means)]
    known = [v for v in variances if v is not None]
    if not known:
        return Welch(worsening, None, None)
    parts = []
    for values, own in zip(sides, variances):
        chosen, df = (own, len(values) - 1) if own is not None else (known[0], max(len(s) for s in sides) - 1)
        parts.append((chosen / len(values), df))
    se = math.sqrt(parts[0][0] + parts[1][0])
    if se == 0.0:
        return Welch(worsening, 0.0 if worsening > 0 else 1.0, worsening)
    df = satterthwaite(parts)
    if None in variances:  # one variance used twice has its own degrees of freedom, not twice as many
        df = parts[0][1]
    return Welch(worsening, t_tail(worsening / se, df), worsening + t_quantile(1 - alpha, df) * se)


def outlying(test: Difference) -> float | None:
    """One-sided p-value of the new mean as seeds of the reference's own scatter, eq. (1); None where that is not known."""
    before, after = ([to_scale(v, test.scale) for v in values] for values in (test.before, test.after))
    mean, k = math.fsum(before) / len(before), len(before)
    variance = _variance(before, mean)
    if not variance or len(after) < 2:  # of one new seed Welch asks the same
        return None
    worsening = (1 if test.better == "lower" else -1) * (math.fsum(after) / len(after) - mean)
    return t_tail(worsening / math.sqrt(variance * (1 / k + 1 / len(after))), k - 1)


def typical_worsening(test: Difference) -> float:
    """Worsening of the median seed against the reference's mean seed, on the scale."""
    before, after = ([to_scale(v, test.scale) for v in values] for values in (test.before, test.after))
    return (1 if test.better == "lower" else -1) * (median(after) - math.fsum(before) / len(before))


def p_value(test: Difference, found: Welch) -> float | None:
    """Both tests in one, eq. (1); None where no variance is known."""
    other = outlying(test)
    return found.p if other is None or found.p is None else min(1.0, 2 * min(found.p, other))


def _variance(values: Sequence[float], mean: float) -> float | None:
    return math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1) if len(values) > 1 else None


def judge_quality(tests: Sequence[Difference], *, alpha: float = ALPHA) -> list[Finding]:
    """A verdict a test, in their order. Identical values are no test and cost Holm's correction nothing."""
    differing = [test for test in tests if not _identical(test)]
    results = {id(test): welch(test, alpha=alpha) for test in differing}
    found = [p_value(test, results[id(test)]) for test in differing]
    p_values = holm([1.0 if p is None else p for p in found])
    adjusted = {id(test): p for test, p in zip(differing, p_values)}
    return [
        _finding(test, results[id(test)], adjusted[id(test)], alpha)
        if id(test) in results
        else Finding(test.row, test.metric, "same", "identical")
        for test in tests
    ]


def _identical(test: Difference) -> bool:
    """Every seed that both sides ran gave the same bits (a run of fewer seeds is compared with the first ones)."""
    count = min(len(test.before), len(test.after))
    return test.before[:count] == test.after[:count]


def _finding(test: Difference, found: Welch, p: float, alpha: float) -> Finding:
    change = (
        f"{_centre(test.before, test.scale)} -> {_centre(test.after, test.scale)} ({_effect(test, found.worsening)}"
    )
    seeds = f"{len(test.before)} and {len(test.after)} seeds"
    if found.p is None:
        words = f"{change}; one seed on each side decides nothing: run more seeds)"
        return Finding(test.row, test.metric, "inconclusive", words, found.worsening)
    significant, beyond = p < alpha, found.worsening > test.delta
    if significant and beyond and typical_worsening(test) <= test.delta:
        words = f"{change}, p {p:.2g}, but the median of {seeds} is not beyond delta: a few seeds moved the mean)"
        return Finding(test.row, test.metric, "inconclusive", words, found.worsening)
    if significant and beyond:
        return Finding(test.row, test.metric, "regression", f"{change}, p {p:.2g}, {seeds})", found.worsening)
    if found.limit is not None and found.limit <= test.delta:
        return Finding(test.row, test.metric, "within", f"{change}, within delta)", found.worsening)
    if significant:
        words = f"{change}, p {p:.2g}: worse, but by less than delta {_effect(test, test.delta)})"
    else:
        words = f"{change}, p {p:.2g}, {seeds}: cannot exclude {_effect(test, test.delta)})"
    return Finding(test.row, test.metric, "inconclusive", words, found.worsening)


def _centre(values: Sequence[float], scale: str) -> str:
    return f"{from_scale(math.fsum(to_scale(v, scale) for v in values) / len(values), scale):.4g}"


def _effect(test: Difference, size: float) -> str:
    """A worsening in words: percent on the log scale, steps of the unit or of the odds elsewhere."""
    direction = "worse" if size >= 0 else "better"
    if math.isinf(size):
        return "any change"
    if test.scale == "log":
        return f"{math.expm1(min(abs(size), 50)):.1%} {direction}"
    unit = " on the logit scale" if test.scale == "logit" else ""
    return f"{abs(size):.3g}{unit} {direction}"


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
    tests: list[Difference] = []
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
) -> tuple[list[Difference], list[Finding]]:
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
            tests.append(Difference(row, metric, *sides, old["scale"], old["better"], old["delta"]))
    return tests, problems


def exit_code(findings: Sequence[Finding], *, strict: bool = False) -> int:
    """4 if anything is red, 5 with strict if anything is inconclusive, else 0."""
    verdicts = {finding.verdict for finding in findings}
    if verdicts & set(RED):
        return 4
    return 5 if strict and "inconclusive" in verdicts else 0
