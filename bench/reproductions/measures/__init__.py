"""Measures: one a file, a function `measure(fitted) -> {column: value}` and the columns' directions in COLUMNS."""
