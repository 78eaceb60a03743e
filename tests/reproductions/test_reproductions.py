"""Verdicts and effects from given numbers; every protocol runs on a tiny budget; pages and plots say what the result says."""

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.datasets import Mixture
from bench.errors import UsageError
from bench.reproductions import effects, published_page, questions_page
from bench.reproductions.plan import plan_of
from bench.reproductions.plot import svg
from bench.reproductions.protocol import (
    Arm,
    Budget,
    Compare,
    Experiment,
    Target,
    choose,
    column,
    load_experiment,
    names,
    read_experiment,
)
from bench.reproductions.result import Run, result_of, run_of
from bench.reproductions.verdict import Number, judge
from bench.run.cell import run_cell

ROOT = Path(__file__).resolve().parents[2]
FACTS = {"device": "cpu", "environment": None, "core_minutes": 0.0}


# --- the verdict, from given numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs", "better", "word"),
    [
        # difference 1.5, error sqrt(0.5^2 + 0.5^2) = 0.707: 2.12 errors, and t at 18 degrees of freedom asks for 2.101
        (Number(7.8, 0.5, 10), Number(6.3, 0.5, 10), "higher", "better"),
        (Number(7.8, 0.5, 10), Number(6.3, 0.5, 10), "lower", "not reproduced"),
        (Number(7.8, 0.5, 10), Number(6.3, 0.5, 10), "none", "not reproduced"),
        # the same with three runs of ours: 4 degrees of freedom and more, t asks for more than 2.12
        (Number(7.8, 0.5, 3), Number(6.3, 0.5, 10), "higher", "reproduced"),
        (Number(6.3, 0.5, 10), Number(6.3, 0.5, 10), "higher", "reproduced"),
        (Number(4.8, 0.5, 10), Number(6.3, 0.5, 10), "higher", "not reproduced"),
        # theirs without an error: ours alone judges, 9 degrees of freedom ask for 2.262 errors
        (Number(88.0, 0.3, 10), Number(88.86, None, 0), "lower", "better"),
        (Number(88.3, 0.3, 10), Number(88.86, None, 0), "lower", "reproduced"),
        (Number(88.3, None, 1), Number(88.86, None, 0), "lower", "undecided"),
    ],
)
def test_verdict_from_both_standard_errors(ours, theirs, better, word):
    assert judge(ours, theirs, better=better, full=True).word == word


def test_rounding_of_a_printed_number_is_an_error_of_its_own():
    """.977 stands for .9765 to .9775: within a half of its last digit nothing differs, a whole digit off it does."""
    theirs = Number(0.977, None, 0)
    near, off = (Number(v, 0.0, 0) for v in (0.97653, 0.9759))
    assert judge(near, theirs, better="higher", full=True, unit=0.001).word == "reproduced"
    assert judge(off, theirs, better="higher", full=True, unit=0.001).word == "not reproduced"
    # 1.96 / sqrt(12) of a digit: the interval of a uniform error taken as normal
    low, high = judge(near, theirs, better="higher", full=True, unit=0.001).interval
    assert (high - low) / 2 == pytest.approx(1.959964 * 0.001 / math.sqrt(12), rel=1e-6)


def test_no_verdict_where_ours_has_no_error_or_runs_are_missing():
    theirs = Number(6.3, 0.5, 10)
    assert judge(Number(9.9, None, 1), theirs, better="higher", full=True).word == "undecided"
    assert judge(Number(9.9, 0.1, 6), theirs, better="higher", full=True, whole=False).word == "undecided"
    assert judge(Number(9.9, 0.1, 6), theirs, better="higher", full=True).word == "better"


@pytest.mark.parametrize("name", [n for n in names() if not n.startswith("question-")])
def test_a_budget_is_full_or_says_what_it_is_not(name):
    """What SCIENCE and the authors' files say of each: only these three are the published networks, data and length."""
    for budget, chosen in load_experiment(name).budget.items():
        is_full = (name, budget) in {
            ("pacgan-table-1", "gpu"), ("semi-supervised", "gpu"), ("classical", "gpu"), ("classical", "cpu"),
        }  # fmt: skip
        assert chosen.full == is_full and bool(chosen.note) != is_full


def test_a_shortened_protocol_is_never_comparable_but_keeps_its_numbers():
    verdict = judge(Number(8.0, 0.1, 10), Number(6.3, 0.5, 10), better="higher", full=False)
    assert verdict.word == "not comparable"
    assert verdict.difference == pytest.approx(1.7)
    assert verdict.interval[0] < 1.7 < verdict.interval[1]


def test_the_interval_is_the_test_turned_round():
    verdict = judge(Number(7.8, 0.5, 10), Number(6.3, 0.5, 10), better="higher", full=True)
    half = 2.1009220402 * math.sqrt(0.5)  # t quantile 0.975 at 18 degrees of freedom, from scipy's tables
    assert verdict.interval == pytest.approx((1.5 - half, 1.5 + half), rel=1e-6)


# --- effects --------------------------------------------------------------------------------------------------------


def test_wilson_and_newcombe_give_their_papers_numbers():
    assert effects.wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=5e-4)  # 1.96^2 / (10 + 1.96^2)
    difference, low, high, _ = effects.shares_apart([1.0] * 56 + [0.0] * 14, [1.0] * 48 + [0.0] * 32)
    assert (difference, low, high) == pytest.approx(
        (0.2, 0.0524, 0.3339), abs=5e-5
    )  # Newcombe 1998, table II (a), method 10


def test_welch_and_paired_agree_with_scipy():
    from scipy import stats

    rng = np.random.default_rng(0)
    a, b = rng.normal(1.0, 1.0, 6), rng.normal(0.0, 2.0, 6)
    centre = lambda v: effects.centre_of(list(v), [[]] * len(v), "raw")
    value, low, high, p = effects.between(centre(a), centre(b), "raw")
    reference = stats.ttest_ind(a, b, equal_var=False)
    assert (value, p) == pytest.approx((a.mean() - b.mean(), reference.pvalue), rel=1e-9)
    assert (low, high) == pytest.approx(tuple(reference.confidence_interval(0.95)), rel=1e-9)
    value, low, high, p = effects.paired(list(a), list(b), "raw")
    reference = stats.ttest_rel(a, b)
    assert p == pytest.approx(reference.pvalue, rel=1e-9)
    assert (low, high) == pytest.approx(tuple(reference.confidence_interval(0.95)), rel=1e-9)


def test_a_log_column_gives_a_ratio():
    three, one = ([f * v for v in (1.0, 1.1, 0.9, 1.05, 0.95)] for f in (3.0, 1.0))
    centres = [effects.centre_of(v, [[]] * 5, "log") for v in (three, one)]
    value, low, high, _ = effects.between(*centres, "log")
    assert value == pytest.approx(3.0)
    assert low < 3.0 < high and low * high == pytest.approx(9.0)


def test_without_variance_the_permutation_test_judges():
    a, b = (effects.centre_of([v] * 5, [[]] * 5, "raw") for v in (8.0, 7.0))
    assert effects.between(a, b, "raw") == (1.0, None, None, pytest.approx(2 / 252))
    assert effects.between(a, a, "raw")[3] == 1.0


def test_one_run_a_side_is_no_evidence_whatever_its_held_out_rows_say():
    rows = list(np.random.default_rng(0).normal(0, 0.1, 20))
    one, many = effects.centre_of([9.0], [rows], "raw"), effects.centre_of([1.0, 1.1, 0.9], [rows] * 3, "raw")
    assert one.se is not None and effects.between(one, many, "raw") == (8.0, None, None, None)


def test_no_effect_is_said_and_a_direction_has_a_side():
    effect = effects.Effect("a", "b", "c", "raw", 1.0, None, None, 0.03)
    assert effects.words(effect, 0.2, "higher") == "no effect seen"
    assert effects.words(effect, 0.01, "higher") == "higher: better"
    assert effects.words(effect, 0.01, "lower") == "higher: worse"
    assert effects.words(replace(effect, scale="log", value=0.5), 0.01, "lower") == "lower: better"
    assert effects.words(effect, None, "lower") == "too few runs to say"
    both = effects.with_holm([effect, replace(effect, p=0.04)], {"c": "none"})
    assert [e.p_holm for e in both] == pytest.approx([0.06, 0.06])
    assert [e.words for e in both] == ["no effect seen"] * 2  # each below 5 % alone, not together
    assert effects.with_holm([effect], {"c": "none"}, also=[0.5])[0].p_holm == pytest.approx(
        0.06
    )  # a test beside it counts
    assert effects.words(replace(effect, left_out=3), 0.2, "higher") == "no effect seen (3 runs left out)"


# --- measures -------------------------------------------------------------------------------------------------------


def test_the_optimal_d_of_equal_densities_is_one_half_and_of_apart_ones_certain():
    from bench.reproductions.measures.optimal_d import columns, optimal_logit, value

    law = Mixture(torch.tensor([[0.0, 0.0], [1.0, 0.0]]), 0.05)
    x, same = law.sample(400, seed=1), law.sample(20_000, seed=2)
    logit = optimal_logit(x, law, same, 0.01)
    assert float(logit.sigmoid().mean()) == pytest.approx(0.5, abs=0.03)  # kernel noise on 20,000 points
    one_mode = same[same[:, 0] < 0.5]
    on = x[:, 0] < 0.5
    logit = optimal_logit(x, law, one_mode, 0.01)
    assert float(logit[on].sigmoid().mean()) == pytest.approx(1 / 3, abs=0.03)  # q = 2 p there
    assert float(logit[~on].sigmoid().min()) > 0.999  # q = 0 there
    zero = {"real": torch.zeros(5), "fake": torch.zeros(5)}
    assert value(zero) == pytest.approx(-math.log(4), rel=1e-6)
    assert columns(zero, zero)["jsd"] == pytest.approx(0.0, abs=1e-6)


def test_the_kernel_density_is_the_suite_s_own():
    from baselines.kde import log_density
    from bench.reproductions.measures.optimal_d import kernel_log_density

    rows, queries = torch.randn(300, 2), torch.randn(50, 2)
    ours, theirs = kernel_log_density(queries, rows, 0.2), log_density(rows, queries, 0.2)
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6)


def test_dynamics_reads_early_and_late_stretches():
    from bench.reproductions.measure import Fitted
    from bench.reproductions.measures.dynamics import measure

    curve = [{"step": s, "grad_generator": float(s), "d_real": s / 100, "d_loss": 1.0} for s in range(1, 101)]
    found = measure(Fitted(object(), None, None, curve, 0, {}))
    assert found["grad_g_early"] == 5.5  # median of 1..10
    assert found["grad_g_late"] == 63.0  # median of 51..75
    assert found["d_real_late"] == pytest.approx(0.63)
    assert found["v_late"] == -1.0 and "d_fake_late" not in found


def test_a_diverged_run_counts_as_collapsed():
    from bench.reproductions.measure import Fitted
    from bench.reproductions.measures.collapse import measure

    class Eight:
        n_modes = 8

    assert measure(Fitted(None, Eight, None, [], 0, {}))["collapsed"] == 1.0
    assert measure(Fitted(object(), Eight, None, [], 0, {"modes_captured": 3.0}))["collapsed"] == 1.0
    assert measure(Fitted(object(), Eight, None, [], 0, {"modes_captured": 4.0}))["collapsed"] == 0.0


def test_a_classifier_of_few_labels_learns_from_the_rows_the_semi_supervised_model_was_given(monkeypatch):
    """Other rows would be other labels: 200 in all, where the question is what 100 can do."""
    from bench.registry import load
    from bench.reproductions.measure import Fitted
    from bench.reproductions.measures import conditional

    dataset, learned = load("dataset", "digits")(), []
    model = load("model", "improved_gan_semi")(steps=1, n_labels=100, label_seed=3).fit(
        dataset.train.x, dataset.train.y, seed=3
    )
    monkeypatch.setattr(conditional, "linear_accuracy", lambda x, y, *_: learned.append((x, y)) or 0.0)
    conditional.measure(Fitted(model, dataset, dataset.train, [], 3, {}))
    assert torch.equal(learned[0][0], dataset.train.x[model._labelled_rows(dataset.train.y)].flatten(1))


def test_the_checkerboard_s_neighbours_differ_in_colour():
    from bench.reproductions.plan import load_model

    cls = load_model("models/checkerboard.py")[1]
    at = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, -2.0], [4.0, 4.0], [4.1, 3.9]])
    assert cls.colour_of(at).tolist() == [0, 1, 1, 0, 0]


# --- catalogue ------------------------------------------------------------------------------------------------------


def test_there_are_ten_questions_and_the_published_results_asked_for():
    found = names()
    assert [n for n in found if n.startswith("question-")] == [f"question-{i}" for i in range(1, 11)]
    for name in (
        "pacgan-table-1",
        "stacked-mnist",
        "semi-supervised",
        "parzen",
        "binarised-mnist",
        "fashion-fid",
        "classical",
    ):
        assert load_experiment(name).target
    assert [e.name for e in choose(("question-2", "question-2"), everything=False)] == ["question-2"]


@pytest.mark.parametrize("name", names())
def test_every_question_has_five_seeds_and_every_column_is_known(name):
    experiment = load_experiment(name)
    for budget in experiment.budget.values():
        assert experiment.kind == "published" or budget.seeds >= 5
    for each in (*experiment.columns, *experiment.plot, *(c for comp in experiment.compare for c in comp.columns)):
        assert column(each).title


def test_a_misspelt_key_is_named_with_its_nearest(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text('title = "t"\n[budget.cpu]\nsedes = 3\n')
    with pytest.raises((UsageError, LookupError), match="did you mean 'seeds'"):
        read_experiment(path, "question")
    path.write_text(
        'title = "t"\n[[target]]\narm = "a"\nmetric = "nll"\nvalue = 1.0\nbetter = "lower"\n[budget.cpu]\nseeds = 3\n'
    )
    with pytest.raises((UsageError, LookupError), match="unknown arm 'a'"):
        read_experiment(path, "published")


def test_pacgan_s_table_is_the_published_one():
    experiment = load_experiment("pacgan-table-1")
    table = {(t.arm, t.metric): (t.value, t.se, t.n) for t in experiment.target}
    assert len(table) == 18
    assert table["GAN, ring8", "modes_captured"] == (6.3, 0.5, 10)
    assert table["PacGAN4, grid25", "mode_kl_uniform"] == (0.04, 0.01, 10)
    assert experiment.budget["gpu"].full and not experiment.budget["cpu"].full
    assert experiment.budget["gpu"].fields["steps"] == 400 * 100_000 // 100
    assert {arm.fields["batch"] for arm in experiment.arm} == {100}  # of tuples, whatever m: an epoch is 100,000 tuples


# --- every protocol on a tiny budget --------------------------------------------------------------------------------


def _tiny(cell):
    hparams = dict(cell.model["hparams"])
    if "steps" in hparams:
        hparams["steps"] = 4
    return replace(
        cell, model=cell.model | {"hparams": hparams}, steps=cell.steps and 4, elbo_samples=2, sample_limit=4000
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in names() if n != "question-8"])
def test_every_protocol_runs_from_plan_to_page(name, monkeypatch):
    monkeypatch.setattr("bench.reproductions.measures.stacked_modes.SAMPLES", 2000)
    monkeypatch.setattr("bench.reproductions.measures.optimal_d.SAMPLES", 1000)
    monkeypatch.setattr("bench.reproductions.measures.cross_validation.REPEATS", 2)
    experiment = load_experiment(name)
    plan = plan_of(experiment, budget="cpu", device="cpu")
    arms = {}
    for arm, cell in zip(experiment.arm, plan.cells):  # seed 0 of every arm comes first
        arms.setdefault((arm.model, arm.dataset, arm.measures), (arm, cell))
    runs = []
    for arm, cell in arms.values():
        record = run_cell(_tiny(cell))
        assert record["status"] == "ok", record["error"]
        runs.append(run_of(arm.name, record))
    for arm, cell in arms.values():  # what an arm was to measure is there
        wanted = {c for m in cell.measures for c in _columns(m)}
        got = set(next(r for r in runs if r.arm == arm.name).values)
        assert not wanted or wanted & got, (arm.name, wanted)
    result = json.loads(json.dumps(result_of(experiment, "cpu", runs, FACTS)))
    assert result["columns"]
    assert {t["verdict"] for t in result["targets"]} <= (
        {"reproduced", "better", "not reproduced", "undecided", "no run"}
        if result["full"]
        else {"not comparable", "no run"}
    )
    block, plots = questions_page.question_block(experiment, {(name, "cpu"): result})
    assert experiment.title in block and f"bench reproduce {name}" in block
    assert next(iter(plots.values())).startswith("<svg")


def _columns(measure):
    from bench.reproductions.measure import columns_of

    return columns_of(measure)


def test_a_smaller_training_set_is_other_rows_for_each_seed():
    from bench.run.prepare import load_dataset, training_split

    cells = plan_of(load_experiment("question-7"), budget="cpu", device="cpu").cells
    small = [c for c in cells if c.train_rows == 100 and c.model["id"] == "copycat"]
    dataset = load_dataset(small[0])
    rows = [training_split(c, dataset).x for c in small[:2]]
    assert [len(r) for r in rows] == [100, 100] and not torch.equal(*rows)
    keys = {c.key for c in cells if c.model["id"] == "copycat" and c.seed == 0}
    assert len(keys) == 3  # the number of rows is in the key


def test_binarized_pixels_are_zero_or_one_with_the_image_s_mean():
    from bench.datasets import binarized
    from bench.datasets.digits import digits

    whole, drawn = digits(), binarized(digits())
    x = drawn.train.x.whole()
    assert set(x.unique().tolist()) == {0.0, 1.0} and drawn.levels == 2
    # 64,000 Bernoulli pixels: a standard error below 0.5 / 253
    assert float(x.mean()) == pytest.approx(float(whole.train.x.mean()), abs=4 * 0.5 / 253)
    assert drawn.sha256 == binarized(digits()).sha256 != whole.sha256


# --- result and pages -----------------------------------------------------------------------------------------------


def _experiment(**more):
    arms = (Arm(name="a", model="kde", dataset="ring8"), Arm(name="b", model="kde", dataset="ring8"))
    parts = dict(name="question-1", kind="question", title="T?", budget={"cpu": Budget(seeds=3)}, arm=arms)
    return Experiment(**(parts | dict(columns=("mode_jsd",), setup="S.") | more))


def _runs(**values):
    return [Run(arm, seed, "ok", {"mode_jsd": v}) for arm, vs in values.items() for seed, v in enumerate(vs)]


def test_a_result_has_ratio_interval_and_finding():
    experiment = _experiment(compare=(Compare(columns=("mode_jsd",), arms=("a",), base="b"),))
    result = result_of(experiment, "cpu", _runs(a=[0.4, 0.41, 0.39], b=[0.1, 0.11, 0.09]), FACTS)
    (effect,) = result["compare"]
    assert effect["value"] == pytest.approx(4.0, rel=0.02) and effect["words"] == "higher: worse"
    assert effect["low"] < effect["value"] < effect["high"]
    block, plots = questions_page.question_block(experiment, {("question-1", "cpu"): result})
    assert "higher: worse" in block and "× " in block
    assert plots["question-1.cpu.svg"].count("<circle") == 2


def test_a_target_is_compared_with_the_mean_over_seeds():
    target = Target(arm="a", metric="mode_jsd", value=0.3, se=0.0, n=10, better="lower")
    experiment = _experiment(kind="published", target=(target,), budget={"cpu": Budget(seeds=3, full=True)})
    (row,) = result_of(experiment, "cpu", _runs(a=[0.1, 0.11, 0.09], b=[1.0]), FACTS)["targets"]
    assert row["ours"] == pytest.approx(0.1) and row["ours_se"] == pytest.approx(0.01 / math.sqrt(3))
    assert row["verdict"] == "better"


def test_diverged_runs_are_counted_beside_what_they_are_left_out_of():
    diverged = [Run("a", 3, "diverged", {}), Run("a", 4, "diverged", {})]
    runs = _runs(a=[0.1, 0.11, 0.09], b=[0.3, 0.31, 0.29]) + diverged
    experiment = _experiment(compare=(Compare(columns=("mode_jsd",), arms=("a",), base="b"),))
    result = result_of(experiment, "cpu", runs, FACTS)
    assert result["compare"][0]["words"] == "lower: better (2 runs left out)"
    target = Target(arm="a", metric="mode_jsd", value=0.3, se=0.01, n=10, better="lower")
    experiment = _experiment(kind="published", target=(target,), budget={"cpu": Budget(seeds=5, full=True)})
    result = result_of(experiment, "cpu", runs, FACTS)
    assert result["targets"][0]["verdict"] == "undecided"
    assert "(3 of 5 runs)" in published_page.target_rows(result)[1][0][3]


def test_correlations_stand_in_the_same_family_of_tests():
    arms = tuple(Arm(name=n, model="kde", dataset="ring8") for n in "abcdef")
    compare = (Compare(columns=("mode_jsd",), arms=("a",), base="b"),)
    experiment = _experiment(arm=arms, compare=compare, correlate=(("mode_jsd", "cpu_s"),))
    rng = np.random.default_rng(0)
    runs = [
        Run(arm, s, "ok", {"mode_jsd": (i + 1) * v, "cpu_s": (i + 1.0) ** 2 * v})
        for i, arm in enumerate("abcdef")
        for s, v in enumerate(rng.lognormal(0, 0.05, 5))
    ]
    result = result_of(experiment, "cpu", runs, FACTS)
    (effect,), (found,) = result["compare"], result["correlate"]
    small, large = sorted([effect["p"], found["p"]])
    assert sorted([effect["p_holm"], found["p_holm"]]) == pytest.approx([2 * small, max(2 * small, large)])
    assert "over the 2 tests" in questions_page.question_block(experiment, {("question-1", "cpu"): result})[0]


def test_what_is_no_result_is_left_out(tmp_path):
    from bench.reproductions.protocol import load_experiment
    from bench.reproductions.run import results_in, write_result

    whole = result_of(load_experiment("classical"), "cpu", [], {"core_minutes": 0.0})
    write_result(tmp_path, whole | {"x": math.nan})
    (tmp_path / "question-1.cpu.json").write_text('{"schema": "bench.reproduction/0", "name": "question-1"}')
    (tmp_path / "question-2.cpu.json").write_text("{")
    found = results_in(tmp_path)
    assert list(found) == [("classical", "cpu")] and found["classical", "cpu"]["x"] is None


def test_words_outside_the_markers_stay():
    experiment = _experiment()
    result = result_of(experiment, "cpu", _runs(a=[0.1], b=[0.2]), FACTS)
    text = "# Q\n\nBy hand.\n\n<!-- question-1 -->\nold\n<!-- end of question-1 -->\n\nAnswer.\n"
    again, _ = questions_page._with_question(text, experiment, {("question-1", "cpu"): result})
    assert again.startswith("# Q\n\nBy hand.\n") and again.endswith("\nAnswer.\n") and "old" not in again


def test_a_plot_is_well_formed_and_inside_its_frame():
    from xml.dom.minidom import parseString

    experiment = _experiment(curves=("d_real",))
    curve = [{"step": s, "d_real": 0.5 + s / 1000} for s in range(1, 101)]
    runs = [replace(r, curve=curve) for r in _runs(a=[0.1, 0.5, 1e-6], b=[0.2, 0.2, 0.2])]
    picture = parseString(svg(result_of(experiment, "cpu", runs, FACTS), ("mode_jsd",), ("d_real",)))
    for circle in picture.getElementsByTagName("circle"):
        assert 215 <= float(circle.getAttribute("cx")) <= 640
    assert len(picture.getElementsByTagName("polyline")) == 2


def test_ticks_are_round_values_inside_the_axis():
    from bench.reproductions.plot import Axis

    assert Axis([1.0, 100.0], log=True).ticks() == [1.0, 10.0, 100.0]
    assert Axis([0.3, 6.0], log=True).ticks() == [0.5, 1.0, 2.0, 5.0]
    assert Axis([0.0, 1.0], log=False).ticks() == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert all(math.isfinite(t) for t in Axis([3.0, 3.0], log=False).ticks())


def test_question_8_reads_stored_records(tmp_path):
    from bench.errors import DataUnavailable
    from bench.records.cost import COMMITTED
    from bench.records.store import Store
    from bench.reproductions.run import committed_records

    experiment = load_experiment("question-8")
    found = committed_records(experiment, Store(COMMITTED))
    assert {name for name, _ in found} == {arm.name for arm in experiment.arm}
    assert all(not record["model"]["reference"] for _, record in found)
    with pytest.raises(DataUnavailable, match="bench run --all"):
        committed_records(experiment, Store(tmp_path))


def test_columns_that_do_not_fit_follow_below():
    from bench.cli.reproduce import blocks_of_columns

    rows = (("arm", "1234567", "1234567", "1234567"),)
    assert blocks_of_columns(("arm", "a", "b", "c"), rows, 26) == [[0, 1, 2], [0, 3]]
    assert blocks_of_columns(("arm", "a", "b", "c"), rows, 200) == [[0, 1, 2, 3]]
    assert blocks_of_columns(("arm", "a", "b", "c"), rows, 5) == [
        [0, 1],
        [0, 2],
        [0, 3],
    ]  # wider than the screen: folded


# --- the verb -------------------------------------------------------------------------------------------------------


def _bench(*arguments, **environment):
    command = [sys.executable, "-m", "bench.cli", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=os.environ | environment, timeout=300, check=False
    )


@pytest.mark.slow
def test_reproduce_alone_lists_a_line_for_each():
    done = _bench("reproduce")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == names()


@pytest.mark.slow
def test_an_unknown_name_and_budget_are_usage_errors():
    done = _bench("reproduce", "question-99")
    assert done.returncode == 2 and "did you mean 'question-9'" in done.stderr and "Traceback" not in done.stderr
    assert _bench("reproduce", "classical", "--budget", "tpu").returncode == 2


@pytest.mark.slow
def test_what_is_missing_is_one_line_and_exit_code_7_only_when_named(tmp_path):
    offline = {
        "GENBENCH_DATA": str(tmp_path / "none"),
        "XDG_CACHE_HOME": str(tmp_path),
        "http_proxy": "http://127.0.0.1:9",
    }
    offline |= {"https_proxy": "http://127.0.0.1:9", "TORCH_HOME": str(tmp_path)}
    done = _bench("reproduce", "semi-supervised", "--budget", "gpu", "--out", tmp_path / "out", **offline)
    if "data unavailable" not in done.stdout:
        pytest.skip("MNIST is here")
    assert done.returncode == 7
    assert "mnist is not here" in done.stdout and "Traceback" not in done.stderr
    assert "Not run yet. At full length it needs mnist." in (tmp_path / "out/docs/reproductions.md").read_text()


@pytest.mark.slow
def test_a_full_protocol_from_the_command_line_and_again_without_computing(tmp_path):
    out = tmp_path / "out"
    first = _bench("reproduce", "classical", "--out", out, "--jobs", 2)
    assert first.returncode == 0, first.stderr
    result = json.loads((out / "reproductions" / "classical.cpu.json").read_text())
    assert {t["verdict"] for t in result["targets"]} == {"reproduced"} and len(result["targets"]) == 15
    again = _bench("reproduce", "classical", "--out", out, "--json")
    assert "15 done before, 0 to do" in again.stderr
    assert json.loads(again.stdout)[0]["result"]["targets"] == result["targets"]
    assert "reproduced" in (out / "docs" / "reproductions.md").read_text()
    from bench.records.store import Store

    assert Store(out).records() == []  # never on the main boards
