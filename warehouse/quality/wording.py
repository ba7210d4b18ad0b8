"""Everything that is said of a check, in one place: what it says of a field, of a row, of a table.

Nobody reads these sentences but people. Whether a row was quarantined, which decision applies to it and whether a check
held before are asked of codes and fields. A sentence that is put another way changes none of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from warehouse.quality import checks, findings
from warehouse.quality.findings import PLACE, Explained, Target, at_fault, plain
from warehouse.sources.common import wording as of_sources
from warehouse.sources.common.reasons import Reason
from warehouse.tables.table import PROVENANCE, Check, Table

FIELDS_SHOWN = 8
VALUE_SHOWN = 120  # characters


def label(check: Check, table: Table) -> str:
    """A check in words: what it says of the field."""
    columns = ", ".join(check.columns)
    match check.name:
        case checks.NOT_NULL:
            return f"{columns} is missing"
        case checks.BETWEEN:
            column = table.column(check.columns[0])
            limits = (("below", column.minimum), ("not above", column.above), ("above", column.maximum))
            return f"{columns} is {' or '.join(f'{word} {bound:g}' for word, bound in limits if bound is not None)}"
        case checks.IN_SET:
            return f"{columns} is none of {', '.join(table.column(check.columns[0]).allowed)}"
        case checks.UNIQUE | checks.COMPOUND_UNIQUE:
            return f"{columns} occurs more than once"
        case checks.COLUMNS:
            return "columns are not those declared"
        case checks.ROW_COUNT:
            return "is empty"
        case name:
            return name


# -- rows -------------------------------------------------------------------------------------------------------------


def row_found(row: Mapping[str, Any], table: Table, check: Check, documents: Mapping[str, str]) -> str:
    """A row that a check found: document, place in it, the fields that are wrong, and what the row is about."""
    wrong = at_fault(check, row)
    # A query also says what it found in columns of its own.
    declared = set(table.names) if wrong else set()
    own = [name for name in row if name not in {*wrong, *table.key, *PLACE, *declared}]
    about = fields({name: row[name] for name in table.key if name in row and name not in wrong})
    words = fields({name: row[name] for name in [*wrong, *own][:FIELDS_SHOWN]})
    sha256 = row.get("document_sha256")
    where = place(documents.get(sha256, f"document {sha256[:12]}") if sha256 else None, row.get("locator"))
    found = " ".join(part for part in (words, f"({about})" if about else "") if part)
    return f"{where}: {found}" if where else found


def place(document: str | None, locator: str | None) -> str:
    """A document and a place in it."""
    return ", ".join(part for part in (document, locator) if part)


def fields(values: Mapping[str, Any]) -> str:
    """Fields with their values."""
    return ", ".join(f"{name}={_value(value)}" for name, value in values.items())


def _value(value: Any) -> str:
    text = "null" if value is None else str(value)
    return text if len(text) <= VALUE_SHOWN else f"{text[:VALUE_SHOWN]}..."


def beside(rows: Sequence[Mapping[str, Any]], table: Table, documents: Mapping[str, str]) -> str:
    """Of the first two rows with one identity: where the other stands, and in what it differs."""
    if len(rows) < 2 or any(rows[0].get(name) != rows[1].get(name) for name in table.identity or table.key):
        return ""
    one, other = rows[0], rows[1]
    own = [name for name in table.names if name not in {column.name for column in PROVENANCE}]
    differs = [f"{name} ({_value(plain(other[name]))} there)" for name in own if one[name] != other[name]]
    where = place(documents.get(other.get("document_sha256", ""), "another document"), other.get("locator"))
    where += f", of document {str(other.get('document_sha256'))[:12]}"
    return f"; beside {where}, which differs in {', '.join(differs[:FIELDS_SHOWN]) or 'nothing'}"


# -- findings ---------------------------------------------------------------------------------------------------------


def failed(
    target: Target, check: Check, count: int | None, row_count: int | None, examples: Sequence[str], beside: str
) -> str:
    """A check that did not hold."""
    of = f" of {row_count}" if check.quarantines or check.name in (checks.UNIQUE, checks.COMPOUND_UNIQUE) else ""
    rows = "row" if count == 1 and not of else "rows"
    first = f"; first: {examples[0]}" if examples else ""
    return f"{label(check, target.table)} ({count}{of} {rows}){first}{beside}. {sentence(check.protects)}"


def broken(target: Target, check: Check, error: str) -> str:
    """A check that could not run."""
    return f"{label(check, target.table)}: this check could not run: {error}"


def explained(one: Explained) -> str:
    """A row that is known to be right, with the reason."""
    return f"{one.found}. Known: {one.explanation}"


def sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


# -- reasons for quarantine -------------------------------------------------------------------------------------------


def quarantined(table: Table, reasons: Sequence[Reason], document: str, locator: str) -> str:
    """Why a row was not loaded: where it stands, then each reason."""
    return f"{place(document, locator)}: {'; '.join(_reason(table, reason) for reason in reasons)}"


def _reason(table: Table, reason: Reason) -> str:
    if reason.code in of_sources.ROWS:
        return of_sources.sentence(reason)
    if reason.code == findings.CONTRADICTS:
        return "says otherwise than an earlier row of the same source about the same thing on the same day"
    check = _check_of(table, reason)
    return f"{label(check, table)}: {fields(reason.fields)} ({check.protects})"


def _check_of(table: Table, reason: Reason) -> Check:
    """The check that a reason names; of those that every column has, the one of the column that is blamed."""
    named = [check for check in checks.rules(table) if check.name == reason.code]
    return next((check for check in named if set(reason.fields) & set(check.columns)), named[0])
