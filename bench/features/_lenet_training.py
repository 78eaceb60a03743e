"""Train the lenet classifiers: pin a dataset's, or make one for a user's own labelled images."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from typing import Any

import torch
from torch import nn

from bench.datasets import Dataset
from bench.features.lenet import FOLDER, LeNet, manifest

BATCH = 64
OWN_STEPS = 4000  # on a user's own images


def train_lenet(dataset: Dataset, *, epochs: int = 40, seed: int = 0) -> tuple[LeNet, float]:
    """Train on the training rows only; return the network and its accuracy on test."""
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would reseed every GPU too, and fork_rng restores none of them
        torch.default_generator.manual_seed(seed)
        net = LeNet(dataset.shape, dataset.n_classes)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3, weight_decay=1e-4)
    x, y = dataset.train.x, dataset.train.labels
    steps = epochs * -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps)
    for _ in range(steps):
        rows = torch.randint(len(x), (BATCH,), generator=generator)
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x[rows]), y[rows], label_smoothing=0.05).backward()
        optimizer.step()
        schedule.step()
    net.eval()
    with torch.no_grad():
        predicted = torch.cat([net(part) for part in dataset.test.x.split(4096)]).argmax(dim=1)
    return net, float((predicted == dataset.test.labels).double().mean())


def own_weights(dataset: Dataset) -> bytes:
    """Train on a user's own images, always on a CPU, so with the same bits; return safetensors."""
    epochs = min(40, max(1, OWN_STEPS * BATCH // len(dataset.train)))
    net, _ = train_lenet(dataset.to("cpu"), epochs=epochs)
    return _pack(net)


def pin(name: str, *, epochs: int = 40, seed: int = 0) -> dict[str, Any]:
    """Train a dataset's classifier, store its weights and its entry of the manifest, and return the entry."""
    from bench.registry import load

    dataset = load("dataset", name)()
    torch.set_num_threads(1)  # the same bits on every machine with this torch
    net, accuracy = train_lenet(dataset, epochs=epochs, seed=seed)
    raw = _pack(net)
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


def _pack(net: LeNet) -> bytes:
    from safetensors.torch import save

    return save({key: value.contiguous() for key, value in net.state_dict().items()})


def main() -> None:
    """Run the command line of `python -m bench.features.lenet`."""
    parser = argparse.ArgumentParser(description="Train and pin the lenet feature space of a labelled image dataset.")
    parser.add_argument("dataset")
    parser.add_argument("--epochs", type=int, default=40)
    arguments = parser.parse_args()
    sys.stdout.write(json.dumps(pin(arguments.dataset, epochs=arguments.epochs), indent=1) + "\n")
