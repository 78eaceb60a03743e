"""Decide what runs: from a suite and the user's choices to cells, each with its key."""
