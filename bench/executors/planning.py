"""Make a plan in a process of its own, so that data and models never enter the driver."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bench.errors import DataUnavailable, UsageError
from bench.executors.local import Ended, Workers
from bench.plan.request import Plan, Request

EXIT_ERRORS = {2: UsageError, 7: DataUnavailable}


def make_plan(workers: Workers, request: Request) -> tuple[Plan, dict[str, Any]]:
    """The plan, made in a process of its own, and this machine's fingerprint."""
    return plan_of(workers.call("plan", request=asdict(request)))


def plan_of(ended: Ended) -> tuple[Plan, dict[str, Any]]:
    """The plan and the fingerprint that a planning process returned; raises the error that it ended with."""
    if ended.status != "ok":
        if ended.value in EXIT_ERRORS:
            raise EXIT_ERRORS[ended.value](ended.message.partition(": ")[2])
        raise RuntimeError(f"planning failed: {ended.message}")
    return Plan.from_json(ended.value), ended.value["environment"]
