"""A folder of images as codes of one size; what was decoded is kept in the user's cache.

Images are cut to their centre square and resized by Pillow's Lanczos filter (antialiased) to 32x32, unless all of them are already
squares of one side in SIDES. Grey if every file is grey, else colour. A file that cannot be read is left out by name and decides nothing.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.datasets.own.arrays import SIDES, Arrays
from bench.datasets.own.folder import Listing, classes_of, list_images, name_in, names_of, shown
from bench.datasets.own.picture import Header, Unfit, centre_square, read_header, read_picture
from bench.errors import UsageError
from bench.files import cache_folder, keep, read_kept

SIDE = 32  # of images that have another size
VERSION = 2  # raise it when the codes of a file change: what is kept on disk is named by it
JUST_NOW = 2_000_000_000  # nanoseconds: a file changed since then may change again within its clock's tick


class Form(NamedTuple):
    """What all images are made into: squares of one side, grey or colour."""

    side: int
    grey: bool


Rule = Callable[[Sequence[Header]], Form]


@dataclass(frozen=True)
class Decoded:
    """Codes x (N, C, H, W) of the readable files, and what became of each file.

    unfit: position among the paths -> why it was left out. sizes: (N, 2) width and height as shown. turned, framed: how many files
    were turned by their EXIF tag, or hold several frames of which the first was taken.
    """

    x: np.ndarray
    unfit: dict[int, str]
    sizes: np.ndarray
    turned: int
    framed: int


def read_images(folder: Path, *, strict: bool) -> Arrays:
    """Read every image below a folder; class = first-level subfolder where there is more than one."""
    listing = list_images(folder)
    classes = classes_of(listing)
    names = tuple(sorted(set(classes)))
    images = read_listing(listing, own_form, rule_name=f"{SIDE} {SIDES}", strict=strict)
    notes = {"source": f"{len(listing.files)} image files", "pixels": _story(images.x)} | notes_of(listing, images)
    if len(names) < 2:
        return Arrays(images.x, None, notes=notes)
    code = {name: k for k, name in enumerate(names)}
    labels = np.array([code[c] for i, c in enumerate(classes) if i not in images.unfit], dtype=np.int64)
    return Arrays(images.x, labels, names, notes)


def read_listing(listing: Listing, rule: Rule, *, rule_name: str, strict: bool) -> Decoded:
    """Decode a listing's files, from disk where they are as they were.

    UsageError where none can be read, or with strict not all.
    """
    images = _kept(listing, rule, rule_name)
    told = unfit_in_words(listing, images)
    if len(images.unfit) == len(listing.files) or (strict and images.unfit):
        raise UsageError(f"{shown(listing.folder)}: {told}")
    if strict and listing.closed:
        raise UsageError(f"{shown(listing.folder)}: folders that cannot be opened: {names_of(listing.closed)}")
    return images


def own_form(headers: Sequence[Header]) -> Form:
    """Keep squares of one usual side as they are, else make SIDE; grey where every file is."""
    sizes = {header.size for header in headers}
    (width, height) = next(iter(sizes)) if len(sizes) == 1 else (0, 0)
    return Form(width if width == height and width in SIDES else SIDE, all(header.grey for header in headers))


def notes_of(listing: Listing, images: Decoded) -> dict[str, str]:
    """Say sizes, what was done to the images, and what was left out."""
    told = {"sizes": sizes_in_words(images.sizes, images.x.shape[-1]), "left out": unfit_in_words(listing, images)}
    if images.turned:
        told["turned"] = f"{images.turned} by their EXIF tag, as viewers do"
    if images.framed:
        told["several frames"] = f"{images.framed} files, the first frame of each"
    return {what: words for what, words in told.items() if words} | listing.notes()


def unfit_in_words(listing: Listing, images: Decoded) -> str:
    """Name the files that were left out, with the reason where it is not that they cannot be read."""
    names = [
        name_in(listing.folder, listing.files[i]) + (f" ({why})" if why else "")
        for i, why in sorted(images.unfit.items())
    ]
    count, _, rest = names_of(names).partition(":")
    return f"{count} unreadable:{rest}" if names else ""


def sizes_in_words(sizes: np.ndarray, side: int) -> str:
    """Name the smallest, median and largest (width, height) of (N, 2), and how many were cut.

    Enlarged or made smaller.
    """
    order = np.argsort(sizes.prod(axis=1), kind="stable")
    first, middle, last = (f"{sizes[i][0]}x{sizes[i][1]}" for i in (order[0], order[len(order) // 2], order[-1]))
    words = first if first == last else f"{first} smallest, {middle} median, {last} largest"
    edge = sizes.min(axis=1)
    done = {
        "cut to the centre square": int((sizes[:, 0] != sizes[:, 1]).sum()),
        f"enlarged to {side}x{side}": int((edge < side).sum()),
        f"made smaller to {side}x{side}": int((edge > side).sum()),
    }
    return "; ".join([words, *(f"{count:,} {what}" for what, count in done.items() if count)])


def _story(x: np.ndarray) -> str:
    return f"{'grey' if x.shape[1] == 1 else 'colour'} {x.shape[2]}x{x.shape[3]}; other sizes cut to the centre square, Lanczos filter"


def survey(paths: Sequence[Path]) -> list[Header | None]:
    """Return the files' headers, None where one cannot be read."""
    start, headers = time.monotonic(), list[Header | None]()
    for i, path in enumerate(paths):
        try:
            headers.append(read_header(path))
        except Exception:  # noqa: BLE001 - a hostile file may raise anything; decode() names it
            headers.append(None)
        _progress("headers", i + 1, len(paths), start)
    return headers


def decode(paths: Sequence[Path], rule: Rule = own_form) -> Decoded:
    """Decode all files in the form that the rule makes of the readable ones' headers."""
    headers, broken = survey(paths), set[int]()
    while True:
        form = rule([h for i, h in enumerate(headers) if h is not None and i not in broken])
        images = _decode_as(paths, form)
        broken = set(images.unfit)
        if form == rule([h for i, h in enumerate(headers) if h is not None and i not in broken]):
            return images


def _decode_as(paths: Sequence[Path], form: Form) -> Decoded:
    side, grey = form
    x = np.empty((len(paths), side, side) if grey else (len(paths), side, side, 3), np.uint8)
    unfit, sizes, turned, framed, start = dict[int, str](), list[tuple[int, int]](), 0, 0, time.monotonic()
    for i, path in enumerate(paths):
        try:
            picture = read_picture(path, grey=grey)
            x[len(sizes)] = centre_square(picture.image, side)
        except Unfit as error:
            unfit[i] = str(error)
        except Exception:  # noqa: BLE001 - a hostile file may raise anything: this one is left out by name
            unfit[i] = ""
        else:
            sizes.append(picture.image.size)
            turned, framed = turned + picture.turned, framed + (picture.frames > 1)
        _progress("images", i + 1, len(paths), start)
    x = x[: len(sizes)]
    shape = np.array(sizes, dtype=np.int64).reshape(-1, 2)
    return Decoded(np.ascontiguousarray(x[:, None] if grey else x.transpose(0, 3, 1, 2)), unfit, shape, turned, framed)


def _progress(what: str, done: int, total: int, start: float) -> None:
    if sys.stderr.isatty() and (done % 100 == 0 or done == total):
        spent = time.monotonic() - start
        left = f"{spent / done * (total - done):.0f} s left" if done < total else f"{spent:.1f} s"
        end = "\n" if done == total else ""
        sys.stderr.write(f"\r{what} {done / total:4.0%} of {total:,}, {left:12}{end}")
        sys.stderr.flush()


def _kept(listing: Listing, rule: Rule, rule_name: str) -> Decoded:
    """Return decode() of a listing, from disk where every file is as it was."""
    path = cache_folder() / "own" / f"{_digest(listing, rule_name)}.npz"
    raw = read_kept(path)
    images = None if raw is None else _unpack(raw, len(listing.files))
    if images is None:
        images = decode(listing.files, rule)
        reasons = np.array([f"{i} {why}" for i, why in images.unfit.items()], dtype=str)
        counts = np.array([images.turned, images.framed])
        stream = io.BytesIO()
        np.savez(stream, x=images.x, unfit=reasons, sizes=images.sizes, counts=counts)
        keep(path, stream.getvalue())
    return images


def _digest(listing: Listing, rule_name: str) -> str:
    """Hash all that decides the codes.

    Pillow, the rule, and every file's name, size, inode and both times of change.

    The time of the inode's change cannot be set, so it tells a file that was replaced with the same size and time. A file that
    changed just now goes in by its content instead: its clock may not have ticked since.
    """
    import PIL

    digest, now = hashlib.sha256(f"{VERSION} {rule_name} Pillow {PIL.__version__}".encode()), time.time_ns()
    digest.update(os.fsencode(listing.folder.resolve()))
    for path in listing.files:
        digest.update(b"\0" + os.fsencode(path.relative_to(listing.folder)) + b"\0")
        try:
            stat = path.stat()
            recent = max(stat.st_mtime_ns, stat.st_ctime_ns) > now - JUST_NOW
            facts = [stat.st_size, stat.st_ino, stat.st_dev, stat.st_mtime_ns, stat.st_ctime_ns]
            digest.update(hashlib.sha256(path.read_bytes()).digest() if recent else str(facts).encode())
        except OSError as error:
            digest.update(f"{error.errno}".encode())
    return digest.hexdigest()[:32]


def _unpack(raw: bytes, n_files: int) -> Decoded | None:
    """Undo what _kept() packed; None where the bytes are damaged."""
    try:
        with np.load(io.BytesIO(raw), allow_pickle=False) as stored:
            unfit = {int(i): why for i, _, why in (str(entry).partition(" ") for entry in stored["unfit"])}
            turned, framed = map(int, stored["counts"])
            images = Decoded(stored["x"], unfit, stored["sizes"], turned, framed)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return images if len(images.x) + len(unfit) == n_files else None
