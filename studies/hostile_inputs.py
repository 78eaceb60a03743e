"""The inputs of studies.hostile: one function a door, which writes something hostile into a folder and says how it is brought."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.registry import ROOT

Random = np.random.Generator


@dataclass(frozen=True)
class Case:
    """A command line. refused: it has no right reading. rows, values: what the JSON of an accepted one says, None and {} where unknown."""

    door: str
    name: str
    arguments: list[str]
    refused: bool = False
    rows: int | None = None
    values: dict[str, Any] = field(default_factory=dict)


def _bytes_spoilt(random: Random, raw: bytes) -> bytes:
    """Cut, overwrite, double or scatter some bytes."""
    spoilt = bytearray(raw)
    how = random.integers(4)
    at = int(random.integers(max(1, len(spoilt))))
    if how == 0:
        return bytes(spoilt[:at])
    if how == 1:
        return bytes(spoilt[:at] + random.bytes(int(random.integers(1, 40))) + spoilt[at:])
    if how == 2:
        return bytes(spoilt[at:] + spoilt[:at])
    for i in random.integers(max(1, len(spoilt)), size=8):
        if len(spoilt):
            spoilt[int(i)] = int(random.integers(256))
    return bytes(spoilt)


ODD_NAMES = (
    "a",
    "b c",
    "ä",
    "label",
    ".hidden",
    "train",
    "test",
    "x" * 200,
    "-m",
    "$(id)",
    "a;b",
    "%s",
    "{}",
    "CON",
    "\u202etxt",
)


def folder(random: Random, place: Path) -> Case:
    """Write images of odd sizes, modes and places, some spoilt, beside files that are none."""
    from PIL import Image

    root = place / str(random.choice(["photos", "digits", "my photos (1)", "ä"]))
    root.mkdir()
    count, n_classes = int(random.choice([0, 3, 60, 60, 60, 60, 80])), int(random.integers(0, 4))
    written = 0
    stray, broken = float(random.choice([0, 0, 0.02])), float(random.choice([0, 0, 0.1]))
    for i in range(count):
        mode = str(random.choice(["L", "RGB", "RGBA", "P", "1", "CMYK", "I;16"]))
        width, height = (int(n) for n in random.choice([1, 7, 8, 9, 28, 32, 33], size=2))
        below = root / f"class{i % n_classes}" if n_classes else root
        if random.random() < stray:
            below = root / str(random.choice(ODD_NAMES))
        below.mkdir(exist_ok=True)
        path = below / f"{i}.{random.choice(['png', 'PNG', 'tiff', 'txt'], p=[0.8, 0.1, 0.05, 0.05])}"
        Image.new(
            mode, (width, height), int(random.integers(1, 255)) if mode in ("L", "P", "1", "I;16") else None
        ).save(path, "TIFF" if mode == "CMYK" else "PNG")
        written += path.suffix != ".txt"
        if random.random() < broken:
            path.write_bytes(_bytes_spoilt(random, path.read_bytes()))
    options = ["--strict"] if random.random() < 0.3 else []
    return Case(
        "folder",
        f"{count} files, {n_classes} classes",
        ["show", str(root), "--json", *options],
        refused=written < 50,
        rows=written,
    )


def arrays(random: Random, place: Path) -> Case:
    """Write an .npz or .npy of any shape and type, whole or spoilt."""
    shape = tuple(int(n) for n in random.choice([0, 1, 2, 3, 8, 32, 60], size=int(random.integers(0, 5))))
    if random.random() < 0.6:  # nearly right
        side = int(random.choice([7, 8, 28]))
        shapes = ((60, 3), (60, side, side), (60, 3, side, side), (60, side, side, 1), (60, 2, side, side))
        shape = shapes[int(random.integers(len(shapes)))]
    dtype = str(random.choice(["f8", "f4", "i8", "u1", "?", "c16", "U3", "S2", "f2", "M8[s]"]))
    if int(np.prod(shape)) > 2_000_000:
        shape = shape[:2]
    x = (random.normal(size=shape) * float(random.choice([1, 1, 1e-300, 1e300, 0, 50]))).astype("f8")
    with np.errstate(all="ignore"):
        x = x.astype("i8").astype(dtype) if dtype.startswith("M8") else x.astype(dtype)
    name = str(random.choice(["x", "y", "samples", "arr_0"], p=[0.7, 0.1, 0.1, 0.1]))
    members: dict[str, Any] = {name: x}
    if random.random() < 0.4:
        members["y"] = random.integers(0, 3, size=int(random.choice([len(x) if x.ndim else 0, 5])))
    path = place / "data.npz"
    np.savez(path, **members)
    if random.random() < 0.1:
        path = place / "data.npy"
        np.save(path, np.array([{}], dtype=object) if random.random() < 0.3 else x)
    if random.random() < 0.3:
        path.write_bytes(_bytes_spoilt(random, path.read_bytes()))
    right = x.ndim in (2, 3, 4) and dtype not in ("c16", "U3", "S2", "M8[s]")
    return Case(
        "arrays",
        f"{dtype} {shape} as {name}",
        ["show", str(path), "--json"],
        refused=path.suffix == ".npz" and not right,
        rows=len(x) if x.ndim else None,
    )


CELLS = (
    "1",
    "2.5",
    "-3e5",
    "1e400",
    "nan",
    "NA",
    "",
    "?",
    "1,5",
    '"1,500"',
    "red",
    "blue ",
    " blue",
    "ä",
    "true",
    "False",
    "0x1F",
    "2020-01-01",
    "∞",
    "\x00",
    '"',
    "00123",
    "9" * 30,
)


def table(random: Random, place: Path) -> Case:
    """Write a .csv of numbers and words with some cells, names or lines that are wrong."""
    rows, columns = int(random.choice([0, 1, 49, 60, 60, 80, 80])), int(random.integers(2, 5))
    names = [
        str(n)
        for n in random.choice(
            ["a", "b", "label", "y", "", "1.5", "Unnamed: 0", "ä", "a b"],
            size=columns,
            replace=bool(random.random() < 0.1),
        )
    ]
    separator = str(random.choice([",", ";", "\t"], p=[0.8, 0.1, 0.1]))
    lines = [separator.join(names)]
    odd = float(random.choice([0, 0, 0.01, 0.3]))
    for _ in range(rows):
        cells = [str(random.choice(CELLS)) if random.random() < odd else f"{random.normal():.3f}" for _ in names]
        lines.append(separator.join(cells))
    raw = "\n".join(lines).encode(str(random.choice(["utf-8", "utf-16", "utf-8-sig"], p=[0.9, 0.05, 0.05])))
    path = place / "table.csv"
    spoilt = random.random() < 0.2
    path.write_bytes(_bytes_spoilt(random, raw) if spoilt else raw)
    options = [
        ["--label", "none"],
        ["--label", "label"],
        ["--missing", "drop"],
        ["--missing", "sideways"],
        ["--text", "a"],
        [],
    ]
    chosen = options[int(random.integers(len(options)))]
    return Case(
        "table",
        f"{rows} rows, {names}, {chosen}",
        ["show", str(path), "--json", *chosen],
        refused=rows < 49 or "sideways" in chosen,
        rows=None if spoilt else rows,
    )


KEYS = (
    "seeds",
    "datasets",
    "models",
    "draws",
    "memory_gib",
    "timeout_s",
    "steps",
    "set",
    "targets",
    "name",
    "throughput",
    "probes",
    "seedz",
    "description",
)
VALUES = (
    "1",
    "0",
    "-1",
    "true",
    '"a"',
    '""',
    "[]",
    '["iris"]',
    '["irsi"]',
    '["kde"]',
    "nan",
    "inf",
    "1e400",
    "{}",
    "{ kde = 3 }",
    "{ made = { digits = 3 } }",
    "[1]",
    "9" * 40,
    "1979-05-27",
    "'''\n'''",
    "= 3",
    '"\\u0007"',
)


def suite(random: Random, place: Path) -> Case:
    """Write a TOML file of known and unknown keys with values of every type."""
    keys = random.choice(KEYS, size=int(random.integers(0, 5)))
    text = "".join(f"{key} = {random.choice(VALUES)}\n" for key in keys)
    path = place / f"{random.choice(['mine', 'my suite', 'ä', '.', 'smoke'], p=[0.8, 0.05, 0.05, 0.05, 0.05])}.toml"
    raw = text.encode()
    path.write_bytes(_bytes_spoilt(random, raw) if random.random() < 0.2 else raw)
    wrong = any(word in text for word in ("seedz", "name =", "nan", "irsi"))
    values: dict[str, Any] = {}
    with suppress(tomllib.TOMLDecodeError, UnicodeDecodeError):
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    return Case("suite", text, ["show", str(path), "--json"], refused=wrong and path.read_bytes() == raw, values=values)


PIECES = (
    "family",
    "paper",
    "def sample",
    "@dataclass",
    "import torch",
    "class ",
    "self",
    "return",
    ":",
    "    ",
    '"statistical"',
    "\n",
)


def plugin(random: Random, place: Path) -> Case:
    """Write the source of a model with words taken out, doubled or spoilt."""
    text = (ROOT / "baselines" / str(random.choice(["kde.py", "lda.py", "marginals.py", "oracle.py"]))).read_text(
        encoding="utf-8"
    )
    for _ in range(int(random.integers(1, 4))):
        piece = str(random.choice(PIECES))
        text = text.replace(
            piece, str(random.choice(PIECES)) if random.random() < 0.5 else "", int(random.integers(1, 4))
        )
    path = place / str(random.choice(["mine.py", "my model.py", "ä.py", "kde.py"]))
    raw = text.encode()
    path.write_bytes(_bytes_spoilt(random, raw) if random.random() < 0.3 else raw)
    return Case("plugin", path.name, ["show", str(path), "--json"])


def results(random: Random, place: Path) -> Case:
    """Copy stored cells with one value of the record replaced, or bytes spoilt; then read them."""
    for model in ("kde", "lda"):
        path = ROOT / "results" / "cells" / "core-cpu" / "iris" / model / "seed-0.json"
        copy = place / path.relative_to(ROOT / "results")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
        record = json.loads(path.read_bytes())
        at = record
        while isinstance(at, dict) and at:
            key = str(random.choice(sorted(at)))
            if not isinstance(at[key], dict) or not at[key] or random.random() < 0.3:
                at[key] = [None, [], {}, "x", -1, 1e400, True, "\u001b[31m"][int(random.integers(8))]
                break
            at = at[key]
        raw = json.dumps(record).encode()
        copy.write_bytes(_bytes_spoilt(random, raw) if random.random() < 0.3 else raw)
    commands = [
        ["leaderboard", "--format", "csv"],
        ["leaderboard", "--format", "md", "-d", "iris"],
        ["show", "iris/kde/seed-0"],
        ["compare", "kde", "lda", "-d", "iris"],
    ]
    chosen = commands[int(random.integers(len(commands)))]
    return Case("results", " ".join(chosen), [*chosen, "--out", str(place)])


COMMANDS = (
    "run",
    "list",
    "show",
    "leaderboard",
    "compare",
    "data",
    "reproduce",
    "score",
    "submit",
    "gate",
    "calibrate",
    "check",
    "new",
    "bogus",
    "",
)
WORDS = (
    "kde",
    "kdee",
    "iris",
    "digits",
    "",
    "-m",
    "-d",
    "--suite",
    "smoke",
    "--set",
    "x=1",
    "kde.bandwidth=off",
    "--seeds",
    "0",
    "--json",
    "--out",
    "/nowhere",
    "--label",
    "y",
    "/dev/null",
    "../..",
    "a\x00b",
    "ä",
    "--",
    "--format",
    "md",
    "-1",
    "nan",
    "question-1",
    "list",
    "fid",
)


def command_line(random: Random, place: Path) -> Case:
    """Put words of the command line in any order, and nothing that would train."""
    command = str(random.choice(COMMANDS))
    words = [str(word) for word in random.choice(WORDS, size=int(random.integers(0, 6)))]
    if command == "new":
        words = ["model", str(random.choice(["Bad-Name", "", "1x", "kde", "a b", "../x"]))]
    if command == "reproduce":
        words = [word for word in words if not word.startswith("question")]
    if command == "data":
        words = ["list", *words]
    if command == "run":
        words = ["--seeds", "0", *words]
    if command == "check":
        words = [str(random.choice(["/dev/null", "nowhere.py", "", "ä.py"]))]
    return Case("command", f"{command} {words}", [word for word in [command, *words] if command or word])


DOORS: dict[str, Callable[[Random, Path], Case]] = {
    "folder": folder,
    "arrays": arrays,
    "table": table,
    "suite": suite,
    "plugin": plugin,
    "results": results,
    "command": command_line,
}
