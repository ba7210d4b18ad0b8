"""Where the page of a figure is: the file of a row, and the anchor of a column in it.

Every figure of the report links to a page of its own, and those pages are written by other code than the links. So both
ask here, and neither has to look at what is on disk. A key may hold any text: a company's name, a slash, a right-to-left
script, a name that Windows keeps for itself. A file's name may not. So its first part is what people can read of the
key in plain letters. Its last part is a digest of the whole key. That tells rows apart where letters differ in case
alone or were left out.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from warehouse.reports.lineage import named
from warehouse.tables.table import FACT_ID, Table

FOLDER = "figures"
READABLE = 60  # characters of a key that stand in a file's name; a path has to stay short on every system
DIGEST = 16  # hexadecimal digits: 64 bits tell billions of rows of a table apart
_UNSAFE = re.compile(r"[^A-Za-z0-9.]+")


def key_columns(table: Table) -> tuple[str, ...]:
    """The columns that name one row: a mart's key, and the `fact_id` of a fact, as several facts may share a key."""
    return (FACT_ID,) if table.schema == "core" else table.key


def file_name(table: str | Table, key: Mapping[str, Any]) -> str:
    """The name of a row's page without its folder: `MSFT-2025-06-30-0f3a....html`.

    `key` may hold more than the key columns. Raises ValueError where it lacks one of them.
    """
    declared = _declared(table)
    missing = [name for name in key_columns(declared) if name not in key]
    if missing:
        raise ValueError(f"a row of {declared.full_name} is named by {', '.join(missing)}, which the key lacks")
    kinds = tuple(declared.column(name).type for name in key_columns(declared))
    return _file_of(
        kinds, tuple(_canonical(kind, key[n]) for kind, n in zip(kinds, key_columns(declared), strict=True))
    )


@lru_cache(maxsize=65_536)
def _file_of(_kinds: tuple[str, ...], values: tuple[str | int | float | bool | None, ...]) -> str:
    """The file of some values; of which kinds they are tells 1 from true."""
    said = "-".join(_UNSAFE.sub("-", "" if value is None else str(value)) for value in values)
    said = re.sub(r"-{2,}|\.{2,}", "-", said)[:READABLE].strip("-.")
    digest = hashlib.sha256(json.dumps(values).encode("ascii")).hexdigest()[:DIGEST]
    return f"{said}-{digest}.html" if said else f"{digest}.html"


def href(table: str | Table, key: Mapping[str, Any], column: str = "", *, base: str = "") -> str:
    """The address of a figure from a page at the root of the site: `figures/capex_quarterly/NAME.html#capex_usd`.

    `table` is `marts.NAME`, `core.NAME`, a name alone or the declaration. `base` leads from the linking page to the root
    (`../` from a folder). Without `column` the address is that of the row. Raises ValueError for a column that the table
    does not declare, UsageError for a table that does not exist.
    """
    declared = _declared(table)
    if column and column not in declared.names:
        raise ValueError(f"{declared.full_name} has no column {column}")
    address = f"{base}{FOLDER}/{folder_of(declared)}/{file_name(declared, key)}"
    return f"{address}#{column}" if column else address


def folder_of(table: str | Table) -> str:
    """The folder of a table's pages; facts have one of their own, as `core` and `marts` may share a name."""
    declared = _declared(table)
    return declared.name if declared.schema == "marts" else declared.full_name


def _declared(table: str | Table) -> Table:
    return named(table) if isinstance(table, str) else table


def _canonical(kind: str, value: Any) -> str | int | float | bool | None:
    """A value of a key as it is spelt whoever gives it: a frame, a query or a program."""
    if value is None:
        return None
    if kind == "real":
        return float(value)
    if kind == "integer":
        return int(value)
    if kind == "flag":
        return bool(value)
    if isinstance(value, datetime) and kind == "date":
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)
