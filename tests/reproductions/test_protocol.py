"""Experiments as data: what is in the files, what a wrong file says, and what is called full."""

import pytest

from bench.errors import UsageError
from bench.reproductions.protocol import choose, column, load_experiment, names, read_experiment


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
def test_every_question_has_five_seeds_and_every_column_is_known(name):
    experiment = load_experiment(name)
    for budget in experiment.budget.values():
        assert experiment.kind != "question" or budget.seeds >= 5
    for each in (*experiment.columns, *experiment.plot, *(c for comp in experiment.compare for c in comp.columns)):
        assert column(each).title


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
    assert "mnist-classical" not in [e.name for e in choose(("published",), everything=False, budget="cpu")]
    assert [e.kind for e in choose(("agreement",), everything=False)] == ["agreement"]
