"""Baselines: statistical, tractable and approximate models and reference rows; one model, one file."""
