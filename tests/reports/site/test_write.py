"""A site holds what its warehouse holds, writes only what changed, and says why where it has nothing."""

from __future__ import annotations

import json
import re
import shutil

import pytest
from lxml import html

from tests.reports.site.all_pages import pages_of
from warehouse.reports.site import charts, discover, figure_pages, write
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
    for page, content in pages_of(reader):
        for figure, value in figures(list(content)):
            row = reader.row(figure.table, dict(figure.key))
            held = row.get(figure.column)
            if not row or (value is not ... and value != held and not (value != value and held != held)):
                wrong.append((page.path, figure.table, figure.key, figure.column, value, held))
    assert wrong == []


def test_charts_are_such_as_vega_lite_understands(connection):
    for page, content in pages_of(Reader(connection)):
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


def test_what_did_not_change_is_not_even_read_again(connection, written, tmp_path, monkeypatch):
    folder, first = written
    assert (first.kept, first.opened_anew) == ([], first.opened)
    monkeypatch.setattr(discover, "read_module", lambda *_: pytest.fail("a module of pages was read"))
    again = write.write(tmp_path / "again", connection, folder)
    assert (again.changed, again.read, again.drawn, again.opened_anew) == ([], [], 0, 0)
    assert sorted(again.kept) == sorted(first.changed)
    assert again.opened == first.opened
    for path in sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file()):
        assert (tmp_path / "again" / path).read_bytes() == (folder / path).read_bytes(), path


@pytest.fixture
def changed(warehouse, tmp_path):
    """A copy of the warehouse to change, and what writes its site beside that of the original."""
    import duckdb

    path = tmp_path / "changed.duckdb"
    shutil.copyfile(warehouse, path)
    with duckdb.connect(str(path)) as opened:
        yield opened


LATER = (
    "INSERT INTO provenance.runs SELECT * REPLACE (run_id || 'x' AS run_id, started_at + INTERVAL 1 DAY AS started_at"
)
LAST = "FROM provenance.runs ORDER BY started_at DESC LIMIT 1"


def test_a_run_that_found_nothing_new_writes_the_pages_that_tell_of_runs_and_draws_nothing(changed, written, tmp_path):
    folder, first = written
    changed.execute(f"{LATER}) {LAST}")
    again = write.write(tmp_path / "again", changed, folder)
    assert set(again.changed) <= {"changes.html", "data.html", "index.html"}
    assert {"changes.html", "index.html"} <= set(again.changed)
    assert (again.drawn, again.opened_anew) == (0, 0)
    assert "spending" not in again.read
    assert len(again.kept) + len(again.changed) == len(first.changed)


def test_on_another_day_pages_keep_their_bodies_and_say_the_day(changed, written, tmp_path):
    folder, first = written
    changed.execute(f"{LATER}, as_of + 1 AS as_of) {LAST}")
    again = write.write(tmp_path / "again", changed, folder)
    assert sorted(again.changed) == sorted(first.changed), "the day stands on every page"
    assert again.drawn == 0
    for path in ("market.html", next((folder / "figures" / "verdict").glob("*.html")).relative_to(folder)):
        before, now = ((root / path).read_text(encoding="utf-8") for root in (folder, tmp_path / "again"))
        assert "10\u00a0November\u00a02026" in now
        assert now.replace("10\u00a0November", "9\u00a0November").replace("179 days", "178 days") == before


def test_a_changed_figure_changes_the_pages_that_show_it(changed, written, tmp_path):
    folder, _ = written
    [quarter] = changed.execute(
        "SELECT max(calendar_quarter) FROM marts.capex_quarterly WHERE ticker = 'META'"
    ).fetchone()
    changed.execute(
        "UPDATE marts.capex_quarterly SET capex_usd = 123456789000 WHERE ticker = 'META' AND calendar_quarter = ?",
        [quarter],
    )
    again = write.write(tmp_path / "again", changed, folder)
    assert {"companies/META.html", "spending.html"} <= set(again.changed)
    assert {"market.html", "claims.html", "companies/NVDA.html"} <= set(again.kept)
    assert "market" not in again.read or again.drawn < 12
    assert "$123bn" in (tmp_path / "again" / "companies" / "META.html").read_text(encoding="utf-8")
    assert 0 < again.opened_anew < again.opened


def test_a_page_that_the_last_release_lost_is_written(connection, written, tmp_path):
    folder, _ = written
    last = tmp_path / "last"
    shutil.copytree(folder, last)
    (last / "spending.html").unlink()
    assert write.write(tmp_path / "new", connection, last).changed == ["spending.html"]


def test_another_program_takes_nothing_from_the_last_release(connection, written, tmp_path):
    folder, first = written
    last = tmp_path / "last"
    shutil.copytree(folder, last)
    manifest = json.loads((last / write.MANIFEST).read_text()) | {"program": "of yesterday"}
    (last / write.MANIFEST).write_text(json.dumps(manifest))
    again = write._Writing(tmp_path / "new", Reader(connection), last)
    assert again.before["modules"] == {}
    assert again.before["figures"] == {}
    assert first.drawn > 30


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
        said = " ".join(html.parse(str(path)).xpath("string(//div[@class='status']/p[2])").split())
        assert said.startswith("Oldest facts: share prices end 15 May 2026, 178 days before"), path


def test_an_answer_of_an_earlier_day_leads_to_todays(connection, tmp_path, monkeypatch):
    """Every page has the banner from one template; of one page it is looked at."""
    monkeypatch.setattr(discover, "names", lambda: ["index"])
    monkeypatch.setattr(figure_pages, "write", lambda *_, **__: figure_pages.Written())
    write.write(tmp_path / "site", connection, dated=True)
    [link] = html.parse(str(tmp_path / "site" / "index.html")).xpath("//p[contains(@class, 'banner')]/a/@href")
    assert (tmp_path / "as-of" / "2025-01-27" / "site" / link).resolve() == (tmp_path / "site" / "index.html").resolve()
