"""IDX and CIFAR readers on small files of the same format, and real Fashion-MNIST where it is installed."""

import io
import struct
import tarfile
import time

import numpy as np
import pytest
import torch

from bench.datasets._download import DEBIAN
from bench.datasets._formats import CIFAR_RECORD, image_dataset, read_cifar, read_idx, read_images_and_labels


def idx(array):
    return (
        b"\0\0\x08"
        + bytes([array.ndim])
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.astype(np.uint8).tobytes()
    )


def pixels(n, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 28, 28))


def test_idx_is_read_as_written():
    x, y = pixels(7), np.arange(7)
    assert np.array_equal(read_idx(idx(x), "x"), x)
    images, labels = read_images_and_labels(idx(x), idx(y), "small")
    assert images.shape == (7, 1, 28, 28) and labels.tolist() == list(range(7))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw[:-1], r"holds \d+ bytes, its header \(3, 28, 28\) asks for"),
        (lambda raw: raw + b"x", "asks for"),
        (lambda raw: b"\0\0\x0d" + raw[3:], "is not an IDX file of bytes"),
        (lambda raw: raw[:9], "truncated inside its header"),
        (lambda raw: b"", "starts with nothing"),
        (lambda raw: b"\x1f\x8b" + raw, "is not an IDX file of bytes: it starts with 1f 8b"),
    ],
)
def test_a_bad_idx_file_is_named(change, message):
    with pytest.raises(ValueError, match=message) as error:
        read_idx(change(idx(pixels(3))), "train-images")
    assert "train-images" in str(error.value)


def test_images_and_labels_must_belong_together():
    with pytest.raises(ValueError, match="do not belong together"):
        read_images_and_labels(idx(pixels(3)), idx(np.arange(4)), "small")


def archive(parts):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, data in parts.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def batches(label=3):
    record = bytes([label]) + bytes(range(256)) * 12
    assert len(record) == CIFAR_RECORD
    return {f"data_batch_{i}.bin": record * 2 for i in range(1, 6)} | {"test_batch.bin": record}


def test_cifar_is_read_channel_by_channel():
    parts = read_cifar(archive(batches()))
    (x, y), (test, _) = parts["train"], parts["test"]
    assert x.shape == (10, 3, 32, 32) and test.shape == (1, 3, 32, 32)
    assert y.tolist() == [3] * 10
    assert x[0].flatten().tolist() == list(range(256)) * 12


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({k: v for k, v in batches().items() if k != "data_batch_4.bin"}, "lacks data_batch_4.bin"),
        (batches() | {"test_batch.bin": b"xx"}, "test_batch.bin holds 2 bytes, not a multiple of 3073"),
        (batches(label=12), "label above 9: 12"),
    ],
)
def test_a_bad_cifar_archive_is_named(parts, message):
    with pytest.raises(ValueError, match=message):
        read_cifar(archive(parts))


def test_a_dataset_of_codes_becomes_floats_on_its_grid():
    x, y = pixels(6000)[:, None].astype(np.uint8), np.arange(6000) % 10
    data = image_dataset(
        "small", {"train": (x, y), "test": (x[:50], y[:50])}, n_train=900, primary="", spaces=(), class_names=()
    )
    assert (len(data.train), len(data.valid), len(data.test)) == (900, 5000, 50)
    assert data.shape == (1, 28, 28)
    assert data.train.x.codes.dtype == torch.uint8, "held as bytes until somebody asks for x"
    assert torch.equal((data.train.x.whole() * 255).round().byte(), data.train.x.codes)
    assert torch.equal(data.to_grid(data.train.x), data.train.x.whole())
    assert len(data.sha256) == 64


@pytest.mark.skipif(
    not DEBIAN.joinpath("fashion-mnist").is_dir(), reason="Debian's dataset-fashion-mnist is not installed"
)
def test_real_fashion_mnist_loads_within_memory_and_time():
    import tracemalloc

    from bench.registry import load

    load("dataset", "fashion_mnist")()
    tracemalloc.start()
    start = time.monotonic()
    data = load("dataset", "fashion_mnist")()
    seconds, (_, peak) = time.monotonic() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(data.train), len(data.valid), len(data.test)) == (50_000, 5_000, 10_000)
    assert torch.bincount(data.test.y).tolist() == [1000] * 10
    assert seconds < 5, "the bound of a second is measured in tests/speed"
    assert peak < 2 * 2 * 70_000 * 784


def test_stacked_images_are_kept_as_indices_and_made_row_by_row(monkeypatch):
    """Bytes held: MNIST's own and three indices a row; a row's channels are rows of its own split, and its mode their labels."""
    from bench.datasets import stacked_mnist as module

    x, y = pixels(6000)[:, None].astype(np.uint8), np.arange(6000) % 10
    grey = image_dataset(
        "mnist", {"train": (x, y), "test": (x[:50], y[:50])}, n_train=900, primary="", spaces=(), class_names=()
    )
    monkeypatch.setattr(module, "mnist", lambda: grey)
    data = module.stacked_mnist()
    assert data.shape == (3, 28, 28) and (len(data.train), len(data.valid), len(data.test)) == (50_000, 5_000, 10_000)
    assert data.train.x.codes is grey.train.x.codes and data.train.x.index.shape == (50_000, 3)
    row, index = data.train.x[123], data.train.x.index[123]
    assert torch.equal(row, torch.cat([grey.train.x[int(i)] for i in index]))
    fresh = data.fresh(20, "test", 5)
    assert fresh.shape == (20, 3, 28, 28)
    assert all((grey.test.x[:] == channel).flatten(1).all(dim=1).any() for channel in fresh[0])
    assert float(data.mode_prior.sum()) == pytest.approx(1) and len(data.mode_prior) == 1000
