"""The fixed binarisation: two kinds of file give the same rows, and other rows are refused."""

import hashlib

import numpy as np
import pytest
import torch

from bench.datasets import binarized_mnist as module
from bench.errors import DataUnavailable

COUNTS = {"train": 30, "valid": 10, "test": 20}


@pytest.fixture
def bits(tmp_path, monkeypatch):
    """Small splits of random rows, the hashes that the module expects of them, and an empty folder for their files."""
    draw = np.random.default_rng(0)
    made = {name: (draw.random((n, 784)) < 0.13).astype(np.uint8) for name, n in COUNTS.items()}
    digests = {}
    for name, rows in made.items():
        packed = sorted(np.packbits(row).tobytes() for row in rows)
        digests[name] = hashlib.sha256(b"".join(packed)).hexdigest()
    monkeypatch.setattr(module, "SHA256", digests)
    monkeypatch.setattr(module, "ROWS", COUNTS)
    monkeypatch.setenv("GENBENCH_DATA", str(tmp_path))
    (tmp_path / "binarized_mnist").mkdir()
    return made, tmp_path / "binarized_mnist"


def _save_text(folder, made):
    for name, rows in made.items():
        lines = "".join(" ".join(map(str, row)) + "\n" for row in rows)
        (folder / f"binarized_mnist_{name}.amat").write_text(lines)


def test_text_and_packed_files_give_the_same_dataset_whatever_the_order(bits):
    made, folder = bits
    _save_text(folder, made)
    from_text = module.binarized_mnist()
    assert (len(from_text.train), len(from_text.valid), len(from_text.test)) == (30, 10, 20)
    assert from_text.shape == (1, 28, 28) and from_text.levels == 2 and from_text.train.y is None
    rows = {row.numpy().tobytes() for row in from_text.test.x[:].flatten(1).byte()}
    assert rows == {row.tobytes() for row in made["test"]}
    np.savez(folder / "binarized_mnist.npz", **{k: np.packbits(v, axis=1)[::-1] for k, v in made.items()})
    assert module.binarized_mnist().sha256 == from_text.sha256
    assert torch.equal(module.binarized_mnist().train.x[:], from_text.train.x[:])


def test_another_binarisation_is_refused(bits):
    made, folder = bits
    made["valid"][3, 400] ^= 1
    _save_text(folder, made)
    with pytest.raises(DataUnavailable, match="the valid rows of binarized_mnist have sha256 .*another binarisation"):
        module.binarized_mnist()


@pytest.mark.parametrize("damage", ["short", "not bits", "no array"])
def test_damaged_files_are_named(bits, damage):
    made, folder = bits
    if damage == "no array":
        np.savez(folder / "binarized_mnist.npz", train=np.zeros((30, 98), np.uint8))
    else:
        _save_text(folder, made)
        path = folder / "binarized_mnist_test.amat"
        path.write_text(path.read_text()[: 784 * 2 * 7] if damage == "short" else "0 1 0\n")
    with pytest.raises(DataUnavailable, match=r"binarized_mnist"):
        module.binarized_mnist()


def test_nothing_at_hand_says_what_to_put_where(bits):
    _, folder = bits
    with pytest.raises(DataUnavailable, match=rf"put binarized_mnist.npz or .*amat into .*{folder.name}"):
        module.binarized_mnist()
