"""Read one array of an .npz, .npy or .csv of somebody's, for a comparison.

Its header is checked before its data, nothing is unpickled.
"""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy_format

from bench.datasets.own.folder import shown
from bench.errors import UsageError

MEMBERS = ("samples", "x", "arr_0")  # of an .npz, in this order
SUFFIXES = (".npz", ".npy", ".csv")
MOST_BYTES = 2**33
MOST_HEADER = 10_000


def read_array(path: Path) -> tuple[np.ndarray, str]:
    """Return numbers (N, ...) and in words where they stood.

    UsageError says what is there and what was expected.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _read_csv(path)
    try:
        if suffix == ".npz":
            return _read_npz(path)
        with path.open("rb") as stream:
            return _read_npy(stream, path.stat().st_size, path), path.name
    except (OSError, ValueError, EOFError, KeyError, NotImplementedError, RuntimeError, zipfile.BadZipFile) as error:
        if isinstance(error, UsageError):
            raise
        words = " ".join(shown(str(error)).split())
        raise UsageError(f"{shown(path)} cannot be read as {suffix} of plain numbers: {words}") from error


def _read_npz(path: Path) -> tuple[np.ndarray, str]:
    with zipfile.ZipFile(path) as archive:
        names = [member.filename for member in archive.infolist()]
        name = next((name for name in MEMBERS if f"{name}.npy" in names), None)
        if name is None:
            held = ", ".join(shown(n.removesuffix(".npy"))[:40] for n in names[:5]) or "nothing"
            raise UsageError(f"{shown(path)} holds {held}; expected a member {' or '.join(MEMBERS)}")
        member = archive.getinfo(f"{name}.npy")
        with archive.open(member) as stream:
            return _read_npy(stream, member.file_size, path), f"{path.name}, {name}"


def _read_npy(stream: IO[bytes], size: int, path: Path) -> np.ndarray:
    """Read an .npy of `size` bytes whose header says what it holds."""
    readers = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}
    version = npy_format.read_magic(stream)
    if version not in readers:
        raise UsageError(f"{shown(path)}: .npy of version {version}; expected 1.0 or 2.0")
    shape, fortran, dtype = readers[version](stream, max_header_size=MOST_HEADER)
    if dtype.kind not in "fiub":
        raise UsageError(f"{shown(path)}: values of type {dtype}; expected numbers")
    wanted = math.prod(shape) * dtype.itemsize
    if not 0 < wanted <= min(size, MOST_BYTES):
        raise UsageError(
            f"{shown(path)}: its header asks for {wanted:,} bytes, it holds {size:,}; at most {MOST_BYTES:,}"
        )
    raw = stream.read(wanted)
    if len(raw) != wanted:
        raise UsageError(f"{shown(path)}: its header asks for {wanted:,} bytes, it holds {len(raw):,}")
    return np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C")


def _read_csv(path: Path) -> tuple[np.ndarray, str]:
    """Read a table's numbers, its labels left aside.

    Text columns are refused, since two files may number them differently.
    """
    from bench.datasets.own.table import Reading, read_table

    arrays = read_table(path, Reading())
    if "categories" in arrays.notes:
        raise UsageError(
            f"{shown(path)} has columns of text ({arrays.notes['categories']}); to compare two tables, make them numbers"
        )
    return arrays.x, f"{path.name}, columns {', '.join(arrays.columns)}"
