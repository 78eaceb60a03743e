"""Golden values: every metric on small arrays that need no random generator.

The stored values come from `python -m bench.metrics._golden`.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import torch
from torch import Tensor

STORED = Path(__file__).with_name("golden.json")
TOLERANCE = 1e-6  # relative; forests and regressions of other library versions get a wider one
LOOSE = {"c2st_auc": 0.02, "tstr_accuracy": 0.02}


def waves(n: int, d: int, phase: float) -> Tensor:
    """Return rows (n, d) that look irregular and are the same everywhere: parts of roots' multiples."""
    i = torch.arange(1, n + 1, dtype=torch.float64)[:, None]
    roots = torch.tensor([math.sqrt(k) for k in (2, 3, 5, 7, 11, 13, 17, 19)][:d], dtype=torch.float64)
    return ((i * roots + phase) % 1.0) * 2 - 1 + 0.3 * torch.sin(i * roots + phase)


def values() -> dict[str, float]:
    """Compute every metric on the same small arrays."""
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
    """Return the metrics whose value differs from the stored one: name -> (stored, computed)."""
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    computed = values()
    missing = set(stored) ^ set(computed)
    if missing:
        raise LookupError(
            f"golden values and metrics differ in {', '.join(sorted(missing))}; run python -m bench.metrics._golden"
        )

    def differs(name: str) -> bool:
        return abs(computed[name] - stored[name]) > LOOSE.get(name, TOLERANCE * max(1e-3, abs(stored[name])))

    return {name: (stored[name], computed[name]) for name in stored if differs(name)}


def broken_distances() -> list[str]:
    """Say which distances are not 0 for equal sets, not symmetric, or do not grow with a shift."""
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


if __name__ == "__main__":
    STORED.write_text(json.dumps(values(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write(f"wrote {STORED}\n")
