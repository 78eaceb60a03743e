"""Write whole files, read and write strict JSON, keep what is dear to make in a cache folder.

Strict JSON holds no NaN and no Infinity. This module says also whether the program may download. It imports no torch.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn


def write_atomic(path: Path, raw: bytes) -> None:
    """Write a file by renaming a temporary one: a reader sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_json(raw: bytes | str, *, most_bytes: int | None = None) -> Any:
    """Return the value of a JSON text; ValueError for NaN, Infinity, deep nesting, too many bytes."""
    if most_bytes is not None and len(raw) > most_bytes:
        raise ValueError(f"{len(raw):,} bytes, expected at most {most_bytes:,}")
    try:
        return json.loads(raw, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError(str(error)) from error


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def encode_json(value: Any, *, indent: int | None = 1) -> bytes:
    """Return strict JSON, keys sorted, with a newline at its end; NaN and infinities become null."""
    separators = (",", ":") if indent is None else None
    text = json.dumps(finite(value), sort_keys=True, indent=indent, separators=separators, allow_nan=False)
    return f"{text}\n".encode()


def finite(value: Any) -> Any:
    """Return a value as JSON can hold it: NaN and infinities become None, tuples lists, and keys strings."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return value


def cache_folder() -> Path:
    """Return $XDG_CACHE_HOME/genbench, else ~/.cache/genbench."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "genbench"


def cached(
    folder: Path,
    name: str,
    make: Callable[[], bytes],
    *,
    whole: Callable[[bytes], bool] = lambda raw: True,
    worth_seconds: float = 0.0,
) -> bytes:
    """Return a kept file's bytes, or make them where it is missing or not `whole`.

    What took worth_seconds or more to make is kept.
    """
    raw = read_kept(folder / name)
    if raw is not None and whole(raw):
        return raw
    start = time.monotonic()
    raw = make()
    if time.monotonic() - start >= worth_seconds:
        keep(folder / name, raw)
    return raw


def read_kept(path: Path) -> bytes | None:
    """Return a cached file's bytes; None where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def keep(path: Path, raw: bytes) -> bool:
    """Write a file of the cache if that can be done, and say so: a full disk costs time, not results."""
    try:
        write_atomic(path, raw)
    except OSError:
        return False
    return True


_downloads = True  # off inside without_downloads()


def downloads_allowed() -> bool:
    """Say whether a missing file may be fetched: not inside without_downloads()."""
    return _downloads


@contextmanager
def without_downloads() -> Iterator[None]:
    """Forbid downloads inside: a file that is not on disk raises DataUnavailable."""
    global _downloads
    before, _downloads = _downloads, False
    try:
        yield
    finally:
        _downloads = before
