"""A page of the site, and what it reads the warehouse with.

Pages lie in `pages/`, one file each, and `discover.py` finds them there; nothing lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, cast

import polars as pl

from warehouse import sqltext
from warehouse.database.connection import Connection
from warehouse.quality import promises
from warehouse.reports.addresses import key_columns
from warehouse.reports.lineage import named
from warehouse.reports.site.blocks import Block, Figure
from warehouse.reports.site.inputs import Watched, tables_of

RUN, AS_OF, PROMISES = "the run", "the day of the answer", "how promises stand"
"""What pages ask of the run itself; every run adds a row to its tables, and most pages show none of it."""


@dataclass(frozen=True)
class Page:
    """Where a page is, what it is called and its place in the navigation.

    `path` is from the root of the site. `title` is the heading, `label` the short name in the navigation, `about` one line
    for the list of contents. Pages with a `place` stand in the navigation, in its order; others are reached by links.
    `runs_wasm` allows a page WebAssembly and a worker of its own, which no other may have.
    """

    path: str
    title: str
    about: str
    label: str = ""
    place: int | None = None
    runs_wasm: bool = False

    @property
    def name(self) -> str:
        return self.label or self.title

    @property
    def stem(self) -> str:
        """The name of its files in `data/`."""
        return self.path.removesuffix(".html").replace("/", "-")

    @property
    def root(self) -> str:
        """The way from the page to the root of the site: `../` for a page in a folder."""
        return "../" * self.path.count("/")


Content = Sequence[Block]
Family = Iterable[tuple[Page, Content]]


class Reader:
    """The published warehouse for pages: queries, and the value of a figure. What is read is noted (`inputs`)."""

    def __init__(self, connection: Connection, *, dated: bool = False, sql_page: bool = False) -> None:
        self.watched = Watched(connection)
        self.connection = cast(Connection, self.watched)
        self.dated = dated
        self.sql_page = sql_page
        self._rows: dict[tuple[str, str], dict[str, Any]] = {}

    @cached_property
    def _run(self) -> dict[str, Any]:
        names = ("run_id", "as_of", "outcome", "started_at", "source")
        query = f"SELECT {', '.join(names)} FROM provenance.runs ORDER BY started_at DESC LIMIT 1"
        row = self.watched.connection.execute(query).fetchone()
        return dict(zip(names, row or [None] * len(names), strict=True))

    @property
    def run(self) -> dict[str, Any]:
        """The run that made it: `run_id`, `as_of`, `outcome`, `started_at`, `source`."""
        self.watched.noted.add(RUN)
        return self._run

    @property
    def as_of(self) -> date:
        self.watched.noted.add(AS_OF)
        return self._run["as_of"] or date.min

    @property
    def started_at(self) -> datetime:
        """When the run began that made it."""
        return self._run["started_at"] or datetime.min.replace(tzinfo=UTC)

    @cached_property
    def _promises(self) -> list[dict[str, Any]]:
        held = "provenance.promises" in tables_of(self.watched.connection)
        return promises.kept(self.watched.connection) if held and not self.dated else []

    @property
    def promises(self) -> list[dict[str, Any]]:
        """How each table keeps its promise (`promises.kept`); none of an answer of an earlier day."""
        self.watched.noted.add(PROMISES)
        return self._promises

    def beside_tables(self) -> dict[str, str]:
        """What a page may ask that no table says, in the place of a fingerprint."""
        columns = ("table_name", "state", "age", "at_most", "unit", "measured_of", "owner")
        standing = [[row[column] for column in columns] for row in self._promises]
        return {RUN: repr(sorted(self._run.items())), AS_OF: str(self._run["as_of"]), PROMISES: repr(standing)}

    def rows(self, query: str, *parameters: Any) -> pl.DataFrame:
        """The rows of a query."""
        return self.connection.execute(query, list(parameters)).pl()

    def one(self, query: str, *parameters: Any) -> dict[str, Any]:
        """The first row of a query by column; empty where there is none, so that `.get` gives None."""
        found = self.connection.execute(query, list(parameters))
        row = found.fetchone()
        return dict(zip((name for name, *_ in found.description), row, strict=True)) if row else {}

    def row(self, table: str, key: dict[str, Any]) -> dict[str, Any]:
        """The row of a table that a key names; empty where there is none. Raises ValueError where a key is not whole."""
        declared = named(table)
        names = key_columns(declared)
        missing = [name for name in names if name not in key]
        if missing:
            raise ValueError(f"a row of {declared.full_name} is named by {', '.join(names)}; {missing} is missing")
        self.watched.noted.add(declared.full_name)
        at = (declared.full_name, repr([key[name] for name in names]))
        if at not in self._rows:
            where = " AND ".join(f"{sqltext.identifier(name)} IS NOT DISTINCT FROM ?" for name in names)
            query = f"SELECT * FROM {declared.full_name} WHERE {where} LIMIT 1"
            self._rows[at] = self.one(query, *(key[name] for name in names))
        return self._rows[at]

    def value(self, figure: Figure) -> Any:
        """What the warehouse holds for a figure; None where it is null or has no row."""
        if figure.column not in named(figure.table).names:
            raise ValueError(f"{figure.table} has no column {figure.column}")
        return self.row(figure.table, dict(figure.key)).get(figure.column)
