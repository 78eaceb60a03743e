"""Suites: an unknown key is an error that says what is near."""

import pytest

from bench.errors import UsageError
from bench.registry import NotFound, entries
from bench.suite import load_suite, suite_names


def test_every_suite_reads_and_names_known_things():
    for name in suite_names():
        suite = load_suite(name)
        assert set(suite.datasets) <= set(entries("dataset"))
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
    with pytest.raises(UsageError, match="seeds must be int, got 'three'"):
        load_suite(str(path))
    path.write_text("seeds = = 3\n")
    with pytest.raises(UsageError, match="not readable as TOML"):
        load_suite(str(path))
