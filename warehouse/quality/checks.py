"""What must hold of every table, found out by Great Expectations on DuckDB, and told so that someone can act on it.

Checks come from the declarations alone (`warehouse.tables`): a column that is required, bounded or has a list of
allowed values is checked for it, the identity of a row must be its own, and each table may add rules in SQL. Checks of
single rows are conditions, so that the loading can put aside exactly the rows that Great Expectations counts; all
others are queries that return what should not be there.

A check that could not run is not a check that found something: it is reported as broken, and nothing is published
either way. Great Expectations takes seconds to import, so it is imported where checks run and nowhere else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import duckdb
import polars as pl

from warehouse import sqltext
from warehouse.quality import known_findings
from warehouse.tables.results import TABLE as RESULTS
from warehouse.tables.table import PROVENANCE, Check, Column, Table

if TYPE_CHECKING:
    from warehouse.quality.expectations import Verdict

Level = Literal["rows", "table", "all"]

# Names of Great Expectations' own expectations; a check of such a name is run as that expectation.
NOT_NULL = "expect_column_values_to_not_be_null"
BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
UNIQUE = "expect_column_values_to_be_unique"
COMPOUND_UNIQUE = "expect_compound_columns_to_be_unique"
COLUMNS = "expect_table_columns_to_match_ordered_list"
ROW_COUNT = "expect_table_row_count_to_be_between"

PROVENANCE_GIVEN = "provenance_given"
FINITE = "figures_are_finite"
READABLE = "text_is_readable"
# Control characters, what replaces a lost one, UTF-8 that was read as Latin-1, and blanks that no eye sees around a name.
_BLANK = "\\s\u00a0\u200b\ufeff"
GARBLED = f"[\\x00-\\x08\\x0b-\\x1f\\x7f\u0080-\u009f\ufffd]|[\u00c2\u00c3][\u0080-\u00bf]|^[{_BLANK}]|[{_BLANK}]$"
KNOWN_BY_TODAY = "known_by_today"

ONE_OF_ITS_KIND = (UNIQUE, COMPOUND_UNIQUE, "identity_is_unique")
STAGING = "staging."
_OTHER = re.compile(r"\{core:(\w+)\}")
_PLACE = ("document_sha256", "locator", "citation")
ROWS_SHOWN = 5
FIELDS_SHOWN = 8
VALUE_SHOWN = 120  # characters
VALUE_KEPT = 1000


@dataclass(frozen=True)
class Target:
    """What to check: a declaration, the SQL relation that holds the rows, and which of the table's checks.

    `rows` are the checks of single rows, for rows that wait in staging; `table` are all others; `all` are both.
    `exempt` is a condition on a row `r` that is true where a person accepted the row: its checks do not apply to it.
    """

    table: Table
    relation: str
    level: Level
    exempt: str = ""

    @property
    def name(self) -> str:
        """How results and pages call it."""
        return f"staging.{self.table.name}" if self.level == "rows" else self.table.full_name

    @property
    def checks(self) -> list[Check]:
        wanted = [c for c in rules(self.table) if self.level in _levels(c)]
        return [self._without_exempt(check) for check in wanted]

    def _without_exempt(self, check: Check) -> Check:
        if self.exempt and check.quarantines:
            return replace(check, unexpected=f"({check.unexpected}) and not ({self.exempt})")
        if self.exempt and check.puts_aside:
            return replace(check, unexpected=f"select * from ({check.unexpected}) as r where not ({self.exempt})")
        return check


def _levels(check: Check) -> set[Level]:
    """Where a check is run: on rows that wait, on a loaded table, or on both."""
    alone: set[Level] = {"rows"} if check.quarantines else {"table"}
    return {"all", *alone, *({"rows"} if check.puts_aside else ())}


@dataclass(frozen=True)
class Finding:
    """What one check found in one target: how many rows, the first of them as fields and in words.

    `explained` are the rows of a warning that are known and true, each with its explanation; they are not counted.
    `error` says why the check could not run; `count` is then null.
    """

    target: Target
    check: Check
    count: int | None
    row_count: int | None
    rows: tuple[dict[str, Any], ...] = ()
    examples: tuple[str, ...] = ()
    explained: tuple[str, ...] = ()
    error: str | None = None
    message: str = ""

    @property
    def success(self) -> bool:
        return self.error is None and self.count == 0

    @property
    def outcome(self) -> Literal["passed", "put_aside", "critical", "warning", "broken"]:
        if self.error is not None:
            return "broken"
        if self.count == 0:
            return "passed"
        return "put_aside" if self.target.level == "rows" else self.check.severity


@dataclass(frozen=True)
class Report:
    """Everything the checks found; each list holds messages that name the document, the place, the field, the value."""

    findings: tuple[Finding, ...]
    results: pl.DataFrame

    @property
    def failed_critical(self) -> list[str]:
        """Why nothing may be published."""
        return self._messages("critical")

    @property
    def broken(self) -> list[str]:
        """Checks that could not run: nothing may be published either, but the data may be in order."""
        return self._messages("broken")

    @property
    def put_aside(self) -> list[str]:
        """Bad rows among those about to be loaded: the loading puts them aside, up to the table's limit."""
        return self._messages("put_aside")

    @property
    def warnings(self) -> list[str]:
        """What is published and shown."""
        return self._messages("warning")

    @property
    def explained(self) -> list[str]:
        """What the checks found and is known to be true, with its explanation; no warning."""
        return [f"{found.target.name}: {said}" for found in self.findings for said in found.explained]

    @property
    def publishable(self) -> bool:
        return not self.failed_critical and not self.broken

    def _messages(self, outcome: str) -> list[str]:
        return [finding.message for finding in self.findings if finding.outcome == outcome]


def rules(table: Table) -> list[Check]:
    """All checks of a table: those its declaration implies, then those it states."""
    return [*_of_rows(table), *_of_the_table(table), *table.checks]


def conditions(table: Table) -> list[Check]:
    """The checks of single rows: `unexpected` is a condition that is true where the row is bad."""
    return [check for check in rules(table) if check.quarantines]


def _of_rows(table: Table) -> list[Check]:
    implied: list[Check] = []
    own = [column for column in table.columns if column not in PROVENANCE]
    key = table.key if table.schema == "marts" else ()
    for column in table.columns:
        if column in own and (column.required or column.name in key):
            without = f"a row that lacks it cannot be used: {column.meaning}"
            implied.append(_row_check(NOT_NULL, f'"{column.name}" is null', without, column))
        if bounds := _bounds(column):
            outside = " or ".join(f'"{column.name}" {operator} {bound!r}' for operator, bound in bounds)
            beyond = f"it is another unit, another field or a misprint: {column.meaning}"
            implied.append(_row_check(BETWEEN, outside, beyond, column))
        if column.allowed:
            allowed = sqltext.literals(column.allowed)
            unknown = f"a row of an unknown kind falls out of every figure unseen: {column.meaning}"
            implied.append(_row_check(IN_SET, f'"{column.name}" not in ({allowed})', unknown, column))
    if reals := [column for column in table.columns if column.type == "real"]:
        implied.append(
            _row_check(
                FINITE,
                " or ".join(f'not isfinite("{column.name}")' for column in reals),
                "infinity and not-a-number pass every comparison and spoil every mean; an unknown figure is null",
                *reals,
            )
        )
    # A ticker is looked up in the panel, and a word of a list in the list.
    words = [c for c in own if c.type == "text" and not c.allowed and c.name != "ticker"]
    if table.schema == "core" and words:
        implied.append(
            _row_check(
                READABLE,
                " or ".join(map(_garbled, words)),
                "a name with a character that was garbled on the way is another name to every join and every count",
                *words,
            )
        )
    if table.schema == "core":
        implied.append(
            _row_check(
                PROVENANCE_GIVEN,
                " or ".join(_not_given(column) for column in PROVENANCE if column.required),
                "a fact without its source, document, place, grade or day can be neither traced nor dated",
                *PROVENANCE,
            )
        )
        implied.append(
            _row_check(
                KNOWN_BY_TODAY,
                '"known_on" > {today}',
                "a fact that becomes public in the future has its date wrong, and every later answer would look ahead",
                table.column("known_on"),
            )
        )
    return implied


def _not_given(column: Column, of: str = "") -> str:
    """A condition: the row does not say it, or says it with blanks."""
    given = f'{of}"{column.name}"'
    # What is before '!' is empty or begins with a blank: few rows are, and trimming each costs more than all other checks.
    blank = f" or ({given} < '!' and trim({given}) = '')" if column.type == "text" else ""
    return f"({given} is null{blank})"


def _garbled(column: Column, of: str = "") -> str:
    """A condition: the text holds what no one wrote there."""
    return f"regexp_matches({of}\"{column.name}\", '{GARBLED}')"


def _row_check(name: str, condition: str, protects: str, *columns: Column) -> Check:
    return Check(name, condition, protects, quarantines=True, columns=tuple(column.name for column in columns))


def _of_the_table(table: Table) -> list[Check]:
    identity = table.identity or table.key
    names = sqltext.identifiers(identity)
    # Great Expectations joins on equality, so a null in the identity would hide a duplicate.
    nullable = table.schema == "core" and any(not table.column(name).required for name in identity)
    unique = "identity_is_unique" if nullable else UNIQUE if len(identity) == 1 else COMPOUND_UNIQUE
    declared = ", ".join(f"({place}, {sqltext.literal(name)})" for place, name in enumerate(table.names, 1))
    implied = [
        Check(
            unique,
            f"select * from {{table}} qualify count(*) over (partition by {names}) > 1 order by {names}, loaded_at"
            if table.schema == "core"
            else f"select * from {{table}} qualify count(*) over (partition by {names}) > 1",
            "two rows that say they are the same one count twice in every sum and median",
            columns=identity,
        ),
        Check(
            COLUMNS,
            f"""select * from
                  (select row_number() over () as place, column_name from (describe select * from {{table}})) found
                  full join (values {declared}) declared (place, column_name) using (place, column_name)
                where found.column_name is null or declared.column_name is null""",
            "a warehouse of another version has other columns; rows would land under the wrong names",
        ),
    ]
    if table.schema == "core":
        implied += [
            Check(
                "document_in_archive",
                "select * from {table} t anti join provenance.documents d on d.sha256 = t.document_sha256",
                "a figure whose document is not in the archive cannot be traced, and the run cannot be repeated",
                columns=("document_sha256",),
            ),
            Check(
                ROW_COUNT,
                "select 'no rows' as found where not exists (select 1 from {table})",
                "an empty table leaves the figures that need it without an answer",
                severity="warning",
            ),
        ]
    return implied


def _bounds(column: Column) -> list[tuple[str, float]]:
    """Operator and bound of each side on which a value would be out of bounds."""
    sides = (("<", column.minimum), ("<=", column.above), (">", column.maximum))
    return [(operator, bound) for operator, bound in sides if bound is not None]


def rendered(check: Check, *, today: date, relation: str = "") -> str:
    """SQL of a check with its placeholders filled in; the row that a condition is about is called `r`."""
    sql = _OTHER.sub(r"core.\1", check.unexpected).replace("{table}", relation).replace("{row}", "r")
    return sql.replace("{today}", f"date '{today.isoformat()}'")


def rendered_beside(check: Check, *, today: date, relation: str, table: str) -> str:
    """SQL of a check that `puts_aside`: the bad ones among the rows that wait in `relation` to be loaded into `table`."""
    loaded = f"select * from core.{table} c anti join {relation} s using (document_sha256, locator)"
    every = f"({loaded} union all by name select * from {relation})"
    sql = _OTHER.sub(r"(select * from core.\1 union all by name select * from staging.\1)", check.unexpected)
    sql = sql.replace("{table}", every).replace("{today}", f"date '{today.isoformat()}'")
    return f"select * from ({sql}) semi join (select document_sha256, locator from {relation}) using (document_sha256, locator)"


def bad_rows(check: Check, *, today: date, relation: str) -> str:
    """A query that returns what a check finds in a relation, whichever kind of check it is."""
    if check.puts_aside and relation.startswith(STAGING):
        return rendered_beside(check, today=today, relation=relation, table=relation.removeprefix(STAGING))
    sql = rendered(check, today=today, relation=relation)
    return f"select r.* from {relation} as r where {sql}" if check.quarantines else sql


def reasons_sql(table: Table, today: date) -> str:
    """An SQL expression over row `r`: which checks of single rows it breaks, with field and value; '' where none."""
    cases = []
    for check in conditions(table):
        fields = ", ".join(["''", *(_field_sql(check, table.column(name)) for name in check.columns)])
        said = f"{sqltext.literal(label(check, table) + ': ')} || substr(concat_ws(', ', {fields}), 3)"
        broken = rendered(check, today=today)
        cases.append(f"case when ({broken}) then {said} || {sqltext.literal(f' ({check.protects})')} end")
    return f"concat_ws('; ', {', '.join(cases)})"


def aside(table: Table) -> list[Check]:
    """The checks that look at rows beside each other and put the bad ones of those that wait aside."""
    return [check for check in table.checks if check.puts_aside]


def reason_in_words(check: Check, table: Table, row: Mapping[str, Any]) -> str:
    """Why a row is put aside by a check that looks at rows beside each other, with its fields and values."""
    not_said = {*_PLACE, *table.key} - set(check.columns)
    fields = ", ".join(f"{name}={_said(_plain(value))}" for name, value in row.items() if name not in not_said)
    return f"{label(check, table)}: {fields} ({check.protects})"


def _field_sql(check: Check, column: Column) -> str:
    """An SQL expression: the field and its value; null for a field that is not among those at fault."""
    said = f"{sqltext.literal(column.name + '=')} || coalesce(cast(r.\"{column.name}\" as varchar), 'null')"
    at_fault = {
        PROVENANCE_GIVEN: _not_given(column, "r."),
        FINITE: f'not isfinite(r."{column.name}")',
        READABLE: _garbled(column, "r."),
    }.get(check.name)
    return f"case when {at_fault} then {said} end" if at_fault else said


def label(check: Check, table: Table) -> str:
    """A check in words: what it says of the field."""
    columns = ", ".join(check.columns)
    if check.name == NOT_NULL:
        return f"{columns} is missing"
    if check.name == BETWEEN:
        column = table.column(check.columns[0])
        limits = (("below", column.minimum), ("not above", column.above), ("above", column.maximum))
        return f"{columns} is {' or '.join(f'{word} {bound:g}' for word, bound in limits if bound is not None)}"
    if check.name == IN_SET:
        return f"{columns} is none of {', '.join(table.column(check.columns[0]).allowed)}"
    if check.name in (UNIQUE, COMPOUND_UNIQUE):
        return f"{columns} occurs more than once"
    if check.name == COLUMNS:
        return "columns are not those declared"
    if check.name == ROW_COUNT:
        return "is empty"
    return check.name


def validate(
    connection: duckdb.DuckDBPyConnection | str | Path,
    targets: Sequence[Target],
    *,
    run_id: str,
    checked_at: datetime,
    today: date,
    docs: Path | None = None,
    earlier: Sequence[Path] = (),
) -> Report:
    """Run every check of every target, in the given order.

    `connection` is used as it is (what it attached, its open transaction and its default schema are seen), or is the
    path of a DuckDB file. With `docs`, the run's Data Docs are written in that folder, or added to what the same run
    has there; `earlier` are folders of such pages, the latest of whose runs are taken along.

    Nothing raises for what the data are: a check that fails or breaks is in the report. Raises ValueError where two
    targets have the same name.
    """
    from warehouse.quality import expectations  # imports Great Expectations: only where checks run

    names = [target.name for target in targets]
    if len(set(names)) != len(names):
        raise ValueError(f"checked twice in one go: {', '.join(sorted({n for n in names if names.count(n) > 1}))}")
    opened = closing(duckdb.connect(str(connection))) if isinstance(connection, str | Path) else nullcontext(connection)
    with opened as con:
        verdicts = expectations.run(con, targets, today)
        names_of_documents = _document_names(con)
        findings = tuple(
            _finding(con, target, verdict, today, names_of_documents)
            for target, found in zip(targets, verdicts, strict=True)
            for verdict in found
        )
    if docs is not None:
        from warehouse.quality import data_docs

        data_docs.carry_over(earlier, docs)
        data_docs.write(docs, findings, run_id=run_id, checked_at=checked_at, today=today)
    return Report(findings, _results(findings, run_id, checked_at))


def _document_names(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Names of the archived documents by their hash; none where the database has no such table."""
    try:
        return dict(connection.execute("select sha256, name from provenance.documents").fetchall())
    except duckdb.Error:
        return {}


def _finding(
    connection: duckdb.DuckDBPyConnection, target: Target, verdict: Verdict, today: date, documents: Mapping[str, str]
) -> Finding:
    check, table = verdict.check, target.table
    where = f"{target.name}: {label(check, table)}"
    if verdict.error is not None:
        return Finding(
            target,
            check,
            None,
            verdict.row_count,
            error=verdict.error,
            message=f"{where}: this check could not run: {verdict.error}",
        )
    if verdict.success:
        return Finding(target, check, 0, verdict.row_count)
    found = _rows_found(connection, target, check, today, ROWS_SHOWN)
    rows = [_shown(row, target, check) for row in found]
    beside = _beside(found, table, documents) if check.name in ONE_OF_ITS_KIND else ""
    known = known_findings.of(target.table.full_name, check.name) if check.severity == "warning" else ()
    if known and target.level != "rows":
        verdict, rows, explained = _set_known_apart(connection, target, verdict, rows, known, today, documents)
        if not rows:
            return Finding(target, check, 0, verdict.row_count, explained=explained)
    else:
        explained = ()
    of = f" of {verdict.row_count}" if check.quarantines or check.name in (UNIQUE, COMPOUND_UNIQUE) else ""
    counted = f" ({verdict.count}{of} {'row' if verdict.count == 1 and not of else 'rows'})"
    examples = tuple(_in_words(row, target.table, check, documents) for row in rows)
    first = f"; first: {examples[0]}" if examples else ""
    return Finding(
        target,
        check,
        verdict.count,
        verdict.row_count,
        rows=tuple(rows),
        examples=examples,
        explained=explained,
        message=f"{where}{counted}{first}{beside}. {check.protects[:1].upper()}{check.protects[1:]}.",
    )


def _set_known_apart(
    connection: duckdb.DuckDBPyConnection,
    target: Target,
    verdict: Verdict,
    rows: list[dict[str, Any]],
    known: Sequence[known_findings.Known],
    today: date,
    documents: Mapping[str, str],
) -> tuple[Verdict, list[dict[str, Any]], tuple[str, ...]]:
    """A verdict without the rows that are known findings, the first of the others, and the known ones explained."""
    every = _rows_found(connection, target, verdict.check, today, known_findings.MOST)
    if not every or "error" in every[0]:
        return verdict, rows, ()
    new, explained = [], []
    for row in every:
        if found := next((one for one in known if one.matches(row)), None):
            said = _in_words(_shown(row, target, verdict.check), target.table, verdict.check, documents)
            explained.append(f"{label(verdict.check, target.table)}: {said}. Known: {found.explanation}")
        else:
            new.append(row)
    beyond = max((verdict.count or 0) - len(every), 0)
    first = [_shown(row, target, verdict.check) for row in new[:ROWS_SHOWN]]
    return replace(verdict, count=len(new) + beyond), first, tuple(explained)


def _beside(rows: Sequence[Mapping[str, Any]], table: Table, documents: Mapping[str, str]) -> str:
    """Of the first two rows with one identity: where the other stands, and in what it differs."""
    if len(rows) < 2 or any(rows[0].get(name) != rows[1].get(name) for name in table.identity or table.key):
        return ""
    one, other = rows[0], rows[1]
    own = [name for name in table.names if name not in {column.name for column in PROVENANCE}]
    differs = [f"{name} ({_said(_plain(other[name]))} there)" for name in own if one[name] != other[name]]
    document = documents.get(other.get("document_sha256", ""), "another document")
    where = f"{document}, {other.get('locator')}, of document {str(other.get('document_sha256'))[:12]}"
    return f"; beside {where}, which differs in {', '.join(differs[:FIELDS_SHOWN]) or 'nothing'}"


def _rows_found(
    connection: duckdb.DuckDBPyConnection, target: Target, check: Check, today: date, limit: int
) -> list[dict[str, Any]]:
    """Rows that a check found, as they are; why they cannot be had, where its query fails now."""
    bad = bad_rows(check, today=today, relation=target.relation)
    try:
        cursor = connection.execute(f"select * from ({bad}) limit {limit}")
        names = [entry[0] for entry in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    except duckdb.Error as error:  # the check itself ran; its count stands without examples
        return [{"error": _first_line(str(error))}]


def _shown(row: Mapping[str, Any], target: Target, check: Check) -> dict[str, Any]:
    """What a message shows of a row that a check found."""
    wanted = {*check.columns, *target.table.key, *_PLACE} if check.columns else row.keys()
    return {name: _plain(value) for name, value in row.items() if name in wanted or name not in target.table.names}


def _plain(value: Any) -> Any:
    """A value as JSON can hold it, and no longer than a history of years can hold."""
    if isinstance(value, str):
        return value if len(value) <= VALUE_KEPT else f"{value[:VALUE_KEPT]}..."
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)  # infinity and not-a-number are not JSON
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _in_words(row: dict[str, Any], table: Table, check: Check, documents: Mapping[str, str]) -> str:
    """A row in words: document, place in it, the fields that are wrong, and what the row is about."""
    sha256, locator = row.get("document_sha256"), row.get("locator")
    document = documents.get(sha256, f"document {sha256[:12]}") if sha256 else None
    wrong = [name for name in check.columns if name in row]
    if check.name == PROVENANCE_GIVEN:
        wrong = [name for name in wrong if not str(row[name] or "").strip()]
    elif check.name == FINITE:
        wrong = [name for name in wrong if isinstance(row[name], str)]
    elif check.name == READABLE:
        wrong = [name for name in wrong if re.search(GARBLED, str(row[name] or ""))]
    # A query also says what it found in columns of its own.
    declared = set(table.names) if wrong else set()
    said = [name for name in row if name not in {*wrong, *table.key, *_PLACE, *declared}]
    about = [name for name in table.key if name in row and name not in wrong]
    words = ", ".join(f"{name}={_said(row[name])}" for name in [*wrong, *said][:FIELDS_SHOWN])
    key = ", ".join(f"{name}={_said(row[name])}" for name in about)
    where = ", ".join(part for part in (document, locator) if part)
    return f"{where}: {words} ({key})".removeprefix(": ").replace(" ()", "")


def _said(value: Any) -> str:
    text = "null" if value is None else str(value)
    return text if len(text) <= VALUE_SHOWN else f"{text[:VALUE_SHOWN]}..."


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _results(findings: Sequence[Finding], run_id: str, checked_at: datetime) -> pl.DataFrame:
    """The findings as rows of `quality.results`."""
    return RESULTS.conform(
        pl.DataFrame(
            [
                {
                    "run_id": run_id,
                    "table_name": finding.target.name,
                    "expectation": finding.check.name,
                    "column_name": ", ".join(finding.check.columns),
                    # A check that could not run stops the run, whatever it would have said.
                    "severity": "critical" if finding.error is not None else finding.check.severity,
                    "success": finding.success,
                    "unexpected_count": finding.count,
                    "row_count": finding.row_count,
                    "checked_at": checked_at,
                    "details": json.dumps(_details(finding), ensure_ascii=False),
                }
                for finding in findings
            ],
            schema=RESULTS.polars_schema,
        )
    )


def _details(finding: Finding) -> dict[str, Any]:
    details: dict[str, Any] = {"protects": finding.check.protects}
    if not finding.success:
        details |= {"outcome": finding.outcome, "message": finding.message}
    if finding.explained:
        details["explained"] = list(finding.explained)
    if finding.rows:
        details["rows"] = list(finding.rows)
    if finding.error is not None:
        details["error"] = finding.error
    return details
