"""Find how to read a column of an experiment.

A column is a metric of the suite, a value of a measure, or a cost in the record.
"""

from __future__ import annotations

from bench.registry import entries
from bench.reproductions.measure import Column, columns_of, measure_names

OF_RECORDS = {
    "reached": Column("share of runs that reached the target", "higher", "share"),
    "core_s_to_quality": Column(
        "core-seconds of training up to the target, of the runs that reached it", "lower", "log"
    ),
    "train_core_s": Column("core-seconds of training", "lower", "log"),
    "cpu_s": Column("CPU-seconds of the cell", "lower", "log"),
    "train_s": Column("training, seconds", "lower", "log"),
    "peak_mib": Column("peak memory, MiB", "lower", "log"),
    "n_params": Column("trained parameters, or numbers kept", "none", "log"),
}
CENSORED = {"core_s_to_quality"}  # a run without a value is beyond all others: no test where any is
UNITS = {"nats", "bits", "count", "fraction"}


def column(name: str) -> Column:
    """Return the column of this name; shares are compared in points, so logit counts as raw."""
    known = OF_RECORDS | {key: value for measure in measure_names() for key, value in columns_of(measure).items()}
    if name in known:
        declared = known[name]
    else:
        constants = entries("metric")[name].constants
        unit = constants.get("unit", "")
        title = f"{name}, {unit}" if unit in UNITS else name
        declared = Column(title, constants["better"], constants.get("scale", "raw"))
    return Column(declared.title, declared.better, "raw" if declared.scale == "logit" else declared.scale)
