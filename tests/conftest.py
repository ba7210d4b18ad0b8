"""Facts for the tests: the packaged snapshot, parsed by the same code as in a run, without a database."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
from collections.abc import Generator, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

import warehouse.quality  # noqa: F401  (before what imports jsonschema: it says there why)
from tests import built, examples  # noqa: F401  (loads the profile of Hypothesis)
from tests.live_server import LiveServer
from warehouse.assumptions import Assumptions, load
from warehouse.calendars.exchange import sessions
from warehouse.database import connection, fact_ids
from warehouse.fetching.client import Local
from warehouse.paths import WAREHOUSE, Paths
from warehouse.settings import Settings
from warehouse.sources.reference import SOURCES
from warehouse.tables.table import FACT_ID, Table

SLOW = [
    "flows/test_run.py", "reports/browser/test_pages.py", "flows/test_live_run.py", "flows/test_in_prefect.py",
    "quality/test_corruptions.py", "pipeline/test_ingest.py", "database/test_lake.py", "flows/test_bad_data.py",
    "reports/site/test_write.py", "marts/verdict/test_verdict_timeline.py", "reports/browser/test_figures.py",
    "pipeline/test_what_if.py", "reports/browser/test_data_docs.py", "flows/test_cluster.py",
    "flows/test_schedules.py", "reports/test_lineage.py", "cli/test_sql.py", "reports/browser/test_sql_page.py",
    "cli/test_quality.py", "pipeline/test_new_rows.py", "sources/test_epoch.py", "fetching/test_hostile.py",
    "quality/test_checks.py", "fetching/test_client.py", "sources/test_sec.py", "database/test_lake_on_s3.py",
    "marts/test_as_of.py", "database/test_reading.py", "sources/test_daily_bars.py",
    "marts/verdict/test_waste_variants.py", "api/test_api.py", "sources/test_gpu_ingest.py",
    "marts/verdict/test_q4_market.py", "database/test_interface.py", "marts/test_determinism.py",
    "torture/test_forking.py", "reports/site/test_figures_open.py", "cli/test_app.py", "cli/test_commands.py",
    "cli/test_mcp.py",
]  # fmt: skip
"""Files that take longest, which start first: a long one that starts last keeps one process busy and the others idle."""


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Collect the tests without collecting garbage meanwhile: nearly all that is imported stays, a fifth of the time."""
    gc.disable()
    try:
        _import_own_share_first()
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def _import_own_share_first() -> None:
    """Processes start with different files: what one has rewritten for its asserts, the others read from its bytecode."""
    worker, count = os.environ.get("PYTEST_XDIST_WORKER", ""), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    here = Path(__file__).parent
    names = sorted(".".join(path.relative_to(here.parent).with_suffix("").parts) for path in here.rglob("test_*.py"))
    own = int(worker.removeprefix("gw") or 0)
    for name in names[own * len(names) // count :] if own else ():
        with contextlib.suppress(Exception, pytest.skip.Exception):  # the collection says what is wrong with it
            importlib.import_module(name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {Path(__file__).parent / name: place for place, name in enumerate(SLOW)}
    if gone := [path for path in places if not path.exists()]:
        raise pytest.UsageError(f"files of SLOW that are no longer there: {gone}")
    items.sort(key=lambda item: places.get(item.path, len(places)))


LOADED_AT = datetime(2026, 11, 10, tzinfo=UTC)
SHARED = Path(__file__).parent.parent.parent / "shared"
AS_OF = date(2026, 11, 9)
_DATABASE = connection.in_memory()


@pytest.fixture(scope="session")
def facts() -> dict[str, pl.DataFrame]:
    """The frames of `core` by name, and `sessions`."""
    found: dict[str, pl.DataFrame] = {}
    for source in SOURCES:
        for received in source.fetch(Local(Settings())):
            for batch in source.parse(received.document("0" * 64)):
                assert batch.unreadable.is_empty()
                found[batch.table.name] = with_provenance(batch.table, batch.frame, source.name)
    found["sessions"] = sessions(date(2018, 1, 1), date(2026, 12, 31))
    return found


def with_provenance(table: Table, frame: pl.DataFrame, source: str = "test") -> pl.DataFrame:
    """`frame` with the columns that the loading adds, where it lacks them."""
    named = pl.col("source") if "source" in frame.columns else pl.lit(source)
    added = {
        "known_on": pl.lit(date(2025, 1, 1)),
        "loaded_at": pl.lit(LOADED_AT),
        "source": pl.lit(source),
        "source_kind": pl.when(named.str.starts_with("reference_")).then(pl.lit("reference")).otherwise(pl.lit("live")),
        "citation": pl.lit("made up for a test"),
        "document_sha256": pl.lit("0" * 64),
        "locator": pl.lit("line 1"),
        "grade": pl.lit("A"),
    }
    whole = table.conform(frame.with_columns(**{n: e for n, e in added.items() if n not in frame.columns}))
    database = _DATABASE.cursor()
    database.register("given", whole.to_arrow())
    ids = database.execute(f"SELECT {fact_ids.expression(table)} AS {FACT_ID} FROM given").pl()
    return whole.with_columns(ids.get_column(FACT_ID))


@pytest.fixture(scope="session", autouse=True)
def marts_built_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Processes of one session share the marts that `tests.built` made."""
    built.FOLDER[:] = [shared_by_processes(tmp_path_factory) / "marts"]


def shared_by_processes(folders: pytest.TempPathFactory) -> Path:
    """A folder of this session that all processes have in common."""
    base = folders.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def assumptions() -> Assumptions:
    return load()


EXCERPTS = Path(__file__).parent / "excerpts"


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    """A home with one whole run of the packaged snapshot, and its summary: one for all files and processes."""
    from tests.runs import published_once

    return published_once(shared_by_processes(tmp_path_factory))


@pytest.fixture(scope="session")
def published_paths(published) -> Paths:
    """The paths of that home, for tests that read it in their own process."""
    home, _ = published
    return Paths(home, home / WAREHOUSE)


def recorded(*parts: str) -> Path:
    """A recorded response; skips the test where the folder of recorded responses is not beside the project."""
    path = SHARED.joinpath("recorded", *parts)
    if not path.exists():
        pytest.skip(f"needs the team's recorded responses, which are not beside this clone: {'/'.join(parts)}")
    return path


@pytest.fixture
def live_server() -> Iterator[LiveServer]:
    """A server that plays the live sources (tests/live_server.py)."""
    with LiveServer() as server:
        yield server
