"""Draw strips of samples as PNG: over training, through the latent space, class by class.

Images stand side by side at their own size, points of the plane as small scatters; of tables there is nothing to see.
Labels of the rows go along in the PNG.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.datasets import Dataset
from bench.models import Latent
from bench.models.state import undisturbed
from bench.plan.cell import Cell
from bench.run.outputs import check_shape
from bench.run.pictures import GREY, SCATTER_PIXELS, image_grid, scatter, to_png
from bench.run.precision import numerics, precision_of

COLUMNS = 8  # samples of a look or of a class
POINTS = 300  # of the plane, a look
LOOKS = 8  # at most, in a film
CLASSES = 20  # at most, rows of a picture
TONES = 16  # of a channel of large images
REFERENCE = 2000  # training rows behind points
PANEL = 96  # pixels of a look's scatter
WALKS, STOPS, STEPS = 3, 10, 300  # walks in a picture; images of one, or points of the plane


def strips(
    model: Any, cell: Cell, dataset: Dataset, outputs: Mapping[str, Tensor], frames: Sequence[tuple[int, Tensor]]
) -> dict[str, bytes]:
    """Draw what there is of {"film", "walk", "classes"}.

    frames: (step, what `first` kept) of each look.
    """
    if not can_be_seen(dataset):
        return {}
    drawn = {"film": film(dataset, frames)}
    if isinstance(model, Latent):
        drawn["walk"] = walks(dataset, _paths(model, cell, dataset))
    if "given.x" in outputs:
        drawn["classes"] = class_rows(dataset, outputs["given.x"], outputs["given.y"])
    return {name: picture for name, picture in drawn.items() if picture is not None}


def _paths(model: Latent, cell: Cell, dataset: Dataset) -> list[Tensor]:
    """Walk three times, each walk (n, *shape): images are not rounded to the dataset's levels."""
    n = STOPS if len(dataset.shape) == 3 else STEPS
    with torch.no_grad(), undisturbed(model), numerics(cell.device, precision_of(cell.model["hparams"])):
        paths = [model.walk(n, seed=WALKS * cell.seed + i).float() for i in range(WALKS)]
    for path in paths:
        check_shape(path, (n, *dataset.shape), "walk")
    return paths


def can_be_seen(dataset: Dataset) -> bool:
    """Say whether examples are images or points of the plane."""
    return len(dataset.shape) == 3 or dataset.shape == (2,)


def first(samples: Tensor) -> Tensor:
    """Copy what a look keeps of its samples, (8, C, H, W) or (300, D), to the CPU."""
    return samples[: COLUMNS if samples.ndim == 4 else POINTS].to("cpu", copy=True)


def film(dataset: Dataset, frames: Sequence[tuple[int, Tensor]]) -> bytes | None:
    """Draw (step, samples of one noise) of at most eight looks spread over training, the last among them.

    A row of images a look, or scatters side by side; None where there are not two looks.
    """
    if len(frames) < 2:
        return None
    kept = [frames[i] for i in np.linspace(0, len(frames) - 1, min(len(frames), LOOKS)).round().astype(int)]
    steps = [str(step) for step, _ in kept]
    if len(dataset.shape) == 3:
        return _images(torch.cat([_row(samples) for _, samples in kept]), COLUMNS, steps)
    picture = np.concatenate([_scatter(dataset, samples, PANEL) for _, samples in kept], axis=1)
    picture[:, PANEL - 1 : -1 : PANEL] = GREY  # a line between two looks
    return to_png(picture, labels=steps)


def walks(dataset: Dataset, paths: Sequence[Tensor]) -> bytes:
    """Draw walks (n, *shape): a row of images each, or their points in one scatter."""
    if len(dataset.shape) == 3:
        return _images(torch.cat(list(paths)), len(paths[0]), [])
    return to_png(_scatter(dataset, torch.cat(list(paths))))


def class_rows(dataset: Dataset, x: Tensor, y: Tensor) -> bytes | None:
    """Draw the first eight samples (n, C, H, W) of each class, a row a class; None without images."""
    if len(dataset.shape) != 3:
        return None
    rows, names = [], []
    for label in y.unique().tolist()[:CLASSES]:
        rows.append(_row(x[y == label]))
        names.append(dataset.class_names[label] if label < len(dataset.class_names) else str(label))
    return _images(torch.cat(rows), COLUMNS, names)


def _row(images: Tensor) -> Tensor:
    """Return the first eight images, black ones where there are fewer."""
    images = images[:COLUMNS]
    return torch.cat([images, images.new_zeros(COLUMNS - len(images), *images.shape[1:])])


def _images(images: Tensor, columns: int, labels: Sequence[str]) -> bytes:
    """Draw images pixel for pixel, grey ones in one channel; above 16x16 in 16 tones: half the bytes."""
    images = images.nan_to_num().clamp(0, 1)
    if images.shape[2] * images.shape[3] > 256:
        images = (images * (TONES - 1)).round() / (TONES - 1)
    picture = image_grid(images.cpu().numpy(), scale=1, columns=columns, gap=1)
    return to_png(picture if images.shape[1] == 3 else picture[:, :, 0], labels=labels)


def _scatter(dataset: Dataset, points: Tensor, pixels: int = SCATTER_PIXELS) -> np.ndarray:
    rows: Any = dataset.train.x  # a Tensor, where examples are points
    means = None if dataset.law is None else dataset.law.means.cpu().numpy()
    return scatter(points.cpu().numpy(), rows[:REFERENCE].cpu().numpy(), means, pixels=pixels)
