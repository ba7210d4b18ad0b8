"""A run's part in a warehouse that several machines share: what it starts from, its turn, and its publication there.

Without a lake nothing here does anything, and the flow is the same (`warehouse.database.lake` says why it is so).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from warehouse import files
from warehouse.database import lake as lakes
from warehouse.database import lake_copy
from warehouse.database.lake import Lake, Session
from warehouse.database.lake_copy import Publication, Sharing, State
from warehouse.database.store import Store
from warehouse.errors import UsageError
from warehouse.paths import LAKE_STATE, WAREHOUSE, Paths
from warehouse.pipeline.context import Base, RunContext, Say
from warehouse.settings import Settings

BASE = "base"
"""The folder, in that of a run, with the newest publication as it is in the lake."""


@contextmanager
def opened(paths: Paths, settings: Settings, folder: Path) -> Iterator[Sharing | None]:
    """The lake of a run, connected for as long as it runs; None in a home with a warehouse of its own.

    Raises UsageError for a catalogue of another warehouse, StorageError where it cannot be reached.
    """
    if not paths.lake:
        yield None
        return
    lake = lakes.of_address(paths.lake, settings.warehouse_data or "")
    with lakes.session(lake) as catalogue:
        catalogue.require_ours()
        data = _data_path(paths, lake, catalogue)
        try:
            yield Sharing(lake, catalogue, data, folder / BASE / WAREHOUSE)
        finally:
            catalogue.give_turn_back()


def _data_path(paths: Paths, lake: Lake, catalogue: Session) -> str:
    """Where the data are: as the catalogue says, for a new lake as it was set, else a folder of the home."""
    known, asked = catalogue.data_path if catalogue.exists else "", lake.data
    if asked and "://" not in asked:
        asked = str(Path(asked).expanduser().absolute())
    if known and asked and known.rstrip("/") != asked.rstrip("/"):
        raise UsageError(
            f"OVERBUILD_WAREHOUSE_DATA={asked}: {lake} keeps its data at {known}. Leave the setting out, or give that."
        )
    if known:
        return known
    found = (asked or str(paths.root / "lake")).rstrip("/") + "/"
    if "://" not in found:
        files.create_folder(Path(found))
    elif not found.startswith("s3://"):
        raise UsageError(f"OVERBUILD_WAREHOUSE_DATA={asked}: give a folder, or an address as s3://bucket/prefix.")
    return found


def _require_same(paths: Paths, lake: Lake, found: State) -> None:
    """Raises UsageError where this home has published in another lake: a wrong address would mix two warehouses."""
    known = lake_copy.state_of(paths.root)
    if known is not None and found.identity != known.identity:
        raise UsageError(
            f"{lake}: this is warehouse {found.identity}, and this home belongs to warehouse {known.identity}. Give the "
            f"address of that one, or another OVERBUILD_HOME. To move this home on purpose, remove {paths.root / LAKE_STATE}."
        )


def base(paths: Paths, shared: Sharing, own: Base, say: Say) -> Base:
    """What a run goes on from: the lake's newest publication; `own` is what it would go on from without a lake.

    The pages of the home's own release are those of the answer only where nothing was published since.
    """
    if not shared.catalogue.require_ours():
        return own
    release = own.release
    held = lake_copy.state_of(release) if release else None
    shared.base.parent.mkdir(parents=True)
    if held is not None and own.warehouse is not None:
        files.clone(own.warehouse, shared.base)
    else:
        held = None
        say(f"{shared.lake}: copying the newest publication")
    shared.held = lake_copy.bring_up(shared.base, held, shared.lake, shared.catalogue)
    _require_same(paths, shared.lake, shared.held)
    shared.held.write(paths.root)
    moved = held is None or held.number != shared.held.number
    return Base(shared.base.parent, None if moved else own.pages, shared.base)


def take_turn(store: Store, run: RunContext, say: Say) -> RunContext:
    """Wait for the turn to publish, then bring this run's warehouse up to what others published meanwhile.

    A dated answer is published in its home alone and needs no turn. Gives the run as it goes on.
    """
    shared = run.shared
    if shared is None or run.asked_as_of is not None:
        return run
    shared.catalogue.take_turn(run.settings.lock_wait_seconds, say)
    if shared.held is None:
        if not shared.catalogue.require_ours():
            return run  # the first publication of all
        raise UsageError(
            f"{shared.lake}: another worker published first in this new lake. Run again: it goes on from there."
        )
    before = shared.held
    shared.held = lake_copy.catch_up(store.connection, shared.base, before, shared.lake, shared.catalogue)
    if shared.held.number == before.number:
        return run
    say(f"{shared.lake}: {shared.held.number - before.number} publication(s) of other workers taken in")
    # The run that publishes last counts as the last one: it stands on what the others found.
    return replace(run, started_at=datetime.now(UTC), base=replace(run.base, pages=None))


def publish(run: RunContext) -> State | None:
    """Publish in the lake what the run built, and note beside it which publication that is; None where there is no lake."""
    shared = run.shared
    if shared is None or run.asked_as_of is not None:
        return None
    there = shared.held is not None
    what = Publication(run.release / WAREHOUSE, shared.base if there else None, shared.held, run.run_id)
    shared.held = lake_copy.publish(shared.lake, shared.catalogue, what, shared.data)
    shared.held.write(run.release)
    shared.held.write(run.paths.root)
    shared.catalogue.give_turn_back()
    return shared.held
