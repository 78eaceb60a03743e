"""Keep standard output and error alive after their reader has gone.

`bench run | head -1` still ends its run, and the gate keeps its verdict.

What a closed pipe would have got is dropped; a letter that the terminal's encoding has not is spelled as near as
can be, a minus as a hyphen, and else shown as "?".
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


SPELLED = {"\N{MINUS SIGN}": "-", "\N{EN DASH}": "-", "\N{MULTIPLICATION SIGN}": "x", "\N{DAGGER}": "+"}
RAISED = dict(zip("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))


def _spell(error: UnicodeError) -> tuple[str, int]:
    """Spell letters that an encoding has not: the sign of a number is never lost."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    if RAISED.keys() >= set(letters):
        return "^" + "".join(map(RAISED.__getitem__, letters)), error.end
    return "".join(SPELLED.get(letter, "?") for letter in letters), error.end


codecs.register_error("genbench.spell", _spell)


class _Lasting(io.FileIO):
    """A file descriptor that turns into the null device once nobody reads it."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())
            os.close(null)
            return memoryview(data).nbytes


def lasting_streams() -> None:
    """Put such streams in the place of sys.stdout and sys.stderr where they are open files."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        try:
            descriptor = stream.fileno()
        except (AttributeError, OSError, ValueError):  # closed, or caught by a test
            continue
        raw = io.BufferedWriter(_Lasting(descriptor, "w", closefd=False))
        lines = name == "stderr" or stream.isatty()
        errors = "backslashreplace" if name == "stderr" else "genbench.spell"
        setattr(sys, name, io.TextIOWrapper(raw, encoding=stream.encoding, errors=errors, line_buffering=lines))
