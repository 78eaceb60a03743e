"""`python -m studies.agreement`: our metrics beside independent implementations, on inputs of many kinds.

Prints a Markdown table of the largest relative difference a row and writes it into docs/metrics.md between its marks.
"""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import torch

from bench.features._torchvision import import_torchvision
from bench.metrics.energy import energy_distance
from bench.metrics.frechet import frechet_distance
from bench.metrics.kid import subset_values
from bench.metrics.prdc import prdc
from tests.metrics.test_frechet import nuclear
from tests.metrics.test_two_sample import brute_energy

PAGE = Path(__file__).resolve().parent.parent / "docs" / "metrics.md"
BLOCK = re.compile(r"(<!-- agreement -->\n).*?(<!-- end of agreement -->)", re.DOTALL)
KINDS = ("random", "correlated", "heavy-tailed", "rank-deficient", "identical")


def inputs(kind: str, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Real and generated rows, float64."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((300, 24)), 1.1 * rng.standard_normal((280, 24)) + 0.1
    if kind == "correlated":
        mix = rng.standard_normal((24, 24)) * np.logspace(-2, 1, 24)
        x, y = x @ mix, y @ mix
    if kind == "heavy-tailed":
        x, y = rng.standard_t(2.5, (300, 24)), rng.standard_t(2.5, (280, 24))
    if kind == "rank-deficient":
        x, y = x[:18], y[:20]
    if kind == "identical":
        y = x.copy()
    return torch.as_tensor(x), torch.as_tensor(y)


def theirs(kind: str, x: torch.Tensor, y: torch.Tensor) -> dict[str, tuple[float, float]]:
    """Comparison -> (ours, theirs)."""
    import_torchvision()
    from prdc import compute_prdc
    from pytorch_fid.fid_score import calculate_frechet_distance
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric

    found = {"fid: closed form": (frechet_distance(x, y), nuclear(x, y))}
    if kind not in (
        "rank-deficient",
        "identical",
    ):  # elsewhere a matrix square root of a singular product loses its digits
        (m1, s1), (m2, s2) = ((v.numpy().mean(axis=0), np.cov(v.numpy(), rowvar=False)) for v in (x, y))
        found["fid: pytorch-fid"] = (frechet_distance(x, y), float(calculate_frechet_distance(m1, s1, m2, s2)))
        statistics = [fid_features_to_statistics(v) for v in (x, y)]
        other = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
        found["fid: torch-fidelity"] = (frechet_distance(x, y), float(other))
    size = min(len(x), len(y)) // 2
    kid = kid_features_to_metric(x, y, kid_subsets=20, kid_subset_size=size, verbose=False, rng_seed=2020)
    ours = float(subset_values(x, y, subsets=20, subset_size=size, seed=2020).mean())
    found["kid: torch-fidelity, same subsets"] = (ours, kid["kernel_inception_distance_mean"])
    found["energy_distance: double sum"] = (energy_distance(x, y), brute_energy(x, y))
    with contextlib.redirect_stdout(io.StringIO()):
        others = compute_prdc(x.numpy(), y.numpy(), nearest_k=5)
    for name, value in prdc(x, y, k=5).items():
        found[f"{name}: prdc"] = (value, float(others[name]))
    return found


def largest_differences(seeds: int = 5) -> dict[str, dict[str, float]]:
    """Comparison -> kind of input -> largest |ours - theirs| / max(|theirs|, 1e-3 of the size of the rows)."""
    table: dict[str, dict[str, float]] = {}
    for kind in KINDS:
        for seed in range(seeds):
            x, y = inputs(kind, seed)
            size = float(x.square().sum(dim=1).mean())
            for name, (a, b) in theirs(kind, x, y).items():
                far = abs(a - b) / max(abs(b), 1e-3 * size)
                row = table.setdefault(name, {})
                row[kind] = max(row.get(kind, 0.0), far)
    return table


def page() -> str:
    """The table as Markdown."""
    lines = ["", f"| ours against | {' | '.join(KINDS)} |", "| --- |" + " --- |" * len(KINDS)]
    for name, row in largest_differences().items():
        lines.append(f"| {name} | " + " | ".join(f"{row[k]:.0e}" if k in row else "not defined" for k in KINDS) + " |")
    return "\n".join([*lines, "", ""])


if __name__ == "__main__":
    found = page()
    print(found)
    if PAGE.exists():
        PAGE.write_text(BLOCK.sub(lambda m: m[1] + found + m[2], PAGE.read_text(encoding="utf-8")), encoding="utf-8")
