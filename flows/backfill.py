"""History of one source, piece by piece; each piece is a run of its own and is remembered when it is loaded."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime

from prefect import flow

from flows.answer import answer
from warehouse.backfill import Progress
from warehouse.home import home_of
from warehouse.settings import load_settings

progress_log = logging.getLogger("overbuild.backfill")


@flow(name="backfill", validate_parameters=True)
def backfill(source: str, pieces: list[tuple[date, date]]) -> dict[str, str]:
    """Fetch, check, load and publish each piece; gives what failed of which piece.

    A piece of which something could not be had is loaded as far as it goes and asked for again next time. Raises
    RefusedError where the checks refuse a piece: those before it stay.
    """
    progress = Progress(home_of(load_settings()), source)
    failed: dict[str, str] = {}
    for number, (first, last) in enumerate(pieces, 1):
        piece = f"{first} to {last}"
        where = f"{source} [{number}/{len(pieces)}] {piece}"
        progress_log.info("%s: fetching", where)
        summary = answer(source="live", only=(source,), span=(first, last))
        if summary["failed_sources"]:
            failed[piece] = "; ".join(summary["failed_sources"].values())
            progress_log.info("%s: incomplete, it will be asked for again: %s", where, failed[piece])
        else:
            progress.remember((first, last), datetime.now(UTC).date())
            progress_log.info("%s: done, %s new rows", where, f"{summary['new_rows']:,}")
    return failed
