"""Seconds to build every derived file, leaderboard.html among them, from N synthetic records on disk.

    python -m tests.speed.page 1000 10000

N / 250 boards of 50 models with five seeds each (at least one board), 20 ranked columns with 20 blocks, curves of 100 points,
and no pictures. Prints seconds (one cold process, reading included) and the page's size.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.records.record import Record
from bench.registry import FAMILIES

MODELS, SEEDS, COLUMNS, BLOCKS, POINTS = 50, 5, 20, 20, 100


def a_record(board: int, model: int, seed: int, random_: random.Random) -> Record:
    """One record of the present schema; a model's columns differ by its number, its seeds by noise."""
    columns = {}
    for c in range(COLUMNS):
        value = 1 + model / 10 + random_.gauss(0, 0.2)
        blocks = [round(value + random_.gauss(0, 0.3), 6) for _ in range(BLOCKS)]
        columns[f"score_{c:02d}"] = {
            "value": value,
            "test_se": 0.1,
            "better": "lower",
            "unit": "",
            "n": 400,
            "blocks": blocks,
        }
    names = ("d_loss", "g_loss", "d_real", "d_fake", "grad_generator", "grad_discriminator")
    curve = [
        {"step": 5 * i, "seconds": i / 10} | {n: round(random_.random(), 5) for n in names} for i in range(1, POINTS)
    ]
    family = FAMILIES[model % 5]
    return {
        "schema": "bench.cell/1", "key": "0" * 64, "status": "ok", "flags": [], "error": None, "suite": "core",
        "device": "cpu", "precision": "fp32", "seed": seed, "env_ref": None, "code": None, "attempt": 1,
        "dataset": {"id": f"board{board:03d}", "primary": "score_00", "kind": "image", "sha256": "0"},
        "model": {"id": f"model{model:02d}", "row": f"model{model:02d}", "family": family, "uses_labels": False,
                  "reference": False, "variant": "", "hparams": {"steps": 500}, "n_params": 1000},
        "metrics": {"public": columns, "private": columns}, "curve": curve,
        "training": {"last": 1.0, "best": 1.0, "gap": 0.0, "probes": [[250, 2.0], [500, 1.0]], "modes": [[250, 7], [500, 9]]},
        "timing": {"train_s": 1.0}, "resources": {"cpu_s": 1.0, "peak_rss_bytes": 10**7},
        "throughput": {"train_examples_per_s": 1e4, "sample_examples_per_s": 1e5 / (1 + model), "contended": False},
        "protocol": {"steps": 500}, "artifacts": [], "started_utc": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip


def write_records(out: Path, count: int) -> None:
    """`count` records, rounded down to whole models."""
    random_ = random.Random(0)
    for i in range(count // SEEDS):
        board, model = divmod(i, MODELS)
        folder = out / "cells" / "core-cpu" / f"board{board:03d}" / f"model{model:02d}"
        folder.mkdir(parents=True)
        for seed in range(SEEDS):
            record = a_record(board, model, seed, random_)
            (folder / f"seed-{seed}.json").write_text(json.dumps(record))


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Time each N given."""
    build = "import sys; from pathlib import Path; from bench.records.store import Store; from bench.render.files import write_boards; "
    build += "write_boards(Store(Path(sys.argv[1])))"
    for count in map(int, sys.argv[1:] or ["1000", "10000"]):
        with tempfile.TemporaryDirectory() as folder:
            write_records(Path(folder), count)
            start, cpu = time.monotonic(), _children()
            subprocess.run([sys.executable, "-c", build, folder], check=True)
            seconds, cpu = time.monotonic() - start, _children() - cpu
            size = (Path(folder) / "leaderboard.html").stat().st_size
            print(
                f"{count} records: {seconds:.1f} s ({cpu:.1f} s of processor), leaderboard.html {size / 1e6:.2f} MB",
                flush=True,
            )


if __name__ == "__main__":
    main()
