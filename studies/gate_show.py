"""`python -m studies.gate_show`: a real regression of each kind in a scratch copy, and what the gate says of it.

A copy of the sources, a small suite given as a file, a reference accepted from one run; then one edit at a time, a run into an
empty folder, the gate. Exits 1 if a verdict is not the expected one. Titles of cases as arguments show those alone.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUITE = """
description = "A few cheap cells for tests of the gate."
seeds = 3
datasets = ["ring8", "iris"]
models = ["gmm", "kde", "vae", "vanilla_gan"]
draws = 1
elbo_samples = 4
probes = 0

[steps.vae]
2d = 100
table = 60

[steps.vanilla_gan]
2d = 1200
table = 250
"""


@dataclass(frozen=True)
class Case:
    """An edit of the copy and what the gate must say: its exit code and a pattern of its output."""

    title: str
    model: str
    file: str
    edit: Callable[[str], str]
    code: int
    says: str


def after_line(pattern: str, statement: str) -> Callable[[str], str]:
    """Put a statement into the body of the function whose first line matches."""

    def edit(text: str) -> str:
        changed = re.sub(rf"^(    def {pattern}.*:)$", rf"\1\n        {statement}", text, count=1, flags=re.MULTILINE)
        assert changed != text, f"no function {pattern}"
        return changed

    return edit


def hundredfold_rate(text: str) -> str:
    """Multiply the vanilla GAN's default learning rate of 1e-3 by a hundred."""
    changed = text.replace("    lr: float | None = None", "    lr: float | None = 0.1")
    assert changed != text, "no field lr"
    return changed


CASES = (
    Case("nothing", "", "README.md", lambda text: text, 0, r"gate: green.* identical"),
    Case(
        "a comment", "vanilla_gan", "gan_models/vanilla_gan.py", lambda text: text + "\n# a comment\n", 0, "gate: green"
    ),
    Case(
        "learning rate x 100",
        "vanilla_gan",
        "gan_models/vanilla_gan.py",
        hundredfold_rate,
        4,
        r"REGRESSION .*/vanilla_gan mode_jsd|vanilla_gan status: diverged",
    ),
    Case(
        "a slower sampler",
        "gmm",
        "baselines/gmm.py",
        after_line(r"sample\(", "__import__('time').sleep(0.2)"),
        4,
        "REGRESSION .*/gmm speed of sampling",
    ),
    Case(
        "more memory",
        "kde",
        "baselines/kde.py",
        after_line(r"fit\(", "self.ballast = torch.ones(40_000_000)"),
        4,
        "REGRESSION .*/kde memory",
    ),
    Case(
        "a crash",
        "vae",
        "baselines/vae.py",
        after_line(r"fit_steps\(", "raise RuntimeError('broken')"),
        4,
        "ERROR .*/vae status: crashed .*broken",
    ),
)


def bench(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a verb of the copy's own sources."""
    environment = os.environ | {"PYTHONPATH": str(copy), "COLUMNS": "120"}
    command = [sys.executable, "-m", "bench.cli", *arguments]
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)


def show(case: Case, copy: Path) -> bool:
    """Edit, run, gate, undo; True if the verdict is the expected one."""
    path = copy / case.file
    text = path.read_text(encoding="utf-8")
    path.write_text(case.edit(text), encoding="utf-8")
    chosen = ["-m", case.model] if case.model else ["--all"]
    out = copy / "fresh"
    shutil.rmtree(out, ignore_errors=True)
    bench(copy, "run", *chosen, "--suite", "tiny.toml", "--out", str(out))
    options = ["--partial"] if case.model else []
    judged = bench(
        copy, "gate", "--results", str(out), "--ref", "ref.json", "--speed", "fail" if case.code else "auto", *options
    )
    path.write_text(text, encoding="utf-8")
    right = judged.returncode == case.code and re.search(case.says, judged.stdout) is not None
    print(f"--- {case.title}: exit {judged.returncode}, expected {case.code}{'' if right else '   WRONG'}")
    print(judged.stdout + judged.stderr)
    return right


def main(titles: list[str]) -> int:
    """Show every case, or those named; returns the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        for name in ("bench", "baselines", "gan_models"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "README.md", copy)
        (copy / "tiny.toml").write_text(SUITE)
        ran = bench(copy, "run", "--all", "--suite", "tiny.toml", "--out", "first")
        assert ran.returncode == 0, ran.stderr
        print(bench(copy, "gate", "--accept", "--results", "first", "--ref", "ref.json").stdout)
        chosen = [case for case in CASES if not titles or case.title in titles]
        right = [show(case, copy) for case in chosen]  # all are shown, whatever the first says
        return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
