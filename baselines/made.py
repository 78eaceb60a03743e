"""MADE (Germain, Gregor, Murray & Larochelle, 2015).

MADE: Masked Autoencoder for Distribution Estimation. ICML 2015. An autoencoder whose weights are masked so that output d
depends on no input but those before d: one pass gives every factor of

    p(x) = prod_d p(x_d | x_<d)                                                  (3), (4)
    h^l(x) = g(b^l + (W^l * M^l) h^(l-1)(x))                                     (6), (9)
    logits(x) = c + (V * M^V) h^L(x) + (A * M^A) x                               (7), (10), (12)
    M^l[k', k] = 1 if m^l(k') >= m^(l-1)(k),    M^V[d, k] = 1 if m^0(d) > m^L(k)   (13), (14)

m^0 is the ordering of the inputs; m^l(k) is uniform on {min_k' m^(l-1)(k'), ..., D - 1} (sec. 4.2). With several orderings the masks
are cycled through in training, and the density is the mean over masks of p(x), never of logits, which would not be one.

Differs from the paper:
- a softmax over `levels` values in place of the Bernoulli (9), which two levels keep; inputs are codes scaled to [-1, 1].
- Adam with a cosine schedule, weight decay and dropout in place of Adadelta/Adagrad and early stopping: 1000 rows overfit.
- the biases c start at the logarithms of the training marginals.
- above 32 levels the logits of a pixel have rank `rank`: one shared (rank, levels) matrix instead of 10^8 weights at 28x28.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines._categorical import check_levels, draw, log_marginals, refuse_real, to_codes
from baselines._device import at_once, seeded

MAX_OUTPUTS = 500_000


@dataclass(kw_only=True, eq=False)
class MADE:
    """Masked autoencoder over the codes of an image in raster order (or several random orders)."""

    family: ClassVar[str] = "tractable"
    paper: ClassVar[str] = "Germain et al. 2015, arXiv:1502.03509"
    uses_labels: ClassVar[bool] = False
    search: ClassVar[dict[str, Any]] = {"lr": (5e-4, 5e-3), "weight_decay": (0.1, 3.0), "dropout": [0.0, 0.2, 0.4]}
    measure: ClassVar[str] = "counting"
    steps: int = 1000
    levels: int | None = None
    hidden: tuple[int, ...] = (500,)
    orderings: int = 1  # the first is the raster order, the others are random
    direct: bool = True  # the connections A from input to output
    batch: int = 64
    lr: float = 2e-3
    weight_decay: float = 1.0
    dropout: float = 0.2
    rank: int = 16
    precision: str = "fp32"  # or "bf16" in training: pays where the layers are wide; log_prob and sample stay float32

    def __post_init__(self) -> None:
        if self.precision not in ("fp32", "bf16"):
            raise ValueError(f"precision must be 'fp32' or 'bf16', got {self.precision!r}")
        if self.levels is not None:
            check_levels(self.levels)
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError(f"hidden must hold one positive size a layer, got {self.hidden}; try hidden=(500,)")
        if self.orderings < 1:
            raise ValueError(f"orderings must be at least 1, got {self.orderings}; 1 is the raster order alone")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout}; 0 turns it off")

    def supports(self, dataset: Any) -> str:
        """Say why a dataset does not fit: only codes can be counted, and every output has weights of its own."""
        outputs = prod(dataset.shape) * (dataset.levels or 0)
        if outputs > MAX_OUTPUTS:
            return f"its softmax would have {outputs:,} outputs, more than {MAX_OUTPUTS:,}; PixelCNN shares its weights"
        return refuse_real(dataset, "MADE")

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> MADE:
        """Train on images x (N, *shape) on the grid of `levels` values."""
        for _ in self.fit_steps(x, y, seed=seed):
            pass
        return self

    def fit_steps(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Iterator[dict[str, Any]]:
        """Minimise the negative log-likelihood, one minibatch and one mask a step."""
        check_levels(self.levels)
        generator = torch.Generator(x.device).manual_seed(seed)
        self.shape_ = tuple(x.shape[1:])
        codes = to_codes(x, self.levels).flatten(1)  # (N, D)
        with seeded(seed):
            self.net_ = _MaskedNet(codes, self).to(x.device)
        optimizer = torch.optim.AdamW(self.net_.parameters(), self.lr, weight_decay=self.weight_decay, fused=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.steps)
        for step in range(self.steps):
            rows = torch.randint(len(codes), (self.batch,), generator=generator, device=x.device)
            optimizer.zero_grad()
            with torch.autocast(x.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
                logits = self.net_(codes[rows], step % self.orderings, dropout=self.dropout, generator=generator)
            logits = logits.float()
            nll = _summed_nll(logits, codes[rows]) / self.batch  # eq. (4)
            nll.backward()
            optimizer.step()
            schedule.step()
            yield {"examples": self.batch, "nll": nll.detach()}

    @torch.no_grad()
    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-probability of the codes in nats, (N,)."""
        codes = to_codes(x, self.levels).flatten(1)
        logits = at_once(4_000_000, x.device)  # 16 MB on a CPU
        rows = max(1, logits // (codes.shape[1] * self.levels))
        return torch.cat([self._log_prob(chunk) for chunk in codes.split(rows)])

    def _log_prob(self, codes: Tensor) -> Tensor:
        each = []
        for ordering in range(self.orderings):
            log_probs = self.net_(codes, ordering).log_softmax(dim=2)  # (B, D, K)
            each.append(log_probs.gather(2, codes[:, :, None]).sum(dim=(1, 2)))  # (B,)
        return torch.stack(each).logsumexp(dim=0) - math.log(self.orderings)

    @torch.no_grad()
    def sample(self, n: int, *, seed: int) -> Tensor:
        """Draw n images in [0, 1], (n, *shape); every hidden unit is computed once."""
        device = self.net_.bias.device
        generator = torch.Generator(device).manual_seed(seed)
        which = torch.randint(self.orderings, (n,), generator=generator, device=device)
        codes = torch.empty(n, self.net_.bias.shape[0], dtype=torch.long, device=device)
        sizes = which.bincount(minlength=self.orderings).tolist()  # the only number read from the device
        for ordering, chosen in enumerate(which.argsort(stable=True).split(sizes)):
            for rows in chosen.split(at_once(2500, device)):
                codes[rows] = self.net_.draw(len(rows), ordering, generator)
        return (codes.float() / (self.levels - 1)).view(n, *self.shape_)


def _summed_nll(logits: Tensor, codes: Tensor) -> Tensor:
    """Eq. (4) summed over rows, nats: logits (B, D, K), codes (B, D); two levels without a softmax, which is slow over two."""
    if logits.shape[2] == 2:
        log_odds = logits[:, :, 1] - logits[:, :, 0]
        return F.binary_cross_entropy_with_logits(log_odds, codes.float(), reduction="sum")
    return F.cross_entropy(logits.flatten(0, 1), codes.flatten(), reduction="sum")


class _MaskedNet(nn.Module):
    """The network, its degrees m (one list of layers per ordering) and the incremental sampler."""

    def __init__(self, codes: Tensor, model: MADE) -> None:
        super().__init__()
        n_inputs, self.levels = codes.shape[1], model.levels
        sizes = [n_inputs, *model.hidden]
        # R: features a pixel has before the softmax; two levels need their log-odds only, eq. (9)
        features = 1 if model.levels == 2 else model.levels if model.levels <= 32 else model.rank
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in zip(sizes, sizes[1:], strict=False))
        self.readout = nn.Linear(sizes[-1], n_inputs * features, bias=False)  # V
        self.direct = nn.Linear(n_inputs, n_inputs * features, bias=False) if model.direct else None  # A
        if self.direct is not None:
            nn.init.zeros_(self.direct.weight)
        self.palette = None if model.levels <= 32 else nn.Parameter(torch.randn(features, model.levels) / 4)
        self.bias = nn.Parameter(log_marginals(codes, model.levels))  # c (D, K)
        self.kept: tuple[int, list[Tensor]] = (-1, [])  # an ordering and its masks
        for ordering in range(model.orderings):
            degrees = [torch.arange(n_inputs) + 1 if ordering == 0 else torch.randperm(n_inputs) + 1]
            for size in model.hidden:
                low, high = int(degrees[-1].min()), max(n_inputs - 1, 1)  # one input: every hidden unit is masked out
                degrees.append(torch.randint(low, high + 1, (size,)))
            for layer, m in enumerate(degrees):
                self.register_buffer(f"degrees_{ordering}_{layer}", m)

    def forward(self, codes: Tensor, ordering: int, *, dropout: float = 0.0, generator: Any = None) -> Tensor:
        """Logits of every pixel given those before it, codes (B, D) -> (B, D, K)."""
        *masks, last, across = self._masks(ordering)
        x = h = self._scaled(codes)  # (B, D)
        for layer, mask in zip(self.layers, masks, strict=True):
            h = F.relu(F.linear(h, layer.weight * mask, layer.bias))  # (B, H), eq. (9)
            if dropout:
                kept = torch.rand(h.shape, generator=generator, device=h.device) >= dropout
                h = h * kept / (1 - dropout)
        features = F.linear(h, _masked(self.readout.weight, last))  # (B, D R), eq. (10)
        if self.direct is not None:
            features = features + F.linear(x, _masked(self.direct.weight, across))  # eq. (12)
        return self._logits(features.view(*codes.shape, -1), self.bias)

    def draw(self, n: int, ordering: int, generator: torch.Generator) -> Tensor:
        """Draw codes (n, D): after the value of degree i, the units of degree i and the output of degree i + 1."""
        inputs, *hidden = (m.argsort() for m in self._degrees(ordering))  # units by degree: masks become slices
        # how many units of a layer have a degree up to 0, 1, ...: degrees are loaded with the weights, so these follow them
        ends = [m.bincount(minlength=len(inputs) + 1).cumsum(0).tolist() for m in self._degrees(ordering)[1:]]
        bias = self.bias[inputs]  # (D, K) in the order of degrees
        weights = [
            layer.weight[above][:, below].t().contiguous()
            for layer, below, above in zip(self.layers, [inputs, *hidden], hidden, strict=False)
        ]
        biases = [layer.bias[above] for layer, above in zip(self.layers, hidden, strict=True)]
        readout = self.readout.weight.view(len(inputs), -1, len(hidden[-1]))[inputs][:, :, hidden[-1]]
        direct = (
            None if self.direct is None else self.direct.weight.view(len(inputs), -1, len(inputs))[inputs][:, :, inputs]
        )
        codes = torch.empty(n, len(inputs), dtype=torch.long, device=inputs.device)  # in the order of degrees
        x = torch.empty(n, len(inputs), device=inputs.device)
        h = [torch.empty(n, len(m), device=inputs.device) for m in hidden]
        # one uniform a value, drawn row by row, so that a row does not depend on the others of its chunk
        uniform = torch.rand(n, len(inputs), generator=generator, device=inputs.device)
        for i in range(len(inputs)):  # i values are known
            source, known = x, i
            for layer, end in enumerate(ends if i else []):
                new = slice(end[i - 1], end[i])  # the units of degree i
                if end[i] > end[i - 1]:
                    h[layer][:, new] = torch.addmm(
                        biases[layer][new], source[:, :known], weights[layer][:known, new]
                    ).relu_()
                source, known = h[layer], end[i]
            last = ends[-1][i] if i else 0
            features = h[-1][:, :last] @ readout[i, :, :last].t()  # (n, R), eq. (10)
            if direct is not None:
                features = features + x[:, :i] @ direct[i, :, :i].t()
            codes[:, i] = draw(self._logits(features, bias[i]), uniform[:, i])
            x[:, i] = self._scaled(codes[:, i])
        return codes[:, inputs.argsort()]

    def _degrees(self, ordering: int) -> list[Tensor]:
        return [getattr(self, f"degrees_{ordering}_{layer}") for layer in range(len(self.layers) + 1)]

    def _scaled(self, codes: Tensor) -> Tensor:
        return codes.float() * (2 / (self.levels - 1)) - 1

    def _masks(self, ordering: int) -> list[Tensor]:
        """Masks of the layers (13), of V (14) and of A, (D, 1, H) for the last two: those of one ordering are kept."""
        if self.kept[0] != ordering:
            inputs, *hidden = self._degrees(ordering)
            masks = [above[:, None] >= below for below, above in zip([inputs, *hidden], hidden, strict=False)]
            masks += [(inputs[:, None] > below)[:, None] for below in (hidden[-1], inputs)]
            self.kept = ordering, [mask.float() for mask in masks]
        return self.kept[1]

    def _logits(self, features: Tensor, bias: Tensor) -> Tensor:
        if self.levels == 2:
            features = F.pad(features, (1, 0))  # the logit of code 0 is 0
        return (features if self.palette is None else features @ self.palette) + bias


def _masked(weight: Tensor, mask: Tensor) -> Tensor:
    """Weight (D F, H) times a mask (D, 1, H), the same for all F features of a pixel."""
    return (weight.view(len(mask), -1, mask.shape[2]) * mask).view_as(weight)
