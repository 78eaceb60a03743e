"""VAE (Kingma & Welling, 2014): a Gaussian latent code, amortised inference, a bound on the likelihood.

Auto-Encoding Variational Bayes. ICLR 2014. Importance-weighted bound: Burda, Grosse & Salakhutdinov, ICLR 2016.

    L(x) = E_{q(z|x)} log p(x|z) - KL(q(z|x) || p(z))  <=  log p(x)               (3)
    z = mu(x) + sigma(x) eps,   eps ~ N(0, I)                                      (9), (10)
    KL = -1/2 sum_j (1 + log sigma_j^2 - mu_j^2 - sigma_j^2)                        (10), appendix B
    L_k(x) = E log 1/k sum_i p(x, z_i) / q(z_i | x),   L_1 <= L_k <= log p(x)       (Burda et al., eq. 8)

The likelihood p(x|z) fits the data: Bernoulli for two levels, a softmax over at most 32, a logistic distribution cut at the levels' edges
for more; for real data a Gaussian whose variance is learned, one a dimension. Samples are draws from p(x|z), not its mean.

Differs from the paper:
- Adam with a cosine schedule in place of Adagrad; weight decay and dropout on the decoder's hidden units: 1000 rows overfit.
- two hidden layers of ReLU units in place of one of tanh.
- the Gaussian's variance is a parameter and no output of the network, which could let single training points grow infinite densities.
- decoder biases start at the logarithms of the training marginals (discrete data).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines._categorical import check_levels, draw, log_marginals, to_codes
from baselines._device import at_once, seeded


@dataclass(kw_only=True, eq=False)
class VAE:
    """Variational autoencoder with multilayer perceptrons on both sides."""

    family: ClassVar[str] = "approximate"
    paper: ClassVar[str] = "Kingma & Welling 2014, arXiv:1312.6114"
    uses_labels: ClassVar[bool] = False
    search: ClassVar[dict[str, Any]] = {
        "lr": (5e-4, 5e-3),
        "latent": [8, 16, 32],
        "hidden": [200, 400],
        "dropout": [0.0, 0.1],
    }
    measure: ClassVar[str] = "counting"
    steps: int = 2000
    levels: int | None = None  # None: real data
    latent: int = 16
    hidden: int = 200
    batch: int = 100
    lr: float = 2e-3
    weight_decay: float = 0.1
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.levels is not None:
            check_levels(self.levels)
        if self.latent < 1 or self.hidden < 1:
            raise ValueError(f"latent and hidden must be at least 1, got {self.latent} and {self.hidden}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout}; 0 turns it off")

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> VAE:
        """Train on x (N, *shape): images on the grid of `levels` values, or real data."""
        for _ in self.fit_steps(x, y, seed=seed):
            pass
        return self

    def fit_steps(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Iterator[dict[str, Any]]:
        """Maximise the bound, one minibatch and one eps a row a step."""
        generator = torch.Generator(x.device).manual_seed(seed)
        self.shape_ = tuple(x.shape[1:])
        x = x.flatten(1)
        with seeded(seed):
            self.net_ = _Net(x, self).to(x.device)
        optimizer = torch.optim.AdamW(self.net_.groups(self.weight_decay), self.lr, fused=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.steps)
        for _ in range(self.steps):
            batch = x[torch.randint(len(x), (self.batch,), generator=generator, device=x.device)]  # (B, D)
            optimizer.zero_grad()
            mu, log_sigma = self.net_.encode(batch)  # (B, d) each
            eps = torch.randn(mu.shape, generator=generator, device=x.device)
            log_likelihood = self.net_.log_likelihood(
                batch, mu + log_sigma.exp() * eps, self.dropout, generator
            )  # eq. (10)
            kl = -0.5 * (1 + 2 * log_sigma - mu.square() - (2 * log_sigma).exp()).sum(dim=1)  # appendix B
            loss = (kl - log_likelihood).mean()  # eq. (3)
            loss.backward()
            optimizer.step()
            schedule.step()
            yield {"examples": self.batch, "loss": loss.detach(), "kl": kl.detach().mean()}

    @torch.no_grad()
    def elbo(self, x: Tensor, *, seed: int, k: int = 1) -> Tensor:
        """Importance-weighted bound on log p(x) in nats, k samples a row, (N,); higher is tighter."""
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}; 1 is the bound of the paper")
        generator = torch.Generator(x.device).manual_seed(seed)
        x = x.flatten(1)
        # pairs (row, sample) at a time: some 16 MB on a CPU
        size = max(1, at_once(4_000_000, x.device) // (self.net_.n_outputs + 2 * self.hidden))
        return torch.cat([self._log_mean_weight(rows, k, size, generator) for rows in x.split(max(1, size // k))])

    def _log_mean_weight(self, x: Tensor, k: int, size: int, generator: torch.Generator) -> Tensor:
        mu, log_sigma = self.net_.encode(x)
        total = torch.full((len(x),), -math.inf, device=x.device)
        for start in range(0, k, size):
            count = min(size, k - start)
            eps = torch.randn(len(x), count, self.latent, generator=generator, device=x.device)
            z = mu[:, None] + log_sigma.exp()[:, None] * eps  # eq. (10), (rows, count, d)
            # log N(z; 0, I) - log N(z; mu, sigma^2): the constants cancel
            log_ratio = (-0.5 * z.square() + 0.5 * eps.square() + log_sigma[:, None]).sum(dim=2)
            log_likelihood = self.net_.log_likelihood(x.repeat_interleave(count, dim=0), z.flatten(0, 1))
            total = torch.logaddexp(total, (log_likelihood.view(len(x), count) + log_ratio).logsumexp(dim=1))
        return total - math.log(k)

    @torch.no_grad()
    def sample(self, n: int, *, seed: int) -> Tensor:
        """Draw z from the prior and x from p(x|z), (n, *shape)."""
        device = next(self.net_.parameters()).device
        generator = torch.Generator(device).manual_seed(seed)
        rows = max(1, at_once(8_000_000, device) // self.net_.n_outputs)
        each = []
        for start in range(0, n, rows):
            z = torch.randn(min(rows, n - start), self.latent, generator=generator, device=device)
            each.append(self.net_.draw(z, generator))  # (rows, D)
        return torch.cat(each).view(n, *self.shape_)

    @torch.no_grad()
    def walk(self, n: int, *, seed: int) -> Tensor:
        """Centre of p(x|z) for n codes z_0 cos t + z_1 sin t, 0 <= t <= pi / 2, each N(0, I): (n, *shape)."""
        device = next(self.net_.parameters()).device
        ends = torch.randn(2, self.latent, generator=torch.Generator(device).manual_seed(seed), device=device)
        angle = torch.linspace(0, math.pi / 2, n, device=device)[:, None]
        return self.net_.centre(angle.cos() * ends[0] + angle.sin() * ends[1]).view(n, *self.shape_)


class _Net(nn.Module):
    """Encoder (D -> mu, log sigma) and decoder (z -> parameters of p(x|z))."""

    def __init__(self, x: Tensor, model: VAE) -> None:
        super().__init__()
        dim, hidden = x.shape[1], model.hidden
        self.levels = model.levels
        self.each = {None: 1, 2: 1}.get(
            model.levels, model.levels if (model.levels or 0) <= 32 else 2
        )  # outputs a dimension
        self.n_outputs = dim * self.each
        self.encoder = nn.Sequential(
            nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 2 * model.latent)
        )
        self.decoder = nn.ModuleList(
            [nn.Linear(model.latent, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, self.n_outputs)]
        )
        # a narrow start: at the data's own width the decoder would ignore z, and no gradient leads out of that
        self.log_scale = nn.Parameter((0.3 * x.std(dim=0)).clamp(min=1e-3).log()) if model.levels is None else None
        with torch.no_grad():
            if model.levels is not None:
                self.decoder[-1].bias.copy_(self._start(x))

    def _start(self, x: Tensor) -> Tensor:
        """Biases of the decoder under which every z gives (about) the training marginals, (D * each,)."""
        if self.each == 2:  # the logistic's mean and log scale, its standard deviation being pi / sqrt(3) scales
            return torch.stack([x.mean(dim=0), (x.std(dim=0) * 3**0.5 / math.pi + 0.01).log()], dim=1).flatten()
        logits = log_marginals(to_codes(x, self.levels), self.levels)  # (D, K)
        return (logits[:, 1] - logits[:, 0]) if self.levels == 2 else logits.flatten()

    def groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """Parameters with their weight decay: matrices decay, biases and scales do not."""
        matrices = [p for p in self.parameters() if p.ndim == 2]
        vectors = [p for p in self.parameters() if p.ndim < 2]
        return [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """mu and log sigma of q(z|x), (B, d) each."""
        mu, log_sigma = self.encoder(x if self.levels is None else 2 * x - 1).chunk(2, dim=1)
        return mu, log_sigma

    def decode(self, z: Tensor, dropout: float = 0.0, generator: Any = None) -> Tensor:
        """Parameters of p(x|z), (B, D, each)."""
        h = z
        for layer in self.decoder[:-1]:
            h = F.relu(layer(h))
            if dropout:
                h = h * (torch.rand(h.shape, generator=generator, device=h.device) >= dropout) / (1 - dropout)
        return self.decoder[-1](h).unflatten(1, (-1, self.each))

    def log_likelihood(self, x: Tensor, z: Tensor, dropout: float = 0.0, generator: Any = None) -> Tensor:
        """log p(x|z) in nats, x (B, D) and z (B, d) -> (B,)."""
        theta = self.decode(z, dropout, generator)
        if self.levels is None:
            scaled = (x - theta[:, :, 0]) * (-self.log_scale).exp()
            return (-0.5 * scaled.square() - self.log_scale - 0.5 * math.log(2 * math.pi)).sum(dim=1)
        if self.levels == 2:
            return -F.binary_cross_entropy_with_logits(theta[:, :, 0], x, reduction="none").sum(dim=1)
        if self.each > 2:
            codes = to_codes(x, self.levels)
            return -F.cross_entropy(theta.flatten(0, 1), codes.flatten(), reduction="none").view(x.shape).sum(dim=1)
        return self._log_cut_logistic(x, theta[:, :, 0], theta[:, :, 1]).sum(dim=1)

    def _log_cut_logistic(self, x: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
        """log of a logistic's mass between the edges of x's level, the outer two open, (B, D)."""
        edge, rate = 0.5 / (self.levels - 1), torch.exp(-log_scale.clamp(min=-7.0))
        upper, lower = (x - mean + edge) * rate, (x - mean - edge) * rate
        upper = torch.where(x > 1 - edge, torch.inf, upper)
        lower = torch.where(x < edge, -torch.inf, lower)
        # log(s(u) - s(l)) = log s(u) + log s(-l) + log(1 - exp(l - u))
        return F.logsigmoid(upper) + F.logsigmoid(-lower) + torch.log(-torch.expm1(lower - upper))

    def centre(self, z: Tensor) -> Tensor:
        """Mean of p(x|z), (B, D); of the logistic, which the levels' edges cut, the mean before the cut."""
        theta = self.decode(z)
        if self.levels is None:
            return theta[:, :, 0]
        if self.levels == 2:
            return theta[:, :, 0].sigmoid()
        if self.each > 2:
            return theta.softmax(dim=2) @ torch.linspace(0, 1, self.levels, device=z.device)
        return theta[:, :, 0].clamp(0, 1)

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Draw x from p(x|z), (B, D)."""
        theta = self.decode(z)
        if self.levels is None:
            return theta[:, :, 0] + self.log_scale.exp() * torch.randn(
                theta.shape[:2], generator=generator, device=z.device
            )
        uniform = torch.rand(theta.shape[:2], generator=generator, device=z.device)
        if self.levels == 2:
            return (uniform < theta[:, :, 0].sigmoid()).float()
        if self.each > 2:
            return draw(theta, uniform).float() / (self.levels - 1)
        x = theta[:, :, 0] + theta[:, :, 1].clamp(min=-7.0).exp() * torch.logit(uniform, eps=1e-6)
        return (x * (self.levels - 1)).round().clamp(0, self.levels - 1) / (self.levels - 1)
