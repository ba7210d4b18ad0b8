"""What must hold of every table, as SQL that is derived from the declarations alone (`warehouse.tables`).

A bound that is written beside a column and again in a check will one day disagree with itself. So a column that is
required, bounded or has a list of allowed values is checked for it. Every row must have an identity of its own, and a
table may add rules in SQL.

There are three kinds of checks. The check of a single row is a condition that is true where the row is bad. The check
of rows beside each other is a query that returns the bad ones. A figure a thousand times its neighbours is only seen
beside them. Both quarantine new rows. The check of a whole table is a query that returns what should not be there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from warehouse import sqltext
from warehouse.tables.table import PROVENANCE, Check, Column, Table

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
IDENTITY = "identity_is_unique"
IN_ARCHIVE = "document_in_archive"
KNOWN_BY_TODAY = "known_by_today"
ONE_OF_ITS_KIND = (UNIQUE, COMPOUND_UNIQUE, IDENTITY)

# Control characters, what replaces a lost one, UTF-8 that was read as Latin-1, and blanks that no eye sees around a name.
_BLANK = "\\s\u00a0\u200b\ufeff"
GARBLED = f"[\\x00-\\x08\\x0b-\\x1f\\x7f\u0080-\u009f\ufffd]|[\u00c2\u00c3][\u0080-\u00bf]|^[{_BLANK}]|[{_BLANK}]$"

STAGING = "staging."
PLACE_IN_STAGING = "place_in_staging"
"""Column that names a bad row among those that wait, as long as none of them is moved."""
_OTHER_TABLE = re.compile(r"\{core:(\w+)\}")


def rules(table: Table) -> list[Check]:
    """All checks of a table: those its declaration implies, then those it states."""
    return [*_of_rows(table), *_of_the_table(table), *table.checks]


def conditions(table: Table) -> list[Check]:
    """The checks of single rows: `unexpected` is a condition that is true where the row is bad."""
    return [check for check in rules(table) if check.quarantines]


def beside(table: Table) -> list[Check]:
    """The checks that look at rows beside each other and quarantine the bad ones of those that wait."""
    return [check for check in table.checks if check.quarantines_compared]


# -- what a declaration implies ---------------------------------------------------------------------------------------


def _of_rows(table: Table) -> list[Check]:
    own = [column for column in table.columns if column not in PROVENANCE]
    key = table.key if table.schema == "marts" else ()
    implied = [
        check
        for column in table.columns
        for check in _of_column(column, needed=column in own and (column.required or column.name in key))
    ]
    if reals := [column for column in table.columns if column.type == "real"]:
        implied.append(
            _row_check(
                FINITE,
                " or ".join(f'not isfinite("{column.name}")' for column in reals),
                "infinity and not-a-number pass every comparison and spoil every mean; an unknown figure is null",
                *reals,
            )
        )
    return [*implied, *_of_facts(table, own)] if table.schema == "core" else implied


def _of_column(column: Column, *, needed: bool) -> Iterator[Check]:
    if needed:
        without = f"a row that lacks it cannot be used: {column.meaning}"
        yield _row_check(NOT_NULL, f'"{column.name}" is null', without, column)
    if bounds := _bounds(column):
        outside = " or ".join(f'"{column.name}" {operator} {bound!r}' for operator, bound in bounds)
        beyond = f"it is another unit, another field or a misprint: {column.meaning}"
        yield _row_check(BETWEEN, outside, beyond, column)
    if column.allowed:
        allowed = sqltext.literals(column.allowed)
        unknown = f"a row of an unknown kind falls out of every figure unseen: {column.meaning}"
        yield _row_check(IN_SET, f'"{column.name}" not in ({allowed})', unknown, column)


def _of_facts(table: Table, own: list[Column]) -> Iterator[Check]:
    """What every row of `core` must say whatever it is about."""
    # A ticker is looked up in the panel, and a word of a list in the list.
    words = [c for c in own if c.type == "text" and not c.allowed and c.name != "ticker"]
    if words:
        yield _row_check(
            READABLE,
            " or ".join(_garbled(column) for column in words),
            "a name with a character that was garbled on the way is another name to every join and every count",
            *words,
        )
    yield _row_check(
        PROVENANCE_GIVEN,
        " or ".join(_not_given(column) for column in PROVENANCE if column.required),
        "a fact without its source, document, place, grade or day can be neither traced nor dated",
        *PROVENANCE,
    )
    yield _row_check(
        KNOWN_BY_TODAY,
        '"known_on" > {today}',
        "a fact that becomes public in the future has its date wrong, and every later answer would look ahead",
        table.column("known_on"),
    )


def _not_given(column: Column) -> str:
    """A condition: the row does not say it, or says it with blanks."""
    given = f'"{column.name}"'
    # What is before '!' is empty or begins with a blank: few rows are, and trimming each costs more than all other checks.
    blank = f" or ({given} < '!' and trim({given}) = '')" if column.type == "text" else ""
    return f"({given} is null{blank})"


def _garbled(column: Column) -> str:
    """A condition: the text holds what no one wrote there."""
    return f"regexp_matches(\"{column.name}\", '{GARBLED}')"


def _row_check(name: str, condition: str, protects: str, *columns: Column) -> Check:
    return Check(name, condition, protects, quarantines=True, columns=tuple(column.name for column in columns))


def _of_the_table(table: Table) -> list[Check]:
    identity = table.identity or table.key
    names = sqltext.identifiers(identity)
    # Great Expectations joins on equality, so a null in the identity would hide a duplicate.
    nullable = table.schema == "core" and any(not table.column(name).required for name in identity)
    unique = IDENTITY if nullable else UNIQUE if len(identity) == 1 else COMPOUND_UNIQUE
    order = f" order by {names}, loaded_at" if table.schema == "core" else ""
    declared = ", ".join(f"({place}, {sqltext.literal(name)})" for place, name in enumerate(table.names, 1))
    implied = [
        Check(
            unique,
            f"select * from {{table}} qualify count(*) over (partition by {names}) > 1{order}",
            "two rows that say they are the same one count twice in every sum and median",
            columns=identity,
        ),
        Check(
            COLUMNS,
            f"""select place, found.name as found, declared.name as declared from
                  (select row_number() over () as place, column_name as name from (describe select * from {{table}})) found
                  full join (values {declared}) declared (place, name) using (place)
                where found.name is distinct from declared.name order by place""",
            "a warehouse of another version has other columns; rows would land under the wrong names",
        ),
    ]
    if table.schema == "core":
        implied += [
            Check(
                IN_ARCHIVE,
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


# -- SQL with its placeholders filled in ------------------------------------------------------------------------------


def rendered(check: Check, *, today: date, relation: str = "") -> str:
    """SQL of a check on `relation`; the row that a condition is about is called `r`."""
    sql = _OTHER_TABLE.sub(r"core.\1", check.unexpected).replace("{table}", relation).replace("{row}", "r")
    return sql.replace("{today}", f"date '{today.isoformat()}'")


def rendered_beside(check: Check, *, today: date, relation: str, table: str) -> str:
    """SQL of a check of rows beside each other: the bad ones among those that wait in `relation` for core's `table`.

    They are looked at beside the rows that core holds already; a row that waits takes the place of its earlier reading.
    """
    loaded = f"select * from core.{table} c anti join {relation} s using (document_sha256, locator)"
    every = f"({loaded} union all by name select * from {relation})"
    sql = _OTHER_TABLE.sub(r"(select * from core.\1 union all by name select * from staging.\1)", check.unexpected)
    sql = sql.replace("{table}", every).replace("{today}", f"date '{today.isoformat()}'")
    return f"select * from ({sql}) semi join (select document_sha256, locator from {relation}) using (document_sha256, locator)"


def bad_rows(check: Check, *, today: date, relation: str) -> str:
    """A query that returns what a check finds in a relation, whichever kind of check it is."""
    if check.quarantines_compared and relation.startswith(STAGING):
        return rendered_beside(check, today=today, relation=relation, table=relation.removeprefix(STAGING))
    sql = rendered(check, today=today, relation=relation)
    return f"select r.* from {relation} as r where {sql}" if check.quarantines else sql
