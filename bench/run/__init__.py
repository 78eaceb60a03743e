"""Run cells: what to do, one cell from data to record, the sweep over all of them."""
