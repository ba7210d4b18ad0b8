"""No figure without a page: each one on every page opens, is what the warehouse holds, and has a name in words."""

from __future__ import annotations

import html
import math
import re
from typing import Any

import pytest

from tests.reports.site.all_pages import pages_of
from warehouse.database import releases
from warehouse.paths import WAREHOUSE
from warehouse.reports import labels
from warehouse.reports.addresses import href, key_columns
from warehouse.reports.lineage import named, traceable
from warehouse.reports.site import figure_pages
from warehouse.reports.site.blocks import Table, figures, walk
from warehouse.reports.site.page import Reader

CELL = re.compile(r'<tr id="(\w+)"><th scope="row">(.*?)<td><data(?: value="(.*?)")?>(.*?)</data>', re.DOTALL)
HASHES = ("document_sha256", "fact_id")
RAW = re.compile(r"[a-z0-9]_[a-z0-9]|\de[-+]?\d|==")


@pytest.fixture(scope="module")
def reader(published_paths):
    with releases.reading(published_paths.current / WAREHOUSE) as connection:
        yield Reader(connection)


@pytest.fixture(scope="module")
def shown(reader) -> list[tuple[str, Any, Any]]:
    """Every figure of every page with the page's path and the value that stands there (`...`: read by the framework)."""
    return [
        (page.path, figure, value) for page, content in pages_of(reader) for figure, value in figures(list(content))
    ]


@pytest.fixture(scope="module")
def opened_pages(reader, shown) -> dict[str, str]:
    wanted: dict[str, dict[str, dict[str, Any]]] = {}
    for _, figure, _ in shown:
        table = named(figure.table)
        key = {name: figure.key[name] for name in key_columns(table)}
        wanted.setdefault(table.full_name, {})[href(table, key)] = key
    asked = {table: list(keys.values()) for table, keys in wanted.items()}
    return dict(figure_pages.pages(reader.connection, asked))


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-12) or (math.isnan(one) and math.isnan(other))
    return one == other or str(one) == str(other)


def test_every_figure_of_every_page_is_the_warehouses_and_opens_at_its_column(reader, shown, opened_pages) -> None:
    assert len(shown) > 500
    cells = {address: {found[0]: found for found in CELL.findall(text)} for address, text in opened_pages.items()}
    for path, figure, value in shown:
        table = named(figure.table)
        held = reader.value(figure)
        where = f"{path}: {figure.table} {dict(figure.key)} {figure.column}"
        assert value is ... or held is None or same(value, held), where
        address = href(table, figure.key)
        assert address in opened_pages, where
        column = table.column(figure.column)
        if held is None or column.prose or figure.column in (*table.key, "grade", "reason"):
            continue
        _, _, exact, said = cells[address][figure.column]
        assert html.unescape(exact or said) == (figure_pages.exact(held) if exact else labels.spoken(held, "")), where


COUNTS = {
    "days", "day", "documents", "bytes", "rows", "claims", "verdicts", "facts", "figures", "new", "removed", "changed",
}  # fmt: skip
"""Numbers that say how much there is: of runs, documents and rows of tables. No row of a mart or of core holds them."""


def test_every_number_of_every_table_opens_but_counts_that_no_row_holds(reader) -> None:
    unopened = set()
    for page, content in pages_of(reader):
        for table in (block for block in walk(list(content)) if isinstance(block, Table)):
            for column in table.columns:
                is_number = table.rows.schema[column.name].is_numeric() and column.form not in ("year", "quarter")
                if is_number and column.figure_of(table.of) is None and column.name not in COUNTS:
                    unopened.add((page.path, table.name, column.name))
    assert unopened == set()


def test_pages_of_figures_leave_room_for_the_rest_of_a_site_of_15_megabytes(opened_pages) -> None:
    assert sum(len(text.encode()) for text in opened_pages.values()) < 11e6, len(opened_pages)


def test_no_label_and_no_spoken_value_is_a_raw_identifier(opened_pages) -> None:
    for address, text in opened_pages.items():
        for column, label, _, said in CELL.findall(text):
            # A hash is what it is, and so is an address within a citation.
            plain = (
                "" if column in HASHES else " ".join(word for word in html.unescape(said).split() if "/" not in word)
            )
            for words in (html.unescape(label), plain):
                assert not RAW.search(words), f"{address}#{column}: {words}"
        explained = text.partition('<table class="figures">')[2].partition("</table>")[0]
        assert "`" not in explained, f"{address}: a column is called by its name in the program"
        for heading in re.findall(r"<h[1-3][^>]*>(.*?)</h", text):
            assert not RAW.search(html.unescape(heading)), f"{address}: {heading}"


def test_every_column_of_every_mart_has_a_name_in_words() -> None:
    for table in traceable().values():
        assert not RAW.search(labels.table_label(table))
        for column in table.columns:
            assert not RAW.search(labels.column_label(column)), f"{table.full_name}.{column.name}"


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (None, "USD", "unknown"),
        (float("nan"), "", "unknown"),
        (True, "", "yes"),
        ("cannot_tell", "", "cannot tell"),
        (0.05286, "share", "5.286\u00a0%"),
        (5.286e-17, "probability", "below 0.001"),
        (5.286e-17, "", "5.29 × 10⁻¹⁷"),
        (39_153_000_000.0, "USD", "$39.15\u00a0billion"),
        (-2.79e9, "USD", "−$2.79\u00a0billion"),
        (2, "USD per GPU-hour", "$2.00 per GPU-hour"),
        (2025, "year", "2025"),
        (3.3e24, "FLOP", "3.30 × 10²⁴\u00a0FLOP"),
    ],
)
def test_values_are_spoken_for_people(value, unit: str, said: str) -> None:
    assert labels.spoken(value, unit) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (39_153_000_000.0, "39,153,000,000"),
        (-0.5, "−0.5"),
        (5.286e-17, "5.286 × 10⁻¹⁷"),
        (True, ""),
        (float("inf"), ""),
    ],
)
def test_numbers_in_full_have_every_digit_and_no_exponent(value, said: str) -> None:
    assert labels.in_full(value) == said
