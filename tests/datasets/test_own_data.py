"""A user's own data: what is read, how it is split, and every way in which it can be unfit, by name and place."""

import csv
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from bench.datasets.own import own_dataset, own_name, pictures
from bench.datasets.own.read import read_arrays
from bench.errors import UsageError
from bench.features import load_space


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


def pixels(n, *shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape)).astype(np.uint8)


def folder_of(root, images, classes=("",), ending="png"):
    for i, image in enumerate(images):
        where = root / classes[i % len(classes)]
        where.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(where / f"{i:04}.{ending}")
    return root


def npz(path, **members):
    np.savez(path, **members)
    return path


def table(path, rows, header=("a", "b", "label")):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def good_rows(n=60):
    return [[i, i % 7 / 3, "red" if i % 2 else "blue"] for i in range(n)]


def test_a_folder_of_grey_squares_comes_back_byte_for_byte(tmp_path):
    x = pixels(60, 28, 28)
    found = read_arrays(folder_of(tmp_path / "things", x, ("cat", "dog")))
    order = [i for k in range(2) for i in range(60) if i % 2 == k]  # files are read class by class
    assert np.array_equal(found.x[:, 0], x[order])
    assert found.class_names == ("cat", "dog") and found.y.tolist() == [0] * 30 + [1] * 30


def test_colour_of_any_size_is_cut_and_resized_by_an_antialiased_filter(tmp_path):
    """A fine chequerboard is grey once it is made smaller; without antialiasing it would be black or white."""
    board = (np.indices((128, 200)).sum(axis=0) % 2 * 255).astype(np.uint8)[:, :, None].repeat(3, 2)
    found = read_arrays(folder_of(tmp_path / "c", [board] * 50))
    assert found.x.shape == (50, 3, 32, 32) and found.y is None
    assert np.abs(found.x[:, :, 1:-1, 1:-1].astype(int) - 127).max() <= 3


def test_sixteen_bits_transparency_and_palettes_are_read(tmp_path):
    for i in range(50):
        Image.fromarray(np.full((28, 28), 65535, np.uint16)).save(tmp_path / f"a{i}.png")
    assert read_arrays(tmp_path).x.min() == 255
    (tmp_path / "a0.png").unlink()
    Image.new("RGBA", (28, 28), (255, 0, 0, 0)).save(tmp_path / "a0.png")
    found = read_arrays(tmp_path)
    assert found.x.shape == (50, 3, 28, 28) and found.x.min() == 255, "transparent is white"


def test_corrupt_images_are_named_and_left_out_unless_asked(tmp_path):
    folder = folder_of(tmp_path / "f", pixels(60, 16, 16), ("a", "b"))
    (folder / "a" / "0000.png").write_bytes(b"no image")
    (folder / "b" / "0001.png").write_bytes((folder / "b" / "0003.png").read_bytes()[:60])
    found = read_arrays(folder)
    assert len(found.x) == len(found.y) == 58
    assert found.notes["left out"] == "2 unreadable: a/0000.png, b/0001.png"
    assert np.bincount(found.y).tolist() == [29, 29]
    with pytest.raises(UsageError, match=r"2 unreadable: a/0000\.png"):
        read_arrays(folder, strict=True)


def test_a_folder_is_decoded_once_until_it_changes(tmp_path, monkeypatch):
    folder = folder_of(tmp_path / "f", pixels(60, 16, 16))
    first = read_arrays(folder)
    with monkeypatch.context() as patch:
        patch.setattr(pictures, "decode", lambda paths: pytest.fail("decoded again"))
        assert np.array_equal(read_arrays(folder).x, first.x)
    Image.fromarray(pixels(1, 16, 16, seed=9)[0]).save(folder / "0000.png")
    os.utime(folder / "0000.png", (1, 1))
    assert not np.array_equal(read_arrays(folder).x, first.x)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda p: p / "nothing", "no such file or folder"),
        (lambda p: folder_of(p / "f", pixels(3, 8, 8)), "3 rows; at least 50 are needed"),
        (lambda p: (p / "f").mkdir() or p / "f", "no images in .* expected files ending in"),
        (lambda p: folder_of(p / "f", pixels(60, 8, 8), ("a", "")), "both in subfolders .* and beside them"),
        (lambda p: folder_of(p / "f", pixels(60, 8, 8), ("a",) * 19 + ("b",)), "class 'b' has 3 rows, and 5 are needed"),
        (lambda p: (p / "x.txt").write_text("x") and p / "x.txt", "expected a folder of images, an .npz, an .npy or a .csv, got '.txt'"),
        (lambda p: npz(p / "x.npz", samples=np.zeros(3)), "holds samples; expected a member x"),
        (lambda p: npz(p / "x.npz", x=np.array([{}] * 60, dtype=object)), "cannot be read as an .npz of plain arrays"),
        (lambda p: (p / "x.npz").write_bytes(pickle.dumps([1])) and p / "x.npz", "cannot be read as an .npz"),
        (lambda p: (p / "x.npz").write_bytes(b"PK\3\4 broken") and p / "x.npz", "cannot be read as an .npz"),
        (lambda p: npz(p / "x.npz", x=np.full((60, 2), np.nan)), r"120 values are not finite \(x\[0, 0\] is nan"),
        (lambda p: npz(p / "x.npz", x=np.zeros((60, 2)), y=np.zeros(59)), r"labels have shape \(59,\); expected one for each of the 60"),
        (lambda p: npz(p / "x.npz", x=np.zeros((60, 2)), y=np.linspace(0, 1, 60)), "is no class"),
        (lambda p: npz(p / "x.npz", x=np.zeros(60)), r"shape \(60,\); expected \(N, D\)"),
        (lambda p: npz(p / "x.npz", x=np.array(["a"] * 60)), "expected numbers"),
        (lambda p: npz(p / "x.npz", x=pixels(60, 20, 30)), "images are 20x30; expected squares of side 8, 16, 28, 32"),
        (lambda p: npz(p / "x.npz", x=pixels(60, 5, 8, 8)), "images have 1 or 3 channels"),
        (lambda p: npz(p / "x.npz", x=pixels(60, 8, 8) * 1.0), r"reach from 0 to 255; expected \[0, 1\]"),
        (lambda p: table(p / "t.csv", [*good_rows(), ["", 1, "red"], [2, "", "red"]]), r"2 missing values \(line 62, column 'a'; line 63"),
        (lambda p: table(p / "t.csv", []), "no rows below its header"),
        (lambda p: table(p / "t.csv", [*good_rows(), [1, 2, "green"]]), "class 'green' has 1 rows"),
        (lambda p: table(p / "t.csv", [[f"n{i}", 1, "red"] for i in range(60)]), "column 'a' holds text of 60 kinds"),
        (lambda p: table(p / "t.csv", [*good_rows(), [1, 2, "red", 4, 5]]), "line 62 has 5 values; expected 3, as in the header"),
        (lambda p: (p / "t.csv").write_bytes(b"a,b\n\xff\xfe,1\n") and p / "t.csv", "cannot be read as a .csv"),
        (lambda p: table(p / "t.csv", [[r[2]] for r in good_rows()], ("label",)), "no column beside its labels 'label'"),
        (lambda p: table(p / "t.csv", [[i, "inf", "red" if i % 2 else "blue"] for i in range(60)]), "60 values .*line 2 is inf"),
    ],
)  # fmt: skip
def test_what_is_unfit_is_refused_in_words(tmp_path, build, message):
    with pytest.raises(UsageError, match=message):
        read_arrays(build(tmp_path))


def test_pickles_are_never_executed(tmp_path):
    class Payload:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "executed"),))

    np.savez(tmp_path / "x.npz", x=np.array([Payload()] * 60, dtype=object))
    with pytest.raises(UsageError):
        read_arrays(tmp_path / "x.npz")
    assert not (tmp_path / "executed").exists()


def test_a_table_is_split_standardised_and_its_categories_spread(tmp_path):
    rows = [[i, "left" if i % 3 else "right", 4.0, "red" if i % 2 else "blue"] for i in range(100)]
    data = own_dataset(table(tmp_path / "t.csv", rows, ("size", "side", "constant", "colour")), label="colour")
    assert (len(data.train), len(data.valid), len(data.test)) == (60, 20, 20)
    assert data.shape == (3,) and data.kind == "table" and data.primary == "energy_distance"
    assert data.class_names == ("blue", "red") and torch.bincount(data.valid.y).tolist() == [10, 10]
    assert float(data.train.x.mean(dim=0).abs().max()) < 1e-6
    assert data.train.x.std(dim=0).tolist() == pytest.approx([1, 1, 1], abs=1e-5)  # size, left, right
    assert data.notes["left out"] == "constant in the training rows: constant (4)"
    with pytest.raises(UsageError, match="no column 'kind'; columns: size, side, constant, colour"):
        own_dataset(tmp_path / "t.csv", label="kind")


def test_changed_data_gives_another_hash_and_no_name_of_the_suite_is_taken(tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 3))
    first = own_dataset(npz(tmp_path / "iris.npz", x=x))
    assert first.name == "own_iris" and own_name(tmp_path / "My data (2).csv") == "my_data_2"
    x[0, 0] += 1e-3
    assert own_dataset(npz(tmp_path / "iris.npz", x=x)).sha256 != first.sha256


def test_images_without_labels_get_principal_components(tmp_path):
    """The space is linear: distances between rows are those of the pixels, up to one scale, where all components are kept."""
    data = own_dataset(npz(tmp_path / "x.npz", x=pixels(120, 8, 8)))
    assert data.primary == "fid_pca" and data.spaces == ("pca",) and data.n_classes == 0
    space = load_space("pca", data)
    features, flat = space(data.train.x), data.train.x.flatten(1).double()
    ratio = torch.pdist(features) / torch.pdist(flat)
    assert features.shape == (72, 64) and float(ratio.std() / ratio.mean()) < 1e-6
    assert float(features[:, 0].std()) == pytest.approx(1.0)


def test_labelled_images_get_a_classifier_of_their_own_once(tmp_path, monkeypatch):
    from bench.features import _lenet_training, lenet

    monkeypatch.setattr(_lenet_training, "OWN_STEPS", 30)
    x = pixels(100, 8, 8)
    x[::2] //= 4  # dark and bright
    data = own_dataset(npz(tmp_path / "shade.npz", x=x, y=np.arange(100) % 2))
    space = lenet.build(data)
    assert (space.mode_ids_of(space(data.test.x)) == data.test.y).float().mean() > 0.9
    monkeypatch.setattr(_lenet_training, "train_lenet", lambda *_, **__: pytest.fail("trained again"))
    assert lenet.build(data).sha256 == space.sha256


def bench(*arguments, check=0):
    done = subprocess.run([sys.executable, "-m", "bench.cli", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == check, done.stdout + done.stderr
    return done


def test_the_command_line_runs_it_and_explains_every_skip(tmp_path):
    path = table(tmp_path / "fruit.csv", good_rows(80))
    done = bench("run", "--suite", "smoke", "--data", path, "-m", "lda,kde,pixelcnn,oracle", "--out", tmp_path / "out")
    assert "fruit (public, suite smoke, cpu)" in done.stdout.replace("\n", " ")
    plan = bench("run", "--suite", "smoke", "--data", path, "--all", "--dry-run", "--out", tmp_path / "out2").stdout
    assert "skip     pixelcnn on fruit: needs discrete data" in plan
    assert "classes: 2 blue red" in bench("show", path).stdout
    assert "leave out -d iris" in bench("run", "--data", path, "-d", "iris", check=2).stderr
    assert "--label and --strict go with --data" in bench("run", "--all", "--label", "x", check=2).stderr
    assert "no such file" in bench("run", "--data", tmp_path / "none.csv", check=2).stderr


def test_columns_that_pandas_would_rename_or_shift_are_refused(tmp_path):
    with pytest.raises(UsageError, match="more than one column is called 'a'; rename them"):
        read_arrays(table(tmp_path / "twice.csv", good_rows(), header=("a", "a", "label")))
    with pytest.raises(UsageError, match="line 2 has 4 values; expected 3, as in the header"):
        read_arrays(table(tmp_path / "long.csv", [[*row, 1] for row in good_rows()]))


def test_a_damaged_cache_is_decoded_anew_and_replaced(tmp_path, cache):
    folder = folder_of(tmp_path / "f", pixels(60, 16, 16))
    first = read_arrays(folder).x
    (kept,) = (cache / "genbench" / "own").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-500])
    assert np.array_equal(read_arrays(folder).x, first)
    assert kept.read_bytes() == whole


def test_labels_are_asked_for_only_where_there_are_some(tmp_path):
    data = own_dataset(npz(tmp_path / "x.npz", x=np.random.default_rng(0).normal(size=(60, 3))))
    with pytest.raises(ValueError, match="these rows have no labels; use a dataset with n_classes > 0"):
        _ = data.train.labels
