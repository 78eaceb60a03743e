"""Turn a suite's caps in core-seconds into steps: what one step of each model costs on each dataset, on this machine.

    python -m studies.budgets core [--write] [--models a,b] [--datasets c,d]

A cap is the same number of core-seconds for every model of a board; a model's budget is the cap over the processor time of one
of its steps. With --write the steps, each beside its measured cost, replace what stands under the marker in the suite's file;
pairs that were not measured keep their line.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from itertools import islice
from typing import Any

import torch

from bench.models import Trainable
from bench.plan.cell import Cell
from bench.plan.make import make_plan
from bench.plan.request import Request
from bench.plan.suite import FOLDER, Suite, load_suite
from bench.run.precision import numerics, precision_of
from bench.run.prepare import load_dataset, make_model, training_split

MARKER = "# Steps: the cap over the processor time of one step, by `python -m studies.budgets {}`.\n"
WARM = 5  # steps before the clock: the first ones set up what the others reuse
MEASURED_S = 1.0
STEPS = 10**6  # so many that no schedule ends within the measurement


def cost_of_a_step(cell: Cell) -> float | None:
    """Return the processor time of one step in seconds, the median of blocks; None for a model without steps."""
    dataset = load_dataset(cell)
    hparams = cell.model["hparams"]
    model: Any = make_model(cell, hparams | {"steps": STEPS} if "steps" in hparams else hparams)
    if not isinstance(model, Trainable) or "steps" not in hparams:
        return None
    rows = training_split(cell, dataset)
    blocks: list[float] = []
    with numerics(cell.device, precision_of(hparams)):
        steps = model.fit_steps(rows.x, rows.y, seed=0)
        for _ in islice(steps, WARM):
            pass
        while len(blocks) < 3 or sum(blocks) * WARM < MEASURED_S:
            start = time.process_time()
            for _ in islice(steps, WARM):
                pass
            blocks.append((time.process_time() - start) / WARM)
        steps.close()  # type: ignore[attr-defined]
    return statistics.median(blocks)


def rounded(steps: float) -> int:
    """Round to two significant digits, at least one step."""
    return max(1, int(float(f"{steps:.2g}")))


def measure(suite: Suite, request: Request) -> dict[str, dict[str, str]]:
    """Return model -> dataset -> the TOML line of its steps."""
    lines: dict[str, dict[str, str]] = {}
    for cell in make_plan(request).cells:
        name, place = cell.model["id"], cell.dataset["id"]
        cap = suite.caps.get(place, suite.caps.get(cell.dataset["kind"]))
        cost = None if cap is None else cost_of_a_step(cell)
        if cap is None or cost is None:
            continue
        steps = rounded(cap / cost)
        lines.setdefault(name, {})[place] = (
            f"{place} = {steps} # {steps * cost:.3g} core-s, {1000 * cost:.3g} ms a step"
        )
        sys.stdout.write(f"{name:20} {lines[name][place]}\n")
        sys.stdout.flush()
    return lines


def write(suite: Suite, lines: dict[str, dict[str, str]]) -> None:
    """Put the lines under the suite's marker; lines of pairs that were not measured stay."""
    path, marker = FOLDER / f"{suite.name}.toml", MARKER.format(suite.name)
    head, found, tail = path.read_text().partition(marker)
    if not found:
        raise SystemExit(f"{path}: no line {marker!r}; expected the steps below it")
    kept: dict[str, dict[str, str]] = {}
    table = ""
    for line in tail.splitlines():
        if line.startswith("[steps."):
            table = line.removeprefix("[steps.").removesuffix("]")
        elif "=" in line and table:
            kept.setdefault(table, {})[line.split(" ")[0]] = line
    for name, places in lines.items():
        kept.setdefault(name, {}).update(places)
    text = "".join(
        f"\n[steps.{name}]\n" + "".join(f"{line}\n" for line in kept[name].values()) for name in sorted(kept)
    )
    path.write_text(head + marker + text)


def main() -> None:
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--models", default="")
    parser.add_argument("--datasets", default="")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    suite = load_suite(asked.suite)
    models = tuple(name for name in asked.models.split(",") if name)
    datasets = tuple(name for name in asked.datasets.split(",") if name)
    lines = measure(suite, Request(suite=suite.name, models=models, datasets=datasets, seeds=1))
    if asked.write:
        write(suite, lines)


if __name__ == "__main__":
    main()
