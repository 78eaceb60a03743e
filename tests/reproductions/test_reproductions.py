"""Measures on known laws; every protocol runs on a tiny budget; pages and plots say what the result says."""

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
from bench.reproductions import questions_page, tables
from bench.reproductions.plan import plan_of
from bench.reproductions.plot import svg
from bench.reproductions.protocol import (
    Arm,
    Budget,
    Compare,
    Experiment,
    Target,
    load_experiment,
    names,
)
from bench.reproductions.result import result_of
from bench.reproductions.runs import Run, run_of
from bench.run.cell import run_cell

ROOT = Path(__file__).resolve().parents[2]
FACTS = {"device": "cpu", "environment": None, "core_minutes": 0.0}


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


def test_collapse_is_by_effective_modes_and_not_by_a_sample_a_mode():
    from bench.metrics.modes import histogram_kl
    from bench.reproductions.measure import Fitted
    from bench.reproductions.measures.collapse import measure

    class Eight:
        n_modes = 8

    def of(counts):
        kl = histogram_kl(torch.tensor(counts), torch.full((8,), 1 / 8))
        return measure(Fitted(object(), Eight, None, [], 0, {"mode_kl_uniform": kl}))

    even, half, strays = of([10] * 8), of([10] * 4 + [0] * 4), of([993] + [1] * 7)
    assert even["effective_modes"] == pytest.approx(8.0) and even["collapsed"] == 0.0
    assert half["effective_modes"] == pytest.approx(4.0)
    assert strays["effective_modes"] == pytest.approx(1.057, abs=1e-3)  # exp of 0.993 ln 1/0.993 + 7 x 0.001 ln 1000
    assert strays["collapsed"] == 1.0  # though every mode has a sample
    assert measure(Fitted(None, Eight, None, [], 0, {})) == {"collapsed": 1.0}


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


def test_two_colours_are_those_of_neighbours_and_of_signs():
    from bench.reproductions.plan import load_model

    cls = load_model("models/two_colours.py")[1]
    at = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, -2.0], [4.0, 4.0], [4.1, 3.9]])
    assert cls().colour_of(at).tolist() == [0, 1, 1, 0, 0]
    signs = torch.tensor([[1.0, 1, 1, 1], [-1, 1, 1, 1], [-1, -2, 1, 3], [-1, 1, -1, -1], [-1, -1, -1, -1]])
    assert cls(task="parity").colour_of(signs).tolist() == [0, 1, 0, 1, 0]
    with pytest.raises(ValueError, match="task must be one of checkerboard, parity, got 'xor'"):
        cls(task="xor")


def test_the_accuracy_of_two_colours_is_that_of_the_task():
    from bench.reproductions.measure import Fitted
    from bench.reproductions.measures.two_colours import measure
    from bench.reproductions.plan import load_model

    class Right(load_model("models/two_colours.py")[1]):
        def predict_proba(self, x):
            return torch.nn.functional.one_hot(self.colour_of(x), 2).double()

    class Zero(Right):
        def predict_proba(self, x):
            return torch.tensor([[1.0, 0.0]]).expand(len(x), 2)

    class Data:
        class test:
            x = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [4.0, 2.0]])

    assert measure(Fitted(Right(), Data, None, [], 0, {})) == {"checkerboard_accuracy": 1.0}
    assert measure(Fitted(Zero(), Data, None, [], 0, {})) == {"checkerboard_accuracy": 0.25}
    assert measure(Fitted(Right(task="parity"), Data, None, [], 0, {})) == {"parity_accuracy": 1.0}
    half = measure(Fitted(Zero(task="parity"), Data, None, [], 0, {}))["parity_accuracy"]
    assert half == pytest.approx(0.5, abs=4 * 0.005)  # 10,000 fair coins: a standard error of .005
    assert measure(Fitted(object(), Data, None, [], 0, {})) == {}


def _tiny(cell):
    hparams = dict(cell.model["hparams"])
    if "steps" in hparams:
        hparams["steps"] = 4
    return replace(
        cell, model=cell.model | {"hparams": hparams}, steps=cell.steps and 4, elbo_samples=2, sample_limit=4000
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
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
        {"agrees", "differs", "no run"}
        if experiment.kind == "agreement"
        else {"reproduced", "better", "not reproduced", "too uncertain to say", "no run"}
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
    keys = {c.key for c in cells if c.model["id"] == "copycat" and c.seed == small[0].seed}
    assert len(keys) == 3  # the number of rows is in the key


def test_binarized_pixels_are_zero_or_one_with_the_image_s_mean():
    from bench.datasets._variants import binarized
    from bench.datasets.digits import digits

    whole, drawn = digits(), binarized(digits())
    x = drawn.train.x.whole()
    assert set(x.unique().tolist()) == {0.0, 1.0} and drawn.levels == 2
    # 64,000 Bernoulli pixels: a standard error below 0.5 / 253
    assert float(x.mean()) == pytest.approx(float(whole.train.x.mean()), abs=4 * 0.5 / 253)
    assert drawn.sha256 == binarized(digits()).sha256 != whole.sha256


def _experiment(**more):
    arms = (Arm(name="a", model="kde", dataset="ring8"), Arm(name="b", model="kde", dataset="ring8"))
    parts = {"name": "question-1", "kind": "question", "title": "T?", "budget": {"cpu": Budget(seeds=3)}, "arm": arms}
    return Experiment(**(parts | {"columns": ("mode_jsd",), "setup": "S."} | more))


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
    target = Target(arm="a", metric="mode_jsd", value=0.3, se=0.01, n=10, margin=0.01, better="lower")
    experiment = _experiment(kind="published", target=(target,), budget={"cpu": Budget(seeds=5, full=True)})
    result = result_of(experiment, "cpu", runs, FACTS)
    assert result["targets"][0]["verdict"] == "too uncertain to say"
    assert "(3 of 5 runs)" in tables.target_rows(result)[1][0][3]


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
    again, _ = questions_page.with_question(text, experiment, {("question-1", "cpu"): result})
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


def test_a_plot_of_equal_values_has_finite_places():
    picture = svg(result_of(_experiment(), "cpu", _runs(a=[0.2, 0.2], b=[0.2, 0.2]), FACTS), ("mode_jsd",), ())
    assert picture.count("<circle") == 2 and "nan" not in picture and "inf" not in picture


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
    assert {t["verdict"] for t in result["targets"]} == {"agrees"} and len(result["targets"]) == 15
    again = _bench("reproduce", "classical", "--out", out, "--json")
    assert "15 done before, 0 to do" in again.stderr
    assert json.loads(again.stdout)[0]["result"]["targets"] == result["targets"]
    assert "agrees" in (out / "docs" / "reproductions.md").read_text()
    from bench.records.store import Store

    assert Store(out).records() == []  # never on the main boards
