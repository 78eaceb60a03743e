"""What a reader does with results/leaderboard.html, in a real Chromium: find, point at, take away, look closely, compare."""

import re

import numpy as np
import pytest

from bench.leaderboard.compare import compare_models
from bench.run.pictures import image_grid, to_png
from tests.leaderboard.test_table import records_of
from tests.render.pages import few, other_board, ranked

pytestmark = pytest.mark.slow
ROW = "core-cpu-digits--kde"


def pictured(folder, side=28):
    """Draw a grid of noise for every row of `few`."""
    (folder / "grids" / "digits").mkdir(parents=True)
    random = np.random.default_rng(0)
    for name in ("oracle", "made", "dcgan", "kde"):
        images = random.integers(0, 17, (100, 1, side, side)) / 16
        (folder / "grids" / "digits" / f"{name}.png").write_bytes(to_png(image_grid(images)))


def noisy(name, values, seed):
    """Rows with several metrics, whose blocks are their own on either board."""
    records, random = records_of(name, values, spread=0.3), np.random.default_rng(seed)
    for record in records:
        for board, sides in record["metrics"].items():
            blocks = random.normal(record["seed"], 1.0, 20).tolist()
            facts = {"test_se": 0.0, "unit": "", "n": 398, "blocks": blocks}
            score = random.uniform(0.2, 0.8) if board == "public" else random.uniform(0.3, 0.7)
            record["metrics"][board] = sides | {
                "precision_lenet": facts
                | {"value": score, "better": "higher", "blocks": [score + b / 50 for b in blocks]},
                "energy_distance": facts | {"value": values[0] - 2 + score, "better": "lower"},
                "copy_excess": facts | {"value": score, "better": "none", "blocks": []},
            }
    return records


def test_a_rank_reads_with_its_range_apart_from_it(open_page):
    records = few() + records_of("near", [3.0, 3.1, 3.2, 3.0, 3.05], spread=0.1)
    page = open_page(records)
    cells = [" ".join(t.split()) for t in page.locator(".ranked tbody:not(.refs) tr td.rank").all_inner_texts()]
    assert cells == ["1", "2", "3 (3–4)", "4 (3–4)"]


def test_the_first_click_sorts_the_best_to_the_top(open_page):
    page = open_page(noisy("low", [1.0] * 5, 1) + noisy("mid", [1.1] * 5, 2) + noisy("high", [1.2] * 5, 3))
    page.locator("details.all summary").click()
    head = page.locator(".wide th", has_text="precision_lenet ↑")
    column = page.evaluate("h => [...h.parentElement.children].indexOf(h)", head.element_handle())
    values = lambda: page.locator(f".wide tbody tr td:nth-child({column + 1})").evaluate_all(
        "c => c.map(x => +x.dataset.v)"
    )
    head.locator("button").click()
    assert values() == sorted(values(), reverse=True) and head.get_attribute("aria-sort") == "descending"
    head.locator("button").click()
    assert values() == sorted(values())
    ranking = page.locator(".wide tr.heads th").nth(1).text_content()
    assert ranking.startswith("fid_lenet"), "the ranking column comes first"


def test_what_is_found_is_kept_in_the_address_and_comes_back_with_it(open_page):
    page = open_page(few())
    page.get_by_role("button", name="Tractable").click()
    page.get_by_role("button", name="Statistical").click()
    page.get_by_role("searchbox").fill("kd")
    assert ranked(page) == ["kde"] and page.url.endswith("#?f=tractable%2Cstatistical&q=kd")
    again = open_page(few(), at="#core-cpu-digits?f=implicit&q=gan")
    assert ranked(again) == ["dcgan"]
    assert again.get_by_role("button", name="Adversarial").get_attribute("aria-pressed") == "true"
    again.locator("nav a", has_text="Places").click()
    assert again.url.endswith("#places-h?f=implicit&q=gan"), "a link on the page keeps what is chosen"


def test_rows_that_copy_are_left_out_where_a_reader_wants_them_out(open_page):
    flags = ["exact copies: 31% of the samples are training rows"]
    page = open_page(few() + records_of("thief", [0.9] * 5, flags=flags))
    assert ranked(page)[0] == "thief"
    page.get_by_role("button", name="without copies").click()
    assert ranked(page) == ["made", "dcgan", "kde"] and page.url.endswith("?copies=no")
    again = open_page(few())
    assert again.get_by_role("button", name="without copies").count() == 0, "nobody copies there"


def test_of_a_board_of_thousands_the_best_can_be_compared(open_page):
    records = [r for i in range(33) for r in records_of(f"m{i:02}", [1.0 + i] * 5)]
    page = open_page(records + records_of("oracle", [0.1] * 5, reference=True))
    ticks = page.locator(".ranked input.tick").evaluate_all("all => all.map(t => t.value)")
    assert ticks == [f"m{i:02}" for i in range(30)] + ["oracle"]


def test_a_board_without_what_is_sought_says_so(open_page):
    page = open_page(few())
    assert page.locator(".none").first.is_hidden()
    page.get_by_role("searchbox").fill("zzz")
    assert page.locator(".none").first.text_content() == "No model on this board is called “zzz”."
    assert page.locator(".ranked .refs tr:visible").count() == 2


def test_a_row_has_an_address(open_page):
    page = open_page(few(), at=f"#{ROW}")
    row = page.locator(f"[id='{ROW}']")
    assert "target" in row.get_attribute("class") and row.locator("a.pl").get_attribute("href") == f"#{ROW}"
    box = row.bounding_box()
    assert 0 <= box["y"] < 900


def test_the_visible_rows_are_taken_away_as_csv_and_markdown(open_page):
    page = open_page(few() + records_of("=cmd|x", [9.0] * 5))
    page.get_by_role("searchbox").fill("m")
    page.get_by_role("button", name="CSV").click()
    lines = page.locator(".take textarea").input_value().splitlines()
    assert lines[0].startswith("Rank,Model,Family,Public,Public interval")
    made = next(line.split(",") for line in lines if ",made," in line)
    assert made[:3] == ["1", "made", "Tractable"] and float(made[3]) == pytest.approx(1.05, abs=0.02)
    assert any(line.split(",")[1] == "'=cmd|x" for line in lines[1:]), "no formula for a spreadsheet"
    assert not any(",kde," in line for line in lines), "what is filtered out stays out"
    assert page.locator(".take a[download]").get_attribute("download") == "digits.csv"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Markdown").click()
    table = page.locator(".take textarea").input_value().splitlines()
    assert table[1] == "| " + " | ".join(["---"] * (table[0].count(" | ") + 1)) + " |"
    assert {line.count(" | ") for line in table} == {table[0].count(" | ")} and "\\|x" in table[-2] + table[-1] + table[
        3
    ]


def test_two_rows_are_compared_with_the_numbers_of_bench_compare(open_page):
    records = noisy("a", [1.0, 1.2, 1.1, 1.05, 1.15], 1) + noisy("b", [1.4, 1.3, 1.6, 1.5, 1.45], 2)
    for record in records[5:7]:  # a metric that fewer seeds have
        del record["metrics"]["private"]["energy_distance"]
    page = open_page(records)
    found = page.evaluate(
        """() => { const text = document.querySelector('script.pairs').textContent;
        const keys = ['value', 'low', 'high', 'p', 'holm'], all = genbench.compared(JSON.parse(text), ['a', 'b']);
        return all.lines.map(l => [l.metric.b, l.metric.m, ...keys.map(k => l.tests[0][k])]); }"""
    )
    expected = compare_models(records, "a", "b", dataset="digits").frame
    assert len(found) == len(expected) == 8
    for row in expected.itertuples():
        ours = next(line[2:] for line in found if line[:2] == [row.board, row.metric])
        theirs = [row.difference, row.low, row.high, row.p, row.p_holm]
        if row.low is None or row.low != row.low:
            continue
        near = 5e-3 * row.se + 1e-9  # a block holds one byte
        assert ours[:3] == pytest.approx(theirs[:3], abs=near), (row.board, row.metric)
        assert ours[3:] == pytest.approx(theirs[3:], rel=2e-2, abs=1e-9), (row.board, row.metric)
    for name in ("b", "a"):
        page.locator(f".ranked input.tick[value={name}]").check()
    page.get_by_role("button", name="Compare b, a").click()
    text = " ".join(page.locator("dialog.pairs").inner_text().split())
    assert (
        "b and a on digits" in text
        and "fid_lenet ↓ public, log scale" in text
        and "Holm p" in text
        and "a is better" in text
    )
    page.keyboard.press("Escape")
    assert page.locator("dialog.pairs").is_hidden() and page.seen["errors"] == []


def test_students_law_of_the_page_is_that_of_scipy(open_page):
    from scipy.special import stdtr, stdtrit

    page = open_page(few())
    cases = [(0.5, 3.0), (2.1, 4.7), (4.0, 19.0), (1.0, 1.0), (2.5, 1e9), (12.0, 6.3)]
    for t, df in cases:
        assert page.evaluate(f"genbench.twoSided({t}, {df})") == pytest.approx(2 * stdtr(df, -t), rel=1e-5)
        assert page.evaluate(f"genbench.quantile({df})") == pytest.approx(stdtrit(min(df, 1e7), 0.975), rel=1e-5)


def test_a_picture_is_shown_at_a_whole_multiple_and_enlarged_beside_real_data(open_page, tmp_path):
    pictured(tmp_path)
    page = open_page(few())
    for selector in (".few img", ".pics.images img"):
        ratios = page.locator(selector).evaluate_all(
            "all => all.map(i => i.getBoundingClientRect().width / i.naturalWidth)"
        )
        assert len(ratios) == 4 and all(r == pytest.approx(round(r), abs=1e-3) and r >= 1 for r in ratios), ratios
    assert page.locator(".few figcaption").first.text_content().strip() == "real data"
    page.locator(".pics .pic").nth(1).press("Enter")
    look = page.locator("dialog.look")
    assert look.locator("figcaption").all_text_contents() == ["real data", "made"]
    ratio = look.locator("img").first.evaluate("i => i.getBoundingClientRect().width / i.naturalWidth")
    assert ratio == pytest.approx(round(ratio), abs=1e-3) and ratio >= 2
    page.keyboard.press("ArrowRight")
    assert look.locator("figcaption").all_text_contents() == ["real data", "dcgan"]
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert look.locator("figcaption").all_text_contents() == ["real data"]
    page.keyboard.press("Escape")
    assert look.is_hidden()


def test_on_a_telephone_nothing_of_a_board_is_cut_and_its_header_stays(open_page):
    records = [r for i in range(30) for r in records_of(f"model_{i}", [1.0 + i, 1.1 + i, 1.0 + i, 1.2 + i, 1.1 + i])]
    page = open_page(other_board(records, 1.3), viewport={"width": 360, "height": 700})
    board = page.locator(".scroll.held")
    assert board.evaluate("b => b.scrollWidth <= b.clientWidth")
    assert (
        page.locator(".ranked tbody tr").first.locator("td:visible, th:visible").count() == 4
    )  # rank, model, value, bar
    page.locator(".ranked tbody tr").nth(20).scroll_into_view_if_needed()
    page.evaluate(
        "window.scrollTo(0, document.querySelectorAll('.ranked tbody tr')[15].getBoundingClientRect().top + scrollY)"
    )
    head, bar = (page.locator(s).first.bounding_box() for s in (".ranked thead th", ".filter"))
    assert head["y"] == pytest.approx(bar["y"] + bar["height"], abs=1.5) and bar["y"] == pytest.approx(0, abs=1)
    page.locator(".cols summary").evaluate("s => s.click()")
    for name in ("Family", "Move", "Findings"):
        page.get_by_label(name, exact=True).evaluate("b => b.click()")
    assert board.evaluate("b => b.scrollWidth > b.clientWidth")
    board.evaluate("b => b.scrollLeft = 200")
    assert page.locator(".ranked tbody th").first.bounding_box()["x"] == pytest.approx(
        board.bounding_box()["x"], abs=1.5
    )


@pytest.mark.parametrize("width", [360, 1440])
def test_names_of_sixty_letters_push_nothing_wide(open_page, width):
    long = "qda_with_virtual_batch_norm_and_ema_0_999_and_minimax_loss_b"
    dataset = {"id": long + "_set", "sha256": "d", "primary": "fid_lenet", "kind": "image"}
    records = few() + records_of(long, [5.0, 5.1] * 2 + [5.0]) + records_of(long, [5.0, 5.1], dataset=dataset)
    for record in records:
        record["curve"] = [{"step": s, "seconds": 0.1, "loss": 1.0 / s} for s in (1, 2, 3)]
    page = open_page(records, viewport={"width": width, "height": 800})
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".card .scroll").evaluate_all("all => all.every(s => s.scrollWidth <= s.clientWidth + 1)")


def test_whiskers_stay_inside_the_axes_and_say_where_they_run_off(open_page):
    records = few()
    for record in records:
        record["throughput"] = {"contended": False, "sample_examples_per_s": 10.0 + len(record["model"]["row"])}
        record["timing"]["train_s"] = 1.0 + len(record["model"]["row"])
    wide = records_of("kde2", [0.5, 40.0, 1.0, 9.0, 3.0], spread=0.1)
    for record in wide:
        record["throughput"] = {"contended": False, "sample_examples_per_s": 99.0}
    page = open_page(records + wide)
    frames = page.evaluate(
        """[...document.querySelectorAll('.speed svg[role=img]')].map(svg => { const [, top, bottom] =
        svg.querySelector('.axis').getAttribute('d').match(/M\\d+ (\\d+)V(\\d+)/).map(Number);
        return [...svg.querySelectorAll('line.whisker')].every(l => ['y1', 'y2'].every(k => +l.getAttribute(k) >= top - 0.2 &&
        +l.getAttribute(k) <= bottom + 0.2)); })"""
    )
    assert len(frames) == 2 and all(frames), frames
    assert page.locator(".speed:visible path.head").count() >= 1
    assert page.locator(".speed").nth(1).is_hidden()
    page.get_by_role("radio", name="seconds of training").check()
    assert page.locator(".speed").nth(1).is_visible() and page.locator(".speed").first.is_hidden()


@pytest.mark.parametrize("width, scheme", [(360, "light"), (1440, "dark")])
def test_axe_finds_no_violation(open_page, tmp_path, width, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
    pictured(tmp_path)
    page = open_page(few(), viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    found = axe.Axe().run(page, options={"rules": {"target-size": {"enabled": True}}}).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


def test_the_head_says_what_it_is_and_the_foot_how_to_take_part(open_page):
    page = open_page(few())
    told = page.evaluate("document.querySelector('meta[name=description]').content")
    assert told == page.locator(".lead").text_content() and re.match(
        "On 1 of 1 boards one model is surely best: made", told
    )
    assert page.locator("link[rel=icon]").get_attribute("href").startswith("data:image/svg+xml,")
    assert "bench submit" in page.locator("#foot").text_content() and "genbench" in page.title()
