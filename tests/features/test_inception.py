"""The Inception space on randomly initialised weights of the right format: the real network and loading path, offline."""

import contextlib
import io
import sys
from urllib.error import URLError

import numpy as np
import pytest
import torch

from bench.datasets import Dataset, Split
from bench.errors import DataUnavailable
from bench.features import inception
from bench.features._torchvision import import_torchvision


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A TORCH_HOME whose weights file holds pytorch-fid's network as it is initialised."""
    import_torchvision()
    from pytorch_fid.inception import FIDInceptionA, FIDInceptionC, FIDInceptionE_1, FIDInceptionE_2, _inception_v3

    torch.manual_seed(0)
    net = _inception_v3(num_classes=1008, aux_logits=False, weights=None)
    net.Mixed_5b, net.Mixed_5c, net.Mixed_5d = (
        FIDInceptionA(c, pool_features=p) for c, p in ((192, 32), (256, 64), (288, 64))
    )
    net.Mixed_6b, net.Mixed_6c, net.Mixed_6d, net.Mixed_6e = (
        FIDInceptionC(768, channels_7x7=c) for c in (128, 160, 160, 192)
    )
    net.Mixed_7b, net.Mixed_7c = FIDInceptionE_1(1280), FIDInceptionE_2(2048)
    folder = tmp_path_factory.mktemp("torch_home")
    path = folder / "hub" / "checkpoints" / inception.FILE
    path.parent.mkdir(parents=True)
    torch.save(net.state_dict(), path)
    return folder


@pytest.fixture
def weights(hub, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(hub))
    return hub


def images(n, seed, size=24):
    rng = np.random.default_rng(seed)
    return torch.as_tensor(rng.integers(0, 256, (n, 3, size, size)).astype(np.float32) / 255)


def dataset(x):
    split = Split(x, None)
    return Dataset(
        name="pictures",
        kind="large_image",
        train=split,
        valid=split,
        test=split,
        primary="fid_inception",
        spaces=("inception",),
    )


def test_features_logits_and_hash(weights):
    space = inception.build(dataset(images(4, 0)))
    features = space(images(4, 0))
    assert features.shape == (4, 2048)
    assert space.logits_of(features).shape == (4, 1, 1008)
    assert len(space.sha256) == 64
    assert not space.sha256.startswith("6726825d"), "these are not the published weights, and it can be told"
    grey = images(2, 1)[:, :1]
    assert torch.equal(space(grey), space(grey.expand(-1, 3, -1, -1)))


def test_features_do_not_depend_on_the_batch(weights):
    x = images(7, 2)
    one, all_ = (
        inception.Inception(torch.device("cpu"), batch=1)(x),
        inception.Inception(torch.device("cpu"), batch=50)(x),
    )
    torch.testing.assert_close(one, all_, rtol=1e-4, atol=1e-5)


def test_a_folder_of_images_gives_pytorch_fids_number(weights, tmp_path, monkeypatch):
    """PNGs in, FID out, against pytorch-fid's own main with the same weights, in this process."""
    from PIL import Image

    from bench.metrics.frechet import frechet_distance
    from tests.features.folders import read_folder

    folders = []
    for name, seed in (("real", 3), ("generated", 4)):
        folder = tmp_path / name
        folder.mkdir()
        for i, x in enumerate(images(80, seed, size=16)):
            pixels = (x * 255).round().byte().permute(1, 2, 0).numpy()
            Image.fromarray(pixels if seed == 3 else pixels // 2).save(folder / f"{i:03}.png")
        folders.append(folder)
    space = inception.Inception(torch.device("cpu"), dims=64)
    ours = frechet_distance(*(space(read_folder(folder)) for folder in folders))

    from pytorch_fid import fid_score

    # 64 dimensions: with fewer images than dimensions the matrix square root there has no digits to compare with
    printed = io.StringIO()
    arguments = ["pytorch_fid", *map(str, folders), "--device", "cpu", "--num-workers", "0", "--dims", "64"]
    monkeypatch.setattr(sys, "argv", arguments)
    with contextlib.redirect_stdout(printed):
        fid_score.main()
    theirs = float(printed.getvalue().split()[-1])
    assert ours == pytest.approx(theirs, rel=1e-4)


def test_images_of_several_sizes_and_broken_files_are_refused_by_name(tmp_path):
    from PIL import Image

    from tests.features.folders import read_folder

    with pytest.raises(ValueError, match="no images in"):
        read_folder(tmp_path)
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    Image.new("RGB", (9, 8)).save(tmp_path / "b.png")
    with pytest.raises(ValueError, match=r"b.png is 9x8, the images before it 8x8"):
        read_folder(tmp_path)
    (tmp_path / "b.png").write_bytes(b"not an image")
    with pytest.raises(ValueError, match=r"b\.png cannot be read as an image"):
        read_folder(tmp_path)


def test_weights_that_cannot_be_had_say_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def offline(*_, **__):
        raise URLError("no route to host")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", offline)
    with pytest.raises(
        DataUnavailable, match=r"could not be downloaded .*no route to host.*put it there, or leave out"
    ):
        inception.build(dataset(images(2, 0)))
    assert DataUnavailable.exit_code == 7
