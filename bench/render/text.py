"""Words and numbers as every rendering writes them."""

from __future__ import annotations

import math

DASH = "–"  # what stands for an absent value
MINUS = "\N{MINUS SIGN}"
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def clean(text: str) -> str:
    """Blank the control characters of a text, so that nothing in a name or message can drive the terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def seconds_text(seconds: float) -> str:
    """Write a duration in its two largest units: "41 s", "3 min 20 s", "2 h 5 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def number(value: float) -> str:
    """Write three significant digits, without a power of ten from 0.001 to a million."""
    if not math.isfinite(value):
        return str(value).replace("-", MINUS)
    if value == 0:
        return "0"
    if 0.001 <= abs(value) < 999.5:
        text = f"{value:#.3g}".rstrip(".")
    elif 999.5 <= abs(value) < 1e6:
        text = f"{value:,.0f}"
    else:
        return power(value, 1)
    return text.replace("-", MINUS)


def power(value: float, decimals: int) -> str:
    """Write a number with a power of ten: "5.9×10⁻⁴"."""
    mantissa, _, exponent = f"{value:.{decimals}e}".partition("e")
    return f"{mantissa.replace('-', MINUS)}×10{str(int(exponent)).translate(RAISED)}"


def quantity(value: float, unit: str) -> str:
    """Write a value of a metric or resource: a count exactly, bytes in MiB, anything else in three digits."""
    if unit == "bytes":
        value = value / 2**20
        return f"{value:,.0f}" if value >= 100 else number(value)
    if unit == "count" and value == round(value):
        return f"{value:,.0f}".replace("-", MINUS)
    if unit == "1/s" and value >= 100:
        return f"{float(f'{value:.3g}'):,.0f}"
    return number(value)


def ends(low: float, high: float, unit: str = "") -> tuple[str, str]:
    """Write both ends of an interval with as many decimals as the one farther from 0 has in three digits."""
    size = max(abs(low), abs(high))
    if unit in ("bytes", "1/s") or not 0.001 <= size < 999.5:
        return quantity(low, unit), quantity(high, unit)
    decimals = max(0, 2 - math.floor(math.log10(size)))
    texts = [f"{end:.{decimals}f}".replace("-", MINUS) for end in (low, high)]
    flat = low != 0 and float(f"{low:.{decimals}f}") == 0  # an end near 0 on a log scale
    return number(low) if flat else texts[0], texts[1]


def interval(low: float, high: float, unit: str = "") -> str:
    """Write an interval in brackets: "[1.13, 1.85]"."""
    return "[{}, {}]".format(*ends(low, high, unit))
