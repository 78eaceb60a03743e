"""bench show: own data with the options of a run, suites and experiments, and how a metric is read."""

import json

import pytest

from bench.cli.run import _names_something
from bench.cli.show import print_one, reading_of
from bench.errors import UsageError
from bench.registry import ROOT, NotFound, entries
from bench.render.suites_page import PAGE, keys, page


def said(capsys, name, out=ROOT / "results", **more):
    print_one(name, out, **more)
    return capsys.readouterr().out


def test_own_data_are_shown_as_a_run_with_the_same_options_reads_them(tmp_path, capsys):
    path = tmp_path / "own.csv"
    path.write_text("a,b,kind\n" + "\n".join(f"{i % 11}.{i},{i * i % 13}.5,{'uv'[i % 2]}" for i in range(60)))
    assert "classes: none" in said(capsys, str(path))
    assert "classes: 2: u 30, v 30" in said(capsys, str(path), reading=reading_of("kind", "", None))
    look = json.loads(said(capsys, str(path), reading=reading_of("kind", "", ["b"]), as_json=True))
    assert look["classes"] == {"u": 30, "v": 30} and sum(look["rows"].values()) == 60
    with pytest.raises(UsageError, match="--strict go with a path of own data; 'kde' is none"):
        print_one("kde", tmp_path, strict=True)


def test_a_suites_file_is_checked_and_shown_and_asked_for_by_what_it_names(tmp_path, capsys):
    path = tmp_path / "mine.toml"
    path.write_text('datasets = ["iris"]\n')
    assert "models: all" in said(capsys, str(path)) and _names_something(str(path))
    path.write_text("seeds = 1\n")
    assert said(capsys, str(path)).count("--all") == 1 and not _names_something(str(path))
    assert not _names_something("smoke")
    path.write_text("seedz = 1\n")
    with pytest.raises(UsageError, match="unknown key 'seedz'"):
        print_one(str(path), tmp_path)


def test_an_experiment_says_what_it_asks_its_arms_and_its_cost(capsys, tmp_path):
    text = said(capsys, "classical")
    assert "classical: LDA, QDA and KDE-Bayes" in text and "arms:\n  " in text
    assert "core-minutes in the stored result" in text, "of the committed results, whatever --out holds"
    assert "core-minutes in the stored result" in said(capsys, "classical", tmp_path)
    assert "about 30.0 core-minutes" in said(capsys, "question-3"), "its stored result is of an older protocol"


def test_a_family_of_metrics_is_one_thing_and_every_metric_says_how_it_is_read(capsys):
    text = said(capsys, "fid")
    assert "columns: fid_random, fid_identity, fid_lenet" in text and "how to read it: lower is better" in text
    for name in entries("metric"):
        assert "is better; " in said(capsys, name) or "it describes; " in said(capsys, name)
    with pytest.raises(NotFound, match="did you mean 'fid"):
        print_one("fidd", ROOT / "results")


def test_the_page_of_suites_is_what_the_class_says():
    assert PAGE.read_text(encoding="utf-8") == page()
    assert all(key.comment and key.expected for key in keys())
