"""results/leaderboard.html in a real Chromium: sorting, filtering, keyboard, widths, no request, hostile names inert.

Skipped with the reason where Chromium or playwright is absent; .ci/run installs both.
"""

from itertools import pairwise

import pytest

from tests.leaderboard.test_table import records_of
from tests.render.pages import few, ranked

pytestmark = pytest.mark.slow
WIDTHS = (360, 1440)
HOSTILE = [
    "<script>window.hit=1</script>",
    '"><script>window.hit=2</script>',
    "<img src=x onerror=window.hit=3>",
    "'\"><svg/onload=window.hit=4>",
    "</title><script>window.hit=5</script>",
    "</style><script>window.hit=6</script>",
    "</script><script>window.hit=7</script>",
    "javascript:window.hit=8",
    '" onmouseover="window.hit=9" x="',
    "' onfocus='window.hit=10' autofocus='",
    "{{ 7*7 }}{% raw %}",
    "<!--<script>window.hit=12</script>",
    "<iframe src='https://example.invalid/'></iframe>",
    "<link rel=stylesheet href=https://example.invalid/a.css>",
    "<meta http-equiv=refresh content='0;url=https://example.invalid/'>",
    "<base href=https://example.invalid/>",
    "<form action=https://example.invalid/><input autofocus onfocus=window.hit=17>",
    "&lt;script&gt;window.hit=18&lt;/script&gt;",
    "x\u202eevil\u2066\x1b[31m\x00\r\n",
    "<style>*{display:none}</style>",
]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_said_asked_or_too_wide(open_page, width, scheme):
    page = open_page(few(), viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert page.seen["console"] == [] and page.seen["errors"] == []
    assert [url for url in page.seen["requests"] if not url.startswith("data:")] == [page.url]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_click_sorts_and_another_turns_it_round(open_page):
    page = open_page(few())
    assert ranked(page) == ["made", "dcgan", "kde"]
    head = page.locator(".ranked th[data-sort=text]").first
    head.locator("button").click()
    assert ranked(page) == ["dcgan", "kde", "made"] and head.get_attribute("aria-sort") == "ascending"
    head.locator("button").click()
    assert ranked(page) == ["made", "kde", "dcgan"] and head.get_attribute("aria-sort") == "descending"
    assert page.locator(".ranked th[aria-sort]").count() == 1


def test_families_are_filtered_together_and_reference_rows_stay(open_page):
    page = open_page(few())
    page.get_by_role("button", name="Tractable").click()
    assert ranked(page) == ["made"]
    assert page.locator(".ranked .refs th bdi:visible").all_text_contents() == ["oracle"]
    assert "1 shown" in page.locator("[role=status]").text_content()
    page.get_by_role("button", name="Statistical").click()
    assert ranked(page) == ["made", "kde"]
    page.get_by_role("button", name="all", exact=True).click()
    assert len(ranked(page)) == 3


def test_the_keyboard_reaches_contents_filter_and_sorting(open_page):
    page = open_page(few())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    seen = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        seen.add(
            page.evaluate(
                "(e => e.tagName + ':' + (e.getAttribute('aria-pressed') ? 'filter' : "
                "e.closest('th') ? 'head' : e.closest('nav') ? 'nav' : ''))(document.activeElement)"
            )
        )
    assert {"BUTTON:filter", "BUTTON:head", "A:nav", "SUMMARY:"} <= seen
    page.locator(".ranked th[data-sort=text] button").first.focus()
    page.keyboard.press("Enter")
    assert ranked(page) == ["dcgan", "kde", "made"]


def test_all_of_it_is_there_with_scripts_off(open_page):
    page = open_page(few(), java_script_enabled=False)
    assert ranked(page) == ["made", "dcgan", "kde"]
    assert page.locator(".filter").is_hidden()
    page.locator("details.curves summary").click()
    assert page.locator("details.curves svg").first.is_visible()


def test_tables_have_captions_and_headings_have_an_order(open_page):
    page = open_page(few())
    assert page.evaluate(
        "[...document.querySelectorAll('table')].every(t => t.caption && t.caption.textContent.trim())"
    )
    assert page.evaluate("[...document.querySelectorAll('th')].every(h => h.scope)")
    assert page.evaluate(
        "[...document.querySelectorAll('svg')].every(s => s.getAttribute('aria-label') || s.ariaHidden)"
    )
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    assert page.evaluate(
        "[...document.querySelectorAll('a[href^=\"#\"]')].every(a => document.getElementById(a.hash.slice(1)))"
    )


CONTRAST = """() => {
  const rgb = s => s.match(/[\\d.]+/g).map(Number);
  const lum = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((t, v, i) => t + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const bad = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || e.closest('script,style,title')) continue;
    const style = getComputedStyle(e), ink = e.closest('svg') ? style.fill : style.color;
    const [a, b] = [lum(rgb(ink)), lum(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push(e.tagName + '.' + (e.className.baseVal ?? e.className) + ' ' + ratio.toFixed(2));
  }
  return [...new Set(bad)];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa(open_page, scheme):
    page = open_page(few(), color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate(CONTRAST) == []


def test_hostile_names_and_messages_are_inert(open_page):
    records = few()
    for i, text in enumerate(HOSTILE):
        those = records_of(text, [float(i + 2), None], flags=[f"metric: {text}"])
        for record in those:
            record["model"] |= {"family": text, "hparams": {text: text}}
            if record["error"]:
                record["error"] = {"type": "E", "phase": text, "message": text}
        records += those
    hostile_set = {"id": HOSTILE[1], "sha256": "d", "primary": HOSTILE[2], "kind": HOSTILE[3]}
    records += records_of(HOSTILE[0], [1.0, 2.0], metric=HOSTILE[2], dataset=hostile_set)
    page = open_page(records)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.mouse.move(700, 500)
    for _ in range(40):
        page.keyboard.press("Tab")
    assert page.evaluate("window.hit") is None
    assert page.seen["errors"] == [] and page.seen["console"] == []
    assert [url for url in page.seen["requests"] if not url.startswith("data:")] == [page.url.partition("#")[0]]
    assert (
        page.locator("script:not([type='application/json'])").count() == 1
        and page.locator("main style, iframe, link:not([rel=icon]), base, form, img[src=x]").count() == 0
    )
    assert page.evaluate(
        "[...document.querySelectorAll('*')].every(e => ![...e.attributes].some(a => a.name.startsWith('on')))"
    )
    shown = page.locator(".ranked").first.text_content() + page.locator(".ranked").last.text_content()
    for text in HOSTILE[:8]:
        assert text in shown, "it is shown as the text that it is"


def test_the_policy_stops_a_script_that_got_in(open_page):
    page = open_page(few())
    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.hit = 1';"
        " document.body.append(s); const i = new Image(); i.src = 'https://example.invalid/x'; document.body.append(i); }"
    )
    page.wait_for_timeout(100)
    assert page.evaluate("window.hit") is None
    assert len(page.seen["console"]) >= 2, "both are refused, aloud"


def test_print_shows_the_ranked_boards_and_nothing_that_is_folded(open_page):
    page = open_page(few())
    page.emulate_media(media="print")
    assert page.locator(".filter").is_hidden() and page.locator("nav").is_hidden()
    assert page.locator("details.curves svg").first.is_hidden(), "what is folded stays folded"
    assert page.locator(".ranked").first.is_visible()
