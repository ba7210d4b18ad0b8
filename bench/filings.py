"""Filings: parsing and loading the facts of N companies, ours against pandas on the same bodies; memory as N grows.

    python bench/filings.py [COMPANIES]

The bodies are Nvidia's as recorded where the team's recorded responses lie beside the project, else made to form: five
hundred tags of fifty rows. Both sides read the same tags, type them and put them into a DuckDB table.
"""

from __future__ import annotations

import gzip
import json
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from warehouse.sources import sec
from warehouse.sources.source import Document
from warehouse.store import opened, provenance

RECORDED = Path(__file__).parents[2] / "shared" / "recorded" / "sec" / "nvda_companyfacts_full_2026.json.gz"
TARGET = 10.0
LOADED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def made_up() -> dict:
    rows = [
        {"start": f"{2014 + n // 4}-{1 + n % 4 * 3:02}-01", "end": f"{2014 + n // 4}-{3 + n % 4 * 3:02}-28", "val": n * 10**6,
         "accn": f"0001-{n:06}", "fy": 2014 + n // 4, "fp": "Q1", "form": "10-Q", "filed": f"{2015 + n // 4}-02-01"}
        for n in range(50)
    ]  # fmt: skip
    listed = {
        tag
        for measure in sec.tags("NVDA")
        if measure.is_flow
        for taxonomy, tag in measure.tags
        if taxonomy == "us-gaap"
    }
    named = sorted(listed) + [f"Other{n}" for n in range(500 - len(listed))]
    units = {"USD": rows}
    return {
        "cik": 1,
        "entityName": "X",
        "facts": {"us-gaap": {tag: {"label": "x" * 40, "units": units} for tag in named}},
    }


def bodies(count: int) -> list[tuple[int, bytes]]:
    body = json.loads(gzip.decompress(RECORDED.read_bytes())) if RECORDED.exists() else made_up()
    return [(cik, json.dumps(body | {"cik": cik}, separators=(",", ":")).encode()) for cik in range(1, count + 1)]


def ours(given: list[tuple[int, bytes]], folder: Path) -> int:
    with opened(folder / "ours.duckdb", folder / "staging.duckdb") as store:
        for cik, body in given:
            url = f"{sec.FACTS_URL.format(cik=cik)}#ticker=T{cik}&fiscal_year_end_month=1"
            with store.one_document() as stage:
                for batch in sec._parse(Document(f"{cik:064}", f"T{cik}", url, body)):
                    rows = provenance(
                        batch.table, batch.frame, source="sec", document_sha256=f"{cik:064}", loaded_at=LOADED_AT
                    )
                    stage(batch.table, rows)
        return sum(store.load(table) for table in store.staged())


def with_pandas(given: list[tuple[int, bytes]], folder: Path) -> int:
    import pandas as pd

    with duckdb.connect(str(folder / "pandas.duckdb")) as connection:
        for number, (cik, body) in enumerate(given):
            facts = json.loads(body)["facts"]
            frames = []
            for measure in sec.tags(f"T{cik}"):
                for taxonomy, tag in measure.tags:
                    rows = facts.get(taxonomy, {}).get(tag, {}).get("units", {}).get("USD", [])
                    if rows:
                        frames.append(pd.DataFrame(rows).assign(ticker=f"T{cik}", measure=measure.name, tag=tag))
            frame = pd.concat(frames)
            for column in ("start", "end", "filed"):
                frame[column] = pd.to_datetime(frame[column])
            frame = frame.reindex(columns=["ticker", "measure", "tag", "start", "end", "val", "form", "accn", "filed"])
            connection.execute(
                "CREATE TABLE facts AS FROM frame" if number == 0 else "INSERT INTO facts SELECT * FROM frame"
            )
        return connection.execute("SELECT count(*) FROM facts").fetchone()[0]


def seconds(work: Callable[[list[tuple[int, bytes]], Path], int], given: list[tuple[int, bytes]]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        work(given, Path(folder))
        return time.perf_counter() - started


def peak_mib(given: list[tuple[int, bytes]]) -> float:
    """Peak of what Python allocates while parsing one body after the other."""
    tracemalloc.start()
    for cik, body in given:
        for batch in sec._parse(Document("0" * 64, "T", f"{sec.FACTS_URL.format(cik=cik)}#ticker=T", body)):
            assert batch.frame.width
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return peak


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    given = bodies(count)
    size = len(given[0][1]) / 2**20
    seconds(ours, given[:2]), seconds(with_pandas, given[:2])  # imports
    times = [(seconds(ours, given), seconds(with_pandas, given)) for _ in range(3)]
    mine, pandas = (statistics.median(side) for side in zip(*times, strict=True))
    print(f"{count} companies of {size:.1f} MiB, parsed and loaded: ours {mine:.2f} s, pandas {pandas:.2f} s, "
          f"{pandas / mine:.1f} times faster (target {TARGET:g})")  # fmt: skip
    parsed = statistics.median(seconds(lambda g, _: parse_only(g), given) for _ in range(3))
    print(f"parsed alone: {parsed / count * 1000:.1f} ms a company")
    few, many = peak_mib(given[:3]), peak_mib(given)
    print(f"peak memory of parsing: {few:.1f} MiB for 3 companies, {many:.1f} MiB for {count}")


def parse_only(given: list[tuple[int, bytes]]) -> int:
    return sum(
        batch.frame.height
        for cik, body in given
        for batch in sec._parse(Document("0" * 64, "T", f"{sec.FACTS_URL.format(cik=cik)}#ticker=T", body))
    )


if __name__ == "__main__":
    main()
