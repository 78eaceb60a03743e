"""bench tune as its users meet it: a table and lines to paste, a kill and the same command again, errors in a sentence."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib

import pytest

from bench.records.tuning import write_search
from tests.cli.test_cli import ROOT, bench
from tests.models.toys import edit, toy
from tests.records.test_tuning import a_search

FIT = "        self.mean_ = x.mean(dim=0) + self.centre\n"


def test_a_search_is_printed_stored_and_not_run_twice(tmp_path):
    path, out = toy(tmp_path), tmp_path / "out"
    write_search(out, a_search(dataset="iris"))
    done = bench("tune", path, "-d", "iris", "--trials", 3, "--set", "centre=1.0", "--out", out, "--jobs", 2, check=0)
    assert done.stdout.startswith("toy on iris, public board: 3 trials, ")
    assert "Not equal" not in done.stdout, "the other model had three, too"
    pasted = tomllib.loads(
        "\n".join(line for line in done.stdout.split("\n") if line.startswith(("[set", "width", "mode")))
    )
    stored = json.loads((out / "tuning/iris/toy.json").read_text())
    best = stored["trials"][stored["best"]]["settings"]
    assert {k: best[k] for k in ("width", "mode")} == pasted["set"]["toy"]["iris"]
    assert stored["fixed"] == {"centre": 1.0} and stored["steps"] is None
    again = bench("tune", path, "-d", "iris", "--trials", 4, "--set", "centre=1.0", "--out", out, "--json", check=0)
    assert (
        json.loads(again.stdout)["trials"][:3] == stored["trials"] and "1 cells: 0 done before, 1 to do" in again.stderr
    )
    told = bench("tune", path, "-d", "iris", "--trials", 4, "--set", "centre=1.0", "--out", out, check=0).stdout
    assert "0 trials run now, 4 done before; nothing finished was run again." in told
    assert "Not equal: other models of iris had 3 trials; its board says so." in told


def test_a_killed_search_goes_on_with_the_same_command(tmp_path):
    """The second trial and those after it wait: the kill comes when the first is stored."""
    path, out = toy(tmp_path), tmp_path / "out"
    gate = tmp_path / "go"
    waits = (
        "        import pathlib, time\n"
        f"        while self.width != 1.0 and not pathlib.Path({str(gate)!r}).exists():\n            time.sleep(0.05)\n"
    )
    edit(path, FIT, waits + FIT)
    words = ["tune", path, "-d", "iris", "--trials", "3", "--out", str(out), "--jobs", "1"]
    running = subprocess.Popen(
        [sys.executable, "-m", "bench.cli", *words], cwd=ROOT, env=dict(os.environ), stderr=subprocess.DEVNULL
    )
    first = out / "tuning/trials/cells/core-cpu/iris/toy+trial-0/seed-0.json"
    deadline = time.monotonic() + 200
    while not first.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.wait(timeout=60)
    kept = first.read_bytes()
    assert not (out / "tuning/iris/toy.json").exists()
    gate.touch()
    done = bench(*words, check=0)
    assert "3 cells: 1 done before, 2 to do" in done.stderr and first.read_bytes() == kept
    assert len(json.loads((out / "tuning/iris/toy.json").read_text())["trials"]) == 3


def test_failed_trials_end_with_their_exit_code(tmp_path):
    done = bench(
        "tune",
        toy(tmp_path, search='{"width": (51.0, 100.0)}'),
        "-d",
        "iris",
        "--trials",
        2,
        "--out",
        tmp_path,
        check=3,
    )
    assert "crashed: ValueError in fit: too wide" in done.stdout and "The best is the defaults" in done.stdout


ERRORS = {
    "unknown model 'vanila_gan'; did you mean 'vanilla_gan'?": ["vanila_gan", "-d", "iris", "--trials", "2"],
    "unknown dataset 'irs'; did you mean 'iris'?": ["TOY", "-d", "irs", "--trials", "2"],
    "oracle is a reference row, which takes no rank: there is nothing to tune": [
        "oracle",
        "-d",
        "iris",
        "--trials",
        "2",
    ],
    "--trials 0: expected at least 1, the model's defaults": ["TOY", "-d", "iris", "--trials", "0"],
    "unknown suite 'cor'; did you mean 'core'?": ["TOY", "-d", "iris", "--trials", "2", "--suite", "cor"],
    "wrong.py:18): search: 'width' is (2.0, 1.0); expected low < high": ["WRONG", "-d", "iris", "--trials", "2"],
}


@pytest.mark.parametrize("message", ERRORS)
def test_what_cannot_be_tuned_is_one_sentence(message, tmp_path):
    """What only the model's class can tell is tried in tests/plan/test_trials.py."""
    models = {"TOY": toy(tmp_path), "WRONG": toy(tmp_path, search='{"width": (2.0, 1.0)}', name="wrong")}
    name, *more = ERRORS[message]
    done = bench("tune", models.get(name, name), *more, "--out", tmp_path / "out", check=2)
    assert message in done.stderr and done.stderr.count("\n") == 1 and done.stdout == ""
    assert not (tmp_path / "out/tuning/iris").exists()
