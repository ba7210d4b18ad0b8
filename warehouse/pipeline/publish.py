"""Publication: everything together, or nothing.

A run builds its warehouse, site and quality pages in a folder of its own. Publishing is one rename of one link, so that
a reader sees the last good answer or the new one. Whoever has the old file open goes on reading it.

What is published never changes, so nobody keeps the right to write to it: neither to the files nor to their folders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from warehouse import files, stopping
from warehouse.database import seals, views
from warehouse.database.store import Store
from warehouse.marts import all_marts
from warehouse.paths import EXPORT, QUALITY, SITE, WAREHOUSE, Paths
from warehouse.pipeline import ingest, metrics, record, sharing
from warehouse.pipeline.build import Built, Carried, Loaded
from warehouse.pipeline.context import RunContext
from warehouse.pipeline.ingest import Ingestion
from warehouse.pipeline.live_sources import LiveSources
from warehouse.quality import counts, history, promises
from warehouse.quality.counts import Counts
from warehouse.reports import later

KEPT_RELEASES = 3


@dataclass(frozen=True)
class Pages:
    """The site and the quality pages were written, with all results: `counts` are the run's checks.

    `waiting` are the quarantined rows that wait for a decision.
    """

    waiting: tuple[dict[str, Any], ...]
    counts: Counts


def write_pages(
    store: Store, run: RunContext, sources: LiveSources, loaded: Loaded, built: Built, carried: Carried | None
) -> Pages:
    """Write the site beside the warehouse, and record the run and what it measured."""
    from warehouse.reports.site.write import write  # Jinja, Altair and Great Tables are needed here only

    if run.asked_as_of is not None:
        views.drop_what_became_public_after(store, loaded.as_of)
    if carried is None:
        views.create(store, loaded.as_of, views.statements(), [mart.table for mart in all_marts().values()])
    record.record_run(store, run, "published_with_old_data" if sources.failed else "published", loaded.as_of)
    record.record_measures(store, run, loaded.added, built.names)
    metrics.record_promises(store, run)
    record.record_changes(store, run, carried_over=carried is not None)
    # A first answer of an earlier day has no release before it; it takes the shared files of today's.
    before = run.base.pages and (run.paths.published(run.asked_as_of) / SITE, run.base.pages / SITE)
    last = next((site for site in before or () if site.is_dir()), None)
    dated = run.asked_as_of is not None
    write(run.release / SITE, store.connection, last, dated=dated, sql_page=run.settings.sql_page)
    write_export(store, run, carried_over=carried is not None)
    waiting = write_quality_page(store, run, run.release)
    if run.asked_as_of is None:
        from warehouse.quality import data_docs  # imports Great Expectations

        data_docs.add_promises(run.release / QUALITY, run.run_id, promises.kept(store.connection))
    return Pages(tuple(waiting), counts.of_run(store.connection, run.run_id))


def write_export(store: Store, run: RunContext, *, carried_over: bool) -> None:
    """Write the take-away of all tables beside the site; that of an answer which is carried over is its own still."""
    from warehouse.reports.export.write import fill

    before, folder = run.base.pages, run.release / EXPORT
    if carried_over and before is not None and (before / EXPORT).is_dir():
        files.link_folder(before / EXPORT, folder)
        return
    folder.mkdir()
    fill(folder, store.connection, packed=True)


def write_quality_page(store: Store, run: RunContext, folder: Path, refusal: str = "") -> list[dict[str, Any]]:
    """Write what the checks found, in this run and before, beside the Data Docs in a folder; gives the waiting rows."""
    from warehouse.reports import quality_page

    waiting = history.waiting(store.connection)
    documented = {path.name for path in (folder / QUALITY / "runs").glob("*")}
    content = quality_page.read(store.connection, run.run_id, waiting, documented)
    quality_page.write(folder / SITE, content, refusal)
    return waiting


def publish_run(store: Store, run: RunContext, ingestion: Ingestion) -> Path:
    """Close the new warehouse and switch readers to it, in the lake first where there is one; gives the release."""
    metrics.record(store, run)
    store.finish()
    stopping.require_going_on()
    with stopping.undisturbed():
        if sharing.publish(run) is not None:
            stopping.note_published(f"run {run.run_id} had been published in the lake before")
    if run.asked_as_of is None:
        ingest.note_published(ingestion.sources, run)
    stopping.require_going_on()
    with stopping.undisturbed():
        release = publish(run.paths, run.release, run.run_id, run.asked_as_of)
        stopping.note_published(f"run {run.run_id} had been published before")
    stopping.require_going_on()
    return release


# -- links ------------------------------------------------------------------------------------------------------------


def publish(paths: Paths, built: Path, run_id: str, as_of: date | None) -> Path:
    """Move what a run built to the releases and switch the link to it; gives the release.

    With `as_of` the link is that date's own, and today's answer stays as it is.
    """
    seals.write(built, run_id, as_of)
    release = put_in_place(paths, built, run_id, [as_of])
    _forget_old(paths)
    return release


def put_in_place(paths: Paths, built: Path, run_id: str, days: Sequence[date | None]) -> Path:
    """Move a sealed release to the others, and switch to it the link of each of these days; None is today's answer."""
    release = paths.releases / run_id
    if (built / SITE).is_dir():
        later.prepare(paths.later, built / SITE, release)
    files.make_read_only(built)
    files.put(built, release)
    files.close_folder(release)
    if None in days:  # names that lead by way of the one link, before that is switched: all of them change with it
        for name in (SITE, QUALITY, EXPORT):
            if not (paths.root / name).is_symlink():
                files.point(paths.root / name, paths.current / name)
        if not paths.warehouse.is_symlink() or paths.warehouse.resolve() != (paths.current / WAREHOUSE).resolve():
            files.point(paths.warehouse, paths.current / WAREHOUSE)
    for day in days:
        files.point(paths.published(day), release)
    return release


def clear_left_behind(paths: Paths) -> None:
    """Remove what runs left that were killed: what they built, and a release that they did not come to publish.

    Only whoever holds the lock of the home may do this: nobody else builds or publishes then.
    """
    kept = linked(paths)
    for left in (path for path in paths.work.iterdir() if path.is_dir()):
        release = paths.releases / left.name
        if release.is_dir() and release.resolve() not in kept:
            remove(paths, release)
        files.remove_folder(left)
    later.forget(paths.later, (path.name for path in paths.releases.iterdir()))


def linked(paths: Paths) -> set[Path]:
    """The releases that a link leads to."""
    return {link.resolve() for link in (paths.current, *(paths.root / "as-of").iterdir()) if link.is_symlink()}


def _forget_old(paths: Paths) -> None:
    """Remove releases that no link points at, but for the last few: a reader may just be opening one."""
    kept = linked(paths)
    unlinked = sorted(path for path in paths.releases.iterdir() if path.resolve() not in kept)
    for path in unlinked[:-KEPT_RELEASES]:
        remove(paths, path)
    later.forget(paths.later, (path.name for path in paths.releases.iterdir()))


def remove(paths: Paths, release: Path) -> None:
    """Remove a release. It is no release any more before the first of its files goes: half of one is never found."""
    with files.temporary(paths.work, release.name) as away:
        files.open_folder(release)
        release.replace(away)
        files.sync(away.parent)  # else a power cut could give a half of it its name back
