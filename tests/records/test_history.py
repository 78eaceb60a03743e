"""Boards over time: from a small repository with three commits of a leaderboard."""

import json
import subprocess
import sys

import pytest

from bench.errors import UsageError
from bench.records.history import changes, history, primaries_of

BOARDS = """# Leaderboard
## digits (public, suite core, cpu)
| rank | model | **fid** down | on the other board | nll down |
## iris (public, suite core, cpu)
| rank | model | **ed\\_x** down |
"""
HEAD = "suite,device,dataset,board,model,metric,centre,ci_low,ci_high,rank\n"


def _commit(folder, rows, subject, date):
    (folder / "results").mkdir(exist_ok=True)
    (folder / "results" / "leaderboard.csv").write_text(HEAD + "".join(rows))
    (folder / "results" / "leaderboard.md").write_text(BOARDS)
    git = ["git", "-C", str(folder), "-c", "user.name=n", "-c", "user.email=e@x", "-c", "commit.gpgsign=false"]
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run(
        [*git, "commit", "-qm", subject], check=True, env={"GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date}
    )


@pytest.fixture
def repository(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    kde = "core,cpu,digits,public,kde,fid,1.5,1.0,2.0,1\n"
    other = "core,cpu,digits,public,kde,nll,9.0,,,1\n"  # not what the board is ranked by
    private = "core,cpu,digits,private,kde,fid,7.0,,,1\n"
    _commit(
        tmp_path, [kde, other, private, "core,cpu,digits,public,vae,fid,3.0,,,2\n"], "first", "2026-01-01T12:00:00Z"
    )
    _commit(tmp_path, [kde, "core,cpu,digits,public,vae,fid,1.2,,,1\n"], "vae trains longer", "2026-01-02T12:00:00Z")
    _commit(
        tmp_path,
        [
            kde.replace(",1\n", ",2\n"),
            "core,cpu,digits,public,vae,fid,1.2,,,1\n",
            "core,cpu,iris,public,kde,ed_x,0.1,,,1\n",
        ],
        "iris",
        "2026-01-03T12:00:00Z",
    )
    return tmp_path / "results"


def test_every_ranked_row_of_every_commit_the_oldest_first(repository):
    past = history(repository)
    assert [(p.date, p.dataset, p.model, p.value, p.rank, p.of) for p in past] == [
        ("2026-01-01", "digits", "kde", 1.5, 1, 2),
        ("2026-01-01", "digits", "vae", 3.0, 2, 2),
        ("2026-01-02", "digits", "kde", 1.5, 1, 2),
        ("2026-01-02", "digits", "vae", 1.2, 1, 2),
        ("2026-01-03", "digits", "kde", 1.5, 2, 2),
        ("2026-01-03", "digits", "vae", 1.2, 1, 2),
        ("2026-01-03", "iris", "kde", 0.1, 1, 1),
    ]
    assert (past[0].low, past[0].high) == (1.0, 2.0) and past[1].low is None
    assert [p.value for p in history(repository, board="private")] == [7.0]


def test_a_board_is_ranked_by_the_bold_metric_of_its_headings():
    assert primaries_of(BOARDS) == {("core", "cpu", "digits"): "fid", ("core", "cpu", "iris"): "ed_x"}


def test_what_a_commit_did_not_change_is_left_out(repository):
    found = [(p.date, p.model, p.dataset) for p in changes(history(repository))]
    assert found == [
        ("2026-01-01", "kde", "digits"),
        ("2026-01-01", "vae", "digits"),
        ("2026-01-02", "vae", "digits"),
        ("2026-01-03", "kde", "digits"),
        ("2026-01-03", "kde", "iris"),
    ]


def test_the_command_prints_a_row_s_changes_and_names_what_it_does_not_know(repository):
    def run(*words):
        command = [sys.executable, "-m", "bench.cli", "history", "--out", str(repository), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    said = run("-d", "digits", "-m", "vae").stdout.splitlines()
    assert said[0] == "vae on digits, suite core" and len(said) == 3
    assert said[1].startswith("  2026-01-01  ") and said[1].endswith("fid 3.00, rank 2 of 2")
    assert said[2].endswith("fid 1.20, rank 1 of 2")
    assert "fid 1.50 [1.00, 2.00], rank 1 of 2" in run("-m", "kde").stdout
    assert [row["value"] for row in json.loads(run("-m", "vae", "--json").stdout)] == [3.0, 1.2]
    for words, message in ((("-m", "vea"), "did you mean 'vae'"), (("-d", "iris", "-m", "vae"), "never had a rank")):
        failed = run(*words)
        assert failed.returncode == 2 and message in failed.stderr


def test_a_folder_without_history_says_so(tmp_path):
    with pytest.raises(UsageError, match="git cannot read the history"):
        history(tmp_path)
    with pytest.raises(UsageError, match="is not a folder"):
        history(tmp_path / "none")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    with pytest.raises(UsageError, match=r"no commit has .*leaderboard.csv|git cannot read"):
        history(tmp_path)
