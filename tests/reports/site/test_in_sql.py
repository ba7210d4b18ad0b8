"""The page that is asked in SQL: there where it is asked for, with a program that is what its packages publish."""

from __future__ import annotations

import hashlib

import duckdb
import pytest

from warehouse.database.excerpt import Excerpt
from warehouse.reports.site import discover, engine, in_sql, render
from warehouse.reports.site.page import Page, Reader
from warehouse.reports.site.pages import in_sql as page
from warehouse.reports.site.write import shell_of


@pytest.mark.parametrize("name", ["wasm", "worker", "duckdb", "arrow"])
def test_each_part_of_the_engine_is_the_published_file(name):
    part = engine.parts()[name]
    content = part.content()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (part.size_bytes, part.sha256)
    assert part.version.count(".") == 2
    assert "Permission is hereby granted" in (text := engine.licences()[part.licence]) or "Apache License" in text


def test_the_page_is_there_where_it_is_asked_for(connection):
    assert discover.read_module("in_sql", Reader(connection)).pages == []
    [(found, _)] = discover.read_module("in_sql", Reader(connection, sql_page=True)).pages
    assert found.path == "sql.html"
    assert discover.navigation([found]) == [found]


def test_its_policy_allows_webassembly_and_that_of_no_other_page(connection):
    reader = Reader(connection, sql_page=True)
    shell = shell_of(reader, [])
    mine = render.render(page.IN_SQL, [], reader, shell, render.environment()).html
    other = render.render(Page("other.html", "Other", ""), [], reader, shell, render.environment()).html
    assert "script-src 'self' file: 'wasm-unsafe-eval'; worker-src blob:;" in mine
    assert "default-src 'none'" in mine
    assert "connect-src" not in mine
    assert "wasm" not in other
    assert "blob:" not in other


def test_ready_questions_come_with_their_values(connection):
    found = {each["name"]: each["sql"] for each in in_sql.questions(in_sql.excerpt_of(connection))}
    assert len(found) >= 25
    opening, company, since, *query = found["capex_by_quarter"].splitlines()
    assert opening == "-- What did each of the four buyers spend in each quarter, in billions of dollars?"
    assert company.startswith("-- company is 'ALL' here: ticker")
    assert since == "-- since is '2021Q1' here: first calendar quarter shown"
    assert "$" not in "\n".join(query)


def test_a_question_that_the_excerpt_cannot_answer_is_not_offered():
    taken = Excerpt({}, {}, {"capex_quarterly": None})
    assert "capex_by_quarter" not in {each["name"] for each in in_sql.questions(taken)}


def test_names_are_listed_in_the_order_in_which_a_reader_needs_them(connection):
    listed = in_sql.names(in_sql.excerpt_of(connection))
    assert [each["name"] for each in listed[:2]] == ["contents", "capex"]
    assert listed[1]["about"].endswith("One row for each company and quarter.")


def test_the_engine_is_taken_from_the_last_release(tmp_path):
    with duckdb.connect() as empty:
        version = in_sql.write(tmp_path / "first", empty, None, "")
        assert in_sql.write(tmp_path / "second", empty, tmp_path / "first", version) == version
        assert in_sql.write(tmp_path / "third", empty, tmp_path / "first", "another version") == version
    first, second, third = (tmp_path / name / in_sql.ENGINE for name in ("first", "second", "third"))
    assert first.stat().st_ino == second.stat().st_ino != third.stat().st_ino
    assert first.read_bytes() == third.read_bytes()
    assert "sourceMappingURL" not in first.read_text(encoding="utf-8")
