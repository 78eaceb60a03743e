"""wine: three cultivars of wine, 13 measurements, 178 rows (Aeberhard and Forina 1991)."""

from bench.datasets import Dataset
from bench.datasets._split import table_dataset


def wine() -> Dataset:
    """Split the rows 60 / 20 / 20 %, stratified, standardised by train."""
    from sklearn.datasets import load_wine

    return table_dataset("wine", load_wine())
