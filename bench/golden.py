"""Proof that an installation computes what it should: golden values, normalised densities, order, identity and symmetry.

The arrays are made from a formula that needs no random generator, the stored values come from `python -m bench.golden`.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

STORED = Path(__file__).with_name("golden.json")
TOLERANCE = 1e-6  # relative; forests and regressions of other library versions get a wider one
LOOSE = {"c2st_auc": 0.02, "tstr_accuracy": 0.02}
BITS = (1, 3, 4)  # 2^12 images


def waves(n: int, d: int, phase: float) -> Tensor:
    """Rows that look irregular and are the same everywhere: the fractional parts of multiples of roots, (n, d) float64."""
    i = torch.arange(1, n + 1, dtype=torch.float64)[:, None]
    roots = torch.tensor([math.sqrt(k) for k in (2, 3, 5, 7, 11, 13, 17, 19)][:d], dtype=torch.float64)
    return ((i * roots + phase) % 1.0) * 2 - 1 + 0.3 * torch.sin(i * roots + phase)


def values() -> dict[str, float]:
    """Every metric on the same small arrays."""
    from bench.metrics.c2st import classifier_auc
    from bench.metrics.copies import copy_excess_of
    from bench.metrics.energy import energy_distance
    from bench.metrics.frechet import frechet_at_infinity, frechet_distance
    from bench.metrics.inception_score import inception_score_of
    from bench.metrics.kid import kernel_distance
    from bench.metrics.likelihood import bits
    from bench.metrics.modes import histogram_kl, jensen_shannon, shell_histogram, true_shells
    from bench.metrics.parzen import parzen_log_likelihood
    from bench.metrics.prdc import prdc
    from bench.metrics.tstr import correct_after_training_on

    real, fake, train = waves(200, 5, 0.0), 1.1 * waves(180, 5, 0.5) + 0.05, waves(150, 5, 0.25)
    labels, other = (real[:, 0] > 0).long(), (fake[:, 0] > 0).long()
    counts = torch.bincount((fake[:, 0] * 3).floor().long() % 4, minlength=4)
    shells = shell_histogram(torch.arange(200) % 4, real[:, 1].abs() * 3, 4)
    return {
        "fid": frechet_distance(real, fake),
        "fid_rank_deficient": frechet_distance(real[:4], fake[:3]),
        "fid_inf": frechet_at_infinity(real, fake, points=5, least=50),
        "kid": kernel_distance(real, fake)[0],
        "kid_subsets": kernel_distance(real, fake, subsets=10, subset_size=50)[0],
        "energy_distance": energy_distance(real, fake),
        **prdc(real, fake),
        "mode_kl": histogram_kl(counts, torch.tensor([0.1, 0.2, 0.3, 0.4])),
        "mode_jsd": jensen_shannon(shells, true_shells(4)),
        "copy_excess": copy_excess_of(fake, real, train)[0],
        "parzen": float(parzen_log_likelihood(real, fake, (0.3,)).mean()),
        "inception_score": inception_score_of(4 * fake)[0],
        "bits_per_dim": float(bits(real[:, 0].exp(), dim=5, levels=17).mean()),
        "c2st_auc": classifier_auc(real, fake),
        "tstr_accuracy": float(correct_after_training_on(fake, other, real, labels).double().mean()),
    }


def drifted() -> dict[str, tuple[float, float]]:
    """Metrics whose value differs from the stored one: name -> (stored, found)."""
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    found = values()
    missing = set(stored) ^ set(found)
    if missing:
        raise LookupError(
            f"golden values and metrics differ in {', '.join(sorted(missing))}; run python -m bench.golden"
        )

    def differs(name: str) -> bool:
        return abs(found[name] - stored[name]) > LOOSE.get(name, TOLERANCE * max(1e-3, abs(stored[name])))

    return {name: (stored[name], found[name]) for name in stored if differs(name)}


def broken_distances() -> list[str]:
    """Distances that are not 0 between a set and itself, or not symmetric; prdc of a set with itself must be perfect."""
    from bench.metrics.energy import energy_distance
    from bench.metrics.frechet import frechet_distance
    from bench.metrics.kid import kernel_distance

    a, b, wrong = waves(120, 5, 0.0), waves(120, 5, 0.5), []
    if frechet_distance(a, a) > 1e-9:
        wrong.append(f"fid of a set with itself is {frechet_distance(a, a):.3g}")
    for name, distance in {
        "fid": frechet_distance,
        "energy_distance": energy_distance,
        "kid": lambda x, y: kernel_distance(x, y)[0],
    }.items():
        if abs(distance(a, b) - distance(b, a)) > 1e-9 * max(1.0, abs(distance(a, b))):
            wrong.append(f"{name} is not symmetric")
        if not distance(a, a + 3) > distance(a, b):
            wrong.append(f"{name} does not grow with a shift")
    return wrong


DENSITIES: dict[str, dict[str, object]] = {
    "marginals": {},
    "class_marginals": {},
    "logistic_chain": {"penalty": 0.01},
    "made": {"steps": 3, "orderings": 2},
    "nade": {"steps": 3, "hidden": 16},
    "pixelcnn": {"steps": 3, "width": 8, "layers": 2},
    "pixelrnn": {"steps": 3, "width": 8},
}


def density_faults(shape: tuple[int, int, int] = BITS) -> Iterator[tuple[str, str]]:
    """(model, fault) of each exact model of codes whose probabilities of all 2^12 images do not sum to one."""
    from bench.registry import load

    space = torch.tensor(list(itertools.product((0.0, 1.0), repeat=math.prod(shape)))).view(-1, *shape)
    rows = space[torch.arange(1, 400, 7) ** 2 % len(space)]
    for name, fields in DENSITIES.items():
        model = load("model", name)(levels=2, **fields).fit(rows, rows[:, 0, 0, 0].long(), seed=0)
        total = float(model.log_prob(space).double().exp().sum())
        if abs(total - 1) > 1e-6:
            yield name, f"its probabilities of all 2^{math.prod(shape)} images sum to {total:.8f}"


def order_faults(shape: tuple[int, int, int] = BITS) -> Iterator[tuple[str, str]]:
    """(model, fault) of each network where a conditional depends on its own or a later value, by gradients."""
    from bench.registry import load

    x = torch.zeros(8, *shape)
    x[:, 0, 1] = 1.0
    for name in ("made", "nade", "pixelcnn", "pixelrnn"):
        model = load("model", name)(levels=2, **{k: v for k, v in DENSITIES[name].items() if k != "orderings"})
        model.fit(x, seed=0)
        with torch.no_grad():
            for parameter in model.net_.parameters():
                parameter += 0.2 * waves(parameter.numel(), 1, 0.1).float().view_as(parameter)
        fault = _order_fault(model, name, shape)
        if fault:
            yield name, fault


def _order_fault(model: Any, name: str, shape: tuple[int, int, int]) -> str:
    """The first conditional that depends on its own or a later value, or that none depends on any; empty if in order."""
    dim = math.prod(shape)
    codes = (waves(dim, 1, 0.3).flatten() > 0).float()

    def conditionals(x: Tensor) -> Tensor:
        """One number of each conditional, (D,)."""
        if name in ("made", "nade"):
            logits = (model.net_(x[None], 0) if name == "made" else model.net_(x[None]))[0]
        else:
            logits = model.net_(x.view(1, *shape))[0].flatten(1).T
        return logits.logsumexp(dim=1) + logits[:, 0]

    if name == "nade":  # its backward pass is its own and gives no gradient for the data: differences then
        with torch.no_grad():
            reach = torch.stack([conditionals(codes + step) - conditionals(codes) for step in torch.eye(dim)], dim=1)
        reach = torch.where(reach.abs() > 1e-6, reach, 0.0)
    else:
        reach = torch.autograd.functional.jacobian(conditionals, codes)  # (D, D): d conditional i / d value j
    for i in range(dim):
        if bool((reach[i, i:] != 0).any()):
            return f"the conditional of value {i + 1} depends on value {i + 1 + int((reach[i, i:] != 0).nonzero()[0])}"
    return "" if bool((reach != 0).any()) else "no conditional depends on any value"


PROOFS: dict[str, Callable[[], Iterator[tuple[str, str]]]] = {"densities": density_faults, "order": order_faults}

if __name__ == "__main__":
    STORED.write_text(json.dumps(values(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"wrote {STORED}")
