"""Kinds of boards: that of their data, or a kind of its own for those that go by exact probabilities."""

from __future__ import annotations

from bench.registry import entries

LIKELIHOOD = "likelihood"  # such a board admits other models than one of samples does


def kind_of_board(primary: str, kind: str) -> str:
    """Name a board's kind: that of its data, or LIKELIHOOD where its primary metric needs probabilities."""
    known = entries("metric")
    needs = known[primary].constants.get("needs", ()) if primary in known else ()
    return LIKELIHOOD if "log_prob" in needs else kind
