"""Share of samples that lie nearer to the training rows than to held-out rows (closest record, DCR).

    dcr_share = mean over samples of P( d(s, T_m) < d(s, H) ),    T_m: m of the N training rows at random, H: m held-out rows      (1)

Platzer and Reutterer (2021) draw a few T_m; here the mean over all of them is taken: where r training rows lie nearer to s than
H does, and e as near, the probability is one less a hypergeometric term,

    P = 1 - (C(N-r, m) + C(N-r-e, m)) / (2 C(N, m)),                                              (2)

ties counted half. Without memory training and held-out rows are exchangeable and the share is 1/2, whatever the samples look
like; a share c of exact copies of training rows among such samples gives 1/2 + c m / (2 N). Every training row is looked at.
Memory: one strip of 512 rows of distances.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bench.metrics import Estimate, block_of_rows, metric, pseudo_values, refuse_non_finite
from bench.metrics._evaluation import Evaluation

STRIP = 512
MAX_SAMPLES = 2_000


def dcr_share_of(samples: Tensor, held_out: Tensor, train: Tensor) -> float:
    """Return eq. (1) of rows (S, D), (M, D), (N, D); 1/2 without memory, in [0, 1]. M must be at most N."""
    return float(nearer_to_train(samples, held_out, train)[0].mean())


def nearer_to_train(
    samples: Tensor, held_out: Tensor, train: Tensor, blocks: list[slice] | None = None
) -> tuple[Tensor, Tensor]:
    """Return P of eq. (2) a sample, (S,), and without each block of held-out rows, (B, S); float64."""
    for name, rows in {"samples": samples, "held-out rows": held_out, "training rows": train}.items():
        refuse_non_finite(rows, name)
    if len(held_out) > len(train):
        raise ValueError(f"expected at most as many held-out rows as training rows ({len(train)}), got {len(held_out)}")
    m, n = len(held_out), len(train)
    log_none = _log_none(n, m, samples.device)
    whole, without = [], []
    for strip in samples.split(STRIP):
        to_held = _distances(strip, held_out)
        nearest = torch.stack([to_held[:, rows].amin(dim=1) for rows in blocks or [slice(None)]])  # (B, s)
        two = nearest.topk(min(2, len(nearest)), dim=0, largest=False)
        shares = _probabilities(_distances(strip, train), two.values, log_none)
        whole.append(shares[0])
        if blocks and len(blocks) > 1:  # without a block the nearest row is another one only where that block held it
            held_it = torch.arange(len(blocks), device=strip.device)[:, None] == two.indices[0]
            without.append(torch.where(held_it, shares[1], shares[0]))
    return torch.cat(whole), torch.cat(without, dim=1) if without else torch.empty(0, len(samples))


def _distances(a: Tensor, b: Tensor) -> Tensor:
    direct = a.shape[1] <= 64
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist" if direct else "use_mm_for_euclid_dist")


def _log_none(n: int, m: int, device: torch.device) -> Tensor:
    """Return the log of C(n - r, m) / C(n, m) for r = 0..n, (n + 1,): that m of n rows miss r given ones."""
    log_factorial = torch.lgamma(torch.arange(n + 1, dtype=torch.float64, device=device) + 1)
    r = torch.arange(n + 1, device=device)
    left = (n - r - m).clamp(min=0)
    value = log_factorial[n - r] - log_factorial[left] - log_factorial[n] + log_factorial[n - m]
    return torch.where(n - r >= m, value, -torch.inf)


def _probabilities(to_train: Tensor, edges: Tensor, log_none: Tensor) -> Tensor:
    """Eq. (2): to_train (s, N) distances, edges (E, s) ascending distances to held-out rows; (E, s)."""
    sample, row = (to_train <= edges[-1][:, None]).nonzero(as_tuple=True)  # few: the others need not be looked at again
    near = to_train[sample, row]
    count = lambda which: torch.bincount(sample[which], minlength=len(to_train))
    nearer = torch.stack([count(near < edge[sample]) for edge in edges])
    at_most = torch.stack([count(near <= edge[sample]) for edge in edges])
    return 1 - (log_none[nearer].exp() + log_none[at_most].exp()) / 2


@metric(needs=("samples", "unknown_law"), better="none", unit="fraction")
def dcr_share(ev: Evaluation) -> Estimate:
    """Share of samples nearer to training rows than to as many held-out rows: 0.5 without memory; no rank."""
    train, real = ev.train.x.flatten(1).float(), ev.real.x.flatten(1).float()
    if len(real) > len(train):
        real = real[: len(train)]
    samples = ev.draws[0].flatten(1).float()[:MAX_SAMPLES]
    whole, without = nearer_to_train(samples, real, train, block_of_rows(len(real)))
    return Estimate(float(whole.mean()), len(samples), pseudo_values(float(whole.mean()), without.mean(dim=1).tolist()))
