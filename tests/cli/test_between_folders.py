"""Commands that read two folders of results, and commands that are printed to be run as they stand."""

import json
import re
import shlex

import pytest

from bench.cli.app import RESULTS, command
from bench.cli.compare import print_comparison
from bench.cli.merge import merge_folders
from bench.cli.show import print_one
from bench.errors import UsageError
from bench.files import write_atomic
from bench.records.record import encode, failure
from bench.records.store import Store
from tests.records.test_schema import a_record
from tests.records.test_store import a_cell


def put(out, row, *, seeds=(0, 1), **changes):
    model = a_cell().model | {"id": row}
    for seed in seeds:
        cell = a_cell(seed=seed, model=model, **changes)
        write_atomic(Store(out).record_path(cell), encode(a_record(seed=seed, model=model, **changes)))
    return cell.dataset["id"]


def test_a_printed_command_is_quoted_and_names_its_folder():
    assert command("show", "a/b", out=RESULTS) == "bench show a/b"
    odd = RESULTS / "my runs"
    words = shlex.split(command("show", "iris/kde+x='a b'/seed-0", out=odd))
    assert words == ["bench", "show", "iris/kde+x='a b'/seed-0", "--out", str(odd)]


def test_a_row_that_only_the_default_folder_has_is_told_with_a_command_that_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "my runs"
    dataset = put(mine, "vanilla_gan+d_steps=5")
    put(RESULTS, "vanilla_gan")
    with pytest.raises(UsageError, match="'vanilla_gan' is not in .*my runs; it is in results: ") as refusal:
        print_comparison(mine, "vanilla_gan", "vanilla_gan+d_steps=5", dataset=dataset)
    words = shlex.split(str(refusal.value).partition("results: ")[2])
    options = dict(zip(words[4::2], words[5::2]))
    assert (words[:2], options["--against"], options["--out"]) == (["bench", "compare"], "results", str(mine))
    print_comparison(mine, words[2], words[3], dataset=options["-d"], against=RESULTS)
    told = capsys.readouterr().out
    assert told.startswith("vanilla_gan+d_steps=5 against vanilla_gan in results on ")
    assert re.search(r"^public +energy_distance", told, re.MULTILINE)


def test_rows_of_two_suites_are_never_mixed(tmp_path, capsys):
    dataset = put(tmp_path, "kde")
    put(tmp_path, "vae")
    put(tmp_path, "kde", suite="smoke")
    put(tmp_path, "vae", suite="smoke")
    print_comparison(tmp_path, "kde", "vae", dataset=dataset)
    assert "suite core, cpu (also in: --suite smoke)" in capsys.readouterr().out
    print_comparison(tmp_path, "kde", "vae", dataset=dataset, suite="smoke")
    assert "suite smoke, cpu" in capsys.readouterr().out
    with pytest.raises(
        UsageError, match="no results of suite 'full' in common: they have core-cpu, smoke-cpu and core-cpu"
    ):
        print_comparison(tmp_path, "kde", "vae", dataset=dataset, suite="full")


def test_a_comparison_names_the_seeds_of_older_code(tmp_path, capsys):
    dataset = put(tmp_path, "kde", seeds=(0, 1, 2))
    put(tmp_path, "vae")
    path = next(tmp_path.glob("cells/*/*/kde/seed-0.json"))
    record = json.loads(path.read_bytes())
    record["model"]["source_sha256"], record["started_utc"] = "edited", "2027-01-01T00:00:00"
    path.write_bytes(encode(record))
    print_comparison(tmp_path, "kde", "vae", dataset=dataset)
    assert "kde: 2 seeds of older code left out; --seeds 3 runs them anew" in capsys.readouterr().out


def test_a_merge_says_what_it_did_and_what_it_left_out(tmp_path, capsys):
    put(tmp_path / "a", "kde")
    put(tmp_path / "b", "vae", seeds=(0,))
    assert merge_folders([tmp_path / "a", tmp_path / "b"], tmp_path / "out") == 0
    assert "3 cells added, 0 were there, 0 files left out" in capsys.readouterr().out
    assert (tmp_path / "out" / "leaderboard.md").is_file()


def test_the_traceback_of_a_failed_cell_is_shown_line_by_line_beside_its_json(tmp_path, capsys):
    cell = a_cell()
    words = 'no\nTraceback:\n  File "bgmm.py", line 15\nValueError: no'
    write_atomic(
        Store(tmp_path).record_path(cell),
        encode(failure(a_record(), "crashed", phase="fit", kind="ValueError", message=words)),
    )
    print_one(f"{cell.dataset['id']}/kde/seed-0", tmp_path)
    out, err = capsys.readouterr()
    assert json.loads(out)["error"]["message"] == words
    assert err.splitlines()[1:4] == ["ValueError in phase fit:", "  no", "  Traceback:"]
    assert '    File "bgmm.py", line 15' in err
