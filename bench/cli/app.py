"""Hold the command line's application and the options that commands share.

Here an error becomes one line and an exit code.

Each module of COMMANDS adds itself to `app`. They are imported for `bench --help` too, so whatever is slow to import stands
inside their functions.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from bench.cli._streams import lasting_streams
from bench.errors import DataUnavailable, InvalidSubmission, Stopped, UsageError
from bench.registry import ROOT, Broken, NotFound

EXIT_CODES = (
    "Exit codes: 0 ok; 1 internal error; 2 usage; 3 some cells failed; 4 regression; 5 inconclusive (gate --strict); "
    "6 invalid submission; 7 data unavailable; 130 interrupted."
)
COMMANDS = (  # in the order of `bench --help`, which puts the group `new` last
    "run", "list", "show", "leaderboard", "compare", "history", "merge", "doctor", "data", "reproduce", "score", "submit", "gate",
    "history", "tune", "calibrate", "controls", "check", "new",
)  # fmt: skip
app = typer.Typer(
    name="bench",
    help="Train, score and rank generative models on common datasets.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODES,
)


def _version(asked: bool) -> None:
    """Print the version and leave."""
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"genbench {version('genbench')}")
        except PackageNotFoundError:
            print("genbench, not installed: run from its source")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train, score and rank generative models on common datasets."""


RESULTS = Path("results")  # what --out and --results are if left out
Out = Annotated[Path, typer.Option("--out", help="Folder of results.")]
Results = Annotated[Path, typer.Option("--results", help="Folder of results.")]
Jobs = Annotated[int | None, typer.Option(min=1, help="Cells side by side; the number of cores if left out.")]
Label = Annotated[str | None, typer.Option(help="Of own data: the column of class labels, or none.")]
Missing = Annotated[
    str, typer.Option(help="Of an own .csv: drop rows with missing values, or keep them as a category.")
]
Text = Annotated[
    list[str] | None, typer.Option(help="Of an own .csv: a column whose numbers are categories; repeatable.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Of own data: an unreadable image is an error.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

WrongWords = typer.BadParameter.__mro__[2]  # what Typer raises for any wrong argument; it exports no name for it


def main(program: str = "bench") -> NoReturn:
    """Run the command line and leave with its exit code.

    No error ends in a traceback, unless BENCH_TRACEBACK is set.
    """
    lasting_streams()
    try:
        try:
            code = _invoke(program)
        finally:
            if sys.stdout:
                sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last one who can turn it into a line
        code = _tell(error)
    sys.exit(code)


def _invoke(program: str) -> int:
    """Run one command and return its exit code.

    Its errors pass, which Typer's own `main` would swallow in part.
    """
    for name in COMMANDS:
        import_module(f"bench.cli.{name}")
    command: Any = typer.main.get_command(app)
    try:
        with command.make_context(program, sys.argv[1:]) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    return 0


def _tell(error: BaseException) -> int:
    """Print an error as one line on standard error and return the exit code of the contract."""
    if isinstance(error, WrongWords):
        wrong: Any = error  # typed by Typer as a plain exception
        wrong.show()
        return wrong.exit_code
    message, code = _explain(error)
    if code == 1 and os.environ.get("BENCH_TRACEBACK"):
        import traceback

        traceback.print_exception(error)
    printable = "".join(c if c.isprintable() or c == "\n" else " " for c in message)
    print(f"bench: {printable}", file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:  # a full disk: what is left would be tried again, and told, when Python ends
        sys.stdout = None
    return code


def _explain(error: BaseException) -> tuple[str, int]:
    """Return the message of an error and its exit code."""
    match error:
        case KeyboardInterrupt():
            return "interrupted; what was finished is kept, run again to go on", 130
        case UsageError() | DataUnavailable() | InvalidSubmission() | Stopped():
            return str(error), error.exit_code
        case NotFound() | Broken():
            return str(error).strip("'\""), 2
        case OSError():
            return f"{error.filename or 'the output'}: {error.strerror or error}", 2 if error.filename else 1
    return f"internal error: {_story(error)}; BENCH_TRACEBACK=1 shows all of it, for a report", 1


def _story(error: BaseException) -> str:
    """Return an error's type, the first line of its message, and where in this package it was raised."""
    import traceback

    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    ours = [frame for frame in frames if ROOT / "bench" in Path(frame.filename).parents] or frames
    words = (str(error).splitlines() or [""])[0][:300]
    return f"{type(error).__name__}: {words}" + (f" ({Path(ours[-1].filename).name}:{ours[-1].lineno})" if ours else "")


def command(*words: str, out: Path, option: str = "--out") -> str:
    """Spell a command that runs as printed, quoted, with the folder of results unless it is the default."""
    folder = [] if out == RESULTS else [option, str(out)]
    return shlex.join(["bench", *words, *folder])


def interrupt_on_sigterm() -> None:
    """Make the signal TERM end a command as Ctrl-C does: what is finished is kept, exit code 130."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
