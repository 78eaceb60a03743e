"""Submissions on the boards: placed and marked, moving no model; names, bytes again, and whatever a stored file may hold."""

import csv
import io
import json
import math
import subprocess
import sys

import numpy as np
import pytest

from bench.errors import UsageError
from bench.files import finite
from bench.leaderboard.boards import Boards
from bench.leaderboard.table import tidy
from bench.records.store import Store
from bench.render import files, markdown
from bench.render.board import make_boards
from bench.render.terminal import print_board
from bench.submissions import store
from tests.gate.test_judge import HOSTILE, record, written

SHA = "a" * 64


def entry(value, blocks=()):
    return {"value": value, "better": "lower", "unit": "", "n": 398, "blocks": list(blocks), "test_se": 0.0}


def models():
    """Three models of five seeds, scores about 2, 5 and 9, on both boards."""
    found = []
    for name, score in (("kde", 2.0), ("made", 5.0), ("vae", 9.0)):
        for seed in range(5):
            one = record(name, seed, score * (1 + 0.02 * seed))
            found.append(one | {"metrics": dict.fromkeys(("public", "private"), one["metrics"]["public"])})
    return found


def submission(name="mine", value=3.0, sha=SHA, when="2026-01-01T00:00:00+00:00", **changes):
    blocks = [value * (1 + 0.05 * math.sin(i)) for i in range(20)]
    return {
        "schema": store.SCHEMA, "name": name, "sha256": sha, "bytes": 9, "n_samples": 399,
        "dataset": {"id": "digits", "version": 1, "sha256": "d" * 64, "primary": "fid_lenet"},
        "metrics": {board: {"fid_lenet": entry(value, blocks)} for board in ("public", "private")},
        "metric_versions": {"fid_lenet": version_of("fid_lenet")}, "flags": [], "submitted_utc": when,
    } | changes  # fmt: skip


def version_of(metric):
    from bench.registry import find

    return find("metric", metric).constants.get("version", 1)


def board_of(*entered):
    records = models()
    return tidy(records + store.as_records(entered, records))


def test_a_submission_has_the_rank_it_would_have_and_moves_nobody():
    without, frame = board_of(), board_of(submission(value=3.0))
    public = frame[(frame.board == "public") & (frame.metric == "fid_lenet")].set_index("model")
    row = public.loc["sub:mine"]
    assert (row["rank"], row.rank_low, row.rank_high) == (2, 2, 2) and row.family == "submission"
    assert public.n_seeds.isna().sum() == 1
    rest = frame[frame.family != "submission"].reset_index(drop=True)
    assert rest.equals(without)
    records = models() + store.as_records([submission(value=3.0)], models())
    assert set(Boards.of(records).summary.model) == {"kde", "made", "vae"}


def test_what_cannot_be_told_apart_is_in_the_range():
    frame = board_of(submission(value=5.1))
    row = frame[(frame.model == "sub:mine") & (frame.board == "public")].iloc[0]
    assert (row["rank"], row.rank_low, row.rank_high) == (2, 2, 3)


def test_the_board_marks_it_and_says_what_cannot_be_known():
    records = models()
    records += store.as_records([submission()], records)
    (board,) = make_boards(Boards.of(records))
    row = next(row for row in board.rows if row[1] == "sub:mine")
    assert row[0] == "sub 2" and "training, seeds, cost and choice unknown" in row[-1]
    assert board.n_ranked == 3 and store.UNKNOWN[1:] in " ".join(board.lines)
    assert not any("sub:" in line for line in make_boards(Boards.of(models()))[0].lines)


def test_only_the_newest_of_a_name_is_shown_and_none_of_other_data_or_metrics():
    records = models()
    old, new = submission(value=1.0), submission(value=7.0, sha="b" * 64, when="2026-01-02T00:00:00+00:00")
    (row,) = store.as_records([new, old], records)
    assert row["metrics"]["public"]["fid_lenet"]["value"] == 7.0
    assert store.as_records([submission(dataset={"id": "digits", "sha256": "e" * 64})], records) == []
    (row,) = store.as_records([submission(metric_versions={"fid_lenet": 99})], records)
    assert row["metrics"]["public"] == {}


@pytest.mark.parametrize(
    "name", ["", "A", "-a", ".", "../x", "a/b", "a b", "a\n", "ü", "a" * 65, "x\x1b[31m", "=1+1", "<b>", "a:b"]
)
def test_names_are_limited(name):
    with pytest.raises(UsageError, match="--name"):
        store.check_name(name)


@pytest.mark.parametrize("name", ["a", "0", "my-model_2.1", "a" * 64])
def test_plain_names_are_taken(name):
    assert store.check_name(name) == name


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"schema": "x"}, "schema 'x', this version reads 'bench.submission/1'"),
        ({"name": "other"}, "not those of its path"),
        ({"name": "=1+1"}, "name is '=1+1'; expected 1 to 64 of a-z"),
        ({"sha256": "b" * 64}, "not those of its path"),
        ({"metrics": {}}, "no metrics.private, metrics.public"),
        ({"metrics": {"public": {}, "private": {}, "other": {}}}, "expected public, private"),
        ({"metrics": {"public": {"fid_lenet": {"value": "x"}}, "private": {}}}, "fid_lenet"),
        ({"metrics": {"public": {HOSTILE: entry(1.0)}, "private": {}}}, "metrics.public has the key"),
        ({"metrics": {"public": {"fid_lenett": entry(1.0)}, "private": {}}}, "of no known metric, 'fid_lenett'"),
        ({"flags": "x"}, "flags"),
        ({"dataset": []}, "dataset"),
        ({"metric_versions": []}, "metric_versions"),
        ({"submitted_utc": 3}, "submitted_utc"),
        ({"metrics": {"public": None, "private": {}}}, "metrics.public is None; expected an object"),
        ({"metrics": {"public": {"fid_lenet": entry(10**400)}, "private": {}}}, "hundreds of digits"),
        (
            {"metrics": {"public": {"fid_lenet": entry(1.0, [1e308])}, "private": {}}},
            "expected a list of finite numbers",
        ),
        ({"dataset": {"id": [1], "sha256": "d" * 64}}, "dataset"),
    ],
)
def test_a_stored_file_that_is_none_is_named_and_left_out(tmp_path, change, problem):
    path = store.path_of(tmp_path, "mine", SHA)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(submission() | change))
    found, problems = store.read_all(tmp_path)
    assert found == [] and problem in problems[0] and str(path) in problems[0]
    path.write_text("{")
    assert "not readable as JSON" in store.read_all(tmp_path)[1][0]


def test_hostile_flags_come_out_inert_in_every_format(tmp_path, capsys):
    folder = written(tmp_path, models())
    store.store(submission(flags=[HOSTILE.replace("\ud800", "")]), folder)
    results = Store(folder)
    names = {path.name: path.read_text() for path in files.write_boards(results)}
    for name in ("leaderboard.md", "README.md"):
        assert not {"\x1b", "\x00", "\u202e", "<script"} & {
            names[name][i : i + k] for k in (1, 7) for i in range(len(names[name]))
        }
    assert "sub:mine" in names["leaderboard.md"] and "\\[a\\](" in names["leaderboard.md"]
    rows = list(csv.DictReader(io.StringIO(names["leaderboard.csv"])))
    assert all(not str(value).startswith(("=", "+", "@")) for row in rows for value in row.values())
    assert "\x1b" not in names["leaderboard.json"] and json.loads(names["leaderboard.json"])["flags"]
    records = results.records() + files.submitted(results, results.records())
    (board,) = make_boards(Boards.of(records))
    print_board(board, width=400)
    markdown.board_markdown(board)
    said = capsys.readouterr().out
    assert "sub:mine" in said and "\x1b" not in said and "\x00" not in said


def submit_process(*arguments, cwd):
    command = [sys.executable, "-m", "bench.cli", "submit", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.slow
def test_the_command_from_template_to_the_same_bytes_again(tmp_path):
    file = tmp_path / "t.npz"
    assert submit_process("--template", "digits", "--out", file, cwd=tmp_path).returncode == 0
    again = submit_process("--template", "digits", "--out", file, cwd=tmp_path)
    assert again.returncode == 2 and "exists; name a new file" in again.stderr
    options = (file, "-d", "digits", "--results", tmp_path / "r", "--json")
    dry = json.loads(submit_process(*options, "--name", "mine", "--dry-run", cwd=tmp_path).stdout)
    assert not (tmp_path / "r").exists() and dry["messages"] == ["dry run: nothing is stored"]
    assert any(flag.startswith("exact copies") for flag in dry["flags"])
    first = json.loads(submit_process(*options, "--name", "mine", cwd=tmp_path).stdout)
    (stored,) = (tmp_path / "r").glob("submissions/mine/*.json")
    assert (
        stored.stem == first["sha256"]
        and json.loads(stored.read_text())["metrics"] == first["metrics"] == dry["metrics"]
    )
    before = stored.stat().st_mtime_ns
    second = json.loads(submit_process(*options, "--name", "mine", cwd=tmp_path).stdout)
    assert "nothing is computed again" in second["messages"][0] and stored.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "bench submit SAMPLES.npz -d DATASET --name NAME"),
        (["--template", "digits"], 2, "--out FILE.npz"),
        (["--template", "digit", "--out", "x.npz"], 2, "unknown dataset 'digit'"),
        (["x.npz", "-d", "digits", "--name", "../x"], 2, "--name '../x'"),
        (["x.npz", "-d", "digits", "--name", "x"], 6, "there is no such file"),
        (["/dev/null", "-d", "digits", "--name", "x"], 6, "it is no plain file"),
    ],
)
def test_misuse_is_one_clear_line(tmp_path, arguments, code, message):
    done = submit_process(*arguments, cwd=tmp_path)
    assert done.returncode == code and message in done.stderr


def test_held_out_rows_are_named():
    from bench.registry import load
    from bench.submissions.screen import screen, share_of_rows

    known = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    assert share_of_rows(np.stack([known[0], known[0] + 0.5]), known) == 0.5
    data = load("dataset", "digits")()
    hit = {"public": {"modes_hit": {"value": 7.0}}}
    found = screen(data, np.concatenate([data.valid.x.numpy(), data.train.x.numpy()]), hit)
    assert found == [
        "held-out rows: 28% of the samples are exact rows of the public board",
        "missing modes: 7 of 10 are hit",
    ]
    assert screen(data, data.train.x.numpy(), {"public": {}}) == []


def test_scores_that_are_no_number_are_absent():
    assert finite({"a": [math.nan, 1.0], "b": {"c": math.inf}}) == {"a": [None, 1.0], "b": {"c": None}}


@pytest.mark.parametrize("refused", ["bomb", "rows", "members"])
def test_hostile_files_are_refused_before_torch_and_in_little_memory(tmp_path, refused):
    """Peak resident bytes of the whole command, Python and numpy in it, above those of `bench --help`: at most 50 MB."""
    import zipfile

    path = tmp_path / "x.npz"
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776, 1, 8, 8), }\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        if refused == "members":
            for i in range(20_000):
                out.writestr(f"samples{i}.npy", b"")
        elif refused == "rows":
            out.writestr("samples.npy", b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + bytes(1000))
        else:
            with out.open("samples.npy", "w", force_zip64=True) as member:
                member.write(bytes(2**24))
    if refused == "bomb":  # says that it unpacks to 10 GB, in both of its headers
        raw = path.read_bytes().replace((2**24).to_bytes(4, "little"), (2**32 - 2).to_bytes(4, "little"))
        path.write_bytes(raw)
    code = (
        "import resource, sys\n"
        "from bench.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: code = end.code\n"
        "assert not {'torch', 'pandas', 'sklearn'} & set(sys.modules)\n"
        "print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )

    def run(*arguments):
        script = f"import sys; sys.argv = ['bench', *{[str(a) for a in arguments]!r}]\n{code}"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        return [int(n) for n in done.stdout.splitlines()[-1].split()]

    _, plain = run("--help")
    status, peak = run("submit", path, "-d", "digits", "--name", "x", "--results", tmp_path / "r")
    assert status == 6 and peak - plain < 50 * 1024
    assert not (tmp_path / "r").exists()


def test_places_of_bad_values_take_little_memory(tmp_path):
    """A file of NaN alone: the message lists the first five places; naming all would take eight times the array."""
    import tracemalloc

    from bench.errors import InvalidSubmission
    from bench.submissions.file import read_samples
    from bench.submissions.values import Form

    np.savez_compressed(tmp_path / "x.npz", samples=np.full((20_000, 1, 8, 8), np.nan, np.float32))
    tracemalloc.start()
    with pytest.raises(InvalidSubmission, match="1,280,000 values are not finite: nan at .0, 0, 0, 0.;"):
        read_samples(tmp_path / "x.npz", Form("digits", (1, 8, 8), 399, 10**6, 0.0, 1.0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 20_000 * 64 * 4
