"""Choose settings: first the model's defaults, then points of a scrambled Sobol sequence.

    x = low (high / low)^u            a range, u in [0, 1)                                          (1)
    x = value number floor(u K)       K choices                                                     (2)

The sequence has one seed for all models, so that the first trials of a longer search are those of a shorter one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import UsageError
from bench.models.search import Choices, Range, Space

SEED = 0
BLOCK = 64  # points drawn at a time, and looked at for each trial: a space that gives no new settings by then has none


def trial_settings(space: Space, defaults: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """Return the fields of `count` trials, no two alike; UsageError where there are not so many."""
    names = sorted(space)
    settings = [{name: defaults[name] for name in names}]
    seen = {_spelled(settings[0])}
    for point in islice(_sobol(len(names)), BLOCK * count):
        if len(settings) == count:
            return settings
        one = {name: at(space[name], float(u)) for name, u in zip(names, point)}
        if _spelled(one) not in seen:
            seen.add(_spelled(one))
            settings.append(one)
    raise UsageError(
        f"--trials {count}: {', '.join(names)} have {len(settings)} different settings, the defaults among them; "
        f"ask for at most {len(settings)} trials"
    )


def at(axis: Range | Choices, u: float) -> Any:
    """Return the value at u in [0, 1) by eq. (1) or (2); real numbers have three digits, to be pasted."""
    if isinstance(axis, Choices):
        return axis.values[int(u * len(axis.values))]
    x = axis.low * (axis.high / axis.low) ** u
    if axis.whole:
        return min(max(math.floor(x + 0.5), int(axis.low)), int(axis.high))
    return float(min(max(float(f"{x:.3g}"), axis.low), axis.high))


def _sobol(dimensions: int) -> Iterator[NDArray[np.float64]]:
    from scipy.stats import qmc

    sampler = qmc.Sobol(dimensions, scramble=True, seed=np.random.default_rng(SEED))
    while True:
        yield from sampler.random(BLOCK)


def _spelled(settings: Mapping[str, Any]) -> str:
    return json.dumps(settings, sort_keys=True)
