"""Write a folder of colour photos in two classes: patches of scikit-learn's two sample images, 32x32 by default.

    python -m studies.patches FOLDER [--count 500] [--side 32]

What people bring most often, made without a network: every model must run on it (docs/reliability.md).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

CLASSES = ("temple", "flower")  # the order of scikit-learn's images


def write_patches(folder: Path, *, count: int = 500, side: int = 32, seed: int = 0) -> None:
    """Write `count` PNGs, half of each class, cut at places drawn by the seed."""
    places = np.random.default_rng(seed)
    for name, photo in zip(CLASSES, load_sample_images().images):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(count // len(CLASSES)):
            top, left = (int(places.integers(0, size - side + 1)) for size in photo.shape[:2])
            Image.fromarray(photo[top : top + side, left : left + side]).save(folder / name / f"{i:04}.png")


def main() -> None:
    """Write the folder that is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--side", type=int, default=32)
    asked = parser.parse_args()
    write_patches(asked.folder, count=asked.count, side=asked.side)


if __name__ == "__main__":
    main()
