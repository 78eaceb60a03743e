"""A folder of images as codes; what was decoded is kept in the user's cache.

Images are cropped to their centre square and resized by Pillow's Lanczos filter (antialiased) to 32x32, unless all of them are
already squares of one side in SIDES. Grey if every file is grey, else colour; transparency is laid on white.
"""

from __future__ import annotations

import hashlib
import io
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.datasets.own.arrays import SHOWN, SIDES, Arrays
from bench.errors import UsageError
from bench.files import cache_folder, keep, read_kept

if TYPE_CHECKING:
    from PIL import Image

SIDE = 32  # of images that have another size
SUFFIXES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


def read_images(folder: Path, *, strict: bool) -> Arrays:
    """Read every image below a folder; class = first-level subfolder where there is more than one."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not paths:
        raise UsageError(f"no images in {folder}; expected files ending in {', '.join(SUFFIXES)}")
    classes = [p.relative_to(folder).parts[0] if len(p.relative_to(folder).parts) > 1 else "" for p in paths]
    names = tuple(sorted(set(classes)))
    if len(names) > 1 and "" in names:
        loose = paths[classes.index("")]
        raise UsageError(
            f"{folder} has images both in subfolders (classes) and beside them, {loose.name} for one; move those into a class"
        )
    x, unreadable = _decoded(folder, paths)
    told = f"{len(unreadable)} unreadable: {', '.join(str(paths[i].relative_to(folder)) for i in unreadable[:SHOWN])}"
    told += ", ..." if len(unreadable) > SHOWN else ""
    if len(unreadable) == len(paths) or (strict and unreadable):
        raise UsageError(f"{folder}: {told}")
    notes = {"source": f"{len(paths)} image files", "pixels": _story(x)}
    if unreadable:
        notes["left out"] = told
    if len(names) < 2:
        return Arrays(x, None, notes=notes)
    code, bad = {name: k for k, name in enumerate(names)}, set(unreadable)
    labels = np.array([code[c] for i, c in enumerate(classes) if i not in bad], dtype=np.int64)
    return Arrays(x, labels, names, notes)


def _story(x: np.ndarray) -> str:
    return f"{'grey' if x.shape[1] == 1 else 'colour'} {x.shape[2]}x{x.shape[3]}; other sizes cut to the centre square, Lanczos filter"


def decode(paths: Sequence[Path]) -> tuple[np.ndarray, list[int]]:
    """Return codes (N, C, H, W) of the readable files, and the positions of the others."""
    from PIL import Image

    start, sizes, grey = time.monotonic(), set(), True
    for i, path in enumerate(paths):
        try:
            with Image.open(path) as image:  # reads the header alone
                sizes.add(image.size)
                grey = grey and image.mode in ("1", "L", "I", "I;16", "F")
        except Exception:  # noqa: BLE001 - a hostile file may raise anything; the second pass names it
            continue
        _progress("headers", i + 1, len(paths), start)
    side = next(iter(sizes))[0] if len(sizes) == 1 and all(w == h and w in SIDES for w, h in sizes) else SIDE
    x = np.empty((len(paths), side, side) if grey else (len(paths), side, side, 3), np.uint8)
    unreadable: list[int] = []
    start = time.monotonic()
    for i, path in enumerate(paths):
        try:
            with Image.open(path) as image:
                x[i - len(unreadable)] = _square(image, side, grey=grey)
        except Exception:  # noqa: BLE001 - as above: this file is left out by name
            unreadable.append(i)
        _progress("images", i + 1, len(paths), start)
    x = x[: len(paths) - len(unreadable)]
    return np.ascontiguousarray(x[:, None] if grey else x.transpose(0, 3, 1, 2)), unreadable


def _square(image: Image.Image, side: int, *, grey: bool) -> np.ndarray:
    from PIL import Image

    if image.mode.startswith("I"):  # 16 bits
        image = Image.fromarray((np.asarray(image).clip(0, 65535) / 257).round().astype(np.uint8))
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    image = image.convert("L" if grey else "RGB")
    if image.size != (side, side):
        width, height = image.size
        edge = min(width, height)
        left, top = (width - edge) // 2, (height - edge) // 2
        image = image.resize((side, side), Image.Resampling.LANCZOS, box=(left, top, left + edge, top + edge))
    return np.asarray(image)


def _progress(what: str, done: int, total: int, start: float) -> None:
    if sys.stderr.isatty() and (done % 100 == 0 or done == total):
        spent = time.monotonic() - start
        left = f"{spent / done * (total - done):.0f} s left" if done < total else f"{spent:.1f} s"
        end = "\n" if done == total else ""
        sys.stderr.write(f"\r{what} {done / total:4.0%} of {total:,}, {left:12}{end}")
        sys.stderr.flush()


def _decoded(folder: Path, paths: Sequence[Path]) -> tuple[np.ndarray, list[int]]:
    """Return decode(paths), from disk where the folder is as it was: names, sizes and times of change."""
    digest = hashlib.sha256(f"{folder.resolve()} {SIDE} {SIDES} 1".encode())
    for path in paths:
        stat = path.stat()
        digest.update(f"\n{path.relative_to(folder)} {stat.st_size} {stat.st_mtime_ns}".encode())
    path = cache_folder() / "own" / f"{digest.hexdigest()[:32]}.npz"
    raw = read_kept(path)
    images = None if raw is None else _unpack(raw)
    if images is None:
        images = decode(paths)
        keep(path, _pack(*images))
    return images


def _pack(x: np.ndarray, unreadable: list[int]) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, x=x, unreadable=np.array(unreadable, dtype=np.int64))
    return stream.getvalue()


def _unpack(raw: bytes) -> tuple[np.ndarray, list[int]] | None:
    """Undo _pack; None where the bytes are damaged."""
    try:
        with np.load(io.BytesIO(raw), allow_pickle=False) as stored:
            return stored["x"], stored["unreadable"].tolist()
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
