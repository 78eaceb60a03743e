"""results/leaderboard.html: one self-contained file for people, made from the boards' own table."""

from bench.render.html.page import leaderboard_html

__all__ = ["leaderboard_html"]
