"""Precision, recall (Kynkaanniemi et al. 2019), density, coverage (Naeem et al. 2020), from k-NN.

    r_k(x)     distance from x to its k-th nearest neighbour among the other rows of its own side
    precision  = mean_j [ some |x_i - y_j| <= r_k(x_i) ]          recall   = mean_i [ some |x_i - y_j| <= r_k(y_j) ]
    density    = mean_j sum_i [ |x_i - y_j| <= r_k(x_i) ] / k_i   coverage = mean_i [ min_j |x_i - y_j| <= r_k(x_i) ]

x real, y generated. k_i: how many other real rows lie in the ball of x_i, edge included: k, and more where distances are tied or rows
repeat, so that real rows have a density of about 1 on any data. The balls are closed, as Kynkaanniemi et al. define them: on tables of
categories most radii are 0, and open balls would be empty. Where no distance is tied the numbers are those of the authors' `prdc`.

Two passes over strips of the distances; the radii need half the pairs of a side. Distances come from products of features centred on
the real mean, with the answers of float64; a row within rounding of a ball's edge is on it. On a CPU float32 decides what it can
(bench/metrics/_neighbours.py), on a GPU all is float64.

Errors over the real rows, which are left out in blocks: up to 1,000 rows the radii are those of the rows that are left; above, they are
held, and the error is conditional on them. Memory: features in float64 and float32 and a few strips of 256 rows, 100 MB each at
N = 50,000; for the errors up to 1,000 rows two matrices of N x N.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bench.metrics import Estimate, metric
from bench.metrics._balls import Side, count, lowered, side, squared_distances
from bench.metrics._blocks import Blocks, Errors
from bench.metrics._cache import kept
from bench.metrics._evaluation import Evaluation
from bench.metrics._neighbours import ROUNDING
from bench.metrics._two_sample import prepared

K = 5
RADII_VARY_UP_TO = 1_000  # real rows; above, 20 new searches cost more than all other metrics together
RADII_VERSION = 3  # raise it when side() changes: radii kept on disk are named by it
NAMES = ("precision", "recall", "density", "coverage")


def prdc(real: Tensor, fake: Tensor, *, k: int = K) -> dict[str, float]:
    """Return all four for features (N, D) and (M, D); higher is better, density may pass 1."""
    real, fake = prepared(real, fake)
    centre = real.mean(dim=0)
    return count(reference(real - centre, k=k), side(fake - centre, k=k)).values()


def reference(rows: Tensor, *, k: int) -> Side:
    """side() with the numbers of other rows in each ball."""
    found = side(rows, k=k)
    return Side(rows, found.radii, _others(found))


def _others(found: Side) -> Tensor:
    return count(found, found).held - 1


def _kept_reference(rows: Tensor, *, k: int) -> Side:
    """Return reference(), kept on disk by hash: every cell of a dataset shares its real rows."""

    def compute() -> dict[str, Tensor]:
        radii = side(rows, k=k).radii
        return {"radii": radii, "others": _others(Side(rows, radii))}

    return Side(rows, **kept(f"radii/{RADII_VERSION}/k={k}", rows, compute))


def _of(ev: Evaluation, space: str) -> dict[str, Estimate]:
    """Average all four over the draws, once for a space and board."""

    def compute() -> dict[str, Estimate]:
        pairs = [prepared(ev.real_features(space), draw) for draw in ev.draw_features(space)]
        centre, n = pairs[0][0].mean(dim=0), len(pairs[0][0])
        k = min(K, n - 1)
        real = _kept_reference(pairs[0][0] - centre, k=k)
        fakes = [side(fake - centre, k=k) for _, fake in pairs]
        value, errors = errors_of(real, fakes, ev.blocks, k=k)
        return {name: Estimate(value[name], n, errors[name].blocks, row_se=errors[name].se) for name in NAMES}

    return ev.memo(("prdc", space, ev.board), compute)


def errors_of(real: Side, fakes: list[Side], blocks: Blocks, *, k: int) -> tuple[dict[str, float], dict[str, Errors]]:
    """Return the four numbers, averaged over the draws, and their errors over the real rows."""
    n, vary = len(real.rows), len(real.rows) <= RADII_VARY_UP_TO
    sets = [*blocks.sets, *blocks.pairs] if vary else blocks.sets
    counts = [count(real, fake, () if vary else sets) for fake in fakes]
    value = _mean([c.values() for c in counts])
    if len(blocks.sets) < 2 or n - max(map(len, sets)) < k + 1:
        return value, {name: Errors() for name in NAMES}
    if vary:
        without = _radii_varied(real, fakes, [blocks.rest(rows) for rows in sets], k=k)
    else:
        without = [_mean([c.without(b, blocks.rest(rows)) for c in counts]) for b, rows in enumerate(sets)]
    alone, together = without[: len(blocks.sets)], without[len(blocks.sets) :]
    named = lambda found, name: [values[name] for values in found]
    errors = {name: blocks.errors(value[name], named(alone, name), named(together, name)) for name in NAMES}
    return value, {name: error.spread_once() for name, error in errors.items()}


def _radii_varied(real: Side, fakes: list[Side], lefts: list[Tensor], *, k: int) -> list[dict[str, float]]:
    """Return the four numbers of the rows that are left, radii among these, averaged over the draws.

    Looked at are the pairs within the largest radius that a row has among any of them: there are few.
    """
    n, draws, device = len(real.rows), len(fakes), real.rows.device
    kept = torch.zeros(len(lefts), n, dtype=torch.bool, device=device)
    for place, rows in enumerate(lefts):
        kept[place, rows.to(device)] = True
    own = squared_distances(real.rows, real.norms, real.rows, real.norms)
    own.fill_diagonal_(float("inf"))
    radii = radii_among(own, kept, k=k)
    widest = radii.amax(dim=0)[:, None]
    own_low = own - ROUNDING * (real.norms[:, None] + real.norms)
    row, other = (own_low <= widest).nonzero(as_tuple=True)
    to_other = own_low[row, other]
    crosses = [lowered(real.rows, real.norms, fake) for fake in fakes]
    recalled = torch.stack([(cross <= fake.radii).any(dim=1) for cross, fake in zip(crosses, fakes)], dim=1).double()
    cross = torch.cat(crosses, dim=1)
    draw_of = torch.arange(draws, device=device).repeat_interleave(
        torch.tensor([len(f.rows) for f in fakes], device=device)
    )
    sizes = torch.bincount(draw_of, minlength=draws).double()
    ball, sample = (cross <= widest).nonzero(as_tuple=True)
    to_sample, cell = cross[ball, sample], ball * draws + draw_of[sample]
    found = []
    for left, radius in zip(kept, radii):
        others = torch.bincount(row[(to_other <= radius[row]) & left[other]], minlength=n)
        within = (to_sample <= radius[ball]) & left[ball]
        held = torch.bincount(cell[within], minlength=n * draws).reshape(n, draws)[left].double()
        precise = torch.bincount(draw_of[torch.bincount(sample[within], minlength=len(draw_of)) > 0], minlength=draws)
        four = (
            precise / sizes,
            recalled[left].mean(dim=0),
            (held / others[left, None]).sum(dim=0) / sizes,
            (held > 0).double().mean(dim=0),
        )
        found.append({name: float(each.mean()) for name, each in zip(NAMES, four)})
    return found


def radii_among(own: Tensor, kept: Tensor, *, k: int) -> Tensor:
    """Return squared distances to the k-th nearest of the rows kept, bool (L, N), from own (N, N).

    own has no distance of a row to itself; every set keeps more than k rows.
    """
    most_left_out = int((~kept).sum(dim=1).max())
    near = own.topk(min(k + most_left_out, len(own) - 1), dim=1, largest=False, sorted=True)
    place = (kept[:, near.indices].cumsum(dim=2, dtype=torch.int32) < k).sum(dim=2)  # (L, N)
    return near.values.gather(1, place.T).T


def _mean(each: list[dict[str, float]]) -> dict[str, float]:
    return {name: sum(values[name] for values in each) / len(each) for name in NAMES}


@metric(
    needs=("samples", "unknown_law"),
    spaces=("random", "identity", "lenet", "pca", "inception"),
    better="higher",
    unit="fraction",
    scale="logit",
    version=2,
)
def precision(ev: Evaluation, space: str) -> Estimate:
    """Share of generated rows inside some real row's ball of 5 neighbours; outliers fool it."""
    return _of(ev, space)["precision"]


@metric(
    needs=("samples", "unknown_law"),
    spaces=("random", "identity", "lenet", "pca", "inception"),
    better="higher",
    unit="fraction",
    scale="logit",
    version=2,
)
def recall(ev: Evaluation, space: str) -> Estimate:
    """Share of real rows inside some generated row's ball of 5 neighbours; scattered samples fool it."""
    return _of(ev, space)["recall"]


@metric(
    needs=("samples", "unknown_law"),
    spaces=("random", "identity", "lenet", "pca", "inception"),
    better="higher",
    low=0.0,
    version=2,
)
def density(ev: Evaluation, space: str) -> Estimate:
    """Real balls that hold a generated row, each over the real rows it holds; about 1 for real data."""
    return _of(ev, space)["density"]


@metric(
    needs=("samples", "unknown_law"),
    spaces=("random", "identity", "lenet", "pca", "inception"),
    better="higher",
    unit="fraction",
    scale="logit",
    version=2,
)
def coverage(ev: Evaluation, space: str) -> Estimate:
    """Share of real rows whose ball holds a generated row."""
    return _of(ev, space)["coverage"]
