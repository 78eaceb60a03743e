"""Comparisons of an experiment: the best of several arms, differences of differences, and runs that never reached a target."""

import math

import numpy as np
import pytest

from bench.reproductions import effects
from bench.reproductions.comparisons import choose, effects_of, under_their_names
from bench.reproductions.protocol import Arm, Best, Budget, Compare, Experiment, Interact
from bench.reproductions.runs import Run, run_of


def _centre(values, scale="raw", blocks=()):
    return effects.centre_of(list(values), [list(blocks)] * len(values), scale)


def _experiment(*names, **more):
    arms = tuple(Arm(name=name, model="kde", dataset="digits") for name in names)
    return Experiment(name="question-1", kind="question", title="T?", budget={"cpu": Budget(seeds=3)}, arm=arms, **more)


def test_an_interaction_is_a_difference_of_differences_by_hand():
    a, b, c, d = [5.0, 7.0], [1.0, 2.0, 3.0], [4.0, 4.5], [3.0, 3.5]
    value, low, high, p = effects.interaction((_centre(a), _centre(b)), (_centre(c), _centre(d)), "raw")
    assert value == pytest.approx((6 - 2) - (4.25 - 3.25))
    parts = [(2 / 2, 1), (1 / 3, 2), (0.125 / 2, 1), (0.125 / 2, 1)]  # s^2 / k and its degrees of freedom
    se = math.sqrt(sum(v for v, _ in parts))
    df = sum(v for v, _ in parts) ** 2 / sum(v * v / n for v, n in parts)
    from scipy import stats

    assert p == pytest.approx(2 * stats.t.sf(3 / se, df), rel=1e-9)
    assert high - low == pytest.approx(2 * stats.t.ppf(0.975, df) * se, rel=1e-9)


def test_an_interaction_of_logs_is_a_ratio_of_ratios_and_shared_rows_cancel():
    wiggle = (0.98, 1.02)
    four = [_centre([f * w for w in wiggle], "log") for f in (8.0, 2.0, 3.0, 1.5)]
    value, low, high, _ = effects.interaction((four[0], four[1]), (four[2], four[3]), "log")
    assert value == pytest.approx(2.0) and low < 2.0 < high
    rows = list(np.random.default_rng(0).normal(0, 1, 20))
    shared = [_centre([v, v + 0.1], blocks=rows) for v in (5.0, 3.0, 2.0, 1.0)]
    alone = [_centre([v, v + 0.1]) for v in (5.0, 3.0, 2.0, 1.0)]
    both = [effects.interaction((x[0], x[1]), (x[2], x[3]), "raw") for x in (shared, alone)]
    assert both[0][1:3] == pytest.approx(both[1][1:3], rel=0.05)  # the rows add nothing: they weigh on all four alike


def test_every_two_pairs_are_compared_and_stand_in_the_family_of_tests():
    values = {"a1": 4.0, "a2": 2.0, "b1": 3.0, "b2": 3.0, "c1": 2.0, "c2": 1.0}
    runs = [Run(n, s, "ok", {"fid_random": v * f}) for n, v in values.items() for s, f in enumerate((0.99, 1.0, 1.01))]
    interact = Interact(columns=("fid_random",), pairs=(("a1", "a2"), ("b1", "b2"), ("c1", "c2")))
    found = effects_of(_experiment(*values, interact=(interact,)), runs)
    assert [(e.a, e.b) for e in found] == [
        ("a1 against a2", "b1 against b2"),
        ("a1 against a2", "c1 against c2"),
        ("b1 against b2", "c1 against c2"),
    ]
    assert [e.value for e in found] == pytest.approx([2.0, 1.0, 0.5])
    assert [e.words for e in found] == ["higher: worse", "no effect seen", "lower: better"]
    assert found[0].p_holm == pytest.approx(3 * found[0].p) or found[2].p_holm == pytest.approx(3 * found[2].p)


def test_the_best_arm_is_chosen_on_the_public_board_and_judged_on_the_private_one():
    public = {"x, fast": [3.0, 3.2], "x, slow": [2.0, 2.2], "y, fast": [1.0, 1.1], "y, slow": [5.0, 5.5]}
    private = {"x, fast": 1.0, "x, slow": 4.0, "y, fast": 2.0, "y, slow": 9.0}
    runs = [
        Run(arm, s, "ok", {"fid_random": private[arm] * (1 + s / 100)}, public={"fid_random": v})
        for arm, values in public.items()
        for s, v in enumerate(values)
    ]
    best = tuple(Best(name=n, arms=(f"{n}, fast", f"{n}, slow"), column="fid_random") for n in "xy")
    chosen = [choose(each, runs) for each in best]
    assert [each.arm for each in chosen] == ["x, slow", "y, fast"]
    assert chosen[1].public["y, slow"] == pytest.approx(math.sqrt(5.0 * 5.5))  # a log scale's mean
    compare = Compare(columns=("fid_random",), arms=("x",), base="y")
    (effect,) = effects_of(
        _experiment(*public, best=best, compare=(compare,)), [*runs, *under_their_names(chosen, runs)]
    )
    assert effect.value == pytest.approx(2.0) and (effect.a, effect.b) == ("x", "y")


def test_an_arm_with_diverged_runs_is_never_the_best_of_whole_ones():
    runs = [Run("a", 0, "ok", {}, public={"fid_random": 0.1}), Run("a", 1, "diverged", {})]
    runs += [Run("b", s, "ok", {}, public={"fid_random": 9.0}) for s in (0, 1)]
    assert choose(Best(name="n", arms=("a", "b"), column="fid_random"), runs).arm == "b"


def _record(to_quality, status="ok", train_s=4.0, train_core_s=2.0):
    return {
        "metrics": {"private": {}, "public": {"fid_random": {"value": 0.4, "blocks": []}}},
        "resources": {"peak_rss_bytes": None, "cpu_s": 5.0},
        "timing": {"train_s": train_s, "train_core_s": train_core_s},
        "model": {"n_params": 7},
        "training": {"to_quality": to_quality},
        "seed": 0,
        "status": status,
        "curve": [],
    }


def test_time_to_quality_is_in_core_seconds_and_a_miss_has_none():
    reached = run_of("a", _record({"target": 0.5, "steps": 10, "seconds": 1.0}))
    assert reached.values["core_s_to_quality"] == 0.5 and reached.values["reached"] == 1.0  # half a core was ours
    assert reached.public == {"fid_random": 0.4}
    missed = run_of("a", _record({"target": 0.5, "steps": None, "seconds": None}))
    assert missed.values["reached"] == 0.0 and "core_s_to_quality" not in missed.values
    assert run_of("a", _record(None, status="diverged")).values["reached"] == 0.0
    assert "reached" not in run_of("a", _record(None)).values


def test_seconds_to_a_target_are_not_compared_where_a_run_never_reached_it():
    runs = [
        Run(arm, s, "ok", {"core_s_to_quality": v + s / 10}) for arm, v in (("a", 1.0), ("b", 5.0)) for s in range(3)
    ]
    experiment = _experiment("a", "b", compare=(Compare(columns=("core_s_to_quality",), arms=("a",), base="b"),))
    assert effects_of(experiment, runs)[0].words == "lower: better"
    (effect,) = effects_of(experiment, [*runs, Run("a", 3, "ok", {"reached": 0.0})])
    assert effect.p is None and effect.low is None and effect.words == "not tested (1 run left out)"
