"""The packaged snapshot: cited facts as of a date, so that the first answer needs no network.

Its files are documents like any other: archived by their hash, parsed, staged, checked and loaded on the same way as a
live source's. `OVERBUILD_REFERENCE` names a folder of such files to use in their place.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from warehouse.errors import DocumentError
from warehouse.settings import Settings
from warehouse.sources.common.parsing import read_csv, text_of, typed
from warehouse.sources.common.source import Batch, Document, Feed, Fetching, Received, Source
from warehouse.tables import CORE
from warehouse.tables.table import ADDED_BY_LOADING

MANIFEST = "snapshot.toml"
# What the loading adds to every row; the files hold the rest of each table's columns.
ADDED = (*ADDED_BY_LOADING, "locator")
FEEDS: dict[Feed, tuple[tuple[str, ...], str]] = {
    "panel": (("companies", "article_claims"), "the panel of tickers and the claims to check"),
    "prices": (("stock_prices", "corporate_actions"), "daily bars, splits and dividends of the panel"),
    "capex": (
        ("company_facts", "shares_outstanding", "capex_guidance"),
        "figures from filings, share counts, guidance",
    ),
    "gpu": (
        ("gpu_prices", "gpu_specs", "consumer_prices"),
        "rental prices and specifications of accelerators, and consumer prices to deflate them",
    ),
    "training": (
        ("training_runs", "ai_models", "model_capability", "evidence"),
        "training runs, models, capabilities, AI revenue and fleets",
    ),
}


def folder(settings: Settings) -> Path:
    """Where the snapshot's files are: the packaged ones, or the folder that the user named."""
    if settings.reference is not None:
        return settings.reference
    return Path(str(resources.files("warehouse.reference")))


def manifest(where: Path) -> dict[str, dict[str, Any]]:
    """Table -> file name and number of rows. Raises DocumentError where it is missing or unreadable."""
    path = where / MANIFEST
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DocumentError(
            path,
            f"the snapshot's manifest cannot be read ({error.strerror}). It names the file of each table: copy the "
            f"packaged snapshot's folder whole, {MANIFEST} with it.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DocumentError(path, f"the snapshot's manifest is not TOML: {error}") from error


def _fetch(tables: tuple[str, ...], fetching: Fetching) -> Iterator[Received]:
    where = folder(fetching.settings)
    listed = manifest(where)
    for table in tables:
        if table not in listed:
            raise DocumentError(where / MANIFEST, f"there is no entry for {table}.")
        file, rows = str(listed[table].get("file", "")), listed[table].get("rows")
        path = where / file
        try:
            body = path.read_bytes()
        except OSError as error:
            raise DocumentError(path, f"the file of {table} cannot be read ({error.strerror}).") from error
        # With its table and the rows counted there, the archived document can be parsed without the manifest.
        context = {"table": table, "rows": str(rows)}
        yield Received(file, f"snapshot:{file}", "text/csv", body, context=context)


def _parse(document: Document) -> Iterator[Batch]:
    table, counted = CORE[document.context["table"]], document.context["rows"]
    columns = [name for name in table.names if name not in ADDED]
    frame = read_csv(text_of(document.body, document.name), document.name, columns)
    if frame.height < int(counted):
        raise DocumentError(
            document.name,
            f"{frame.height} rows where {MANIFEST} counts {counted}; the file was cut short. "
            "Restore it, or correct the count if rows were removed on purpose.",
        )
    read = typed(frame, table)
    yield Batch(table, read.frame, read.unreadable)


def _source(feed: Feed, tables: tuple[str, ...], gives: str) -> Source:
    return Source(
        name=f"reference_{feed}",
        kind="reference",
        feed=feed,
        gives=gives,
        tables=tables,
        fetch=lambda fetching: _fetch(tables, fetching),
        parse=_parse,
        terms="facts with their citations; Epoch AI's data CC BY 4.0",
    )


SOURCES = tuple(_source(feed, tables, gives) for feed, (tables, gives) in FEEDS.items())
