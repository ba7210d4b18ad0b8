"""Which live sources failed when they were last asked, so that old data stand for them: every answer names them."""

from __future__ import annotations

from typing import Any

from warehouse.database.connection import Connection

FIELDS = ("source", "feed", "outcome", "message", "last_success_at", "newest_known_on")
"""What is said of each."""


def failed_sources(connection: Connection) -> list[dict[str, Any]]:
    """Live sources whose last run failed, in whole or in part: what failed, and how old the data are that stand for it."""
    found = connection.execute(
        f"""SELECT {", ".join(FIELDS)} FROM provenance.source_runs
        QUALIFY row_number() OVER (PARTITION BY source ORDER BY checked_at DESC) = 1 ORDER BY source"""
    )
    latest = [dict(zip(FIELDS, row, strict=True)) for row in found.fetchall()]
    return [source for source in latest if source["outcome"] in ("failed", "partly_failed")]
