"""Machines that share a warehouse: each a home, whose runs load made-up facts and publish them as a run of the flow does.

Fetching, checks and marts are left out, which take most of a run. What is left is the frame of a run (`pipeline.sharing`),
the loading, and the publication.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.conftest import with_provenance
from warehouse import files
from warehouse.database import loading, reading, releases, views
from warehouse.database import store as stores
from warehouse.database.limits import Limits
from warehouse.paths import CURRENT, WAREHOUSE, create_folders, paths_of
from warehouse.pipeline import publish, record, sharing, starting
from warehouse.pipeline.context import RunContext
from warehouse.settings import load_settings
from warehouse.tables import CORE, SYSTEM

SHARES = CORE["shares_outstanding"]
MARTS = "marts.assumptions"


def sha256(document: int) -> str:
    return f"{document:064d}"


def facts(document: int) -> pl.DataFrame:
    """What a document says: of a ticker of its own and of one that all of them name, the same count."""
    frame = pl.DataFrame(
        {"ticker": [f"T{document}", "ALL"], "measured_on": [date(2024, 11, 15)] * 2, "shares": [document, 1]}
    ).with_columns(
        known_on=pl.lit(date(2024, 11, 20)),
        grade=pl.lit("A"),
        loaded_at=pl.lit(datetime(2026, 1, 1, tzinfo=UTC)),
        document_sha256=pl.lit(sha256(document)),
        locator=pl.Series(["line 1", "line 2"]),
    )
    return with_provenance(SHARES, frame)


@dataclass
class Machine:
    """A home whose warehouse is a lake. `more` are further variables of its environment."""

    home: Path
    address: str
    more: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def within(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith(("OVERBUILD_", "AWS_", "PG"))]:
                patch.delenv(name)
            given = {"OVERBUILD_HOME": str(self.home), "OVERBUILD_WAREHOUSE": self.address, **self.more}
            for name, value in given.items():
                patch.setenv(name, value)
            yield

    def run(self, *documents: int, meanwhile: Callable[[], Any] = lambda: None, shows: bool = False) -> str:
        """Load documents and publish them; gives the run's id. `meanwhile` is done before the run waits for its turn.

        With `shows`, views are made, too, which take longer than all the rest.
        """
        with self.within():
            settings = load_settings()
            paths = paths_of(settings)
            create_folders(paths)
            publish.clear_left_behind(paths)
            started = datetime.now(UTC)
            run = RunContext(f"{started:%Y%m%dT%H%M%S%f}-{self.home.name}", started, paths, settings, source="live")
            try:
                with sharing.opened(paths, settings, run.folder) as shared:
                    assert shared is not None
                    base = sharing.base(paths, shared, starting.base(paths, "", print), print)
                    run = RunContext(**{**vars(run), "base": base, "shared": shared})
                    return self._worked(run, documents, meanwhile, shows)
            finally:
                files.remove_folder(run.folder)

    def _worked(self, run: RunContext, documents: tuple[int, ...], meanwhile: Callable[[], Any], shows: bool) -> str:
        run.release.mkdir(parents=True)
        if run.base.warehouse is not None:
            files.clone(run.base.warehouse, run.release / WAREHOUSE)
        with stores.opened(run.release / WAREHOUSE, run.folder / "staging.duckdb") as store:
            known = {sha for (sha,) in store.execute("SELECT sha256 FROM provenance.documents").fetchall()}
            for document in documents:
                if sha256(document) not in known:
                    store.staging.record(SYSTEM["documents"], _document(document))
                    store.staging.add(SHARES, facts(document))
            store.staging.flush()
            meanwhile()
            run = sharing.take_turn(store, run, print)
            loading.load(store, SHARES)
            count = store.scalar("SELECT count(*) FROM core.shares_outstanding")
            store.execute(f"CREATE OR REPLACE TABLE {MARTS} AS SELECT {count} AS facts")
            if shows:
                views.create(store, date(2025, 1, 1))
            record.record_run(store, run, "published", run.today)
            store.finish()
        sharing.publish(run)
        publish.publish(run.paths, run.release, run.run_id, None)
        return run.run_id

    @contextmanager
    def reading(self) -> Iterator[Callable[[str], list[tuple[Any, ...]]]]:
        """What `overbuild sql` would answer."""
        with self.within(), releases.reading(self.home / CURRENT / WAREHOUSE, Limits()) as connection:
            yield lambda query: reading.execute(connection, reading.one(connection, query)).fetchall()

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        with self.reading() as asked:
            return asked(query)


def _document(document: int) -> dict[str, Any]:
    row = {
        "sha256": sha256(document), "source": "made_up", "source_kind": "live", "url": f"https://example.org/{document}",
        "context": "{}", "name": str(document), "fetched_at": datetime.now(UTC), "bytes": 1, "media_type": "text/plain",
        "known_on": date(2024, 11, 20), "parsed_by": "1",
    }  # fmt: skip
    return row
