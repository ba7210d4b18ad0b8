"""Every ready question and every table of a whole run, as a person sees it at 80, 120 and 200 columns: nothing is broken."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass

import pytest

from warehouse.cli.answers import Answers
from warehouse.cli.layout import LINE, shown
from warehouse.database import reading, releases
from warehouse.database.limits import Limits
from warehouse.paths import WAREHOUSE
from warehouse.reports.dictionary.questions import questions

STEERS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def queries(connection) -> dict[str, str]:
    """Every table and view by its name, and every ready question with its defaults or the first value allowed."""
    names = connection.execute("SELECT table_schema || '.' || table_name FROM information_schema.tables").fetchall()
    asked = {name: f"FROM {name} ORDER BY ALL" for (name,) in names}
    for one in questions().values():
        needed = {each.name: (each.allowed or ("2025-01-27",))[0] for each in one.parameters if each.default is None}
        # In one order: of rows that are alike in the question's own, any may come first.
        asked[one.name] = f"FROM (\n{one.filled(needed)}\n) ORDER BY ALL"
    return asked


@dataclass(frozen=True)
class Given:
    """What a query gave, as DuckDB gives it out."""

    description: list
    rows: list

    def fetchmany(self, size: int) -> list:
        assert size <= MOST
        return self.rows[:size]


MOST = 100  # rows that are looked at, and more


@pytest.fixture(scope="module")
def asked_once() -> Iterator[None]:
    """Each query is run and counted once for all widths: what is tried is how its answer is written."""
    execute, count = reading.execute, reading.count
    given: dict[str, Given] = {}
    counted: dict[str, int] = {}

    def executed(connection, read):
        if read.text not in given:
            found = execute(connection, read)
            given[read.text] = Given(found.description, found.fetchmany(MOST))
        return given[read.text]

    def counted_once(connection, read):
        if read.text not in counted:
            counted[read.text] = count(connection, read)
        return counted[read.text]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "execute", executed)
        patch.setattr(reading, "count", counted_once)
        yield


@pytest.mark.usefixtures("asked_once")
@pytest.mark.parametrize("width", [80, 120, 200])
def test_no_value_of_any_table_or_question_is_broken(published_paths, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    with releases.reading(published_paths.current / WAREHOUSE, Limits()) as connection:
        answers = Answers(connection, Limits())
        asked = queries(connection)
        assert len(asked) > len(questions()) + 50
        for name, query in asked.items():
            out = io.StringIO()
            with redirect_stdout(out):
                answers.run(query)
            text = out.getvalue()
            assert not STEERS.search(text), name
            found = reading.execute(connection, reading.one(connection, query))
            columns = [column for column, *_ in found.description]
            rows = found.fetchmany(40)
            header = text.splitlines()[0].split()
            in_blocks = text.startswith("── 1 ")
            seen = [place for place, column in enumerate(columns) if in_blocks or column in header]
            assert seen, name
            left_out = int((re.search(r"^(\d+) more column", text, re.MULTILINE) or ["0", "0"])[1])
            assert len(seen) + left_out == len(columns), name
            for row in rows:
                for value in (shown(row[place]) for place in seen):
                    pieces = [value] if len(value) <= LINE else value.split()
                    assert all(line in text for piece in pieces for line in piece.split("\n")), (name, value)
