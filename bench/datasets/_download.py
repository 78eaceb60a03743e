"""Files of public datasets: found on disk, or downloaded so that no bad file has the final name.

Looked for in order: the folder $GENBENCH_DATA, the user's cache folder, where Debian's package installs
Fashion-MNIST, then the mirrors. A file is known by the SHA-256 of what it holds *after* decompression, since packagers compress again.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import hashlib
import os
import sys
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from bench.errors import DataUnavailable
from bench.files import cache_folder, downloads_allowed

RETRIES = 3
TIMEOUT_S = 20.0
CHUNK = 1 << 16
DEBIAN = Path("/usr/share/datasets")


@dataclass(frozen=True)
class RemoteFile:
    """One file of a dataset. size, sha256: of the content, in bytes; urls: mirrors, tried in turn.

    The content of a .gz file is what it unpacks to; that of an archive (.tar.gz) is the archive as it is published.
    """

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...]


def folders(dataset: str) -> list[Path]:
    """List where a dataset's files are looked for, in order; downloads go to the cache folder."""
    usual = [cache_folder() / dataset, DEBIAN / dataset.replace("_", "-")]
    given = os.environ.get("GENBENCH_DATA")
    return [Path(given) / dataset, Path(given), *usual] if given else usual


def find(dataset: str, file: RemoteFile) -> Path | None:
    """Return the first place where the file lies, compressed or not; read() checks its content."""
    for folder in folders(dataset):
        names = (file.name, file.name.removesuffix(".gz")) if _is_packed(file.name) else (file.name,)
        for name in names:
            if (folder / name).is_file():
                return folder / name
    return None


def read(dataset: str, file: RemoteFile) -> bytes:
    """Read a file's checked content from disk, else from a mirror; DataUnavailable says the remedy."""
    path = find(dataset, file)
    try:
        return content(fetch(dataset, file) if path is None else path, file)
    except ValueError as error:
        raise DataUnavailable(str(error)) from error


def content(path: Path, file: RemoteFile) -> bytes:
    """Decompress and check: ValueError names a file that is truncated, oversized or something else."""
    try:
        with _open(path, packed=_is_packed(path.name)) as stream:
            raw = stream.read(file.size + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is damaged ({error}); delete it and run: bench data fetch") from error
    if len(raw) != file.size:
        told = f"more than {file.size}" if len(raw) > file.size else str(len(raw))
        raise ValueError(f"{path} holds {told} bytes, expected {file.size}; delete it and run: bench data fetch")
    digest = hashlib.sha256(raw).hexdigest()
    if digest != file.sha256:
        raise ValueError(
            f"{path} has SHA-256 {digest[:12]}..., expected {file.sha256[:12]}...; delete it and run: bench data fetch"
        )
    return raw


def fetch(dataset: str, file: RemoteFile) -> Path:
    """Download a file into the cache folder, once for all processes, and return its path."""
    if not downloads_allowed():
        raise DataUnavailable(f"{file.name} of {dataset} is not here; run: bench data fetch {dataset}")
    folder = cache_folder() / dataset
    path = folder / file.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder / f".{file.name}.lock"):
            if path.is_file():
                return path
            _download(path, file)
    except (OSError, _Failed) as error:
        raise DataUnavailable(_remedy(dataset, file, str(error))) from error
    return path


class _Failed(Exception):
    """No mirror gave the right file; what each said."""


def _download(path: Path, file: RemoteFile) -> None:
    part = path.with_name(path.name + ".part")
    said = []
    try:
        for attempt in range(RETRIES):
            for url in file.urls:
                try:
                    _stream(url, part, file)
                    _check(part, file)
                except (OSError, ValueError, EOFError, zlib.error) as error:
                    said.append(f"{url}: {_reason(error)}")
                    continue
                part.replace(path)
                return
            time.sleep(min(0.2 * 2**attempt, 5.0))
    finally:
        part.unlink(missing_ok=True)
    raise _Failed("; ".join(dict.fromkeys(said)))


def _stream(url: str, part: Path, file: RemoteFile) -> None:
    """Write a URL into the part file: little more than the content's size, at least 1 kB/s on average."""
    request = urllib.request.Request(url, headers={"User-Agent": "genbench"})
    start, received = time.monotonic(), 0
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer, part.open("wb") as out:
        total = int(answer.headers.get("Content-Length") or 0)
        while block := answer.read(CHUNK):
            received += len(block)
            if received > file.size + 1_000_000:
                raise ValueError(f"sends more than the {file.size} bytes expected")
            if time.monotonic() - start > TIMEOUT_S + received / 1000:
                raise TimeoutError("stalls")
            out.write(block)
            _progress(file.name, received, total)
        if total and received != total:
            raise ValueError(f"ended after {received} of {total} bytes")
        out.flush()
        os.fsync(out.fileno())


def _check(part: Path, file: RemoteFile) -> None:
    digest, size = hashlib.sha256(), 0
    with _open(part, packed=_is_packed(file.name)) as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
            size += len(block)
            if size > file.size:
                break
    if size != file.size or digest.hexdigest() != file.sha256:
        raise ValueError(f"gave other content (SHA-256 {digest.hexdigest()[:12]}..., expected {file.sha256[:12]}...)")


def _is_packed(name: str) -> bool:
    """Whether a file is read through gzip; an archive is checked as it is."""
    return name.endswith(".gz") and not name.endswith(".tar.gz")


def _open(path: Path, *, packed: bool) -> gzip.GzipFile | BufferedReader:
    return gzip.open(path, "rb") if packed else path.open("rb")


def _progress(name: str, received: int, total: int) -> None:
    if sys.stderr.isatty() and total:
        done = received / total
        sys.stderr.write(f"\r{name} {done:4.0%} of {total / 1e6:.1f} MB" + ("" if done < 1 else "\n"))
        sys.stderr.flush()


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return str(error) or type(error).__name__


def _remedy(dataset: str, file: RemoteFile, reason: str) -> str:
    where = cache_folder() / dataset
    return (
        f"{dataset} is not here and could not be downloaded ({reason}); put {file.name} into {where},"
        " or set GENBENCH_DATA to the folder that has it"
    )


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
