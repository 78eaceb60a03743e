"""The command line: verbs and their options, no logic. Heavy imports stand inside the functions."""

from __future__ import annotations

import os
import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from bench.registry import ROOT

EXIT_CODES = (
    "Exit codes: 0 ok; 1 internal error; 2 usage; 3 some cells failed; 4 regression; 5 inconclusive (gate --strict); "
    "6 invalid submission; 7 data unavailable; 130 interrupted."
)
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


class Rerun(StrEnum):
    missing = "missing"
    failed = "failed"
    all = "all"


class Kind(StrEnum):
    models = "models"
    datasets = "datasets"
    metrics = "metrics"
    suites = "suites"


class BoardName(StrEnum):
    public = "public"
    private = "private"


class DataVerb(StrEnum):
    list = "list"
    fetch = "fetch"
    path = "path"
    verify = "verify"


class Format(StrEnum):
    table = "table"
    md = "md"
    csv = "csv"
    json = "json"
    html = "html"


class Speed(StrEnum):
    auto = "auto"
    fail = "fail"
    warn = "warn"


Names = Annotated[
    list[str] | None, typer.Option("-m", "--model", help="Model: a name or a file; repeat it, or use commas.")
]
Datasets = Annotated[list[str] | None, typer.Option("-d", "--dataset", help="Dataset; repeat it, or use commas.")]
Out = Annotated[Path, typer.Option("--out", help="Folder of results.")]
Results = Annotated[Path, typer.Option("--results", help="Folder of results.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(short_help="Train and score what is missing, print the boards.")
def run(
    everything: Annotated[bool, typer.Option("--all", help="Every model on every dataset of the suite.")] = False,
    model: Names = None,
    dataset: Datasets = None,
    suite: Annotated[str, typer.Option(help="smoke, core, or a TOML file: gives datasets, models, budgets.")] = "core",
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Training seeds; the suite's own number if left out.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[str, typer.Option(help="fp32 or bf16, for models that have the choice.")] = "fp32",
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Cells side by side; the number of cores if left out.")
    ] = None,
    out: Out = Path("results"),
    data: Annotated[
        Path | None, typer.Option("--data", help="Your own data: a folder of images, an .npz or a .csv.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="With --data FILE.csv: the column of class labels.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="With --data: an unreadable image is an error.")] = False,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="field=value or model.field=value; repeatable.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan, run nothing.")] = False,
    rerun: Annotated[Rerun, typer.Option(help="Which cells to run again.")] = Rerun.missing,
    allow_failures: Annotated[int, typer.Option(min=0, help="Exit 0 with up to so many failed cells.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Train and score what is missing, then print the boards and name their files."""
    if not (everything or model or dataset or data):
        _fail("say what to run: bench run --all, or bench run -m MODEL -d DATASET (see bench list models)", 2)
    from bench.cli import run
    from bench.executors import start
    from bench.executors.device import resolve_device
    from bench.plan.request import Request

    signal.signal(signal.SIGTERM, _interrupt)
    request = _guard(
        lambda: Request(
            suite=suite,
            models=_split(model),
            datasets=_split(dataset),
            seeds=seeds,
            device=resolve_device(device),
            precision=run.check_precision(precision),
            settings=tuple(settings or ()),
            data=str(data.resolve()) if data else None,
            label=label,
            strict=strict,
            fetch=not dry_run,
        )
    )
    _guard(lambda: run.check_names(request))
    if dry_run:
        _guard(lambda: run.print_plan(start.plan(request), out, rerun.value, as_json=as_json))
        return
    workers_count = jobs or (1 if request.device == "cuda" else len(os.sched_getaffinity(0)))
    outcome = _guard(
        lambda: run.run_and_report(request, out=out, jobs=workers_count, rerun=rerun.value, as_json=as_json)
    )
    raise typer.Exit(3 if len(outcome.failed) > allow_failures else 0)


@app.command("list", short_help="List models, datasets, metrics or suites.")
def list_(kind: Annotated[Kind, typer.Argument(help="What to list.")] = Kind.models, as_json: AsJson = False) -> None:
    """List models, datasets, metrics or suites; imports none of them."""
    from bench.cli import show

    _guard(lambda: show.print_list(kind.value, as_json=as_json))


@app.command(short_help="Describe a model, dataset, metric, suite or cell.")
def show(
    name: Annotated[str, typer.Argument(help="A name; dataset/model/seed-0; or a path, also of your own data.")],
    out: Out = Path("results"),
) -> None:
    """Describe a model, dataset, metric or suite, or a stored cell (dataset/model/seed-0, or a path)."""
    from bench.cli import show

    _guard(lambda: show.print_one(name, out))


@app.command(short_help="Rebuild and print the boards, or open the page.")
def leaderboard(
    dataset: Annotated[str | None, typer.Option("-d", "--dataset", help="One dataset's board.")] = None,
    board: Annotated[BoardName, typer.Option(help="The split it is scored on.")] = BoardName.public,
    format_: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.table,
    out: Out = Path("results"),
    browse: Annotated[bool, typer.Option("--open", help="Show the page, leaderboard.html, in a browser.")] = False,
) -> None:
    """Rebuild the boards from the stored cells and print them, or show the page."""
    from bench.cli import leaderboard

    style = format_.value
    _guard(lambda: leaderboard.print_leaderboard(out, dataset=dataset, board=board.value, style=style, browse=browse))


@app.command(short_help="Compare two rows of a board, with p-values.")
def compare(
    a: Annotated[str, typer.Argument(help="A model as the board names it.")],
    b: Annotated[str, typer.Argument(help="Another one.")],
    dataset: Annotated[str, typer.Option("-d", "--dataset", help="The dataset of the board.")],
    out: Out = Path("results"),
) -> None:
    """Compare two rows of a dataset's board: difference, standard error and p-value of every metric both have."""
    from bench.cli import leaderboard

    _guard(lambda: leaderboard.print_comparison(out, a, b, dataset=dataset))


@app.command(short_help="Check the installation: a verdict and a remedy each.")
def doctor(as_json: AsJson = False) -> None:
    """Check the installation: versions, device, memory, plugins, data, weights; a verdict and a remedy each."""
    from bench.cli import check

    raise typer.Exit(0 if _guard(lambda: check.print_diagnosis(as_json=as_json)) else 1)


@app.command(short_help="Find, download or check files of datasets.")
def data(
    verb: Annotated[DataVerb, typer.Argument(help="list, fetch, path or verify.")],
    name: Annotated[list[str] | None, typer.Argument(help="Dataset; all that can be downloaded if left out.")] = None,
) -> None:
    """Files of downloadable datasets: where they are, download them, check them."""
    from bench.cli import data

    act = {
        "list": data.list_files,
        "fetch": data.fetch_files,
        "path": data.paths,
        "verify": data.verify,
    }[verb.value]
    print(_guard(lambda: act(tuple(name or ()))))


class BudgetName(StrEnum):
    cpu = "cpu"
    gpu = "gpu"


@app.command(short_help="Run published results and the ten questions again.")
def reproduce(
    name: Annotated[list[str] | None, typer.Argument(help="Names; none lists them all.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every published result and question.")] = False,
    budget: Annotated[BudgetName, typer.Option(help="cpu: shortened. gpu: full length.")] = BudgetName.cpu,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Cells side by side; the number of cores if left out.")
    ] = None,
    out: Out = Path("results"),
    as_json: AsJson = False,
) -> None:
    """Run published results again, ours beside theirs, and answer the ten questions: bench reproduce question-1."""
    from bench.cli import reproduce

    asked = _split(name)
    if not (asked or everything):
        reproduce.print_list(as_json=as_json)
        return
    signal.signal(signal.SIGTERM, _interrupt)
    experiments = _guard(lambda: reproduce.check(asked, everything=everything, budget=budget.value))
    code = _guard(
        lambda: reproduce.run_and_report(
            experiments, budget=budget.value, jobs=jobs, out=out, as_json=as_json, named=asked
        )
    )
    raise typer.Exit(code)


Samples = Annotated[Path, typer.Argument(metavar="SAMPLES.npz", help="An .npz with one member, samples.")]


@app.command(short_help="Score a file of samples.")
def score(
    samples: Samples,
    dataset: Annotated[str, typer.Option("-d", "--dataset", help="The dataset that the samples imitate.")],
    as_json: AsJson = False,
) -> None:
    """Score a file of samples with every sample metric on both boards; bench show DATASET says what it must look like."""
    from bench.submissions import enter

    print(_guard(lambda: enter.score(samples, dataset, as_json=as_json)))


@app.command(short_help="Enter a file of samples on the boards.")
def submit(
    samples: Annotated[Path | None, typer.Argument(metavar="SAMPLES.npz", help="An .npz, one member, samples.")] = None,
    dataset: Annotated[str, typer.Option("-d", "--dataset", help="The dataset that the samples imitate.")] = "",
    name: Annotated[str, typer.Option(help="Of the row: lower-case letters, digits, '.', '_', '-'.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check, score and rank; store nothing.")] = False,
    template: Annotated[str, typer.Option(metavar="DATASET", help="Write a valid example of DATASET to --out.")] = "",
    out: Annotated[Path | None, typer.Option(help="With --template: the file to write.")] = None,
    results: Results = Path("results"),
    as_json: AsJson = False,
) -> None:
    """Enter a file of samples on a dataset's boards; bench show DATASET says what it must look like."""
    from bench.submissions import enter

    if template:
        if samples or dataset or name or not out:
            _fail("a template takes two options: bench submit --template DATASET --out FILE.npz", 2)
        print(_guard(lambda: enter.write_template(template, out)))
        return
    if not (samples and dataset and name) or out:
        _fail(
            "say what to submit: bench submit SAMPLES.npz -d DATASET --name NAME; or --template DATASET --out FILE", 2
        )
    act = lambda: enter.submit(samples, dataset, name, results=results, dry_run=dry_run, as_json=as_json)
    print(_guard(act))


@app.command(short_help="Compare results with a reference: 4 if worse.")
def gate(
    results: Results = Path("results"),
    ref: Annotated[Path, typer.Option(help="The reference to compare with.")] = Path("results/reference.json"),
    alpha: Annotated[float, typer.Option(help="Chance of a false alarm in a run.")] = 0.05,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML, a test case a row.")] = None,
    summary: Annotated[Path | None, typer.Option(help="Write Markdown for a job's page.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 5 if anything is inconclusive.")] = False,
    speed: Annotated[
        Speed, typer.Option(help="What a slow row does; auto: warn where CI is set, else fail.")
    ] = Speed.auto,
    partial: Annotated[
        bool, typer.Option("--partial", help="Only some rows were run: missing ones are no error.")
    ] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="Write --ref from reviewed results instead of judging.")
    ] = False,
) -> None:
    """Compare results with a reference: exit 4 if something really got worse."""
    from bench.cli import gate

    if accept:
        print(_guard(lambda: gate.accept(results, ref, partial=partial)))
        return
    options = {"alpha": alpha, "speed": speed.value, "strict": strict, "partial": partial}
    code = _guard(lambda: gate.run_gate(results, ref, junit=junit, summary=summary, **options))
    raise typer.Exit(code)


@app.command(short_help="Say what effects the stored seeds can resolve.")
def calibrate(
    seeds: Annotated[int, typer.Option(min=2, help="Training seeds a side.")] = 5,
    effect: Annotated[float, typer.Option(help="A wanted effect: 0.3 is 30 % worse.")] = 0.3,
    alpha: Annotated[float, typer.Option(help="Of one test.")] = 0.05,
    power: Annotated[float, typer.Option(help="Chance to find it.")] = 0.8,
    results: Results = Path("results"),
    as_json: AsJson = False,
) -> None:
    """Say what the stored seeds can resolve: the effect that N seeds find, and the seeds that an effect needs."""
    from bench.cli import gate

    options = {"seeds": seeds, "effect": effect, "alpha": alpha, "power": power, "as_json": as_json}
    print(_guard(lambda: gate.calibrate(results, **options)))


new = typer.Typer(help="Make a new plugin from a template.", no_args_is_help=True, rich_markup_mode=None)


new.callback()(lambda: None)


app.add_typer(new, name="new")


@new.command("model", short_help="Write a small model that runs, to change.")
def new_model(name: Annotated[str, typer.Argument(help="A lower-case identifier, such as my_flow.")]) -> None:
    """Write baselines/NAME.py, a small model that runs: change it into yours."""
    from bench.cli import check

    _guard(lambda: check.make_model(name))


@app.command(short_help="Try every promise of a model file.")
def check(file: Annotated[str, typer.Argument(help="A model: a Python file or a name.")]) -> None:
    """Try every promise of the model protocol on small data: shapes, seeds, NaN, determinism, save and load."""
    from bench.cli import check

    raise typer.Exit(0 if _guard(lambda: check.print_check(file)) else 3)


def main() -> None:
    """Entry point: nothing ends in a traceback; BENCH_TRACEBACK=1 shows that of an internal error."""
    from bench.cli._streams import lasting_streams

    lasting_streams()
    try:
        try:
            app()
        finally:
            sys.stdout and sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        _leave(f"{error.filename or 'the output'}: {error.strerror or error}", 2 if error.filename else 1, error)
    except Exception as error:  # noqa: BLE001 - the last one who can turn it into a line
        _leave(f"internal error: {_story(error)}; BENCH_TRACEBACK=1 shows all of it, for a report", 1, error)


def _story(error: Exception) -> str:
    """Its type, the first line of its message, and where in this package it was raised."""
    import traceback

    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    ours = [frame for frame in frames if ROOT / "bench" in Path(frame.filename).parents] or frames
    words = (str(error).splitlines() or [""])[0][:300]
    return f"{type(error).__name__}: {words}" + (f" ({Path(ours[-1].filename).name}:{ours[-1].lineno})" if ours else "")


def _leave(message: str, code: int, error: Exception) -> NoReturn:
    if os.environ.get("BENCH_TRACEBACK"):
        import traceback

        traceback.print_exception(error)
    _say(message)
    try:
        sys.stdout.flush()
    except OSError:  # a full disk: what is left would be tried again, and told, when Python ends
        sys.stdout = None  # type: ignore[assignment]
    sys.exit(code)


def _interrupt(*_: Any) -> NoReturn:
    raise KeyboardInterrupt


def _split(values: list[str] | None) -> tuple[str, ...]:
    """-m a,b -m c -> (a, b, c), each once."""
    names = [part.strip() for value in values or () for part in value.split(",")]
    return tuple(dict.fromkeys(name for name in names if name))


def _guard(call: Any) -> Any:
    """Turn the errors that users can mend into one line and the contract's exit code."""
    from bench.errors import DataUnavailable, InvalidSubmission, UsageError
    from bench.registry import Broken, NotFound

    try:
        return call()
    except (UsageError, DataUnavailable, InvalidSubmission) as error:
        _fail(str(error), error.exit_code)
    except (NotFound, Broken) as error:
        _fail(str(error).strip("'\""), 2)
    except KeyboardInterrupt:
        _fail("interrupted; what was finished is kept, run again to go on", 130)


def _fail(message: str, code: int) -> NoReturn:
    _say(message)
    raise typer.Exit(code)


def _say(message: str) -> None:
    printable = "".join(c if c.isprintable() or c == "\n" else " " for c in message)
    print(f"bench: {printable}", file=sys.stderr)
