"""Kill nodes, workers, fork servers and drivers at random under runs over a cluster, and count what was lost.

    python -m studies.ray_soak --kills 200 --seed 0

A cluster of two nodes on this machine. A driver runs the smoke suite on iris; every few seconds something is killed; a driver that
was killed is started again with the same command, and a run that is complete begins anew. After each run: no file that cannot be
read, no half-written file, no cell missing, no finished record written again; in the end no fork server of ours is left.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from bench.records.store import Store
from tests.executors.clusters import machines, processes, raylet_of

KINDS = ("node", "worker", "server", "driver")
CELLS = ("run", "--all", "-d", "iris", "--suite", "smoke", "--retries", "5", "--executor", "ray", "--address")


def kill(kind, cluster, driver, chance):
    """Kill one process of a kind; returns whether there was one."""
    if kind == "node":
        cluster.remove(raylet_of(chance.choice(sorted(cluster.cluster.worker_nodes, key=raylet_of))))
        cluster.add()
        return True
    ids = (
        [driver.pid]
        if kind == "driver"
        else processes(b"bench.executors._fork_server" if kind == "server" else b"ray::")
    )
    if ids:
        with suppress(ProcessLookupError):
            os.kill(chance.choice(sorted(ids)), signal.SIGKILL)
    return bool(ids)


def state(out):
    """Return the time of writing of each record."""
    return {path: path.stat().st_mtime_ns for path in (out / "cells").rglob("seed-*.json")}


def main():
    """Print what was killed and what was lost, as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    chance, start = random.Random(asked.seed), time.monotonic()
    told = {
        "kills": dict.fromkeys(KINDS, 0),
        "runs": 0,
        "records": 0,
        "rewritten": 0,
        "unreadable": 0,
        "halves": 0,
        "failed": 0,
    }
    with tempfile.TemporaryDirectory() as folder, machines() as cluster:
        out, kept = Path(folder) / "0", {}
        while sum(told["kills"].values()) < asked.kills and time.monotonic() - start < asked.seconds:
            words = [sys.executable, "-m", "bench.cli", *CELLS, cluster.address, "--out", str(out)]
            driver = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while driver.poll() is None and sum(told["kills"].values()) < asked.kills:
                with suppress(subprocess.TimeoutExpired):
                    driver.wait(chance.uniform(2, 8))
                    break
                kind = chance.choice(KINDS)
                told["kills"][kind] += kill(kind, cluster, driver, chance)
            driver.wait()
            now = state(out)
            told["rewritten"] += sum(now.get(path) != when for path, when in kept.items())
            told["halves"] += len(list(out.rglob(".*.????????"))) if driver.returncode in (0, 3) else 0
            kept = now
            if driver.returncode in (0, 3):
                store = Store(out)
                records = store.records()
                told["runs"] += 1
                told["records"] += len(records)
                told["unreadable"] += len(store.problems)
                told["failed"] += sum(record["status"] != "ok" for record in records)
                out, kept = Path(folder) / str(told["runs"]), {}
            print(json.dumps(told | {"seconds": round(time.monotonic() - start)}), flush=True)
        time.sleep(5)
        print(json.dumps(told | {"servers_left": len(processes(b"bench.executors._fork_server"))}))


if __name__ == "__main__":
    main()
