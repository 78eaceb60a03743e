"""Training steps beside the loops of peers.py, both running on: a call takes the next steps of a generator.

What agrees is checked before: the same parameters give the same loss on both sides.
"""

from __future__ import annotations

from itertools import islice

import pytest
import torch
import torch.nn.functional as F

from baselines.made import MADE
from baselines.nade import NADE
from baselines.pixelcnn import PixelCNN
from gan_models.dcgan import DCGAN
from tests.speed import peers
from tests.speed.pairs import Peer
from tests.speed.test_sampling import images

ENDLESS = 10**6


def same_examples(ours, theirs):
    assert ours == theirs


def train(steps, count):
    """Warm up with two steps; a call then takes `count` more and returns how many examples they saw."""
    list(islice(steps, 2))
    examples = lambda step: step if isinstance(step, int) else step["examples"]
    return lambda: sum(examples(step) for step in islice(steps, count))


def binary(logits):
    """Bernoulli logits (B, D) of a softmax over two levels (B, D, 2)."""
    return logits[..., 1] - logits[..., 0]


def nll_of(logits, rows):
    """Nats an example."""
    return float(F.binary_cross_entropy_with_logits(logits, rows, reduction="sum")) / len(rows)


def test_nade(pairs_of):
    rows = images().flatten(1)
    small = NADE(levels=2, hidden=500, steps=3).fit(rows, seed=0)
    net = small.net_
    with torch.no_grad():
        theirs = nll_of(
            peers.nade_logits(rows[:20], net.W, net.c, binary(net.V.transpose(1, 2)), binary(net.b)), rows[:20]
        )
    assert float(-small.log_prob(rows[:20]).mean()) == pytest.approx(theirs, rel=1e-4)
    ours = train(NADE(levels=2, hidden=500, batch=100, steps=ENDLESS).fit_steps(rows, seed=0), 4)
    peer = Peer("autograd loop", train(peers.nade_loop(rows, 500, 100), 4), 2, same_examples)
    pairs_of("NADE, training 28x28, H=500, B=100", ours, peer, threads=1)


def test_made(pairs_of):
    """The peer's model: one hidden layer of 500, no direct connections, no dropout; ours has two logits a pixel, it has one."""
    rows = images().flatten(1)
    model = dict(levels=2, hidden=(500,), batch=100, direct=False, dropout=0.0, precision="bf16")
    small = MADE(**model, steps=3).fit(rows, seed=0)
    with torch.no_grad():
        theirs = nll_of(binary(small.net_(rows[:20].long(), 0)), rows[:20])
    assert float(-small.log_prob(rows[:20]).mean()) == pytest.approx(theirs, rel=1e-4)
    ours = train(MADE(**model, steps=ENDLESS).fit_steps(rows, seed=0), 100)
    peer = Peer("pytorch-made's loop", train(peers.made_loop(rows, 500, 100), 100), 1.4, same_examples)
    pairs_of("MADE, training 28x28, H=500, B=100, bf16", ours, peer, threads=1)


def test_pixelcnn(pairs_of):
    """bfloat16 has 8 bits: the first steps' losses agree within 1 %."""
    model = dict(levels=2, width=64, layers=4, batch=16, dropout=0.0)
    sides = {p: PixelCNN(**model, precision=p, steps=ENDLESS).fit_steps(images(), seed=0) for p in ("bf16", "fp32")}
    first = {p: [float(step["nll"]) for step in islice(steps, 3)] for p, steps in sides.items()}
    assert first["bf16"] == pytest.approx(first["fp32"], rel=1e-2)
    peer = Peer("plain float32", train(sides["fp32"], 6), 1.8, same_examples)
    pairs_of("PixelCNN, training 28x28, 4 x 64, bf16", train(sides["bf16"], 6), peer, threads=1)


def test_dcgan(pairs_of):
    """The same networks on both sides, ours in bfloat16 with channels last; D's first losses agree within 1 %."""
    pixels = F.interpolate(images(), size=32)
    model = dict(width=64, batch=64, steps=ENDLESS)
    plain, mixed = DCGAN(**model), DCGAN(**model, precision="bf16")
    first = [next(side.fit_steps(pixels, seed=0)) for side in (plain, mixed)]
    assert float(first[0]["d_loss"]) == pytest.approx(float(first[1]["d_loss"]), rel=1e-2)
    networks = plain.generator_, plain.discriminator_
    theirs = peers.dcgan_loop(2 * pixels - 1, *networks, plain.z_dim_, 64)
    peer = Peer("pytorch/examples' loop", train(theirs, 4), 1.7, same_examples)
    ours = train(mixed.fit_steps(pixels, seed=0), 4)
    pairs_of("DCGAN, training 32x32 grey, width 64, B=64, bf16", ours, peer, threads=1)
