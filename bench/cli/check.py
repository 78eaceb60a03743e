"""bench doctor, bench new and bench check: an installation, a new plugin and its promises, as lines of text."""

from __future__ import annotations

import json

from bench.registry import ROOT, relative
from bench.render.text import clean


def print_diagnosis(*, as_json: bool) -> bool:
    """Bench doctor; True if nothing is bad."""
    from bench.cli.doctor import BAD, diagnose

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
    """Bench new model."""
    from bench.models.template import new_model

    path = relative(new_model(name, ROOT / "baselines"))
    print(f"wrote {path}; try it: bench check {path}, then bench run -m {name} -d ring8")


def print_check(file: str) -> bool:
    """Bench check; True if every promise is kept."""
    from bench.models.check import check_model

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
