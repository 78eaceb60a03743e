"""Folders of images as tensors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.datasets.own.folder import SUFFIXES

if TYPE_CHECKING:
    from torch import Tensor


def read_folder(folder: Path) -> Tensor:
    """Every image below a folder, in the order of their names: (N, 3, H, W) in [0, 1]; ValueError names a file that is unfit."""
    import numpy as np
    import torch
    from PIL import Image, UnidentifiedImageError

    paths = sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in SUFFIXES)
    if not paths:
        raise ValueError(f"no images in {folder}; expected files ending in {', '.join(SUFFIXES)}")
    images: list[Tensor] = []
    for path in paths:
        try:
            with Image.open(path) as image:
                pixels = np.asarray(image.convert("RGB"))
        except (UnidentifiedImageError, OSError) as error:
            raise ValueError(f"{path} cannot be read as an image: {error}") from error
        rows = torch.from_numpy(pixels.copy()).permute(2, 0, 1)
        if images and rows.shape != images[0].shape:
            height, width = images[0].shape[1:]
            found = f"{rows.shape[2]}x{rows.shape[1]}"
            raise ValueError(f"{path} is {found}, the images before it {width}x{height}; resize them to one size")
        images.append(rows)
    return torch.stack(images).float() / 255
