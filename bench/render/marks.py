"""Marks beside a name: what a reader must know before believing its rank, the same in every rendering.

A mark is read off the findings, so that a new one is a line in MARKS.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from bench.leaderboard.copying import EXACT_COPIES, NEAR_COPIES
from bench.leaderboard.row import IMPROVING, Row

MARKS = {  # how a finding opens -> the mark that stands beside the name (empty: the finding itself), and whether it is a warning
    EXACT_COPIES: ("copies", True),
    NEAR_COPIES: ("copies", True),
    IMPROVING: ("", False),
}


class Mark(NamedTuple):
    """Words beside a name; `about` is the finding in full. A warning is told from what is only said."""

    text: str
    about: str
    warns: bool

    @property
    def short(self) -> str:
        """Return the mark where there is little room: "still improving"."""
        return self.text.partition(":")[0]


def marks(row: Row, findings: Iterable[str]) -> list[Mark]:
    """List the marks of a row, each once: failed seeds, then what its findings open with."""
    listed = (
        [Mark(f"{row.n_failed} failed", "seeds that did not end: the row ranks last", True)] if row.n_failed else []
    )
    for words in findings:
        known = next((MARKS[opening] for opening in MARKS if words.startswith(opening)), None)
        text = "" if known is None else known[0] or words
        if known is not None and text not in {mark.text for mark in listed}:
            listed.append(Mark(text, words, known[1]))
    return listed


def marked(row: Row, findings: Iterable[str]) -> str:
    """Write a name with its marks: "lda † (copies, 1 failed)"."""
    texts = ", ".join(mark.text for mark in marks(row, findings))
    return row.model + (" †" if row.uses_labels else "") + (f" ({texts})" if texts else "")
