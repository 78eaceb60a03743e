"""Readers of published image files, and the datasets built from them. Nothing is ever unpickled."""

from __future__ import annotations

import io
import struct
import tarfile
from collections.abc import Sequence

import numpy as np
import torch

from bench.datasets import Dataset, Split
from bench.datasets._download import RemoteFile, read
from bench.datasets._pixels import PixelRows

IDX_UINT8 = 0x08
CIFAR_RECORD = 1 + 3 * 32 * 32
Part = tuple[np.ndarray, np.ndarray]  # codes (N, C, H, W) uint8, labels (N,) int64


def read_idx(raw: bytes, name: str) -> np.ndarray:
    """Read bytes in IDX format; ValueError names a file that is mislabelled, truncated or oversized."""
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] != IDX_UINT8 or not 1 <= raw[3] <= 3:
        raise ValueError(f"{name} is not an IDX file of bytes: it starts with {raw[:4].hex(' ') or 'nothing'}")
    start = 4 + 4 * raw[3]
    if len(raw) < start:
        raise ValueError(f"{name} is truncated inside its header")
    shape = struct.unpack(f">{raw[3]}I", raw[4:start])
    expected = start + int(np.prod(shape, dtype=np.int64))
    if len(raw) != expected:
        raise ValueError(f"{name} holds {len(raw)} bytes, its header {shape} asks for {expected}")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def read_images_and_labels(images: bytes, labels: bytes, name: str) -> Part:
    """Read codes (N, 1, H, W) uint8 and labels (N,) int64 from a pair of IDX files."""
    x, y = read_idx(images, f"{name} images"), read_idx(labels, f"{name} labels")
    if x.ndim != 3 or y.ndim != 1 or len(x) != len(y):
        raise ValueError(f"{name}: images {x.shape} and labels {y.shape} do not belong together")
    return x[:, None], y.astype(np.int64)


def read_cifar(raw: bytes) -> dict[str, Part]:
    """Read CIFAR-10's binary archive as "train" and "test": codes (N, 3, 32, 32) uint8 and labels (N,)."""
    parts: dict[str, np.ndarray] = {}
    with tarfile.open(fileobj=io.BytesIO(raw), mode="r:gz") as archive:
        for member in archive:
            name = member.name.rpartition("/")[2]
            if not name.endswith(".bin"):
                continue
            stream = archive.extractfile(member)
            data = stream.read() if stream else b""
            if not data or len(data) % CIFAR_RECORD:
                raise ValueError(f"{name} holds {len(data)} bytes, not a multiple of {CIFAR_RECORD}")
            parts[name] = np.frombuffer(data, np.uint8).reshape(-1, CIFAR_RECORD)
            if parts[name][:, 0].max() > 9:
                raise ValueError(f"{name} has a label above 9: {parts[name][:, 0].max()}")
    wanted = [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]
    missing = [name for name in wanted if name not in parts]
    if missing:
        raise ValueError(f"the CIFAR-10 archive lacks {', '.join(missing)}")

    def split(names: list[str]) -> Part:
        rows = np.concatenate([parts[name] for name in names])
        return rows[:, 1:].reshape(-1, 3, 32, 32), (rows[:, 0].astype(np.int64))

    return {"train": split(wanted[:5]), "test": split(wanted[5:])}


IDX_FILES = (  # MNIST's four files, which Fashion-MNIST took over: what it is, name, bytes unpacked
    ("train images", "train-images-idx3-ubyte.gz", 47_040_016),
    ("train labels", "train-labels-idx1-ubyte.gz", 60_008),
    ("test images", "t10k-images-idx3-ubyte.gz", 7_840_016),
    ("test labels", "t10k-labels-idx1-ubyte.gz", 10_008),
)


def idx_files(mirrors: Sequence[str], sha256: Sequence[str]) -> dict[str, RemoteFile]:
    """Return a dataset's four files in MNIST's format; sha256: of each, unpacked, in IDX_FILES' order."""
    return {
        what: RemoteFile(name, size, digest, tuple(mirror + name for mirror in mirrors))
        for (what, name, size), digest in zip(IDX_FILES, sha256, strict=True)
    }


def idx_pairs(name: str, files: dict[str, RemoteFile]) -> dict[str, Part]:
    """Read "train" and "test" of a dataset in MNIST's format."""
    return {
        part: read_images_and_labels(
            read(name, files[f"{part} images"]), read(name, files[f"{part} labels"]), f"{name} {part}"
        )
        for part in ("train", "test")
    }


def image_dataset(
    name: str,
    parts: dict[str, Part],
    *,
    n_train: int,
    primary: str,
    spaces: tuple[str, ...],
    class_names: tuple[str, ...],
    notes: dict[str, str] | None = None,
) -> Dataset:
    """Shuffle the published training part by a fixed seed into n_train and 5,000 rows; test stays whole."""
    x, y = parts["train"]
    order = np.random.RandomState(0).permutation(len(x))
    return Dataset(
        name=name,
        kind="large_image",
        train=_part(x, y, order[:n_train]),
        valid=_part(x, y, order[n_train : n_train + 5000]),
        test=_shuffled(*parts["test"]),
        spare=_part(x, y, order[n_train + 5000 :]) if len(order) > n_train + 5000 else None,
        primary=primary,
        spaces=spaces,
        levels=256,
        n_classes=10,
        class_names=class_names,
        n_modes=10,
        notes=notes or {},
    )


def _shuffled(x: np.ndarray, y: np.ndarray) -> Split:
    return _part(x, y, np.random.RandomState(1).permutation(len(x)))


def _part(x: np.ndarray, y: np.ndarray, order: np.ndarray) -> Split:
    return Split(PixelRows(torch.from_numpy(x[order]), 256), torch.from_numpy(y[order]))
