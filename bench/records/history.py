"""What the boards said over time: leaderboard.csv in each commit that changed it.

Which metric ranked a board then is read from the headings of leaderboard.md beside it.
"""

from __future__ import annotations

import csv
import io
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UsageError

NAME, BOARDS = "leaderboard.csv", "leaderboard.md"
TITLE = re.compile(r"## (\S+) \((?:public|private), suite (\S+), (\S+)\)")  # of a board: dataset, suite, device
PRIMARY = re.compile(r"\*\*(\w+)\*\*")  # in a board's headings
Key = tuple[str, str, str]  # suite, device, dataset


@dataclass(frozen=True)
class Past:
    """A ranked row as one commit had it; low and high are its 95 % interval, None where it had none."""

    commit: str
    date: str  # of the commit, YYYY-MM-DD
    subject: str
    suite: str
    dataset: str
    model: str
    metric: str
    value: float
    low: float | None
    high: float | None
    rank: int
    of: int  # rows that had a rank on the board


def history(folder: Path, *, board: str = "public") -> list[Past]:
    """Read the rows of a board in every commit that changed folder/leaderboard.csv, the oldest first.

    Of the metric that ranked the board then. UsageError where the folder is in no git repository, or no commit has its file.
    """
    past = []
    for commit, date, subject in _commits(folder):
        table, boards = (_file(folder, commit, name) for name in (NAME, BOARDS))
        primaries = primaries_of(boards)
        rows = [row for row in csv.DictReader(io.StringIO(table)) if row.get("board") == board and row.get("rank")]
        ranked = [(key, row) for row in rows if primaries.get(key := _key(row)) == row["metric"]]
        keys = [key for key, _ in ranked]
        past += [
            Past(
                commit,
                date,
                subject,
                suite=row["suite"],
                dataset=row["dataset"],
                model=row["model"],
                metric=row["metric"],
                value=float(row["centre"]),
                low=_number(row.get("ci_low")),
                high=_number(row.get("ci_high")),
                rank=int(float(row["rank"])),
                of=keys.count(key),
            )
            for key, row in ranked
        ]
    return past


def primaries_of(markdown: str) -> dict[Key, str]:
    """Read from leaderboard.md which metric each board was ranked by."""
    found: dict[Key, str] = {}
    key = None
    for line in markdown.replace("\\", "").splitlines():
        if title := TITLE.match(line):
            key = title[2], title[3], title[1]
        elif key and line.startswith("|") and (primary := PRIMARY.search(line)):
            found.setdefault(key, primary[1])
    return found


def _key(row: dict[str, str]) -> Key:
    return row["suite"], row["device"], row["dataset"]


def changes(past: list[Past]) -> list[Past]:
    """Leave out what a commit did not change of a row: its metric, value and rank."""
    last: dict[tuple[str, str, str], Past] = {}
    kept = []
    for one in past:
        key = one.suite, one.dataset, one.model
        before = last.get(key)
        if before is None or (before.metric, before.value, before.rank) != (one.metric, one.value, one.rank):
            kept.append(one)
        last[key] = one
    return kept


def _commits(folder: Path) -> list[list[str]]:
    """Return [commit, date, subject] of those that changed the file, the oldest first."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; expected a folder of results in a git repository")
    log = _git(folder, "log", "--reverse", "--format=%h%x09%cs%x09%s", "--", NAME).splitlines()
    if not log:
        raise UsageError(f"no commit has {folder / NAME}; a history is of committed boards")
    return [line.split("\t", 2) for line in log]


def _file(folder: Path, commit: str, name: str) -> str:
    """Return a file as a commit has it, nothing where the commit took it away."""
    try:
        return _git(folder, "show", f"{commit}:./{name}")
    except UsageError:
        return ""


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise UsageError("git is not installed; a history is read from the commits that changed the boards") from None
    if done.returncode:
        raise UsageError(f"git cannot read the history of {folder}: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout


def _number(text: str | None) -> float | None:
    return float(text) if text else None
