"""`python -m studies.copy_screen --cells FOLDER`: how often files with and without copies are flagged.

For each draw the rows of a dataset are split anew into train, public and private rows, so that truth is known; a file has as many rows as
the public board. The two rules are those of the boards: the excess of exact copies, and the likelihood gap beside the copycat's. With
--cells the samples of networks are looked at too, from the artifacts of a run on the dataset's own split.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import Tensor

from bench.datasets import Dataset, Split
from bench.leaderboard.copying import is_close, is_near
from bench.metrics._evaluation import Evaluation
from bench.metrics.copies import copy_excess_of
from bench.metrics.dcr import dcr_share_of
from bench.metrics.exact_copies import NOTED_FROM, exact_copies
from bench.metrics.fld import fld_gap
from bench.registry import entries, load
from bench.run.outputs import load_outputs
from studies._page import DOCS, write_block

DATASETS = ("digits", "iris", "wine", "breast_cancer", "mnist")
DRAWS = 20
LARGEST = 2_500  # rows that a draw is split from, where a dataset has more
COLUMNS = ("flagged", "exact", "gap / copycat's", "dcr_share", "copy_excess flag")
HONEST = ("held-out rows", "average of 2", "average of 5", "one Gaussian")
SHARES = (0.3, 0.5)


def split_anew(data: Dataset, seed: int) -> Dataset:
    """Deal a dataset's rows anew in the proportions of its splits, at most LARGEST of them."""
    generator = torch.Generator().manual_seed(seed)
    parts = (data.train.x, data.valid.x, data.test.x)
    total = sum(map(len, parts))
    share = min(1.0, LARGEST / total)
    x = torch.cat([part[: max(2, int(share * len(part)))] for part in parts])
    x = x[torch.randperm(len(x), generator=generator)]
    held = [int(share * len(data.valid)), int(share * len(data.test))]
    train, valid, test = x.split([len(x) - sum(held), *held])
    return replace(
        data, name=f"{data.name} {seed}", train=Split(train), valid=Split(valid), test=Split(test), n_modes=0
    )


def files(data: Dataset, seed: int) -> Iterator[tuple[str, Tensor]]:
    """Yield (kind, samples) of files as long as the public board; the other rows of a file are held out, the private ones."""
    generator = torch.Generator().manual_seed(seed)
    n, real = len(data.valid), data.test.x[: len(data.valid)]
    copies = data.train.x[torch.randperm(len(data.train), generator=generator)[:n]]
    for share in SHARES:
        k = round(share * n)
        yield f"{share:.0%} exact copies", torch.cat([copies[:k], real[: n - k]])
    step = 1 / (data.levels - 1) if data.levels else 0.05 * data.train.x.std()
    nearly = copies + step * torch.randint(-1, 2, copies.shape, generator=generator)
    yield "all copies, each value off by a step or none", data.to_grid(nearly)
    yield HONEST[0], real
    rows = real.flatten(1)
    nearest = torch.cdist(rows, rows).topk(6, largest=False).indices
    for count in (2, 5):
        yield f"average of {count}", data.to_grid(rows[nearest[:, 1 : count + 1]].mean(dim=1).view_as(real))
    flat = data.train.x.flatten(1).double()
    noise = torch.randn(n, flat.shape[1], generator=generator, dtype=torch.float64)
    values, vectors = torch.linalg.eigh(torch.cov(flat.T))
    gaussian = flat.mean(dim=0) + (noise * values.clamp(min=0).sqrt()) @ vectors.T
    yield HONEST[3], data.to_grid(gaussian.float().view_as(real))


def findings(data: Dataset, samples: Tensor, copycat: tuple[float, float]) -> dict[str, float]:
    """Return what the rules and the older screens say of a file: 1 for a flag; and the numbers they go by."""
    ev = Evaluation(data, {"samples": samples}, board="public")
    exact, gap = exact_copies(ev).value, gap_of(data, samples)
    sides = [rows.flatten(1).float() for rows in (samples, data.valid.x[:], data.train.x[:])]
    share = dcr_share_of(*sides)
    return {
        "flagged": float(exact >= NOTED_FROM or is_near(gap, copycat[0]) or is_close(share, copycat[1])),
        "exact": exact,
        "gap / copycat's": gap / copycat[0],
        "dcr_share": share,
        "copy_excess flag": float(copy_excess_of(*sides)[1] > 0),
    }


def gap_of(data: Dataset, samples: Tensor) -> float:
    """Return fld_gap of samples in the space that the boards judge by."""
    space = "random" if len(data.shape) == 3 else "identity"
    return fld_gap(Evaluation(data, {"samples": samples}, board="public"), space).value


def scale_of(data: Dataset, seed: int) -> tuple[float, float]:
    """Return the gap and the DCR share of a file of training rows only."""
    order = torch.randperm(len(data.train), generator=torch.Generator().manual_seed(10_000 + seed))
    copies = data.train.x[order[: len(data.valid)]]
    sides = [rows.flatten(1).float() for rows in (copies, data.valid.x[:], data.train.x[:])]
    return gap_of(data, copies), dcr_share_of(*sides)


def networks(name: str, cells: Path) -> Iterator[tuple[str, Tensor]]:
    """Yield the model and its samples from the artifacts of a run."""
    models = entries("model")
    for path in sorted(cells.glob(f"cells/*/{name}/*/seed-*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        model = record["model"]["id"]
        artifact = cells / "artifacts" / path.relative_to(cells / "cells").with_suffix(".safetensors")
        if record["status"] == "ok" and not models[model].reference and artifact.exists():
            outputs = load_outputs(artifact, load("dataset", name)())
            if "samples" in outputs:
                yield model, outputs["samples"]


def lines_of(name: str, draws: int, cells: Path | None) -> list[str]:
    """Simulate one dataset and return its lines of the table."""
    torch.set_num_threads(1)
    data, seen = load("dataset", name)(), dict[str, list[dict[str, float]]]()
    for seed in range(draws):
        board = split_anew(data, seed)
        copycat = scale_of(board, seed)
        for kind, samples in files(board, seed):
            seen.setdefault(kind, []).append(findings(board, samples, copycat))
    n, found = len(data.valid), list(networks(name, cells)) if cells else []
    copycat = scale_of(data, 0) if found else (0.0, 0.0)
    for model, samples in found:
        for start in range(0, min(len(samples), 5 * n) - n + 1, n):
            seen.setdefault(f"samples of {model}", []).append(findings(data, samples[start : start + n], copycat))
    lines = []
    for kind, rows in seen.items():
        means = [sum(row[column] for row in rows) / len(rows) for column in COLUMNS]
        shown = [f"{means[0]:.0%}", *(f"{m:.2f}" for m in means[1:4]), f"{means[4]:.0%}"]
        lines.append(f"| {name} | {kind} | {len(rows)} | " + " | ".join(shown) + " |")
    return lines


def table(draws: int, cells: Path | None, datasets: tuple[str, ...]) -> str:
    """Simulate every dataset, each in a process of its own, and return the Markdown table."""
    lines = ["", f"| dataset | file | draws | {' | '.join(COLUMNS)} |", "|" + " --- |" * (3 + len(COLUMNS))]
    with ProcessPoolExecutor(len(datasets), mp_context=get_context("spawn")) as pool:
        parts = pool.map(lines_of, datasets, repeat(draws), repeat(cells))
        for part in parts:
            print("\n".join(part), flush=True)
            lines += part
    return "\n".join([*lines, "", ""])


def main(arguments: list[str] | None = None) -> None:
    """Simulate, print, and write the page's block where all datasets were looked at with all draws."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--draws", type=int, default=DRAWS, help="splits of each dataset")
    parser.add_argument("--cells", type=Path, help="folder of a run with artifacts, for networks' samples")
    parser.add_argument("--datasets", default=",".join(DATASETS), help="comma-separated")
    options = parser.parse_args(arguments)
    names = tuple(options.datasets.split(","))
    text = table(options.draws, options.cells, names)
    if options.draws == DRAWS and names == DATASETS and options.cells:
        write_block(DOCS / "metrics.md", "copies", text)


if __name__ == "__main__":
    main()
