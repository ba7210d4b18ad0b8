"""What a source is: where its documents come from and how they become rows of declared tables.

A source yields documents (bytes as received); the archive keeps them before anything reads them. It then turns one
archived document at a time into batches of rows, so that a source of any size needs only the memory of one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from warehouse.settings import Settings
from warehouse.tables.table import Table

Feed = Literal["prices", "capex", "gpu", "training", "panel"]


@dataclass(frozen=True)
class Received:
    """A document as it arrived: where from, what it is, its bytes."""

    name: str
    url: str
    media_type: str
    body: bytes


@dataclass(frozen=True)
class Document:
    """A document in the archive, with its hash and its bytes."""

    sha256: str
    name: str
    url: str
    body: bytes


@dataclass(frozen=True)
class Batch:
    """Rows of one table from one document, and the rows that could not be read (row, reason, locator)."""

    table: Table
    frame: pl.DataFrame
    unreadable: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema={"row": pl.String, "reason": pl.String, "locator": pl.String})
    )


@dataclass(frozen=True)
class Source:
    """One source of one feed. `fetch` gives its documents, `parse` one document's batches.

    `gives` says in a phrase what it brings; `terms` under which conditions; `needs` which setting it cannot do without.
    """

    name: str
    kind: Literal["reference", "live"]
    feed: Feed
    gives: str
    tables: tuple[str, ...]
    fetch: Callable[[Settings], Iterator[Received]]
    parse: Callable[[Document], Iterator[Batch]]
    terms: str
    needs: str = ""
