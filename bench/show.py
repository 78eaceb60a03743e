"""What the verbs print: lists, descriptions, the plan, a run's end. Reads syntax trees where it can, torch comes late."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from bench.benchmark import Outcome, expected_seconds, run, todo_list
from bench.cell import FAILED, Record
from bench.errors import UsageError
from bench.fetch import without_downloads
from bench.ledger import COMMITTED, read_ledger, shares
from bench.plan import Plan, Request
from bench.registry import ROOT, entries, find, unknown
from bench.render.terminal import Lines, Live, clean, print_board, seconds_text
from bench.store import Store, read_record
from bench.submission import form_of
from bench.suite import load_suite, suite_names

CAPABILITY_WORDS = {
    "fit_steps": "trained step by step",
    "sample": "samples",
    "sample_given": "samples given a class",
    "log_prob": "exact log-likelihood",
    "elbo": "bound on the log-likelihood",
    "predict_proba": "classifies",
    "sample_held_out": "held-out data",
}
PRECISIONS = ("fp32", "bf16")


def check_precision(precision: str) -> str:
    """The precision, or a UsageError."""
    if precision not in PRECISIONS:
        raise UsageError(f"--precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    return precision


def check_names(request: Request) -> None:
    """Refuse unknown names before anything heavy is started."""
    load_suite(request.suite)
    if request.data:
        if request.datasets:
            raise UsageError(f"--data is the dataset; leave out -d {','.join(request.datasets)}")
        from bench.ingest import read_arrays

        read_arrays(
            Path(request.data), label=request.label, strict=request.strict
        )  # says what is wrong, keeps what is decoded
    elif request.label or request.strict:
        raise UsageError("--label and --strict go with --data")
    for name in request.models:
        entry = find("model", name)
        if entry.error:
            raise UsageError(f"model {name!r} ({entry.path}): {entry.error}")
    for name in request.datasets:
        find("dataset", name)


def run_and_report(request: Request, *, out: Path, jobs: int, rerun: str, as_json: bool) -> Outcome:
    """Run, rebuild the boards, print them and their files."""
    observer = Live() if sys.stderr.isatty() else Lines()
    throughput = load_suite(request.suite).throughput
    refused = False
    try:
        outcome = run(request, out=out, jobs=jobs, rerun=rerun, observer=observer, throughput=throughput)
    except UsageError:
        refused = True  # nothing ran, perhaps because another run has the folder
        raise
    finally:
        if isinstance(observer, Live):
            observer.close()
        files = [] if refused else _try_rebuild(out)
    if as_json:
        print(json.dumps(_outcome_json(outcome, files), indent=1))
        return outcome
    datasets = sorted({cell.dataset["id"] for cell in outcome.plan.cells})
    for dataset in datasets:
        print_leaderboard(out, dataset=dataset, board="public", style="table", suite=request.suite, quiet=True)
    _say_outcome(outcome)
    if files:
        print("Boards: " + ", ".join(str(path) for path in files))
    return outcome


def _rebuild(out: Path) -> list[Path]:
    """The derived files, also after an interrupt: what is finished is on the boards."""
    if not (out / "cells").is_dir():
        return []
    from bench.render.files import write_boards

    return write_boards(Store(out))


def _try_rebuild(out: Path) -> list[Path]:
    """The derived files; a folder that cannot be written to can still be read, and that is said."""
    try:
        return _rebuild(out)
    except OSError as error:
        words = f"bench: the files of boards were not renewed: {error.filename or out}: {error.strerror or error}"
        print(clean(words), file=sys.stderr)
        return []


def _outcome_json(outcome: Outcome, files: list[Path]) -> dict[str, Any]:
    return {
        "cells": len(outcome.plan.cells),
        "trained": outcome.trained,
        "rescored": outcome.rescored,
        "kept": outcome.kept,
        "failed": outcome.failed,
        "diverged": outcome.diverged,
        "skipped": [skip.__dict__ for skip in outcome.plan.skips],
        "broken": list(outcome.plan.broken),
        "problems": outcome.problems,
        "seconds": round(outcome.seconds, 2),
        "files": [str(path) for path in files],
    }


def _say_outcome(outcome: Outcome) -> None:
    if not outcome.trained and not outcome.rescored:
        print(f"Nothing to do: all {outcome.kept} cells were done before; nothing was computed again.")
    else:
        parts = [f"{outcome.trained} cells trained"]
        parts += [f"{outcome.rescored} scored anew"] if outcome.rescored else []
        parts += [f"{outcome.kept} done before"] if outcome.kept else []
        print(f"{', '.join(parts)} in {seconds_text(outcome.seconds)}.")
    for line in outcome.plan.broken:
        print(clean(f"broken plugin: {line}"))
    for line in outcome.problems:
        print(clean(f"problem: {line}"))
    for slot in outcome.diverged:
        print(clean(f"diverged (a finding, not a failure): {slot}"))
    for slot in outcome.failed:
        print(clean(f"failed: {slot} (bench show {slot}; run it again with --rerun failed)"))


def print_plan(plan: Plan, out: Path, rerun: str, *, as_json: bool) -> None:
    """--dry-run: every cell and what would be done with it, every skip and why."""
    store = Store(out)
    todo = {one.cell.slot: one.action for one in todo_list(plan, store, rerun=rerun)} if out.exists() else None
    actions = [(cell, "train" if todo is None else todo.get(cell.slot, "done")) for cell in plan.cells]
    if as_json:
        cells = [cell.to_json() | {"action": action} for cell, action in actions]
        print(json.dumps(plan.to_json() | {"cells": cells}, indent=1))
        return
    ledger = read_ledger(out, COMMITTED)
    for cell, action in actions:
        steps = f"{cell.steps} steps" if cell.steps else "no steps"
        about = seconds_text(expected_seconds(cell, ledger))
        print(f"{action:8} {cell.slot}  {steps}, {len(cell.metrics)} metrics, about {about}")
    for skip in plan.skips:
        print(f"skip     {skip.model} on {skip.dataset}: {skip.reason}")
    for line in plan.broken:
        print(clean(f"broken   {line}"))
    work = sum(expected_seconds(cell, ledger) for cell, action in actions if action == "train")
    count = sum(action != "done" for _, action in actions)
    print(f"{count} of {len(actions)} cells to do, about {seconds_text(work)} of one core; {len(plan.skips)} skipped.")


def print_list(kind: str, *, as_json: bool) -> None:
    """bench list."""
    if kind == "suites":
        _print_suites(as_json=as_json)
        return
    found = list(entries(kind.removesuffix("s")).values())
    if as_json:
        rows = [
            {
                "name": e.name,
                "title": e.title,
                "path": str(e.path),
                "methods": e.methods,
                "error": e.error,
                **e.constants,
            }
            for e in found
        ]
        print(json.dumps(rows, indent=1, default=list))
        return
    for entry in found:
        if kind == "models":
            label = f"{entry.constants.get('family', ''):12} "
        elif kind == "metrics":
            label = f"{entry.constants.get('better', ''):7} "
        else:
            label = ""
        print(
            clean(
                f"{entry.name:18} {label}{entry.title}" if not entry.error else f"{entry.name:18} BROKEN: {entry.error}"
            )
        )


def _print_suites(*, as_json: bool) -> None:
    suites = [load_suite(name) for name in suite_names()]
    if as_json:
        print(json.dumps([s.__dict__ for s in suites], indent=1))
        return
    for suite in suites:
        print(f"{suite.name}: {suite.description}")
        print(f"  datasets: {', '.join(suite.datasets)}; {suite.seeds} seed(s)")
        ledger = shares(read_ledger(COMMITTED), suite.name)
        total = sum(seconds for _, seconds, _ in ledger)
        for model, seconds, cells in ledger:
            share = seconds / total if total else 0.0
            print(f"  {model:18} {seconds:7.1f} core-seconds a seed over {cells} datasets, {share:5.1%}")
        if ledger:
            print(f"  {'all':18} {total:7.1f} core-seconds a seed, {total * suite.seeds:.0f} with {suite.seeds} seeds")


def print_one(name: str, out: Path) -> None:
    """bench show."""
    if not name:
        raise UsageError("say what to show: a name of bench list, dataset/model/seed-0, or a path; got an empty name")
    if Path(name).is_dir() or Path(name).suffix.lower() in (".npz", ".csv"):
        _show_own(Path(name))
        return
    record = _cell_record(name, out)
    if record is not None:
        print(json.dumps(record, indent=1, sort_keys=True))
        return
    for kind, describe in (("model", _show_model), ("dataset", _show_dataset), ("metric", _show_metric)):
        if name in entries(kind) or (kind == "model" and name.endswith(".py")):
            describe(name, out)
            return
    if name in suite_names():
        print((Path(__file__).parent / "suites" / f"{name}.toml").read_text())
        return
    names = {n for kind in ("model", "dataset", "metric") for n in entries(kind)} | set(suite_names())
    raise unknown("name", name, names)


def _cell_record(name: str, out: Path) -> Record | None:
    """A stored record by path, by slot, or by the tail of its slot (dataset/model/seed-k)."""
    path = Path(name)
    if "/" not in name or name.endswith(".py"):
        return None
    tail = name.removesuffix(".json")
    found = [path] if path.is_file() else sorted((out / "cells").glob(f"**/{tail}.json"))
    if not found:
        raise UsageError(
            f"{name!r} is no file or folder, and no cell in {out}; a cell is dataset/model/seed-0, see {out}/cells"
        )
    record, problem = read_record(found[0])
    if record is None:
        raise UsageError(f"{found[0]} is not a stored cell: {problem}")
    return record


def _show_model(name: str, out: Path) -> None:
    import ast

    entry = find("model", name)
    text = entry.path.read_text(encoding="utf-8")
    print(ast.get_docstring(ast.parse(text)) or "(no docstring)")
    hidden = {"family", "paper", "uses_labels", "measure", "reference"}
    print(
        f"\nfile: {_relative(entry.path)}\nfamily: {entry.constants.get('family')}\npaper: {entry.constants.get('paper', '')}"
    )
    print(f"can: {', '.join(CAPABILITY_WORDS[m] for m in entry.methods if m in CAPABILITY_WORDS)}")
    print("fields: " + ", ".join(f"{k}={v!r}" for k, v in entry.constants.items() if k not in hidden))
    records = [r for r in Store(out).records() if r["model"]["id"] == entry.name] if (out / "cells").is_dir() else []
    for record in records:
        primary = record["dataset"].get("primary", "")
        value = record["metrics"]["public"].get(primary, {}).get("value")
        score = f"{primary} {value:.4g}" if value is not None else record["status"]
        print(clean(f"  {record['dataset']['id']:15} {record['model']['row']:20} seed {record['seed']}: {score}"))


def _show_dataset(name: str, out: Path) -> None:
    from bench.registry import load

    entry = find("dataset", name)
    with without_downloads():
        data = load("dataset", name)()
    print(f"{entry.title}\n\nfile: {_relative(entry.path)}")
    _describe(data)


def _show_own(path: Path) -> None:
    from bench.own_data import own_dataset

    data = own_dataset(path)
    print(f"{data.name}: your own data\n\nfile: {path}")
    _describe(data)


def _describe(data: Any) -> None:
    print(f"kind: {data.kind}; one example has shape {data.shape}")
    print(
        f"train / valid / test: {len(data.train)} / {len(data.valid)} / {len(data.test)} rows (public: valid, private: test)"
    )
    values = f"{data.levels} levels, code / {data.levels - 1} in [0, 1]" if data.levels else "real numbers"
    print(f"values: {values}\nclasses: {data.n_classes or 'no labels'} {' '.join(data.class_names[:20])}")
    print(f"ranked by: {data.primary}; feature spaces: {', '.join(data.spaces)}\nsha256: {data.sha256}")
    for key, value in data.notes.items():
        print(f"{key}: {value}")
    print(f"a submission: {form_of(data).describe()}")


def _show_metric(name: str, out: Path) -> None:
    entry = find("metric", name)
    constants = entry.constants
    print(f"{entry.title}\n\nfile: {_relative(entry.path)}")
    for key in ("better", "unit", "scale", "needs", "version", "slow"):
        print(f"{key}: {constants.get(key, '')}")


def _relative(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def print_leaderboard(
    out: Path,
    *,
    dataset: str | None,
    board: str,
    style: str,
    suite: str | None = None,
    quiet: bool = False,
    browse: bool = False,
) -> None:
    """bench leaderboard: rebuild the files, print what was asked for; browse: show the page in a browser instead."""
    from bench import leaderboard
    from bench.render import files, markdown
    from bench.render.board import make_boards

    store = Store(out)
    records = store.records()
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; expected a folder of results, such as results")
    if not records:
        why = f"; {clean(store.problems[0])}" if store.problems else ""
        raise UsageError(f"no results in {out}{why}; make some with: bench run --all --out {out}")
    known = sorted({record["dataset"]["id"] for record in records})
    if dataset is not None and dataset not in known:
        raise unknown("dataset on the boards", dataset, known)
    if not quiet:
        _try_rebuild(out)
        for line in store.problems:
            print(clean(f"bench: {line}"), file=sys.stderr)
    records += files.submitted(store, records)
    if browse:
        open_page(out / "leaderboard.html")
        return
    if style == "html":
        print(files.page(Store(out), [r for r in records if dataset in (None, r["dataset"]["id"])]), end="")
        return
    chosen = [r for r in records if suite is None or r["suite"] == suite]
    frame = leaderboard.tidy(chosen)
    primaries = leaderboard.primary_metrics(chosen)
    found = leaderboard.flags(frame, chosen)
    if style in ("csv", "json"):
        frame = frame[(frame.board.isin([board, ""])) & ((frame.dataset == dataset) | (dataset is None))]
        means = leaderboard.summary(frame, primaries, board=board)
        print(files.to_csv(frame) if style == "csv" else files.to_json(frame, means, found), end="")
        return
    boards = make_boards(frame, primaries, found, board=board, dataset=dataset)
    if style == "md":
        print("\n".join(map(markdown.board_markdown, boards)))
        return
    for one in boards:
        print_board(one)
    if not quiet:
        print(f"With pictures and curves: {out / 'leaderboard.html'} (bench leaderboard --open)")


def open_page(path: Path) -> None:
    """Show a page in the reader's browser, or say where it is."""
    import webbrowser

    address = path.resolve().as_uri()
    try:
        shown = webbrowser.open(address)
    except webbrowser.Error:
        shown = False
    print(f"Opened {path}" if shown else f"No browser could be started; the page is {path}")


def print_comparison(out: Path, a: str, b: str, *, dataset: str) -> None:
    """bench compare."""
    from bench import leaderboard
    from bench.render.board import number

    records = [r for r in Store(out).records() if r["dataset"]["id"] == dataset and r["status"] not in FAILED]
    names = {r["model"]["row"] for r in records}
    if not names:
        raise UsageError(f"no results on {dataset!r} in {out}; make some with: bench run -m {a},{b} -d {dataset}")
    for name in (a, b):
        if name not in names:
            raise unknown("row", name, names)
    frame = leaderboard.compare_models(records, a, b, dataset=dataset)
    print(
        f"{a} against {b} on {dataset}; difference {a} - {b} on the metric's scale, Welch's test, Holm over the table"
    )
    for row in frame.itertuples(index=False):
        board, metric, left, right, scale, difference, se, p, p_holm = row
        error = "unknown" if se is None or se != se else number(se)
        words = "no difference shown" if p_holm >= 0.05 else "differ"
        print(
            f"{board:8} {metric:26} {number(left):>10} {number(right):>10}  {scale:5} {number(difference):>10} "
            f"± {error}, p {p_holm:.3g}: {words}"
        )


def print_diagnosis(*, as_json: bool) -> bool:
    """bench doctor; True if nothing is bad."""
    from bench.doctor import BAD, diagnose

    found = diagnose()
    if as_json:
        print(json.dumps([finding.__dict__ for finding in found], indent=1))
    else:
        for finding in found:
            remedy = f"\n{'':37}remedy: {finding.remedy}" if finding.remedy else ""
            print(clean(f"{finding.verdict:8} {finding.check:27} {finding.detail}") + remedy)
        bad = sum(finding.verdict == BAD for finding in found)
        print(f"{len(found)} checks, {bad} bad" + (": see the remedies above" if bad else ""))
    return all(finding.verdict != BAD for finding in found)


def make_model(name: str) -> None:
    """bench new model."""
    from bench.plugin_check import new_model

    path = _relative(new_model(name, ROOT / "baselines"))
    print(f"wrote {path}; try it: bench check {path}, then bench run -m {name} -d ring8")


def print_check(file: str) -> bool:
    """bench check; True if every promise is kept."""
    from bench.plugin_check import check_model

    results = check_model(file)
    for result in results:
        print(
            clean(
                f"{'ok' if result.kept else 'FAILED':7} {result.dataset:14} {result.promise} {result.detail}".rstrip()
            )
        )
    broken = sum(not result.kept for result in results)
    print(f"{len(results)} promises tried, {broken} broken")
    return not broken
