"""A site holds what its warehouse holds, writes only what changed, and says why where it has nothing."""

from __future__ import annotations

import json
import re
import shutil

import pytest
from lxml import html

from warehouse.reports.site import charts, discover, write
from warehouse.reports.site.blocks import Chart, figures, walk
from warehouse.reports.site.page import Reader

OF_IDENTIFIERS = {"dictionary.html", "sources.html", "method.html", "glossary.html", "quality.html"}
"""Pages whose subject are the names of the warehouse."""
IDENTIFIER = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b|\b\d+(?:\.\d+)?e[-+]\d+\b|[<>=]=")


@pytest.fixture(scope="module")
def written(warehouse, tmp_path_factory):
    """The site of the published warehouse, and what writing it gave."""
    import duckdb

    folder = tmp_path_factory.mktemp("site")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return folder, write.write(folder, connection)


def test_every_figure_is_the_warehouses(connection):
    reader = Reader(connection)
    wrong = []
    for page, content in discover.read(reader).pages:
        for figure, value in figures(list(content)):
            row = reader.row(figure.table, dict(figure.key))
            held = row.get(figure.column)
            if not row or (value is not ... and value != held and not (value != value and held != held)):
                wrong.append((page.path, figure.table, figure.key, figure.column, value, held))
    assert wrong == []


def test_charts_are_such_as_vega_lite_understands(connection):
    for page, content in discover.read(Reader(connection)).pages:
        for block in walk(list(content)):
            if isinstance(block, Chart) and charts.is_drawable(block.numbers.rows):
                assert charts.validated(block, charts.WIDE), page.path


def test_no_page_shows_a_raw_identifier(written):
    folder, _ = written
    found = {}
    for path in sorted(path for path in folder.glob("*.html") if path.name not in OF_IDENTIFIERS):
        main = html.parse(str(path)).find(".//main")
        for hidden in main.xpath(".//script | .//code | .//pre | .//*[local-name()='svg']"):
            hidden.drop_tree()
        raw = sorted(set(IDENTIFIER.findall(" ".join(main.itertext()))))
        if raw:
            found[path.name] = raw[:12]
    assert found == {}


def test_a_site_is_small(written):
    folder, _ = written
    shared = {"vega.js"}
    assert (folder / "index.html").stat().st_size < 1_500_000
    whole = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.name not in shared)
    assert whole < 15_000_000


def test_what_did_not_change_is_not_written_again(connection, written, tmp_path):
    folder, first = written
    again = write.write(tmp_path / "again", connection, folder)
    assert again.changed == []
    assert sorted(again.kept) == sorted(first.changed)
    assert (tmp_path / "again" / "index.html").read_text() == (folder / "index.html").read_text()


def test_a_page_that_the_last_release_lost_is_written(connection, written, tmp_path):
    folder, _ = written
    last = tmp_path / "last"
    shutil.copytree(folder, last)
    (last / "spending.html").unlink()
    (last / "assets" / "manifest.json").write_text(
        json.dumps(json.loads((folder / "assets" / "manifest.json").read_text()))
    )
    assert write.write(tmp_path / "new", connection, last).changed == ["spending.html"]


def test_pages_without_anything_to_show_say_why(emptied, tmp_path):
    write.write(tmp_path / "site", emptied)
    front = html.parse(str(tmp_path / "site" / "index.html")).find(".//main").text_content()
    assert "There is no verdict" in front
    assert "1\u00a0January\u00a02020" in front
    for path in (tmp_path / "site").glob("*.html"):
        assert len(html.parse(str(path)).find(".//main").text_content()) > 60, path


def test_prices_that_end_long_before_the_answer_are_seen_on_every_page(written):
    folder, _ = written
    for path in folder.glob("*.html"):
        said = " ".join(html.parse(str(path)).xpath("string(//p[@class='late'])").split())
        assert said.startswith("Late: share prices end 15 May 2026, 178 days before"), path


def test_an_answer_of_an_earlier_day_leads_to_todays(connection, tmp_path):
    write.write(tmp_path / "site", connection, dated=True)
    [link] = html.parse(str(tmp_path / "site" / "index.html")).xpath("//p[contains(@class, 'banner')]/a/@href")
    assert (tmp_path / "as-of" / "2025-01-27" / "site" / link).resolve() == (tmp_path / "site" / "index.html").resolve()
