"""What is known of a column by its name: direction and scale, from the suite's metrics, the measures, or the records."""

from __future__ import annotations

from bench.registry import entries
from bench.reproductions.measure import Column, columns_of, measure_names

OF_RECORDS = {
    "cpu_s": Column("CPU-seconds of the cell", "lower", "log"),
    "train_s": Column("training, seconds", "lower", "log"),
    "peak_mib": Column("peak memory, MiB", "lower", "log"),
    "n_params": Column("trained parameters, or numbers kept", "none", "log"),
}
UNITS = {"nats", "bits", "count", "fraction"}


def column(name: str) -> Column:
    """The column of this name. Accuracies and shares are compared as they are, in points: logit counts as raw here."""
    known = OF_RECORDS | {key: value for measure in measure_names() for key, value in columns_of(measure).items()}
    if name in known:
        found = known[name]
    else:
        constants = entries("metric")[name].constants
        unit = constants.get("unit", "")
        title = f"{name}, {unit}" if unit in UNITS else name
        found = Column(title, constants["better"], constants.get("scale", "raw"))
    return Column(found.title, found.better, "raw" if found.scale == "logit" else found.scale)
