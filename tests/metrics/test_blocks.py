"""The error over held-out rows against formulas and against simulated truth."""

import math

import numpy as np
import pytest
import torch

from bench.metrics._blocks import Blocks, dealt_order
from bench.registry import load


def test_one_row_at_a_time_is_the_textbooks_error_of_a_mean():
    """Blocks that rows are summed into spread, on average, as the rows do: mean of SE^2 over 400 sets within 6 % of 1 / n."""
    found = []
    for seed in range(400):
        x = torch.from_numpy(np.random.default_rng(seed).standard_normal(30))
        found.append(Blocks(30).mean(x).se ** 2)
    assert np.mean(found) == pytest.approx(1 / 30, rel=0.06)


def test_the_spread_is_within_classes_where_the_split_fixes_their_shares():
    """Classes 10 apart, sd 1 within: the mean of a side of 10 rows a class has variance 1 / n, not 68 / n."""
    y = torch.arange(3).repeat_interleave(10)
    order = dealt_order(30, y)
    variances = []
    for seed in range(400):
        x = 10 * y + torch.from_numpy(np.random.default_rng(seed).standard_normal(30))
        variances.append(Blocks(30, y[order]).mean(x[order]).se ** 2)
    assert np.mean(variances) == pytest.approx(1 / 30, rel=0.06)
    assert Blocks(30).mean(x[dealt_order(30, None)]).se > 4 * math.sqrt(1 / 30)


def test_blocks_of_many_rows_hold_an_even_share_of_every_class():
    y = torch.arange(10).repeat_interleave(40)[:398]
    order = dealt_order(398, y)
    assert sorted(order.tolist()) == list(range(398))
    for rows in Blocks(398, y[order]).sets:
        counts = torch.bincount(y[order][rows], minlength=10)
        assert counts.min() >= 1 and counts.max() <= 3


def test_what_rows_do_in_pairs_is_counted_once():
    """The U-statistic mean of x_i x_j has variance 2 / (n (n - 1)) for independent signs: plain blocks say twice that."""
    n, counted, corrected, truth = 200, [], [], 2 / (200 * 199)
    for seed in range(100):
        x = np.random.default_rng(seed).choice([-1.0, 1.0], 400)[:n]

        def value(kept):
            return (kept.sum() ** 2 - len(kept)) / (len(kept) * (len(kept) - 1))

        blocks = Blocks(n)
        errors = blocks.jackknife(value(x), lambda rows, x=x, b=blocks: value(x[b.rest(rows).numpy()]))
        corrected.append(errors.se**2)
        counted.append(np.var(errors.blocks, ddof=1) / len(errors.blocks))
    assert np.mean(counted) == pytest.approx(2 * truth, rel=0.3)
    assert np.mean(corrected) == pytest.approx(truth, rel=0.3)


def test_rows_that_say_nothing_have_no_error():
    assert Blocks(30).mean(torch.ones(30)).se is None
    assert Blocks(30).mean(torch.ones(30)).blocks == ()
    assert Blocks(1).mean(torch.ones(1)).se is None and Blocks(0).jackknife(0.0, lambda rows: 0.0).se is None


@pytest.mark.parametrize("side", ["valid", "test"])
def test_stacks_that_share_digits_have_the_error_of_their_digits(side):
    """A loss a digit, its sum a stack: the true SD of the mean over fresh digits is known; blocks of rows say a quarter of it."""
    parts = load("dataset", "stacked_digits")().parts[side]
    count = torch.bincount(parts.flatten()).double()
    truth = float(count.square().sum()) ** 0.5 / len(parts)  # of independent losses of variance 1
    found, plain = [], []
    for seed in range(60):
        loss = torch.from_numpy(np.random.default_rng(seed).standard_normal(len(count)))
        found.append(Blocks(len(parts), parts=parts).mean(loss[parts].sum(dim=1)).se)
        plain.append(Blocks(len(parts)).mean(loss[parts].sum(dim=1)).se)
    assert np.mean(found) == pytest.approx(truth, rel=0.2)
    assert np.mean(plain) < truth / 3


def test_the_stacks_are_made_of_the_digits_they_name():
    digits, stacked = load("dataset", "digits")(), load("dataset", "stacked_digits")()
    for side in ("valid", "test"):
        assert torch.equal(getattr(digits, side).x[stacked.parts[side]].squeeze(2), getattr(stacked, side).x)


def test_the_oracle_has_the_noise_of_a_sampler():
    """Draws with replacement: other rows every seed and draw; a share of about 1/e of the other split is absent from each."""
    data = load("dataset", "digits")()
    known = {row.numpy().tobytes() for row in data.test.x}
    for seed in range(3):
        rows = data.oracle(len(data.test), board="public", seed=seed)
        seen = len({row.numpy().tobytes() for row in rows})
        assert seen / len(known) == pytest.approx(1 - 1 / math.e, abs=0.06)


@pytest.mark.slow
@pytest.mark.parametrize("exact", [True, False])
def test_errors_are_the_truth_under_a_known_law(exact):
    """studies.standard_errors with 40 sides: a ratio is known to 11 %, so 0.85 to 1.25 is asked within two of these."""
    from studies.standard_errors import ratios

    for name, (single, paired) in ratios(398, 10, exact, trials=40).items():
        assert 0.65 < single < 1.5, name
        assert 0.65 < paired < 1.5, name
