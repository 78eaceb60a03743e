"""Folders of images: each file as its viewers show it, nothing guessed about the layout, nothing left out in silence."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.datasets.own.read import read_arrays
from bench.errors import UsageError

N = 60  # files of a folder: 50 are wanted


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def fill(folder, image=None, n=N, ending="png", **options):
    """N files of an image, of noise 28x28 where none is given."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        one = Image.fromarray(noise(28, 28, seed=i)) if image is None else image
        one.save(folder / f"{i:03}.{ending}", **options)
    return folder


def bright_above():
    x = np.zeros((64, 64, 3), np.uint8)
    x[:32] = 230
    return Image.fromarray(x)


STORED = {  # how a camera stores what a viewer shows, by the tag
    1: lambda image: image,
    2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
    4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    6: lambda image: image.transpose(Image.Transpose.ROTATE_90),
    7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
    8: lambda image: image.transpose(Image.Transpose.ROTATE_270),
}


@pytest.mark.parametrize("tag", STORED)
@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
def test_every_exif_turn_is_undone(tmp_path, tag, ending):
    exif = Image.Exif()
    exif[274] = tag
    options = {"quality": 95} if ending in ("jpg", "webp") else {}
    found = read_arrays(fill(tmp_path / "exif", STORED[tag](bright_above()), 50, ending, exif=exif, **options))
    above, below = found.x[:, :, 2:14].astype(float), found.x[:, :, 18:30].astype(float)
    assert above.min() > 215 and below.max() < 15
    assert ("turned" in found.notes) == (tag != 1)


def test_hidden_files_and_folders_are_no_class_and_are_counted(tmp_path):
    for name in ("a", "b", ".ipynb_checkpoints", "__MACOSX"):
        fill(tmp_path / "cls" / name)
    (tmp_path / "cls" / "a" / ".hidden.png").write_bytes((tmp_path / "cls" / "a" / "000.png").read_bytes())
    (tmp_path / "cls" / "a" / "Thumbs.db").write_bytes(b"x")
    found = read_arrays(tmp_path / "cls")
    assert found.class_names == ("a", "b") and len(found.x) == 2 * N
    assert found.notes["hidden, left out"] == "4: .ipynb_checkpoints/, __MACOSX/, a/.hidden.png, a/Thumbs.db"


@pytest.mark.parametrize(
    "names", [("train", "val"), ("Train", "TEST"), ("train",), ("bus", "validation"), ("valid", "a")]
)
def test_parts_of_a_split_are_no_classes(tmp_path, names):
    for name in names:
        fill(tmp_path / "lay" / name / "cat")
        fill(tmp_path / "lay" / name / "dog")
    with pytest.raises(UsageError, match=r"parts of a split and no classes; give one of them, or move its classes up"):
        read_arrays(tmp_path / "lay")
    assert read_arrays(tmp_path / "lay" / names[0]).class_names == ("cat", "dog")


@pytest.mark.parametrize("bad", ["truncated", "whole header", "empty"])
def test_a_broken_file_decides_nothing(tmp_path, bad):
    folder = fill(tmp_path / "one_bad")
    Image.fromarray(noise(100, 100, 3)).save(tmp_path / "big.png")
    raw = (tmp_path / "big.png").read_bytes()
    (folder / "bad.png").write_bytes({"truncated": raw[:200], "whole header": raw[: len(raw) // 2], "empty": b""}[bad])
    found = read_arrays(folder)
    assert found.x.shape == (N, 1, 28, 28)
    assert found.notes["left out"] == "1 unreadable: bad.png"


def test_other_endings_and_links_to_folders_are_counted(tmp_path):
    folder = fill(tmp_path / "gifs")
    fill(folder, n=40, ending="gif")
    for i in range(3):
        (folder / f"{i}.txt").write_text("x")
    (folder / "README").write_text("x")
    (folder / "loop").symlink_to(folder)
    (folder / "gone.png").symlink_to(folder / "nowhere.png")
    os.mkfifo(folder / "pipe.png")
    found = read_arrays(folder)
    assert len(found.x) == N
    assert found.notes["other endings, left out"] == ".gif 40, .txt 3, without an ending 1, no plain file 1"
    assert found.notes["links not followed"] == "2: gone.png, loop"
    assert "sizes" in found.notes and found.notes["sizes"] == "28x28"


def test_a_folder_without_an_image_says_what_it_holds(tmp_path):
    fill(tmp_path / "gifs", ending="gif")
    with pytest.raises(UsageError, match=r"no images in .*expected files ending in .*left out: \.gif 60"):
        read_arrays(tmp_path / "gifs")


def test_sizes_and_what_was_done_to_them_are_said(tmp_path):
    folder = fill(tmp_path / "sizes", Image.fromarray(noise(20, 30, 3)), 30)
    for i in range(25):
        Image.fromarray(noise(40, 40, 3)).save(folder / f"b{i}.png")
    Image.fromarray(noise(70, 60, 3)).save(folder / "c.png")
    words = "30x20 smallest, 30x20 median, 60x70 largest; 31 cut to the centre square; 30 enlarged to 32x32; 26 made smaller to 32x32"
    assert read_arrays(folder).notes["sizes"] == words


def modes():
    """(image, ending, what a viewer shows as grey codes, grey?)"""
    ramp = np.tile(np.arange(0, 256, 9, dtype=np.uint8)[:28], (28, 1))
    grey = Image.fromarray(ramp)
    yield "L", grey, "png", ramp, True
    yield "1", grey.point(lambda v: 255 * (v > 127), "1"), "png", np.where(ramp > 127, 255, 0), True
    yield "LA", Image.merge("LA", [grey, Image.new("L", (28, 28), 255)]), "png", ramp, True
    yield "LA, half", Image.merge("LA", [grey, Image.new("L", (28, 28), 0)]), "png", np.full((28, 28), 255), True
    yield "P", grey.convert("P"), "png", ramp, False
    yield "RGBA", Image.merge("RGBA", [grey] * 3 + [Image.new("L", (28, 28), 255)]), "png", ramp, False
    yield "I;16", Image.fromarray(ramp.astype(np.uint16) * 257), "png", ramp, True
    yield "I;16 tif", Image.fromarray(ramp.astype(np.uint16) * 257), "tif", ramp, True
    yield "CMYK", Image.merge("RGB", [grey] * 3).convert("CMYK"), "tif", ramp, False


@pytest.mark.parametrize("case", list(modes()), ids=lambda case: case[0])
def test_modes_are_read_as_viewers_show_them(tmp_path, case):
    _, image, ending, expected, grey = case
    x = read_arrays(fill(tmp_path / "modes", image, 50, ending)).x
    assert x.shape == (50, 1 if grey else 3, 28, 28)
    assert np.abs(x.astype(int) - expected).max() <= 1


def test_pixels_without_an_agreed_white_are_left_out_by_name(tmp_path):
    folder = fill(tmp_path / "floats")
    Image.fromarray(np.random.default_rng(0).random((28, 28)).astype(np.float32)).save(folder / "f.tif")
    Image.fromarray(np.arange(784, dtype=np.int32).reshape(28, 28)).save(folder / "i.tif")
    told = read_arrays(folder).notes["left out"]
    assert told.startswith("2 unreadable: f.tif (floats, whose white is not agreed; save 8 or 16 bits), i.tif (32-bit")


@pytest.mark.parametrize("ending", ["png", "webp", "tif"])
def test_of_several_frames_the_first_is_taken_and_said(tmp_path, ending):
    first, second = Image.new("L", (28, 28), 40), Image.new("L", (28, 28), 200)
    options = {"lossless": True} if ending == "webp" else {}
    folder = fill(tmp_path / "moving", first, 50, ending, save_all=True, append_images=[second], **options)
    found = read_arrays(folder)
    assert found.x.min() == found.x.max() == 40
    assert found.notes["several frames"] == "50 files, the first frame of each"


def test_a_bomb_is_refused_by_name(tmp_path):
    folder = fill(tmp_path / "bomb")
    header = struct.pack(">IIBBBBB", 12_000, 12_000, 8, 0, 0, 0, 0)  # above Pillow's warning, below its error
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    raw = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(12_001 * 12_000))) + chunk(b"IEND", b"")
    (folder / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + raw)
    assert read_arrays(folder).notes["left out"] == (
        "1 unreadable: bomb.png (more pixels than Pillow holds safe; make it smaller)"
    )


@pytest.mark.parametrize("how", ["in place", "another file"])
def test_a_file_replaced_with_the_same_size_and_time_is_read_anew(tmp_path, monkeypatch, how):
    from bench.datasets.own import pictures

    folder = fill(tmp_path / "f", Image.new("L", (28, 28), 10), ending="bmp")
    monkeypatch.setattr(pictures, "JUST_NOW", 0)  # as if the files were old: their content is not hashed
    before, stat = read_arrays(folder).x, (folder / "000.bmp").stat()
    raw = (folder / "000.bmp").read_bytes()
    Image.new("L", (28, 28), 200).save(tmp_path / "new.bmp")
    new = (tmp_path / "new.bmp").read_bytes()
    assert len(new) == len(raw)
    if how == "in place":
        (folder / "000.bmp").write_bytes(new)
    else:
        os.utime(tmp_path / "new.bmp", ns=(stat.st_atime_ns, stat.st_mtime_ns))
        (tmp_path / "new.bmp").rename(folder / "000.bmp")
    os.utime(folder / "000.bmp", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (folder / "000.bmp").stat().st_mtime_ns == stat.st_mtime_ns
    assert before[0].max() == 10 and read_arrays(folder).x[0].min() == 200


def test_names_that_are_no_text_can_be_printed_and_stored(tmp_path):
    root = os.fsencode(tmp_path / "names")
    for name in (b"cl\xffass", b"two\nlines"):
        Path(os.fsdecode(root + b"/" + name)).mkdir(parents=True)
        for i in range(30):
            Image.fromarray(noise(28, 28, seed=i)).save(Path(os.fsdecode(root + b"/" + name + b"/\xfe%d.png" % i)))
    Path(os.fsdecode(root + b"/two\nlines/bad\n.png")).write_bytes(b"")
    found = read_arrays(tmp_path / "names")
    assert found.class_names == ("cl\\xffass", "two\\nlines")
    assert found.notes["left out"] == "1 unreadable: two\\nlines/bad\\n.png"
    "".join([*found.class_names, *found.notes.values()]).encode()


# Hostile folders: whatever lies in them, the answer is data or one sentence.


def hostile_file(path: Path, rng: np.random.Generator, sane: list[Path]) -> None:
    """Write one file that may be anything; where it is a sane image its path is listed."""
    kind = int(rng.integers(12))
    image = Image.fromarray(noise(*rng.integers(1, 40, 2), seed=int(rng.integers(1000))))
    if kind < 4:
        image.save(path, format="png")
        sane.append(path)
    elif kind == 4:
        path.write_bytes(b"")
    elif kind == 5:
        image.save(path, format="png")
        path.write_bytes(path.read_bytes()[: int(rng.integers(1, 60))])
    elif kind == 6:
        path.write_bytes(rng.bytes(int(rng.integers(1, 400))))
    elif kind == 7:
        path.symlink_to(path.parent if rng.random() < 0.5 else path)
    elif kind == 8:
        os.mkfifo(path)
    elif kind == 9:
        image.save(path, format="bmp")
        raw = bytearray(path.read_bytes())
        raw[18:26] = struct.pack("<ii", 2**30, 2**30)  # a bomb
        path.write_bytes(bytes(raw))
    elif kind == 10:
        raw = struct.pack(">IIBBBBB", 5, 5, int(rng.integers(256)), int(rng.integers(8)), 0, 0, 0)
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + raw + rng.bytes(60))
    else:
        path.write_text("plain text")
        path.chmod(0)


NAMES = [
    "a",
    "b",
    "..c",
    ".hid",
    "x y",
    "n\nl",
    "ü",
    "\udcff\udcfe",
    "train",
    "-rf",
    "%s",
    "{}",
    "'",
    "*",
    "TEST",
    "é" * 40,
]


def hostile_folder(root: Path, seed: int) -> list[Path]:
    """Make a folder of 50 sane images at most and up to 30 hostile entries; returns the sane, visible ones."""
    rng, sane = np.random.default_rng(seed), []
    folders = [root]
    for _ in range(int(rng.integers(0, 4))):
        folder = folders[int(rng.integers(len(folders)))] / NAMES[int(rng.integers(len(NAMES)))]
        folder.mkdir(exist_ok=True)
        folders.append(folder)
    base = folders[int(rng.integers(len(folders)))]
    for i in range(int(rng.choice([0, 49, 55]))):
        Image.fromarray(noise(16, 16, seed=i)).save(base / f"s{i}.png")
        sane.append(base / f"s{i}.png")
    for i in range(int(rng.integers(0, 30))):
        name = (
            NAMES[int(rng.integers(len(NAMES)))] + str(i) + str(rng.choice([".png", ".JPG", ".tif", ".webp", ".ppm"]))
        )
        hostile_file(folders[int(rng.integers(len(folders)))] / name, rng, sane)
    hidden = lambda path: any(part.startswith(".") for part in path.relative_to(root).parts)
    return [path for path in sane if not hidden(path)]


def check_hostile(root: Path, seed: int) -> bool:
    """Read a hostile folder; True where it was data. Every sane image is a row, and nothing else is."""
    root.mkdir()
    sane = hostile_folder(root, seed)
    try:
        found = read_arrays(root)
    except UsageError as error:
        assert "\n" not in str(error) and str(error).isprintable()
        return False
    assert len(found.x) == len(sane)
    "".join([*found.class_names, *found.notes.values()]).encode()
    assert all(text.isprintable() for text in [*found.class_names, *found.notes.values()])
    return True


@pytest.mark.slow
def test_three_hundred_hostile_folders_end_in_data_or_one_sentence(tmp_path):
    read = [check_hostile(tmp_path / str(seed), seed) for seed in range(300)]
    assert 30 < sum(read) < 270, "both ends were tried"
