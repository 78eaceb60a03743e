"""Read a participant's file of samples: hostile until it is proved to be one array.

An .npz is a zip archive; the one member `samples` is an .npy. Nothing is unpickled or unpacked to disk. The archive is
checked in archive.py, the samples in values.py. This module imports no torch.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import UsageError
from bench.files import write_atomic
from bench.submissions.archive import MEMBER, invalid, parse_header, read_header
from bench.submissions.values import Form, form_of, form_problems, value_problems


@dataclass(frozen=True)
class Samples:
    """Checked samples (N, *shape) float32 and the hash of the file."""

    x: np.ndarray
    sha256: str


def template(dataset: Any, path: Path) -> None:
    """Write a valid submission of training rows; UsageError where the path cannot be written."""
    form = form_of(dataset)
    rows = np.arange(form.least) % len(dataset.train)
    x = np.asarray(dataset.train.x[rows.tolist()].cpu().numpy(), dtype=np.float32)
    stream = io.BytesIO()
    np.savez_compressed(stream, samples=x)
    try:
        write_atomic(path, stream.getvalue())
    except OSError as error:
        raise UsageError(f"--out {path} cannot be written: {error.strerror or error}") from error


def check_archive(path: Path) -> None:
    """Check all that can be checked without knowing the dataset; InvalidSubmission lists every problem."""
    read_header(path)


def read_samples(path: Path, form: Form) -> Samples:
    """Return the samples of a valid file; InvalidSubmission lists every problem at once."""
    header = read_header(path)
    wanted = f"expected for {form.dataset}: {form.describe()}"
    problems = form_problems(header.shape, form)
    with zipfile.ZipFile(path) as archive, archive.open(MEMBER) as stream:
        parse_header(stream)
        try:
            raw = stream.read(header.n_bytes + 1)
        except (zipfile.BadZipFile, OSError, EOFError) as error:
            raise invalid(path, [*problems, f"its data is damaged: {error}"], wanted) from error
    if len(raw) != header.n_bytes:
        problems.append(f"it holds {len(raw):,} bytes of data, its header asks for {header.n_bytes:,}")
        raise invalid(path, problems, wanted)
    x = np.frombuffer(raw, header.dtype).reshape(header.shape, order="F" if header.fortran else "C")
    problems += value_problems(x, form)
    if problems:
        raise invalid(path, problems, wanted)
    own = np.array(x, dtype=np.float32, order="C")  # a copy: a view of bytes cannot be written
    return Samples(own, sha256_of(path))


def sha256_of(path: Path) -> str:
    """Return the hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
