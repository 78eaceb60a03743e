"""The command line as its users meet it: exit codes, resume, nothing computed twice, errors in one line."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TINY = 'datasets = ["iris", "ring8"]\nseeds = 1\ndraws = 2\nprobes = 2\nmax_steps = 20\ntimeout_s = 60.0\nthroughput = false\n'


def bench(*arguments, check=None, **environment):
    command = [sys.executable, "-m", "bench.cli", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | environment, timeout=300)
    if check is not None:
        assert done.returncode == check, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A suite file and a folder with its first run: two models on two datasets."""
    folder = tmp_path_factory.mktemp("tiny")
    suite = folder / "tiny.toml"
    suite.write_text(TINY)
    first = bench("run", "-m", "kde,vanilla_gan,lda", "--suite", suite, "--out", folder / "out", "--jobs", 2, check=0)
    return suite, folder / "out", first


def test_the_first_run_prints_boards_and_names_their_files(tiny):
    _, out, first = tiny
    for name in ("leaderboard.md", "leaderboard.csv", "leaderboard.json", "leaderboard.html", "README.md"):
        assert (out / name).is_file() and name in first.stdout
    assert "5 cells trained" in first.stdout, "lda needs labels, ring8 has none"
    assert "vanilla_gan on ring8, seed 0" in first.stderr


def test_a_run_keeps_the_modes_found_over_time_where_there_are_modes(tiny):
    _, out, _ = tiny
    ring = json.loads(next((out / "cells").glob("*/ring8/vanilla_gan/seed-0.json")).read_text())["training"]
    steps = [step for step, _ in ring["modes"]]
    assert steps == [step for step, _ in ring["probes"]] == [10, 20]
    assert all(0 <= count <= 8 for _, count in ring["modes"])
    iris = json.loads(next((out / "cells").glob("*/iris/vanilla_gan/seed-0.json")).read_text())["training"]
    assert iris["probes"] and iris["modes"] == []


def test_the_page_is_printed_or_named_where_no_browser_is(tiny):
    _, out, _ = tiny
    page = bench("leaderboard", "--format", "html", "--out", out, check=0).stdout
    assert page.startswith("<!doctype html>") and page == (out / "leaderboard.html").read_text()
    one = bench("leaderboard", "--format", "html", "-d", "iris", "--out", out, check=0).stdout
    assert "ring8" not in one.partition('<h2 id="places-h">')[2].partition("</table>")[0]
    nowhere = bench("leaderboard", "--open", "--out", out, check=0, BROWSER="/nonexistent", PATH="", DISPLAY="")
    assert "No browser could be started; the page is" in nowhere.stdout and "leaderboard.html" in nowhere.stdout


def test_a_second_run_computes_nothing_and_says_so(tiny):
    suite, out, _ = tiny
    before = {p: p.stat().st_mtime_ns for p in (out / "cells").rglob("*.json")}
    second = bench("run", "-m", "kde,vanilla_gan,lda", "--suite", suite, "--out", out, check=0)
    assert "Nothing to do: all 5 cells were done before" in second.stdout
    assert {p: p.stat().st_mtime_ns for p in (out / "cells").rglob("*.json")} == before


def test_jobs_and_probes_change_no_bit(tiny, tmp_path):
    _, out, _ = tiny
    quiet = tmp_path / "tiny.toml"
    quiet.write_text(TINY.replace("probes = 2", "probes = 0"))
    bench("run", "-m", "kde,vanilla_gan,lda", "--suite", quiet, "--out", tmp_path / "out", "--jobs", 1, check=0)
    for path in sorted((out / "cells").rglob("*.json")):
        other = json.loads((tmp_path / "out" / path.relative_to(out)).read_text())
        mine = json.loads(path.read_text())
        assert other["metrics"] == mine["metrics"], path
        assert other["artifacts"] == mine["artifacts"], "the same samples to the bit"


def test_the_dry_run_names_cells_skips_and_reasons_and_writes_nothing(tiny, tmp_path):
    suite, out, _ = tiny
    done = bench("run", "-m", "kde,lda", "--suite", suite, "--dry-run", "--out", tmp_path / "none", check=0)
    assert "train    tiny-cpu/iris/kde/seed-0" in done.stdout
    assert "skip     lda on ring8: LDA needs class labels" in done.stdout
    assert not (tmp_path / "none").exists()
    done = bench("run", "-m", "kde", "--suite", suite, "--dry-run", "--out", out, check=0)
    assert "done     tiny-cpu/iris/kde/seed-0" in done.stdout


def test_a_changed_metric_version_scores_anew_and_trains_nothing(tiny):
    suite, out, _ = tiny
    path = next((out / "cells").glob("*/iris/kde/seed-0.json"))
    record = json.loads(path.read_text())
    whole = record["metrics"]
    record["protocol"]["metric_versions"]["nll"] = 0
    record["metrics"] = {"public": {}, "private": {}}
    path.write_text(json.dumps(record))
    done = bench("run", "-m", "kde", "--suite", suite, "--out", out, check=0)
    assert "0 cells trained, 1 scored anew" in done.stdout
    assert json.loads(path.read_text())["metrics"] == whole


def test_a_corrupt_cell_is_quarantined_and_only_it_is_made_again(tiny):
    suite, out, _ = tiny
    path = next((out / "cells").glob("*/iris/lda/seed-0.json"))
    path.write_text('{"schema": "bench.ce')
    done = bench("run", "-m", "kde,lda", "--suite", suite, "--out", out, check=0)
    assert "1 cells trained" in done.stdout and "quarantine" in done.stdout
    assert json.loads(path.read_text())["status"] == "ok"


def test_editing_one_model_runs_that_model_only(tiny, tmp_path):
    suite, _, _ = tiny
    template = (ROOT / "baselines" / "copycat.py").read_text()
    mine, other = tmp_path / "mine.py", tmp_path / "other.py"
    mine.write_text(template)
    other.write_text(template)
    command = ["run", "-m", f"{mine},{other}", "-d", "iris", "--suite", suite, "--out", tmp_path / "out"]
    assert "2 cells trained" in bench(*command, check=0).stdout
    mine.write_text(template + "\n# changed\n")
    assert "1 cells trained, 1 done before" in bench(*command, check=0).stdout


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["run"], "say what to run: bench run --all"),
        (["run", "-m", "vanila_gan"], "unknown model 'vanila_gan'; did you mean 'vanilla_gan'? Known: "),
        (["run", "-d", "digit"], "unknown dataset 'digit'; did you mean 'digits'"),
        (["run", "--all", "--suite", "smok"], "unknown suite 'smok'; did you mean 'smoke'"),
        (
            ["run", "-m", "kde", "-d", "iris", "--set", "bandwith=1"],
            "unknown field 'bandwith'; did you mean 'bandwidth'",
        ),
        (["run", "-m", "kde", "-d", "iris", "--set", "kd.bandwidth=1"], "unknown model 'kd'"),
        (["run", "-m", "kde", "-d", "iris", "--set", "bandwidth"], "expected field=value"),
        (["run", "-m", "kde", "-d", "iris", "--set", "bandwidth=-1"], "bandwidth must be > 0"),
        (["run", "-m", "made", "-d", "digits", "--set", "steps=many"], "expected a number"),
        (["run", "-m", "./nowhere.py", "-d", "iris"], "no model file at"),
        (["show", "vanila_gan"], "did you mean 'vanilla_gan'"),
        (["leaderboard", "--out", "nowhere"], "no folder --out nowhere; make one with: bench run --all --out nowhere"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(arguments, words, tmp_path):
    extra = ["--out", tmp_path / "out"] if arguments[0] == "run" else []
    done = bench(*arguments, *extra, check=2)
    assert words in done.stderr, done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "option, choices",
    [
        ("--precision", ("fp32", "bf16")),
        ("--device", ("auto", "cpu", "cuda")),
        ("--rerun", ("missing", "failed", "all")),
    ],
)
def test_a_wrong_choice_is_named_beside_the_right_ones(option, choices):
    done = bench("run", "-m", "kde", "-d", "iris", option, "tpu", check=2)
    assert option in done.stderr and all(repr(word) in done.stderr for word in ("tpu", *choices))
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(Path("/dev/nvidiactl").exists(), reason="there may be a GPU here")
@pytest.mark.parametrize("more", [[], ["--dry-run"], ["--json"]])
def test_a_gpu_that_is_not_there_is_refused(more, tmp_path):
    done = bench("run", "-m", "kde", "-d", "iris", "--device", "cuda", *more, "--out", tmp_path / "out", check=2)
    assert "--device cuda: no CUDA device is visible to torch here; use --device cpu" in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_an_unwritable_out_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    done = bench("run", "-m", "kde", "-d", "iris", "--out", tmp_path / "file", check=2)
    assert "cannot write to --out" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_what_is_finished_and_exits_130(how, tmp_path):
    suite = tmp_path / "tiny.toml"
    suite.write_text('datasets = ["iris"]\nseeds = 1\nthroughput = false\n[steps.vanilla_gan]\niris = 500000\n')
    out = tmp_path / "out"
    command = [sys.executable, "-m", "bench.cli", "run", "-m", "kde,vanilla_gan", "--suite", suite, "--out", out]
    running = subprocess.Popen(
        list(map(str, command)),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(
            how, signal.SIG_DFL
        ),  # a shell's background jobs ignore SIGINT, and their children
    )
    deadline = time.monotonic() + 60
    while not list(out.glob("cells/*/iris/kde/seed-0.json")) and time.monotonic() < deadline:
        time.sleep(0.1)
    running.send_signal(how)
    _, errors = running.communicate(timeout=30)
    assert running.returncode == 130, errors
    assert "what was finished is kept" in errors and "Traceback" not in errors
    assert len(list(out.glob("cells/*/*/*/*.json"))) == 1
    assert (out / "leaderboard.md").is_file()


def test_failed_cells_exit_3_unless_allowed(tmp_path):
    plugin = tmp_path / "bad.py"
    plugin.write_text(
        (ROOT / "baselines" / "copycat.py").read_text().replace("self.rows_ = x", "raise RuntimeError('no')")
    )
    command = ["run", "-m", plugin, "-d", "iris", "--seeds", 1, "--suite", "smoke", "--out", tmp_path / "out"]
    done = bench(*command, check=3)
    assert "failed: smoke-cpu/iris/bad/seed-0" in done.stdout
    bench(*command, "--allow-failures", 1, check=0)
    assert "1 cells trained" in bench(*command, "--rerun", "failed", check=3).stdout


@pytest.mark.parametrize("arguments", [["list", kind] for kind in ("models", "datasets", "metrics", "suites")])
def test_lists_are_json_too(arguments):
    assert json.loads(bench(*arguments, "--json", check=0).stdout)


@pytest.mark.parametrize("name", ["made", "digits", "fid_lenet", "smoke"])
def test_show_describes_every_kind_of_thing(name):
    assert len(bench("show", name, check=0).stdout.splitlines()) >= 3


def test_show_a_cell_and_the_boards_in_every_format(tiny):
    _, out, _ = tiny
    assert json.loads(bench("show", "iris/kde/seed-0", "--out", out, check=0).stdout)["schema"] == "bench.cell/1"
    for style, head in (("md", "## iris"), ("csv", "suite,device"), ("json", "{"), ("table", "")):
        assert head in bench("leaderboard", "-d", "iris", "--format", style, "--out", out, check=0).stdout
    assert "no difference shown" in bench("compare", "kde", "kde", "-d", "iris", "--out", out, check=0).stdout
    assert "unknown row 'kd'" in bench("compare", "kd", "kde", "-d", "iris", "--out", out, check=2).stderr


def test_missing_weights_skip_their_metrics_or_exit_7(tmp_path):
    """A copy of the suite whose pinned classifier is gone: a reason in the plan, and 7 when its dataset was asked for."""
    import shutil

    for name in ("bench", "baselines", "gan_models"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "bench" / "features" / "weights" / "lenet_digits.safetensors").unlink()

    def run(*arguments):
        command = [sys.executable, "-m", "bench.cli", "run", *arguments, "--dry-run", "--out", str(tmp_path / "out")]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(tmp_path)}
        )

    asked = run("-m", "kde", "-d", "digits")
    assert asked.returncode == 7, asked.stdout + asked.stderr
    assert "make it with: python -m bench.features.lenet digits" in asked.stderr
    everything = run("-m", "kde", "--suite", "smoke")
    assert everything.returncode == 0, everything.stderr
    assert "its feature metrics" in everything.stdout


def test_a_dry_run_downloads_nothing(tmp_path):
    """stacked_mnist is made of mnist's files: where they are not, the plan says how to get them, and 7 if it was asked for."""
    home = {"XDG_CACHE_HOME": str(tmp_path), "GENBENCH_DATA": str(tmp_path)}
    command = [sys.executable, "-m", "bench.cli", "run", "-m", "kde", "-d", "stacked_mnist", "--dry-run"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | home)
    assert done.returncode == 7
    assert done.stderr.strip() == "bench: train-images-idx3-ubyte.gz of mnist is not here; run: bench data fetch mnist"
    assert not list(tmp_path.rglob("*.gz*"))
