"""Generated hostile files: a Dataset whose notes tell every change of meaning, or one UsageError, never anything else."""

import io
import zipfile

import numpy as np
import pytest
import torch

from bench.datasets.own import own_dataset
from bench.errors import UsageError

CASES = 250  # of each kind; 0.005 s each
CELLS = [
    *(
        "",
        " ",
        "NA",
        "?",
        "1,5",
        "1e400",
        "-0",
        "0x10",
        "1_0",
        "inf",
        "nan",
        "٣",
        "True",
        '"',
        "''",
        "a,b",
        "\n",
        "\r",
        "é",
        "𝒳",
    ),
    *(
        "=1+1",
        "-",
        "1e-320",
        str(2**70),
        "9" * 400,
        "1.",
        ".5",
        "+3",
        "1 2",
        "%",
        "$",
        "#",
        "\u00a0",
        "q" * 200_000,
        "01",
        "1e5",
    ),
    *("00", "none", "(1)", "−1"),
]
NAMES = [
    "a",
    "b",
    "",
    "label",
    "y",
    "Class",
    "id",
    "0",
    "1",
    "1.5",
    " a",
    "a ",
    "target",
    "Unnamed: 0",
    "é",
    "x" * 300,
    "x\ny",
    "none",
    "-1",
    "nan",
    "NA",
]


def hostile_cell(random, usual):
    return CELLS[random.integers(len(CELLS))] if random.random() < 0.5 else usual


def hostile_csv(random):
    """A table with some of everything that people's tables hold, well-formed or not."""
    n, d = int(random.choice([0, 1, 49, 50, 60, *[80] * 9])), int(random.integers(1, 6))
    columns = [hostile_column(random, n) for _ in range(d)]
    header = [NAMES[random.integers(len(NAMES))] if random.random() < 0.15 else f"c{j}" for j in range(d)]
    rows = [header] * int(random.random() < 0.95) + [list(row) for row in zip(*columns)]
    if random.random() < 0.3 and rows:
        row = rows[random.integers(len(rows))]
        row[random.integers(len(row))] = hostile_cell(random, "")
    if random.random() < 0.1 and rows:
        rows[random.integers(len(rows))] = rows[0][:1] * int(random.integers(0, 8))
    separator = str(random.choice([*[","] * 10, ";", "\t"]))
    quoted = random.random() < 0.8
    end = str(random.choice(["\n", "\r\n", "\r", "\n\n"]))
    raw = end.join(
        separator.join(f'"{c}"'.replace("'", "''") if quoted and random.random() < 0.9 else c for c in row)
        for row in rows
    )
    encoded = raw.encode(str(random.choice([*["utf-8"] * 8, "utf-8-sig", "utf-16"])), "replace")
    return spoilt(random, encoded) if random.random() < 0.05 else encoded


def hostile_column(random, n):
    kind = random.integers(16)
    if kind == 0:
        return [repr(float(v)) for v in random.normal(size=n) * 10.0 ** random.integers(-310, 300)]
    if kind == 1:
        return [str(v) for v in random.integers(0, 3, n)]
    if kind == 2:
        return [str(2 ** int(random.integers(50, 80)) + int(v)) for v in random.integers(0, 50, n)]
    if kind == 3:
        return [CELLS[random.integers(len(CELLS))]] * n
    if kind == 4:
        return [str(v) for v in random.choice(CELLS[:30], n)]
    if kind == 5:
        return [str(v) for v in random.choice(["red", "Red", " red", "blue", "1"], n)]
    if kind == 6:
        return [str(v) for v in range(n)]
    return [f"{v:.3f}" for v in random.normal(size=n)]


def spoilt(random, raw):
    damaged = bytearray(raw)
    for place in random.integers(0, max(len(raw), 1), int(random.integers(1, 20))) if raw else ():
        damaged[place] = random.integers(256)
    return bytes(damaged[: random.integers(len(raw) + 1)] if random.random() < 0.5 else damaged)


DTYPES = ["f8", "f4", "f2", "g", "i8", "u8", "u1", "i1", "u2", "?", "c16", "S3", "U3", "M8[s]", "O", "i4"]
SHAPES = [
    (60, 2),
    (60,),
    (60, 8, 8),
    (60, 1, 8, 8),
    (60, 8, 8, 3),
    (60, 3, 3, 3),
    (0, 2),
    (60, 0),
    (49, 2),
    (),
    (60, 2, 2, 2, 2),
    (60, 28, 16),
    (50, 1),
]
FILLS = [0, 1, 0.1, 255, 256, -1, 1e30, 1e305, np.inf, np.nan, 2**53, 2**63, 1e-310]


def hostile_array(random):
    dtype = np.dtype(str(random.choice(DTYPES if random.random() < 0.6 else DTYPES[:7])))
    shape = SHAPES[random.integers(len(SHAPES))] if random.random() < 0.5 else (60, 2)
    values = (
        random.normal(size=shape)
        if random.random() < 0.5
        else random.integers(0, int(random.choice([2, 3, 17, 256, 70000])), shape) * 1.0
    )
    values = np.asarray(values)
    if random.random() < 0.2 and values.size:
        values.flat[random.integers(values.size)] = FILLS[random.integers(len(FILLS))]
    if random.random() < 0.1:
        values = np.full_like(values, FILLS[random.integers(len(FILLS))])
    if random.random() < 0.2 and values.ndim and len(values) > 1:
        values[: len(values) // 2] = values[0]
    with np.errstate(all="ignore"):
        try:
            return values.astype(dtype)
        except (ValueError, TypeError, OverflowError):
            return values


def hostile_npz(random):
    stream = io.BytesIO()
    if random.random() < 0.25:
        np.save(stream, hostile_array(random))
    else:
        members = {"x" if random.random() < 0.95 else "z": hostile_array(random)}
        if random.random() < 0.4:
            members["y"] = hostile_array(random) if random.random() < 0.5 else random.integers(0, 3, 60)
        (np.savez_compressed if random.random() < 0.3 else np.savez)(stream, **members)
        if random.random() < 0.05:
            with zipfile.ZipFile(stream, "a") as file:
                file.writestr("y", b"no array")
    return spoilt(random, stream.getvalue()) if random.random() < 0.15 else stream.getvalue()


def check(path, **choices):
    """Read a file, or be refused in one sentence; what is read is finite, and notes tell what was changed."""
    try:
        data = own_dataset(path, **choices)
    except UsageError as error:
        assert str(path) in str(error) or "--" in str(error)
        assert len(str(error)) < 4000 and "\n" not in str(error).replace(str(path), "")
        return "refused"
    total = sum(map(len, (data.train, data.valid, data.test)))
    for split in (data.train, data.valid, data.test):
        assert bool(torch.isfinite(split.x[:]).all()) and len(split)
    if data.kind == "table":
        assert float(data.train.x.std(dim=0).min()) > 0.5, "a column without spread"
    rows = int(data.notes["rows"].replace(",", ""))
    assert total == rows or "rows are left out" in data.notes["missing"]
    assert data.n_classes == 0 or data.notes["labels"].startswith(("column", "member"))
    return "read"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("make", [hostile_csv, hostile_npz])
def test_hostile_files_are_read_or_refused_in_words(tmp_path, make):
    outcomes = []
    for seed in range(CASES):
        random = np.random.default_rng(seed)
        path = tmp_path / ("h.csv" if make is hostile_csv else "h.npz")
        path.write_bytes(make(random))
        choices = {"missing": str(random.choice(["", "drop", "keep"]))} if make is hostile_csv else {}
        outcomes.append(check(path, label="none" if random.random() < 0.3 else None, **choices))
    assert min(outcomes.count("read"), outcomes.count("refused")) > CASES / 10, "else the files show nothing"


CHANGES = {  # what is done to a good column, and the note that must tell it, empty where the file must be refused
    "constant": (lambda c: ["0.1"] * len(c), "left out"),
    "categories": (lambda c: ["low" if float(v) < 0 else "high" for v in c], "categories"),
    "flags": (lambda c: [str(float(v) < 0) for v in c], "flags"),
    "large": (lambda c: [str(2**60 + int(50 * float(v))) for v in c], "numbers"),
    "zeros": (lambda c: [f"0{i % 7}" for i in range(len(c))], "numbers"),
    "few values": (lambda c: [str(i % 5) for i in range(len(c))], "densities"),
    "thousands": (lambda c: [f"{i},000" for i in range(len(c))], ""),
    "a hole": (lambda c: [*c[:-1], ""], ""),
    "a mark": (lambda c: [*c[:-1], "?"], ""),
    "a unit": (lambda c: [f"{v} %" for v in c], ""),
    "an outlier": (lambda c: [*c[:-1], "1e300"], None),  # refused, unless it is a training row
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("seed", range(5))
def test_every_change_of_meaning_is_told_by_name(tmp_path, change, seed):
    spoil, key = CHANGES[change]
    random = np.random.default_rng(seed)
    columns = {f"c{j}": [f"{v:.5f}" for v in random.normal(size=80)] for j in range(4)}
    name = f"c{random.integers(4)}"
    columns[name] = spoil(columns[name])
    path = tmp_path / "t.csv"
    path.write_text(
        "\n".join([",".join(columns), *(",".join(f'"{c}"' for c in row) for row in zip(*columns.values()))])
    )
    try:
        data = own_dataset(path)
    except UsageError as error:
        assert not key and name in str(error)
    else:
        assert key != "" and (key is None or name in data.notes[key])
