"""One image file as its viewers show it.

Turned by its EXIF tag, transparent parts on white, 16 bits scaled to 8, the first frame.

Colour profiles are not applied, as in the field's own programs. A file that has no one reading is refused: 32-bit integers and floats have
no agreed white, and an image of more pixels than Pillow thinks safe may be a bomb.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N", "F")
ORIENTATION = 274  # EXIF's tag


class Unfit(ValueError):
    """A readable file that has no one reading; the message says why."""


class Header(NamedTuple):
    """What a file says of itself before its pixels are read. size: (width, height) as it is stored."""

    size: tuple[int, int]
    grey: bool


class Picture(NamedTuple):
    """An image in mode L or RGB as viewers show it, and what was done for that."""

    image: Image.Image
    turned: bool
    frames: int


def read_header(path: Path) -> Header:
    """Read size and mode; raises whatever a hostile file makes Pillow raise."""
    from PIL import Image

    with _pillow_quiet(), Image.open(path) as image:
        return Header(image.size, image.mode in GREY)


def read_picture(path: Path, *, grey: bool) -> Picture:
    """Decode a file as it is shown; raises Unfit, or whatever a hostile file makes Pillow raise."""
    from PIL import Image, ImageOps

    with _pillow_quiet(), Image.open(path) as image:
        frames = int(getattr(image, "n_frames", 1))
        turned = image.getexif().get(ORIENTATION, 1) not in (0, 1)
        image.load()  # which turns a TIFF by itself and drops its tag
        shown = ImageOps.exif_transpose(image) if turned else image
        return Picture(_eight_bits(shown, image.format or "", grey=grey), turned, frames)


def _eight_bits(image: Image.Image, stored_as: str, *, grey: bool) -> Image.Image:
    from PIL import Image

    if image.mode == "F" or (image.mode == "I" and stored_as not in ("PNG", "PPM")):
        kind = "floats" if image.mode == "F" else "32-bit integers"
        raise Unfit(f"{kind}, whose white is not agreed; save 8 or 16 bits")
    if image.mode.startswith("I"):  # 16 bits
        codes = np.asarray(image).astype(np.int64).clip(0, 65535)
        image = Image.fromarray((codes / 257).round().astype(np.uint8))
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("L" if grey else "RGB")


def centre_square(image: Image.Image, side: int) -> np.ndarray:
    """Cut an image to its centre square and resize it by Lanczos' antialiased filter, (side.

    Side) or (side, side, 3).
    """
    from PIL import Image

    if image.size != (side, side):
        width, height = image.size
        edge = min(width, height)
        left, top = (width - edge) // 2, (height - edge) // 2
        image = image.resize((side, side), Image.Resampling.LANCZOS, box=(left, top, left + edge, top + edge))
    return np.asarray(image)


@contextmanager
def _pillow_quiet() -> Iterator[None]:
    """Turn Pillow's warning of a decompression bomb into an error, and drop its other warnings."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            yield
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise Unfit("more pixels than Pillow holds safe; make it smaller") from error
