"""Experiments about the suite itself: how well its intervals cover, what its gate finds, what its metrics agree with."""
