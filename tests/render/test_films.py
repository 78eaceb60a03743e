"""Strips on a model's card: the steps of the film, the score of the look beside each, and what is not ours left out."""

import re

import numpy as np

from bench.render.html.films import labels_of
from bench.run.pictures import to_png
from tests.leaderboard.test_table import records_of
from tests.render.test_page import build


def png(width, height, *labels):
    return to_png(np.arange(width * height, dtype=np.uint8).reshape(height, width), labels=labels)


def page_of(tmp_path, files, *, kind="image", probes=((10, 0.5), (20, 0.25))):
    records = records_of("a", [1.0, 1.1], spread=0.1) + records_of("b", [2.0, 2.1], spread=0.1)
    for record in records:
        record["dataset"]["kind"] = kind
        shift = 0 if record["model"]["row"] == "a" and record["seed"] == 0 else 7
        record["training"] |= {"probes": [[step, value + shift] for step, value in probes]}
    folder = tmp_path / "grids" / records[0]["dataset"]["id"]
    folder.mkdir(parents=True)
    for name, raw in files.items():
        (folder / name).write_bytes(raw)
    return build(records, tmp_path)


def labels(page):
    return re.findall(r"<li><bdi>(.*?)</bdi>(?: <b>(.*?)</b>)?</li>", page)


def test_the_film_of_seed_zero_has_the_score_of_each_look(tmp_path):
    page = page_of(tmp_path, {"a.film.png": png(73, 19, "10", "20")})
    assert labels(page) == [("10", "0.500"), ("20", "0.250")]
    assert 'style="--w:292px;--p:146px"' in page, "four and two times its 73 pixels: at most 300 and 200"
    assert page.count('class="films"') == 1, "b has no strip"
    assert "Samples over training</summary>" in page


def test_looks_that_no_record_had_stand_without_scores(tmp_path):
    page = page_of(tmp_path, {"a.film.png": png(73, 19, "10", "30")})
    assert labels(page) == [("10", ""), ("30", "")]


def test_walks_and_classes_are_named_and_points_stand_side_by_side(tmp_path):
    files = {"a.walk.png": png(91, 28), "a.classes.png": png(73, 19, "cat", "<b>")}
    page = page_of(tmp_path / "1", files)
    assert "and between two of them, class by class</summary>" in page and "before pixels are drawn" in page
    assert labels(page) == [("cat", ""), ("&lt;b&gt;", "")]
    assert 'class="film across"' not in page
    page = page_of(tmp_path / "2", {"a.film.png": png(192, 96, "10", "20")}, kind="2d")
    assert 'class="film across"' in page and "--w:" not in page.partition('class="film across"')[2]


def test_labels_that_are_none_of_ours_are_no_labels(tmp_path):
    for i, raw in enumerate((b"rubbish", png(3, 3), png(3, 3, *["x"] * 21))):
        (tmp_path / f"{i}.png").write_bytes(raw)
        assert labels_of(tmp_path / f"{i}.png") == []
    assert labels_of(tmp_path / "none.png") == []
    (tmp_path / "good.png").write_bytes(png(3, 3, "β", "x"))
    assert labels_of(tmp_path / "good.png") == ["β", "x"]
