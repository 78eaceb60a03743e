"""Closed pipes, full disks, folders that cannot be written to, damaged files: a line, an exit code, and nothing is lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli import app, leaderboard, show
from bench.cli.calibrate import calibration
from bench.cli.gate import accept_results, run_gate
from bench.errors import UsageError
from bench.records import environment
from bench.records.environment import stored
from bench.records.record import new_record
from bench.records.store import Store
from bench.render.files import environment_lines
from bench.render.progress import describe
from tests.records.test_schema import a_record
from tests.records.test_store import a_cell

ROOT = Path(__file__).resolve().parents[2]


def shell(command, **environment):
    """A command line with `bench` in it, by bash with pipefail."""
    text = f"set -o pipefail; bench() {{ '{sys.executable}' -m bench.cli \"$@\"; }}; {command}"
    return subprocess.run(
        ["bash", "-c", text], cwd=ROOT, capture_output=True, text=True, env=os.environ | environment, timeout=100
    )


@pytest.fixture
def folder(tmp_path):
    """Results of two models, two seeds each."""
    store = Store(tmp_path / "results")
    for seed in range(2):
        for model in ("kde", "vae"):
            cell = a_cell(seed=seed, model=a_cell().model | {"id": model})
            store.put(cell, a_record(seed=seed, model=cell.model))
    return store.out


def test_a_closed_pipe_ends_quietly_and_well():
    done = shell("bench list models | head -n 0")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_full_disk_is_one_line():
    done = shell("bench list models > /dev/full")
    assert done.returncode == 1 and done.stderr == "bench: the output: No space left on device\n"


def test_letters_that_the_terminal_has_not_are_no_error(folder):
    done = shell(f"bench leaderboard --out {folder}", PYTHONIOENCODING="ascii", COLUMNS="200")
    assert done.returncode == 0 and done.stderr == ""
    assert "kde" in done.stdout and " ?" in done.stdout, "the arrow of a heading"
    code = "from bench.cli._streams import lasting_streams; lasting_streams(); print('\u22120.294, 5.9\u00d710\u207b\u2074, \u2193')"
    done = shell(f'{sys.executable} -c "{code}"', PYTHONIOENCODING="ascii")
    assert done.stdout == "-0.294, 5.9x10^-4, ?\n", "a sign is never lost"


def test_the_gate_keeps_its_verdict_when_nobody_reads_it(folder, tmp_path):
    ref = tmp_path / "reference.json"
    accept_results(folder, ref)
    (folder / "cells/core-cpu/iris/vae/seed-0.json").write_text("{")
    done = shell(f"bench gate --results {folder} --ref {ref} --junit {tmp_path}/j.xml | head -n 0")
    assert done.returncode == 4 and "cannot be read" in (tmp_path / "j.xml").read_text()


def test_a_report_that_cannot_be_written_loses_neither_verdict_nor_the_other_report(folder, tmp_path, capsys):
    ref, taken = tmp_path / "reference.json", tmp_path / "taken"
    accept_results(folder, ref)
    taken.mkdir()
    assert run_gate(folder, ref, alpha=0.05, junit=taken, summary=tmp_path / "s.md") == 2
    assert (tmp_path / "s.md").read_text()
    shown = capsys.readouterr()
    assert "gate: green" in shown.out and f"--junit {taken} cannot be written" in shown.err
    (folder / "cells/core-cpu/iris/vae/seed-0.json").write_text("{")
    assert run_gate(folder, ref, alpha=0.05, junit=taken) == 4, "a regression is told before a file"


def test_boards_that_cannot_be_written_are_still_printed(folder, capsys):
    (folder / "leaderboard.csv").mkdir(parents=True)
    leaderboard.print_leaderboard(folder, dataset=None, board="public", style="csv")
    shown = capsys.readouterr()
    assert "energy_distance" in shown.out and "were not renewed" in shown.err and "leaderboard.csv" in shown.err


@pytest.mark.parametrize(
    "act, words",
    [
        (
            lambda file: leaderboard.print_leaderboard(file, dataset=None, board="public", style="table"),
            "is a file; expected",
        ),
        (lambda file: run_gate(file, ROOT / "results/reference.json", alpha=0.05), "is a file; expected a folder"),
        (lambda file: show.print_one("", file), "got an empty name"),
        (lambda file: show.print_one(str(file), file.parent), "is not a stored cell: schema None"),
        (lambda file: calibration(file, seeds=2, effect=float("nan"), alpha=0.1, power=0.8, as_json=False), "got nan"),
    ],
)
def test_wrong_arguments_are_told(tmp_path, act, words):
    file = tmp_path / "a"
    file.write_text("{}")
    with pytest.raises(UsageError, match=words):
        act(file)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"processor": 1}', '{"processor":"p","cores":1,"memory_gib":2,"libraries":3}']
)
def test_a_damaged_fingerprint_costs_a_line_of_the_page_alone(tmp_path, text):
    (tmp_path / "env").mkdir()
    (tmp_path / "env/e.json").write_text(text)
    assert stored(tmp_path, "e").get("libraries", {}) == {}
    assert all("torch None" in line for line in environment_lines([a_record()], tmp_path))
    assert stored(tmp_path, "../env/e") == {} and stored(tmp_path, None) == {}


def test_a_whole_fingerprint_is_read(tmp_path):
    whole = environment.fingerprint()
    (tmp_path / "env").mkdir()
    (tmp_path / "env/e.json").write_text(json.dumps(whole))
    assert stored(tmp_path, "e") == whole


def test_an_error_without_words_is_described():
    record = new_record(a_cell()) | {"error": {"type": "E", "phase": "fit", "message": ""}}
    assert "CRASHED in fit: no message" in describe(a_cell(), record)


def test_an_internal_error_is_one_line_with_its_place(monkeypatch, capsys):
    def broken(program):
        Store(None).record_path(None)

    monkeypatch.setattr(app, "_invoke", broken)
    monkeypatch.setattr(app, "lasting_streams", lambda: None)
    with pytest.raises(SystemExit) as left:
        app.main()
    error = capsys.readouterr().err
    assert left.value.code == 1 and error.count("\n") == 1
    assert "bench: internal error: " in error and "(store.py:" in error and "BENCH_TRACEBACK=1" in error


def test_a_folder_that_cannot_take_a_submission_is_told_before_it_is_scored(tmp_path):
    from bench.submissions.store import check_writable

    check_writable(tmp_path / "new" / "results", "mine")
    assert not (tmp_path / "new").exists(), "asking leaves nothing behind"
    (tmp_path / "submissions").mkdir()
    (tmp_path / "submissions" / "mine").write_text("a file")
    with pytest.raises(UsageError, match=r"cannot write to --results .*mine"):
        check_writable(tmp_path, "mine")


def test_help_names_every_verb_whole_and_the_exit_codes():
    text = shell("bench -h", COLUMNS="80").stdout
    verbs = text.partition("Commands:")[2]
    assert "..." not in verbs and "Exit codes: 0 ok" in text and "130 interrupted" in text


@pytest.mark.parametrize(
    "text", ["{", "[" * 100_000, '{"schema": "bench.reproduction/1", "name": "question-1", "budget": [], "x": 1}', "[]"]
)
def test_a_damaged_result_of_a_reproduction_is_left_out(tmp_path, text):
    from bench.reproductions.run import results_in

    (tmp_path / "question-1.cpu.json").write_text(text)
    (tmp_path / "question-2.cpu.json").mkdir()
    assert results_in(tmp_path) == {}
