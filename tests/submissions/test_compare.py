"""bench score against real data of your own: the published programs' numbers, yardsticks that tell, and refusals in one sentence."""

import contextlib
import io
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

import bench
from bench.errors import DataUnavailable, InvalidSubmission, UsageError
from bench.features import inception
from bench.metrics import c2st
from bench.submissions.compare import compare
from bench.submissions.sides import alike, open_side
from tests.features import test_inception

hub, weights = test_inception.hub, test_inception.weights  # fixtures


@pytest.fixture(autouse=True, scope="module")
def few_trees():
    """A small forest: these tests are not of the classifier test, and a hundred trees take seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(c2st, "TREES", 5)
        yield


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def npz(path, x, member="samples"):
    np.savez(path, **{member: x})
    return path


def smooth(n, seed, side=16):
    """Coloured blobs (N, side, side, 3): neighbouring pixels depend on one another."""
    coarse = np.random.default_rng(seed).integers(0, 256, (n, 4, 4, 3)).astype(np.uint8)
    return np.stack([np.asarray(Image.fromarray(one).resize((side, side), Image.Resampling.BICUBIC)) for one in coarse])


def folder_of(path, images):
    path.mkdir(parents=True)
    for i, image in enumerate(images):
        Image.fromarray(image).save(path / f"{i:04}.png")
    return path


def values(scores):
    return {name: entry["value"] for name, entry in scores["metrics"]["real"].items()}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Two tables of 300 rows, and what `compare` says of them."""
    folder = tmp_path_factory.mktemp("tables")
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(300, 5)) @ rng.normal(size=(5, 5)), rng.normal(size=(300, 5)) + 0.3
    return real, fake, compare(npz(folder / "fake.npz", fake), npz(folder / "real.npz", real, "x"))


def test_numbers_are_those_of_the_published_programs(tables):
    from bench.features._torchvision import import_torchvision

    import_torchvision()
    from prdc import compute_prdc
    from pytorch_fid.fid_score import calculate_frechet_distance
    from torch_fidelity.metric_kid import mmd2

    real, fake, scores = tables
    mean, std = real.mean(axis=0), real.std(axis=0, ddof=1)
    real, fake = ((x.astype(np.float32) - mean) / std for x in (real, fake))
    ours = values(scores)
    moments = [part for x in (real, fake) for part in (x.mean(axis=0), np.cov(x, rowvar=False))]
    assert ours["fid_identity"] == pytest.approx(calculate_frechet_distance(*moments), rel=1e-4)
    kernel = lambda a, b: (a @ b.T / 5 + 1) ** 3
    mmd = mmd2(kernel(real, real), kernel(real, fake), kernel(fake, fake))
    assert ours["kid_identity"] == pytest.approx(mmd, rel=1e-4)
    for name, value in compute_prdc(real, fake, nearest_k=5).items():
        assert ours[f"{name}_identity"] == pytest.approx(float(value), abs=1e-6)


def test_an_interval_holds_its_value_and_has_width(tables):
    for name, entry in tables[2]["metrics"]["real"].items():
        if name == "exact_copies":  # no row is a copy, on either side: nothing scatters
            assert entry["interval"] is None and entry["value"] == 0
            continue
        low, high = entry["interval"]
        assert low <= entry["value"] <= high and low < high, name
    assert tables[2]["rows"] == {"samples": 300, "real": 300, "yardsticks": 100}


def test_inception_gives_the_number_of_pytorch_fids_own_main(weights, tmp_path, monkeypatch):
    """At 64 dimensions: with fewer images than dimensions the matrix square root there has no digits to compare with."""
    sides = [folder_of(tmp_path / "real", smooth(80, 1, 24)), folder_of(tmp_path / "fake", smooth(90, 2, 24) // 2)]

    class First64(inception.Inception):
        def logits_of(self, features):
            return (features @ self.classes[:, :64].T)[:, None]

    monkeypatch.setattr(inception, "build", lambda data: First64(torch.device("cpu"), dims=64))
    monkeypatch.setattr("bench.features._loaded", {})
    ours = values(compare(sides[1], sides[0], space="inception"))["fid_inception"]

    from pytorch_fid import fid_score

    arguments = ["pytorch_fid", *map(str, sides), "--device", "cpu", "--num-workers", "0", "--dims", "64"]
    monkeypatch.setattr(sys, "argv", arguments)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        fid_score.main()
    assert ours == pytest.approx(float(printed.getvalue().split()[-1]), rel=1e-4)


def test_weights_that_cannot_be_had_end_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("bench.features._loaded", {})

    def offline(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", offline)
    path = npz(tmp_path / "x.npz", smooth(60, 0))
    with pytest.raises(DataUnavailable, match="put it there"):
        compare(path, path, space="inception")


@pytest.fixture(scope="module")
def blobs(tmp_path_factory):
    """300 real images, 300 of the same law and 300 that are real ones again, as files of every kind."""
    folder = tmp_path_factory.mktemp("blobs")
    real, same = smooth(300, 1), smooth(300, 2)
    npz(folder / "real.npz", real)
    npz(folder / "same.npz", same)
    folder_of(folder / "same", same)
    np.save(folder / "same.npy", same.transpose(0, 3, 1, 2).astype(np.float32) / 255)
    npz(folder / "sorted.npz", same[np.argsort(same.mean(axis=(1, 2, 3)))], "x")
    npz(folder / "copies.npz", real[np.arange(300) % 150])
    return folder


@pytest.mark.slow
def test_every_form_of_one_file_gives_one_number(blobs):
    first = compare(blobs / "same.npz", blobs / "real.npz", space="pca")
    for name in ("same", "same.npy"):
        assert values(compare(blobs / name, blobs / "real.npz", space="pca")) == pytest.approx(values(first), abs=1e-9)
    in_order = compare(blobs / "sorted.npz", blobs / "real.npz", space="pca")
    for name, entry in in_order["metrics"]["real"].items():
        low, high = first["metrics"]["real"][name]["interval"] or (0.0, 0.0)  # of exact copies: there are none
        assert low - 1e-9 <= entry["value"] <= high + 1e-9, f"{name}: the order of a file moves its score"


@pytest.mark.slow
def test_the_yardsticks_tell_good_from_bad_and_copies_from_samples(blobs, tmp_path):
    good = compare(blobs / "same.npz", blobs / "real.npz", space="pca")
    bad = compare(npz(tmp_path / "bad.npz", smooth(300, 3) // 2), blobs / "real.npz", space="pca")
    ratio = lambda s: s["yardsticks"]["samples"]["fid_pca"] / s["yardsticks"]["real"]["fid_pca"]
    assert ratio(good) < 2 < 5 < ratio(bad)
    copied = compare(blobs / "copies.npz", blobs / "real.npz", space="pca")
    assert "copies: 100% of the samples are exact rows of REAL" in copied["flags"] and not good["flags"]
    assert any(flag.startswith("exact copies") for flag in copied["flags"])
    assert good["yardsticks"]["training"]["copy_excess"] > 0.3 > abs(good["yardsticks"]["real"]["copy_excess"])


def test_sides_of_different_sizes_are_made_alike_and_said(tmp_path):
    samples, real = folder_of(tmp_path / "small", smooth(40, 0, 20)), folder_of(tmp_path / "large", smooth(40, 1, 90))
    (real / "wide.png").write_bytes((real / "0000.png").read_bytes())
    Image.fromarray(smooth(1, 5, 90)[0][:50]).save(real / "wide.png")
    ours, theirs = alike(open_side(samples), open_side(real))
    assert ours.codes.shape == (40, 3, 20, 20) and theirs.codes.shape == (41, 3, 20, 20)
    assert theirs.notes["sizes"] == (
        "90x50 smallest, 90x90 median, 90x90 largest; 1 cut to the centre square; 41 made smaller to 20x20"
    )
    large = open_side(real)
    assert alike(large, large)[0].codes.shape[-1] == 64


def test_a_broken_file_decides_nothing_for_either_side(tmp_path):
    folder = folder_of(tmp_path / "f", smooth(40, 0, 32)[..., 0])
    Image.fromarray(smooth(1, 0, 99)[0]).save(tmp_path / "colour.png")
    (folder / "broken.png").write_bytes((tmp_path / "colour.png").read_bytes()[:300])
    ours, _ = alike(open_side(folder), open_side(folder))
    assert ours.codes.shape == (40, 1, 32, 32) and ours.notes["left out"] == "1 unreadable: broken.png"


def test_flat_rows_are_images_where_the_other_side_says_their_shape(tmp_path):
    grey = smooth(40, 0, 8)[..., 0]
    ours, _ = alike(
        open_side(npz(tmp_path / "flat.npz", grey.reshape(40, 64))), open_side(folder_of(tmp_path / "f", grey))
    )
    assert np.array_equal(ours.codes[:, 0], grey)


GREY = np.random.default_rng(0).random((40, 8, 8)).astype(np.float32)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (GREY * 255, r"float images reach from 0\.\d+ to 25\d.*expected \[0, 1\], or bytes"),
        (GREY * 2 - 1, r"float images reach from -"),
        ((GREY > 0.5).astype(np.uint8), "integers 0 and 1 are black and white, or black"),
        ((GREY * 60000).astype(np.uint16), "expected 0 to 255"),
        (np.where(GREY > 0.99, np.nan, GREY), "not finite"),
        (GREY[:5], "5 rows; a comparison needs 30"),
        (GREY.reshape(40, 2, 32), "images"),
        (np.zeros((40, 3, 9, 3), np.uint8), "channels may be axis 1 or 3"),
        (np.zeros((40, 4, 9, 9), np.uint8), "1 or 3 channels"),
        (np.zeros((40, 7)), "rows of 7 numbers"),
        (GREY.astype(complex), "expected numbers"),
        (np.array([{}] * 40, dtype=object), "expected numbers"),
    ],
)
def test_what_is_unfit_or_ambiguous_is_refused_in_one_sentence(tmp_path, samples, message):
    real = folder_of(tmp_path / "real", (GREY * 255).astype(np.uint8))
    if samples.shape == (40, 2, 32):
        samples = samples[:, None, None]  # five axes
        message = "expected .N, D., .N, H, W."
    with pytest.raises(UsageError, match=message) as error:
        compare(npz(tmp_path / "x.npz", samples), real)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda p: p / "none.npz", "no such file or folder"),
        (lambda p: p, "no images in"),
        (lambda p: p.joinpath("x.txt").write_text("x") and p / "x.txt", r"ends in '\.txt'; expected a folder"),
        (lambda p: p.joinpath("x.npz").write_bytes(b"PK") and p / "x.npz", "cannot be read as .npz"),
        (lambda p: p.joinpath("x.npy").write_bytes(b"x") and p / "x.npy", "cannot be read as .npy"),
        (lambda p: npz(p / "y.npz", GREY, "images"), "holds images; expected a member samples or x or arr_0"),
        (lambda p: folder_of(p / "f" / "train", [GREY[0] > 0.5] * 40).parent, "parts of a split"),
    ],
)
def test_a_side_that_is_none_is_refused(tmp_path, build, message):
    with pytest.raises(UsageError, match=message):
        open_side(build(tmp_path))


def test_a_header_that_promises_more_than_there_is_costs_nothing(tmp_path):
    np.lib.format.write_array_header_1_0(
        stream := io.BytesIO(), {"descr": "<f8", "fortran_order": False, "shape": (10**9, 1000)}
    )
    (tmp_path / "bomb.npy").write_bytes(stream.getvalue())
    with pytest.raises(UsageError, match="its header asks for 8,000,000,000,000 bytes"):
        open_side(tmp_path / "bomb.npy")


@pytest.mark.slow
def test_a_lenet_that_cannot_tell_the_classes_does_not_judge(tmp_path, monkeypatch):
    from bench.features import _lenet_training

    monkeypatch.setattr(_lenet_training, "OWN_STEPS", 100)
    images = smooth(200, 0)
    for name, shade in (("coin", 1), ("shade", 4)):  # labels by coin flip; a class four times as dark
        folder_of(tmp_path / name / "a", images[:100])
        folder_of(tmp_path / name / "b", images[100:] // shade)
    with pytest.raises(UsageError, match=r"classifier is right on \d+% of 40 held-out images.*it judges from \d+% on"):
        compare(tmp_path / "coin", tmp_path / "coin", space="lenet")
    scores = compare(tmp_path / "shade", tmp_path / "shade", space="lenet")
    assert "held-out images (bar" in scores["notes"]["judge"] and "fid_lenet" in values(scores)
    with pytest.raises(UsageError, match="needs classes"):
        compare(tmp_path / "shade" / "a", tmp_path / "shade" / "b", space="lenet")


def test_python_and_command_line_give_the_contract(tmp_path):
    rng = np.random.default_rng(0)
    fake, real = rng.normal(size=(60, 3)), rng.normal(size=(70, 3))
    scores = bench.score(fake, data=real)
    assert scores["metrics"].keys() == {"real"} and scores["flags"] == [] and scores["dataset"] == "data"
    paths = [str(npz(tmp_path / f"{name}.npz", x)) for name, x in (("fake", fake), ("data", real))]
    command = [sys.executable, "-m", "bench.cli", "score", paths[0], "--data", paths[1]]
    printed = json.loads(subprocess.run([*command, "--json"], capture_output=True, text=True, check=True).stdout)
    ours, theirs = values(scores), values(printed)
    assert (
        ours.keys() == theirs.keys() and ours.pop("c2st_auc") and theirs.pop("c2st_auc")
    )  # its forest is smaller here
    assert theirs == pytest.approx(ours, rel=1e-9)
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "95 % interval" in text and "times that of real against real" in text
    wrong = subprocess.run(command[:5], capture_output=True, text=True)
    assert wrong.returncode == 2 and "one of two" in wrong.stderr
    with pytest.raises(UsageError, match="one of two"):
        bench.score(fake, "iris", data=real)


def test_bytes_flat_rows_and_folders_score_on_a_dataset(tmp_path):
    from sklearn.datasets import load_digits

    x = load_digits().images[:600] / 16
    expected = bench.score(x[:, None].astype(np.float32), "digits")
    codes = np.round(x * 255).astype(np.uint8)
    for given in (codes, codes.reshape(600, 64), x.astype(np.float32), str(folder_of(tmp_path / "f", codes))):
        scores = bench.score(given, "digits")
        assert scores["metrics"]["public"]["fid_lenet"]["value"] == pytest.approx(
            expected["metrics"]["public"]["fid_lenet"]["value"], rel=1e-6
        )
    assert (
        scores["yardsticks"]["training"]["public"]["copy_excess"]
        > scores["yardsticks"]["real"]["public"]["copy_excess"]
    )
    with pytest.raises(InvalidSubmission, match="may be codes of 17 levels or of 256"):
        bench.score(load_digits().images[:600].astype(np.uint8), "digits")
