"""Declare the shape of a reference and check it: a NaN in it would keep the gate green for ever."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypeAlias, cast

from typing_extensions import TypedDict  # pydantic refuses typing's own before Python 3.12

from bench.records.schema import Status
from bench.shapes import (
    Amount,
    AmountOrNull,
    Count,
    Expected,
    LabelOrNull,
    Object,
    Text,
    are_numbers,
    is_name,
    shown,
    spell_path,
    wrong_shape,
)

SCHEMA = "bench.reference/1"


def _are_scores(value: object) -> bool:
    return value != [] and are_numbers(value)


def _is_row_name(value: object) -> bool:
    return is_name(value) and cast(str, value).count("/") == 2


RowName: TypeAlias = Annotated[str, Expected("a name of the form SUITE-DEVICE/DATASET/MODEL", _is_row_name)]
Scores: TypeAlias = Annotated[list[float], Expected("a list of finite numbers", _are_scores)]


class ColumnShape(TypedDict):
    """One metric on one board; delta null: no effect is large enough to be red."""

    scale: Literal["raw", "log", "logit"]
    better: Literal["lower", "higher"]
    delta: AmountOrNull
    version: Count


class RowShape(TypedDict):
    """One model on one dataset: its scores by seed, how its cells ended, its speed and its memory."""

    statuses: dict[Status, Amount]
    dataset: Text
    metrics: dict[Text, Scores]
    error: NotRequired[Text]
    env_ref: NotRequired[LabelOrNull]
    peak_rss_bytes: NotRequired[AmountOrNull]
    peak_cuda_bytes: NotRequired[AmountOrNull]
    matmul_flops_per_s: NotRequired[AmountOrNull]
    train_examples_per_s: NotRequired[AmountOrNull]
    sample_examples_per_s: NotRequired[AmountOrNull]
    train_spread: NotRequired[AmountOrNull]
    sample_spread: NotRequired[AmountOrNull]


class ReferenceShape(TypedDict):
    """What the gate compares with."""

    schema: Literal["bench.reference/1"]
    commits: Object
    columns: dict[Text, ColumnShape]
    rows: dict[RowName, RowShape]


def check(value: object) -> str:
    """Say why an object is not a reference of this schema; empty if it is one."""
    return wrong_shape(value, ReferenceShape, SCHEMA) or _row_without_column(cast(dict[str, Any], value))


def _row_without_column(reference: dict[str, Any]) -> str:
    for key, row in reference["rows"].items():
        board = key.rpartition("/")[0]
        for metric in row["metrics"]:
            if f"{board}/{metric}" not in reference["columns"]:
                return f"{spell_path(('rows', key, 'metrics'))} holds {shown(metric)}, which is not among the columns"
    return ""
