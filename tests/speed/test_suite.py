"""The suite as a user starts it: cells side by side against one process with two threads; and the answer to --help."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.records.store import Store
from tests.speed.pairs import Peer

SUITE = Path(__file__).parent / "core_subset.toml"
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def run(module: str, *arguments: str, threads: int) -> str:
    """Run a module of this checkout as a user would; its output."""
    environment = os.environ | {name: str(threads) for name in THREADS}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def test_cells_side_by_side(pairs_of):
    """From start to end of a command, imports and planning included; ours writes records and boards too."""

    def side_by_side():
        with tempfile.TemporaryDirectory() as out:
            run("bench.cli", "run", "--all", "--suite", str(SUITE), "--jobs", "2", "--out", out, threads=1)
            records = list(Store(Path(out)).records())
        return len(records), sum(record["status"] == "ok" for record in records)

    def one_process():
        with tempfile.TemporaryDirectory() as out:
            return tuple(map(int, run("tests.speed.one_process", str(SUITE), out, threads=2).split()))

    def agrees(ours, theirs):
        assert ours == theirs and ours[0] == ours[1] > 0, f"cells and good cells: {ours}, {theirs}"

    peer = Peer("one process, two threads", one_process, 1.3, agrees)
    pairs_of("a part of the core suite, two cells at once", side_by_side, peer, threads=2)


def test_help(benchmark):
    """No peer: a limit in seconds, the median of eleven runs."""
    text = run("bench.cli", "--help", threads=1)
    assert "leaderboard" in text
    benchmark.pedantic(run, args=("bench.cli", "--help"), kwargs={"threads": 1}, rounds=11, warmup_rounds=1)
    seconds = benchmark.stats.stats.median
    benchmark.extra_info.update(row="bench --help", threads=1, peers=[], seconds=seconds, limit_seconds=0.3)
