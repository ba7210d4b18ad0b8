"""The packaged snapshot as the frames of `core`, parsed as in a run, without a database."""

from __future__ import annotations

from datetime import date

import polars as pl

from tests.conftest import with_provenance
from warehouse.calendars.exchange import sessions
from warehouse.fetching.client import Local
from warehouse.settings import Settings
from warehouse.sources.reference import SOURCES


def facts() -> dict[str, pl.DataFrame]:
    """The frames of `core` by name, and `sessions`."""
    found = {"sessions": sessions(date(2018, 1, 1), date(2026, 12, 31))}
    for source in SOURCES:
        for received in source.fetch(Local(Settings())):
            for batch in source.parse(received.document("0" * 64)):
                found[batch.table.name] = with_provenance(batch.table, batch.frame, source.name)
    return found
