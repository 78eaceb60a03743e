"""lenet: a small classifier pinned per dataset (after LeCun et al. 1998); features are its 32 last hidden units.

Inception features are discouraged on grey or tiny images, so each image dataset has a classifier of its own, trained on
its training rows only, stored as safetensors beside this file and named by hash in every record. Retrain one with

    python -m bench.features.lenet digits

A user's own labelled images get theirs when they are first used.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import torch
from torch import Tensor, nn

from bench.datasets import Dataset
from bench.features import Unavailable
from bench.files import cache_folder, write_atomic

FOLDER = Path(__file__).parent / "weights"
N_FEATURES = 32
BATCH = 64
OWN_STEPS = 4000  # of training on a user's own images
OWN_VERSION = 1


class LeNet(nn.Module):
    """Two convolutions, one hidden layer of 32 features, K logits. Any size from 8x8, grey or colour."""

    def __init__(self, shape: tuple[int, int, int], n_classes: int) -> None:
        super().__init__()
        channels, height, width = shape
        pools = 1 if height < 16 else 2
        self.body = nn.Sequential(
            nn.Conv2d(channels, 16, 3, padding=1),
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
        """X (B, C, H, W) in [0, 1] -> logits (B, K)."""
        return self.head(self.features(self.body(x)))


class LeNetSpace:
    """The pinned classifier of a dataset; one with more channels than the classifier is read channel by channel."""

    name = "lenet"

    def __init__(self, net: LeNet, sha256: str) -> None:
        self.net, self.sha256 = net.eval().requires_grad_(False), sha256
        self._channels = net.body[0].in_channels

    def __call__(self, x: Tensor) -> Tensor:
        """Features (N, 32 * number of channel groups), float64."""
        planes = self._planes(x)
        features = torch.cat([self.net.features(self.net.body(p)) for p in planes.split(1024)])
        return features.reshape(len(x), -1).double()

    def logits_of(self, features: Tensor) -> Tensor:
        """Class logits of each channel group from features (N, 32 G), (N, G, K)."""
        return self.net.head(features.float().reshape(len(features), -1, N_FEATURES))

    def mode_ids_of(self, features: Tensor) -> Tensor:
        """The predicted class, or the number that the channels' classes spell (base K), from features; (N,)."""
        logits = self.logits_of(features)
        place = logits.shape[2] ** torch.arange(logits.shape[1] - 1, -1, -1, device=features.device)
        return (logits.argmax(dim=2) * place).sum(dim=1)

    def _planes(self, x: Tensor) -> Tensor:
        return x.float().reshape(-1, self._channels, *x.shape[2:])


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
    """The classifier of a user's labelled images: trained once, kept in the cache folder under the training rows' hash."""
    from safetensors.torch import load, save

    path = cache_folder() / "lenet" / f"{dataset.train_sha256}-{OWN_VERSION}.safetensors"
    net = LeNet(dataset.shape, dataset.n_classes)
    if not path.exists():
        epochs = min(40, max(1, OWN_STEPS * BATCH // len(dataset.train)))
        trained, _ = train_lenet(dataset.to("cpu"), epochs=epochs)  # the same classifier, whatever the device
        write_atomic(path, save({key: value.contiguous() for key, value in trained.state_dict().items()}))
    raw = path.read_bytes()
    net.load_state_dict(load(raw))
    return LeNetSpace(net.to(dataset.train.x.device), hashlib.sha256(raw).hexdigest())


def manifest() -> dict[str, dict]:
    """What is pinned: per dataset sha256, shape, n_classes, accuracy on test, training settings."""
    path = FOLDER / "lenet.json"
    return json.loads(path.read_text()) if path.exists() else {}


def train_lenet(dataset: Dataset, *, epochs: int = 40, seed: int = 0) -> tuple[LeNet, float]:
    """Train on the training rows only; returns the network and its accuracy on test."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = LeNet(dataset.shape, dataset.n_classes)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3, weight_decay=1e-4)
    x, y, batch = dataset.train.x, dataset.train.y, BATCH
    steps = epochs * -(-len(x) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps)
    for _ in range(steps):
        rows = torch.randint(len(x), (batch,), generator=generator)
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x[rows]), y[rows], label_smoothing=0.05).backward()
        optimizer.step()
        schedule.step()
    net.eval()
    with torch.no_grad():
        predicted = torch.cat([net(part) for part in dataset.test.x.split(4096)]).argmax(dim=1)
    return net, float((predicted == dataset.test.y).double().mean())


def pin(name: str, *, epochs: int = 40, seed: int = 0) -> dict:
    """Train a dataset's classifier, store weights and manifest entry; returns the entry."""
    from safetensors.torch import save

    from bench.registry import load

    dataset = load("dataset", name)()
    torch.set_num_threads(1)  # the same bits on every machine with this torch
    net, accuracy = train_lenet(dataset, epochs=epochs, seed=seed)
    raw = save({key: value.contiguous() for key, value in net.state_dict().items()})
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"lenet_{name}.safetensors").write_bytes(raw)
    entry = {
        "sha256": hashlib.sha256(raw).hexdigest(),
        "shape": list(dataset.shape),
        "n_classes": dataset.n_classes,
        "test_accuracy": round(accuracy, 4),
        "n_params": sum(p.numel() for p in net.parameters()),
        "epochs": epochs,
        "seed": seed,
        "torch": torch.__version__,
        "dataset_sha256": dataset.sha256,
    }
    (FOLDER / "lenet.json").write_text(json.dumps(manifest() | {name: entry}, indent=1, sort_keys=True) + "\n")
    return entry


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description="Train and pin the lenet feature space of a labelled image dataset.")
    parser.add_argument("dataset")
    parser.add_argument("--epochs", type=int, default=40)
    arguments = parser.parse_args()
    print(json.dumps(pin(arguments.dataset, epochs=arguments.epochs), indent=1))
