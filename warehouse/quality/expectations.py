"""Great Expectations on DuckDB itself: our checks as its expectations, run on a connection that is already open.

Great Expectations knows no DuckDB. Through SQLAlchemy alone it gets no rows, because it closes each connection before
it reads the answer. So a datasource of our own keeps one connection open, the caller's: what the caller attached, and
what it has not committed yet, is seen.

Each check is asked once whether it holds. Only of one that does not, Great Expectations is asked which rows break it,
with one query that gives the rows and their number. Importing this module imports Great Expectations, which takes seconds.
"""

from __future__ import annotations

import hashlib
import html
import json
import logging
import os
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar, Literal

import duckdb

# Read when the library is imported: it sends usage statistics unless told not to.
os.environ.setdefault("GX_ANALYTICS_ENABLED", "False")

import great_expectations as gx
import great_expectations.expectations as gxe
import sqlalchemy
from duckdb_engine import ConnectionWrapper
from great_expectations.core.id_dict import IDDict
from great_expectations.core.metric_domain_types import MetricDomainTypes
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
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.query_metrics.query_table.query_table import QueryTable

from warehouse.quality import checks
from warehouse.quality.checks import PLACE_IN_STAGING, bad_rows, rendered, rendered_beside
from warehouse.quality.findings import Target
from warehouse.tables.table import Check, Table

URL = "duckdb:///:memory:"  # never opened: the engine is given a connection
# What SQLAlchemy would take for a parameter in the text of a query.
IN_ALL = "rows_in_all"
BATCH = "\0"  # stands for the relation until the rest of a query has been escaped
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

    Great Expectations would run each query once more to fetch them, which is half of the time of all checks.
    """

    metric_dependencies = ("unexpected_rows_query.row_count",)

    def _validate(self, metrics: dict[str, Any], *given: Any, **more: Any) -> Any:
        return super()._validate({**metrics, "unexpected_rows_query.table": []}, *given, **more)


class EveryRowOfAQuery(QueryTable):
    """Great Expectations' metric of the rows that a query finds, without its limit of 200 rows."""

    metric_name = "unexpected_rows_query.every_row"
    value_keys = ("unexpected_rows_query",)
    query_param_name: ClassVar[str] = "unexpected_rows_query"

    @metric_value(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(
        cls,
        execution_engine: SqlAlchemyExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any],
    ) -> list[dict[str, Any]]:
        selectable, _, _ = execution_engine.get_compute_domain(
            metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE
        )
        query = cls._get_substituted_batch_subquery_from_query_and_batch_selectable(
            query=metric_value_kwargs["unexpected_rows_query"],
            batch_selectable=selectable,
            execution_engine=execution_engine,
        )
        return [row._asdict() for row in execution_engine.execute_query(sqlalchemy.text(query)).fetchall()]


class FoundRowsExpectation(gxe.UnexpectedRowsExpectation):
    """The rows that a query finds; each also says how many there are in all."""

    metric_dependencies = ("unexpected_rows_query.every_row",)

    def _validate(self, metrics: dict[str, Any], *given: Any, **more: Any) -> Any:
        rows = metrics["unexpected_rows_query.every_row"]
        return {"success": not rows, "result": {"details": {"unexpected_rows": rows}}}


@dataclass(frozen=True)
class Verdict:
    """What Great Expectations says of one check: `count` of bad rows and those asked for, or the `error` that kept it
    from running.
    """

    check: Check
    count: int | None
    row_count: int | None
    rows: tuple[dict[str, Any], ...] = ()
    error: str | None = None

    @property
    def success(self) -> bool:
        return self.error is None and self.count == 0


class Session:
    """Great Expectations on one connection, for as many questions as a step has. Use `opened`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, targets: Sequence[Target], today: date) -> None:
        self._connection = connection
        self._today = today
        context = gx.get_context(
            mode="ephemeral",
            project_config=DataContextConfig(
                store_backend_defaults=InMemoryStoreBackendDefaults(),
                progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
                analytics_enabled=False,
            ),
        )
        # All at once: the configuration is written out anew for each asset that is added by itself.
        assets = [
            QueryAsset(name=target.name, query=f"select * from {target.relation}")
            for target in targets
            if isinstance(self.count(target), int)
        ]
        self._datasource = context.data_sources.add_duckdb(name="warehouse", connection_string=URL, assets=assets)

    def count(self, target: Target) -> int | str:
        """Rows of a target, or why they cannot be counted."""
        try:
            [(count,)] = self._connection.execute(f"select count(*) from {target.relation}").fetchall()
        except duckdb.Error as error:
            return _reason(str(error))
        return int(count)

    def ask(self, target: Target, checks: Sequence[Check], most: Callable[[Check], int | None]) -> list[Verdict]:
        """The verdicts on a target's checks, in order. `most` says how many of a check's rows to fetch (None: all).

        Nothing is written to the database or anywhere else.
        """
        count = self.count(target)
        if isinstance(count, str):  # no such relation: every one of its checks is broken
            return [Verdict(check, None, None, error=count) for check in checks]
        wanted = [expectation(check, target, self._today, place) for place, check in enumerate(checks)]
        answers = self._validated(target, wanted)
        # Checks are computed together, and one that cannot run may take others with it: each is asked again alone.
        for place in [place for place, answer in answers.items() if _error(answer) is not None]:
            answers |= self._validated(target, [wanted[place]])
        verdicts = [
            Verdict(check, 0 if answers[place].success else None, count, error=_error(answers[place]))
            for place, check in enumerate(checks)
        ]
        for place, verdict in enumerate(verdicts):
            if verdict.error is None and not verdict.success:
                asked = found_rows(verdict.check, target, self._today, most(verdict.check))
                verdicts[place] = _with_rows(verdict, self._validated(target, [asked], ResultFormat.COMPLETE)[0])
        return verdicts

    def _validated(
        self, target: Target, asked: Sequence[Any], detail: ResultFormat = ResultFormat.BOOLEAN_ONLY
    ) -> dict[int, Any]:
        """Great Expectations' answers, by the place of the check."""
        asset = self._datasource.get_asset(target.name)
        batch = asset.get_batch(asset.build_batch_request())
        suite = gx.ExpectationSuite(name=target.name, expectations=list(asked))
        with _described_once():
            answers = batch.validate(suite, result_format=detail).results
        return {answer.expectation_config.meta["place"]: answer for answer in answers}


@contextmanager
def opened(connection: duckdb.DuckDBPyConnection, targets: Sequence[Target], today: date) -> Iterator[Session]:
    """A session for questions about these targets."""
    token = _connection.set(connection)
    log = logging.getLogger("great_expectations")
    level = log.level
    log.setLevel(logging.CRITICAL)  # what breaks is reported, once, by us
    try:
        yield Session(connection, targets, today)
    finally:
        log.setLevel(level)
        _connection.reset(token)


def _with_rows(verdict: Verdict, answer: Any) -> Verdict:
    if (error := _error(answer)) is not None:
        return replace(verdict, error=error)
    rows = answer.result["details"]["unexpected_rows"]
    count = rows[0][IN_ALL] if rows else 0
    return replace(verdict, count=count, rows=tuple({n: v for n, v in row.items() if n != IN_ALL} for row in rows))


@contextmanager
def _described_once() -> Generator[None, None, None]:
    """Let each expectation write out its configuration once, and name metrics by the short way.

    Great Expectations 1.24 writes a configuration anew some thirty times a check, which takes half of the time of all
    checks. What was written is forgotten with the validation.
    """
    original, identify = Expectation.configuration, IDDict.to_id
    written: dict[int, tuple[Expectation, Any]] = {}

    def once(self: Expectation) -> Any:
        if id(self) not in written:
            written[id(self)] = self, original.fget(self)  # type: ignore[attr-defined]
        return written[id(self)][1]

    def short(self: IDDict, id_keys: Any = None, id_ignore_keys: Any = None) -> Any:
        if id_keys is None and id_ignore_keys is None and not self._id_ignore_keys and len(self) > 1:
            return identity(self, identify)
        return identify(self, id_keys, id_ignore_keys)

    Expectation.configuration = property(once)  # type: ignore[method-assign, assignment]
    IDDict.to_id = short  # type: ignore[method-assign]
    try:
        yield
    finally:
        Expectation.configuration = original  # type: ignore[method-assign]
        IDDict.to_id = identify  # type: ignore[method-assign]


PLAIN = (str, int, bool, type(None))


def identity(named: IDDict, identify: Callable[[IDDict], Any]) -> Any:
    """What `identify` gives, Great Expectations' name of a metric: a hash of its parameters as JSON.

    It first asks of each value whether it is one of twenty kinds, tens of thousands of times a run, an eighth of the
    time of all checks. Plain values are JSON as they are.
    """
    if all(type(value) in PLAIN for value in named.values()):
        text = json.dumps(named, sort_keys=True).encode()
        return hashlib.md5(text, usedforsecurity=False).hexdigest()
    return identify(named)


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
        unexpected_rows_query=_as_template(_query(check, target, today, BATCH)),
        description=html.escape(words, quote=False),
        notes=[f"```sql\n{bad_rows(check, today=today, relation=target.relation)}\n```"],
        **common,
    )


def found_rows(check: Check, target: Target, today: date, most: int | None) -> Any:
    """The expectation whose result holds the rows that a check finds.

    A bad row that waits is known by its place in staging, so that exactly the rows that were found are quarantined.
    """
    if check.quarantines and target.level == "rows":
        condition = rendered(check, today=today)
        query = f"select r.rowid as {PLACE_IN_STAGING}, r.* from {target.relation} as r where {condition}"
    else:
        query = _query(check, target, today, target.relation)
    limit = "" if most is None else f" limit {most}"
    # Not `count(*) over ()`: over few rows that a filter left, DuckDB 1.5 sometimes fails on it where several threads
    # compute it ("Attempted to access index 0 within vector of size 0", its issues 22846 and 25713), and takes the database along.
    counted = f"select *, (select count(*) from rows_found) as {IN_ALL} from rows_found{limit}"
    return FoundRowsExpectation(
        unexpected_rows_query=_as_template(f"with rows_found as materialized ({query}) {counted} /* {BATCH} */"),
        meta={"place": 0},
    )


def _native(check: Check, table: Table, common: dict[str, Any]) -> Any:
    columns = list(check.columns)
    match check.name:
        case checks.NOT_NULL:
            return gxe.ExpectColumnValuesToNotBeNull(column=columns[0], **common)
        case checks.BETWEEN:
            column = table.column(columns[0])
            lowest = column.above if column.above is not None else column.minimum
            return gxe.ExpectColumnValuesToBeBetween(
                column=column.name,
                min_value=lowest,
                strict_min=column.above is not None,
                max_value=column.maximum,
                **common,
            )
        case checks.IN_SET:
            allowed = list(table.column(columns[0]).allowed)
            return gxe.ExpectColumnValuesToBeInSet(column=columns[0], value_set=allowed, **common)
        case checks.UNIQUE:
            return gxe.ExpectColumnValuesToBeUnique(column=columns[0], **common)
        case checks.COMPOUND_UNIQUE:
            return gxe.ExpectCompoundColumnsToBeUnique(column_list=columns, ignore_row_if="never", **common)
        case checks.COLUMNS:
            return gxe.ExpectTableColumnsToMatchOrderedList(column_list=table.names, **common)
        case checks.ROW_COUNT:
            return gxe.ExpectTableRowCountToBeBetween(min_value=1, **common)
    return None


def _query(check: Check, target: Target, today: date, relation: str) -> str:
    """SQL of a check on a relation that holds the rows of a target."""
    if check.quarantines_compared and target.level == "rows":
        return rendered_beside(check, today=today, relation=relation, table=target.table.name)
    sql = rendered(check, today=today, relation=relation)
    if check.quarantines:
        return f"select r.* from {relation} as r where {sql}"
    return sql if relation in sql else f"{sql} /* {relation} */"  # without the relation, a warning is printed


def _as_template(sql: str) -> str:
    """SQL as Great Expectations takes it: `{batch}` is the relation, other braces are doubled, and a colon is escaped."""
    template = PARAMETER.sub(r"\\:", sql.replace("{", "{{").replace("}", "}}"))
    return template.replace(BATCH, "(select * from {batch})")
