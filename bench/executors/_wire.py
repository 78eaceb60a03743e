"""What passes between the driver, the fork server and a task's process.

Messages as lines of JSON, files in a spool.

A spool is an anonymous temporary file, one for a task: its name is gone before it is used, so that whoever is killed, nothing is left
behind. The driver makes it, writes the inputs to it and sends its descriptor with the task (SCM_RIGHTS); the task's process adds its
files as they are ready and tells where they lie; the driver reads them once the task has ended.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

Places = dict[str, tuple[int, int]]  # of files in a spool: name -> (offset, bytes)


class Lines:
    """Messages from raw bytes that arrive in any pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def add(self, raw: bytes) -> list[dict[str, Any]]:
        """Take the next piece; returns the messages that it completes."""
        *lines, self._rest = (self._rest + raw).split(b"\n")
        return [json.loads(line) for line in lines]


def encode(message: Mapping[str, Any]) -> bytes:
    """Write a message as a line."""
    return json.dumps(message).encode() + b"\n"


def write(descriptor: int, message: Mapping[str, Any]) -> None:
    """Send a message through a pipe."""
    _write_all(descriptor, encode(message))


def add_file(spool: int, raw: bytes) -> tuple[int, int]:
    """Append a file to a spool; returns its place."""
    offset = os.lseek(spool, 0, os.SEEK_END)
    _write_all(spool, raw)
    return offset, len(raw)


def read_file(spool: int, place: tuple[int, int]) -> bytes:
    """Read one file of a spool."""
    offset, size = place
    os.lseek(spool, offset, os.SEEK_SET)
    with open(spool, "rb", buffering=0, closefd=False) as file:
        parts = []
        while size and (part := file.read(size)):
            parts.append(part)
            size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _write_all(descriptor: int, raw: bytes) -> None:
    rest = memoryview(raw)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
