"""`python -m studies.densities`: exact likelihoods beside scores of samples, from the committed boards.

A mark a model that has bits per dimension of digits' codes: how well it predicts held-out images, and how well its samples look by a
Frechet distance. Writes the picture docs/densities.svg and a table of docs/metrics.md.
"""

from __future__ import annotations

import pandas as pd

from bench.registry import ROOT
from bench.render.axis import axis_of, round_ticks
from bench.render.svg import tag
from studies._page import DOCS, write_block

BOARD = {"suite": "core", "dataset": "digits", "board": "public"}
BITS = "bits_per_dim"
SCORES = ("fid_random", "fid_lenet")  # the first that the boards have
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 640, 300, 60, 30, 260


def points(frame: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Return the score's name and a row a model, columns bits and score, in the order of the bits."""
    for column, value in BOARD.items():
        frame = frame[frame[column] == value]
    by_metric = frame.pivot_table(index="model", columns="metric", values="centre")
    score = next(name for name in SCORES if name in by_metric)
    return score, by_metric[[BITS, score]].dropna().sort_values(BITS)


def picture(score: str, rows: pd.DataFrame) -> str:
    """Draw the models by bits (x) and score (y); the better corner is below, on the left."""
    x = axis_of(list(rows[BITS]), LEFT, WIDTH - 90, pad=0.1)
    y = axis_of(list(rows[score]), BOTTOM, TOP, log=True, pad=0.1)
    text = lambda a, b, words, **more: tag("text", words, x=f"{a:g}", y=f"{b:g}", **more)
    parts = [
        text(
            4, 16, f"digits: exact models by {BITS} (across) and {score} (up), both lower is better", font_weight="bold"
        )
    ]
    for value in round_ticks(x.low, x.high, 5):
        parts.append(text(x.at(value), BOTTOM + 18, f"{value:g}", text_anchor="middle"))
        parts.append(tag("line", x1=x.at(value), x2=x.at(value), y1=TOP, y2=BOTTOM, stroke="#dddddd"))
    for value, label in y.ticks(4):
        parts.append(text(LEFT - 8, y.at(value) + 4, label, text_anchor="end"))
        parts.append(tag("line", x1=LEFT, x2=WIDTH - 90, y1=y.at(value), y2=y.at(value), stroke="#dddddd"))
    for model, row in rows.iterrows():
        at = x.at(row[BITS]), y.at(row[score])
        parts.append(tag("circle", cx=at[0], cy=at[1], r=4, fill="#1b6ca8"))
        parts.append(text(at[0] + 7, at[1] + 4, str(model)))
    ground = tag("rect", width=WIDTH, height=HEIGHT, fill="white")
    drawn = tag(
        *("svg", tag("title", "Likelihood and samples of exact models"), ground, *parts),
        **{"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {WIDTH} {HEIGHT}", "role": "img"},
        font_family="sans-serif", font_size=11, fill="#222222",
    )  # fmt: skip
    return f"{drawn}\n"


def main() -> None:
    """Read the committed boards and write the picture and the table."""
    score, rows = points(pd.read_csv(ROOT / "results" / "leaderboard.csv"))
    lines = ["", f"| model | {BITS} | place | {score} | place |", "| --- | --- | --- | --- | --- |"]
    places = rows.rank().astype(int)
    for model, row in rows.iterrows():
        lines.append(
            f"| {model} | {row[BITS]:.3f} | {places[BITS][model]} | {row[score]:.3g} | {places[score][model]} |"
        )
    lines += ["", f"Spearman's rank correlation of the two columns: {rows.corr(method='spearman').iloc[0, 1]:.2f}."]
    (DOCS / "densities.svg").write_text(picture(score, rows), encoding="utf-8")
    write_block(DOCS / "metrics.md", "densities", "\n".join([*lines, "", ""]))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
