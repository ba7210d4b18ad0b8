"""`datapackage.json`: what each file and column of an export is, from the tables' own declarations.

It is a Frictionless Data Package, so that other programs check the files by themselves. What the standard has no word for
(the unit of a column, a bound that is exclusive) stands beside it under a name of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from warehouse.sources.common.source import Source
from warehouse.spreadsheet import neutral_text
from warehouse.tables.table import FACT_ID, Column, Table

NAME = "overbuild"
TYPES = {"text": "string", "texts": "array", "integer": "integer", "real": "number", "date": "date", "time": "datetime",
         "flag": "boolean", "json": "string"}  # fmt: skip


@dataclass(frozen=True)
class File:
    """A file of an export: its path in the folder, its size and the SHA-256 of its bytes."""

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Resource:
    """A table of an export: its two files, its rows, those left out, and its columns that hold an empty text."""

    table: Table
    csv: File
    parquet: File
    rows: int
    withheld: int
    with_empty_text: frozenset[str]


@dataclass(frozen=True)
class Version:
    """What an export is of: the run, its date, and a hash of the contents that the same facts give on any machine."""

    run_id: str
    as_of: date
    made_at: datetime
    contents_sha256: str

    @property
    def name(self) -> str:
        return f"{self.as_of}+{self.contents_sha256[:12]}"


def descriptor(
    version: Version, resources: Sequence[Resource], sources: Sequence[Source], *, raw: bool, own_use: bool
) -> dict[str, Any]:
    """The content of `datapackage.json`."""
    return {
        "name": NAME,
        "title": "Is AI infrastructure spending wasteful? Facts and answers",
        "description": "Every table of facts (core) and of answers (marts) of a run, as Parquet and CSV. Shares and returns "
        "are fractions; units stand in the names of columns." + (NOT_TO_PASS_ON if own_use else ""),
        "version": version.name,
        "created": version.made_at.isoformat(),
        "as_of": version.as_of.isoformat(),
        "run_id": version.run_id,
        "contents_sha256": version.contents_sha256,
        "csv_text": "raw" if raw else "a text that a spreadsheet would run as a formula begins with an apostrophe",
        "licenses": [{"name": "other-mixed", "path": "LICENSE.txt", "title": "Each source's own terms; see LICENSE.txt"}],
        "sources": [{"title": source.name, "description": source.gives, "terms": source.terms} for source in sources],
        "resources": [each for resource in resources for each in _resources(resource, raw=raw)],
    }  # fmt: skip


NOT_TO_PASS_ON = " This copy also holds rows whose terms forbid passing them on: it is for your own use."


def _resources(resource: Resource, *, raw: bool) -> list[dict[str, Any]]:
    table = resource.table
    common = {"title": table.meaning, "withheld_rows": resource.withheld}
    return [
        {
            "name": table.full_name,
            "type": "table",
            **_file(resource.csv),
            **common,
            "rows": resource.rows,
            "format": "csv",
            "mediatype": "text/csv",
            "encoding": "utf-8",
            **({"compression": "gz"} if resource.csv.path.endswith(".gz") else {}),
            "schema": schema(table, resource.with_empty_text, raw=raw),
        },
        {
            "name": f"{table.full_name}.parquet",
            "type": "file",
            **_file(resource.parquet),
            **common,
            "format": "parquet",
            "mediatype": "application/vnd.apache.parquet",
        },
    ]


def _file(file: File) -> dict[str, Any]:
    return {"path": file.path, "bytes": file.size_bytes, "hash": f"sha256:{file.sha256}"}


def schema(table: Table, with_empty_text: frozenset[str] = frozenset(), *, raw: bool = False) -> dict[str, Any]:
    """The Table Schema of a table's CSV. A fact's key is its `fact_id`: several facts may speak of one thing.

    In CSV an empty text and a null look the same, so a column that holds empty texts is not said to be required.
    """
    key = [FACT_ID] if table.schema == "core" else [name for name in table.key if name not in with_empty_text]
    whole = table.schema == "core" or len(key) == len(table.key)
    return {
        "fields": [field(column, column.name in with_empty_text, raw=raw) for column in table.columns],
        **({"primaryKey": key} if whole else {}),
        "missingValues": [""],
    }


def field(column: Column, may_be_empty: bool = False, *, raw: bool = False) -> dict[str, Any]:
    """A column: name, type, meaning, unit, and what can be said of every value."""
    constraints: dict[str, Any] = {"required": True} if column.required and not may_be_empty else {}
    if column.allowed and column.type == "text":
        constraints["enum"] = [value if raw else neutral_text(value) for value in column.allowed if value]
    lowest = column.minimum if column.minimum is not None else column.above
    for name, bound in (("minimum", lowest), ("maximum", column.maximum)):
        if bound is not None and column.type in ("integer", "real"):
            constraints[name] = int(bound) if column.type == "integer" else bound
    meanings = dict(column.allowed) if isinstance(column.allowed, Mapping) else {}
    extra = {"unit": column.unit, "exclusiveMinimum": column.above, "meanings": meanings or None}
    if column.type == "json":
        extra["contentMediaType"] = "application/json"
    return {
        "name": column.name,
        "type": TYPES[column.type],
        "description": column.comment,
        **{name: value for name, value in extra.items() if value not in (None, "")},
        **({"constraints": constraints} if constraints else {}),
    }
