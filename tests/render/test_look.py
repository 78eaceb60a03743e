"""The look before a run: what was understood, ten lines at most, and a flag for every assumption."""

import numpy as np
import pytest

from bench.datasets.own import own_dataset
from bench.plan.look import Look, look_at, read_look
from bench.plan.request import Skip
from bench.registry import load
from bench.render.look import MOST_LETTERS, MOST_LINES, WAYS, all_lines, first_lines, skip_lines


@pytest.fixture
def table(tmp_path):
    """90 rows: a number, a category, a constant, and labels by name."""
    random = np.random.default_rng(0)
    rows = [f"{random.normal():.3f},{'red' if i % 3 else 'blue'},7,{'no' if i % 2 else 'yes'}" for i in range(90)]
    path = tmp_path / "mine.csv"
    path.write_text("size,colour,zero,label\n" + "\n".join(rows))
    return path


def test_a_table_says_rows_classes_columns_and_what_was_assumed(table):
    lines = all_lines(look_at(own_dataset(table)))
    assert lines[0] == "mine: 90 rows of 3 columns (54 train, 18 public, 18 private)"
    assert "classes: 2: no 45, yes 45" in lines
    assert "columns: 1 of numbers, 2 of two values" in lines
    assert any(line.startswith("left out: constant in the training rows: zero (7)") for line in lines)
    assert any(line.startswith("labels: column 'label', for its name (--label none") for line in lines)
    assert not look_at(own_dataset(table, label="none")).classes


def test_embedded_data_have_a_look_too_without_flags_that_do_not_hold_for_them():
    lines = all_lines(look_at(load("dataset", "digits")()))
    assert lines[0].startswith("digits: 1,797 grey images 8x8 (1,000 train, 398 public")
    assert any(line.startswith("classes: 10: 0 178, 1 182") for line in lines)
    assert not any("--" in line for line in lines)


def test_a_look_crosses_processes():
    import json
    from dataclasses import asdict

    look = look_at(load("dataset", "iris")())
    assert read_look(json.loads(json.dumps(asdict(look)))) == look


def test_a_run_says_at_most_ten_lines_of_its_data_the_assumptions_first():
    notes = {f"note {i}": "words " * 60 for i in range(20)} | {"memory": "up to 2 GiB a cell", "source": "x"}
    look = Look(name="x", kind="table", shape=(2,), rows={"train": 1, "valid": 1, "test": 1}, own=True, notes=notes)
    lines = first_lines(look)
    assert len(lines) == MOST_LINES and max(map(len, lines)) <= MOST_LETTERS
    assert f"memory: up to 2 GiB a cell ({WAYS['memory']})" in lines, "what a flag changes comes before the rest"
    assert lines[-1] == "and 14 notes more: bench show PATH"


def test_skips_are_folded_by_reason_and_what_the_look_says_is_not_said_again():
    skips = [Skip(m, d, "needs labels") for d in ("ring8", "grid25") for m in ("lda", "qda")]
    skips += [Skip("nade", "iris", "needs levels"), Skip("images", "photos", "2 unreadable: a, b")]
    look = Look(name="photos", kind="image", shape=(1, 8, 8), rows={}, notes={"left out": "2 unreadable: a, b"})
    assert skip_lines(skips, [look]) == [
        "skipped lda, qda on ring8, grid25: needs labels",
        "skipped nade on iris: needs levels",
    ]
    many = skip_lines([Skip("m", "d", f"reason {i}") for i in range(9)])
    assert len(many) == 7 and many[-1] == "... and for 3 reasons more: --dry-run"
