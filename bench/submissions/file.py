"""A participant's file of samples: hostile until it is proved to be one array. Nothing is unpickled, nothing is unpacked to disk.

An .npz is a zip archive; the one member `samples` is an .npy. Its header is parsed as a literal and checked against what the archive
holds before a byte of data is read, so that a bomb costs neither time nor memory. This module imports no torch.
"""

from __future__ import annotations

import ast
import hashlib
import io
import math
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from bench.errors import InvalidSubmission, UsageError
from bench.files import write_atomic

MEMBER = "samples.npy"
MAX_BYTES = 2**31
MAX_ROWS = 1_000_000
MAX_HEADER = 10_000
DTYPES = ("f2", "f4", "f8")
MAGIC = b"\x93NUMPY"
LARGEST = 1e6  # of real data, which is standardised: beyond it features and distances overflow
MAX_DIRECTORY = 2**17  # bytes of the list of members: one takes a hundred
END_OF_DIRECTORY = b"PK\5\6"
MAX_TAIL = 2**16 + 22  # where it must lie, before a comment
RANGE_SLACK = 1e-6
SHOWN = 5


@dataclass(frozen=True)
class Form:
    """What a dataset asks of a submission: rows of `shape`, from least to most of them, values in [low, high] or finite."""

    dataset: str
    shape: tuple[int, ...]
    least: int
    most: int
    low: float = -math.inf
    high: float = math.inf

    def describe(self) -> str:
        """In one line, for users."""
        shape = ", ".join(["N", *map(str, self.shape)])
        values = f"in [{self.low:g}, {self.high:g}]" if math.isfinite(self.low) else "finite"
        return f"an .npz with one member `samples`: float32 of shape ({shape}), N from {self.least:,} to {self.most:,}, values {values}"


@dataclass(frozen=True)
class Samples:
    """Checked samples (N, *shape) float32 and the hash of the file."""

    x: np.ndarray
    sha256: str


def form_of(dataset: Any) -> Form:
    """The form that a Dataset asks for: at least the rows of its larger board."""
    rows = max(len(dataset.valid), len(dataset.test))
    bounds = (0.0, 1.0) if dataset.levels else (-LARGEST, LARGEST)
    return Form(dataset.name, dataset.shape, rows, MAX_ROWS, *bounds)


def template(dataset: Any, path: Path) -> None:
    """Write a valid submission of training rows; UsageError where the path cannot be written."""
    form = form_of(dataset)
    rows = np.arange(form.least) % len(dataset.train)
    x = np.asarray(dataset.train.x[rows.tolist()].cpu().numpy(), dtype=np.float32)
    stream = io.BytesIO()
    np.savez_compressed(stream, samples=x)
    try:
        write_atomic(Path(path), stream.getvalue())
    except OSError as error:
        raise UsageError(f"--out {path} cannot be written: {error.strerror or error}") from error


def check_archive(path: Path) -> None:
    """Everything that can be said without knowing the dataset; InvalidSubmission lists every problem."""
    _header(Path(path))


def read_samples(path: Path, form: Form) -> Samples:
    """The samples of a valid file; InvalidSubmission lists every problem at once."""
    path = Path(path)
    header = _header(path)
    problems = _form_problems(header, form)
    with zipfile.ZipFile(path) as archive, archive.open(MEMBER) as stream:
        _parse(stream)
        try:
            raw = stream.read(header.n_bytes + 1)
        except (zipfile.BadZipFile, OSError, EOFError) as error:
            raise _invalid(path, [*problems, f"its data is damaged: {error}"], form) from error
    if len(raw) != header.n_bytes:
        problems.append(f"it holds {len(raw):,} bytes of data, its header asks for {header.n_bytes:,}")
        raise _invalid(path, problems, form)
    x = np.frombuffer(raw, np.dtype(header.descr)).reshape(header.shape, order="F" if header.fortran else "C")
    problems += _value_problems(x, form)
    if problems:
        raise _invalid(path, problems, form)
    return Samples(
        np.array(x, dtype=np.float32, order="C"), sha256_of(path)
    )  # a copy: a view of bytes cannot be written


@dataclass(frozen=True)
class _Header:
    descr: str
    fortran: bool
    shape: tuple[int, ...]

    @property
    def n_bytes(self) -> int:
        return math.prod(self.shape) * np.dtype(self.descr).itemsize


def _header(path: Path) -> _Header:
    """The checked header of the one member."""
    if not path.is_file():
        raise _invalid(path, ["it is no plain file" if path.exists() else "there is no such file"])
    try:
        _check_directory(path)
        with zipfile.ZipFile(path) as archive:
            problems = _archive_problems(archive.infolist())
            if problems:
                raise _invalid(path, problems)
            with archive.open(MEMBER) as stream:
                header, start = _parse(stream)
            held = archive.getinfo(MEMBER).file_size - start
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        if isinstance(error, InvalidSubmission):
            raise
        raise _invalid(path, [f"it cannot be read as an .npz: {error}"]) from error
    problems = []
    if len(header.shape) == 0 or header.shape[0] > MAX_ROWS:
        problems.append(f"shape {header.shape}: expected at most {MAX_ROWS:,} rows")
    if header.n_bytes != held:
        problems.append(f"its header asks for {header.n_bytes:,} bytes of data, the archive holds {held:,}")
    if problems:
        raise _invalid(path, problems)
    return header


def _check_directory(path: Path) -> None:
    """ValueError for a zip directory of more than one member's size: listing a million of them would cost the memory."""
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


def _parse(stream: IO[bytes]) -> tuple[_Header, int]:
    """The header at the start of an .npy and the offset of its data; ValueError says what is wrong."""
    lead = stream.read(8)
    if lead[:6] != MAGIC or lead[6:7] not in (b"\1", b"\2", b"\3"):
        raise ValueError(f"samples is no .npy: it starts with {lead[:8].hex(' ') or 'nothing'}")
    width = 2 if lead[6] == 1 else 4
    length = int.from_bytes(stream.read(width), "little")
    if length > MAX_HEADER:
        raise ValueError(f"the header of samples has {length:,} bytes, expected at most {MAX_HEADER:,}")
    text = stream.read(length)
    try:
        found = ast.literal_eval(text.decode("utf-8" if lead[6] == 3 else "latin1").strip())
        descr, fortran, shape = found["descr"], found["fortran_order"], found["shape"]
        if len(text) != length or set(found) != {"descr", "fortran_order", "shape"}:
            raise ValueError("wrong keys")
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(f"the header of samples is not that of an .npy: {text[:60]!r}") from error
    whole = isinstance(shape, tuple) and all(type(n) is int and 0 <= n < 2**63 for n in shape) and len(shape) <= 8
    if not whole or not isinstance(fortran, bool):
        raise ValueError(f"the header of samples is not that of an .npy: {text[:60]!r}")
    if not isinstance(descr, str) or descr[:1] not in "<>=|" or descr[1:] not in DTYPES:
        raise ValueError(f"samples has dtype {str(descr)[:40]!r}; expected float32 (float16 and float64 will do)")
    return _Header(descr, fortran, shape), 8 + width + length


def _form_problems(header: _Header, form: Form) -> list[str]:
    problems = []
    n, shape = header.shape[0], header.shape[1:]
    if shape != form.shape:
        problems.append(f"one sample has shape {shape}; expected {form.shape}")
    if not form.least <= n <= form.most:
        problems.append(f"{n:,} samples; expected {form.least:,} to {form.most:,}")
    return problems


def _value_problems(x: np.ndarray, form: Form) -> list[str]:
    problems = []
    finite = np.isfinite(x)
    if not finite.all():
        problems.append(_list_bad(x, ~finite, "are not finite"))
    with np.errstate(invalid="ignore"):
        outside = finite & ((x < form.low - RANGE_SLACK) | (x > form.high + RANGE_SLACK))
    if outside.any():
        words = _list_bad(x, outside, f"outside [{form.low:g}, {form.high:g}]")
        problems.append(f"{words}; bytes are divided by their largest code")
    return problems


def _list_bad(x: np.ndarray, bad: np.ndarray, what: str) -> str:
    """How many values are bad, and the first few with their places. The places of all would take eight times the file."""
    count, places = int(np.count_nonzero(bad)), []
    for row in range(len(bad)):
        places += [(row, *map(int, at)) for at in np.argwhere(bad[row])[:SHOWN]] if bad[row].any() else []
        if len(places) >= SHOWN:
            break
    shown = "; ".join(f"{x[at]:g} at {list(at)}" for at in places[:SHOWN])
    return f"{count:,} values {what}: {shown}{'; ...' if count > SHOWN else ''}"


def _invalid(path: Path, problems: list[str], form: Form | None = None) -> InvalidSubmission:
    wanted = f"\nexpected for {form.dataset}: {form.describe()}" if form else ""
    return InvalidSubmission(
        f"{path.name} is not a valid submission:\n" + "\n".join(f"- {p}" for p in problems) + wanted
    )


def sha256_of(path: Path) -> str:
    """Hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
