"""Refuse a request that cannot be planned, before a process is started for it."""

from __future__ import annotations

from pathlib import Path

from bench.errors import UsageError
from bench.plan.request import Request
from bench.plan.suite import load_suite
from bench.registry import find

PRECISIONS = ("fp32", "bf16")


def check_request(request: Request) -> None:
    """Refuse unknown names, choices that exclude each other and own data that cannot be read.

    Raises UsageError or NotFound.
    """
    if request.precision not in PRECISIONS:
        raise UsageError(f"--precision must be one of {', '.join(PRECISIONS)}, got {request.precision!r}")
    load_suite(request.suite)
    if request.data:
        if request.datasets:
            raise UsageError(f"--data is the dataset; leave out -d {','.join(request.datasets)}")
        from bench.datasets.own.read import read_arrays

        read_arrays(Path(request.data), strict=request.strict, **request.reading)  # what it decodes, it caches
    elif request.strict or any(request.reading.values()):
        raise UsageError("--label and --strict go with --data, and so do --missing and --text")
    for name in request.models:
        entry = find("model", name)
        if entry.error:
            raise UsageError(f"model {name!r} ({entry.path}): {entry.error}")
    for name in request.datasets:
        find("dataset", name)
