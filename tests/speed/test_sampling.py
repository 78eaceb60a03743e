"""Sampling 28x28 images value by value, beside a full pass for every value; the first values of both must be the same.

The peer has the same network, the same uniforms and the same inversion, and computes every logit of every pixel to draw one.
It draws the first values only, and the time of the whole is that of the part times 784 / part.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from baselines._categorical import draw
from baselines.made import MADE
from baselines.nade import NADE
from baselines.pixelcnn import PixelCNN
from tests.speed.pairs import Peer
from tests.speed.peers import nade_logits

PIXELS = 28 * 28


@cache
def images() -> Tensor:
    """Binary images of blobs (256, 1, 28, 28), so that a few steps give a network whose logits differ."""
    coarse = torch.rand(256, 1, 7, 7, generator=torch.Generator().manual_seed(0))
    return (torch.nn.functional.interpolate(coarse, size=28, mode="bilinear") > 0.5).float()


@torch.no_grad()
def full_passes(logits_of: Callable[[Tensor], Tensor], uniform: Tensor, count: int) -> Tensor:
    """The first `count` codes of each row from one full pass each: codes (n, D) -> logits (n, D, K) -> codes (n, count)."""
    codes = torch.zeros(uniform.shape, dtype=torch.long)
    for i in range(count):
        codes[:, i] = draw(logits_of(codes)[:, i], uniform[:, i])
    return codes[:, :count]


def uniforms(n: int) -> Tensor:
    """One for each value of n rows, as sample(n, seed=1) draws them."""
    return torch.rand(n, PIXELS, generator=torch.Generator().manual_seed(1))


def same_codes(ours: Tensor, theirs: Tensor) -> None:
    """Equal but for uniforms within rounding of a cumulated probability: fewer than one value in 1,000."""
    differ = ours.flatten(1)[:, : theirs.shape[1]].round().long() != theirs
    assert differ.float().mean() < 1e-3, f"{int(differ.sum())} of {differ.numel()} values differ"


def test_made(pairs_of):
    model, n, part = MADE(levels=2, steps=20).fit(images(), seed=0), 100, 40

    def theirs():
        generator = torch.Generator().manual_seed(1)
        torch.randint(1, (n,), generator=generator)  # which ordering: there is one
        return full_passes(lambda codes: model.net_(codes, 0), torch.rand(n, PIXELS, generator=generator), part)

    peer = Peer("a full pass a pixel", theirs, 30, same_codes, whole=PIXELS / part)
    pairs_of("MADE, sampling 100 images of 28x28", lambda: model.sample(n, seed=1), peer, threads=1)


def test_nade(pairs_of):
    """Three peers: a pass that computes every hidden layer anew, eq. (7); one that updates it, eq. (8); and no pass, but a
    product W_{<i} v_{<i} for each pixel."""
    model, n = NADE(levels=2, hidden=500, steps=5).fit(images(), seed=0), 100
    net = model.net_
    V, b = net.V[:, 1] - net.V[:, 0], net.b[:, 1] - net.b[:, 0]

    def anew(v, i):
        return torch.addmm(net.c, v[:, :i], net.W[:i]).sigmoid() @ V[i] + b[i]

    def passes(logits_of, part):
        def logits(codes):
            found = logits_of(codes.float())
            return torch.stack([torch.zeros_like(found), found], dim=2)

        return lambda: full_passes(logits, uniforms(n), part)

    @torch.no_grad()
    def products():
        uniform, v = uniforms(n), torch.zeros(n, PIXELS)
        for i in range(PIXELS):
            v[:, i] = uniform[:, i] >= (-anew(v, i)).sigmoid()
        return v.long()

    every = passes(lambda v: torch.stack([anew(v, i) for i in range(PIXELS)], dim=1), 1)
    updated = passes(lambda v: nade_logits(v, net.W, net.c, V, b), 5)
    pairs_of(
        "NADE, sampling 100 images of 28x28",
        lambda: model.sample(n, seed=1),
        Peer("a full pass a pixel, eq. (7)", every, 1000, same_codes, whole=PIXELS),
        Peer("a full pass a pixel, eq. (8)", updated, None, same_codes, whole=PIXELS / 5),
        Peer("a product a pixel", products, 8, same_codes),
        threads=1,
    )


def test_pixelcnn(pairs_of):
    model, n, part = PixelCNN(levels=2, width=64, layers=4, steps=5).fit(images(), seed=0), 64, 20

    def logits_of(codes):
        return model.net_(codes.view(n, 1, 28, 28)).permute(0, 2, 3, 4, 1).flatten(1, 3)

    def theirs():
        return full_passes(logits_of, uniforms(n), part)

    peer = Peer("a full pass a pixel", theirs, 150, same_codes, whole=PIXELS / part)
    pairs_of("PixelCNN, sampling 64 images of 28x28", lambda: model.sample(n, seed=1), peer, threads=1)
