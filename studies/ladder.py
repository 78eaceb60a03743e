"""`python -m studies.ladder`: what metrics answer to the control ladder, as pictures and as tables of docs/metrics.md.

The rungs are those of bench/metrics/_controls.py. Datasets: all that are embedded, fashion_mnist and mnist where their files are, and a
folder of colour images that is cut from scikit-learn's two sample photos. Every answer of a metric on a log scale is in units of its
answer to real rows; an energy distance, which may be negative, is in its own unit. A picture a dataset, in docs/ladder.
"""

from __future__ import annotations

import argparse
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from bench.cli.controls import columns_of as all_of
from bench.datasets import Dataset
from bench.datasets.own import own_dataset
from bench.errors import DataUnavailable
from bench.leaderboard.table import metric_scale
from bench.metrics._controls import Answers, answers_of, violated
from bench.metrics._score import better_of
from bench.plan.facts import spaces_of
from bench.registry import load
from bench.render.axis import axis_of, decade_ticks, round_ticks
from bench.render.svg import tag
from studies._page import DOCS, write_block

PHOTOS = "photos"
DATASETS = (
    "ring8", "grid25", "digits", "digits_binary", "stacked_digits", "iris", "wine", "breast_cancer", "fashion_mnist", "mnist", PHOTOS,
)  # fmt: skip
COLUMNS = {  # what a picture shows; the first is the one that its table shows
    "2d": ("w1", "mode_jsd"),
    "table": ("energy_distance",),
    "image": ("fid_random", "fid_lenet", "fid_pca"),
}
ALL_COLUMNS_OF = ("digits", "ring8", "breast_cancer")
PATCHES, SIDE = 1_500, 32  # of each photo
WIDTH, LEFT, RIGHT, TOP, ROW = 640, 150, 20, 56, 20
COLOURS = ("#1b6ca8", "#c4501b", "#2e8b57")


def photos(folder: Path) -> Dataset:
    """Cut 1,500 patches of 64x64 from each sample photo, halve them, and read the folder as anyone's own images."""
    from PIL import Image
    from sklearn.datasets import load_sample_images

    rng = np.random.default_rng(0)
    for number, photo in enumerate(load_sample_images().images):
        (folder / PHOTOS / str(number)).mkdir(parents=True)
        tops, lefts = (rng.integers(0, size - 2 * SIDE, PATCHES) for size in photo.shape[:2])
        for i, (top, left) in enumerate(zip(tops, lefts, strict=True)):
            patch = Image.fromarray(photo[top : top + 2 * SIDE, left : left + 2 * SIDE]).reduce(2)
            patch.save(folder / PHOTOS / str(number) / f"{i}.png")
    return own_dataset(folder / PHOTOS)


def dataset_of(name: str) -> Dataset | None:
    """Return a dataset by name; None where its files are not here."""
    try:
        if name == PHOTOS:
            with tempfile.TemporaryDirectory() as folder:
                return photos(Path(folder))
        return load("dataset", name)()
    except DataUnavailable:
        return None


def columns_of(dataset: Dataset, *, every: bool) -> tuple[str, ...]:
    """Return the columns to look at: the primary one first, for some datasets all of them."""
    kind = "image" if len(dataset.shape) == 3 else dataset.kind
    known = spaces_of(dataset)[0] if not dataset.own_path else dict.fromkeys(("random", "pca"))
    spaces = {f"fid_{space}" for space in known}
    shown = [name for name in COLUMNS[kind] if not name.startswith("fid_") or name in spaces]
    modes = ["mode_kl_off", "mode_kl"] if dataset.primary == "mode_kl_off" else []
    first = [dataset.primary] if dataset.primary != "nll" else []
    return tuple(dict.fromkeys([*first, *modes, *shown, *(all_of(dataset) if every else ())]))


def climb(name: str) -> Answers:
    """Write a dataset's picture and return its answers; none where its files are not here."""
    torch.set_num_threads(1)
    dataset = dataset_of(name)
    if dataset is None:
        return {}
    answers = answers_of(dataset, columns_of(dataset, every=name in ALL_COLUMNS_OF))
    path = DOCS / "ladder" / f"{name}.svg"
    path.parent.mkdir(exist_ok=True)
    path.write_text(picture(name, answers), encoding="utf-8")
    print(f"wrote {path.relative_to(DOCS.parent)}", flush=True)
    return answers


def picture(name: str, answers: Answers) -> str:
    """Draw a row a rung, a mark a metric, on a log axis where the metrics are ratios."""
    shown = {metric: in_units(metric, values) for metric, values in list(answers.items())[:3]}
    rungs = list(next(iter(shown.values())))
    numbers = [v for values in shown.values() for v in values.values()]
    log = all(map(is_ratio, shown, (answers[m] for m in shown)))
    axis = axis_of(numbers, LEFT, WIDTH - RIGHT, log=log)
    bottom = TOP + ROW * len(rungs)
    ticks = (decade_ticks if axis.log else round_ticks)(axis.low, axis.high, 6)
    unit = "in units of real rows against real rows" if log else "in its own unit"
    text = lambda x, y, words, **more: tag("text", words, x=f"{x:g}", y=f"{y:g}", **more)
    parts = [text(4, 16, f"{name}: answers to the control ladder, {unit}", font_weight="bold")]
    for i, metric in enumerate(shown):
        parts.append(tag("circle", cx=LEFT + 150 * i + 5, cy=33, r=4, fill=COLOURS[i]))
        parts.append(text(LEFT + 150 * i + 14, 37, metric + (" (primary)" if i == 0 else "")))
    for tick in ticks:
        parts.append(tag("line", x1=axis.at(tick), x2=axis.at(tick), y1=TOP - 8, y2=bottom, stroke="#dddddd"))
        parts.append(text(axis.at(tick), bottom + 14, f"{tick:g}", text_anchor="middle"))
    for row, rung in enumerate(rungs):
        y = TOP + ROW * row + 6
        parts.append(text(LEFT - 8, y + 4, rung, text_anchor="end"))
        for i, values in reversed(list(enumerate(shown.values()))):
            parts.append(tag("circle", cx=axis.at(values[rung]), cy=y, r=4, fill=COLOURS[i], fill_opacity=0.85))
    height = bottom + 24
    drawn = tag(
        *("svg", tag("title", f"Control ladder of {name}"), tag("rect", width=WIDTH, height=height, fill="white"), *parts),
        **{"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {WIDTH} {height}", "role": "img"},
        font_family="sans-serif", font_size=11, fill="#222222",
    )  # fmt: skip
    return f"{drawn}\n"


def is_ratio(metric: str, values: dict[str, float]) -> bool:
    """Say whether answers are shown in units of the one to real rows."""
    return metric_scale(metric) == "log" and values["real"] > 0


def in_units(metric: str, values: dict[str, float]) -> dict[str, float]:
    """Divide a column on a log scale by its answer to real rows; leave another in its unit."""
    return {rung: v / values["real"] for rung, v in values.items()} if is_ratio(metric, values) else dict(values)


def table(rows: dict[str, tuple[str, dict[str, float]]], first: str) -> str:
    """Write rows as Markdown: label -> (metric, its answers)."""
    rungs = list(dict.fromkeys(rung for _, values in rows.values() for rung in values))
    lines = ["", f"| {first} | {' | '.join(rungs)} | orders broken |", "| --- |" + " --- |" * (len(rungs) + 1)]
    for label, (metric, values) in rows.items():
        units, better = in_units(metric, values), better_of(metric)
        broken = "ranks nobody" if better == "none" else str(len(violated(values, better=better)))
        cells = [f"{units[rung]:.3g}" if rung in units else "" for rung in rungs]
        lines.append(f"| {label} | {' | '.join(cells)} | {broken} |")
    return "\n".join([*lines, "", ""])


def main(arguments: list[str] | None = None) -> None:
    """Climb the ladder on the named datasets; with all of them here, write the pictures and the page's tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--datasets", default=",".join(DATASETS), help="comma-separated")
    names = tuple(parser.parse_args(arguments).datasets.split(","))
    primaries: dict[str, tuple[str, dict[str, float]]] = {}
    every: dict[str, tuple[str, dict[str, float]]] = {}
    with ProcessPoolExecutor(len(names), mp_context=get_context("spawn")) as pool:
        climbed = dict(zip(names, pool.map(climb, names), strict=True))
    for name, answers in climbed.items():
        if not answers:
            print(f"{name}: its files are not here; bench data fetch {name}")
            continue
        primary = next(iter(answers))
        primaries[f"{name}, {primary}"] = (primary, answers[primary])
        if name in ALL_COLUMNS_OF:
            every |= {f"{name}, {metric}": (metric, values) for metric, values in answers.items()}
    print(table(primaries, "dataset, primary"), table(every, "dataset, column"))
    if names == DATASETS and len(primaries) == len(DATASETS):
        write_block(DOCS / "metrics.md", "ladder", table(primaries, "dataset, primary"))
        write_block(DOCS / "metrics.md", "ladder of every column", table(every, "dataset, column"))


if __name__ == "__main__":
    main()
