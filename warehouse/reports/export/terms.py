"""Which rows may be given to others.

A user may hold a key or a licence to collect data. That is no right to pass them on, and an export is made to be passed
on. So rows of a source whose terms forbid it are left out, whatever OVERBUILD_LICENSED_SOURCES says: the setting states
a licence to collect. Of Vast.ai and RunPod the terms forbid an index, too, so the marts of rental prices lose every row
that such an offer entered. Other figures computed from withheld rows stay: a return is no price.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from warehouse import sqltext
from warehouse.database.connection import Connection
from warehouse.marts import all_marts
from warehouse.marts.common.mart import Mart, Trace
from warehouse.sources import all_sources
from warehouse.sources.common.source import Source
from warehouse.tables import CORE
from warehouse.tables.gpu_prices import TABLE as GPU_PRICES
from warehouse.tables.gpu_prices import TERMS_FROM
from warehouse.tables.table import FACT_ID

INDICES = "warehouse.marts.gpu."
"""Where the marts are that are indices of rental prices."""


@dataclass(frozen=True)
class Withheld:
    """Row numbers that are left out, by full table name, and the sources whose terms say so."""

    rows: Mapping[str, set[int]] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()

    def count(self, table: str) -> int:
        return len(self.rows.get(table, ()))


def present(connection: Connection) -> list[Source]:
    """The sources that have rows or documents in a warehouse, by name."""
    unions = " UNION ".join(f"SELECT source FROM {table.full_name}" for table in CORE.values())
    names = {
        name for (name,) in connection.execute(f"{unions} UNION SELECT source FROM provenance.documents").fetchall()
    }
    return [source for source in all_sources() if source.name in names]


def withheld(connection: Connection) -> Withheld:
    """The rows that the terms of their source do not allow to be passed on, and the rows of indices that they entered."""
    closed = [source for source in present(connection) if not source.passed_on]
    rows: dict[str, set[int]] = {}
    names = sqltext.literals(source.name for source in closed) or "NULL"
    for table in CORE.values():
        condition = f"source IN ({names})"
        if table is GPU_PRICES:  # offers of such a provider that a catalogue of another host lists
            condition += f" OR (source_kind = 'live' AND ({_FORBIDDEN}))"
        found = connection.execute(f"SELECT rowid FROM {table.full_name} WHERE {condition}").fetchall()
        if found:
            rows[table.full_name] = {row for (row,) in found}
    licensed = {source.name for source in closed if source.licensed}
    forbidden = _index_forbidden(connection, licensed)
    if forbidden:
        _spread(connection, {GPU_PRICES.full_name: forbidden}, rows)
    return Withheld(rows, tuple(closed))


_FORBIDDEN = " OR ".join(
    f"(lower(provider) = {sqltext.literal(name)} AND observed_on >= DATE {sqltext.literal(day)})"
    for name, day in TERMS_FROM.items()
)


def _index_forbidden(connection: Connection, licensed: set[str]) -> set[int]:
    """Offers that no index may be made of, where the index is passed on."""
    names = sqltext.literals(sorted(licensed)) or "NULL"
    condition = f"source IN ({names}) OR (source_kind = 'live' AND ({_FORBIDDEN}))"
    found = connection.execute(f"SELECT rowid FROM {GPU_PRICES.full_name} WHERE {condition}").fetchall()
    return {row for (row,) in found}


def _spread(connection: Connection, reached: dict[str, set[int]], rows: dict[str, set[int]]) -> None:
    """Add the rows of indices whose traces lead to rows that are reached, until no more are found."""
    indices = [mart for mart in all_marts().values() if mart.build.__module__.startswith(INDICES)]
    grew = True
    while grew:
        grew = False
        for mart in indices:
            name = mart.table.full_name
            found = set().union(*(_resting(connection, mart, trace, reached) for trace in mart.traces))
            if not found <= reached.get(name, set()):
                reached.setdefault(name, set()).update(found)
                rows.setdefault(name, set()).update(found)
                grew = True


def _resting(connection: Connection, mart: Mart, trace: Trace, reached: Mapping[str, set[int]]) -> set[int]:
    """Rows of a mart whose trace leads to a row that is reached."""
    below = reached.get(trace.table)
    if not below:
        return set()
    rows = f"(SELECT *, rowid AS __row FROM {mart.table.full_name})"
    facts = f"(SELECT * FROM {trace.table} WHERE rowid IN (SELECT unnest(?)))"
    sql = f"SELECT DISTINCT m.__row FROM {rows} AS m, {facts} AS t WHERE "
    sql += f"list_contains(m.{sqltext.identifier(trace.ids)}, t.{FACT_ID})" if trace.ids else f"({trace.condition})"
    return {row for (row,) in connection.execute(sql, [sorted(below)]).fetchall()}
