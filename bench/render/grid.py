"""Pictures of samples as PNG: a 10 x 10 grid of images, or a 2-D scatter over the true modes. No plotting library."""

from __future__ import annotations

import io

import numpy as np
from torch import Tensor

from bench.data import Dataset

CELLS = 10
SCATTER_PIXELS = 320


def draw_samples(dataset: Dataset, samples: Tensor) -> bytes:
    """PNG of the first samples of a model: images side by side, 2-D points as a density, tables as the first two axes."""
    if len(dataset.shape) == 3:
        return to_png(image_grid(samples[: CELLS * CELLS].cpu().numpy()))
    reference = dataset.train.x.cpu().numpy()[:, :2]
    return to_png(scatter(samples.cpu().numpy()[:, :2], reference))


def image_grid(images: np.ndarray, *, scale: int | None = None) -> np.ndarray:
    """(n, C, H, W) in [0, 1] -> (rows, columns, 3) uint8 picture with a gap of one pixel between images."""
    n, channels, height, width = images.shape
    scale = scale or max(1, round(24 / height))
    if channels not in (1, 3):
        images = images.mean(axis=1, keepdims=True)
    images = np.repeat(images, 3, axis=1) if images.shape[1] == 1 else images
    rows, gap = -(-n // CELLS), 2
    step_y, step_x = height * scale + gap, width * scale + gap
    picture = np.full((rows * step_y + gap, CELLS * step_x + gap, 3), 96, dtype=np.uint8)
    for i, image in enumerate(images):
        large = np.kron(np.clip(image, 0, 1), np.ones((1, scale, scale)))
        top, left = gap + i // CELLS * step_y, gap + i % CELLS * step_x
        picture[top : top + height * scale, left : left + width * scale] = np.round(255 * large).transpose(1, 2, 0)
    return picture


def scatter(points: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """(n, 2) points in blue over the training rows in light grey, equal axes, (S, S, 3) uint8."""
    low, high = np.percentile(reference, [0, 100], axis=0)
    centre, half = (low + high) / 2, 0.62 * max(float((high - low).max()), 1e-9)
    picture = np.full((SCATTER_PIXELS, SCATTER_PIXELS, 3), 255, dtype=np.float64)
    for rows, colour, weight in ((reference[:20_000], (190, 190, 190), 0.9), (points[:5_000], (20, 70, 180), 0.55)):
        at = np.floor((rows - centre + half) / (2 * half) * SCATTER_PIXELS)
        inside = np.isfinite(at).all(axis=1) & (at >= 1).all(axis=1) & (at < SCATTER_PIXELS - 1).all(axis=1)
        for x, y in np.unique(at[inside].astype(int), axis=0):
            spot = picture[SCATTER_PIXELS - 1 - y - 1 : SCATTER_PIXELS - y + 1, x - 1 : x + 1]
            spot[:] = (1 - weight) * spot + weight * np.array(colour)
    return picture.round().astype(np.uint8)


def to_png(picture: np.ndarray) -> bytes:
    """A uint8 picture as PNG: the same bytes for the same picture."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
