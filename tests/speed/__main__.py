"""`make speed` or `python -m tests.speed [-k EXPRESSION] [--pairs N] [--no-write]`: measure, print the table, store the run.

A whole run stores its JSON under tests/speed/stored/ and writes the table into docs/performance.md; a part only prints.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.speed import table

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "performance.md"
STORED = ROOT / "tests" / "speed" / "stored"
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
KERNEL_CHOICES = (
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
)  # a forced kernel would slow one side: BLAS knows the processor


def measure(path: Path, *, select: str, pairs: int, keep: bool) -> int:
    """Run the rows under pytest-benchmark; its JSON goes to `path`, a stored copy beside the earlier runs if keep."""
    environment = {name: value for name, value in os.environ.items() if name not in KERNEL_CHOICES}
    environment |= dict.fromkeys(THREADS, "1") | {"SPEED_PAIRS": str(pairs)}
    command = [sys.executable, "-m", "pytest", str(ROOT / "tests" / "speed"), "--benchmark-enable", "--benchmark-only"]
    command += [f"--benchmark-json={path}", f"--benchmark-storage={STORED}", "--benchmark-columns=median,iqr,rounds"]
    command += ["-k", select] if select else []
    earlier = sorted(STORED.glob("*/*.json"))
    command += ["--benchmark-compare"] if earlier else []
    command += ["--benchmark-save=speed"] if keep else []
    return subprocess.run(command, cwd=ROOT, env=environment).returncode


def main() -> int:
    """0 if every row agreed with its peer, whatever the ratios."""
    parser = argparse.ArgumentParser(prog="python -m tests.speed", description=__doc__.splitlines()[0])
    parser.add_argument(
        "-k", dest="select", default="", help="only the rows that match, as in pytest; nothing is stored"
    )
    parser.add_argument("--pairs", type=int, default=5, help="interleaved pairs a row (5)")
    parser.add_argument("--no-write", action="store_true", help="print only")
    options = parser.parse_args()
    if options.pairs < 1:
        parser.error(f"--pairs must be at least 1, got {options.pairs}")
    write = not (options.select or options.no_write)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speed.json"
        code = measure(path, select=options.select, pairs=options.pairs, keep=write)
        if not path.exists() or not path.stat().st_size:
            print("no row was measured; see above", file=sys.stderr)
            return code or 1
        run = json.loads(path.read_text(encoding="utf-8"))
    print("\n" + table.text(run))
    if write and code == 0:
        PAGE.write_text(table.with_table(PAGE.read_text(encoding="utf-8"), run), encoding="utf-8")
        print(f"\nwritten: {PAGE.relative_to(ROOT)}, {STORED.relative_to(ROOT)}/")
    return code


if __name__ == "__main__":
    sys.exit(main())
