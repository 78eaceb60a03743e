"""Hostile inputs through every door: folders, arrays, tables, suites, models, result files, command lines.

    python -m studies.hostile [--count 2000] [--seed 0] [--json FILE]

Every input goes through the command line's own entry point, `bench.cli.app.main`, in this process with its streams caught. What
counts as a fault: a traceback; an exit code of 1 ("internal error"); an exit code that the contract has not; a refusal of more
than three lines or without a word; and, where the right reading is known, an accepted input that was read otherwise.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.cli import app
from studies.hostile_inputs import DOORS, Case

CODES = {0, 2, 3, 4, 5, 6, 7}
MOST_LINES = 3  # of a refusal


@dataclass(frozen=True)
class Answer:
    """What the command line said to one input."""

    code: int
    words: str
    errors: str


@dataclass(frozen=True)
class Fault:
    """An input that was answered wrongly."""

    door: str
    name: str
    what: str
    words: str


def ask(arguments: list[str]) -> Answer:
    """Run one command line in this process and catch its streams and its exit code."""
    words, errors = io.StringIO(), io.StringIO()
    before = sys.argv
    sys.argv = ["bench", *arguments]
    try:
        with contextlib.redirect_stdout(words), contextlib.redirect_stderr(errors):
            app.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.argv = before
    return Answer(code, words.getvalue(), errors.getvalue())


def fault_of(case: Case, answer: Answer) -> str:
    """Say what is wrong with an answer; empty if nothing is."""
    said = answer.errors + answer.words
    if "Traceback (most recent call last)" in said:
        return "traceback"
    if "internal error:" in said or answer.code == 1:
        return "internal error"
    if answer.code not in CODES:
        return f"exit code {answer.code}"
    if answer.code and not said.strip():
        return "a refusal without a word"
    if answer.code == 2 and "Usage:" not in said and len(answer.errors.strip().splitlines()) > MOST_LINES:
        return "a refusal of many lines"
    if case.refused and answer.code == 0:
        return "accepted, and has no right reading"
    return _misread(case, json.loads(answer.words)) if answer.code == 0 and (case.rows or case.values) else ""


def _misread(case: Case, value: dict[str, Any]) -> str:
    """Say how an accepted input was read otherwise than it is meant; empty if it was not."""
    rows = sum(value["rows"].values()) if case.rows else None
    if rows != case.rows and "missing" not in value["notes"] and "left out" not in value["notes"]:
        return f"{rows} rows of {case.rows}, and nothing is said of the others"
    wrong = [key for key, meant in case.values.items() if value[key] != meant]
    return f"{wrong[0]} is {value[wrong[0]]!r}, meant {case.values[wrong[0]]!r}" if wrong else ""


def cases(count: int, *, seed: int, folder: Path) -> Iterator[Case]:
    """Yield `count` inputs, door by door in turn, written below a folder."""
    random = np.random.default_rng(seed)
    for i in range(count):
        door = list(DOORS)[i % len(DOORS)]
        place = folder / f"{i:05}"
        place.mkdir()
        yield DOORS[door](random, place)


def attack(count: int, *, seed: int) -> tuple[list[Fault], Counter[str]]:
    """Try inputs; return the faults, and how many inputs had each exit code, door by door."""
    faults: list[Fault] = []
    codes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, kept_apart(Path(folder)):
        for case in cases(count, seed=seed, folder=Path(folder)):
            answer = ask(case.arguments)
            codes[f"{case.door} {answer.code}"] += 1
            what = fault_of(case, answer)
            if what:
                words = (answer.errors.strip() or answer.words.strip())[-300:]
                faults.append(Fault(case.door, case.name, what, words))
    return faults, codes


@contextlib.contextmanager
def kept_apart(folder: Path) -> Iterator[None]:
    """Keep caches in a folder of their own, and streams as they are."""
    before = os.environ.get("XDG_CACHE_HOME")
    lasting = app.lasting_streams
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    app.lasting_streams = lambda: None  # it would lay hands on this process's own descriptors
    try:
        yield
    finally:
        app.lasting_streams = lasting
        if before is None:
            del os.environ["XDG_CACHE_HOME"]
        else:
            os.environ["XDG_CACHE_HOME"] = before


def main() -> None:
    """Try inputs and print what came of them; exit code 1 where there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    faults, codes = attack(asked.count, seed=asked.seed)
    for fault in faults:
        print(f"{fault.door}: {fault.name}: {fault.what}\n    {fault.words}")
    print(f"{asked.count} inputs, {len(faults)} faults; inputs by exit code:")
    for door in DOORS:
        told = ", ".join(
            f"{key.rpartition(' ')[2]}: {n}" for key, n in sorted(codes.items()) if key.startswith(f"{door} ")
        )
        print(f"  {door:10} {told}")
    if asked.json:
        asked.json.write_text(json.dumps([fault.__dict__ for fault in faults], indent=1))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
