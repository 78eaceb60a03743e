"""The face of the command line: what may be imported for a help text, and which exit code each error has."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli import app
from bench.errors import DataUnavailable, InvalidSubmission, UsageError
from bench.registry import Broken, NotFound

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"torch", "pandas", "sklearn", "pydantic", "numpy", "jinja2", "scipy"}


def test_a_command_is_a_file_and_a_file_is_a_command():
    files = {path.stem for path in (ROOT / "bench" / "cli").glob("[a-z]*.py")}
    assert files - {"app"} == set(app.COMMANDS)


def test_help_of_every_command_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from bench.cli import app\n"
        "for name in ('', *app.COMMANDS):\n"
        "    sys.argv = ['bench', *name.split(), '--help']\n"
        "    try: app.main()\n"
        "    except SystemExit as end: assert end.code == 0, (name, end.code)\n"
        f"    heavy = {HEAVY!r} & set(sys.modules) - ({{'pydantic'}} if name else set())\n"  # Typer reads options with it
        "    assert not heavy, (name, heavy)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Usage: bench") == len(app.COMMANDS) + 1


def test_the_choices_of_options_are_those_of_the_api():
    import bench
    from bench.cli.reproduce import BudgetName
    from bench.cli.run import Precision, Rerun
    from bench.plan.check import PRECISIONS
    from bench.reproductions.protocol import BUDGETS

    assert (tuple(Precision), tuple(Rerun), tuple(BudgetName)) == (PRECISIONS, bench.RERUNS, BUDGETS)


@pytest.mark.parametrize(
    "error, code, line",
    [
        (UsageError("no such thing"), 2, "no such thing"),
        (DataUnavailable("not here"), 7, "not here"),
        (InvalidSubmission("x.npz is not valid"), 6, "x.npz is not valid"),
        (NotFound("unknown model 'x'"), 2, "unknown model 'x"),
        (Broken("x.py: no class"), 2, "x.py: no class"),
        (KeyboardInterrupt(), 130, "interrupted; what was finished is kept, run again to go on"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 2, "/x: Permission denied"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "the output: No space left on device"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 1, "the output: Broken pipe"),
        (EOFError("cut"), 1, "internal error: EOFError: cut"),
        (UsageError("a\x1b[31m red word"), 2, "a [31m red word"),
    ],
)
def test_an_error_inside_a_command_is_one_line_and_its_exit_code(error, code, line, monkeypatch, capsys):
    def broken(*_, **__):
        raise error

    monkeypatch.setattr(app, "lasting_streams", lambda: None)
    monkeypatch.setattr("bench.plan.suite.suite_names", broken)
    monkeypatch.setattr(sys, "argv", ["bench", "list", "suites"])
    with pytest.raises(SystemExit) as left:
        app.main()
    said = capsys.readouterr().err
    assert left.value.code == code
    assert said.startswith(f"bench: {line}") and said.count("\n") == 1


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["bogus"], "No such command 'bogus'"),
        (["list", "cats"], "'models', 'datasets', 'metrics', 'suites'"),
        (["run", "--jobs", "0"], "--jobs"),
        ([], "Commands:"),
    ],
)
def test_words_that_typer_refuses_exit_2(arguments, words, monkeypatch, capsys):
    monkeypatch.setattr(app, "lasting_streams", lambda: None)
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    with pytest.raises(SystemExit) as left:
        app.main()
    said = capsys.readouterr()
    assert left.value.code == 2 and words in said.err + said.out


def test_the_version_is_said_without_a_command(monkeypatch, capsys):
    from importlib.metadata import version

    monkeypatch.setattr(app, "lasting_streams", lambda: None)
    monkeypatch.setattr(sys, "argv", ["bench", "--version"])
    with pytest.raises(SystemExit) as left:
        app.main()
    assert left.value.code == 0 and capsys.readouterr().out == f"genbench {version('genbench')}\n"
