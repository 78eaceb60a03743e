"""The table of ratios from a pytest-benchmark JSON, and its place in docs/performance.md between two markers."""

from __future__ import annotations

import re
from typing import Any

HEADINGS = ("what", "against", "threads", "ours", "theirs", "ratio (lowest to highest)", "goal", "")
BLOCK = re.compile(r"(<!-- ratios -->\n).*?(<!-- end of ratios -->)", re.DOTALL)


def rows_of(run: dict[str, Any]) -> list[tuple[str, ...]]:
    """One row a peer, and one for each limit without a peer."""
    rows = []
    for info in _compared(run):
        if "limit_seconds" in info:
            rows.append(_limit_row(info))
        rows += [_row(info, peer) for peer in info["peers"]]
    return rows


def _compared(run: dict[str, Any]) -> list[dict[str, Any]]:
    """What the rows with a peer or a limit say of themselves; hot paths without either are in the stored run only."""
    return [b["extra_info"] for b in run["benchmarks"] if "peers" in b["extra_info"]]


def _row(info: dict[str, Any], peer: dict[str, Any]) -> tuple[str, ...]:
    theirs = _seconds(peer["peer_seconds"]) + (" *" if peer["extrapolated"] else "")
    ours = _seconds(peer["seconds"]) + (" *" if info["whole"] != 1 else "")
    ratio = f"{_number(peer['ratio'])} ({_number(peer['lowest'])} to {_number(peer['highest'])})"
    goal = "" if peer["goal"] is None else _number(peer["goal"])
    verdict = "missed" if goal and peer["ratio"] < peer["goal"] else ""
    return info["row"], peer["peer"], str(info["threads"]), ours, theirs, ratio, goal, verdict


def _limit_row(info: dict[str, Any]) -> tuple[str, ...]:
    verdict = "" if info["seconds"] < info["limit_seconds"] else "missed"
    limit = f"< {info['limit_seconds']} s"
    return info["row"], "", str(info["threads"]), _seconds(info["seconds"]), "", "", limit, verdict


def _seconds(value: float) -> str:
    return f"{value:,.0f} s" if value >= 100 else f"{value:.3g} s"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def machine_lines(run: dict[str, Any]) -> str:
    """When and on what it was measured, one paragraph."""
    machine = run["machine_info"]
    libraries = ", ".join(f"{name} {version}" for name, version in machine["libraries"].items() if version)
    pairs = sorted({peer["pairs"] for info in _compared(run) for peer in info["peers"]})
    return (
        f"Measured on {run['datetime'][:10]}: {machine['processor_name']}, {machine['cores']} cores, Python "
        f"{machine['python_version']}, {libraries}; BLAS of numpy and SciPy: {', '.join(machine['blas'])}; torch uses "
        f"{machine['torch_cpu']}. Medians of {' or '.join(map(str, pairs))} interleaved pairs."
    )


def markdown(run: dict[str, Any]) -> str:
    """The marked block's content."""
    rows = [HEADINGS, ("---",) * len(HEADINGS), *rows_of(run)]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    note = "\\* timed on a part and scaled to the whole."
    return f"\n{machine_lines(run)}\n\n" + "\n".join(lines) + f"\n\n{note}\n\n"


def text(run: dict[str, Any]) -> str:
    """For a terminal of 80 columns: a line for what, one for each peer below it."""
    lines, last = [], ""
    for what, peer, threads, ours, theirs, ratio, goal, verdict in rows_of(run):
        if what != last:
            lines.append(f"{what}, {threads} thread{'s' * (threads != '1')}")
        last = what
        if peer:
            lines.append(f"  {ours}; {peer}: {theirs}")
            lines.append(f"    ratio {ratio}" + f", goal {goal} {verdict}".rstrip() * bool(goal))
        else:
            lines.append(f"  {ours}, goal {goal} {verdict}".rstrip())
    return "\n".join([*lines, "* timed on a part and scaled to the whole"])


def with_table(page: str, run: dict[str, Any]) -> str:
    """The page with its marked block made anew; ValueError where the markers are missing."""
    if not BLOCK.search(page):
        raise ValueError("expected the markers <!-- ratios --> and <!-- end of ratios -->, found none; restore them")
    return BLOCK.sub(lambda m: m[1] + markdown(run) + m[2], page)
