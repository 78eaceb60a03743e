"""Experiments as data: what is in the files, what a wrong file says, and what is called full."""

from dataclasses import replace
from itertools import pairwise

import pytest

from bench.errors import UsageError
from bench.reproductions.columns import column
from bench.reproductions.protocol import choose, load_experiment, names, read_experiment


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
        "mnist-classical",
    ):
        assert load_experiment(name).target
    assert [e.name for e in choose(("question-2", "question-2"), everything=False)] == ["question-2"]


@pytest.mark.parametrize("name", names())
def test_every_question_has_ten_seeds_and_every_column_is_known(name):
    experiment = load_experiment(name)
    for budget in experiment.budget.values():
        assert experiment.kind != "question" or budget.seeds >= 10
    compared = [column for each in (*experiment.compare, *experiment.interact) for column in each.columns]
    for each in (*experiment.columns, *experiment.plot, *compared, *(best.column for best in experiment.best)):
        assert column(each).title


def test_no_question_shares_a_seed_with_another_and_all_of_them_cost_about_six_core_hours():
    questions = [load_experiment(name) for name in names() if name.startswith("question-")]
    for budget in ("cpu", "gpu"):
        plans = [one.budget[budget] for one in questions]
        seeds = [seed for plan in plans for seed in range(plan.first_seed, plan.first_seed + plan.seeds)]
        assert len(set(seeds)) == len(seeds)
    assert 0 < sum(one.budget["cpu"].core_minutes for one in questions) <= 370


def test_a_protocol_s_hash_is_of_what_decides_numbers_and_of_no_words():
    one = load_experiment("question-2")
    same = replace(one, setup="in other words", title="?")
    assert same.fingerprint("cpu") == one.fingerprint("cpu") != one.fingerprint("gpu")
    longer = replace(one.arm[0], fields=one.arm[0].fields | {"steps": 101})
    assert replace(one, arm=(longer, *one.arm[1:])).fingerprint("cpu") != one.fingerprint("cpu")
    cheaper = replace(one, budget=one.budget | {"cpu": replace(one.budget["cpu"], core_minutes=1.0)})
    assert cheaper.fingerprint("cpu") == one.fingerprint("cpu")


def test_networks_that_differ_in_depth_have_as_many_weights():
    def weights(sizes):
        return sum(a * b + b for a, b in pairwise(sizes))

    arms = {arm.name: arm.fields for arm in load_experiment("question-10").arm}
    d = [arms[name] for name in ("D of one layer of 51", "D of two layers of 12")]
    assert {weights([2, *[f["d_hidden"]] * f["d_depth"], 1]) for f in d} == {205}
    for task, inputs, count in (("checkerboard", 2, 162), ("parity", 4, 562)):
        sizes = [fields["hidden"] for name, fields in arms.items() if name.startswith(task)]
        assert len(sizes) == 2 and {weights([inputs, *hidden, 2]) for hidden in sizes} == {count}


def test_a_comparison_may_name_a_best_and_an_interaction_only_what_there_is(tmp_path):
    path = tmp_path / "x.toml"
    text = 'title = "t"\n[budget.cpu]\nseeds = 3\n[[arm]]\nname = "a"\nmodel = "kde"\ndataset = "ring8"\n'
    text += '[[arm]]\nname = "b"\nmodel = "kde"\ndataset = "ring8"\n[[best]]\nname = "c"\narms = ["a", "b"]\ncolumn = "w1"\n'
    path.write_text(text + '[[compare]]\ncolumns = ["w1"]\narms = ["c"]\nbase = "a"\n')
    assert read_experiment(path, "question").best[0].arms == ("a", "b")
    path.write_text(text + '[[interact]]\ncolumns = ["w1"]\npairs = [["a", "c"], ["a", "d"]]\n')
    with pytest.raises((UsageError, LookupError), match="unknown arm 'd'"):
        read_experiment(path, "question")
    path.write_text(text.replace('name = "c"', 'name = "a"'))
    with pytest.raises(UsageError, match="two arms of one name"):
        read_experiment(path, "question")


def test_a_misspelt_key_is_named_with_its_nearest(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text('title = "t"\n[budget.cpu]\nsedes = 3\n')
    with pytest.raises((UsageError, LookupError), match="did you mean 'seeds'"):
        read_experiment(path, "question")
    path.write_text(
        'title = "t"\n[[target]]\narm = "a"\nmetric = "nll"\nvalue = 1.0\nmargin = 0.5\nbetter = "lower"\n[budget.cpu]\nseeds = 3\n'
    )
    with pytest.raises((UsageError, LookupError), match="unknown arm 'a'"):
        read_experiment(path, "published")


def test_pacgan_s_table_is_the_published_one():
    experiment = load_experiment("pacgan-table-1")
    table = {(t.arm, t.metric): (t.value, t.se, t.n) for t in experiment.target}
    assert len(table) == 18
    assert table["GAN, ring8", "modes_captured"] == (6.3, 0.5, 10)
    assert table["PacGAN4, grid25", "mode_kl_uniform_hq"] == (0.04, 0.01, 10)
    assert experiment.budget["full"].full and not experiment.budget["cpu"].full
    assert experiment.budget["full"].fields["steps"] == 400 * 100_000 // 100
    assert {arm.fields["batch"] for arm in experiment.arm} == {100}  # of tuples, whatever m: an epoch is 100,000 tuples


@pytest.mark.parametrize("name", [n for n in names() if not n.startswith("question-")])
def test_a_budget_is_full_or_says_what_it_is_not(name):
    """What SCIENCE and the authors' files say of each: only these are the published networks, data and length."""
    for budget, chosen in load_experiment(name).budget.items():
        is_full = (name, budget) in {
            ("pacgan-table-1", "full"), ("semi-supervised", "full"), ("classical", "cpu"),
            ("mnist-classical", "full"), ("parzen", "full"), ("binarised-mnist", "full"),
        }  # fmt: skip
        assert chosen.full == is_full and bool(chosen.note) != is_full


def test_a_published_number_without_a_margin_cannot_be_judged(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text(
        'title = "t"\n[[arm]]\nname = "a"\nmodel = "kde"\ndataset = "iris"\n'
        '[[target]]\narm = "a"\nmetric = "nll"\nvalue = 1.0\nbetter = "lower"\n[budget.cpu]\nseeds = 3\n'
    )
    with pytest.raises(UsageError, match="the target nll of 'a' has no margin above 0"):
        read_experiment(path, "published")
    assert read_experiment(path, "agreement").target[0].margin == 0.0


def test_a_budget_that_an_experiment_lacks_is_an_error_by_name_and_left_out_of_a_group():
    with pytest.raises(UsageError, match="question-1 has no budget 'full'; it has cpu, gpu"):
        choose(("question-1",), everything=False, budget="full")
    assert "fashion-fid" not in [e.name for e in choose(("published",), everything=False, budget="gpu")]
    assert [e.kind for e in choose(("agreement",), everything=False)] == ["agreement"]
