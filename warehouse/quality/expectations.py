"""Great Expectations on DuckDB itself: our checks as its expectations, run on a connection that is already open.

Great Expectations knows no DuckDB. Through SQLAlchemy alone it gets no rows, because it closes each connection before
it reads the answer; so a datasource of our own keeps one connection open, and it is the caller's: what the caller
attached, and what it has not committed yet, is seen. Importing this module imports Great Expectations, which takes
seconds.
"""

from __future__ import annotations

import html
import logging
import os
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import duckdb

# Read when the library is imported: it sends usage statistics unless told not to.
os.environ.setdefault("GX_ANALYTICS_ENABLED", "False")

import great_expectations as gx
import great_expectations.expectations as gxe
import sqlalchemy
from duckdb_engine import ConnectionWrapper
from great_expectations.core.result_format import ResultFormat
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.datasource.fluent import SQLDatasource
from great_expectations.datasource.fluent.sql_datasource import QueryAsset
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import Expectation

from warehouse.quality import checks as quality
from warehouse.quality.checks import Target, bad_rows, rendered, rendered_beside
from warehouse.tables.table import Check, Table

URL = "duckdb:///:memory:"  # never opened: the engine is given a connection
# What SQLAlchemy would take for a parameter in the text of a query.
PARAMETER = re.compile(r"(?<![:\w\\]):(?=\w+(?!:))")
_connection: ContextVar[duckdb.DuckDBPyConnection] = ContextVar("connection")


class _Borrowed(ConnectionWrapper):
    """The caller's connection: transactions are the caller's, and so is closing it."""

    def begin(self) -> None: ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def close(self) -> None: ...


class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
    """Great Expectations' SQL engine with a connection that stays open until the answer has been read."""

    @contextmanager
    def get_connection(self) -> Generator[sqlalchemy.Connection, None, None]:
        if self._connection is None:
            self._connection = self.engine.connect()
        yield self._connection


class DuckDBDatasource(SQLDatasource):
    """A datasource on the connection that `run` was given."""

    type: Literal["duckdb"] = "duckdb"  # type: ignore[assignment]

    @property
    def execution_engine_type(self) -> Any:
        return DuckDBExecutionEngine

    def _create_engine(self) -> sqlalchemy.Engine:
        connection = _connection.get()
        return sqlalchemy.create_engine(
            URL, creator=lambda: _Borrowed(connection), poolclass=sqlalchemy.pool.StaticPool
        )

    def get_execution_engine(self) -> SqlAlchemyExecutionEngine:
        if self._execution_engine is None:
            self._execution_engine = DuckDBExecutionEngine(engine=self.get_engine(), create_temp_table=False)
        return self._execution_engine


class CountedRowsExpectation(gxe.UnexpectedRowsExpectation):
    """How many rows a query finds, and not the rows.

    Great Expectations would run each query once more to fetch them, which is half of the time of all checks. The rows that
    messages show are fetched by us, only where there are some, with their document and place.
    """

    metric_dependencies = ("unexpected_rows_query.row_count",)

    def _validate(self, metrics: dict[str, Any], *given: Any, **more: Any) -> Any:
        return super()._validate({**metrics, "unexpected_rows_query.table": []}, *given, **more)


@dataclass(frozen=True)
class Verdict:
    """What Great Expectations says of one check: `count` of bad rows, or the `error` that kept it from running."""

    check: Check
    success: bool
    count: int | None
    row_count: int | None
    error: str | None = None


def run(connection: duckdb.DuckDBPyConnection, targets: Sequence[Target], today: date) -> list[list[Verdict]]:
    """The verdicts on each target's checks, in order. Nothing is written to the database or anywhere else."""
    token = _connection.set(connection)
    log = logging.getLogger("great_expectations")
    level = log.level
    log.setLevel(logging.CRITICAL)  # what breaks is reported, once, by us
    try:
        context = gx.get_context(
            mode="ephemeral",
            project_config=DataContextConfig(
                store_backend_defaults=InMemoryStoreBackendDefaults(),
                progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
                analytics_enabled=False,
            ),
        )
        counts = [_count(connection, target) for target in targets]
        # All at once: the configuration is written out anew for each asset that is added by itself.
        assets = [
            QueryAsset(name=target.name, query=f"select * from {target.relation}")
            for target, count in zip(targets, counts, strict=True)
            if isinstance(count, int)
        ]
        datasource = context.data_sources.add_duckdb(name="warehouse", connection_string=URL, assets=assets)
        return [_run(datasource, target, count, today) for target, count in zip(targets, counts, strict=True)]
    finally:
        log.setLevel(level)
        _connection.reset(token)


def _count(connection: duckdb.DuckDBPyConnection, target: Target) -> int | str:
    """Rows of a target, or why they cannot be counted."""
    try:
        [(count,)] = connection.execute(f"select count(*) from {target.relation}").fetchall()
    except duckdb.Error as error:
        return _reason(str(error))
    return int(count)


def _run(datasource: Any, target: Target, rows: int | str, today: date) -> list[Verdict]:
    checks = target.checks
    if isinstance(rows, str):  # no such relation: every one of its checks is broken
        return [Verdict(check, False, None, None, rows) for check in checks]
    asset = datasource.get_asset(target.name)
    batch = asset.get_batch(asset.build_batch_request())

    def ask(places: Sequence[int], detail: ResultFormat) -> dict[int, Any]:
        asked = [expectation(checks[place], target, today, place) for place in places]
        suite = gx.ExpectationSuite(name=target.name, expectations=asked)
        with _configured_once():
            answers = batch.validate(suite, result_format=detail).results
        return {answer.expectation_config.meta["place"]: answer for answer in answers}

    # Whether each check holds is cheap; how many rows break it is asked only where some do.
    answers = ask(range(len(checks)), ResultFormat.BOOLEAN_ONLY)
    if failed := [place for place, answer in answers.items() if not answer.success and _error(answer) is None]:
        answers |= ask(failed, ResultFormat.BASIC)
    # Checks are computed together, and one that cannot run may take others with it: each is asked again alone.
    for place in [place for place, answer in answers.items() if _error(answer) is not None]:
        answers |= ask([place], ResultFormat.BASIC)
    return [_verdict(check, answers[place], rows) for place, check in enumerate(checks)]


@contextmanager
def _configured_once() -> Generator[None, None, None]:
    """Let each expectation write out its configuration once.

    Great Expectations 1.24 does it anew some thirty times a check, which takes half of the time of all checks. What was
    written is forgotten with the validation, and the expectations live no longer.
    """
    original = Expectation.configuration
    written: dict[int, tuple[Expectation, Any]] = {}

    def once(self: Expectation) -> Any:
        if id(self) not in written:
            written[id(self)] = self, original.fget(self)  # type: ignore[attr-defined]
        return written[id(self)][1]

    Expectation.configuration = property(once)  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        Expectation.configuration = original  # type: ignore[method-assign]


def _verdict(check: Check, answer: Any, rows: int) -> Verdict:
    if (error := _error(answer)) is not None:
        return Verdict(check, False, None, rows, error)
    if answer.success:
        return Verdict(check, True, 0, rows)
    if check.name == quality.COLUMNS:
        count: Any = len(answer.result["details"]["mismatched"])
    elif check.name == quality.ROW_COUNT:
        count = 1
    else:
        count = answer.result.get("unexpected_count", answer.result.get("observed_value"))
    return Verdict(check, False, int(count), rows)


def _error(answer: Any) -> str | None:
    """Why a check could not run; None where it did. An expectation that raised is otherwise like one that failed."""
    info = answer.exception_info or {}
    for entry in (info, *(value for value in info.values() if isinstance(value, dict))):
        if entry.get("raised_exception"):
            return _reason(str(entry.get("exception_message") or entry.get("exception_traceback") or "unknown"))
    return None


def _reason(message: str) -> str:
    """The one line of an exception's text that says what is wrong, without the paths of this machine."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    said = next((line for line in lines if "Error" in line and not line.startswith("File ")), lines[0] if lines else "")
    return re.sub(r"^\(\S+\) ", "", said)  # the class that SQLAlchemy puts before


def expectation(check: Check, target: Target, today: date, place: int = 0) -> Any:
    """A check as an expectation: Great Expectations' own where there is one, else its expectation on a query."""
    table = target.table
    common: dict[str, Any] = {
        "severity": check.severity,
        "meta": {"place": place, "check": check.name, "severity": check.severity, "protects": check.protects},
    }
    # Great Expectations' own checks of single rows know of no row that is exempt.
    native = None if target.exempt and check.quarantines else _native(check, table, common)
    if native is not None:
        return native
    words = f"{check.name}{' (warning)' if check.severity == 'warning' else ''}: {check.protects}"
    return CountedRowsExpectation(
        unexpected_rows_query=_query(check, target, today),
        description=html.escape(words, quote=False),
        notes=[f"```sql\n{bad_rows(check, today=today, relation=target.relation)}\n```"],
        **common,
    )


def _native(check: Check, table: Table, common: dict[str, Any]) -> Any:
    columns = list(check.columns)
    match check.name:
        case quality.NOT_NULL:
            return gxe.ExpectColumnValuesToNotBeNull(column=columns[0], **common)
        case quality.BETWEEN:
            column = table.column(columns[0])
            lowest = column.above if column.above is not None else column.minimum
            return gxe.ExpectColumnValuesToBeBetween(
                column=column.name,
                min_value=lowest,
                strict_min=column.above is not None,
                max_value=column.maximum,
                **common,
            )
        case quality.IN_SET:
            allowed = list(table.column(columns[0]).allowed)
            return gxe.ExpectColumnValuesToBeInSet(column=columns[0], value_set=allowed, **common)
        case quality.UNIQUE:
            return gxe.ExpectColumnValuesToBeUnique(column=columns[0], **common)
        case quality.COMPOUND_UNIQUE:
            return gxe.ExpectCompoundColumnsToBeUnique(column_list=columns, ignore_row_if="never", **common)
        case quality.COLUMNS:
            return gxe.ExpectTableColumnsToMatchOrderedList(column_list=table.names, **common)
        case quality.ROW_COUNT:
            return gxe.ExpectTableRowCountToBeBetween(min_value=1, **common)
    return None


def _query(check: Check, target: Target, today: date) -> str:
    """SQL of a check as Great Expectations wants it: `{batch}` is the relation, other braces are doubled."""
    batch = "\0"
    if check.puts_aside and target.level == "rows":
        sql = rendered_beside(check, today=today, relation=batch, table=target.table.name)
    else:
        sql = rendered(check, today=today, relation=batch)
    if check.quarantines:
        sql = f"select r.* from {batch} as r where {sql}"
    elif batch not in sql:
        sql = f"{sql} /* {batch} */"  # a query about other tables; without this, a warning is printed
    sql = PARAMETER.sub(r"\\:", sql.replace("{", "{{").replace("}", "}}"))
    return sql.replace(batch, "(select * from {batch})")
