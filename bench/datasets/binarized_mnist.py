"""binarized_mnist: MNIST's pixels drawn once as 0 or 1, as in the papers on NADE and MADE.

Larochelle & Murray 2011, after Salakhutdinov & Murray 2008. Not downloaded: put what you have into the folder binarized_mnist of
$GENBENCH_DATA, either the three text files binarized_mnist_{train,valid,test}.amat of 784 zeros and ones a line, or binarized_mnist.npz
with arrays train, valid, test of bytes (N, 98), a row being np.packbits of its 784 values. Whatever their order, the rows are checked:
each split's hash is of its rows, packed and sorted. They come from a copy of the file that circulates with later papers; every row is a
possible draw from an image of the right half of MNIST.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch

from bench.datasets import Dataset, Split
from bench.datasets._download import folders
from bench.datasets._pixels import PixelRows
from bench.errors import DataUnavailable

SHA256 = {  # of the rows of a split as packed bits, sorted
    "train": "aae6de292e6b68d898acf52062a1ac62907fc7ab417c59582d6523a1da0f9a61",
    "valid": "d10b4edf2e0765693846b51a5895f81f69fa37b6459b7f665bfa9c8cc9723622",
    "test": "87ff96664646cc41575aeb3ae4fbbabc1475ca3d42be4659d7a829d9f22c845a",
}
ROWS = {"train": 50_000, "valid": 10_000, "test": 10_000}


def binarized_mnist() -> Dataset:
    """Read 50,000 / 10,000 / 10,000 rows without labels.

    DataUnavailable where the files are not at hand or are others.
    """
    folder = next((place for place in folders("binarized_mnist") if _is_there(place)), None)
    if folder is None:
        expected = "binarized_mnist.npz or binarized_mnist_{train,valid,test}.amat"
        raise DataUnavailable(
            f"binarized_mnist is not downloaded; put {expected} into {folders('binarized_mnist')[0]} (see `bench show binarized_mnist`)"
        )
    train, valid, test = (_split(folder, name) for name in ("train", "valid", "test"))
    return Dataset(
        name="binarized_mnist",
        kind="large_image",
        train=train,
        valid=valid,
        test=test,
        primary="nll",
        spaces=("random",),
        levels=2,
        notes={"source": "Larochelle & Murray 2011, by a copy; rows checked by hash"},
    )


def _is_there(folder: Path) -> bool:
    return (folder / "binarized_mnist.npz").is_file() or (folder / "binarized_mnist_train.amat").is_file()


def _split(folder: Path, name: str) -> Split:
    """Read one split, in an order drawn by a fixed seed from the sorted rows.

    So every source gives the same dataset.
    """
    packed = _packed(folder, name)
    ordered = packed[np.lexsort(packed.T[::-1])]
    found = hashlib.sha256(ordered.tobytes()).hexdigest()
    if found != SHA256[name]:
        raise DataUnavailable(
            f"{folder}: the {name} rows of binarized_mnist have sha256 {found[:12]}..., "
            f"expected {SHA256[name][:12]}...; this is another binarisation"
        )
    codes = np.unpackbits(ordered[np.random.RandomState(0).permutation(len(ordered))], axis=1)
    return Split(PixelRows(torch.from_numpy(codes.reshape(-1, 1, 28, 28)), 2))


def _packed(folder: Path, name: str) -> np.ndarray:
    """Read a split's rows as packed bits, (N, 98) uint8."""
    path = folder / "binarized_mnist.npz"
    try:
        if path.is_file():
            with np.load(path) as arrays:
                packed = np.asarray(arrays[name])
        else:
            path = folder / f"binarized_mnist_{name}.amat"
            digits = np.frombuffer(path.read_bytes().translate(None, b" \t\r\n"), dtype=np.uint8) - ord("0")
            packed = np.packbits(digits.reshape(-1, 784), axis=1)
    except (OSError, KeyError, ValueError) as error:
        raise DataUnavailable(f"{path} is not readable as binarized_mnist ({error})") from error
    if packed.dtype != np.uint8 or packed.shape != (ROWS[name], 98):
        raise DataUnavailable(
            f"{path}: {name} has shape {packed.shape} of {packed.dtype}; expected ({ROWS[name]}, 98) bytes of 784 bits"
        )
    return packed
