"""The two sides of a comparison, each a folder of images, an .npz, .npy or .csv.

Opened alike, made into one form.

Images are codes of 8 bits. Both sides become squares of one side, at most 64 pixels, by the same Lanczos filter; floats are rounded to
codes. What is ambiguous is refused: units, the place of the channels, the shape of flat rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from bench.datasets.own.arrays import refuse_holes
from bench.datasets.own.folder import Listing, list_images, refuse_splits, shown
from bench.datasets.own.picture import Header, centre_square, read_picture
from bench.datasets.own.pictures import Decoded, Form, notes_of, read_listing, sizes_in_words, survey
from bench.errors import UsageError
from bench.submissions.array_file import SUFFIXES, read_array

LARGEST_SIDE = 64
LEAST_ROWS = 30
DARK = 128  # codes: an image file whose largest is below may have been stored in other units


@dataclass(frozen=True)
class Side:
    """One side: a folder's listing, codes (N, C, H, W) uint8, or rows (N, D) float64.

    Sizes: (N, 2) width and height as stored.
    """

    path: Path
    listing: Listing | None
    x: np.ndarray | None
    sizes: np.ndarray
    grey: bool
    headers: tuple[Header | None, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)
    decoded: Decoded | None = None

    @property
    def name(self) -> str:
        """Return the path as it can be printed."""
        return shown(self.path)

    @property
    def is_table(self) -> bool:
        """Say whether this side is rows of numbers."""
        return self.x is not None and self.x.ndim == 2

    @property
    def codes(self) -> np.ndarray:
        """Return the codes or rows of a side that has been made."""
        assert self.x is not None, "made() comes first"
        return self.x

    def made(self, form: Form) -> Side:
        """Return this side with all images in one form."""
        if self.listing is not None:
            rule_name = f"score {form.side} {form.grey}"
            images = read_listing(self.listing, lambda _: form, rule_name=rule_name, strict=False)
            grey = all(h.grey for i, h in enumerate(self.headers) if h is not None and i not in images.unfit)
            told = self.notes | notes_of(self.listing, images)
            return replace(self, x=images.x, sizes=images.sizes, grey=grey, decoded=images, notes=told)
        told = {"sizes": sizes_in_words(self.sizes, form.side)}
        return replace(self, x=_resized(self.codes, form), notes=self.notes | told)

    def in_own_size(self) -> Iterator[np.ndarray]:
        """Yield images (C, H, W) as they are stored, in the order of the rows."""
        if self.listing is None or self.decoded is None:
            yield from self.codes
            return
        for i, path in enumerate(self.listing.files):
            if i not in self.decoded.unfit:
                yield np.asarray(read_picture(path, grey=False).image).transpose(2, 0, 1)


def open_side(path: Path) -> Side:
    """Open what lies at a path; UsageError says what is there, what was expected and what to do."""
    if path.is_dir():
        listing = list_images(path)
        refuse_splits(listing)
        headers = survey(listing.files)
        readable = [header for header in headers if header is not None]
        if not readable:
            raise UsageError(f"{shown(path)}: none of its {len(listing.files)} images can be read")
        sizes, grey = np.array([header.size for header in readable]), all(header.grey for header in readable)
        return Side(path, listing, None, sizes, grey, tuple(headers), {"source": f"{len(listing.files)} image files"})
    if path.suffix.lower() not in SUFFIXES or not path.is_file():
        there = "no such file or folder" if not path.exists() else f"a file that ends in {path.suffix!r}"
        raise UsageError(f"{shown(path)}: {there}; expected a folder of images, or {', '.join(SUFFIXES)}")
    x, source = read_array(path)
    return side_of(path, x, source)


def side_of(path: Path, x: np.ndarray, source: str) -> Side:
    """Return a side made of an array (N, ...) of numbers."""
    refuse_holes(path, x, lambda at: f"{[int(i) for i in at]}")
    if x.ndim not in (2, 3, 4) or 0 in x.shape:
        raise UsageError(f"{shown(path)} has shape {x.shape}; expected (N, D), (N, H, W), (N, C, H, W) or (N, H, W, C)")
    notes = {"source": source}
    if x.ndim == 2:
        return Side(path, None, x, np.ones((len(x), 2), np.int64), True, notes=notes)
    codes = as_codes(path, _channels_first(path, x))
    if codes.max() < DARK:
        notes["dark"] = f"the largest code is {codes.max()} of 255"
    sizes = np.tile([codes.shape[3], codes.shape[2]], (len(x), 1))
    return Side(path, None, codes, sizes, codes.shape[1] == 1, notes=notes)


def _channels_first(path: Path, x: np.ndarray) -> np.ndarray:
    if x.ndim == 3:
        return x[:, None]
    first, last = x.shape[1] in (1, 3), x.shape[3] in (1, 3)
    if first and last:
        raise UsageError(
            f"{shown(path)} has shape {x.shape}, whose channels may be axis 1 or 3; give (N, C, H, W) with H > 3"
        )
    if not first and not last:
        raise UsageError(f"{shown(path)} has shape {x.shape}; images have 1 or 3 channels, on axis 1 or 3")
    return x if first else x.transpose(0, 3, 1, 2)


def as_codes(path: Path, x: np.ndarray) -> np.ndarray:
    """Return pixels of any usual unit as codes uint8; UsageError where the unit is not plain."""
    if x.dtype == bool:
        return x.astype(np.uint8) * np.uint8(255)
    low, high = x.min(), x.max()
    if x.dtype.kind == "f":
        if low < 0 or high > 1:
            raise UsageError(
                f"{shown(path)}: float images reach from {low:g} to {high:g}; expected [0, 1], or bytes from 0 to 255"
            )
        return np.round(x.astype(np.float64) * 255).astype(np.uint8)
    if low < 0 or high > 255:
        raise UsageError(f"{shown(path)}: images reach from {low} to {high}; expected 0 to 255, or floats in [0, 1]")
    if high <= 1:
        raise UsageError(
            f"{shown(path)}: images of integers 0 and 1 are black and white, or black; give bool for the one, or bytes times 255"
        )
    return x.astype(np.uint8)


def _resized(x: np.ndarray, form: Form) -> np.ndarray:
    """Return codes (N, C, H, W) as squares; grey becomes colour where the form is."""
    from PIL import Image

    if x.shape[2:] != (form.side, form.side):
        images = (
            Image.fromarray(one[0] if len(one) == 1 else np.ascontiguousarray(one.transpose(1, 2, 0))) for one in x
        )
        squares = [centre_square(image, form.side) for image in images]
        x = np.stack([square[None] if square.ndim == 2 else square.transpose(2, 0, 1) for square in squares])
    channels = 1 if form.grey else 3
    return np.ascontiguousarray(np.repeat(x, channels, axis=1) if x.shape[1] < channels else x)


def alike(samples: Side, real: Side) -> tuple[Side, Side]:
    """Return both sides as images of one form, or as rows of one width."""
    samples, real = _unflattened(samples, real), _unflattened(real, samples)
    if samples.is_table and real.is_table:
        if samples.codes.shape[1] != real.codes.shape[1]:
            widths = [f"{side.name} has {side.codes.shape[1]}" for side in (samples, real)]
            raise UsageError(f"{' and '.join(widths)} numbers a row; expected as many on both sides")
        columns = [side.notes["source"].partition(", columns ")[2] for side in (samples, real)]
        if all(columns) and columns[0] != columns[1]:
            raise UsageError(
                f"{samples.name} has the columns {columns[0]} and {real.name} {columns[1]}; expected the same in one order"
            )
    elif samples.is_table or real.is_table:
        rows, images = (samples, real) if samples.is_table else (real, samples)
        raise UsageError(
            f"{rows.name} holds rows of {rows.codes.shape[1]} numbers and {images.name} images; their shape cannot be told:"
            " give images on both sides, or flat rows of grey images of the other side's size"
        )
    else:
        form = common_form(samples, real)
        samples, real = samples.made(form), real.made(form)
        if form != (again := common_form(samples, real)):  # a broken file's header had decided it
            samples, real = samples.made(again), real.made(again)
    for side in (samples, real):
        if len(side.codes) < LEAST_ROWS:
            raise UsageError(f"{side.name} has {len(side.codes)} rows; a comparison needs {LEAST_ROWS} on each side")
    return samples, real


def _unflattened(side: Side, other: Side) -> Side:
    """Return flat grey rows as images, where the other side has grey images of exactly so many pixels."""
    if not side.is_table or other.is_table or not other.grey:
        return side
    widths = np.unique(other.sizes, axis=0)
    if len(widths) != 1 or int(widths.prod()) != side.codes.shape[1]:
        return side
    width, height = map(int, widths[0])
    images = side_of(side.path, side.codes.reshape(-1, height, width), side.notes["source"])
    return replace(images, notes=images.notes | {"flat rows": f"read as {width}x{height}, the other side's size"})


def common_form(samples: Side, real: Side) -> Form:
    """Keep squares of one size up to LARGEST_SIDE.

    Else make the smaller of the sides' median edges, at most that.
    """
    sizes = np.unique(np.concatenate([samples.sizes, real.sizes]), axis=0)
    grey = samples.grey and real.grey
    if len(sizes) == 1 and sizes[0][0] == sizes[0][1] <= LARGEST_SIDE:
        return Form(int(sizes[0][0]), grey)
    edges = [int(np.median(side.sizes.min(axis=1))) for side in (samples, real)]
    return Form(max(8, min(LARGEST_SIDE, *edges)), grey)
