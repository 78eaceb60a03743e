"""What a cell says of its dataset, its model, its feature spaces and its metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.plan.cell import DRIVER_VERSION
from bench.plan.request import Reading
from bench.plan.source import libraries, own_files, source_sha256
from bench.registry import Entry, entries


def spaces_of(dataset: Any) -> tuple[dict[str, str], list[str]]:
    """Return hashes of a dataset's feature spaces by name, and the reasons for those that cannot be had."""
    from bench.features import Unavailable, load_space

    features, missing = {}, []
    for space in dataset.spaces:
        try:
            features[space] = load_space(space, dataset).sha256
        except Unavailable as error:
            missing.append(str(error))
    return features, missing


def facts_of(dataset: Any, reading: Reading | None = None, files: Sequence[str] = ()) -> dict[str, Any]:
    """Return what a cell says of its dataset, and of the feature spaces and metrics that apply to it.

    files: where those lie that the dataset was read from, for a machine that has none.
    """
    features, missing = spaces_of(dataset)
    return {
        "dataset": {
            "id": dataset.name,
            "version": dataset.version,
            "sha256": dataset.sha256,
            "kind": dataset.kind,
            "primary": dataset.primary,
            "n_train": len(dataset.train),
            "n_valid": len(dataset.valid),
            "n_test": len(dataset.test),
        }
        | ({"path": dataset.own_path, **(reading or {})} if dataset.own_path else {})
        | ({"files": list(files)} if files else {}),
        "features": features,
        "missing": missing,
    }


def model_facts(entry: Entry, hparams: dict[str, Any], *, variant: str) -> dict[str, Any]:
    """Return what a cell says of its model.

    variant: what sets its row apart from the model's own, empty for that.
    """
    return {
        "id": entry.name,
        "family": entry.constants["family"],
        "uses_labels": bool(entry.constants.get("uses_labels")),
        "reference": entry.reference,
        "measure": entry.constants.get("measure", ""),
        "source_sha256": source_sha256(entry),
        "libraries": libraries(entry),
        "hparams": hparams,
        "path": str(entry.path),
        "module": entry.module,
        "variant": variant,
    } | ({"files": own_files(entry)} if entry.module.startswith("genbench_file_") else {})


def applicable_metrics(features: dict[str, str], *, slow: bool = False) -> dict[str, int]:
    """Return versions of the metrics that these feature spaces allow.

    Whether a model has what they need is seen when scoring.
    """
    applicable = {}
    for name, entry in entries("metric").items():
        if entry.error or (entry.constants.get("slow") and not slow):
            continue
        spaces = entry.constants.get("spaces", ())
        base = entry.constants.get("name", entry.attribute)
        if spaces and name[len(base) + 1 :] not in features:
            continue
        applicable[name] = entry.constants.get("version", 1)
    return applicable


def versions() -> dict[str, str]:
    """Return the versions that decide a model's outputs beside its source.

    Torch's and the training driver's.
    """
    import torch

    return {"torch": torch.__version__.split("+")[0], "driver": str(DRIVER_VERSION)}
