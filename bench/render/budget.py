"""Say how long the models of a board were trained, and which of them were still improving."""

from __future__ import annotations

from collections.abc import Iterable

from bench.leaderboard.row import Curve, Row
from bench.records.record import Record
from bench.render.text import DASH

HEADINGS = ("train core-s", "curve at the end")  # beside the steps
UNKNOWN = "not known"


def steps_text(row: Row) -> str:
    """Write a row's budget; a dash for a model that is not trained in steps."""
    return DASH if row.steps is None else f"{row.steps:,}"


def seconds_text(row: Row) -> str:
    """Write the measured core-seconds of training."""
    return DASH if row.train_core_s is None else f"{row.train_core_s:,.1f}"


def curve_text(row: Row) -> str:
    """Say whether the curve of a row that was trained in steps was flat at its end."""
    if row.steps is None:
        return DASH
    if row.flat is None:
        return UNKNOWN
    if not row.flat:
        return row.curve.words
    return "flat" if row.flat_at is None else f"flat at {row.flat_at:,}"


def ending_of(record: Record) -> str:
    """Say that one run was still improving, and by how much; else empty."""
    plateau = record["training"].get("plateau")
    return Curve(plateau["flat"], plateau["gain"]).words if plateau else ""


def budget_line(rows: Iterable[Row]) -> str:
    """Say in a sentence how long a board's models were trained, and how many of them still improved.

    Empty where none was trained in steps.
    """
    trained = [row for row in rows if row.steps is not None and not row.reference]
    if not trained:
        return ""
    least, most = (f"{pick(row.steps or 0 for row in trained):,}" for pick in (min, max))
    improving = sum(row.flat is False for row in trained)
    unknown = sum(row.flat is None for row in trained)
    span = least if least == most else f"{least} to {most}"
    line = f"Budgets of {span} steps; {improving} of {len(trained)} trained models still improving at the end"
    line += f" ({UNKNOWN} of {unknown})." if unknown else "."
    unranked = any(r.rank is None and not r.n_failed and r.centre is not None and r.better != "none" for r in trained)
    return line + (" In this suite only flat ones take a rank." if unranked else "")
