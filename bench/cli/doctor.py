"""bench doctor: is this installation sound? Versions, device, threads, memory, weights, data.

A verdict and a remedy each.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import typer

from bench.cli.app import AsJson, app
from bench.errors import DataUnavailable
from bench.registry import entries
from bench.render.text import clean

OK, WARN, BAD = "ok", "warning", "bad"


@app.command(short_help="Check the installation: a verdict and a remedy each.")
def doctor(as_json: AsJson = False) -> None:
    """Check the installation: versions, device, memory, plugins, data, weights; a verdict and a remedy each."""
    raise typer.Exit(0 if print_diagnosis(as_json=as_json) else 1)


def print_diagnosis(*, as_json: bool) -> bool:
    """Print a verdict and a remedy for each check; return whether nothing is bad."""
    findings = diagnose()
    if as_json:
        print(json.dumps([finding.__dict__ for finding in findings], indent=1))
    else:
        for finding in findings:
            remedy = f"\n{'':37}remedy: {finding.remedy}" if finding.remedy else ""
            print(clean(f"{finding.verdict:8} {finding.check:27} {finding.detail}") + remedy)
        bad = sum(finding.verdict == BAD for finding in findings)
        print(f"{len(findings)} checks, {bad} bad" + (": see the remedies above" if bad else ""))
    return all(finding.verdict != BAD for finding in findings)


@dataclass(frozen=True)
class Finding:
    """One check. remedy: what to do, empty where the verdict is ok."""

    check: str
    verdict: str
    detail: str
    remedy: str = ""


def diagnose() -> list[Finding]:
    """Run every check; one that raises is a bad finding, the others go on."""
    findings: list[Finding] = []
    for name, check in CHECKS.items():
        try:
            findings += check()
        except Exception as error:  # noqa: BLE001 - a doctor that faints helps nobody
            findings.append(Finding(name, BAD, f"{type(error).__name__}: {error}", "report this"))
    return findings


def _python() -> Iterator[Finding]:
    if sys.version_info < (3, 11):
        yield Finding("python", BAD, sys.version.split()[0], "install Python 3.11 or newer")
    else:
        yield Finding("python", OK, sys.version.split()[0])


def _libraries() -> Iterator[Finding]:
    from importlib.metadata import PackageNotFoundError, version

    from bench.records.environment import LIBRARIES

    for name in LIBRARIES:
        try:
            installed = version(name)
        except PackageNotFoundError:
            yield Finding(name, BAD, "not installed", "pip install -e .")
            continue
        if name == "torch" and not installed.startswith("2.13."):
            yield Finding(name, WARN, f"{installed}, the suite is pinned to 2.13", "pip install 'torch==2.13.*'")
        else:
            yield Finding(name, OK, installed)


def _device() -> Iterator[Finding]:
    import torch

    if torch.cuda.is_available():
        yield Finding("device", OK, f"cuda: {torch.cuda.get_device_name()}")
    elif torch.version.cuda:
        yield Finding(
            "device", WARN, "a CUDA build of torch, but no GPU is visible", "check the driver, or use --device cpu"
        )
    else:
        yield Finding("device", OK, "cpu (this torch is built without CUDA)")


def _machine() -> Iterator[Finding]:
    from bench.records.environment import fingerprint

    env = fingerprint()
    yield Finding("threads", OK, f"{env['cores']} cores: up to {env['cores']} cells side by side, one thread each")
    memory = env["memory_gib"]
    if memory is not None and memory < 4:
        yield Finding("memory", WARN, f"{memory} GiB, the core suite is made for 4", "use --jobs 1")
    else:
        yield Finding("memory", OK, f"{memory} GiB")


def _plugins() -> Iterator[Finding]:
    from bench.registry import Broken, load_entry

    for kind in ("model", "dataset", "metric"):
        broken = []
        for entry in entries(kind).values():
            try:
                load_entry(entry)
            except Broken as error:
                broken.append(str(error))
        if broken:
            yield Finding(f"{kind}s", BAD, "; ".join(broken), "mend the file, or take it out of its folder")
        else:
            yield Finding(f"{kind}s", OK, f"{len(entries(kind))} load")


def _data() -> Iterator[Finding]:
    from bench.features import Unavailable, load_space
    from bench.files import without_downloads
    from bench.registry import load

    for name in entries("dataset"):
        try:
            with without_downloads():
                dataset = load("dataset", name)()
        except DataUnavailable as error:
            yield Finding(f"data {name}", WARN, "not here; nothing of the core suite needs it", str(error))
            continue
        rows = f"{len(dataset.train)}/{len(dataset.valid)}/{len(dataset.test)} rows, sha256 {dataset.sha256[:12]}"
        yield Finding(f"data {name}", OK, rows)
        for space in dataset.spaces:
            try:
                weights = load_space(space, dataset)
            except Unavailable as error:
                yield Finding(f"features {space} of {name}", WARN, "not available", str(error))
            else:
                yield Finding(f"features {space} of {name}", OK, f"sha256 {weights.sha256[:12]}")


def _golden() -> Iterator[Finding]:
    from bench.metrics._golden import broken_distances, drifted, values

    drift = drifted()
    told = "; ".join(f"{name} is {today:.8g}, should be {stored:.8g}" for name, (stored, today) in drift.items())
    remedy = "a library computes differently here: compare its version with results/env, and report this"
    yield Finding(
        "metrics", BAD if drift else OK, told or f"{len(values())} golden values reproduced", remedy if drift else ""
    )
    wrong = broken_distances()
    detail = "; ".join(wrong) or "0 for equal sets, symmetric, growing with a shift"
    yield Finding("distances", BAD if wrong else OK, detail, "report this" if wrong else "")


def _proofs() -> Iterator[Finding]:
    from bench.models.proofs import PROOFS

    for name, proof in PROOFS.items():
        faults = [f"{model}: {fault}" for model, fault in proof()]
        good = {"densities": "sum to one over all 2^12 images", "order": "no gradient from a later value"}[name]
        yield Finding(name, BAD if faults else OK, "; ".join(faults) or good, "report this" if faults else "")


def _cluster() -> Iterator[Finding]:
    from importlib.metadata import version
    from importlib.util import find_spec

    if find_spec("ray") is None:
        yield Finding("ray", OK, "not installed; cells run on this machine (several: pip install 'genbench[ray]')")
        return
    from bench.executors._ray_cluster import answers

    why = answers("auto")
    yield Finding(
        "ray", OK, f"{version('ray')}, " + (f"no cluster: {why}" if why else "a cluster answers at --address auto")
    )


CHECKS: dict[str, Callable[[], Iterator[Finding]]] = {
    "python": _python,
    "libraries": _libraries,
    "device": _device,
    "machine": _machine,
    "plugins": _plugins,
    "data": _data,
    "cluster": _cluster,
    "golden": _golden,
    "proofs": _proofs,
}
