"""What people decided about quarantined rows, kept beside the warehouse and respected by every later run.

A check can be wrong about a row: a stock did fall by half that day. So a person may accept a row, and the next run
loads it, or dismiss it, and nobody is notified of it again. The published warehouse is only ever replaced whole, so a
decision cannot be written into it. It is a line in a file of its own that each run reads and takes into
`quality.decisions`, and it carries the row with it. So it stands when the warehouse is rebuilt from the archive, and
when the run that follows it is refused.

Accepting a row says that a check is wrong about it. No one can say so of a value that is missing, cannot be read, is of
an unknown kind or has no source. There is nothing that could be loaded. Such rows are corrected in the document, or
dismissed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb
import polars as pl

from warehouse import files, records, sqltext
from warehouse.database import fact_ids
from warehouse.errors import UsageError
from warehouse.paths import Paths
from warehouse.quality import checks, wording
from warehouse.quality.findings import CONTRADICTS
from warehouse.sources import all_sources
from warehouse.tables import CORE
from warehouse.tables.decisions import KINDS, TABLE
from warehouse.tables.table import FACT_ID, SOURCE_KIND, Table

FILE = "decisions.jsonl"
_EARLIER_NAME = TABLE.column("quarantined_for").was
ACCEPTED, DISMISSED, WITHDRAWN = "accepted", "dismissed", "withdrawn"
BEYOND_DECISION = (checks.NOT_NULL, checks.IN_SET, checks.FINITE, checks.PROVENANCE_GIVEN, checks.KNOWN_BY_TODAY)
"""Checks of single rows that no decision overrules."""


@dataclass(frozen=True)
class Decision:
    """One decision: a row of `quality.decisions`. `reason_code` is '' in decisions of earlier versions."""

    row_id: str
    decided_at: datetime
    table_name: str
    decision: str
    decided_by: str
    reason: str
    quarantined_for: str
    row: str
    document_sha256: str
    locator: str
    reason_code: str = ""


# -- the file ---------------------------------------------------------------------------------------------------------


def read(paths: Paths) -> list[Decision]:
    """Every decision that was ever made in this home, in order. A line that a crash cut short is no decision."""
    try:
        text = (paths.root / FILE).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return [decision for line in text.split("\n") if (decision := of_line(line)) is not None]


def of_line(line: str | bytes) -> Decision | None:
    """The decision of a line; None where it holds none. An accepted row must be one of its table: the next run loads it."""
    given = records.parsed(line) or {}
    found = records.record(Decision, {"quarantined_for": given.get(_EARLIER_NAME), **given})
    if found is None or found.decision not in KINDS:
        return None
    try:
        table = CORE.get(found.table_name.removeprefix("core."))
        as_rows([found.row], table) if found.decision == ACCEPTED and table else json.loads(found.row)
    except (pl.exceptions.PolarsError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    return found


def unreadable(paths: Paths) -> list[int]:
    """Numbers of the lines that hold no decision; the last of a file may be cut short by a crash, and is none."""
    try:
        lines = (paths.root / FILE).read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    return [number for number, line in enumerate(lines[:-1], 1) if line.strip() and of_line(line) is None]


def not_read(path: Path, line: int) -> str:
    """That a line of the file decides nothing, and what to do."""
    return f"{path}: line {line} cannot be read, so it decides nothing. Correct or remove it."


def keep(paths: Paths, decision: Decision) -> None:
    """Add a decision to the file. Raises UsageError where the row was decided already, or there is none to withdraw."""
    path = paths.root / FILE
    with files.locked(path):
        before = in_force(read(paths)).get(decision.row_id)
        if decision.decision == WITHDRAWN and before is None:
            raise UsageError(f"{decision.row_id}: nothing was decided about this row; there is nothing to withdraw.")
        if decision.decision != WITHDRAWN and before is not None:
            said = stands(before.row_id, before.decision, before.decided_at, before.decided_by, before.reason)
            raise UsageError(f"{decision.row_id}: {said}.")
        written = asdict(decision) | {"decided_at": decision.decided_at.isoformat()}
        files.append(path, json.dumps(written, ensure_ascii=False))


def stands(row_id: str, decision: str, decided_at: datetime, by: str, reason: str) -> str:
    """That a row was decided about already, and how to decide anew."""
    return (
        f"this row was {decision} on {decided_at:%Y-%m-%d %H:%M} UTC by {by}: {reason!r}. To decide anew, first: "
        f'overbuild quality withdraw {row_id} --reason "..."'
    )


# -- what they say ----------------------------------------------------------------------------------------------------


def in_force(decisions: Iterable[Decision]) -> dict[str, Decision]:
    """The decision about each row that stands; a row whose decision was withdrawn waits again and is not here."""
    last = {decision.row_id: decision for decision in decisions}
    return {row: decision for row, decision in last.items() if decision.decision != WITHDRAWN}


def accepted(decisions: Iterable[Decision], table: Table) -> list[Decision]:
    """The decisions in force by which rows of a table are to be loaded."""
    return [d for d in in_force(decisions).values() if d.decision == ACCEPTED and d.table_name == table.full_name]


def as_rows(kept: Sequence[str], table: Table) -> pl.DataFrame:
    """Rows that were kept as JSON as rows of their table, with exactly its types.

    A row that an earlier version kept does not say of which kind its source is.
    """
    kinds = {source.name: source.kind for source in all_sources()}
    said = ({SOURCE_KIND.name: kinds.get(str(row.get("source"))), **row} for row in map(json.loads, kept))
    fields = [{name: row.get(name) for name in table.names} for row in said]
    text = pl.DataFrame(fields, schema=dict.fromkeys(table.names, pl.String))
    return table.conform(text.with_columns(_from_text(c.name, c.type) for c in table.columns))


def _from_text(name: str, kind: str) -> pl.Expr:
    text = pl.col(name)
    match kind:
        case "time":
            return text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f%#z", time_unit="us", time_zone="UTC")
        case "date":
            return text.str.to_date("%Y-%m-%d")
        case "flag":
            return text.replace_strict({"true": True, "false": False}, return_dtype=pl.Boolean)
        case "integer":
            return text.cast(pl.Int64)
        case "real":
            return text.cast(pl.Float64)
        case _:
            return text


def exempt(decisions: Iterable[Decision], table: Table) -> str:
    """An SQL condition on row `r` that is true for accepted rows; '' where there are none."""
    places = sorted({(d.document_sha256, d.locator) for d in accepted(decisions, table)})
    listed = ", ".join(f"({sqltext.literals(place)})" for place in places)
    return f'(r."document_sha256", r."locator") in ({listed})' if listed else ""


def why_not_acceptable(table_name: str, row: str, reason_code: str | None, today: date) -> str:
    """Why a row cannot be accepted whoever wants it; '' where it can."""
    table = CORE.get(table_name.removeprefix("core."))
    kept = json.loads(row)
    if table is None or not isinstance(kept, dict) or not set(table.names) - {FACT_ID, SOURCE_KIND.name} <= set(kept):
        return "it could not be read as a row of its table, so there is nothing to load"
    if reason_code == CONTRADICTS:
        return "another row of the same source about the same thing and day is loaded, and only one of them can stand"
    try:
        frame = as_rows([row], table)
    except (pl.exceptions.PolarsError, ValueError) as error:
        return f"it could not be read as a row of its table ({str(error).splitlines()[0]})"
    with duckdb.connect() as connection:
        connection.register("kept", frame.to_arrow())
        # A row that an earlier version kept has no name yet.
        named = f"{fact_ids.expression(table)} as {FACT_ID}"
        connection.execute(f"create view r as select * replace ({named}) from kept")
        for check in checks.conditions(table):
            if check.name not in BEYOND_DECISION:
                continue
            condition = checks.rendered(check, today=today)
            if connection.execute(f"select count(*) from r where {condition}").fetchone() != (0,):
                return f"{wording.label(check, table)}, and no decision can overrule that: {check.protects}"
    return ""


def standing(
    table: Table, frame: pl.DataFrame, connection: duckdb.DuckDBPyConnection, *, staged: bool = False
) -> pl.DataFrame:
    """The rows of core (with `staged` also those that wait to be loaded) that have the identity of one of these rows."""
    identity = sqltext.identifiers(table.identity)
    same = " and ".join(f'held."{name}" is not distinct from given."{name}"' for name in table.identity)
    asked = f"{identity}, document_sha256, locator"
    every = f"select {asked} from {table.full_name}"
    if staged:
        every += f" union all select {asked} from staging.{table.name}"
    cursor = connection.cursor()
    database = connection.execute("select current_database()").fetchone()
    assert database is not None
    cursor.execute(f'use "{database[0]}"')
    cursor.register("given", frame.select(table.identity).to_arrow())
    found = cursor.execute(
        f"select distinct {asked} from ({every}) held where exists (select 1 from given where {same})"
    ).pl()
    cursor.unregister("given")
    return found
