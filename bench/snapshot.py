"""The packaged snapshot as frames, parsed as in a run, for benchmarks that need no warehouse."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

import polars as pl

from warehouse.database.loading import provenance
from warehouse.fetching.client import Local
from warehouse.settings import Settings
from warehouse.sources.reference import SOURCES

LOADED_AT = datetime(2026, 11, 9, tzinfo=UTC)


def facts(only: Collection[str] = ()) -> dict[str, pl.DataFrame]:
    """The frames of `core` by name: all, or `only` some."""
    found: dict[str, pl.DataFrame] = {}
    for source in SOURCES:
        for received in source.fetch(Local(Settings())):
            document = received.document("0" * 64)
            for batch in source.parse(document):
                if not only or batch.table.name in only:
                    found[batch.table.name] = provenance(
                        batch.table,
                        batch.frame,
                        source=source,
                        document_sha256=document.sha256,
                        loaded_at=LOADED_AT,
                    )
    return found
