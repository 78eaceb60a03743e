"""A reference that was edited by hand or merged badly is refused: what the gate cannot read it must not pass."""

import copy
import json

import pytest

from bench.errors import UsageError
from bench.gate import reference

ROW = "core-cpu/iris/kde"
GOOD = {
    "schema": "bench.reference/1",
    "commits": {"core-cpu": "abc"},
    "columns": {"core-cpu/iris/nll": {"scale": "raw", "better": "lower", "delta": 0.1, "version": 1}},
    "rows": {ROW: {"statuses": {"ok": 2}, "dataset": "d", "metrics": {"nll": [1.0, 2.0]}, "train_examples_per_s": 5.0}},
}


@pytest.mark.parametrize(
    "path, value, words",
    [
        (("rows", ROW, "metrics"), [], "metrics is []; expected an object"),
        (("rows", ROW, "metrics", "nll"), [1.0, 10**400], "expected a list of finite numbers"),
        (("rows", ROW, "metrics", "nll"), [True], "expected a list of finite numbers"),
        (("rows", ROW, "metrics", "nll"), [], "expected a list of finite numbers"),
        (("rows", ROW, "metrics"), {"fid": [1.0]}, "holds 'fid', which is not among the columns"),
        (("rows", ROW, "statuses"), None, "statuses is None; expected an object"),
        (("rows", ROW, "statuses"), {"fine": 1}, "statuses has the key 'fine'; expected 'ok', "),
        (
            ("rows", ROW, "train_examples_per_s"),
            "fast",
            "train_examples_per_s is 'fast'; expected null or a number from 0",
        ),
        (("rows",), {"a\x1b/b/c": {}}, "rows has the key 'a\\x1b/b/c'; expected a name of the form"),
        (("columns", "core-cpu/iris/nll", "scale"), "cube", "scale is 'cube'; expected 'raw', 'log' or 'logit'"),
        (("columns", "core-cpu/iris/nll", "better"), "more", "better is 'more'; expected 'lower' or 'higher'"),
        (("columns", "core-cpu/iris/nll", "delta"), -1, "delta is -1; expected null or a number from 0"),
        (("columns", "core-cpu/iris/nll", "delta"), float("nan"), "NaN is no JSON"),
        (("rows", ROW, "metrics", "nll"), [float("inf")], "Infinity is no JSON"),
    ],
)
def test_a_damaged_reference_is_refused_in_words(tmp_path, path, value, words):
    changed = copy.deepcopy(GOOD)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    file = tmp_path / "reference.json"
    file.write_text(json.dumps(changed))
    with pytest.raises(UsageError) as caught:
        reference.read(file)
    assert words in str(caught.value) and "bench gate --accept" in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_whole_reference_is_read(tmp_path):
    file = tmp_path / "reference.json"
    file.write_text(json.dumps(GOOD))
    assert reference.read(file)["rows"] == GOOD["rows"]
