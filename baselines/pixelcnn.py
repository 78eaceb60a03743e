"""Gated PixelCNN (van den Oord et al., 2016b).

Conditional Image Generation with PixelCNN Decoders. NeurIPS 2016. Pixels in raster order, channels in turn within a pixel:

    p(x) = prod_i p(x_i | x_1 .. x_{i-1})                                         (1)
    y = tanh(W_f * x) . sigmoid(W_g * x)                                          (2)

Two stacks leave no blind spot: the vertical one sees all rows above a pixel, the horizontal one the pixels to its left and the vertical
one's sums through a 1x1 link (fig. 2). Only the horizontal stack has residual connections. Kernels are cropped rather than masked: rows
above need no mask, and of the current pixel a mask shows channel groups < (A, first layer) or <= (B, later layers) one's own.

Sampling computes each feature once: the vertical stack row by row, the horizontal one column by column, both from caches of what the
kernels still reach. It equals one full pass per pixel.

Differs from the paper:
- unconditional; small: `layers` of `width` features for images of 8x8 to 32x32.
- an input of ones, which shows where the border is; output biases of each position start at the logarithms of the training marginals.
- AdamW with a cosine schedule, strong weight decay and dropout in place of RMSProp, or 1000 rows overfit; many rows want less of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines._categorical import Pointwise, check_levels, draw, log_marginals, refuse_real, to_codes, with_ones
from baselines._device import at_once, seeded


@dataclass(kw_only=True, eq=False)
class PixelCNN:
    """Gated PixelCNN with a softmax over the levels of every channel."""

    family: ClassVar[str] = "tractable"
    paper: ClassVar[str] = "van den Oord et al. 2016, arXiv:1606.05328"
    uses_labels: ClassVar[bool] = False
    search: ClassVar[dict[str, Any]] = {"lr": (2e-3, 2e-2), "weight_decay": (0.1, 3.0), "dropout": [0.0, 0.2, 0.4]}
    measure: ClassVar[str] = "counting"
    steps: int = 500
    levels: int | None = None
    width: int = 32  # p; every convolution has 2p outputs, for the two gates
    layers: int = 5
    kernel: int = 3
    first_kernel: int = 7
    batch: int = 16
    lr: float = 5e-3
    weight_decay: float = 1.0
    dropout: float = 0.4
    precision: str = "fp32"  # or "bf16" in training; log_prob and sample stay float32

    def __post_init__(self) -> None:
        if self.precision not in ("fp32", "bf16"):
            raise ValueError(f"precision must be 'fp32' or 'bf16', got {self.precision!r}")
        if self.levels is not None:
            check_levels(self.levels)
        for name in ("kernel", "first_kernel"):
            if getattr(self, name) % 2 == 0 or getattr(self, name) < 3:
                raise ValueError(f"{name} must be odd and at least 3, got {getattr(self, name)}; the paper has 3 and 7")
        if self.layers < 1 or self.width < 1:
            raise ValueError(f"layers and width must be at least 1, got {self.layers} and {self.width}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout}; 0 turns it off")

    def supports(self, dataset: Any) -> str:
        """Say why a dataset does not fit: only codes can be counted, and only images convolved."""
        return refuse_real(dataset, "PixelCNN") or ("" if len(dataset.shape) == 3 else "needs images (C, H, W)")

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> PixelCNN:
        """Train on images x (N, C, H, W) on the grid of `levels` values."""
        for _ in self.fit_steps(x, y, seed=seed):
            pass
        return self

    def fit_steps(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Iterator[dict[str, Any]]:
        """Minimise the negative log-likelihood, one minibatch a step."""
        check_levels(self.levels)
        generator = torch.Generator(x.device).manual_seed(seed)
        self.shape_ = tuple(x.shape[1:])
        codes = to_codes(x, self.levels)  # (N, C, H, W)
        with seeded(seed):
            self.net_ = _Net(codes, self).to(x.device)
        if x.device.type == "cuda":  # channels last pay there in bf16 only, with the weights in the same layout
            self.net_.layout = torch.channels_last if self.precision == "bf16" else torch.contiguous_format
            self.net_.to(memory_format=self.net_.layout)
        optimizer = torch.optim.AdamW(self.net_.parameters(), self.lr, weight_decay=self.weight_decay, fused=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.steps)
        for _ in range(self.steps):
            rows = torch.randint(len(codes), (self.batch,), generator=generator, device=x.device)
            optimizer.zero_grad()
            with torch.autocast(x.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
                logits = self.net_(codes[rows], dropout=self.dropout, generator=generator)
            logits = logits.float()
            # eq. (1); a card would add up reduction="sum" in an order of its own on every run
            nll = F.cross_entropy(logits, codes[rows], reduction="none").sum() / self.batch
            nll.backward()
            optimizer.step()
            schedule.step()
            yield {"examples": self.batch, "nll": nll.detach()}

    @torch.no_grad()
    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-probability of the codes in nats, (N,)."""
        codes = to_codes(x, self.levels)
        numbers = at_once(4_000_000, x.device)  # 16 MB on a CPU
        rows = max(1, numbers // (codes[0].numel() * max(self.levels, 2 * self.width)))
        chunks = codes.split(rows)
        return torch.cat([-F.cross_entropy(self.net_(c), c, reduction="none").sum(dim=(1, 2, 3)) for c in chunks])

    @torch.no_grad()
    def sample(self, n: int, *, seed: int) -> Tensor:
        """Draw n images in [0, 1], (n, C, H, W); every feature is computed once."""
        generator = torch.Generator(self.net_.bias.device).manual_seed(seed)
        numbers = at_once(20_000_000, self.net_.bias.device)  # 80 MB of caches on a CPU
        rows = max(1, numbers // (self.layers * self.width * self.kernel * (self.shape_[2] + 6)))
        codes = [self.net_.draw(min(rows, n - start), generator) for start in range(0, n, rows)]
        return torch.cat(codes).float() / (self.levels - 1)


class _Net(nn.Module):
    """The two stacks, the output layers, and the sampler that walks through them."""

    def __init__(self, codes: Tensor, model: PixelCNN) -> None:
        super().__init__()
        (_, channels, *_), self.levels = codes.shape, model.levels
        inputs = torch.arange(channels + 1) - 1  # group of every feature; the ones, group -1, are seen by all
        groups = torch.arange(model.width) * channels // model.width
        kernels = [model.first_kernel] + [model.kernel] * (model.layers - 1)
        self.layers = nn.ModuleList(
            _Gated(k, inputs if i == 0 else groups, groups, i == 0) for i, k in enumerate(kernels)
        )
        self.hidden = Pointwise(groups, groups)
        self.readout = Pointwise(groups, torch.arange(channels * model.levels) // model.levels)
        nn.init.zeros_(self.readout.weight)
        self.bias = nn.Parameter(log_marginals(codes, model.levels).permute(3, 0, 1, 2).contiguous())  # (K, C, H, W)
        self.layout = torch.channels_last

    def forward(self, codes: Tensor, *, dropout: float = 0.0, generator: Any = None) -> Tensor:
        """Logits of every value given those before it, codes (B, C, H, W) -> (B, K, C, H, W)."""
        v = h = with_ones(codes, self.levels).contiguous(memory_format=self.layout)
        for layer in self.layers:
            v, h = layer(v, h, dropout, generator)  # (B, p, H, W) each
        logits = self.readout(F.relu(self.hidden(F.relu(h))))  # (B, CK, H, W)
        return logits.unflatten(1, (-1, self.levels)).transpose(1, 2) + self.bias

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw codes (n, C, H, W) row by row and, within the row, column by column."""
        levels, channels, height, width = self.bias.shape
        device = self.bias.device
        # one uniform a value, drawn row by row, so that on a CPU an image does not depend on the others of its chunk
        uniform = torch.rand(n, channels, height, width, generator=generator, device=device)
        codes = torch.empty(n, channels, height, width, dtype=torch.long, device=device)
        blank = torch.zeros(n, channels, dtype=torch.long, device=device)
        windows = [layer.empty_window(n, width) for layer in self.layers]  # the rows that each vertical kernel reaches
        hidden, readout = self.hidden.matrix(), self.readout.matrix()
        matrices = [layer.matrices() for layer in self.layers]
        bias = self.bias.permute(1, 2, 3, 0)  # (C, H, W, K)
        for row in range(height):
            sums, v = [], None
            for layer, window in zip(self.layers, windows, strict=True):
                if v is not None:
                    layer.push_row(window, v)
                s = layer.vertical(window)  # (n, 2p, 1, W)
                sums.append(layer.link(s)[:, :, 0].permute(2, 0, 1).contiguous())  # (W, n, 2p)
                v = _gate(s)
            # columns side by side, (n, columns * features)
            strips = [layer.empty_strip(n, width) for layer in self.layers]
            for column in range(width):
                # the ones are seen on the pixel itself
                self.layers[0].put_column(strips[0], column, with_ones(blank, levels))
                for channel in range(channels):
                    h = None
                    for layer, matrix, strip, s in zip(self.layers, matrices, strips, sums, strict=True):
                        if h is not None:
                            layer.put_column(strip, column, h)
                        h = layer.step(matrix, strip, column, s[column], h)
                    features = torch.addmm(hidden[1], h.relu(), hidden[0]).relu_()  # (n, p)
                    part = slice(channel * levels, (channel + 1) * levels)
                    logits = features @ readout[0][:, part] + (readout[1][part] + bias[channel, row, column])
                    codes[:, channel, row, column] = draw(logits, uniform[:, channel, row, column])
                    self.layers[0].put_column(strips[0], column, with_ones(codes[:, :, row, column], levels))
            self.layers[0].push_row(windows[0], with_ones(codes[:, :, row : row + 1], levels))
        return codes


class _Gated(nn.Module):
    """One layer of fig. 2: v, h (B, features, H, W) -> v, h (B, p, H, W)."""

    def __init__(self, kernel: int, seen: Tensor, groups: Tensor, first: bool) -> None:
        super().__init__()
        width = len(groups)
        self.first, self.reach, self.n_inputs = first, kernel // 2, len(seen)
        self.vertical = nn.Conv2d(len(seen), 2 * width, (self.reach + (not first), kernel))  # first: rows above only
        self.link = nn.Conv2d(2 * width, 2 * width, 1)
        self.horizontal = nn.Conv2d(len(seen), 2 * width, (1, self.reach + 1), bias=False)
        self.residual = Pointwise(groups, groups)
        mask = torch.ones(2 * width, len(seen), 1, self.reach + 1)
        both = torch.cat([groups, groups])[:, None]
        mask[:, :, 0, -1] = (seen < both if first else seen <= both).float()  # mask A, mask B on the current pixel
        self.register_buffer("mask", mask)

    def forward(self, v: Tensor, h: Tensor, dropout: float, generator: Any) -> tuple[Tensor, Tensor]:
        r, height = self.reach, v.shape[2]
        s = self.vertical(F.pad(v, (r, r, r, 0)))[:, :, :height]  # (B, 2p, H, W)
        to_left = F.conv2d(F.pad(h, (r, 0)), self.horizontal.weight * self.mask)  # (B, 2p, H, W)
        gated = _gate(to_left + self.link(s))  # (B, p, H, W), eq. (2)
        if dropout:
            kept = torch.rand(gated.shape[:2], generator=generator, device=h.device) >= dropout  # whole feature maps
            gated = gated * (kept / (1 - dropout))[:, :, None, None]
        return _gate(s), self.residual(gated) + (0 if self.first else h)

    def matrices(self) -> tuple[Tensor, Tensor, Tensor]:
        """The horizontal kernel as (columns * features, 2p), and the residual's (p, p) and (p,)."""
        kernel = (self.horizontal.weight * self.mask)[:, :, 0].permute(2, 1, 0)
        return kernel.reshape(-1, kernel.shape[2]).contiguous(), *self.residual.matrix()

    def step(self, matrices: tuple, strip: Tensor, column: int, link: Tensor, h: Tensor | None) -> Tensor:
        """One column of the horizontal stack, (n, p), from the strip of what lies to its left."""
        kernel, weight, bias = matrices
        seen = strip[:, column * self.n_inputs : (column + self.reach + 1) * self.n_inputs]
        gated = _gate(torch.addmm(link, seen, kernel))
        return torch.addmm(bias if h is None else h + bias, gated, weight)

    def empty_window(self, n: int, width: int) -> Tensor:
        """Rows above the image, padded: (n, features, rows the kernel reaches, W + 2 reach)."""
        return self.mask.new_zeros(n, self.n_inputs, self.vertical.kernel_size[0], width + 2 * self.reach)

    def push_row(self, window: Tensor, row: Tensor) -> None:
        """Move the window down by one row (n, features, 1, W)."""
        window[:, :, :-1] = window[:, :, 1:].clone()
        window[:, :, -1:, self.reach : -self.reach] = row

    def empty_strip(self, n: int, width: int) -> Tensor:
        """An empty row, padded on its left: (n, (reach + W) * features)."""
        return self.mask.new_zeros(n, (self.reach + width) * self.n_inputs)

    def put_column(self, strip: Tensor, column: int, features: Tensor) -> None:
        """Write the features (n, features) of a column."""
        start = (self.reach + column) * self.n_inputs
        strip[:, start : start + self.n_inputs] = features


def _gate(s: Tensor) -> Tensor:
    """eq. (2), (B, 2p, ...) -> (B, p, ...)."""
    f, g = s.chunk(2, dim=1)
    return torch.tanh(f) * torch.sigmoid(g)
