"""Where the facts come from: what each source gives and under which terms, and every document that was read."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from warehouse.reports.site.blocks import Block, Heading, Shown, Table, Text
from warehouse.reports.site.page import Page, Reader
from warehouse.sources import all_sources

PAGE = Page(
    "sources.html",
    "Sources",
    "What each source gives, its terms, and every document with its address and hash.",
    label="Sources",
    place=230,
)

PUBLIC = "nullif(known_on, DATE '1970-01-01')"
"""The day on which a document became public; one that was always known, as a list of tickers, has none."""


def content(reader: Reader) -> Sequence[Block]:
    return [
        Text(
            "The packaged snapshot is the reference: facts collected by hand, each with its citation. Live sources add to it. "
            "Nothing enters the answer that is not in an archived document.",
            style="lead",
        ),
        sources(reader),
        Heading("Documents"),
        documents(reader),
    ]


def sources(reader: Reader) -> Table:
    held = reader.rows(
        f"SELECT source AS name, count(*) AS documents, max({PUBLIC}) AS newest FROM provenance.documents GROUP BY source"
    )
    rows = (
        pl.DataFrame(
            [{"name": s.name, "kind": s.kind, "gives": s.gives, "terms": s.terms} for s in all_sources()],
            schema={"name": pl.String, "kind": pl.String, "gives": pl.String, "terms": pl.String},
        )
        .join(held, on="name", how="left")
        .with_columns(pl.col("documents").fill_null(0))
    )
    return Table(
        "sources",
        "Every source that this program knows",
        rows.sort("kind", "name"),
        (
            Shown("name", "Source"),
            Shown("kind", "Kind"),
            Shown("gives", "Gives"),
            Shown("terms", "Terms"),
            Shown("documents", "Documents read", "count", opens=""),
            Shown("newest", "Newest", "date"),
        ),
    )


def documents(reader: Reader) -> Table:
    rows = reader.rows(
        f"SELECT source, name, url, {PUBLIC} AS known_on, fetched_at, bytes, sha256 FROM provenance.documents "
        "ORDER BY source, name, sha256"
    )
    return Table(
        "documents",
        "Every document, as it was received",
        rows,
        (
            Shown("name", "Document"),
            Shown("source", "Source"),
            Shown("known_on", "Public on", "date"),
            Shown("bytes", "Bytes", "count", opens=""),
            Shown("sha256", "SHA-256"),
            Shown("url", "Address"),
        ),
        open_rows=25,
    )
