"""Stored records that were edited, cut or forged: named and left out, and what is let through breaks no reader."""

import copy
import json

import pytest

from bench.gate import reference
from bench.leaderboard import compare
from bench.leaderboard.boards import Boards
from bench.records.record import new_record
from bench.records.schema import check_record, check_whole
from bench.records.store import Store
from tests.records.test_store import a_cell

HOSTILE = (
    None,
    "x\x1b[31m<b>",
    "",
    -1,
    1e308,
    [],
    {},
    [1],
    {"a": 1},
    float("nan"),
    float("inf"),
    10**400,
    True,
    "a" * 5000,
)
GONE = object()


def a_record(**changes):
    entry = {"value": 0.5, "test_se": 0.1, "better": "lower", "unit": "", "n": 30, "blocks": [0.4, 0.5, 0.6]}
    metrics = {board: {"energy_distance": dict(entry), "nll": dict(entry)} for board in ("public", "private")}
    speed = {"train_examples_per_s": 1e5, "sample_examples_per_s": 1e5, "contended": False, "train_spread": 0.1}
    training = {
        "last": 0.5,
        "best": 0.4,
        "gap": 0.1,
        "probes": [[10, 0.5]],
        "to_quality": {"steps": 10, "seconds": 1.0},
        "plateau": {"flat": False, "gain": 0.12, "flat_at": None},
    }
    made = {
        "status": "ok",
        "metrics": metrics,
        "throughput": speed,
        "training": training,
        "curve": [{"step": 1, "loss": 2.0}],
    }
    made |= {"code": {"git_sha": "a"}, "flags": ["copies"], "env_ref": "e", "started_utc": "2026-01-01T00:00:00"}
    return new_record(a_cell(**changes)) | made


def paths(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from paths(inner, (*path, key))


def changed(record, path, value):
    record = copy.deepcopy(record)
    *above, last = path
    inner = record
    for key in above:
        inner = inner[key]
    if value is GONE:
        del inner[last]
    else:
        inner[last] = value
    return record


def read_all(record):
    """Everything that is made of records, without a page."""
    records = [record, a_record(seed=1), *(a_record(seed=k, model=a_cell().model | {"id": "vae"}) for k in range(2))]
    assert not Boards.of(records).summary.empty
    compare.compare_models(records, record["model"]["row"], "vae", dataset="iris")
    reference.encode(reference.summarise(records) | {"commits": {}})


def test_a_whole_record_passes():
    assert check_record(a_record()) == ""
    read_all(a_record())


@pytest.mark.parametrize("path", [p for p in paths(a_record()) if p], ids=lambda p: ".".join(map(str, p)))
def test_whatever_stands_in_a_field_is_refused_or_harmless(path):
    for value in (GONE, *HOSTILE):
        record = changed(a_record(), path, value)
        if not check_record(record):
            read_all(record)


@pytest.mark.parametrize(
    "path, value, words",
    [
        (("model",), [1], "model is [1]; expected an object"),
        (("model", "row"), "a\x1b[2J", "model.row is 'a\\x1b[2J'; expected a name"),
        (("seed",), "0", "seed is '0'; expected a whole number from 0"),
        (("seed",), True, "seed is True; expected a whole number from 0"),
        (("status",), [], "status is []; expected 'ok', 'diverged', "),
        (("metrics", "public"), None, "metrics.public is None; expected an object"),
        (("metrics", "public", "nll"), None, "metrics.public.nll is None; expected an object"),
        (
            ("metrics", "public", "nll", "value"),
            10**400,
            "nll.value is a number of hundreds of digits; expected a number or null",
        ),
        (
            ("metrics", "public", "nll", "blocks"),
            [float("nan")],
            "blocks is [nan]; expected a list of finite numbers or nulls",
        ),
        (("resources", "peak_rss_bytes"), "many", "resources.peak_rss_bytes is 'many'; expected a number or null"),
        (("metrics", "public"), {"x\x1b": {}}, "metrics.public has the key 'x\\x1b'; expected a name"),
        (("metrics",), GONE, "no metrics"),
        (("error",), {"type": 1}, "no error.message, error.phase"),
    ],
)
def test_a_refusal_says_what_was_found_and_expected(path, value, words):
    assert words in check_record(changed(a_record(), path, value))


def test_a_record_from_before_plateaus_is_read():
    for gone in (("training", "plateau"), ("protocol", "ranks"), ("timing", "train_core_s")):
        record = changed(a_record(), gone, GONE)
        assert check_record(record) == ""
        read_all(record)


def test_a_value_that_could_not_be_computed_is_compared_over_the_other_seeds():
    entry = a_record()["metrics"]["public"]["nll"]
    broken = changed(a_record(), ("metrics", "public", "nll"), entry | {"value": None, "blocks": []})
    assert check_record(broken) == ""
    other = a_record(model=a_cell().model | {"id": "vae"})
    frame = compare.compare_models([broken, a_record(seed=1), other], "kde", "vae", dataset="iris").frame
    assert set(frame.metric) == {"nll", "energy_distance"}
    frame = compare.compare_models([broken, other], "kde", "vae", dataset="iris").frame
    assert set(frame[frame.board == "public"].metric) == {"energy_distance"}


@pytest.mark.parametrize(
    "raw, words",
    [
        (b'{"schema": NaN}', "NaN is no JSON"),
        (b"[" * 100_000, "not readable as JSON"),
        (b"1" * 9_000, "not readable as JSON"),
        (b"\x00\xff\xfe", "not readable as JSON"),
        (b" " * 2_000_000, "2,000,000 bytes; a record has at most 20,000"),
    ],
)
def test_a_file_that_is_no_record_is_named_and_the_others_are_read(tmp_path, raw, words):
    store = Store(tmp_path)
    store.put(a_cell(), a_record())
    bad = store.record_path(a_cell(seed=1))
    bad.write_bytes(raw)
    assert len(store.records()) == 1
    assert str(bad) in store.problems[0] and words in store.problems[0]


def test_a_copied_file_is_no_second_seed_and_a_folder_is_no_record(tmp_path):
    store = Store(tmp_path)
    store.put(a_cell(), a_record())
    path = store.record_path(a_cell())
    path.with_name("seed-7.json").write_bytes(path.read_bytes())
    path.with_name("seed-8.json").mkdir()
    assert [r["seed"] for r in store.records()] == [0]
    assert "it says that it is core-cpu/iris/kde/seed-0.json" in store.problems[0]
    assert "not a file" in store.problems[1]
    assert json.loads(path.with_name("seed-7.json").read_bytes()), "left alone"


def test_what_could_not_be_computed_is_no_damage(tmp_path):
    """A NaN of a run is stored as null: in a value, its blocks, a probe, a point of the curve."""
    nan = float("nan")
    entry = a_record()["metrics"]["public"]["nll"] | {"value": nan, "test_se": nan, "blocks": [nan, 0.5, nan]}
    record = changed(a_record(), ("metrics", "public", "nll"), entry)
    record["training"]["probes"] = [[10, nan]]
    record["curve"] = [{"step": 1, "loss": nan}]
    store = Store(tmp_path)
    store.put(a_cell(), record)
    assert store.get(a_cell())["metrics"]["public"]["nll"]["blocks"] == [None, 0.5, None]
    read_all(store.records()[0])
    assert store.problems == []


@pytest.mark.parametrize(
    "path", [("artifacts",), ("curve",), ("protocol", "metric_versions"), ("throughput", "contended")]
)
def test_a_run_goes_on_from_whole_records_only(tmp_path, path):
    store = Store(tmp_path)
    store.put(a_cell(), changed(a_record(), path, GONE))
    assert store.get(a_cell()) is None
    assert path[-1] in store.problems[0] and "quarantine" in store.problems[0]


def test_an_artifact_is_known_by_role_and_bytes():
    assert check_whole(a_record()) == ""
    assert "expected role and bytes" in check_whole(a_record() | {"artifacts": [{"role": "outputs"}]})
