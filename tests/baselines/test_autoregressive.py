"""MADE, NADE, PixelCNN, PixelRNN: exact probabilities against enumeration, order, and samples against the density."""

import itertools
import math

import pytest
import torch
from scipy.stats import chi2

from bench.registry import load

SHAPES = {
    "binary 12 bits": ((1, 3, 4), 2),
    "two channels": ((2, 2, 3), 2),
    "four levels": ((1, 2, 3), 4),
    "palette": ((1, 1, 2), 40),  # more than 32 levels: the low-rank readout
}
MODELS = {
    "made": [{}, {"orderings": 3}, {"hidden": (40, 30)}, {"direct": False}],
    "nade": [{"hidden": 24}],
    "pixelcnn": [{"width": 24, "layers": 2}],
    "pixelrnn": [{"width": 8}],
}
CASES = [(name, fields, where) for name, variants in MODELS.items() for fields in variants for where in SHAPES]


def space(shape, levels):
    """Every image of the shape, (levels^D, *shape)."""
    codes = torch.tensor(list(itertools.product(range(levels), repeat=math.prod(shape))))
    return codes.float().reshape(-1, *shape) / (levels - 1)


def trained(name, fields, shape, levels):
    """A model of random weights that are not near their start, so that a broken mask shows."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(levels, (64, *shape), generator=generator) / (levels - 1)
    model = load("model", name)(steps=2, levels=levels, **fields).fit(x, seed=0)
    with torch.no_grad():
        for parameter in model.net_.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    return model


def order(shape):
    """Raster order, the channels of a pixel in turn: positions in the flattened (C, H, W) image."""
    c, h, w = shape
    return [k * h * w + i * w + j for i in range(h) for j in range(w) for k in range(c)]


def raster(name, shape):
    """MADE and NADE take the flattened image as it is."""
    return list(range(math.prod(shape))) if name in ("made", "nade") else order(shape)


@pytest.mark.parametrize(("name", "fields", "where"), CASES)
def test_probabilities_sum_to_one(name, fields, where):
    shape, levels = SHAPES[where]
    log_prob = trained(name, fields, shape, levels).log_prob(space(shape, levels))
    assert float(log_prob.double().exp().sum()) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "where"), list(itertools.product(MODELS, ["binary 12 bits", "two channels", "four levels"]))
)
def test_a_value_reaches_later_conditionals_only(name, where):
    """Changing the i-th value must leave the i-th conditional and all before it; some later one must move."""
    shape, levels = SHAPES[where]
    model = trained(name, MODELS[name][0], shape, levels)
    x = torch.randint(levels, (1, *shape), generator=torch.Generator().manual_seed(3))

    def conditionals(codes):
        if name in ("made", "nade"):
            flat = codes.flatten(1)
            logits = model.net_(flat, 0) if name == "made" else model.net_(flat)
            return logits.log_softmax(dim=-1)[0]
        return model.net_(codes).log_softmax(dim=1)[0].flatten(1).T  # (C H W, K)

    with torch.no_grad():
        before, positions = conditionals(x), raster(name, shape)
        for i, position in enumerate(positions):
            changed = x.clone().flatten()
            changed[position] = (changed[position] + 1) % levels
            moved = (conditionals(changed.view(x.shape)) - before).abs().amax(dim=1) > 1e-7
            assert not moved[positions[: i + 1]].any(), f"position {position}"
            if i + 1 < len(positions):
                assert moved[positions[i + 1 :]].any(), f"position {position} has no effect"


@pytest.mark.parametrize("name", MODELS)
def test_conditionals_equal_those_of_the_enumerated_joint(name):
    """p(x_i | x_<i) from sums over the table of all 4^6 log-probabilities: an evaluation without any mask."""
    shape, levels = SHAPES["four levels"]
    model = trained(name, MODELS[name][0], shape, levels)
    joint = model.log_prob(space(shape, levels)).double().exp().reshape([levels] * math.prod(shape))
    joint = joint.permute(raster(name, shape))  # axis i is the i-th value drawn
    x = torch.randint(levels, (1, *shape), generator=torch.Generator().manual_seed(4))
    drawn = x.flatten()[raster(name, shape)].tolist()
    with torch.no_grad():
        if name in ("made", "nade"):
            logits = model.net_(x.flatten(1), 0) if name == "made" else model.net_(x.flatten(1))
            ours = logits.softmax(dim=-1)[0]
        else:
            ours = model.net_(x).softmax(dim=1)[0].flatten(1).T[raster(name, shape)]
    rest = joint
    for i, value in enumerate(drawn):
        by_hand = rest.flatten(1).sum(dim=1) if rest.ndim > 1 else rest
        torch.testing.assert_close(ours[i].double(), by_hand / by_hand.sum(), atol=1e-6, rtol=0)
        rest = rest[value]


@pytest.mark.parametrize(("name", "where"), list(itertools.product(MODELS, ["four levels", "two channels", "palette"])))
def test_samples_follow_the_density(name, where):
    """Chi-square over the cells expected at least 5 times, the others pooled; it fails once in 10,000 for a right sampler."""
    shape, levels = SHAPES[where]
    n = 20_000
    model = trained(name, MODELS[name][0], shape, levels)
    everything = space(shape, levels)
    expected = model.log_prob(everything).double().exp() * n
    codes = (model.sample(n, seed=5) * (levels - 1)).round().long().flatten(1)
    weights = levels ** torch.arange(codes.shape[1] - 1, -1, -1)
    observed = torch.bincount((codes * weights).sum(dim=1), minlength=len(everything)).double()
    common = expected >= 5
    cells = torch.cat([(observed - expected)[common] ** 2 / expected[common]])
    statistic, freedom = float(cells.sum()), int(common.sum()) - 1
    rare = float(expected[~common].sum())
    if rare >= 5:
        statistic += (float(observed[~common].sum()) - rare) ** 2 / rare
        freedom += 1
    assert statistic < chi2.ppf(1 - 1e-4, freedom), f"chi-square {statistic:.0f} on {freedom} degrees of freedom"


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("name", MODELS)
def test_sampling_feature_by_feature_equals_a_full_pass_for_each_value(name, channels):
    """The incremental sampler against the plain one: the same uniforms inverted through logits of whole images."""
    shape, levels, n = (channels, 4, 4), 3, 200
    model = trained(name, MODELS[name][0], shape, levels)
    fast = (model.sample(n, seed=7) * (levels - 1)).round().long()
    generator = torch.Generator().manual_seed(7)
    if name == "made":
        torch.randint(1, (n,), generator=generator)  # which ordering
    uniform = torch.rand(n, *shape, generator=generator).flatten(1)
    codes = torch.zeros(n, math.prod(shape), dtype=torch.long)
    with torch.no_grad():
        for position in raster(name, shape):
            if name in ("made", "nade"):
                logits = model.net_(codes, 0) if name == "made" else model.net_(codes)
                p = logits[:, position].softmax(dim=1)
            else:
                logits = model.net_(codes.view(n, *shape)).flatten(2)  # (B, K, C H W)
                p = logits[:, :, position].softmax(dim=1)
            codes[:, position] = (uniform[:, position, None] >= p.cumsum(dim=1)[:, :-1]).sum(dim=1)
    differ = (fast.flatten(1) != codes).any(dim=1).sum()
    assert int(differ) <= 1, "a uniform within rounding of a boundary may fall on either side"


def test_nade_by_the_papers_loop():
    """Larochelle and Murray's algorithm 1, one pixel at a time in float64."""
    model = trained("nade", {"hidden": 24}, (1, 2, 3), 4)
    net, x = model.net_, space((1, 2, 3), 4)[1234:1240]
    v, total = x.flatten(1).double(), torch.zeros(6, dtype=torch.float64)
    a = net.c.double().repeat(6, 1)
    for i in range(6):
        logits = a.sigmoid() @ net.V[i].double().T + net.b[i].double()
        total += logits.log_softmax(dim=1).gather(1, (v[:, i : i + 1] * 3).round().long())[:, 0]
        a = a + v[:, i : i + 1] * net.W[i].double()
    assert model.log_prob(x).tolist() == pytest.approx(total.tolist(), abs=1e-5)


def test_nades_gradient_by_hand_is_autograds():
    from baselines.nade import _Chain

    generator = torch.Generator().manual_seed(0)
    v = torch.rand(3, 10, generator=generator, dtype=torch.float64)
    W, c, V = (torch.randn(s, generator=generator, dtype=torch.float64) for s in ((10, 4), (4,), (10, 2, 4)))
    arguments = (v, *(t.requires_grad_() for t in (W, c, V)))
    assert torch.autograd.gradcheck(_Chain.apply, arguments)


def test_made_of_several_orderings_is_the_mixture_of_them():
    model = trained("made", {"orderings": 2}, (1, 2, 3), 2)
    codes = (space((1, 2, 3), 2)).long().flatten(1)
    each = []
    with torch.no_grad():
        for ordering in range(2):
            each.append(
                model.net_(codes, ordering).log_softmax(dim=2).gather(2, codes[:, :, None]).sum(dim=(1, 2)).exp()
            )
    ours = model.log_prob(codes.float().view(-1, 1, 2, 3)).exp()
    torch.testing.assert_close(ours, torch.stack(each).mean(dim=0), atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", MODELS)
def test_real_data_is_refused_in_words(name):
    model = load("model", name)()
    assert "needs discrete data" in model.supports(load("dataset", "iris")())
    with pytest.raises(ValueError, match="levels must be at least 2, got None"):
        model.fit(torch.rand(10, 1, 2, 2), seed=0)


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("made", {"hidden": ()}, "one positive size a layer"),
        ("made", {"orderings": 0}, "orderings must be at least 1, got 0"),
        ("nade", {"hidden": 0}, "hidden must be at least 1, got 0"),
        ("pixelcnn", {"kernel": 4}, "kernel must be odd and at least 3, got 4"),
        ("pixelrnn", {"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
    ],
)
def test_bad_fields_are_refused(name, fields, message):
    with pytest.raises(ValueError, match=message):
        load("model", name)(**fields)
