"""Words and numbers as every rendering writes them."""

from __future__ import annotations

DASH = "–"  # what stands for an absent value


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
    """Write three significant digits, without an exponent from 0.001 to a million."""
    if value == 0:
        return "0"
    if 0.001 <= abs(value) < 1000:
        text = f"{value:#.3g}"
        return text.rstrip(".") if "." in text else text
    if 1000 <= abs(value) < 1e6:
        return f"{value:,.0f}"
    return f"{value:.1e}"
