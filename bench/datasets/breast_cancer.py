"""breast_cancer: benign and malignant tumours, 30 measurements, 569 rows (Wolberg et al. 1995)."""

from bench.datasets import Dataset
from bench.datasets._split import table_dataset


def breast_cancer() -> Dataset:
    """Split the rows 60 / 20 / 20 %, stratified, standardised by train."""
    from sklearn.datasets import load_breast_cancer

    return table_dataset("breast_cancer", load_breast_cancer())
