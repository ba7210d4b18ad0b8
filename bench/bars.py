"""Bars of a whole market: loading and checking them, and reading one ticker of many.

    python -m bench.bars [BARS]        (default 3,600,000)

Bars of made-up tickers, 2,000 sessions each, lie in Parquet files. Ours is what a run does with such documents: archive,
parse, give every row its provenance, stage, check each row and each beside its neighbours, load. It is held against DuckDB
reading the same files into a table, and asking the same conditions in SQL of that table. Both must hold the same bars in
the end.

Then what a reader does is asked of that warehouse and of one with a hundredth of the bars: the bars of one ticker, as they
are now and as of a day. What a reader asks for is equally much, so the times should be, too.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from bench.lines import in_turn, peak_mib, report
from bench.snapshot import facts
from warehouse import marts
from warehouse.calendars.exchange import sessions
from warehouse.database import releases, views
from warehouse.database.loading import load
from warehouse.database.store import Store, opened
from warehouse.fetching import archive
from warehouse.paths import Paths
from warehouse.pipeline.context import RunContext
from warehouse.pipeline.documents import Ingested, take
from warehouse.pipeline.quarantine import quarantine
from warehouse.quality import checks
from warehouse.settings import Settings
from warehouse.sources import tiingo
from warehouse.sources.common.source import Batch, Document, Received, Source
from warehouse.tables import CORE, SYSTEM

SESSIONS = 2_000
PARQUET = "application/vnd.apache.parquet"
TICKERS_A_DOCUMENT = 50
TODAY = date(2026, 1, 1)
LOADED_AT = datetime(2026, 1, 1, tzinfo=UTC)
BARS = CORE["stock_prices"]
ROUNDS, READS = 2, 30
BOTH_TOGETHER, AT_ANY_SIZE, PEAK_MIB = 2.5, 1.5, 1024
MADE = """
COPY (
  SELECT ticker, date, open, greatest(open, close) * 1.01 AS high, least(open, close) * 0.99 AS low, close,
    close AS adj_close, volume, date AS known_on, 'made up' AS citation, 'row ' || place AS locator, 'A' AS grade
  FROM (SELECT 'T' || (i // {sessions}) AS ticker, s.session AS date, 100 + (hash(i % {sessions}) % 2000) / 1000.0 +
      (hash(i) % 997) / 997.0 AS close, 100 + (hash(i % {sessions}) % 2000) / 1000.0 + (hash(i + 1) % 997) / 997.0 AS open,
      1000000 + (hash(i) % 100000)::BIGINT AS volume, i AS place
    FROM range({first}, {last}) t(i) JOIN days s ON s.place = i % {sessions})
  ORDER BY place
) TO '{path}' (FORMAT parquet)"""


def _parse(document: Document) -> Iterator[Batch]:
    yield Batch(BARS, pl.read_parquet(document.content if isinstance(document.content, Path) else document.open()))


SOURCE: Source = replace(tiingo.SOURCES[0], name="made_up", parse=_parse)


def lay_down(bars: int, folder: Path) -> list[Path]:
    """The bars as Parquet files of some tickers each."""
    folder.mkdir()
    days = sessions(date(2016, 1, 1), date(2025, 12, 31)).tail(SESSIONS).with_row_index("place")
    files = []
    with duckdb.connect() as connection:
        connection.register("days", days.to_arrow())
        step = SESSIONS * TICKERS_A_DOCUMENT
        for first in range(0, bars, step):
            files.append(folder / f"{first:012}.parquet")
            last = min(first + step, bars)
            connection.execute(MADE.format(sessions=SESSIONS, first=first, last=last, path=files[-1]))
    return files


# -- ours -------------------------------------------------------------------------------------------------------------


def ours(files: list[Path], folder: Path) -> int:
    """Load the files into `folder`/warehouse.duckdb with every check of new rows; how many bars it holds."""
    run = RunContext("bench", LOADED_AT, Paths(folder, folder / "warehouse.duckdb"), Settings(home=folder))
    found = Ingested(SOURCE)
    with prepared(folder, files) as store:
        store.limit_memory(folder)
        for path in files:
            received = Received(path.name, f"made-up:{path.name}", PARQUET, path.read_bytes(), LOADED_AT)
            document = archive.keep(run.paths.raw, received)
            take(document, PARQUET, LOADED_AT, store, run, found)
        quarantine(store, run, [found])
        load(store, BARS)
        views.create(store, TODAY, views.statements(), [mart.table for mart in marts.all_marts().values()])
        count = store.scalar("SELECT count(*) FROM core.stock_prices")
        store.finish()
    return int(count)


@contextmanager
def prepared(folder: Path, files: list[Path]) -> Iterator[Store]:
    """A store with all tables, the exchange's sessions, and companies of those tickers."""
    companies = facts(["companies"])["companies"].head(1).drop("ticker")
    named = pl.DataFrame({"ticker": [f"T{n}" for n in range(len(files) * TICKERS_A_DOCUMENT)]})
    with opened(folder / "warehouse.duckdb", folder / "staging.duckdb") as store:
        store.create([*CORE.values(), *SYSTEM.values(), *(mart.table for mart in marts.all_marts().values())])
        store.put_sessions(sessions(date(2010, 1, 1), date(2026, 12, 31)))
        store.append(CORE["companies"], CORE["companies"].conform(named.join(companies, how="cross")))
        yield store


def plain(files: list[Path], folder: Path) -> int:
    """Read the files with DuckDB and ask the same conditions in SQL; how many bars there are."""
    with duckdb.connect(str(folder / "plain.duckdb")) as connection:
        connection.execute("CREATE SCHEMA core; CREATE SCHEMA provenance")
        connection.execute("ATTACH ':memory:' AS calendar")
        connection.register("given", sessions(date(2010, 1, 1), date(2026, 12, 31)).to_arrow())
        connection.execute("CREATE TABLE calendar.sessions AS FROM given")
        connection.execute(
            f"CREATE TABLE core.stock_prices AS SELECT {', '.join(BARS.names)} FROM (SELECT *, now() AS loaded_at, "
            "'made_up' AS source, 'live' AS source_kind, repeat('0', 64) AS document_sha256, "
            "left(md5(locator), 16) AS fact_id FROM read_parquet(?))",
            [[str(path) for path in files]],
        )
        connection.execute("CREATE TABLE core.companies AS SELECT DISTINCT ticker FROM core.stock_prices")
        connection.execute(
            "CREATE TABLE core.corporate_actions (ticker VARCHAR, date DATE, kind VARCHAR, value DOUBLE)"
        )
        connection.execute("CREATE TABLE core.shares_outstanding (ticker VARCHAR, measured_on DATE, shares BIGINT)")
        connection.execute("CREATE TABLE provenance.documents AS SELECT repeat('0', 64) AS sha256, 'made up' AS name")
        each = ", ".join(f"count(*) FILTER ({checks.rendered(c, today=TODAY)})" for c in checks.conditions(BARS))
        bad = sum(connection.execute(f"SELECT {each} FROM core.stock_prices r").fetchall()[0])
        for check in checks.rules(BARS):
            if not check.quarantines:
                wanted = checks.bad_rows(check, today=TODAY, relation="core.stock_prices")
                bad += connection.execute(f"SELECT count(*) FROM ({wanted})").fetchall()[0][0]
        if bad:
            raise SystemExit(f"{bad} of the bars that were made up break a check")
        return int(connection.execute("SELECT count(*) FROM core.stock_prices").fetchall()[0][0])


# -- readers ----------------------------------------------------------------------------------------------------------

ASKED = {
    "one ticker from the view": ("SELECT * FROM stock_prices WHERE ticker = 'T3'", ()),
    "one ticker as of a day": ("SELECT * FROM stock_prices_as_of(?) WHERE ticker = 'T3'", (date(2024, 6, 30),)),
}


def milliseconds(warehouse: Path, sql: str, parameters: tuple[Any, ...]) -> float:
    """The median time of a query, after a first one."""
    with releases.reading(warehouse) as connection:
        took = []
        for _ in range(READS):
            started = time.perf_counter()
            connection.execute(sql, list(parameters)).fetch_arrow_table()
            took.append(time.perf_counter() - started)
    return statistics.median(took[1:]) * 1000


def measured(what: str, files: list[Path], folder: Path) -> dict[str, float]:
    """Processor seconds, bars and peak memory of one side, in a process of its own."""
    given = json.dumps([what, [str(path) for path in files], str(folder)])
    command = [sys.executable, "-m", "bench.bars", "--side", given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def side(given: str) -> None:
    what, names, folder = json.loads(given)
    files = [Path(name) for name in names]
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        from warehouse.quality import validate  # noqa: F401  (Great Expectations: a library's start is no part of loading)

        work = {"ours": ours, "plain": plain}[what]
        started = time.process_time()
        count = work(files, Path(scratch))
        print(json.dumps({"seconds": time.process_time() - started, "bars": count, "mib": peak_mib()}))


def main() -> None:
    bars = int(sys.argv[1].replace(",", "")) if len(sys.argv) > 1 else 3_600_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = lay_down(bars, folder / "documents")
        found: dict[str, list[dict[str, float]]] = {"ours": [], "plain": []}

        def seconds(what: str) -> float:
            found[what].append(measured(what, files, folder))
            return found[what][-1]["seconds"]

        times = in_turn(lambda: seconds("ours"), lambda: seconds("plain"), ROUNDS)
        if counts := {each["bars"] for every in found.values() for each in every} - {bars}:
            raise SystemExit(f"of {bars:,} bars {counts} came in")
        against, equal = "DuckDB reading the files, and the conditions in SQL", f"{bars:,} bars"
        report(f"loading and checking {bars:,} bars", against, "CPU s", *times, target=BOTH_TOGETHER, equal=equal)
        peaks = [each["mib"] for each in found["ours"]]
        report(f"loading and checking {bars:,} bars: peak memory", "limit", "MiB", peaks, target=PEAK_MIB)
        homes = {}
        fewer = 0
        for size, some in (("whole", files), ("part", files[: max(1, len(files) // 100)])):
            homes[size] = folder / size
            homes[size].mkdir()
            fewer = ours(some, homes[size])
        for what, (sql, parameters) in ASKED.items():
            whole, part = (homes[size] / "warehouse.duckdb" for size in ("whole", "part"))
            rows = [_rows(path, sql, parameters) for path in (whole, part)]
            if rows[0] != rows[1]:
                raise SystemExit(f"{what}: the two warehouses answer otherwise")
            asked = [partial(milliseconds, path, sql, parameters) for path in (whole, part)]
            times = in_turn(asked[0], asked[1], 3)
            equal = f"{len(rows[0]):,} rows"
            report(f"{what}, of {bars:,}", f"of {fewer:,}", "ms", *times, target=AT_ANY_SIZE, equal=equal)


def _rows(warehouse: Path, sql: str, parameters: tuple[Any, ...]) -> list[Any]:
    with releases.reading(warehouse) as connection:
        return connection.execute(f"SELECT ticker, date, close FROM ({sql}) ORDER BY date", list(parameters)).fetchall()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        side(sys.argv[2])
    else:
        main()
