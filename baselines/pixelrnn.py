"""PixelRNN, the Row LSTM (van den Oord et al., 2016a).

Pixel Recurrent Neural Networks. ICML 2016. Pixels in raster order, channels in turn within a pixel; an LSTM goes down the image and
treats a whole row at once:

    p(x) = prod_i p(x_i | x_1 .. x_{i-1})                                         (1)
    [o, f, i, g] = sigma(K^ss * h_{r-1} + K^is * x_r)        (tanh for g)           (3)
    c_r = f . c_{r-1} + i . g,     h_r = o . tanh(c_r)

K^is runs along the row and is masked (B); K^ss runs along the row above and needs no mask. A 7x7 convolution with mask A comes first,
each LSTM is bridged by a residual connection (fig. 5), two 1x1 convolutions lead to the softmax. Kernels are cropped, not masked, but
for the current pixel, where a feature sees channel groups < (A) or <= (B) its own.

Sampling keeps the states of the row above, adds K^ss * h_{r-1} once a row, and extends each layer's row column by column: the LSTM couples
columns through K^is alone, so every feature is computed once, and the result is that of one full pass per pixel.

Differs from the paper:
- small: `layers` Row LSTMs of `width` units (2 x width features between them), for images of 8x8 to 32x32.
- an input of ones, which shows where the border is; output biases of each position start at the logarithms of the training marginals.
- AdamW with a cosine schedule and dropout in place of RMSProp: 1000 rows overfit.
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
class PixelRNN:
    """Row LSTM with a softmax over the levels of every channel."""

    family: ClassVar[str] = "tractable"
    paper: ClassVar[str] = "van den Oord et al. 2016, arXiv:1601.06759"
    uses_labels: ClassVar[bool] = False
    search: ClassVar[dict[str, Any]] = {"lr": (2e-3, 2e-2), "weight_decay": (0.01, 1.0), "dropout": [0.1, 0.2, 0.4]}
    measure: ClassVar[str] = "counting"
    steps: int = 500
    levels: int | None = None
    width: int = 32  # h; the features between layers are 2h
    layers: int = 2
    kernel: int = 3
    first_kernel: int = 7
    batch: int = 16
    lr: float = 1e-2
    weight_decay: float = 0.1
    dropout: float = 0.2

    def __post_init__(self) -> None:
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
        """Say why a dataset does not fit: only codes can be counted, and only images have rows."""
        return refuse_real(dataset, "PixelRNN") or ("" if len(dataset.shape) == 3 else "needs images (C, H, W)")

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> PixelRNN:
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
        optimizer = torch.optim.AdamW(self.net_.parameters(), self.lr, weight_decay=self.weight_decay, fused=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.steps)
        for _ in range(self.steps):
            rows = torch.randint(len(codes), (self.batch,), generator=generator, device=x.device)
            optimizer.zero_grad()
            logits = self.net_(codes[rows], dropout=self.dropout, generator=generator)
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
        rows = max(1, numbers // (codes[0].numel() * max(self.levels, 4 * self.width)))
        chunks = codes.split(rows)
        return torch.cat([-F.cross_entropy(self.net_(c), c, reduction="none").sum(dim=(1, 2, 3)) for c in chunks])

    @torch.no_grad()
    def sample(self, n: int, *, seed: int) -> Tensor:
        """Draw n images in [0, 1], (n, C, H, W); every feature is computed once."""
        generator = torch.Generator(self.net_.bias.device).manual_seed(seed)
        numbers = at_once(20_000_000, self.net_.bias.device)  # 80 MB of states and sums on a CPU
        rows = max(1, numbers // (8 * self.layers * self.width * self.shape_[2]))
        codes = [self.net_.draw(min(rows, n - start), generator) for start in range(0, n, rows)]
        return torch.cat(codes).float() / (self.levels - 1)


class _Net(nn.Module):
    """The first convolution, the Row LSTMs, the output layers, and the sampler that walks through them."""

    def __init__(self, codes: Tensor, model: PixelRNN) -> None:
        super().__init__()
        (_, channels, *_), self.levels, self.reach = codes.shape, model.levels, model.first_kernel // 2
        groups = torch.arange(2 * model.width) * channels // (2 * model.width)
        self.first = nn.Conv2d(channels + 1, 2 * model.width, (self.reach + 1, 2 * self.reach + 1))
        mask = torch.ones_like(self.first.weight)
        mask[:, :, -1, self.reach + 1 :] = 0
        mask[:, :, -1, self.reach] = (
            torch.arange(channels + 1) - 1 < groups[:, None]
        ).float()  # mask A; the ones are seen by all
        self.register_buffer("mask", mask)
        states = torch.arange(model.width) * channels // model.width
        self.layers = nn.ModuleList(_RowLSTM(model.kernel, groups, states) for _ in range(model.layers))
        self.hidden = Pointwise(groups, groups)
        self.readout = Pointwise(groups, torch.arange(channels * model.levels) // model.levels)
        nn.init.zeros_(self.readout.weight)
        self.bias = nn.Parameter(log_marginals(codes, model.levels).permute(3, 0, 1, 2).contiguous())  # (K, C, H, W)

    def forward(self, codes: Tensor, *, dropout: float = 0.0, generator: Any = None) -> Tensor:
        """Logits of every value given those before it, codes (B, C, H, W) -> (B, K, C, H, W)."""
        r = self.reach
        features = F.conv2d(
            F.pad(with_ones(codes, self.levels), (r, r, r, 0)), self.first.weight * self.mask, self.first.bias
        )
        for layer in self.layers:
            features = layer(features, dropout, generator)  # (B, 2h, H, W)
        logits = self.readout(F.relu(self.hidden(F.relu(features))))  # (B, CK, H, W)
        return logits.unflatten(1, (-1, self.levels)).transpose(1, 2) + self.bias

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw codes (n, C, H, W) row by row and, within the row, column by column."""
        levels, channels, height, width = self.bias.shape
        r, device = self.reach, self.bias.device
        # one uniform a value, drawn row by row, so that on a CPU an image does not depend on the others of its chunk
        uniform = torch.rand(n, channels, height, width, generator=generator, device=device)
        codes = torch.empty(n, channels, height, width, dtype=torch.long, device=device)
        x = torch.zeros(n, channels + 1, height + r, width + 2 * r, device=device)  # padded input
        first = (self.first.weight * self.mask).flatten(1).t().contiguous()
        hidden, readout = self.hidden.matrix(), self.readout.matrix()
        matrices = [layer.matrices() for layer in self.layers]
        states = [layer.empty_state(n, width) for layer in self.layers]
        bias = self.bias.permute(1, 2, 3, 0)  # (C, H, W, K)
        for row in range(height):
            sums = [layer.from_above(h) for layer, (h, _) in zip(self.layers, states, strict=True)]  # (W, n, 4h)
            strips = [layer.empty_strip(n, width) for layer in self.layers]
            x[:, 0, row + r, r : r + width] = 1
            for column in range(width):
                for channel in range(channels):
                    window = x[:, :, row : row + r + 1, column : column + 2 * r + 1].flatten(1)
                    features = torch.addmm(self.first.bias, window, first)  # (n, 2h)
                    for layer, matrix, strip, state, s in zip(self.layers, matrices, strips, states, sums, strict=True):
                        last = channel == channels - 1  # only then are the pixel's states the ones to keep
                        features = layer.step(matrix, strip, column, s[column], state, features, keep=last)
                    features = torch.addmm(hidden[1], features.relu(), hidden[0]).relu_()
                    part = slice(channel * levels, (channel + 1) * levels)
                    logits = features @ readout[0][:, part] + (readout[1][part] + bias[channel, row, column])
                    codes[:, channel, row, column] = draw(logits, uniform[:, channel, row, column])
                    x[:, :, row + r, column + r] = with_ones(codes[:, :, row, column], levels)
        return codes


class _RowLSTM(nn.Module):
    """One residual Row LSTM, features (B, 2h, H, W) -> (B, 2h, H, W)."""

    def __init__(self, kernel: int, groups: Tensor, states: Tensor) -> None:
        super().__init__()
        self.reach, self.width, self.n_inputs = kernel // 2, len(states), len(groups)
        self.to_state = nn.Conv2d(len(groups), 4 * self.width, (1, self.reach + 1))  # K^is
        self.from_state = nn.Conv1d(self.width, 4 * self.width, kernel, padding=self.reach, bias=False)  # K^ss
        self.up = Pointwise(states, groups)
        mask = torch.ones_like(self.to_state.weight)
        mask[:, :, 0, -1] = (groups <= states.repeat(4)[:, None]).float()  # mask B on the current pixel
        self.register_buffer("mask", mask)

    def forward(self, features: Tensor, dropout: float, generator: Any) -> Tensor:
        # K^is * x of eq. (3) for all rows at once, (B, 4h, H, W)
        to_state = F.conv2d(F.pad(features, (self.reach, 0)), self.to_state.weight * self.mask, self.to_state.bias)
        h = c = features.new_zeros(len(features), self.width, features.shape[3])  # (B, h, W)
        rows = []
        for input_to_state in to_state.unbind(2):  # (B, 4h, W), from the top
            h, c = _cell(input_to_state + self.from_state(h), c)
            rows.append(h)
        states = torch.stack(rows, dim=2)  # (B, h, H, W)
        if dropout:
            kept = torch.rand(states.shape[:2], generator=generator, device=h.device) >= dropout  # whole feature maps
            states = states * (kept / (1 - dropout))[:, :, None, None]
        return features + self.up(states)

    def matrices(self) -> tuple[Tensor, Tensor, Tensor]:
        """K^is as (columns * features, 4h), and the residual's (h, 2h) and (2h,)."""
        kernel = (self.to_state.weight * self.mask)[:, :, 0].permute(2, 1, 0)
        return kernel.reshape(-1, kernel.shape[2]).contiguous(), *self.up.matrix()

    def empty_state(self, n: int, width: int) -> tuple[Tensor, Tensor]:
        """h and c above the image, (W, n, h)."""
        zeros = self.mask.new_zeros(width, n, self.width)
        return zeros, zeros.clone()

    def empty_strip(self, n: int, width: int) -> Tensor:
        """An empty row of inputs, padded on its left: (n, (reach + W) * 2h)."""
        return self.mask.new_zeros(n, (self.reach + width) * self.n_inputs)

    def from_above(self, h: Tensor) -> Tensor:
        """K^ss * h_{r-1} and the bias for a whole row, (W, n, h) -> (W, n, 4h)."""
        return self.from_state(h.permute(1, 2, 0)).permute(2, 0, 1) + self.to_state.bias

    def step(
        self, matrices: tuple, strip: Tensor, column: int, above: Tensor, state: tuple, features: Tensor, *, keep: bool
    ) -> Tensor:
        """One column, (n, 2h) -> (n, 2h). keep: the state of the row above gives way to this row's, unneeded from here on."""
        kernel, weight, bias = matrices
        start, end = column * self.n_inputs, (column + self.reach + 1) * self.n_inputs
        strip[:, end - self.n_inputs : end] = features
        h, c = _cell(torch.addmm(above, strip[:, start:end], kernel), state[1][column])
        if keep:
            state[0][column], state[1][column] = h, c
        return features + torch.addmm(bias, h, weight)


def _cell(sums: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """eq. (3): sums (B, 4h, ...) and c (B, h, ...) of the row above -> h, c (B, h, ...)."""
    o, f, i, g = sums.chunk(4, dim=1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c
