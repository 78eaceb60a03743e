"""The store: atomic, one lock, what cannot be read is named and set aside."""

import json

import pytest

from bench.errors import UsageError
from bench.files import write_atomic
from bench.plan.cell import Cell
from bench.records.record import MAX_BYTES, SCHEMA, encode, new_record
from bench.records.store import Store


def a_cell(**changes) -> Cell:
    values = {
        "suite": "core",
        "device": "cpu",
        "precision": "fp32",
        "dataset": {"id": "iris", "sha256": "d", "primary": "energy_distance", "kind": "table"},
        "model": {
            "id": "kde",
            "family": "statistical",
            "uses_labels": False,
            "source_sha256": "s",
            "hparams": {"h": 1.0},
            "reference": False,
        },
        "steps": None,
        "seed": 0,
        "draws": 5,
        "elbo_samples": 4,
        "metrics": {"nll": 1},
        "features": {},
    }
    return Cell(**(values | changes))


def test_a_record_comes_back_as_it_was_put(tmp_path):
    store, cell = Store(tmp_path), a_cell()
    record = new_record(cell) | {"status": "ok"}
    store.put(cell, record)
    assert store.get(cell) == json.loads(encode(record))
    assert [p.name for p in store.record_path(cell).parent.iterdir()] == ["seed-0.json"], "no temporary file is left"


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.json"
    write_atomic(path, b"old")
    with pytest.raises(TypeError):
        write_atomic(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "raw, words",
    [
        (b"{ not json", "not readable"),
        (b"[]", "not a JSON object"),
        (json.dumps({"schema": "bench.cell/2"}).encode(), "bench.cell/2"),
        (json.dumps({"schema": SCHEMA, "key": "k"}).encode(), "no "),
    ],
)
def test_an_unreadable_record_is_named_and_quarantined_and_nothing_else_is_lost(tmp_path, raw, words):
    store, bad, good = Store(tmp_path), a_cell(), a_cell(seed=1)
    store.put(good, new_record(good) | {"status": "ok"})
    write_atomic(store.record_path(bad), raw)
    assert len(Store(tmp_path).records()) == 1
    assert store.get(bad) is None
    assert words in store.problems[0] and "seed-0.json" in store.problems[0]
    kept = tmp_path / "quarantine" / store.record_path(bad).relative_to(tmp_path)
    assert kept.read_bytes() == raw
    assert store.get(good)["seed"] == 1


def test_the_lock_is_held_once(tmp_path):
    with Store(tmp_path).locked(), pytest.raises(UsageError, match="in use by process"), Store(tmp_path).locked():
        pass
    with Store(tmp_path).locked():
        pass


def test_an_unwritable_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match="cannot write to --out"), Store(tmp_path / "file").locked():
        pass


def test_a_long_curve_is_thinned_to_the_limit_and_keeps_its_ends():
    cell = a_cell()
    curve = [{"step": i, "seconds": i / 7, "d_loss": 0.6931471, "g_loss": 1.23456789} for i in range(2000)]
    raw = encode(new_record(cell) | {"curve": curve})
    kept = json.loads(raw)["curve"]
    assert len(raw) <= MAX_BYTES
    assert kept[0]["step"] == 0 and kept[-1]["step"] == 1999


def test_nan_becomes_null():
    record = new_record(a_cell()) | {"curve": [{"step": 1, "loss": float("nan")}]}
    assert json.loads(encode(record))["curve"][0]["loss"] is None


def test_the_key_covers_what_decides_the_numbers_and_nothing_else():
    base = a_cell().key
    assert a_cell(seed=1).key != base
    assert a_cell(model=a_cell().model | {"source_sha256": "t"}).key != base
    assert a_cell(model=a_cell().model | {"hparams": {"h": 2.0}}).key != base
    assert a_cell(dataset=a_cell().dataset | {"sha256": "e"}).key != base
    assert a_cell(versions={"torch": "9"}).key != base
    assert a_cell(metrics={"nll": 2}).key == base, "a changed metric re-scores, it retrains nothing"
    assert a_cell(timeout_s=1.0, probes=9).key == base, "limits and probes change no trained model"
