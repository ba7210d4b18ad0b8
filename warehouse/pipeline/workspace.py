"""The frame around a run: the lock, the folder it builds in, its copy of the warehouse, and what to do where it fails.

A run works on a copy of the published warehouse in a folder of its own. Whatever happens to it, the published answer stays
as it was until the last step. A run that is refused keeps what it found (`refused`), and people are notified of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from warehouse import assumptions, files, stopping, storage
from warehouse.database import store as stores
from warehouse.database.store import Store
from warehouse.errors import RefusedError, UsageError
from warehouse.paths import WAREHOUSE, create_folders, paths_of
from warehouse.pipeline import alerts, refused, sharing, starting
from warehouse.pipeline.build import Built, Loaded
from warehouse.pipeline.check import Checked, ChecksFailedError
from warehouse.pipeline.context import RunContext, Say, SharedTurn, one_at_a_time
from warehouse.pipeline.ingest import Ingestion
from warehouse.pipeline.notify import notify
from warehouse.pipeline.observe import observed
from warehouse.pipeline.publish import Pages, clear_left_behind
from warehouse.pipeline.quarantine import Quarantined
from warehouse.quality import decisions, promises
from warehouse.settings import load_settings
from warehouse.spreading import Spread
from warehouse.tables import SYSTEM

T = TypeVar("T")


@dataclass
class Journal:
    """What the steps of a run have made so far, in order. Steps do not see it: it is read where the run ends early."""

    results: list[Any] = field(default_factory=list)

    def note(self, result: T) -> T:
        self.results.append(result)
        return result

    def all(self, kind: type[T]) -> list[T]:
        return [result for result in self.results if isinstance(result, kind)]

    def last(self, kind: type[T]) -> T | None:
        return next(iter(reversed(self.all(kind))), None)


@contextmanager
def workspace(
    source: str,
    as_of: date | None,
    say: Say,
    *,
    offline: bool = False,
    span: tuple[date, date] | None = None,
    announce: alerts.Announce = lambda _: None,
    restore: str = "",
    shared_turn: SharedTurn | None = None,
    spread: Spread | None = None,
) -> Iterator[tuple[RunContext, Store, Journal]]:
    """Everything a run needs, for as long as it runs; removed when it ends, published or not.

    `offline` sends no request whatever the settings say. `span` limits a backfill to its days. `announce` is given each
    alert of a run that is refused or fails; alerts of other runs are a step of their own. `restore` is what the run starts
    from in place of the published answer (`starting.base`). `shared_turn` and `spread` are as in RunContext.
    """
    settings = load_settings()
    if offline:
        settings = settings.model_copy(update={"network": "off"})
    entries = assumptions.load(settings.assumptions)
    promises.promised(settings.promises)
    if as_of is not None and as_of > datetime.now(UTC).date():
        raise UsageError(f"--as-of {as_of}: this date is in the future; nothing is known of it yet.")
    paths = paths_of(settings)
    create_folders(paths)
    with one_at_a_time(paths, say, settings.lock_wait_seconds):
        if restore and paths.lake:
            raise UsageError(
                "restore: this home's warehouse is a lake, and its earlier publications are still there: query them by "
                "AT (VERSION => n). To go on from another copy, publish that in a new lake."
            )
        clear_left_behind(paths)
        # Runs start in the order in which they publish, however long each has waited.
        started_at = datetime.now(UTC)
        run_id = f"{started_at:%Y%m%dT%H%M%S}-{os.urandom(2).hex()}"
        decided = tuple(decisions.read(paths))
        for line in decisions.unreadable(paths)[:3]:
            say(decisions.not_read(paths.root / decisions.FILE, line))
        run = RunContext(run_id, started_at, paths, settings, span, decided, source, as_of, entries)
        run = replace(run, shared_turn=shared_turn, spread=spread)
        with (
            stopping.last_act(lambda: files.remove_folder(run.folder)),
            _removed(run.folder),
            sharing.opened(paths, settings, run.folder) as shared,
        ):
            base = starting.base(paths, restore, say)
            base = sharing.base(paths, shared, base, say) if shared else base
            run = replace(run, base=base, shared=shared)
            run.release.mkdir(parents=True)
            built = run.release / WAREHOUSE
            if run.base.warehouse is not None:
                files.clone(run.base.warehouse, built)
            with stores.opened(built, run.folder / "staging.duckdb") as store:
                refused.take_up(store, run, say)
                _take_up_decisions(store, run)
                journal = Journal()
                try:
                    with observed(store, run, say):
                        yield run, store, journal
                except RefusedError as error:
                    raise _refused(store, run, journal, error, say, announce) from error
                except UsageError:
                    raise
                except Exception as error:
                    if stopping.asked():  # a library made an error of its own out of the signal
                        raise stopping.StoppedError from error
                    then = "after it had published" if store.finished else "and nothing new was published"
                    of_disk = storage.fault(error, paths.root)
                    why = f"failed, {then}: {of_disk or f'{type(error).__name__}: {error}'}"
                    _notify_of_failure(store, run, journal, why, say, announce)
                    raise


@contextmanager
def _removed(folder: Path) -> Iterator[None]:
    """Remove a folder at the end, however it comes."""
    try:
        yield
    finally:
        files.remove_folder(folder)


def _take_up_decisions(store: Store, run: RunContext) -> None:
    """Bring what people decided since the last run into this warehouse."""
    table = SYSTEM["decisions"]
    known = set(store.execute(f"SELECT row_id, decided_at FROM {table.full_name}").fetchall())
    new = [asdict(one) for one in run.decisions if (one.row_id, one.decided_at) not in known]
    if new:
        store.append(table, pl.DataFrame(new, schema={n: table.polars_schema[n] for n in new[0]}))


def _refused(
    store: Store, run: RunContext, journal: Journal, error: RefusedError, say: Say, announce: alerts.Announce
) -> RefusedError:
    """Keep what a refused run found and notify people; gives the error that also says where it is shown."""
    if isinstance(error, ChecksFailedError):
        journal.note(error.checked)
    loaded, built = journal.last(Loaded), journal.last(Built)
    as_of, added = (loaded.as_of, loaded.added) if loaded else (date.max, {})
    kept = journal.note(refused.keep(store, run, error, as_of, added, built.names if built else ()))
    _notify_of_failure(store, run, journal, f"refused its data, and nothing new was published: {error}", say, announce)
    return RefusedError(
        f"{error}\nWhat was found, and what to do with it: {kept.page}\nThe same here: overbuild quality"
    )


def _notify_of_failure(
    store: Store, run: RunContext, journal: Journal, why: str, say: Say, announce: alerts.Announce
) -> None:
    """Notify people of a run that failed, with what it had found by then. A dated answer fails before whoever asked."""
    if run.asked_as_of is not None:
        return
    shown = journal.last(refused.Kept) or journal.last(Pages)
    notified = notify(
        store,
        run,
        announce,
        ingestion=journal.last(Ingestion),
        quarantined=journal.last(Quarantined),
        checks=journal.all(Checked),
        waiting=shown.waiting if shown else None,
        failure=why,
    )
    for note in notified.notes:
        say(note)
