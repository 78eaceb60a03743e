"""Write findings as lines for a terminal, Markdown for a job's page, JUnit for a CI server."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from xml.etree import ElementTree

from bench.gate.finding import RED, VERDICTS, Finding
from bench.render.text import clean

SUMMARY_BYTES = 2**20  # what a job page takes
SECTION_BYTES = 200_000
SHOWN = 20  # warnings, and notes, that a terminal is shown
UNPRINTED = ("within", "same")  # verdicts that are only counted
TITLES = {
    "error": "Errors",
    "regression": "Regressions",
    "inconclusive": "Inconclusive: warnings",
    "note": "Notes",
    "within": "Different, within what is allowed",
    "same": "Identical",
}


def ordered(findings: Sequence[Finding]) -> list[Finding]:
    """Sort findings: the gravest first, then the largest, then by name."""
    return sorted(findings, key=lambda f: (VERDICTS.index(f.verdict), -f.size, f.row, f.subject))


def _by_verdict(findings: Sequence[Finding]) -> list[tuple[str, list[Finding]]]:
    return [(verdict, list(group)) for verdict, group in groupby(ordered(findings), key=lambda f: f.verdict)]


def headline(findings: Sequence[Finding]) -> str:
    """Say the verdict of a run in one line."""
    count = Counter(f.verdict for f in findings)
    rows = len({f.row for f in findings})
    red = sum(count[v] for v in RED)
    words = f"RED: {red} findings" if red else "green"
    parts = [f"{count[v]} {TITLES[v].partition(':')[0].lower()}" for v in VERDICTS if count[v]]
    speed = len({f.row for f in findings if f.subject.startswith("speed")})
    return f"gate: {words}; {rows} rows: {', '.join(parts) or 'nothing compared'}; speed judged on {speed} rows"


def lines(findings: Sequence[Finding]) -> list[str]:
    """Write lines for a terminal or a log: what is red in full, at most twenty warnings and notes each."""
    printed: list[str] = []
    for verdict, members in _by_verdict(findings):
        if verdict in UNPRINTED:
            continue
        shown = members if verdict in RED else members[:SHOWN]
        printed += [clean(f"{verdict.upper():13} {f.row} {f.subject}: {f.words}") for f in shown]
        if len(members) > len(shown):
            printed.append(f"{verdict.upper():13} ... and {len(members) - len(shown)} more (see --summary)")
    return printed


def junit(findings: Sequence[Finding]) -> bytes:
    """Write JUnit XML, a test case a row.

    A regression is a failure, a crash or a missing row an error, and what is inconclusive is skipped.
    """
    rows: dict[str, list[Finding]] = {}
    for finding in ordered(findings):
        rows.setdefault(finding.row, []).append(finding)
    cases = [_case(row, members) for row, members in sorted(rows.items())]
    count = Counter(child.tag for case in cases for child in case)
    numbers = {"failures": count["failure"], "errors": count["error"], "skipped": count["skipped"]}
    attributes = {"name": "bench gate", "tests": str(len(cases))} | {k: str(v) for k, v in numbers.items()}
    suite = ElementTree.Element("testsuite", attributes)
    suite.extend(cases)
    root = ElementTree.Element("testsuites", attributes)
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _case(row: str, findings: list[Finding]) -> ElementTree.Element:
    board, _, model = row.rpartition("/")
    case = ElementTree.Element("testcase", {"classname": xml_text(board.replace("/", ".")), "name": xml_text(model)})
    tags = {"error": "error", "regression": "failure", "inconclusive": "skipped"}
    worst = next((tags[f.verdict] for f in findings if f.verdict in tags), None)  # findings: the gravest first
    if worst:
        said = [f for f in findings if f.verdict in tags]
        child = ElementTree.SubElement(case, worst, {"message": xml_text(f"{said[0].subject}: {said[0].words}")})
        child.text = xml_text("\n".join(f"{f.verdict}: {f.subject}: {f.words}" for f in said))
    return case


def xml_text(text: str) -> str:
    """Replace the characters that XML 1.0 cannot hold by spaces."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", " ", text)


def summary(findings: Sequence[Finding], head: str) -> str:
    """Write Markdown below 1 MiB, a section a verdict.

    Each section is cut by itself, so that a long one hides no other.
    """
    from bench.render.markdown import escape, table  # imports pandas

    parts = [f"## {escape(head)}\n"]
    for verdict, members in _by_verdict(findings):
        parts.append(f"### {TITLES[verdict]} ({len(members)})\n")
        if verdict in UNPRINTED:
            continue
        rows = _rows_that_fit(members)
        parts.append(table(("row", "what", "finding"), rows) + "\n")
        if len(rows) < len(members):
            parts.append(f"... and {len(members) - len(rows)} more.\n")
    text = "\n".join(parts)
    assert len(text.encode()) < SUMMARY_BYTES
    return text


def _rows_that_fit(findings: Sequence[Finding]) -> tuple[tuple[str, ...], ...]:
    """Return the rows of a section's table, as many as its bytes allow."""
    from bench.render.markdown import table  # imports pandas

    rows: list[tuple[str, ...]] = []
    size = 0
    for finding in findings:
        row = (finding.row, finding.subject, finding.words)
        size += len(table(("",) * 3, (row,)).encode())
        if size > SECTION_BYTES:
            break
        rows.append(row)
    return tuple(rows)
