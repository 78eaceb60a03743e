"""A real Chromium for the tests of the page; skipped with the reason where it or playwright is absent."""

import os
import shutil

import pytest

from tests.render.pages import a_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install -e '.[test]'"
    )
    if CHROMIUM is None:
        pytest.skip("no chromium on the PATH: apt-get install chromium")
    with playwright.sync_playwright() as running:
        sandbox = ["--no-sandbox"] if os.getuid() == 0 else []
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=sandbox)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser, tmp_path):
    """records -> a page; every message of the console, error and request is kept in page.seen."""

    def opened(records, *, at="", **options):
        context = browser.new_context(**({"viewport": {"width": 1440, "height": 900}} | options))
        page = context.new_page()
        page.seen = {"console": [], "errors": [], "requests": []}
        page.on("console", lambda message: page.seen["console"].append(message.text))
        page.on("pageerror", lambda error: page.seen["errors"].append(str(error)))
        page.on("dialog", lambda dialog: page.seen["errors"].append(dialog.message))
        page.on("request", lambda request: page.seen["requests"].append(request.url))
        page.goto(a_page(tmp_path, records) + at)
        return page

    yield opened
    for context in browser.contexts:
        context.close()
