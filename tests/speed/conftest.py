"""Rows of the table of ratios: collected only when benchmarks are enabled, as `make speed` does; `make test` skips them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.speed.pairs import Peer, pinned, run_pairs


def pytest_ignore_collect(collection_path: Any, config: pytest.Config) -> bool | None:
    """Peers take minutes: without --benchmark-enable the rows are not even imported."""
    return True if config.getoption("benchmark_disable") and not config.getoption("benchmark_enable") else None


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """The processor's flags fill pages, and the host's name is nobody's business."""
    machine_info.pop("node", None)
    machine_info.get("cpu", {}).pop("flags", None)
    import torch
    from threadpoolctl import threadpool_info

    from bench.records.environment import fingerprint

    machine_info["libraries"] = fingerprint()["libraries"]
    machine_info["processor_name"] = fingerprint()["processor"]
    machine_info["cores"] = fingerprint()["cores"]
    machine_info["blas"] = sorted(
        f"{p['internal_api']} {p['version']} ({p.get('architecture')})"
        for p in threadpool_info()
        if p["user_api"] == "blas"
    )
    machine_info["torch_cpu"] = torch.backends.cpu.get_cpu_capability()


@pytest.fixture
def pairs_of(benchmark: Any) -> Callable[..., None]:
    """Time one row: pairs_of("what", ours, *peers, threads=1, whole=1.0); the ratios go into the benchmark's extra_info."""

    def measure(what: str, ours: Callable[[], Any], *peers: Peer, threads: int, whole: float = 1.0) -> None:
        count = int(os.environ.get("SPEED_PAIRS", "5"))
        with pinned(threads) as got:
            race = run_pairs(benchmark, ours, *peers, pairs=count, whole=whole)
        benchmark.extra_info.update(row=what, threads=got, whole=whole, peers=race.summary())

    return measure
