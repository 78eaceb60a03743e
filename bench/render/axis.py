"""Axes of drawings, in pixels, percent or letters: raw or log scale, round ticks, short labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from bench.render.text import MINUS, power


@dataclass(frozen=True)
class Axis:
    """Map low..high to start..end, in pixels of the view box.

    over: share of the axis' length beyond its ends at which values outside are held, so that they are seen to
    run off the drawing; 0 holds them at the edge.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False
    over: float = 0.02

    def at(self, value: float) -> float:
        """Return the position of a value."""
        low, span = self._scaled
        share = 0.5 if span == 0 else ((math.log(max(value, 1e-300)) if self.log else value) - low) / span
        held = -self.over if share < -self.over else 1 + self.over if share > 1 + self.over else share
        return round(self.start + (self.end - self.start) * held, 1)

    @cached_property
    def _scaled(self) -> tuple[float, float]:
        """The low end and the length of the range, as logarithms on a log axis."""
        low, high = (math.log(max(x, 1e-300)) if self.log else x for x in (self.low, self.high))
        return low, high - low

    def ticks(self, count: int = 3) -> list[tuple[float, str]]:
        """About `count` round values with their positions' labels: (value, text)."""
        values = log_ticks(self.low, self.high, count) if self.log else round_ticks(self.low, self.high, count)
        return [(v, short(v)) for v in values]


def axis_of(values: Sequence[float], start: float, end: float, *, log: bool = False, pad: float = 0.05) -> Axis:
    """Span an axis over the finite values with a margin; a log axis only where all are above zero."""
    finite = [v for v in values if math.isfinite(v)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    log = log and low > 0
    if log:
        factor = max((high / low) ** pad, 1.05)
        return Axis(low / factor, high * factor, start, end, True)
    margin = pad * (high - low) or abs(high) * 0.05 or 0.5
    return Axis(low - margin, high + margin, start, end)


def round_ticks(low: float, high: float, count: int) -> list[float]:
    """List the multiples of 1, 2 or 5 times a power of ten inside low..high, at least one value."""
    if not high > low:
        return [low]
    raw = (high - low) / max(count, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    ticks = [0.0 if i == 0 else float(f"{i * step:.12g}") for i in range(first, first + count + 3) if i * step <= high]
    return ticks or [float(f"{(low + high) / 2:.2g}")]


def log_ticks(low: float, high: float, count: int) -> list[float]:
    """List about `count` powers of ten inside low..high; where there is only one, 1-3 or 1-2-5 steps."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for marks in ((1,), (1, 3), (1, 2, 5)):
        ticks = [m * 10.0**d for d in decades for m in marks if low <= m * 10.0**d <= high]
        if len(ticks) >= 2:
            break
    else:
        ticks = round_ticks(low, high, count)
    every = -(-len(ticks) // (count + 1))
    return ticks[::every]


def decade_ticks(low: float, high: float, count: int) -> list[float]:
    """List at most `count` powers of ten inside low..high, evenly spaced.

    Where there are fewer than three, 1-2-5 steps. Within less than one decade a log axis looks nearly linear: there the
    ticks are round_ticks.
    """
    if math.log10(high / low) < 1:
        return round_ticks(low, high, count)
    exponents = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
    if len(exponents) < 3:
        finer = [m * 10.0**k for k in range(exponents.start - 1, exponents.stop) for m in (1, 2, 5)]
        return [tick for tick in finer if low <= tick <= high]
    stride = -(-len(exponents) // count)
    return [10.0**k for k in exponents if k % stride == 0]


def short(value: float) -> str:
    """Write a tick's label: 0.01, 300, 1.2k, 20k, 3M."""
    if value == 0:
        return "0"
    size = abs(value)
    for unit, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= unit:
            text = f"{value / unit:.3g}{suffix}"
            break
    else:
        text = f"{value:.3g}" if size >= 0.001 else power(value, 0)
    return text.replace("-", MINUS)
