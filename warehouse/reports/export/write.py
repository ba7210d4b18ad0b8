"""Writes an export into a folder: whole or not at all, and the same bytes for the same warehouse.

Everything is written beside the folder and takes its place in one step. What is in the way decides: an empty folder or an
earlier export is replaced, anything else is left alone.
"""

from __future__ import annotations

import glob
import gzip
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import polars as pl

from warehouse import files, records, sqltext, storage
from warehouse.database.connection import Connection
from warehouse.errors import UsageError
from warehouse.marts import all_marts
from warehouse.reports.export import package, terms
from warehouse.reports.export.csv_text import csv_bytes, holds_formula
from warehouse.reports.export.package import File, Resource, Version
from warehouse.reports.export.terms import Withheld
from warehouse.sources.common.source import Source
from warehouse.tables import CORE, SYSTEM
from warehouse.tables.runs import newest_published
from warehouse.tables.table import FACT_ID, Table

DESCRIPTOR = "datapackage.json"
HERE = Path(__file__).parent
# When a row came here differs from machine to machine, what it says does not.
NOT_CONTENT = ("loaded_at",)
PACKED_LEVEL = 6  # 65 MB of CSV become 6 MB


@dataclass(frozen=True)
class Exported:
    """What was written: its version, files, bytes, and how many rows of which sources were left out."""

    version: str
    files: int
    size_bytes: int
    rows: int
    withheld: dict[str, int]
    sources: tuple[Source, ...]


def tables() -> list[Table]:
    """What is exported: all facts, all marts, and the documents that facts were read in."""
    return [*CORE.values(), *(mart.table for _, mart in sorted(all_marts().items())), SYSTEM["documents"]]


def write(
    folder: Path, connection: Connection, *, raw: bool = False, own_use: bool = False, packed: bool = False
) -> Exported:
    """Export a warehouse. `raw` leaves texts of CSV as they are, `packed` compresses CSV, `own_use` leaves no row out.

    Raises UsageError where the folder holds something else or cannot be written, StorageError where its disk is full or
    fails; what was there stays then.
    """
    refuse_other_files(folder)
    try:
        with _instead_of(folder) as new:
            return fill(new, connection, raw=raw, own_use=own_use, packed=packed)
    except OSError as error:
        said = f"export {folder}: it cannot be written ({error.strerror or error}: {error.filename or folder})."
        more = "Nothing was left there. Choose another folder, or make room."
        raise storage.not_written(f"{said} {more}", error) from error


def fill(
    folder: Path, connection: Connection, *, raw: bool = False, own_use: bool = False, packed: bool = False
) -> Exported:
    """Write an export into an empty folder that exists."""
    left_out = Withheld() if own_use else terms.withheld(connection)
    contents = hashlib.sha256()
    resources = [
        _resource(folder, connection, table, left_out, contents, raw, packed) for table in _existing(connection)
    ]
    version = _version(connection, contents.hexdigest())
    sources = terms.present(connection)
    described = package.descriptor(version, resources, sources, raw=raw, own_use=own_use)
    _text(folder / DESCRIPTOR, json.dumps(described, indent=1, ensure_ascii=False, default=str) + "\n")
    values = {
        "version": version,
        "resources": resources,
        "sources": sources,
        "left_out": left_out,
        "own_use": own_use,
        "raw": raw,
        "described": described,
        "fields": {
            each.table.full_name: package.schema(each.table, each.with_empty_text, raw=raw)["fields"]
            for each in resources
        },
    }
    for name in ("index.html", "LICENSE.txt", "CITATION.cff"):
        _text(folder / name, _templates().get_template(f"{name}.j2").render(**values))
    written = [path for path in folder.rglob("*") if path.is_file()]
    return Exported(
        version.name,
        len(written),
        sum(path.stat().st_size for path in written),
        sum(resource.rows for resource in resources),
        {resource.table.full_name: resource.withheld for resource in resources if resource.withheld},
        left_out.sources,
    )


# -- the folder -------------------------------------------------------------------------------------------------------


def refuse_other_files(folder: Path) -> None:
    """Raises UsageError for a folder whose files would be lost: one that is neither empty nor an export."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UsageError(f"export {folder}: there is a file or a link of this name. Choose another folder.")
    if not folder.exists() or not any(folder.iterdir()):
        return
    held = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    other = sorted(held - _own_files(folder))
    if other:
        more = f" and {len(other) - 3} more" if len(other) > 3 else ""
        raise UsageError(
            f"export {folder}: it holds files that are no export of ours: {', '.join(other[:3])}{more}. "
            "They would be lost. Choose an empty folder, or one that does not exist yet."
        )


def _own_files(folder: Path) -> set[str]:
    """The files of an earlier export, by its own list of them; none where there is no such list."""
    try:
        found = records.parsed((folder / DESCRIPTOR).read_bytes()) or {}
        if found["name"] != package.NAME:
            return set()
        listed = {str(resource["path"]) for resource in found["resources"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    return listed | {DESCRIPTOR, "index.html", "LICENSE.txt", "CITATION.cff"}


@contextmanager
def _instead_of(folder: Path) -> Iterator[Path]:
    """A new folder that takes the place of `folder` where all goes well, and is removed where it does not."""
    target = folder.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f".{glob.escape(target.name)}.*{_OLD}"):
        if not target.exists():  # whoever exported here was killed between the two renames below
            left.rename(target)
        files.remove_folder(left)
    files.sweep(target.parent, within=f".{target.name}.")
    with files.temporary(target.parent, target.name) as new:
        old = new.with_name(f"{new.name}{_OLD}")
        new.mkdir()
        yield new
        if target.exists():
            target.rename(old)
        try:
            files.put(new, target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
        files.remove_folder(old)


_OLD = ".old"


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


# -- the tables -------------------------------------------------------------------------------------------------------


def _existing(connection: Connection) -> list[Table]:
    """The tables that a warehouse has; one of an earlier version may lack some."""
    found = set(connection.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()").fetchall())
    return [table for table in tables() if (table.full_name,) in found]


def _resource(
    folder: Path, connection: Connection, table: Table, left_out: Withheld, contents: Any, raw: bool, packed: bool
) -> Resource:
    rows, lists = _rows(connection, table, sorted(left_out.rows.get(table.full_name, ())))
    said = csv_bytes(rows.select(name for name in table.names if name not in NOT_CONTENT), lists, raw=True)
    if table.schema != "provenance":
        contents.update(f"{table.full_name}\0{hashlib.sha256(said).hexdigest()}\n".encode())
    place = f"{table.schema}/{table.name}"
    (folder / table.schema).mkdir(exist_ok=True)
    parquet = folder / f"{place}.parquet"
    rows.write_parquet(parquet, compression="zstd", statistics=True)
    as_said = not set(table.names) & set(NOT_CONTENT) and (raw or not holds_formula(rows))
    body = said if as_said else csv_bytes(rows, lists, raw=raw)
    csv = folder / (f"{place}.csv.gz" if packed else f"{place}.csv")
    csv.write_bytes(gzip.compress(body, PACKED_LEVEL, mtime=0) if packed else body)
    texts = [name for name, kind in rows.schema.items() if kind == pl.String]
    empty = frozenset(name for name in texts if bool((rows.get_column(name) == "").any()))
    return Resource(
        table, _file(folder, csv), _file(folder, parquet), rows.height, left_out.count(table.full_name), empty
    )


def _rows(connection: Connection, table: Table, left_out: Sequence[int]) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
    """The rows in the order of the key, and the columns of lists as JSON."""
    held = {name for name, *_ in connection.execute(f"SELECT * FROM {table.full_name} LIMIT 0").description}
    names = [name for name in table.names if name in held]
    lists = [name for name in names if table.column(name).type == "texts"]
    order = dict.fromkeys([*(name for name in table.key if name in held), *([FACT_ID] if FACT_ID in held else [])])
    as_json = "".join(
        f", to_json({sqltext.identifier(n)})::VARCHAR AS {sqltext.identifier('json:' + n)}" for n in lists
    )
    without = " WHERE rowid NOT IN (SELECT unnest(?))" if left_out else ""
    found = connection.execute(
        f"SELECT {sqltext.identifiers(names)}{as_json} FROM {table.full_name}{without} ORDER BY {sqltext.identifiers(order)}",
        [left_out] if left_out else [],
    ).pl()
    return table.conform(found.select(names)), {name: found.get_column(f"json:{name}").alias(name) for name in lists}


def _file(folder: Path, path: Path) -> File:
    body = path.read_bytes()
    return File(path.relative_to(folder).as_posix(), len(body), hashlib.sha256(body).hexdigest())


def _version(connection: Connection, contents_sha256: str) -> Version:
    row = connection.execute(newest_published("run_id, as_of, started_at")).fetchone()
    if row is None:
        raise UsageError("export: this warehouse records no published run, so its data have no date.")
    run_id, as_of, started_at = row
    return Version(run_id, as_of, started_at, contents_sha256)


def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=lambda name: bool(name and name.endswith(".html.j2")),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
