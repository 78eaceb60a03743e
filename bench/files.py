"""Write files so that none is ever half there; say where this program keeps its own, and whether it may download."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_atomic(path: Path, raw: bytes) -> None:
    """Temporary file in the same folder, flush, fsync, os.replace: a reader sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def cache_folder() -> Path:
    """$XDG_CACHE_HOME/genbench or ~/.cache/genbench."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "genbench"


_downloads = True  # off inside without_downloads()


def downloads_allowed() -> bool:
    """Whether a missing file may be fetched: not inside without_downloads()."""
    return _downloads


@contextmanager
def without_downloads() -> Iterator[None]:
    """Make a file that is not on disk DataUnavailable inside: to look at what is here must not fetch the rest."""
    global _downloads
    before, _downloads = _downloads, False
    try:
        yield
    finally:
        _downloads = before
