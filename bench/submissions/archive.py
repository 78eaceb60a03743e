"""Open a stranger's .npz without trusting it: a zip archive with one member, an .npy.

The size of the archive's directory and of the header are checked before they are read, and what the header asks for is
compared with what the archive holds before a byte of data is read, so that a bomb costs neither time nor memory.
"""

from __future__ import annotations

import io
import math
import stat
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy_format

from bench.errors import InvalidSubmission
from bench.submissions.values import MAX_ROWS, SHOWN

MEMBER = "samples.npy"
MAX_BYTES = 2**31
MAX_HEADER = 10_000
MAX_DIMENSIONS = 8
FLOAT_SIZES = (2, 4, 8)
MAX_DIRECTORY = 2**17  # bytes of the list of members: one takes a hundred
END_OF_DIRECTORY = b"PK\5\6"
MAX_TAIL = 2**16 + 22  # where it must lie, before a comment
# what stands in front of a header's length, the bytes of that length, numpy's reader
READERS = {
    npy_format.magic(1, 0): (2, npy_format.read_array_header_1_0),
    npy_format.magic(2, 0): (4, npy_format.read_array_header_2_0),
}


@dataclass(frozen=True)
class Header:
    """What an .npy says of its data."""

    dtype: np.dtype
    fortran: bool
    shape: tuple[int, ...]

    @property
    def n_bytes(self) -> int:
        """Return the size of the data, bytes."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(path: Path) -> Header:
    """Return the checked header of the one member; InvalidSubmission lists every problem."""
    if not path.is_file():
        raise invalid(path, ["it is no plain file" if path.exists() else "there is no such file"])
    try:
        _check_directory(path)
        with zipfile.ZipFile(path) as archive:
            problems = _archive_problems(archive.infolist())
            if problems:
                raise invalid(path, problems)
            with archive.open(MEMBER) as stream:
                header, start = parse_header(stream)
            held = archive.getinfo(MEMBER).file_size - start
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        if isinstance(error, InvalidSubmission):
            raise
        raise invalid(path, [f"it cannot be read as an .npz: {error}"]) from error
    problems = []
    if len(header.shape) == 0 or header.shape[0] > MAX_ROWS:
        problems.append(f"shape {header.shape}: expected at most {MAX_ROWS:,} rows")
    if header.n_bytes != held:
        problems.append(f"its header asks for {header.n_bytes:,} bytes of data, the archive holds {held:,}")
    if problems:
        raise invalid(path, problems)
    return header


def _check_directory(path: Path) -> None:
    """Raise ValueError for a long list of members: reading a million would cost the memory."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f"it has {size:,} bytes, more than {MAX_BYTES:,}")
    with path.open("rb") as file:
        file.seek(max(0, size - MAX_TAIL))
        tail = file.read(MAX_TAIL)
    at = tail.rfind(END_OF_DIRECTORY)
    if at < 0 or len(tail) < at + 22:
        raise ValueError("it does not end like a zip archive")
    listed = int.from_bytes(tail[at + 12 : at + 16], "little")
    if listed > MAX_DIRECTORY:
        raise ValueError(f"the list of its members has {listed:,} bytes; expected exactly one member {MEMBER!r}")


def _archive_problems(members: list[zipfile.ZipInfo]) -> list[str]:
    names = [m.filename for m in members]
    problems = []
    if names != [MEMBER]:
        shown = ", ".join(repr(name[:40]) for name in names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
        problems.append(f"it holds {shown or 'nothing'}; expected exactly one member {MEMBER!r}")
    for member in members[:SHOWN]:
        if stat.S_ISLNK(member.external_attr >> 16):
            problems.append(f"{member.filename[:40]!r} is a link")
        if member.flag_bits & 1:
            problems.append(f"{member.filename[:40]!r} is encrypted")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            problems.append(
                f"{member.filename[:40]!r} is compressed by method {member.compress_type}; expected stored or deflated"
            )
        if member.file_size > MAX_BYTES:
            problems.append(f"{member.filename[:40]!r} unpacks to {member.file_size:,} bytes, more than {MAX_BYTES:,}")
    return problems


def parse_header(stream: IO[bytes]) -> tuple[Header, int]:
    """Return the header at the start of an .npy and the offset of its data; ValueError says what is wrong."""
    lead = stream.read(8)
    if lead not in READERS:
        raise ValueError(f"samples is no .npy: it starts with {lead.hex(' ') or 'nothing'}")
    width, read = READERS[lead]
    length = stream.read(width)
    size = int.from_bytes(length, "little")
    if size > MAX_HEADER:  # numpy would read it all before it compares
        raise ValueError(f"the header of samples has {size:,} bytes, expected at most {MAX_HEADER:,}")
    text = stream.read(size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy warns of headers that Python 2 wrote
        try:
            shape, fortran, dtype = read(io.BytesIO(length + text), max_header_size=MAX_HEADER)
        except Exception as error:  # a hostile header may make numpy raise anything
            raise ValueError(f"the header of samples is not that of an .npy: {text[:60]!r}") from error
    if len(shape) > MAX_DIMENSIONS or not all(type(n) is int and 0 <= n < 2**63 for n in shape):
        raise ValueError(f"the header of samples is not that of an .npy: {text[:60]!r}")
    if dtype.kind != "f" or dtype.itemsize not in FLOAT_SIZES:
        raise ValueError(f"samples has dtype {dtype.str[:40]!r}; expected float32 (float16 and float64 will do)")
    return Header(dtype, fortran, shape), 8 + width + size


def invalid(path: Path, problems: list[str], wanted: str = "") -> InvalidSubmission:
    """Return the error that lists every problem of a file, and what was wanted."""
    lines = [f"{path.name} is not a valid submission:", *(f"- {problem}" for problem in problems)]
    return InvalidSubmission("\n".join([*lines, wanted] if wanted else lines))


def is_strict(path: Path) -> bool:
    """Say whether a file is to be read as a submission.

    What is no folder, .npy, .csv, or .npz of bytes or of another member.
    """
    if path.is_dir() or path.suffix.lower() in (".npy", ".csv"):
        return False
    if path.suffix.lower() != ".npz" or not path.is_file():
        return True
    try:
        _check_directory(path)
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if MEMBER not in names:
                return not {"x.npy", "arr_0.npy"} & set(names)
            with archive.open(MEMBER) as stream:
                return not any(
                    f"'{kind}" in stream.read(128).decode("latin1") for kind in ("|u1", "|i1", "<i", "<u", "|b1")
                )
    except (OSError, ValueError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile):
        return True  # the strict reader says what is wrong with it
