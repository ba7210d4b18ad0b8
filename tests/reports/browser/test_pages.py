"""Every page of the site in a real browser: on a desk and on a phone, in light and dark, on paper, without JavaScript.

Pages are found on the disk, so a new page is tried without a word here. Each is opened once in each of two settings, and
all that can be seen then is noted; the tests read the notes, so that they cost one visit together. Pages of figures are
many and all alike: of every third table one is tried, in one of the settings. Axe takes longer than all the rest, so that a build
asks it of each page in one of the settings, by turns: pages share their parts and their colours.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.repeats import repeats
from tests.reports.browser.accessible import violations

SETTINGS = (("desk", 1280, "light"), ("phone", 390, "dark"))
OF_A_FOLDER = 3
ALIKE = "figures"
ONE_IN = 3  # of the pages of figures, which share a template, so many are tried in a build
PAPER = 688  # pixels: A4 less margins of 14 mm
# A cut is something that reaches beyond the paper or the window and cannot be scrolled to.
BEYOND = """(width) => [...document.querySelectorAll('main *, header *, footer *')].filter(e => {
  const box = e.getBoundingClientRect();
  if (!box.width || !box.height || box.right <= width + 1 || getComputedStyle(e).position === 'absolute') return false;
  return !e.closest('.scroll, nav, pre, .hidden') || matchMedia('print').matches && !e.closest('.hidden');
}).slice(0, 3).map(e => e.tagName + '.' + e.className + ': ' + (e.textContent || '').trim().slice(0, 60))"""

# Tables that a desk cannot show whole; those in folds are tried open.
SCROLLED = """() => {
  const closed = [...document.querySelectorAll('details:not([open])')];
  closed.forEach(fold => fold.open = true);
  const found = [...document.querySelectorAll('main .scroll')].filter(e => e.scrollWidth > e.clientWidth + 1)
    .map(e => `${e.getAttribute('aria-label')}: ${e.scrollWidth} in ${e.clientWidth}`);
  closed.forEach(fold => fold.open = false);
  return found;
}"""

# `nextFold()` looks at what the last key did, moves the focus to the next fold that can be seen, and gives null until there
# is none: then, what went wrong, and how many were tried. It leaves folds as they were.
FOLDS = """() => {
  const folds = [...document.querySelectorAll('details > summary')], were = folds.map(e => e.parentElement.open);
  const all = [...folds], wrong = [];
  let fold = null, open, tried = 0;
  window.nextFold = () => {
    if (fold && fold.parentElement.open === open) wrong.push(`does not move: ${fold.textContent.trim()}`);
    while ((fold = folds.shift()) && !fold.checkVisibility({visibilityProperty: true}));
    if (!fold) {
      all.forEach((e, at) => e.parentElement.open = were[at]);
      return {wrong, tried};
    }
    fold.focus();
    if (document.activeElement !== fold) wrong.push(`cannot be reached: ${fold.textContent.trim()}`);
    open = fold.parentElement.open;
    tried += 1;
    return null;
  };
}"""


READ = """() => [
  document.body.innerText.length,
  document.querySelectorAll('figure.chart .drawing').length,
  [...document.querySelectorAll('figure.chart .drawing .wide svg')].filter(e => e.checkVisibility()).length,
]"""


@dataclass
class Visit:
    """What was seen of one page in one setting."""

    page: str
    setting: str
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    width: int = 0
    scroll_width: int = 0
    beyond: list[str] = field(default_factory=list)
    scrolled: list[str] = field(default_factory=list)
    beyond_paper: list[str] = field(default_factory=list)
    folds: int = 0
    wrong_folds: list[str] = field(default_factory=list)
    axe: list[str] = field(default_factory=list)
    title: str = ""
    redrawn: bool = True


def pages_of(site: Path) -> list[Path]:
    """All pages at the root, and the first few of each folder; `later/` holds pages that the root has under their own name."""
    found = sorted(site.glob("*.html"))
    for folder in sorted(path for path in site.rglob("*") if path.is_dir() and path.name != "later"):
        found += sorted(folder.glob("*.html"))[: 1 if ALIKE in folder.parts else OF_A_FOLDER]
    return found


def visited(site: Path) -> list[tuple[Path, tuple[str, int, str], bool]]:
    """What a build visits: each page in each setting, and whether axe is asked there; some of the pages of figures in one."""
    others = [path for path in pages_of(site) if ALIKE not in path.parts]
    return in_each_setting(others) + by_turns(pages_of_figures(site)[::ONE_IN])


def pages_of_figures(site: Path) -> list[Path]:
    """One of each table."""
    return [path for path in pages_of(site) if ALIKE in path.parts]


def by_turns(pages: list[Path]) -> list[tuple[Path, tuple[str, int, str], bool]]:
    """Each page in one of the settings."""
    return [(path, SETTINGS[turn % len(SETTINGS)], True) for turn, path in enumerate(pages)]


def in_each_setting(pages: list[Path]) -> list[tuple[Path, tuple[str, int, str], bool]]:
    """Each page in each setting; axe is asked in one of them, by turns."""
    return [
        (path, setting, turn % len(SETTINGS) == place)
        for turn, path in enumerate(pages)
        for place, setting in enumerate(SETTINGS)
    ]


@contextmanager
def opened(browser: Any, path: Path, width: int, scheme: str, **more: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **more)
    page = context.new_page()
    try:
        page.goto(path.as_uri())
        yield page
    finally:
        context.close()


@contextmanager
def windows(browser: Any) -> Iterator[dict[str, Any]]:
    """A window for each setting, in which one page is opened after the other: a new one for each would cost half as much again."""
    contexts = {
        name: browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        for name, width, scheme in SETTINGS
    }
    try:
        yield {name: context.new_page() for name, context in contexts.items()}
    finally:
        for context in contexts.values():
            context.close()


@contextmanager
def heard(page: Any, seen: Visit) -> Iterator[None]:
    """Note what a page says in the console and asks for."""
    handlers = {
        "console": lambda message: message.type == "error" and seen.errors.append(message.text),
        "pageerror": lambda error: seen.errors.append(str(error)),
        "request": lambda request: seen.requests.append(request.url),
    }
    for event, handler in handlers.items():
        page.on(event, handler)
    try:
        yield
    finally:
        for event, handler in handlers.items():
            page.remove_listener(event, handler)


def visit(page: Any, site: Path, path: Path, setting: str, width: int, axe: bool) -> Visit:
    seen = Visit(str(path.relative_to(site)), setting)
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(media="screen")
    with heard(page, seen):
        _look(page, path, seen, width, axe)
    return seen


def _look(page: Any, path: Path, seen: Visit, width: int, axe: bool) -> None:
    setting = seen.setting
    page.goto(path.as_uri())
    seen.title = page.title()
    seen.width, seen.scroll_width = width, page.evaluate("document.documentElement.scrollWidth")
    seen.beyond = page.evaluate(BEYOND, width)
    if setting == "desk":
        seen.scrolled = page.evaluate(SCROLLED)
        drawing = page.locator(".drawing .wide").first
        if drawing.count():
            drawing.hover()
            try:
                page.wait_for_selector(".drawing .wide > div svg", timeout=20_000)
            except Exception:
                seen.redrawn = False
    if axe:
        seen.axe = violations(page)
    if setting == "desk" or ALIKE in path.parts:
        page.evaluate(FOLDS)
        while (tried := page.evaluate("nextFold()")) is None:
            page.keyboard.press("Enter")
        seen.folds, seen.wrong_folds = tried["tried"], tried["wrong"]
    if setting == "desk":
        page.set_viewport_size({"width": PAPER, "height": 1000})
        page.emulate_media(media="print")
        seen.beyond_paper = page.evaluate(BEYOND, PAPER)


def seen_of(browser: Any, site: Path, pages: list[tuple[Path, tuple[str, int, str], bool]]) -> list[Visit]:
    """What was seen of each page in its setting."""
    with windows(browser) as opened_in:
        return [visit(opened_in[name], site, path, name, width, axe) for path, (name, width, _), axe in pages]


@pytest.fixture(scope="module")
def visits(browser, site) -> list[Visit]:
    return seen_of(browser, site, visited(site))


def noted(visits: list[Visit], what: str) -> dict[str, Any]:
    """What was noted, by page and setting, where there was anything."""
    return {f"{seen.page} on a {seen.setting}": getattr(seen, what) for seen in visits if getattr(seen, what)}


def test_every_page_was_opened(visits):
    assert {"index.html", "spending.html", "data.html", "quality.html"} <= {seen.page for seen in visits}
    assert all(seen.title for seen in visits)


def test_no_page_has_an_error_in_the_console(visits):
    assert noted(visits, "errors") == {}


def test_no_page_asks_for_anything_beyond_the_disk(visits):
    asked = {url for seen in visits for url in seen.requests}
    assert {url for url in asked if not url.startswith(("file:", "data:", "blob:"))} == set()


def test_no_page_scrolls_sideways(visits):
    assert {seen.page: seen.scroll_width for seen in visits if seen.scroll_width > seen.width} == {}


def test_nothing_reaches_beyond_the_window(visits):
    assert noted(visits, "beyond") == {}


def test_no_table_scrolls_on_a_desk(visits):
    assert noted(visits, "scrolled") == {}


def test_nothing_is_cut_on_paper(visits):
    assert noted(visits, "beyond_paper") == {}


def test_axe_finds_nothing(visits):
    assert noted(visits, "axe") == {}


@repeats("tests/reports/browser/test_pages.py::test_axe_finds_nothing")
def test_axe_finds_nothing_in_the_other_setting(browser, site):
    others = [(path, setting, True) for path, setting, axe in visited(site) if not axe]
    assert noted(seen_of(browser, site, others), "axe") == {}


@repeats("tests/reports/browser/test_pages.py::test_no_page_has_an_error_in_the_console")
def test_nothing_is_wrong_with_a_page_of_figures_of_any_table(browser, site):
    seen = seen_of(browser, site, by_turns(pages_of_figures(site)))
    assert len(seen) > 30
    for what in ("errors", "beyond", "scrolled", "beyond_paper", "axe", "wrong_folds"):
        assert noted(seen, what) == {}
    assert {each.page: each.scroll_width for each in seen if each.scroll_width > each.width} == {}


def test_charts_are_drawn_again_for_hovering(visits):
    assert [seen.page for seen in visits if not seen.redrawn] == []


def test_every_page_can_be_read_without_javascript(browser, site):
    """The test's own script may run where those of pages may not."""
    with opened(browser, site / "index.html", 1280, "light", java_script_enabled=False) as page:
        for path in pages_of(site):
            page.goto(path.as_uri(), wait_until="domcontentloaded")
            said, charts, drawn = page.evaluate(READ)
            assert said > 200, path
            assert charts == drawn, path


def test_every_fold_opens_by_keyboard(visits):
    assert noted(visits, "wrong_folds") == {}
    assert sum(seen.folds for seen in visits) > 100


def test_the_first_key_skips_to_the_content(browser, site):
    with opened(browser, site / "index.html", 1280, "light") as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_every_link_within_the_site_leads_somewhere(site):
    """Links of figures are the figures' own matter; these are those of pages, data and folds."""
    from lxml import html

    missing: dict[str, set[str]] = {}
    for path in pages_of(site):
        tree = html.parse(str(path))
        for href in tree.xpath("//a/@href | //link/@href | //script/@src"):
            target, _, anchor = href.partition("#")
            if ":" in target or any(folder in target for folder in ("figures/", "../quality/", "../export/")):
                continue
            to = (path.parent / target).resolve() if target else path.resolve()
            if not to.exists() or (anchor and not html.parse(str(to)).xpath("//*[@id=$id]", id=anchor)):
                missing.setdefault(str(path.relative_to(site)), set()).add(href)
    assert missing == {}
