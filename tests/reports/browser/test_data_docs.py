"""Data Docs and the page of an export's schema in a real browser: phone and desk, on paper, no request, axe-core clean."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reports.browser.test_pages import Visit, in_each_setting, noted, seen_of

TABLES = ("core.gpu_prices", "marts.verdict", "staging.gpu_prices")


@pytest.fixture(scope="module")
def visits(browser, published) -> list[Visit]:
    home = (Path(published[0]) / "current").resolve()
    (run,) = (home / "quality" / "runs").iterdir()
    pages = [home / "quality" / "index.html", run / "index.html", home / "export" / "index.html"]
    pages += [run / f"{table}.html" for table in TABLES] + [home / "quality" / "suites" / f"{TABLES[0]}.html"]
    return seen_of(browser, home, in_each_setting(pages))


@pytest.mark.parametrize("what", ["errors", "beyond", "beyond_paper", "axe"])
def test_nothing_is_wrong_with(visits, what):
    assert noted(visits, what) == {}


def test_no_page_scrolls_sideways_or_asks_for_anything_beyond_the_disk(visits):
    assert {seen.page: seen.scroll_width for seen in visits if seen.scroll_width > seen.width} == {}
    assert {url for seen in visits for url in seen.requests if not url.startswith("file:")} == set()
