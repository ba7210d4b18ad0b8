"""All marts against what a run builds where little is new: a new day, and one new bar; at 1 and at 10 times the prices.

    python -m bench.increments [TIMES]        (default 1 and 10)

Marts are built whole, then a day later without a new fact, then with one new bar of Nvidia, then whole once more from the
same facts. What stands and what was built must be equal to that, value by value, or the program ends with what differs.
More prices are the panel's bars under tickers that no company of the panel has. Ours alone: the mechanism is our own, so
they are held against building everything. Processor seconds, in one process; memory is the peak of the process.
"""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import date, timedelta

import polars as pl

from bench.lines import peak_mib, report
from bench.snapshot import facts
from warehouse import marts
from warehouse.assumptions import load
from warehouse.calendars.exchange import FIRST_SESSION, sessions
from warehouse.marts.common.standing import Made

AS_OF = date(2026, 11, 9)
NEXT = AS_OF + timedelta(days=1)
TARGET = 0.5
PEAK_MIB = 1024


def many(prices: pl.DataFrame, times: int) -> pl.DataFrame:
    """The bars of `times` as many tickers."""
    return pl.concat([prices, *(prices.with_columns(pl.col("ticker") + f".{n}") for n in range(1, times))])


def measure(times: int) -> None:
    assumptions = load()
    kept: dict[str, pl.DataFrame] = {}
    made: dict[str, Made] = {}
    known = facts()
    known["stock_prices"] = many(known["stock_prices"], times).sort("ticker", "date")
    bar = known["stock_prices"].filter(ticker="NVDA").sort("date").tail(1)
    bar = bar.with_columns(pl.lit(NEXT).alias("date"), pl.lit(NEXT).alias("known_on"), pl.col("close") * 1.01)
    more = {
        **known,
        "stock_prices": pl.concat([known["stock_prices"], bar]).sort("ticker", "date", maintain_order=True),
    }
    later = sessions(FIRST_SESSION, NEXT)
    marts.all_marts()
    steps = (
        ("everything new", known, AS_OF, sessions(FIRST_SESSION, AS_OF)),
        ("nothing new", known, AS_OF, sessions(FIRST_SESSION, AS_OF)),
        ("a new day", known, NEXT, later),
        ("one new bar", more, NEXT, later),
    )
    rows = []
    for what, given, day, of_exchange in steps:
        began = time.process_time()
        built, made = marts.build_changed(
            {**given, "sessions": of_exchange},
            as_of=day,
            assumptions=assumptions,
            before=made,
            read=kept.__getitem__,
        )
        rows.append((what, len(built), time.process_time() - began))
        kept |= built
    began = time.process_time()
    whole = marts.build({**more, "sessions": later}, as_of=NEXT, assumptions=assumptions)
    alone = time.process_time() - began
    if differing := [name for name in whole if not whole[name].equals(kept[name])]:
        sys.exit(f"built by increments, these marts are others: {', '.join(differing)}")
    equal = f"{len(whole)} marts, every value"
    for what, count, spent in rows[1:]:
        line = f"marts, {what} ({count} of {len(whole)} built), {times} times the prices"
        report(line, "all marts built", "CPU s", [spent], [alone], target=TARGET, equal=equal)
    report(f"marts, {times} times the prices: peak memory", "limit", "MiB", [peak_mib()], target=PEAK_MIB)


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [1, 10]
    if len(sizes) == 1:
        measure(sizes[0])
        return
    for size in sizes:  # a process each, so that the peak is its own
        subprocess.run([sys.executable, "-m", "bench.increments", str(size)], check=True)


if __name__ == "__main__":
    main()
