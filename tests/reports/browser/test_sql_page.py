"""The page that is asked in SQL, opened from disk: its answers are the warehouse's, and nothing leaves the disk.

The page and what it loads are written beside the styles of the published site. Starting the database costs seconds, so it
is started once.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.reports.browser.accessible import violations
from tests.reports.browser.test_pages import BEYOND, opened
from tests.runs import copy_home
from warehouse.database.releases import reading
from warehouse.paths import WAREHOUSE
from warehouse.reports.site import in_sql, render
from warehouse.reports.site.page import Reader
from warehouse.reports.site.pages import in_sql as sql_page
from warehouse.reports.site.write import shell_of

WAITING = 120_000


@pytest.fixture(scope="module")
def warehouse(request: pytest.FixtureRequest) -> Path:
    given = os.environ.get("OVERBUILD_TEST_WAREHOUSE")
    return Path(given) if given else Path(request.getfixturevalue("published")[0]) / WAREHOUSE


@pytest.fixture(scope="module")
def path(site: Path, warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page in a site of its own."""
    folder = tmp_path_factory.mktemp("site with sql")
    for name in ("assets", "later"):
        copy_home(site / name, folder / name)
    with reading(warehouse) as connection:
        reader = Reader(connection, sql_page=True)
        [(page, content)] = sql_page.family(reader)
        shell = shell_of(reader, [page])
        made = render.render(page, content, reader, shell, render.environment())
        (folder / page.path).write_text(made.html, encoding="utf-8")
        in_sql.write(folder, connection, None, "")
    return folder / page.path


class Asked:
    """The open page, and what it did."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def ask(self, query: str) -> list[list[list[str]]]:
        """The tables that a text of queries gives: rows of cells, the first is the head."""
        self.page.fill("#query", query)
        self.page.press("#query", "Control+Enter")
        self.page.wait_for_selector("[data-stop]", state="hidden", timeout=WAITING)
        return self.page.evaluate(
            "[...document.querySelectorAll('[data-answers] table')].map(table => [...table.rows].map(row => "
            "[...row.cells].map(cell => cell.textContent)))"
        )

    def said(self, part: str) -> str:
        return self.page.inner_text(f"[data-answers] {part}")


@pytest.fixture(scope="module")
def asked(browser, path) -> Iterator[Asked]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    found = Asked(page)
    page.goto(path.as_uri())
    yield found
    context.close()


@pytest.fixture(scope="module")
def connection(warehouse):
    with duckdb.connect(str(warehouse), read_only=True) as found:
        yield found


def test_a_figure_is_the_warehouses(asked, connection):
    query = "SELECT ticker, capex_usd FROM capex_by_year WHERE ticker = 'META' AND year = 2025"
    [(ticker, value)] = connection.execute(query).fetchall()
    assert asked.ask(query) == [[["ticker", "capex_usd"], [ticker, f"{value:,.0f}"]]]


def test_every_ready_question_gives_as_many_rows_as_the_warehouse(asked, connection, path):
    offered = asked.page.locator("#ready option").count() - 1
    queries = asked.page.evaluate("[...document.querySelectorAll('pre[id^=question-]')].map(e => e.textContent)")
    assert len(queries) == offered >= 25
    asked.ask(";\n".join(queries))
    counted = asked.page.evaluate(
        "[...document.querySelectorAll('[data-answers] section > p:first-of-type')].map(e => e.textContent)"
    )
    wanted = [len(connection.execute(query).fetchall()) for query in queries]
    assert [int(said.split(" row")[0].replace(",", "")) for said in counted] == wanted


def test_values_of_every_type_are_read_as_they_are(asked):
    [[_, *rows]] = asked.ask(
        "SELECT NULL::DOUBLE, 'nan'::DOUBLE, -0.05::DECIMAL(5, 2), sum(12345), true, DATE '2025-01-27', "
        "TIMESTAMP '2025-01-27 21:00:01', [1, NULL], {'a': 1.5}, "
        "12345678.9::DOUBLE, 0.123456789, '<b>=1+1</b>', TIME '09:30:00', 2026"
    )
    assert rows == [
        ["NULL", "NaN", "-0.05", "12,345", "true", "2025-01-27", "2025-01-27 21:00:01", "[1, NULL]", "{a: 1.5}", "12,345,679",
         "0.123456789", "<b>=1+1</b>", "09:30:00", "2026"]
    ]  # fmt: skip


def test_the_page_names_the_version_of_its_database(asked):
    assert asked.ask("SELECT version() AS version") == [[["version"], [f"v{in_sql.DUCKDB}"]]]
    assert f"DuckDB {in_sql.DUCKDB}" in asked.page.text_content("main")


def test_semicolons_in_texts_end_no_query(asked):
    assert asked.ask("SELECT 'é;' AS a; -- b; c\nSELECT 2 AS b;\n") == [[["a"], ["é;"]], [["b"], ["2"]]]


def test_a_long_answer_says_how_long_it_is_and_is_saved_whole(asked, connection):
    query = "SELECT ticker, date, close, '=1+1' AS text, NULL AS none FROM stock_prices ORDER BY ticker, date"
    [(rows,)] = connection.execute("SELECT count(*) FROM stock_prices").fetchall()
    [table] = asked.ask(query)
    assert len(table) == 201
    assert asked.said("section > p").startswith(f"{rows:,} rows, the first 200 shown; ")
    with asked.page.expect_download() as download:
        asked.page.click("text=Download as CSV")
    saved = list(csv.reader(Path(download.value.path()).read_text(encoding="utf-8").splitlines()))
    assert len(saved) == rows + 1
    [first] = connection.execute(f"{query} LIMIT 1").fetchall()
    assert saved[1] == [first[0], str(first[1]), repr(first[2]).removesuffix(".0"), "'=1+1", ""]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("selec 1", "syntax error at or near"),
        ("SELECT * FROM capex_by_yaer", "capex_by_year"),
        ("CREATE TABLE t AS SELECT 1", "read-only"),
        ("FROM read_csv('https://example.com/a.csv')", "disabled by configuration"),
        ("SELECT to_json(1)", "This page has no extensions"),
        ("SET memory_limit = '9GB'", "locked"),
        ("  ", "There is no query yet"),
    ],
)
def test_what_cannot_be_answered_is_said(asked, query, said):
    assert asked.ask(query) == []
    assert said in asked.said("[role=alert]")
    assert asked.page.inner_text("[data-state]") == "No answer."


def test_a_ready_question_is_chosen_by_keyboard_and_its_answer_passes_axe(asked):
    asked.page.focus("#ready")
    asked.page.keyboard.press("ArrowDown")
    query = asked.page.input_value("#query")
    assert query.startswith("-- ")
    assert asked.ask(query)
    assert violations(asked.page) == []


def test_nothing_left_the_disk_and_the_console_is_quiet(asked):
    assert asked.errors == []
    assert {url.partition(":")[0] for url in asked.requests} <= {"file", "data", "blob"}


def test_a_query_without_end_is_stopped(asked):
    asked.page.fill("#query", "SELECT count(*) FROM range(1000000000) a, range(1000000000) b")
    asked.page.click("button.run")
    asked.page.click("[data-stop]")
    assert asked.page.inner_text("[data-answers] [role=alert]") == "Stopped."


def test_a_phone_shows_it_whole(browser, path):
    with opened(browser, path, 390, "dark") as page:
        for fold in page.locator("details > summary").all():
            fold.click()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert page.evaluate(BEYOND, 390) == []
        assert violations(page) == []


def test_without_javascript_it_says_so_and_lists_the_questions(browser, path):
    with opened(browser, path, 1280, "light", java_script_enabled=False) as page:
        assert "JavaScript is off" in page.inner_text("main")
        assert not page.is_visible("form")
        assert page.locator("details").count() >= 3


def test_without_webassembly_it_says_so(browser, path):
    context = browser.new_context()
    context.add_init_script("delete window.WebAssembly")
    page = context.new_page()
    page.goto(path.as_uri())
    assert "This browser lacks WebAssembly." in page.inner_text("main")
    assert not page.is_visible("form")
    context.close()
