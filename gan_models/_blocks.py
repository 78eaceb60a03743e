"""What the adversarial models share: seeded building, MLPs, the DCGAN stack, precision, frozen networks, draws, averages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import pi, prod

import torch
from torch import Tensor, nn

Layer = Callable[[], nn.Module]  # builds an activation
Norm = Callable[[int], nn.Module]  # builds a normalisation of so many channels (or features)
leaky_relu = partial(nn.LeakyReLU, 0.2)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Build networks inside, on the CPU: their weights come from `seed`, the global random state is restored."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed every card too, and restore none
        yield


@contextmanager
def frozen(*networks: nn.Module) -> Iterator[None]:
    """Let gradients pass through the networks but not into their parameters."""
    moving = [p for network in networks for p in network.parameters() if p.requires_grad]
    for parameter in moving:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in moving:
            parameter.requires_grad_(True)


PRECISIONS = ("fp32", "bf16")


def check_precision(precision: str) -> None:
    """ValueError unless it is "fp32" or "bf16"."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")


def mixed(device: torch.device, precision: str) -> torch.autocast:
    """Products and convolutions inside run in bfloat16 if asked; weights, their gradients and Adam's state stay float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def placed(network: nn.Module, device: torch.device, precision: str) -> nn.Module:
    """The network on a device; in bfloat16 with channels last, the layout that its convolutions are fast in."""
    if precision != "bf16":
        return network.to(device)
    for module in network.modules():
        if isinstance(module, nn.Flatten):
            module.register_forward_pre_hook(_before_flatten)
        if isinstance(module, nn.Unflatten):
            module.register_forward_hook(_after_unflatten)
    return network.to(device, memory_format=torch.channels_last)


class _ChannelsLast(torch.autograd.Function):
    """The same numbers with channels last, those of the gradient too.

    A dense layer gives the gradient of its input the other layout, and an activation whose input and gradient differ in
    layout takes thirty times as long on a CPU.
    """

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x.contiguous(memory_format=torch.channels_last)

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return gradient.contiguous(memory_format=torch.channels_last)


def _before_flatten(_: nn.Module, given: tuple[Tensor]) -> tuple[Tensor]:
    return (_ChannelsLast.apply(given[0]),) if given[0].ndim == 4 else given


def _after_unflatten(_: nn.Module, __: tuple[Tensor], maps: Tensor) -> Tensor:
    return _ChannelsLast.apply(maps) if maps.ndim == 4 else maps


def to_tanh(x: Tensor, precision: str) -> Tensor:
    """Scale images from [0, 1] to tanh's [-1, 1], once for a run; in bfloat16 to the type and layout of the convolutions."""
    images = 2 * x - 1
    return images.to(torch.bfloat16, memory_format=torch.channels_last) if precision == "bf16" else images


def draw_index(n: int, batch: int, generator: torch.Generator) -> Tensor:
    """Draw `batch` row numbers below n with replacement, int64 (batch,): the data may be smaller than the batch."""
    return torch.randint(n, (batch,), generator=generator, device=generator.device)


def set_lr(lr: float, *optimizers: torch.optim.Optimizer) -> None:
    """Give every parameter group of the optimizers this learning rate."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = lr


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    """average <- decay average + (1 - decay) network, over the parameters; buffers are copied."""
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1.0 - decay)
    for kept, new in zip(average.buffers(), network.buffers(), strict=True):
        kept.copy_(new)


@torch.no_grad()
def generate(network: nn.Module, *inputs: Tensor, chunk: int | None = None, precision: str = "fp32") -> Tensor:
    """Run a network in eval mode over inputs (n, ...) by chunks, float32; its mode is restored and nothing in it moves."""
    chunk = chunk or (2048 if inputs[0].device.type == "cpu" else 16384)  # what a CPU's cache or a card's memory holds
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        with mixed(inputs[0].device, precision):
            parts = [network(*part).float() for part in zip(*(t.split(chunk) for t in inputs), strict=True)]
        return torch.cat(parts)
    finally:
        for module, training in modes:
            module.training = training


def arc(ends: Tensor, n: int) -> Tensor:
    """Spread n points over z_0 cos t + z_1 sin t, 0 <= t <= pi / 2, ends z (2, D) -> (n, D).

    Where both ends are N(0, I) every point of the arc is; on the line between them the middle would be too near 0.
    """
    angle = torch.linspace(0, pi / 2, n, device=ends.device)[:, None]
    return angle.cos() * ends[0] + angle.sin() * ends[1]


def line(ends: Tensor, n: int) -> Tensor:
    """Spread n points over the line between ends (2, D) -> (n, D): it stays in the cube of uniform noise."""
    return torch.lerp(ends[0], ends[1], torch.linspace(0, 1, n, device=ends.device)[:, None])


def is_image(shape: Sequence[int]) -> bool:
    """True for the shape (C, H, W) of one image, False for the shape (D,) of a row."""
    return len(shape) == 3


def mlp_units(shape: Sequence[int]) -> int:
    """Units a layer of the small MLPs here: 128 on rows, 256 on images up to 16x16, 512 above."""
    return 128 if not is_image(shape) else 256 if prod(shape) <= 256 else 512


def convolutional(shape: Sequence[int]) -> str:
    """Empty if ConvStack can build on this shape, else why not."""
    if not is_image(shape):
        return f"convolutions need images, and these are rows of {shape[0]} numbers"
    try:
        ConvStack(tuple(shape))
    except ValueError as error:
        return str(error)
    return ""


def he_init(network: nn.Module, slope: float = 0.0) -> nn.Module:
    """Draw weights that keep the scale of activations through ReLUs of this slope below zero, biases 0 (He et al. 2015)."""
    for module in network.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            nn.init.kaiming_normal_(module.weight, a=slope)
            nn.init.zeros_(module.bias)
    return network


def mlp(sizes: Sequence[int], activation: Layer = nn.ReLU, *, norm: Norm | None = None) -> nn.Sequential:
    """Linear layers of these sizes, the activation (and the norm before it) after each but the last."""
    layers: list[nn.Module] = []
    for i, (fan_in, fan_out) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        layers.append(nn.Linear(fan_in, fan_out))
        if i < len(sizes) - 2:
            layers += [norm(fan_out)] if norm else []
            layers.append(activation())
    return nn.Sequential(*layers)


def mlp_generator(
    shape: Sequence[int], inputs: int, hidden: Sequence[int], activation: Layer = nn.ReLU, norm: Norm | None = None
) -> nn.Sequential:
    """(B, inputs) -> (B, *shape): a sigmoid at the end for images in [0, 1], linear for real rows."""
    net = mlp([inputs, *hidden, prod(shape)], activation, norm=norm)
    return nn.Sequential(*net, *([nn.Sigmoid()] if is_image(shape) else []), nn.Unflatten(1, tuple(shape)))


def mlp_discriminator(inputs: int, hidden: Sequence[int], activation: Layer = leaky_relu) -> nn.Sequential:
    """(B, ...) of `inputs` numbers an example -> logits (B, 1); all but the last module are the features."""
    return nn.Sequential(nn.Flatten(), *mlp([inputs, *hidden, 1], activation))


def maxout_discriminator(inputs: int, hidden: Sequence[int], pieces: int) -> nn.Sequential:
    """mlp_discriminator whose units are the largest of `pieces` linear maps (Goodfellow et al. 2013)."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in zip([inputs, *hidden[:-1]], hidden, strict=True):
        layers += [nn.Linear(fan_in, fan_out * pieces), nn.Unflatten(1, (fan_out, pieces)), Largest()]
    return nn.Sequential(nn.Flatten(), *layers, nn.Linear(hidden[-1], 1))


class Largest(nn.Module):
    """Maximum over the last dimension, (B, units, pieces) -> (B, units)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.amax(dim=-1)


@dataclass(frozen=True)
class ConvStack:
    """The DCGAN stack (Radford et al. 2016) of an image size: 64 = 4 x 2^4, 32 = 4 x 2^3, 28 = 7 x 2^2, 8 = 2 x 2^2."""

    shape: tuple[int, int, int]  # C, H, W with H = W
    width: int = 64  # channels at the largest hidden map; they double as the map halves
    strided: bool = True  # else nearest upsampling + convolution, convolution + max-pooling
    norm: Norm | None = nn.BatchNorm2d
    norm_at_edges: bool = False  # also at G's output and D's input
    dense: int = 0  # units of a fully connected hidden layer, 0 for none

    def __post_init__(self) -> None:
        height, width = self.shape[1:]
        if height != width or self.seed_size * 2**self.halvings != height or not self.halvings:
            raise ValueError(
                f"the convolutional stack needs square images of side 8, 12, 16, 28, 32, 64, ..., got {self.shape}"
            )

    @property
    def seed_size(self) -> int:
        """Side of the smallest map: 2 below 16 pixels, else 4 to 7."""
        size = self.shape[1]
        least = 2 if size < 16 else 4
        while size % 2 == 0 and size // 2 >= least:
            size //= 2
        return size

    @property
    def halvings(self) -> int:
        """Number of strided layers between the smallest map and the image."""
        return (self.shape[1] // self.seed_size).bit_length() - 1

    def generator(self, inputs: int, activation: Layer = nn.ReLU) -> nn.Sequential:
        """(B, inputs) -> (B, C, H, W) in [-1, 1]: z to the smallest map, doubled by 4x4 kernels, tanh at the end."""
        widths = [self.width * 2**i for i in reversed(range(self.halvings))]  # e.g. 8w 4w 2w w
        layers: list[nn.Module] = []
        if self.dense:
            layers += [nn.Linear(inputs, self.dense), activation()]
            inputs = self.dense
        layers += [
            nn.Linear(inputs, widths[0] * self.seed_size**2, bias=False),
            nn.Unflatten(1, (widths[0], *[self.seed_size] * 2)),
        ]
        for fan_in, fan_out in zip(widths, [*widths[1:], self.shape[0]], strict=True):
            layers += [*self._norm(fan_in), activation(), *self._double(fan_in, fan_out)]
        layers += self._norm(self.shape[0]) if self.norm_at_edges else []
        return nn.Sequential(*layers, nn.Tanh())

    def discriminator(self, channels: int | None = None, activation: Layer = leaky_relu) -> nn.Sequential:
        """(B, channels, H, W) -> logits (B, 1); channels defaults to C; all but the last module are the features."""
        widths = [self.width * 2**i for i in range(self.halvings)]  # e.g. w 2w 4w 8w
        layers: list[nn.Module] = []
        for i, (fan_in, fan_out) in enumerate(zip([channels or self.shape[0], *widths[:-1]], widths, strict=True)):
            norm = self._norm(fan_out) if i or self.norm_at_edges else []
            layers += [*self._halve(fan_in, fan_out), *norm, activation()]
        features = widths[-1] * self.seed_size**2
        if self.dense:
            return nn.Sequential(
                *layers, nn.Flatten(), nn.Linear(features, self.dense), activation(), nn.Linear(self.dense, 1)
            )
        return nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(features, 1)
        )  # = a convolution over the whole smallest map

    def _norm(self, channels: int) -> list[nn.Module]:
        return [self.norm(channels)] if self.norm else []

    def _double(self, fan_in: int, fan_out: int) -> list[nn.Module]:
        if self.strided:
            return [nn.ConvTranspose2d(fan_in, fan_out, 4, stride=2, padding=1)]
        return [nn.Upsample(scale_factor=2), nn.Conv2d(fan_in, fan_out, 3, padding=1)]

    def _halve(self, fan_in: int, fan_out: int) -> list[nn.Module]:
        if self.strided:
            return [nn.Conv2d(fan_in, fan_out, 4, stride=2, padding=1)]
        return [nn.Conv2d(fan_in, fan_out, 3, padding=1), nn.MaxPool2d(2)]


def dcgan_init(network: nn.Module) -> nn.Module:
    """Draw weights from N(0, 0.02) and batch-norm gains from N(1, 0.02), biases 0 (Radford et al. 2016, sec. 4)."""
    for module in network.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
        if getattr(module, "bias", None) is not None:
            nn.init.zeros_(module.bias)
    return network
