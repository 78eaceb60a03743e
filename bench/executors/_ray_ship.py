"""Ship to other machines: this source as one folder, and the bundles of files that tasks read.

The source's hash tells whether a machine runs the same code. A bundle is an archive (zip, not compressed) that is known by its hash.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import ray

from bench.errors import DataUnavailable

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("bench", "baselines", "gan_models")
MOST_BYTES = 2**30  # of all bundles of a run
DATE = (1980, 1, 1, 0, 0, 0)  # of every file in a bundle: the same files give the same hash


def sources_sha256(root: Path = ROOT) -> str:
    """Hash the names and bytes of all files of this source."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in SOURCES for path in (root / folder).rglob("*") if _is_source(path)):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _is_source(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"


@contextmanager
def staged_sources() -> Iterator[str]:
    """Copy this source into one folder for the time of the block, and give the folder's path."""
    with tempfile.TemporaryDirectory(prefix="genbench-") as folder:
        for name in SOURCES:
            shutil.copytree(ROOT / name, Path(folder) / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        yield folder


def pack(paths: Sequence[str], room: int = MOST_BYTES) -> bytes:
    """Put files and folders into one archive; DataUnavailable where they take more than `room` bytes."""
    members = [pair for path in paths for pair in _members(Path(path))]
    size = sum(path.stat().st_size for path, _ in members)
    if size > room:
        raise DataUnavailable(
            f"{paths[0]}: {size:,} bytes would have to be sent to the nodes, and {room:,} of {MOST_BYTES:,} are left for this"
            " run; put the data on every node with bench data fetch, or run where they are"
        )
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for path, name in members:
            file.writestr(zipfile.ZipInfo(name, DATE), path.read_bytes())
    return archive.getvalue()


def _members(path: Path) -> list[tuple[Path, str]]:
    """List the files at a path, each with its name in an archive."""
    if path.is_dir():
        inside = sorted(file for file in path.rglob("*") if file.is_file())
        return [(file, file.relative_to(path.parent).as_posix()) for file in inside]
    return [(path, path.name)]


def unpack(raw: memoryview, sha256: str, base: Path) -> str:
    """Unpack an archive into a folder of its own below `base`, once for all; returns its path."""
    folder = base / sha256
    if folder.is_dir():
        return str(folder)
    received = hashlib.sha256(raw).hexdigest()
    if received != sha256:
        raise ValueError(f"a bundle arrived with SHA-256 {received[:12]}..., expected {sha256[:12]}...")
    base.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=base, prefix=".part-"))
    try:
        with zipfile.ZipFile(BytesIO(raw)) as file:
            file.extractall(part)
        with suppress(OSError):  # another process was first
            os.rename(part, folder)  # noqa: PTH104 - Path.rename says the same
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return str(folder)


class Parcels:
    """Bundles in the cluster's object store, each put there once in a run."""

    def __init__(self) -> None:
        self._sent: dict[tuple[str, ...], tuple[str, Any]] = {}  # paths -> (hash, reference)
        self._room = MOST_BYTES

    def of(self, bundles: Mapping[str, tuple[str, ...]]) -> tuple[list[tuple[str, str]], list[Any]]:
        """Return (name, hash) of each bundle, and the references of their archives."""
        for paths in bundles.values():
            if paths not in self._sent:
                raw = pack(paths, self._room)
                self._room -= len(raw)
                self._sent[paths] = hashlib.sha256(raw).hexdigest(), ray.put(np.frombuffer(raw, dtype=np.uint8))
        hashes = [(name, self._sent[paths][0]) for name, paths in bundles.items()]
        return hashes, [self._sent[paths][1] for paths in bundles.values()]
