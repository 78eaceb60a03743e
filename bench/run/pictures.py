"""Pictures of samples as PNG: a 10 x 10 grid of images, or a 2-D scatter over the true modes.

And, for images, the most suspicious samples above their nearest training rows. No plotting library.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from bench.datasets import Dataset
from bench.metrics.copies import MAX_TRAIN, nearest

CELLS = 10
SCATTER_PIXELS = 320
LABELS = "labels"  # name of the text in a PNG that holds a JSON list, a label a row or a panel
SUSPECTS_FROM = 1000  # samples that are searched for copies
BLUE, GREY, ORANGE = (20, 70, 180), (190, 190, 190), (213, 94, 0)


def pictures(dataset: Dataset, samples: Tensor) -> dict[str, bytes]:
    """Draw {"grid": PNG}, and "nearest" for images."""
    drawn = {"grid": draw_samples(dataset, samples)}
    if len(dataset.shape) == 3:
        drawn["nearest"] = draw_nearest(dataset, samples)
    return drawn


def draw_samples(dataset: Dataset, samples: Tensor) -> bytes:
    """PNG of the first samples of a model.

    Images side by side, 2-D points as a density, tables as the first two axes.
    """
    if len(dataset.shape) == 3:
        return to_png(image_grid(samples[: CELLS * CELLS].cpu().numpy()))
    reference = dataset.train.x.cpu().numpy()[:, :2]
    means = None if dataset.law is None else dataset.law.means.cpu().numpy()
    return to_png(scatter(samples.cpu().numpy()[:, :2], reference, means))


def draw_nearest(dataset: Dataset, samples: Tensor) -> bytes:
    """Draw the samples most like a training row, and below each the row it is nearest to, as a PNG."""
    suspects, rows = suspicious(samples[:SUSPECTS_FROM], dataset.train.x[:MAX_TRAIN], CELLS)
    blank = [torch.zeros_like(suspects[:1])] * (CELLS - len(suspects))
    return to_png(image_grid(torch.cat([suspects, *blank, rows, *blank]).cpu().numpy()))


def suspicious(samples: Tensor, train: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return at most `count` samples (k, *shape) with the least |s - t| / |t - t'|, and their rows t.

    Each row stands once; see bench.metrics.copies.
    """
    flat = train.flatten(1).float()
    distance, index = nearest(samples.flatten(1).float(), flat)
    spacing = nearest(flat, flat, own=True)[0]
    ratio = distance / spacing[index].clamp(min=1e-9)
    chosen: dict[int, int] = {}
    for i in torch.argsort(ratio, stable=True).tolist():
        chosen.setdefault(int(index[i]), i)
        if len(chosen) == count:
            break
    return samples[list(chosen.values())], train[list(chosen)]


def image_grid(images: np.ndarray, *, scale: int | None = None, columns: int = CELLS, gap: int = 2) -> np.ndarray:
    """Lay out (n, C, H, W) in [0, 1] as a uint8 picture (rows, columns, 3), `gap` pixels around each."""
    n, channels, height, width = images.shape
    scale = scale or max(1, round(24 / height))
    if channels not in (1, 3):
        images = images.mean(axis=1, keepdims=True)
    images = np.repeat(images, 3, axis=1) if images.shape[1] == 1 else images
    rows = -(-n // columns)
    step_y, step_x = height * scale + gap, width * scale + gap
    picture = np.full((rows * step_y + gap, columns * step_x + gap, 3), 96, dtype=np.uint8)
    for i, image in enumerate(images):
        large = np.kron(np.clip(image, 0, 1), np.ones((1, scale, scale)))
        top, left = gap + i // columns * step_y, gap + i % columns * step_x
        picture[top : top + height * scale, left : left + width * scale] = np.round(255 * large).transpose(1, 2, 0)
    return picture


def scatter(
    points: np.ndarray, reference: np.ndarray, means: np.ndarray | None = None, *, pixels: int = SCATTER_PIXELS
) -> np.ndarray:
    """Draw (n, 2) points in blue over the training rows in grey, on equal axes, (pixels, pixels, 3) uint8.

    The true modes (K, 2) are ringed.
    """
    low, high = np.percentile(reference, [0, 100], axis=0)
    centre, half = (low + high) / 2, 0.62 * max(float((high - low).max()), 1e-9)
    picture = np.full((pixels, pixels, 3), 255, dtype=np.float64)
    for rows, colour, weight in ((reference[:20_000], GREY, 0.9), (points[:5_000], BLUE, 0.55)):
        at = np.floor((rows - centre + half) / (2 * half) * pixels)
        inside = np.isfinite(at).all(axis=1) & (at >= 1).all(axis=1) & (at < pixels - 1).all(axis=1)
        for x, y in np.unique(at[inside].astype(int), axis=0):
            spot = picture[pixels - 1 - y - 1 : pixels - y + 1, x - 1 : x + 1]
            spot[:] = (1 - weight) * spot + weight * np.array(colour)
    for x, y in [] if means is None else (means - centre + half) / (2 * half) * pixels:
        _ring(picture, x, pixels - y, 11 * pixels / SCATTER_PIXELS)
    return picture.round().astype(np.uint8)


def _ring(picture: np.ndarray, x: float, y: float, radius: float) -> None:
    """Draw an orange circle around a pixel position, in place."""
    down, right = np.ogrid[: picture.shape[0], : picture.shape[1]]
    picture[np.abs(np.hypot(right + 0.5 - x, down + 0.5 - y) - radius) < 0.7] = ORANGE


def to_png(picture: np.ndarray, *, labels: Sequence[str] = ()) -> bytes:
    """Write a uint8 picture as PNG, with its labels as text: the same bytes for the same picture."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    if labels:
        text.add_text(LABELS, json.dumps(list(labels)))
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", optimize=True, pnginfo=text)
    return buffer.getvalue()
