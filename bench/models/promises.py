"""Try promises with numbers: densities sum to one, samples are unsorted, sample_given follows labels.

Each is a test whose error is known: a sum over all codes is exact, an integral by importance weights has a standard error,

    integral of p = E_q [p(x) / q(x)],   q a mixture of Gaussians of several widths at training rows and samples    (1)

and the order of samples, and the agreement with labels, are compared with what chance gives.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from bench.models import ConditionalSampler, Density, Sampler, Trainable
from bench.models.trial import Result, Trial

POINTS, MOST_POINTS = 20_000, 160_000  # importance weights: doubled until their mean is sure
SURE = 0.03  # standard error of an integral that is believed
WIDTHS = (0.02, 0.06, 0.2, 0.6, 2.0)  # of q, in standard deviations of the training rows
CENTRES = 100  # of q, from the training rows and from the samples each
SHUFFLES, TOO_FAR = 200, 6.0  # standard deviations of chance: one honest model in a billion is beyond
IN_ORDER = 512  # samples whose order is looked at
GIVEN = 100  # labels that sample_given is asked for


def sums_to_one(trial: Trial) -> Iterator[Result]:
    """Sum the probabilities of all 2^12 binary images, for a density of codes."""
    model = trial.make()
    if isinstance(model, Density) and not trial.dequantised:
        model = trial.fit(seed=0)
        total = float(model.log_prob(trial.dataset.test.x[:]).double().exp().sum())
        detail = f"exp(log_prob) sums to {total:.6g} over all 2^12 binary images{_off(total)}"
        yield trial.result("probabilities of all images sum to one", abs(total - 1) < 1e-3, detail)


def integrates_to_one(trial: Trial, model: Any) -> Iterator[Result]:
    """Integrate exp(log_prob) by eq. (1), where it is a density of real rows."""
    if not isinstance(model, Density):
        return
    rows = trial.rows(trial.dataset.train.x)
    centres = rows[torch.linspace(0, len(rows) - 1, CENTRES).long()]
    if isinstance(model, Sampler):
        centres = torch.cat([centres, model.sample(CENTRES, seed=3)])
    count = POINTS
    while True:
        total, error = _integral(model, centres, rows.std(dim=0), count)
        if error < SURE or count >= MOST_POINTS:
            break
        count *= 2
    detail = f"exp(log_prob) integrates to {total:.3g} ± {error:.1g}, by importance weights{_off(total)}"
    yield trial.result("the density integrates to one", abs(total - 1) < 0.05 + 5 * min(error, SURE), detail)


def _integral(model: Density, centres: Tensor, scale: Tensor, count: int) -> tuple[float, float]:
    """Return the integral of a density by eq. (1), and its standard error."""
    generator = torch.Generator().manual_seed(0)
    at = centres[torch.randint(len(centres), (count,), generator=generator)].double()
    scale = scale.double().clamp(min=1e-3)
    widths = torch.tensor(WIDTHS, dtype=torch.float64)
    width = widths[torch.randint(len(widths), (count,), generator=generator)]
    noise = torch.randn(at.shape, generator=generator, dtype=torch.float64)
    points = (at + width[:, None] * scale * noise).float()  # (count, D)
    log_p = torch.cat([model.log_prob(part).double() for part in points.split(POINTS)])
    log_q = torch.cat(
        [_log_mixture(part.double() / scale, centres.double() / scale, widths) for part in points.split(2000)]
    )
    weights = (log_p - log_q + scale.log().sum()).exp()
    return float(weights.mean()), float(weights.std() / math.sqrt(count))


def _log_mixture(x: Tensor, centres: Tensor, widths: Tensor) -> Tensor:
    """Return the log-density (N,) of a mixture of round Gaussians of every width at every centre."""
    squared = torch.cdist(x, centres).square()[:, :, None] / widths**2  # (N, centres, widths)
    log_kernel = -0.5 * squared - x.shape[1] * (widths.log() + 0.5 * math.log(2 * math.pi))
    return log_kernel.flatten(1).logsumexp(dim=1) - math.log(len(centres) * len(widths))


def _off(total: float) -> str:
    """Say how far the logarithm of a total is off."""
    return f": log_prob is off by {math.log(total):+.2f} nats" if 0 < total < math.inf else ""


def in_random_order(trial: Trial, model: Sampler) -> Result:
    """Compare neighbouring samples with shuffled ones: metrics use consecutive parts, which must be alike."""
    samples = model.sample(IN_ORDER, seed=4).flatten(1).double()
    generator = torch.Generator().manual_seed(0)
    steps = torch.stack(
        [_mean_step(samples[torch.randperm(len(samples), generator=generator)]) for _ in range(SHUFFLES)]
    )
    seen, usual, spread = float(_mean_step(samples)), float(steps.mean()), float(steps.std())
    sorted_ones = spread > 1e-9 * usual and seen < usual - TOO_FAR * spread
    detail = (
        f"neighbours are {seen:.3g} apart, shuffled ones {usual:.3g}: the samples are sorted, as by component; "
        "return samples[torch.randperm(n, generator=generator)]"
    )
    return trial.result("samples come in random order", not sorted_ones, detail)


def _mean_step(samples: Tensor) -> Tensor:
    return (samples[1:] - samples[:-1]).norm(dim=1).mean()


def follows_labels(trial: Trial, model: ConditionalSampler) -> Iterator[Result]:
    """Ask for the same and other seeds and labels; judge samples by their classes where training is whole."""
    labels = torch.arange(GIVEN) % trial.dataset.n_classes
    given = model.sample_given(labels, seed=0)
    same = torch.equal(given, model.sample_given(labels, seed=0))
    yield trial.result(
        "sample_given: same seed, same samples", same, "they differ: draw from torch.Generator().manual_seed(seed)"
    )
    other = not torch.equal(given, model.sample_given(labels, seed=1))
    yield trial.result("sample_given: another seed, other samples", other, "they are equal")
    turned = not torch.equal(given, model.sample_given(labels.roll(1), seed=0))
    yield trial.result("sample_given: other labels, other samples", turned, "they are equal: the labels have no effect")
    if not isinstance(model, Trainable):
        yield _agreement(trial, given, labels)


def _agreement(trial: Trial, given: Tensor, labels: Tensor) -> Result:
    """Count the samples whose nearest class mean is the one of their label."""
    rows, y, k = trial.rows(trial.dataset.train.x).flatten(1), trial.dataset.train.labels, trial.dataset.n_classes
    means = torch.stack(
        [rows[y == label].mean(dim=0) if (y == label).any() else rows.mean(dim=0) for label in range(k)]
    )
    agree = float((torch.cdist(given.flatten(1).float(), means.float()).argmin(dim=1) == labels).double().mean())
    bar = 1 / k + 4 * math.sqrt((1 - 1 / k) / k / GIVEN)  # four standard deviations above chance
    detail = f"{agree:.0%} of the samples lie nearest their own class, and chance gives {1 / k:.0%}"
    return trial.result("sample_given: samples are of their class", agree > bar, detail)
