"""The cost of checking: all checks of prices, against the same conditions as plain SQL, and against pandas.

    python -m bench.checks [ROWS] [ROWS_FOR_PANDAS]        (default 10,000,000 and 1,000,000)

Bars of made-up tickers are put into DuckDB once. Then, in processes of their own and in turn: every check of
`core.stock_prices` through Great Expectations, as a run does it; the same conditions as plain SQL (those of single rows in
one pass, each of the others as its own query); and, on fewer rows, the checks that Great Expectations has for pandas (columns,
nulls, bounds, sets, the order of high and low, uniqueness) on a data frame, against the same checks on DuckDB. Memory is the
peak beyond that of a process that has imported the same and checks nothing. Both sides must count as many rows at fault.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence

import duckdb

from bench.lines import in_turn, of_a_process, report

SESSIONS = 2_000
COMMON = """
import json, sys, time
from datetime import UTC, date, datetime
import duckdb
from warehouse.quality import checks
from warehouse.quality.findings import Target
from warehouse.tables import CORE
TABLE, TODAY, PATH = CORE["stock_prices"], date(2026, 1, 1), sys.argv[1]
def peak():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
def opened():
    con = duckdb.connect()
    con.execute(f"attach '{PATH}' as warehouse (read_only); attach ':memory:' as calendar")
    con.execute("use warehouse; create table calendar.sessions as from warehouse.main.sessions")
    con.execute("set threads = 2; set preserve_insertion_order = false")
    return con
def now():
    return time.perf_counter(), time.process_time()
def done(started, floor, found):
    took = {name: end - start for name, start, end in zip(("seconds", "cpu_seconds"), started, now())}
    print(json.dumps({**took, "mib": peak() - floor, "found": found}))
"""
OURS = (
    COMMON
    + """
from warehouse.quality.validate import validate
con = opened()
floor, started = peak(), now()
targets = [Target(TABLE, "core.stock_prices", "all")]
report = validate(con, targets, run_id="b", checked_at=datetime.now(UTC), today=TODAY)
assert not report.broken, report.broken
done(started, floor, sum(f.count for f in report.findings))
"""
)
PLAIN = (
    COMMON
    + """
con = opened()
floor, started = peak(), now()
rows = checks.conditions(TABLE)
each = ", ".join(f"count(*) filter ({checks.rendered(c, today=TODAY)})" for c in rows)
found = sum(con.execute(f"select {each} from core.stock_prices r").fetchone())
for check in checks.rules(TABLE):
    if not check.quarantines:
        bad = checks.bad_rows(check, today=TODAY, relation="core.stock_prices")
        found += con.execute(f"select count(*) from ({bad})").fetchone()[0]
done(started, floor, found)
"""
)
# The part of the suite that Great Expectations has for data frames, too; prices in order as pairs of columns.
SUITE = (
    COMMON
    + """
NATIVE = (checks.NOT_NULL, checks.BETWEEN, checks.IN_SET, checks.COMPOUND_UNIQUE, checks.COLUMNS, checks.ROW_COUNT)
kept = tuple(c for c in TABLE.checks if c.name == "ohlc_consistent")
NAMES = TABLE.names
"""
)
ON_DUCKDB = (
    SUITE
    + """
from warehouse.quality.validate import validate
con = opened()
floor, started = peak(), now()
original = checks.rules
checks.rules = lambda table: [c for c in original(table) if c.name in NATIVE] + list(kept)
targets = [Target(TABLE, "core.stock_prices", "all")]
report = validate(con, targets, run_id="b", checked_at=datetime.now(UTC), today=TODAY)
assert not report.broken, report.broken
done(started, floor, sum(f.count for f in report.findings))
"""
)
ON_PANDAS = (
    SUITE
    + """
import os
os.environ["GX_ANALYTICS_ENABLED"] = "False"
import great_expectations as gx, pandas as pd
import great_expectations.expectations as gxe
from great_expectations.data_context.types.base import ProgressBarsConfig
from warehouse.quality import expectations
con = opened()
context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
floor, started = peak(), now()
frame = con.execute("select * from core.stock_prices").df()
asset = context.data_sources.add_pandas("p").add_dataframe_asset("a")
batch = asset.add_batch_definition_whole_dataframe("b").get_batch(batch_parameters={"dataframe": frame})
asked = [e for c in checks.rules(TABLE) if c.name in NATIVE for e in [expectations._native(c, TABLE, {})]]
for high, low in (("high", "low"), ("high", "open"), ("high", "close"), ("open", "low"), ("close", "low")):
    asked.append(gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A=high, column_B=low, or_equal=True))
result = batch.validate(gx.ExpectationSuite(name="s", expectations=asked), result_format="BASIC")
done(started, floor, sum(not r.success for r in result.results))
"""
)
MADE = """
create schema core; create schema provenance;
create table main.sessions as select (date '2000-01-03' + i::int) as session from range({sessions}) t(i);
create table core.stock_prices as
  select ticker, date, open, greatest(open, close) * 1.01 as high, least(open, close) * 0.99 as low, close,
    close as adj_close, volume, date as known_on, timestamptz '2026-01-01 00:00:00+00' as loaded_at, 'made_up' as source,
    'live' as source_kind,
    'made up' as citation, '{sha}' as document_sha256, 'row ' || place as locator, 'A' as grade,
    left(md5(place::varchar), 16) as fact_id
  from (select 'T' || (i // {sessions}) as ticker, date '2000-01-03' + (i % {sessions})::int as date,
      100 + 2 * (hash(i % {sessions}) % 1000) / 1000.0 + (hash(i) % 997) / 997.0 as close,
      100 + 2 * (hash(i % {sessions}) % 1000) / 1000.0 + (hash(i + 1) % 997) / 997.0 as open,
      1000000 + hash(i) % 100000 as volume, i as place from range({rows}) t(i));
create table core.companies as select distinct ticker from core.stock_prices;
create table core.corporate_actions (ticker varchar, date date, kind varchar, value double);
create table core.shares_outstanding (ticker varchar, measured_on date, shares bigint);
create table provenance.documents as select '{sha}' as sha256, 'made up' as name;
"""


def made(folder: str, rows: int) -> str:
    path = f"{folder}/{rows}.duckdb"
    with duckdb.connect(path) as con:
        con.execute(MADE.format(rows=rows, sessions=SESSIONS, sha="0" * 64))
    return path


def compare(
    what: str, ours: str, against: str, theirs: str, path: str, targets: Sequence[float | None], rounds: int
) -> None:
    """Two lines, processor seconds and memory, with a target each; ends the program where the two find other rows at fault."""
    found: dict[str, list[dict[str, float]]] = {ours: [], theirs: []}

    def measured(program: str) -> float:
        found[program].append(of_a_process(program, path))
        return found[program][-1]["cpu_seconds"]

    times = in_turn(lambda: measured(ours), lambda: measured(theirs), rounds)
    counts = {each["found"] for each in (*found[ours], *found[theirs])}
    if len(counts) > 1:
        raise SystemExit(f"{what}: the two sides count other rows at fault: {sorted(counts)}")
    equal = f"{counts.pop():,.0f} rows at fault"
    report(what, against, "CPU s", *times, target=targets[0], equal=equal)
    peaks = [[each["mib"] for each in found[program]] for program in (ours, theirs)]
    report(f"{what}: memory", against, "MiB", *peaks, target=targets[1], equal=equal)


def main(rows: int, fewer: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        few, many = made(folder, fewer), made(folder, rows)
        what = f"checks of {fewer:,} bars that Great Expectations has for pandas"
        compare(what, ON_DUCKDB, "Great Expectations on pandas", ON_PANDAS, few, (0.2, 0.2), 3)
        compare(f"all checks of {rows:,} bars", OURS, "the same conditions in SQL", PLAIN, many, (2.0, None), 2)


if __name__ == "__main__":
    given = [int(text.replace(",", "")) for text in sys.argv[1:]]
    main(*(given + [10_000_000, 1_000_000][len(given) :]))
