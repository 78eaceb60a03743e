"""`python -m studies.agreement`: our metrics beside independent implementations, on inputs of many kinds.

Prints a Markdown table, a row a comparison, of the largest relative differences. Five inputs of each kind (the default of
`--seeds`) are what docs/metrics.md shows: then the table is written there between its marks.
"""

from __future__ import annotations

import argparse
import contextlib
import io

import numpy as np
import torch

from bench.features._torchvision import import_torchvision
from bench.metrics.energy import energy_distance
from bench.metrics.fld import feature_likelihood
from bench.metrics.frechet import frechet_distance
from bench.metrics.kid import subset_values
from bench.metrics.prdc import prdc
from bench.metrics.wasserstein import wasserstein_1
from studies._page import DOCS, write_block
from tests.metrics.test_fld import searched_terms
from tests.metrics.test_frechet import nuclear
from tests.metrics.test_two_sample import brute_energy
from tests.metrics.test_wasserstein import by_linear_programme

KINDS = ("random", "correlated", "heavy-tailed", "rank-deficient", "identical")
ROOTLESS = ("rank-deficient", "identical")  # the matrix square root of a singular product loses its digits
SEEDS = 5


def inputs(kind: str, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw real and generated rows of a kind, float64."""
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
    """Return comparison -> (ours, theirs) on real rows x and generated rows y."""
    import_torchvision()
    from prdc import compute_prdc
    from pytorch_fid.fid_score import calculate_frechet_distance
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric

    pairs = {"fid: closed form": (frechet_distance(x, y), nuclear(x, y))}
    if kind not in ROOTLESS:
        (m1, s1), (m2, s2) = ((v.numpy().mean(axis=0), np.cov(v.numpy(), rowvar=False)) for v in (x, y))
        pairs["fid: pytorch-fid"] = (frechet_distance(x, y), float(calculate_frechet_distance(m1, s1, m2, s2)))
        statistics = [fid_features_to_statistics(v) for v in (x, y)]
        other = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
        pairs["fid: torch-fidelity"] = (frechet_distance(x, y), float(other))
    size = min(len(x), len(y)) // 2
    kid = kid_features_to_metric(x, y, kid_subsets=20, kid_subset_size=size, verbose=False, rng_seed=2020)
    ours = float(subset_values(x, y, subsets=20, subset_size=size, seed=2020).mean())
    pairs["kid: torch-fidelity, same subsets"] = (ours, kid["kernel_inception_distance_mean"])
    pairs["energy_distance: double sum"] = (energy_distance(x, y), brute_energy(x, y))
    half = len(x) // 2
    ours_fld, theirs_fld = feature_likelihood(y, x[:half], x[half:]), searched_terms(y, x[:half], x[half:])
    pairs["fld: widths by gradient"] = (float(ours_fld[0].mean()), theirs_fld[0])
    pairs["fld of training rows: widths by gradient"] = (float(ours_fld[1].mean()), theirs_fld[1])
    points = [rows[: min(40, len(x), len(y)), :2] for rows in (x, y)]
    pairs["w1: linear programme"] = (wasserstein_1(*points)[0], by_linear_programme(*points))
    with contextlib.redirect_stdout(io.StringIO()):
        others = compute_prdc(x.numpy(), y.numpy(), nearest_k=5)
    for name, value in prdc(x, y, k=5).items():
        pairs[f"{name}: prdc"] = (value, float(others[name]))
    return pairs


def largest_differences(seeds: int) -> dict[str, dict[str, float]]:
    """Return comparison -> kind of input -> largest relative difference.

    Relative to |theirs|, or to 1e-3 of the size of the rows where that is more.
    """
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


def page(seeds: int) -> str:
    """Write the table as Markdown."""
    lines = ["", f"| ours against | {' | '.join(KINDS)} |", "| --- |" + " --- |" * len(KINDS)]
    for name, row in largest_differences(seeds).items():
        lines.append(f"| {name} | " + " | ".join(f"{row[k]:.0e}" if k in row else "not defined" for k in KINDS) + " |")
    return "\n".join([*lines, "", ""])


def main(arguments: list[str] | None = None) -> None:
    """Compare, print, and write the page's table where the inputs are as many as it says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=SEEDS, help="inputs of each kind")
    seeds = parser.parse_args(arguments).seeds
    table = page(seeds)
    print(table)
    if seeds == SEEDS:
        write_block(DOCS / "metrics.md", "agreement", table)


if __name__ == "__main__":
    main()
