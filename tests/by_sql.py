"""The declared checks as SQL, in place of Great Expectations, which takes longer to ask than all the rest of a run.

For runs whose tests are about something else (tests/runs.py), for files that import `checks_as_sql`, and for hundreds of
corrupted documents. Great Expectations itself is asked in the run that all tests share, and in tests/quality. There
test_corruptions.py (`test_great_expectations_says_the_same`) holds the two against each other, of whole tables and of
corrupted rows that wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date

import duckdb
import pytest

from warehouse.quality import checks as quality
from warehouse.quality import expectations
from warehouse.quality.expectations import Verdict
from warehouse.quality.findings import Target
from warehouse.tables.table import Check

GREAT_EXPECTATIONS = expectations.opened


class BySql:
    """Answers as a session of Great Expectations does, by the declared conditions alone: those of rows in one query."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, targets: Sequence[Target], today: date) -> None:
        self._connection, self._today = connection, today

    def count(self, target: Target) -> int | str:
        try:
            [(count,)] = self._connection.execute(f"SELECT count(*) FROM {target.relation}").fetchall()
        except duckdb.Error as error:
            return str(error)
        return int(count)

    def ask(self, target: Target, checks: Sequence[Check], most: Callable[[Check], int | None]) -> list[Verdict]:
        of_rows = [check for check in checks if check.quarantines]
        each = ", ".join(f"count(*) FILTER ({quality.rendered(check, today=self._today)})" for check in of_rows)
        try:
            [(rows, *counts)] = self._connection.execute(
                f"SELECT {', '.join(filter(None, ('count(*)', each)))} FROM {target.relation} r"
            ).fetchall()
        except duckdb.Error as error:
            if len(checks) > 1:  # one that cannot run takes others with it: each is asked alone
                return [verdict for check in checks for verdict in self.ask(target, [check], most)]
            return [Verdict(checks[0], None, None, error=str(error).splitlines()[0])]
        bad = dict(zip(of_rows, counts, strict=True))
        return [self._verdict(target, check, rows, bad.get(check), most(check)) for check in checks]

    def _verdict(self, target: Target, check: Check, rows: int, bad: int | None, most: int | None) -> Verdict:
        if bad == 0:
            return Verdict(check, 0, rows)
        try:
            found = self._connection.execute(self._query(target, check)).pl()
        except duckdb.Error as error:
            return Verdict(check, None, rows, error=str(error).splitlines()[0])
        shown = found if most is None else found.head(most)
        return Verdict(check, found.height, rows, tuple(shown.iter_rows(named=True)))

    def _query(self, target: Target, check: Check) -> str:
        if target.level != "rows":
            return quality.bad_rows(check, today=self._today, relation=target.relation)
        if check.quarantines:
            condition = quality.rendered(check, today=self._today)
            return f"SELECT r.rowid AS {quality.PLACE_IN_STAGING}, r.* FROM {target.relation} r WHERE {condition}"
        return quality.rendered_beside(check, today=self._today, relation=target.relation, table=target.table.name)


@contextmanager
def by_sql(connection: duckdb.DuckDBPyConnection, targets: Sequence[Target], today: date) -> Iterator[BySql]:
    """In place of `warehouse.quality.expectations.opened`."""
    yield BySql(connection, targets, today)


@pytest.fixture(scope="module", autouse=True)
def checks_as_sql() -> Iterator[None]:
    """Whatever a file that imports this runs in its own process asks the declared SQL."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(expectations, "opened", by_sql)
        yield
