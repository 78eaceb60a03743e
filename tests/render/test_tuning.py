"""A search in words: a table in the right order, and lines that a suite reads back as they were meant."""

import tomllib

from bench.plan.suite import load_suite
from bench.render.tuning import head_line, order_of, toml, toml_lines, trial_lines
from tests.records.test_tuning import a_search


def test_the_best_trial_is_the_first_line_and_one_without_a_value_the_last():
    search = a_search((0.3, None, 0.1, 0.2))
    search["trials"][1]["error"] = "ValueError in fit: no"
    assert order_of(search) == [2, 3, 0, 1]
    lines = trial_lines(search)
    assert lines[0].split() == ["trial", "energy_distance", "↓", "core-s", "h", "kernel"]
    assert [line.split()[0] for line in lines[1:]] == ["2", "3", "0", "1"]
    assert lines[1].split() == ["2", "0.100", "10.0", "2.5", "round"]
    assert lines[3].endswith("the defaults") and lines[4].endswith("crashed: ValueError in fit: no")


def test_a_higher_value_is_first_where_higher_is_better():
    search = a_search((0.3, 0.1, 0.2))
    search["metric"]["better"] = "higher"
    assert order_of(search) == [0, 2, 1]


def test_the_head_tells_the_suite_the_cost_and_what_was_fixed():
    search = a_search((0.3, 0.1), steps=200, fixed={"steps": 200, "batch": 8})
    assert head_line(search) == (
        "kde on iris, public board: 2 trials, 20 core-seconds (suite core, cpu, 200 steps, batch=8, training seed 0)"
    )


def test_the_lines_are_a_suite_that_sets_the_best_settings(tmp_path):
    search = a_search((0.3, 0.1))
    search["trials"][1]["settings"] = {"kernel": "round", "h": 1.5, "bandwidth": None}
    lines = toml_lines(search)
    assert lines[0] == "[set.kde.iris]"
    (tmp_path / "mine.toml").write_text("\n".join(lines))
    assert load_suite(str(tmp_path / "mine.toml")).set == {"kde": {"iris": {"kernel": "round", "h": 1.5}}}
    assert toml_lines(a_search((None,))) == []


def test_values_and_odd_names_are_read_back_as_they_were():
    for value in (3, 0.25, 1e-5, True, False, 'a "quoted" \\ word\n', [64, 128], [[1, 2], ["a"]]):
        assert tomllib.loads(f"value = {toml(value)}")["value"] == value
    lines = toml_lines(a_search((0.1,), model="my gan.v2"))
    assert tomllib.loads("\n".join(lines))["set"]["my gan.v2"]["iris"]["h"] == 0.5
