"""The process of one task, forked from the server.

Closed off from the protocol, it calls the function and tells how that went.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from bench.executors._process import die_with_parent, resident_bytes
from bench.executors._wire import add_file, read_file, write
from bench.run.task import Context


def run_and_leave(task: dict[str, Any], *, server: int, pipe: int, spool: int | None) -> NoReturn:
    """Run the task in this freshly forked process, tell the server through the pipe, and end the process."""
    code = 1
    try:
        _close_off(server)
        # Pages shared with the server are not counted until they are touched, so this process does not begin at zero.
        write(pipe, {"resident": resident_bytes()})
        write(pipe, {"value": _call(task, pipe, spool)})
        code = 0
    except BaseException as error:  # noqa: BLE001 - the process ends here, its reason goes through the pipe
        told = {"error": f"{type(error).__name__}: {error}", "exit_code": getattr(error, "exit_code", None)}
        write(pipe, told)
    finally:
        sys.stderr.flush()
        os._exit(code)


def _close_off(server: int) -> None:
    """Get a process group of its own, an empty standard input, and standard error for all that is printed."""
    os.setpgid(0, 0)
    die_with_parent(server)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts here, not at the server's


def _call(task: dict[str, Any], pipe: int, spool: int | None) -> Any:
    """Import the task's function and call it."""

    def report(phase: str, step: int) -> None:
        write(pipe, {"phase": phase, "step": step})

    def keep(name: str, raw: bytes) -> None:
        if spool is not None and name in task["outputs"]:
            write(pipe, {"file": name, "place": add_file(spool, raw)})

    inputs = {name: read_file(spool, place) for name, place in task["inputs"].items() if spool is not None}
    module, _, name = task["function"].partition(":")
    function = getattr(import_module(module), name)
    context = Context(report=report, inputs=inputs, outputs=tuple(task["outputs"]), keep=keep, places=task["places"])
    return function(**task["arguments"], context=context)
