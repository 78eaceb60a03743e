"""iris: three species of iris, 4 measurements, 150 rows (Fisher 1936)."""

from bench.datasets import Dataset
from bench.datasets._split import table_dataset


def iris() -> Dataset:
    """Split the rows 60 / 20 / 20 %, stratified, standardised by train."""
    from sklearn.datasets import load_iris

    return table_dataset("iris", load_iris())
