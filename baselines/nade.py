"""NADE (Larochelle & Murray, 2011).

The Neural Autoregressive Distribution Estimator. AISTATS 2011. One hidden layer per pixel, all sharing W:

    p(v) = prod_i p(v_i | v_<i)                                                   (5)
    p(v_i | v_<i) = softmax(b_i + V_i h_i)                                        (6)
    h_i = sigm(c + W_{<i} v_<i),   so   a_1 = c,   a_{i+1} = a_i + W_i v_i          (7), (8)

a is updated and not recomputed: O(DH) for all D factors. The backward pass (algorithm 1) walks the same chain from its end, undoing
a -= W_i v_i on the way, and keeps O(BH) numbers instead of the O(BDH) of recorded operations.

Differs from the paper:
- a softmax over `levels` values in place of the sigmoid (6); v are codes scaled to [0, 1].
- Adam with a cosine schedule and weight decay in place of gradient descent with early stopping: 1000 rows overfit.
- the biases b start at the logarithms of the training marginals.
- above 32 levels V_i has rank `rank`: one (rank, levels) matrix shared by the pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines._categorical import check_levels, draw, log_marginals, refuse_real, to_codes
from baselines._device import at_once, seeded


@dataclass(kw_only=True, eq=False)
class NADE:
    """Neural autoregressive estimator over the codes of an image in raster order."""

    family: ClassVar[str] = "tractable"
    paper: ClassVar[str] = "Larochelle & Murray 2011"
    uses_labels: ClassVar[bool] = False
    search: ClassVar[dict[str, Any]] = {"lr": (2e-3, 2e-2), "weight_decay": (0.01, 1.0), "hidden": [128, 256, 500]}
    measure: ClassVar[str] = "counting"
    steps: int = 1000
    levels: int | None = None
    hidden: int = 256
    batch: int = 50
    lr: float = 1e-2
    weight_decay: float = 0.1
    rank: int = 16

    def __post_init__(self) -> None:
        if self.levels is not None:
            check_levels(self.levels)
        if self.hidden < 1:
            raise ValueError(f"hidden must be at least 1, got {self.hidden}; the paper has 500")

    def supports(self, dataset: Any) -> str:
        """Say why a dataset does not fit: only codes can be counted."""
        return refuse_real(dataset, "NADE")

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> NADE:
        """Train on images x (N, *shape) on the grid of `levels` values."""
        for _ in self.fit_steps(x, y, seed=seed):
            pass
        return self

    def fit_steps(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Iterator[dict[str, Any]]:
        """Minimise the negative log-likelihood, one minibatch a step."""
        check_levels(self.levels)
        generator = torch.Generator(x.device).manual_seed(seed)
        self.shape_ = tuple(x.shape[1:])
        codes = to_codes(x, self.levels).flatten(1)  # (N, D)
        with seeded(seed):
            self.net_ = _Net(codes, self).to(x.device)
        optimizer = torch.optim.AdamW(self.net_.parameters(), self.lr, weight_decay=self.weight_decay, fused=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.steps)
        for _ in range(self.steps):
            rows = torch.randint(len(codes), (self.batch,), generator=generator, device=x.device)
            optimizer.zero_grad()
            logits = self.net_(codes[rows])  # (B, D, K)
            nll = F.cross_entropy(logits.flatten(0, 1), codes[rows].flatten(), reduction="sum") / self.batch  # eq. (5)
            nll.backward()
            optimizer.step()
            schedule.step()
            yield {"examples": self.batch, "nll": nll.detach()}

    @torch.no_grad()
    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-probability of the codes in nats, (N,)."""
        codes = to_codes(x, self.levels).flatten(1)
        rows = max(1, at_once(4_000_000, x.device) // (codes.shape[1] * self.levels))  # logits of 16 MB on a CPU
        each = []
        for chunk in codes.split(rows):
            log_probs = self.net_(chunk).log_softmax(dim=2)  # (B, D, K)
            each.append(log_probs.gather(2, chunk[:, :, None]).sum(dim=(1, 2)))
        return torch.cat(each)

    @torch.no_grad()
    def sample(self, n: int, *, seed: int) -> Tensor:
        """Draw n images in [0, 1], (n, *shape), pixel by pixel with a += W_i v_i."""
        net, scale = self.net_, self.levels - 1
        generator = torch.Generator(net.c.device).manual_seed(seed)
        images = []
        most = at_once(2500, net.c.device)
        for size in [most] * (n // most) + [n % most] * (n % most > 0):
            # one uniform a value, drawn row by row, so that on a CPU a row does not depend on the size of its chunk
            uniform = torch.rand(size, len(net.b), generator=generator, device=net.c.device).t().contiguous()
            v = torch.empty_like(uniform)  # (D, n)
            a = net.c.repeat(size, 1)  # (n, H)
            for i in range(len(v)):
                logits = net.logits(torch.mm(a.sigmoid(), net.V[i].t()), net.b[i])  # (n, K), eqs. (6), (7)
                v[i] = draw(logits, uniform[i]) / scale
                a.addr_(v[i], net.W[i])  # eq. (8)
            images.append(v.t())
        return torch.cat(images).reshape(n, *self.shape_)


class _Net(nn.Module):
    """W (D, H), c (H,), V (D, R, H), b (D, K); R = K but for the low rank of many levels."""

    def __init__(self, codes: Tensor, model: NADE) -> None:
        super().__init__()
        dim, self.levels = codes.shape[1], model.levels
        features = model.levels if model.levels <= 32 else model.rank
        self.W = nn.Parameter(torch.randn(dim, model.hidden) / dim**0.5)
        self.c = nn.Parameter(torch.zeros(model.hidden))
        self.V = nn.Parameter(torch.randn(dim, features, model.hidden) / model.hidden)
        self.palette = None if features == model.levels else nn.Parameter(torch.randn(features, model.levels) / 4)
        self.b = nn.Parameter(log_marginals(codes, model.levels))  # (D, K)

    def forward(self, codes: Tensor) -> Tensor:
        """Logits of every pixel given those before it, codes (B, D) -> (B, D, K)."""
        v = codes.to(self.c.dtype) / (self.levels - 1)  # (B, D)
        return self.logits(_Chain.apply(v, self.W, self.c, self.V).transpose(0, 1), self.b)

    def logits(self, features: Tensor, b: Tensor) -> Tensor:
        """Eq. (6) before the softmax, features (..., R) -> (..., K)."""
        return (features if self.palette is None else features @ self.palette) + b


class _Chain(torch.autograd.Function):
    """V_i sigm(a_i) for every i: v (B, D), W (D, H), c (H,), V (D, R, H) -> (D, B, R)."""

    @staticmethod
    def forward(ctx: Any, v: Tensor, W: Tensor, c: Tensor, V: Tensor) -> Tensor:
        a = c.repeat(len(v), 1)  # (B, H)
        features = v.new_empty(len(W), len(v), V.shape[1])
        triangle = _triangle(W)
        for block in _blocks(len(W), len(triangle)):
            h = _hidden(a, v[:, block], W[block], triangle)[0]
            torch.bmm(h, V[block].transpose(1, 2), out=features[block])  # (T, B, R), eq. (6)
            a.addmm_(v[:, block], W[block])  # eq. (8)
        ctx.save_for_backward(v, W, V, a, triangle)
        return features

    @staticmethod
    def backward(ctx: Any, d_features: Tensor) -> tuple[None, Tensor, Tensor, Tensor]:
        v, W, V, a_end, triangle = ctx.saved_tensors
        a = a_end.clone()
        d_W, d_V, d_a = torch.empty_like(W), torch.empty_like(V), torch.zeros_like(a)
        for block in reversed(_blocks(len(W), len(triangle))):
            a.addmm_(v[:, block], W[block], alpha=-1)  # back to the block's first pixel
            h, before = _hidden(a, v[:, block], W[block], triangle)
            torch.bmm(d_features[block].transpose(1, 2), h, out=d_V[block])  # (T, R, H)
            d_each = torch.ops.aten.sigmoid_backward(torch.bmm(d_features[block], V[block]), h)  # (T, B, H)
            # W_i reaches every later pixel: those of its block, and by d_a those of the blocks after it
            d_W[block] = torch.addmm(before.flatten(0, 1).t() @ d_each.flatten(0, 1), v[:, block].t(), d_a)
            d_a += d_each.sum(dim=0)  # (B, H)
        return None, d_W, d_a.sum(dim=0), d_V


def _triangle(W: Tensor) -> Tensor:
    """Make ones below the diagonal, (T, T), for blocks of T pixels: small ones fit a CPU's cache, a card wants few launches."""
    size = 8 if W.device.type == "cpu" else 64
    return W.new_ones(size, size).tril(-1)


def _blocks(dim: int, size: int) -> list[slice]:
    """Blocks of `size` pixels, each handled by one product; the last may be smaller."""
    return [slice(start, min(start + size, dim)) for start in range(0, dim, size)]


def _hidden(a: Tensor, v: Tensor, W: Tensor, triangle: Tensor) -> tuple[Tensor, Tensor]:
    """h of a block's pixels (T, B, H), eq. (7), from a at its first; and v (T, B, T) with what is not before zeroed."""
    size = len(W)
    before = v * triangle[:size, None, :size]  # [i, :, j] = v_j if j < i
    return torch.baddbmm(a.expand(size, -1, -1), before, W.expand(size, -1, -1)).sigmoid_(), before
