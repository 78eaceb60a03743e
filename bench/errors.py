"""Errors that the command line turns into one clear line and an exit code of the contract."""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Iterable
from pathlib import Path


class UsageError(ValueError):
    """What was asked for cannot be understood: exit code 2."""

    exit_code = 2


class DataUnavailable(RuntimeError):
    """Data or weights that were asked for explicitly and cannot be had here: exit code 7."""

    exit_code = 7


class Stopped(RuntimeError):
    """A run that cannot go on, by no fault of its own: exit code 1. What is finished is kept."""

    exit_code = 1


class InvalidSubmission(ValueError):
    """A file of samples that does not fit its dataset: exit code 6."""

    exit_code = 6


class NotFound(LookupError):
    """An unknown name: the message says what was typed, the nearest name and the list."""

    exit_code = 2


class Broken(ImportError):
    """A plugin that cannot be imported or breaks the protocol."""

    exit_code = 2


def unknown(kind: str, typed: str, names: Iterable[str]) -> NotFound:
    """Return the error for an unknown name: what was typed, the nearest name, and the list."""
    known = sorted(names)
    near = difflib.get_close_matches(typed, known, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return NotFound(f"unknown {kind} {typed!r}{hint} Known: {', '.join(known)}")


def place_of(error: BaseException, path: Path) -> str:
    """Return "FILE:LINE", the last line of a plugin or its neighbours that an error passed; else FILE."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    folder = path.parent if path.parent.name != "site-packages" else path
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if Path(frame.filename).is_relative_to(folder):
            return f"{frame.filename}:{frame.lineno}"
    return str(path)
