"""Semi-supervised improved GAN: K+1 classes, learned from a few labels (Salimans et al., 2016).

Improved Techniques for Training GANs. NeurIPS 2016, sec. 5. The discriminator is a classifier with logits l(x) in R^K for the
K classes and, since a softmax is unchanged by a constant, l_{K+1} = 0 for the class "generated":

    p(y = k | x) = exp l_k / (Z + 1),   D(x) = 1 - p(y = K+1 | x) = Z / (Z + 1),   Z(x) = sum_k exp l_k(x)
    L_supervised   = -E log p(y | x, y < K+1)                         over the labelled rows
    L_unsupervised = -E log D(x) - E log(1 - D(G(z)))                 over all rows, labelled or not
    G descends |E f(x) - E f(G(z))|^2, f the last hidden layer        feature matching, sec. 3.1

log Z = logsumexp l, so log D = -softplus(-log Z) and log(1 - D) = -softplus(log Z). As in the authors' code D has
weight-normalised layers and Gaussian noise on the input and on every hidden layer, z is uniform, and predictions come from an
exponential average of D's weights. G is softplus with batch-norm and, on images, a last layer whose rows have unit length:
without that its sigmoids saturate at this learning rate, and D wins for good. Of _blocks: G's perceptron, and what every game
here needs; of improved_gan: feature matching.

Differs from the paper:
- Narrower networks up to 256 numbers an example; above, those of the authors' MNIST script.
- The average's decay is 0.999 (0.9999 over 180,000 steps there), less in the first thousands of steps.
- The learning rate falls linearly to zero over the second half (the code: constant). A step draws real rows once, for both players.
- On real rows (tables) G is linear at the end, and on images a sigmoid.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_models._blocks import (
    check_precision,
    draw_index,
    frozen,
    generate,
    is_image,
    line,
    mixed,
    mlp_generator,
    seeded,
    set_lr,
    update_average,
)
from gan_models.improved_gan import feature_matching_loss


def label_subset(y: Tensor, n: int, seed: int) -> Tensor:
    """Choose n labelled rows of y (N,), as balanced over the classes as they allow: int64 rows (n,).

    The rows are the first n of one sequence that depends on (y, seed) alone, so the 20 rows of a seed are among its 50. The
    sequence deals one row of each class in turn, the classes in a random order in each round. y = -1 is never chosen.
    """
    classes = y.unique()[y.unique() >= 0].tolist()
    available = int((y >= 0).sum())
    if not len(classes) <= n <= available:
        raise ValueError(
            f"n_labels must be between {len(classes)} (one a class) and {available} (the labelled rows), got {n}"
        )
    generator = torch.Generator().manual_seed(seed)
    piles = {}
    for k in classes:
        rows = torch.nonzero(y.cpu() == k)[:, 0]
        piles[k] = rows[torch.randperm(len(rows), generator=generator)].tolist()
    dealt: list[int] = []
    while len(dealt) < available:
        order = torch.randperm(len(classes), generator=generator).tolist()
        dealt += [piles[classes[i]].pop() for i in order if piles[classes[i]]]
    return torch.tensor(dealt[:n], device=y.device)


def supervised_loss(logits: Tensor, y: Tensor) -> Tensor:
    """Return -E log p(y | x, y < K+1), nats: the cross-entropy of the softmax over the K classes alone."""
    return F.cross_entropy(logits, y)


def unsupervised_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return -E log D(x) - E log(1 - D(G(z))), nats, from the K logits of each."""
    return F.softplus(-real_logits.logsumexp(dim=1)).mean() + F.softplus(fake_logits.logsumexp(dim=1)).mean()


class WeightNormLinear(nn.Module):
    """x (N, I) -> x V^T g / |V_row| + b, (N, O); g learned only where `learn_scale`, as in the authors' code."""

    def __init__(self, fan_in: int, fan_out: int, learn_scale: bool = False) -> None:
        super().__init__()
        self.direction = nn.Parameter(0.1 * torch.randn(fan_out, fan_in))
        self.scale = nn.Parameter(torch.ones(fan_out), requires_grad=learn_scale)
        self.bias = nn.Parameter(torch.zeros(fan_out))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.direction * (self.scale / self.direction.norm(dim=1))[:, None], self.bias)

    @torch.no_grad()
    def initialise(self, x: Tensor) -> Tensor:
        """Set g and b so that the outputs of this batch have mean 0 and variance 1 (Salimans & Kingma 2016)."""
        out = self(x)
        std = out.std(dim=0).clamp(min=1e-6)
        self.scale /= std
        self.bias.copy_(-out.mean(dim=0) / std)
        return self(x)


class Classifier(nn.Module):
    """The discriminator: weight-normalised ReLU layers with Gaussian noise before each, K logits."""

    def __init__(self, sizes: Sequence[int], n_classes: int, noise: tuple[float, float]) -> None:
        super().__init__()
        hidden = [WeightNormLinear(i, o) for i, o in zip(sizes[:-1], sizes[1:], strict=True)]
        self.layers = nn.ModuleList([*hidden, WeightNormLinear(sizes[-1], n_classes, learn_scale=True)])
        self.noise = noise

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """x (N, *shape) -> logits (N, K), features (N, A). Noise is drawn from the generator; without one there is none."""
        h = x.flatten(1)
        for i, layer in enumerate(self.layers[:-1]):
            h = layer(self._noisy(h, self.noise[i > 0], generator)).relu()
        return self.layers[-1](self._noisy(h, self.noise[1], generator)), h

    def initialise(self, x: Tensor) -> None:
        """Scale every layer on the batch x (N, *shape), one after the other."""
        h = x.flatten(1)
        for layer in self.layers:
            h = layer.initialise(h).relu()

    @staticmethod
    def _noisy(h: Tensor, std: float, generator: torch.Generator | None) -> Tensor:
        if generator is None or std == 0:
            return h
        return h + std * torch.randn(h.shape, generator=generator, device=h.device)


@dataclass(kw_only=True, eq=False)
class ImprovedGANSemi:
    """MLPs; P(x, y) from the labels there are (y = -1: none) and all the rows."""

    family: ClassVar[str] = "implicit"
    paper: ClassVar[str] = "Salimans et al. 2016, arXiv:1606.03498"
    uses_labels: ClassVar[bool] = True
    search: ClassVar[dict[str, Any]] = {"lr": (5e-4, 6e-3), "beta1": [0.0, 0.5], "average_decay": [0.99, 0.999]}
    steps: int = 2000
    n_labels: int | None = None  # keep only so many labels of train, class-balanced; None: all
    label_seed: int = 0  # which subset of the labels
    hidden: tuple[int, ...] | None = (
        None  # D's layers; None: 256, 256, or 1000, 500, 250, 250, 250 above 256 numbers an example
    )
    g_hidden: tuple[int, ...] | None = None  # G's layers; None: 256, or 500, 500 above 256 numbers an example
    z_dim: int | None = None  # None: 64, or 100 above 256 numbers an example
    noise: tuple[float, float] = (0.3, 0.5)  # standard deviation on the input and on hidden layers
    average_decay: float = 0.999  # a step, of the average of D that predicts; 0: D's last weights
    batch: int = 100
    lr: float = 3e-3
    beta1: float = 0.5
    precision: str = "fp32"  # or "bf16": pays for the networks of the paper where the processor has it

    def __post_init__(self) -> None:
        check_precision(self.precision)
        for name in ("steps", "z_dim"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.batch < 2:
            raise ValueError(f"batch must be at least 2, for G's batch norm, got {self.batch}")
        if not 0 <= self.average_decay < 1:
            raise ValueError(f"average_decay must be in [0, 1), got {self.average_decay}; 0 for the last weights")
        if self.hidden == () or min(self.noise) < 0:
            raise ValueError(
                f"expected hidden layers and noise at least 0, got hidden={self.hidden}, noise={self.noise}"
            )

    def supports(self, dataset: Any) -> str:
        """Refuse data without labels."""
        return "" if dataset.n_classes else f"needs labels, and {dataset.name} has none; see improved_gan"

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Learn from x (N, *shape) and y (N,), -1 where there is no label."""
        for _ in self.fit_steps(x, y, seed=seed):
            pass
        return self

    def fit_steps(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Iterator[dict[str, Tensor | int]]:
        """Yield after one step of D and one of G: losses in nats, mean D(x) and D(G(z)), labelled accuracy is D's own."""
        labelled = self._labelled_rows(y)
        generator = torch.Generator(x.device).manual_seed(seed)
        self._build(x, int(y.max()) + 1, seed, generator)
        d_adam = torch.optim.Adam(self._moving(self.discriminator_), lr=self.lr, betas=(self.beta1, 0.999), fused=True)
        g_adam = torch.optim.Adam(self._moving(self.generator_), lr=self.lr, betas=(self.beta1, 0.999), fused=True)
        b = self.batch
        for step in range(self.steps):
            set_lr(self.lr * min(1.0, 2 - 2 * step / self.steps), d_adam, g_adam)
            known = labelled[draw_index(len(labelled), b, generator)]
            real = x[draw_index(len(x), b, generator)]  # (B, *shape)
            d_adam.zero_grad()
            with mixed(x.device, self.precision):
                fake = self.generator_(self._noise(b, generator))  # (B, z) -> (B, *shape)
                logits, _ = self.discriminator_(torch.cat([x[known], real, fake.detach()]), generator)  # (3B, K)
            known_logits, real_logits, fake_logits = logits.float().split(b)
            supervised = supervised_loss(known_logits, y[known])  # L_supervised
            adversarial = unsupervised_loss(real_logits, fake_logits)  # L_unsupervised
            (supervised + adversarial).backward()
            d_adam.step()

            g_adam.zero_grad()
            with frozen(self.discriminator_):
                with mixed(x.device, self.precision):
                    with torch.no_grad():
                        _, real_features = self.discriminator_(real, generator)  # (B, A)
                    _, fake_features = self.discriminator_(fake, generator)  # (B, A)
                g_loss = feature_matching_loss(real_features.float(), fake_features.float())  # sec. 3.1
                g_loss.backward()
            g_adam.step()

            update_average(self.average_, self.discriminator_, min(self.average_decay, step / (step + 10)))
            yield {
                "examples": b,
                "d_loss": (supervised + adversarial).detach(),
                "g_loss": g_loss.detach(),
                "d_real": real_logits.detach().logsumexp(dim=1).sigmoid().mean(),  # Z / (Z + 1)
                "d_fake": fake_logits.detach().logsumexp(dim=1).sigmoid().mean(),
            }

    def sample(self, n: int, *, seed: int) -> Tensor:
        """Draw x = G(z), (n, *shape)."""
        device = next(self.generator_.parameters()).device
        z = self._noise(n, torch.Generator(device).manual_seed(seed))
        return generate(self.generator_, z, precision=self.precision)

    def walk(self, n: int, *, seed: int) -> Tensor:
        """Draw x = G(z) for n noises z on a line from the first of two samples to the second, (n, *shape)."""
        device = next(self.generator_.parameters()).device
        noise = line(self._noise(2, torch.Generator(device).manual_seed(seed)), n)
        return generate(self.generator_, noise, precision=self.precision)

    @torch.no_grad()
    def predict_proba(self, x: Tensor) -> Tensor:
        """Return p(y = k | x, x is real), (N, K), by the averaged discriminator without noise."""
        return torch.cat([self.average_(part)[0].softmax(dim=1) for part in x.split(4096)])

    def _labelled_rows(self, y: Tensor | None) -> Tensor:
        if y is None or not bool((y >= 0).any()):
            raise ValueError(
                "expected y with labels (-1 where there is none), got none; for data without labels see ImprovedGAN"
            )
        return torch.nonzero(y >= 0)[:, 0] if self.n_labels is None else label_subset(y, self.n_labels, self.label_seed)

    def _build(self, x: Tensor, n_classes: int, seed: int, generator: torch.Generator) -> None:
        self.shape_ = tuple(x.shape[1:])
        dims = prod(self.shape_)
        large = dims > 256
        self.z_dim_ = self.z_dim or (100 if large else 64)
        g_hidden = self.g_hidden or ((500, 500) if large else (256,))
        hidden = self.hidden or ((1000, 500, 250, 250, 250) if large else (256, 256))
        with seeded(seed):
            body = mlp_generator(self.shape_, self.z_dim_, g_hidden, nn.Softplus, nn.BatchNorm1d)
            if is_image(self.shape_):  # [..., last layer, sigmoid, unflatten]
                body[-3] = WeightNormLinear(g_hidden[-1], dims)
            self.generator_ = body.to(x.device)
            self.discriminator_ = Classifier([dims, *hidden], n_classes, self.noise).to(x.device)
        self.discriminator_.initialise(x[draw_index(len(x), 5 * self.batch, generator)])
        self.average_ = deepcopy(self.discriminator_).requires_grad_(False)

    @staticmethod
    def _moving(network: nn.Module) -> list[Tensor]:
        return [p for p in network.parameters() if p.requires_grad]

    def _noise(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.rand(n, self.z_dim_, generator=generator, device=generator.device)  # U(0, 1)
