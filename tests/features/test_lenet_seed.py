"""Training the pinned classifier moves no random state of its caller's, a GPU's included."""

import pytest
import torch

from bench.features._lenet_training import train_lenet
from bench.registry import load


def test_training_a_classifier_leaves_every_random_state(monkeypatch):
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("every GPU was reseeded"))
    before = torch.get_rng_state()
    train_lenet(load("dataset", "digits")(), epochs=1)
    assert torch.equal(torch.get_rng_state(), before)
