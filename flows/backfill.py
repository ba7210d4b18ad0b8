"""History of one source, piece by piece; each piece is a run of its own and is remembered when it is loaded.

Between two pieces a run that waits for its turn (the daily one) is let in. Whoever waits looks for the lock every few
hundredths of a second, so a pause of a second is enough.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, date, datetime

from prefect import flow

from flows import names
from flows.answer import answer
from warehouse.paths import paths_of
from warehouse.pipeline.backfill import Progress
from warehouse.pipeline.context import busy
from warehouse.settings import load_settings

OTHERS_ARE_LET_IN_SECONDS = 1.0
progress_log = logging.getLogger("overbuild.backfill")


@flow(
    name="backfill",
    flow_run_name=names.of_backfill,
    description="History of one source, piece by piece. Each piece is a run of its own.",
    validate_parameters=True,
)
def backfill(source: str, pieces: list[tuple[date, date]]) -> dict[str, str]:
    """Fetch, check, load and publish each piece; gives what failed of which piece.

    A piece of which something could not be had is loaded as far as it goes and asked for again next time. Raises
    RefusedError where the checks refuse a piece: those before it stay.

    Args:
        source: Name of the live source.
        pieces: First and last day of each piece, oldest first.
    """
    paths = paths_of(load_settings())
    progress = Progress(paths, source)
    failed: dict[str, str] = {}
    for number, (first, last) in enumerate(pieces, 1):
        piece = f"{first} to {last}"
        where = f"{source} [{number}/{len(pieces)}] {piece}"
        if number > 1:
            time.sleep(OTHERS_ARE_LET_IN_SECONDS)
        if busy(paths):
            progress_log.info("%s: waits for another run to end", where)
        else:
            progress_log.info("%s: fetching", where)
        summary = answer(source="live", only=(source,), span=(first, last))
        if summary["failed_sources"]:
            failed[piece] = "; ".join(summary["failed_sources"].values())
            progress_log.info("%s: incomplete, it will be asked for again: %s", where, failed[piece])
        else:
            progress.remember((first, last), datetime.now(UTC).date())
            progress_log.info("%s: done, %s new rows", where, f"{summary['new_rows']:,}")
    return failed
