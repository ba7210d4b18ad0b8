"""Upkeep of a warehouse that several machines share: one process tidies its lake, in the turn of a publication.

It is a flow of its own, because it changes no answer and may take long: a worker would hold up the others with it.
"""

from __future__ import annotations

from datetime import timedelta

from prefect import flow, get_run_logger

from warehouse.database import lake as lakes
from warehouse.database import lake_upkeep
from warehouse.errors import UsageError
from warehouse.paths import paths_of
from warehouse.settings import load_settings


@flow(name="upkeep", validate_parameters=True)
def upkeep(travel_days: int = lake_upkeep.TRAVEL_DAYS) -> dict[str, int]:
    """Merge small files, forget snapshots older than `travel_days`, and remove what nothing names any more.

    Gives how many of each. Raises UsageError in a home whose warehouse is no lake.
    """
    settings = load_settings()
    paths = paths_of(settings)
    if not paths.lake:
        raise UsageError("upkeep: this warehouse is a file, which every run writes anew; only a lake needs upkeep.")
    lake = lakes.of_address(paths.lake)
    logger = get_run_logger()
    with lakes.session(lake) as catalogue:
        if not catalogue.require_ours():
            raise UsageError(f"{lake}: nothing is published here yet.")
        catalogue.take_turn(settings.lock_wait_seconds, logger.info)
        done = lake_upkeep.tidy(lake, catalogue, timedelta(days=travel_days))
        catalogue.give_turn_back()
    logger.info("%s: %s", lake, done)
    return {"snapshots": done.snapshots, "merged": done.merged, "removed": done.removed}
