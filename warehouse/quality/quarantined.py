"""A quarantined row as data: what it said, where it stands, and why it was not loaded.

Why is a list of reasons, each a code with its fields. The code is a check's name with the values that it blames, or
what kept the row from being read. What is asked of a quarantined row later (may it be accepted, was it decided about)
is asked of these. The sentence that people read is put together from them in `wording`, last.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import polars as pl

from warehouse.marts import QUARANTINED
from warehouse.quality import findings, wording
from warehouse.sources.common import reasons as of_sources
from warehouse.sources.common.reasons import Reason
from warehouse.tables.quarantine import TABLE
from warehouse.tables.table import Check, Table

ID_CHARACTERS = 12


def row_id(table: str, document_sha256: str, locator: str, identity: str) -> str:
    """A short name of a quarantined row: the same whenever the same document is read again."""
    said = "\0".join((table, document_sha256, locator, identity))
    return hashlib.sha256(said.encode()).hexdigest()[:ID_CHARACTERS]


# -- reasons ----------------------------------------------------------------------------------------------------------


def of_a_row(check: Check, row: Mapping[str, Any]) -> Reason:
    """Why a check of single rows quarantines a row: the values that it blames."""
    return Reason(check.name, {name: findings.plain(row[name]) for name in findings.at_fault(check, row)})


def beside_others(check: Check, table: Table, row: Mapping[str, Any]) -> Reason:
    """Why a check of rows beside each other quarantines a row: what its query found."""
    known = {*findings.PLACE, *table.key} - set(check.columns)
    return Reason(check.name, {name: findings.plain(value) for name, value in row.items() if name not in known})


# -- as the marts are given them ---------------------------------------------------------------------------------------


class Database(Protocol):
    """What answers a query of a warehouse: a store, or a connection to a published one."""

    def execute(self, sql: str, /) -> Any: ...


def for_marts(database: Database) -> pl.DataFrame:
    """The quarantined rows of filings and of evidence, as `marts.QUARANTINED`: which figures would be known without their checks.

    A row of evidence that a person dismissed is no figure. One whose day of publication cannot be read was public on the
    day that it is about, at the earliest.
    """
    columns = {
        name: f"try_cast(q.row ->> '{name}' AS {'DATE' if kind == pl.Date else 'VARCHAR'})"
        for name, kind in QUARANTINED.items()
        if name != "reason_code"
    }
    columns["known_on"] = f"coalesce({columns['known_on']}, {columns['as_of_date']})"
    chosen = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    query = (
        f"SELECT DISTINCT {chosen}, q.reason_code FROM quality.quarantine q LEFT JOIN "
        "(SELECT row_id, arg_max(decision, decided_at) AS decision FROM quality.decisions GROUP BY row_id) d USING (row_id) "
        "WHERE q.table_name = 'core.company_facts' "
        "OR q.table_name = 'core.evidence' AND d.decision IS DISTINCT FROM 'dismissed'"
    )
    return database.execute(query).pl().select(QUARANTINED.names()).cast(dict(QUARANTINED))


# -- rows of quality.quarantine -----------------------------------------------------------------------------------------


def rows(
    table: Table, bad: pl.DataFrame, reasons: Sequence[Sequence[Reason]], *, run_id: str, documents: Mapping[str, str]
) -> pl.DataFrame:
    """Rows of a table that are bad, each with its reasons, as rows of `quality.quarantine`."""
    identity = pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in table.identity], separator=" | ")
    return _quarantine(
        table,
        run_id=run_id,
        documents=documents,
        reasons=reasons,
        identities=bad.select(identity).to_series().to_list(),
        rows=bad.select(pl.struct(pl.col(table.names).cast(pl.String)).struct.json_encode()).to_series().to_list(),
        places=bad.select("document_sha256", "locator").rows(),
    )


def unreadable(
    table: Table, bad: pl.DataFrame, *, run_id: str, document_sha256: str, document_name: str
) -> pl.DataFrame:
    """Rows that could not be read (`UNREADABLE_SCHEMA`) as rows of `quality.quarantine`."""
    return _quarantine(
        table,
        run_id=run_id,
        documents={document_sha256: document_name},
        reasons=[list(map(of_sources.read, said)) for said in bad["reasons"]],
        identities=bad["row"].to_list(),
        rows=bad["row"].to_list(),
        places=[(document_sha256, locator) for locator in bad["locator"]],
    )


def _quarantine(
    table: Table,
    *,
    run_id: str,
    documents: Mapping[str, str],
    reasons: Sequence[Sequence[Reason]],
    identities: Sequence[str | None],
    rows: Sequence[str],
    places: Sequence[tuple[str | None, str | None]],
) -> pl.DataFrame:
    made = []
    for of_row, identity, row, (sha256, locator) in zip(reasons, identities, rows, places, strict=True):
        document = documents.get(sha256 or "", sha256 or "")
        made.append(
            {
                "run_id": run_id,
                "table_name": table.full_name,
                "row_id": row_id(table.full_name, sha256 or "", locator or "", identity or ""),
                "reason_code": of_row[0].code,
                "reasons": [reason.as_json() for reason in of_row],
                "reason": wording.quarantined(table, of_row, document, locator or ""),
                "row": row,
                "document_name": document,
                "document_sha256": sha256 or "",
                "locator": locator or "",
            }
        )
    return TABLE.conform(pl.DataFrame(made, schema=TABLE.polars_schema))
