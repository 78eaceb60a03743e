"""Write what results/ derives from its cells: the same bytes each time, only when they changed."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from bench.files import write_atomic
from bench.leaderboard.boards import Boards
from bench.records.environment import stored
from bench.records.record import Record
from bench.records.store import Store, collector_paused
from bench.records.tuning import Search, read_searches
from bench.render.board import make_boards
from bench.render.html import leaderboard_html
from bench.render.markdown import leaderboard_markdown, results_readme
from bench.submissions.store import as_records, read_all


@collector_paused()
def write_boards(store: Store) -> list[Path]:
    """Rebuild leaderboard.{csv,json,md,html} and README.md from the cells; return the files."""
    records = store.records()
    machines = environment_lines(records, store.out)
    records += submitted(store, records)
    boards = Boards.of(records, searches_of(store))
    tables = make_boards(boards)
    texts = {
        "leaderboard.csv": to_csv(boards.frame),
        "leaderboard.json": to_json(boards),
        "leaderboard.md": leaderboard_markdown(tables, boards),
        "leaderboard.html": leaderboard_html(boards, out=store.out),
        "README.md": results_readme(tables, boards, store.out, machines),
    }
    for name, text in texts.items():
        path = store.out / name
        if not path.exists() or path.read_bytes() != text.encode():
            write_atomic(path, text.encode())
    return [store.out / name for name in texts]


def submitted(store: Store, records: list[Record]) -> list[Record]:
    """Make the board rows of a folder's submissions; unreadable files join the store's problems."""
    submissions, problems = read_all(store.out)
    store.problems += problems
    return as_records(submissions, records)


def searches_of(store: Store) -> list[Search]:
    """Read a folder's searches; unreadable files join the store's problems."""
    searches, problems = read_searches(store.out)
    store.problems += [problem for problem in problems if problem not in store.problems]
    return searches


def page(store: Store, records: list[Record]) -> str:
    """Write leaderboard.html of some of a store's records."""
    return leaderboard_html(Boards.of(records, searches_of(store)), out=store.out)


def to_csv(frame: pd.DataFrame) -> str:
    """Write the table as CSV; an apostrophe quotes what a spreadsheet would run as a formula."""
    safe = frame.copy()
    for column in ("model", "dataset", "suite"):
        safe[column] = safe[column].map(lambda v: f"'{v}" if str(v)[:1] in "=+-@\t\r" else v)
    return safe.to_csv(index=False, float_format="%.9g", lineterminator="\n")


def to_json(boards: Boards) -> str:
    """Write the table's rows as JSON, with the summary, the flags and the rows that were tuned."""
    frame = boards.frame
    rows = json.loads(frame[sorted(frame)].to_json(orient="records", double_precision=12))
    summary = json.loads(boards.summary.to_json(orient="records", double_precision=12))
    names = ("suite", "device", "dataset", "model")
    flags = [dict(zip(names, key)) | {"flags": words} for key, words in boards.flags.items()]
    tuned = [dict(zip(names, key)) | asdict(one) for key, one in sorted(boards.tuned.items())]
    value = {"schema": "bench.leaderboard/1", "rows": [], "summary": summary, "flags": flags} | (
        {"tuned": tuned} if tuned else {}
    )
    text = json.dumps(value, indent=1, sort_keys=True) + "\n"
    # the rows are many and flat: without `indent` json's fast encoder writes them, the same bytes in a third of the time
    encode = json.JSONEncoder(separators=(",\n   ", ": ")).encode
    lines = [encode(row)[1:-1] for row in rows]
    whole = ",\n".join("  {\n   " + line + "\n  }" for line in lines)
    return text.replace('"rows": []', f'"rows": [\n{whole}\n ]', 1) if rows else text


def environment_lines(records: list[Record], out: Path) -> list[str]:
    """Describe each machine that records were made on in a line."""
    lines = []
    for ref in sorted({r["env_ref"] for r in records if r.get("env_ref")}):
        env = stored(out, ref)
        if env:
            dates = sorted(r["started_utc"][:10] for r in records if r.get("env_ref") == ref and r.get("started_utc"))
            span = dates[0] if dates and dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}" if dates else "?"
            gpu = f", {env['gpu']}" if env.get("gpu") else ""
            lines.append(
                f"{env['processor']}, {env['cores']} cores, {env['memory_gib']} GiB{gpu}; Python {env.get('python')}, "
                f"torch {env['libraries'].get('torch')}; {span}"
            )
    return lines
