"""lenet: a small classifier per dataset (after LeCun et al. 1998); features: its last hidden units.

Inception features are discouraged on grey or tiny images, so each image dataset has a classifier of its own, trained on
its training rows only, stored as safetensors beside this file and named by hash in every record. Retrain one with

    python -m bench.features.lenet digits

A user's own labelled images get theirs when they are first used.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bench.datasets import Dataset, Examples
from bench.features import Unavailable
from bench.files import cache_folder, cached

FOLDER = Path(__file__).parent / "weights"
N_FEATURES = 32
OWN_VERSION = 1  # raise it when the training on a user's own images changes


class LeNet(nn.Module):
    """Two convolutions, 32 hidden features, K logits, for shape (C, H, W) from 8x8, grey or colour."""

    channels: int

    def __init__(self, shape: tuple[int, ...], n_classes: int) -> None:
        super().__init__()
        self.channels, height, width = shape
        pools = 1 if height < 16 else 2
        self.body = nn.Sequential(
            nn.Conv2d(self.channels, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2) if pools == 2 else nn.Identity(),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )
        hidden = 32 * (height // 2**pools) * (width // 2**pools)
        self.features = nn.Sequential(nn.Linear(hidden, N_FEATURES), nn.ReLU())
        self.head = nn.Linear(N_FEATURES, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B, K) of x (B, C, H, W) in [0, 1]."""
        return self.head(self.features(self.body(x)))


class LeNetSpace:
    """A dataset's pinned classifier; images of more channels are read channel by channel."""

    name = "lenet"

    def __init__(self, net: LeNet, sha256: str) -> None:
        self.net, self.sha256 = net.eval().requires_grad_(False), sha256

    def __call__(self, x: Examples) -> Tensor:
        """Return features (N, 32 * number of channel groups), float64."""
        planes = self._planes(x)
        features = torch.cat([self.net.features(self.net.body(p)) for p in planes.split(1024)])
        return features.reshape(len(x), -1).double()

    def logits_of(self, features: Tensor) -> Tensor:
        """Return the class logits of each channel group from features (N, 32 G), (N, G, K)."""
        features = features.to(self.net.head.weight.device)  # small ones may have gone to the CPU
        return self.net.head(features.float().reshape(len(features), -1, N_FEATURES))

    def mode_ids_of(self, features: Tensor) -> Tensor:
        """Return the predicted class, or the number that the channels' classes spell (base K), (N,)."""
        logits = self.logits_of(features)
        place = logits.shape[2] ** torch.arange(logits.shape[1] - 1, -1, -1, device=logits.device)
        return (logits.argmax(dim=2) * place).sum(dim=1)

    def _planes(self, x: Examples) -> Tensor:
        return x.float().reshape(-1, self.net.channels, *x.shape[2:])


def build(dataset: Dataset) -> LeNetSpace:
    """Load a dataset's pinned classifier, refusing a file whose hash is not the manifest's."""
    from safetensors.torch import load

    if dataset.own_path:
        return _of_own_data(dataset)
    name = dataset.classifier_of or dataset.name
    entry = manifest().get(name)
    path = FOLDER / f"lenet_{name}.safetensors"
    if entry is None or not path.exists():
        raise Unavailable(f"no pinned lenet for {name!r}; make it with: python -m bench.features.lenet {name}")
    raw = path.read_bytes()
    sha256 = hashlib.sha256(raw).hexdigest()
    if sha256 != entry["sha256"]:
        raise Unavailable(
            f"{path.name} has sha256 {sha256[:12]}..., expected {entry['sha256'][:12]}...; restore the file, or retrain it"
        )
    net = LeNet(tuple(entry["shape"]), entry["n_classes"])
    net.load_state_dict(load(raw))
    return LeNetSpace(net.to(dataset.train.x.device), sha256)


def _of_own_data(dataset: Dataset) -> LeNetSpace:
    """Return the classifier of a user's labelled images, trained once and kept by the rows' hash."""
    from safetensors.torch import load

    from bench.features import _lenet_training as training

    name = f"{dataset.train_sha256}-{OWN_VERSION}.safetensors"
    raw = cached(cache_folder() / "lenet", name, lambda: training.own_weights(dataset))
    net = LeNet(dataset.shape, dataset.n_classes)
    net.load_state_dict(load(raw))
    return LeNetSpace(net.to(dataset.train.x.device), hashlib.sha256(raw).hexdigest())


def manifest() -> dict[str, dict[str, Any]]:
    """Read what is pinned, by dataset: sha256, shape, n_classes, test accuracy, training settings."""
    path = FOLDER / "lenet.json"
    return json.loads(path.read_text()) if path.exists() else {}


if __name__ == "__main__":
    from bench.features._lenet_training import main

    main()
