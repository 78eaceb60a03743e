"""results/leaderboard.html as text: complete without scripts, the same bytes again, inert, and its parts against known answers."""

import base64
import hashlib
import html
import re
from pathlib import Path

import numpy as np
import pytest

from bench.leaderboard import table
from bench.leaderboard.row import rows_of
from bench.records.store import Store
from bench.render import files
from bench.render.bars import bar_axis, bar_of
from bench.render.html.cards import describe, paper_link
from bench.render.html.curves import panel
from bench.render.html.overview import ordinal
from bench.render.html.pareto import front
from bench.render.html.pictures import embed
from bench.render.html.source import slug
from bench.render.svg import tag
from bench.render.terminal import text_bar
from tests.leaderboard.test_table import records_of


def build(records, out=Path("/nonexistent")):
    return files.page(Store(out), records)


def small():
    records = records_of("oracle", [0.5, 0.5], reference=True)
    records += records_of("a", [1.0, 1.1], spread=0.1) + records_of("b", [2.0, None], spread=0.1)
    for record in records:
        record["curve"] = [
            {"step": s, "seconds": 0.1, "d_loss": 1.0 / s, "d_real": 0.6, "grad_net": 2.0} for s in (1, 2, 3)
        ]
        record["training"] |= {"probes": [[2, 3.0], [3, 2.0]], "modes": [[2, 7], [3, 9]]}
    return records


def test_the_page_is_the_same_bytes_again_whatever_the_order_of_time():
    assert build(small()) == build(small())


def test_everything_is_there_without_the_script():
    text = re.sub(r"<script>.*?</script>", "", build(small()), flags=re.S)
    for word in (
        "1.05",
        "Reference rows",
        "Losses",
        "Modes found",
        "Gradient norms",
        "crashed in fit: seed 1",
        "1 failed",
    ):
        assert word in text, word


def test_the_policy_lets_in_this_script_and_no_other_thing():
    text = build(small())
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1])
    script = re.search(r"<script>(.*?)</script>", text, re.S)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; ")
    assert f"script-src 'sha256-{digest}'" in policy
    assert "http" not in policy and "unsafe-eval" not in policy
    assert not re.search(r'(?:src|data|action)="(?!data:image/png)', text), "nothing is loaded from anywhere"


def test_names_are_escaped_and_ids_stay_plain_and_apart():
    name = '"><img src=x onerror=alert(1)>'
    text = build(records_of(name, [1.0, 2.0]))
    assert "<img src=x" not in text and html.escape(name) in text.replace("&#34;", "&quot;")
    assert re.fullmatch(r"[a-z0-9-]+", slug(name))
    assert slug("a b") != slug("a-b") != slug("a/b")


def test_direction_marks_and_control_characters_are_dropped():
    text = build(records_of("x\u202egnp.exe\x1b[31m", [1.0, 2.0]))
    assert "\u202e" not in text and "\x1b" not in text


def test_front_holds_whom_nobody_beats_in_both():
    points = [(1.0, 5.0), (10.0, 6.0), (5.0, 7.0), (100.0, 9.0), (0.5, 5.0)]  # speed, score
    assert front(points, better="lower") == [3, 1, 0]
    assert front(points, better="higher") == [3]


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_front_equals_brute_force(better):
    points = [tuple(p) for p in np.random.default_rng(0).random((60, 2))]
    sign = 1 if better == "lower" else -1
    brute = {i for i, (s, q) in enumerate(points) if not any(t > s and sign * r < sign * q for t, r in points)}
    assert set(front(points, better=better)) == brute


def test_a_bar_stands_where_its_interval_does():
    some = rows_of(table.tidy(small()))[0]
    rows = [some._replace(centre=c, ci_low=c - 1, ci_high=c + 1) for c in (1.0, 9.0)]
    axis = bar_axis(rows, log=False)
    first, second = (bar_of(row, axis) for row in rows)
    assert first.left < first.centre < first.left + first.width < second.left
    assert first.centre - first.left == pytest.approx(first.width / 2, abs=0.11)  # percents are rounded to 0.1
    assert bar_of(some._replace(centre=None), axis) is None
    assert text_bar(first, letters=11, encoding="utf-8").strip("─ ") == "●"
    assert set(text_bar(first, letters=11, encoding="ascii")) <= set(" -o")


def test_the_half_line_stands_at_one_half():
    svg = panel("D", [("D(x)", [(1, 0.5), (2, 0.5)])], half=True)["svg"]
    y = re.search(r'class="half"[^>]* y1="([\d.]+)"', svg)[1]
    points = re.search(r'points="([^"]*)"', svg)[1]
    assert {float(p.split(",")[1]) for p in points.split()} == {float(y)}


def test_tags_escape_what_they_hold():
    assert tag("text", "<b>&", class_='"x') == '<text class="&quot;x">&lt;b&gt;&amp;</text>'


def test_a_card_says_what_the_file_says(tmp_path):
    path = tmp_path / "m.py"
    path.write_text(
        '"""M (Someone, 2020).\n\nA network that copies what it was shown, with noise. It learns nothing from labels at all:\n\n'
        "    p(x) = 1        (1)\n\nThe noise is small enough to be forgotten about. A fourth sentence that is not shown on it.\n\n"
        'Differs from the paper:\n- one thing.\n- another.\n"""\n'
    )
    card = describe(path)
    assert card["title"] == "M (Someone, 2020)."
    assert card["before"].endswith("from labels at all:") and card["equations"] == [["p(x) = 1     (1)"]]
    assert card["after"] == "The noise is small enough to be forgotten about."
    assert card["differs"] == ["one thing.", "another."]


def test_links_are_made_of_arxiv_numbers_and_dois_only():
    assert paper_link("A 2015, arXiv:1502.03509") == "https://arxiv.org/abs/1502.03509"
    assert paper_link("F 1936, doi:10.1111/j.1469-1809.1936.tb02137.x").endswith("tb02137.x")
    assert paper_link("javascript:alert(1)") == ""


def test_a_grid_is_shrunk_to_its_own_pixels_and_a_bad_file_is_no_picture(tmp_path):
    from PIL import Image

    from bench.run.pictures import image_grid, to_png

    images = np.random.default_rng(0).integers(0, 17, (100, 1, 8, 8)) / 16
    (tmp_path / "a.png").write_bytes(to_png(image_grid(images)))
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    picture = embed(tmp_path / "a.png", images=True)
    assert (picture["width"], picture["height"]) == (91, 46)
    raw = base64.b64decode(picture["uri"].partition(",")[2])
    import io

    pixels = np.asarray(Image.open(io.BytesIO(raw)).convert("L"))
    assert np.array_equal(pixels[1:9, 1:9], np.round(255 * images[0, 0]).astype(np.uint8))
    assert embed(tmp_path / "bad.png", images=True) is None
    assert embed(tmp_path / "none.png", images=True) is None


def test_a_store_in_which_all_failed_still_has_a_page_that_says_so():
    records = records_of("a", [None])
    for record in records:
        record["dataset"] = record["dataset"] | {"primary": ""}
    assert "crashed in fit: seed 0" in build(records)


def test_the_front_says_how_sure_it_is_and_a_best_place_has_its_range():
    records = records_of("a", [1.0, 1.3, 1.1, 1.2, 1.0], spread=0.1)
    records += records_of("c", [1.1, 1.2, 1.1, 1.2, 1.1], spread=0.1) + records_of("z", [9.0, 9.1, 9.2, 9.0, 9.1])
    for record in records:
        record["throughput"] = {"contended": False, "sample_examples_per_s": 100.0 + len(record["model"]["row"])}
    text = build(records)
    assert "It joins the centres: where 95 % intervals (bars; an arrow runs off the axis) overlap" in text
    assert 'class="whisker"' in text
    assert re.search(r"1st \(1–2\) of 3 on digits", text)


def test_ordinals():
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 112)] == [
        "1st",
        "2nd",
        "3rd",
        "4th",
        "11th",
        "12th",
        "13th",
        "21st",
        "112th",
    ]


def test_every_row_of_the_frame_with_a_rank_is_on_the_page():
    records = small()
    text = build(records)
    frame = table.tidy(records)
    for row in frame[(frame.board == "public") & frame["rank"].notna()].itertuples():
        assert f'data-v="{row.rank}"' in text


def test_a_submission_stands_on_its_board_and_in_no_count_of_what_ran():
    records = small()
    kept = {name: records[1][name] for name in ("suite", "device", "dataset", "seed", "metrics", "status", "error")}
    model = {
        "id": "them",
        "row": "them",
        "family": "submission",
        "uses_labels": False,
        "reference": False,
        "variant": "",
    }
    empty = {name: {} for name in ("training", "timing", "throughput", "resources")}
    text = build([*records, kept | empty | {"precision": "", "flags": ["submission: x"], "model": model}])
    assert "them" in text and "Submission" in text
    assert f"{len(records)} trainings scored" in text
