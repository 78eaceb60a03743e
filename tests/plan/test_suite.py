"""Suites: an unknown key is an error that says what is near."""

import pytest

from bench.errors import UsageError
from bench.plan.suite import load_suite, suite_names
from bench.registry import NotFound, entries


def test_every_suite_reads_and_names_known_things():
    for name in suite_names():
        suite = load_suite(name)
        assert set(suite.datasets) <= set(entries("dataset"))
        assert set(suite.targets) <= set(suite.datasets)
        for table in (suite.steps, suite.set):
            assert set(table) <= set(entries("model")), name


def test_an_unknown_suite_and_an_unknown_key(tmp_path):
    with pytest.raises(NotFound, match="did you mean 'core'"):
        load_suite("cores")
    path = tmp_path / "mine.toml"
    path.write_text("seedz = 3\n")
    with pytest.raises(UsageError, match="unknown key 'seedz'; did you mean 'seeds'"):
        load_suite(str(path))
    path.write_text('seeds = "three"\n')
    with pytest.raises(UsageError, match="seeds is 'three'; expected a whole number of at least 1"):
        load_suite(str(path))
    path.write_text("seeds = = 3\n")
    with pytest.raises(UsageError, match="not readable as TOML"):
        load_suite(str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[steps.dcgann]\ndigits = 3\n", "unknown model 'dcgann'; did you mean 'dcgan'"),
        ("[steps.dcgan]\ndigit = 3\n", "unknown dataset or kind 'digit'; did you mean 'digits'"),
        ("[steps.dcgan]\ndigits = 0\n", "steps.dcgan.digits is 0; expected a whole number of at least 1"),
        ("[targets]\ndigit = 3\n", "unknown dataset 'digit'; did you mean 'digits'"),
        ('[targets]\ndigits = "low"\n', "targets.digits is 'low'; expected a finite number"),
        ("[targets]\ndigits = nan\n", "targets.digits is nan; expected a finite number"),
        ("[caps]\ndigit = 3\n", "caps: unknown dataset or kind 'digit'; did you mean 'digits'"),
        ("[target]\ndigits = 3.0\n", "unknown key 'target'; did you mean 'targets'"),
        ('datasets = ["irsi"]\n', "datasets: unknown dataset 'irsi'; did you mean 'iris'"),
        ("datasets = [3]\n", "datasets.0 is 3; expected a name"),
        ('models = ["keed"]\n', "models: unknown model 'keed'; did you mean 'kde'"),
        ("seeds = 0\n", "seeds is 0; expected a whole number of at least 1"),
        ("seeds = true\n", "seeds is True; expected a whole number of at least 1"),
        ("timeout_s = -1.0\n", "timeout_s is -1.0; expected a number of at least 1"),
        ("memory_gib = nan\n", "memory_gib is nan; expected a number of at least 0.1"),
        ("[set]\ndcgan = 3\n", "set.dcgan is 3; expected a table"),
        ("[set.dcgan]\ndigits = 3\n", "set.dcgan.digits is 3; expected a table"),
        ('datasets = "iris"\n', "datasets is 'iris'; expected a list"),
        ('ranks = "some"\n', "ranks is 'some'; expected 'all' or 'flat'"),
        ('ranks = "flat"\nprobes = 4\n', 'ranks = "flat" needs probes of at least 5, got 4'),
        ('name = "core"\n', "unknown key 'name'; a suite has the name of its file"),
    ],
)
def test_tables_of_a_suite_name_known_things(tmp_path, text, message):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        load_suite(str(path))


def test_the_name_of_a_suite_file_can_be_that_of_a_folder(tmp_path):
    path = tmp_path / "my\x1bsuite.toml"
    path.write_text("seeds = 1\n")
    with pytest.raises(UsageError, match="its name must be letters"):
        load_suite(str(path))


def test_a_limit_on_rows_lets_small_sides_have_all_draws_and_large_ones_one(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("draws = 5\ndraw_limit = 12500\n")
    limited = load_suite(str(path))
    assert [limited.draws_of(rows) for rows in (30, 2500, 5000, 10_000, 50_000)] == [5, 5, 2, 1, 1]
    path.write_text("draws = 5\n")
    assert load_suite(str(path)).draws_of(50_000) == 5
