"""What pages are made of, so that a run can tell which of them would come out the same.

Most runs change few tables. A page that read none of those need not be read, computed and drawn again to find that out.
So the connection that pages read through notes each table that a query names. The next run holds a fingerprint of
those tables against the last one's. A table too many costs a reading; one too few would publish an old figure. So a
name counts wherever it stands in a query, in a comment or as a column, too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

from warehouse import sqltext
from warehouse.database.connection import Connection

PACKAGE = Path(__file__).parents[2]
LIBRARIES = ("altair", "vl-convert-python", "great-tables", "jinja2", "polars", "duckdb")
_NAME = re.compile(r"(?:(\w+)\s*\.\s*)?(\w+)")


class Watched:
    """A connection that notes what is read through it: `noted` holds tables, and whatever else a reader says it asked."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.noted: set[str] = set()
        self._in: dict[str, frozenset[str]] = {}

    def execute(self, query: str, parameters: Any = None) -> Connection:
        if query not in self._in:
            self._in[query] = frozenset(self._named_in(query))
        self.noted |= self._in[query]
        return self.connection.execute(query, parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def _named_in(self, query: str) -> Iterable[str]:
        for schema, name in _NAME.findall(query.replace('"', "").lower()):
            for full in (f"{schema or 'main'}.{name}", f"main.{name}"):
                if full in self._held:
                    yield full

    @cached_property
    def _held(self) -> set[str]:
        return tables_of(self.connection)


class Fingerprints:
    """What stands in each table: the number of its rows and the sum of their hashes, in whatever order they lie."""

    def __init__(self, connection: Connection, known: Mapping[str, str] = MappingProxyType({})) -> None:
        self.connection = connection
        self._known = dict(known)
        self._held = tables_of(connection)

    def of(self, name: str) -> str:
        """The fingerprint of a table or view; empty where there is none of that name."""
        if name not in self._known:
            schema, _, table = name.partition(".")
            query = f"SELECT count(*), sum(hash(t)::HUGEINT) FROM {sqltext.identifier(table, schema)} AS t"
            said = self.connection.execute(query).fetchone() if name in self._held else ("",)
            self._known[name] = " ".join(map(str, said or ()))
        return self._known[name]

    def of_all(self, names: Iterable[str]) -> dict[str, str]:
        return {name: self.of(name) for name in sorted(names)}


def tables_of(connection: Connection) -> set[str]:
    """Every table and view, by schema and name."""
    rows = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database() UNION "
        "SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = current_database() AND NOT internal"
    ).fetchall()
    return {f"{schema}.{name}".lower() for schema, name in rows}


@cache
def program() -> str:
    """A hash of the program, its templates and its libraries: what they make changes with them.

    The whole package counts, as pages say what tables and formulas declare far from here.
    """
    found = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*")):
        if path.suffix in (".py", ".j2", ".css", ".js", ".toml", ".md"):
            found.update(path.relative_to(PACKAGE).as_posix().encode() + path.read_bytes())
    for library in LIBRARIES:
        found.update(f"{library} {version(library)}".encode())
    return found.hexdigest()
