"""Datasets: one file each, one function each, named like the file, that returns a Dataset."""
