"""Filings: parsing and loading the facts of N companies, ours against pandas on the same files; memory as N grows.

    python -m bench.filings [COMPANIES]        (default 30)

The bodies are Nvidia's as recorded where the team's recorded responses lie beside the project, else made to form: five
hundred tags of fifty rows. Each side starts from the files and ends with the same rows in a DuckDB file.

Ours is what a run does after a document is in the archive. It parses, gives every row its provenance, stages it and
records the document. It quarantines rows that break a rule or contradict an earlier one, loads what is new and writes
the file. The tables are there before the clock starts. Great Expectations' report is no part of loading.

pandas is what one would write by hand for the same rows, at its best speed: the standard library reads the JSON; the
same tags are flattened; days are typed; period type, fiscal year and quarter, citation and locator are worked out; the
same conditions on single rows (missing, out of bounds, unknown word, periods out of order) put rows aside with their
reason; repeats are dropped within the files and against the table. All companies go at once into one frame and one
insert. That is faster for it than one by one, and needs memory for all of them.

edgartools needs libraries that this project does not, so it is measured only where BENCH_EDGARTOOLS_PYTHON names an
interpreter of an environment that has it. Its side reads each file into its facts and makes a frame of them; it gives no
row its provenance, checks none and writes none. So it stands beside our parsing as well.

Before anything is timed, both sides load two companies, and every row is compared value by value. Where one differs, or
none was loaded, the program ends with what differs and prints no time.

"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from bench.lines import in_turn, peak_mib, report
from warehouse.database.store import opened
from warehouse.fetching import archive
from warehouse.paths import Paths
from warehouse.pipeline import ingest
from warehouse.pipeline.context import RunContext
from warehouse.pipeline.documents import Ingested, load_waiting, take
from warehouse.pipeline.quarantine import quarantine
from warehouse.settings import Settings
from warehouse.sources import sec
from warehouse.sources.common import company_bodies, companyfacts
from warehouse.sources.common.source import Document
from warehouse.tables.sec_tags import tags

RECORDED = Path(__file__).parents[2] / "shared" / "recorded" / "sec" / "nvda_companyfacts_full_2026.json.gz"
FASTER_THAN_PANDAS, FASTER_THAN_EDGARTOOLS, LIMIT_MS = 9, 22, 12
LOADED_AT = datetime(2026, 11, 20, tzinfo=UTC)
ROUNDS = 3
Files = list[tuple[int, str, Path]]


def made_up() -> dict:
    rows = [
        {"start": f"{2010 + n // 4}-{1 + n % 4 * 3:02}-01", "end": f"{2010 + n // 4}-{3 + n % 4 * 3:02}-28", "val": n * 10**6,
         "accn": f"0001-{n:06}", "fy": 2010 + n // 4, "fp": "Q1", "form": "10-Q", "filed": f"{2011 + n // 4}-02-01"}
        for n in range(50)
    ]  # fmt: skip
    listed = {
        tag for measure in tags("NVDA") if measure.is_flow for taxonomy, tag in measure.tags if taxonomy == "us-gaap"
    }
    named = sorted(listed) + [f"Other{n}" for n in range(500 - len(listed))]
    units = {"USD": rows}
    return {
        "cik": 1,
        "entityName": "X",
        "facts": {"us-gaap": {tag: {"label": "x" * 40, "units": units} for tag in named}},
    }


def lay_down(count: int, raw: Path) -> Files:
    """Bodies of as many companies in an archive: (CIK, hash, file)."""
    body = json.loads(gzip.decompress(RECORDED.read_bytes())) if RECORDED.exists() else made_up()
    text = json.dumps(body | {"cik": "?"}, separators=(",", ":"))
    files: Files = []
    for cik in range(1, count + 1):
        content = text.replace('"cik":"?"', f'"cik":{cik}', 1).encode()
        sha256 = hashlib.sha256(content).hexdigest()
        path = archive.path_of(raw, sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        files.append((cik, sha256, path))
    return files


# -- ours -------------------------------------------------------------------------------------------------------------


def documents(files: Files) -> Iterator[Document]:
    for cik, sha256, path in files:
        context = {company_bodies.TICKER: f"T{cik}", company_bodies.YEAR_END_MONTH: "1"}
        url, content = company_bodies.FACTS_URL.format(cik=cik), path.read_bytes()
        yield Document(sha256, f"SEC facts of T{cik}", url, content, LOADED_AT, context)


def ours(files: Files, folder: Path) -> int:
    (source,) = sec.SOURCES
    paths = Paths(folder, folder / "warehouse.duckdb")
    run = RunContext("bench", LOADED_AT, paths, Settings(home=folder))
    found = Ingested(source)
    with opened(folder / "warehouse.duckdb", folder / "staging.duckdb") as store:
        for document in documents(files):
            take(document, "application/json", LOADED_AT, store, run, found)
        load_waiting(store, run, found)
        found.close()
        quarantine(store, run, [found])
        return sum(ingest.load(store).values())


def parse_only(files: Files, _: Path) -> int:
    rows = 0
    for document in documents(files):
        rows += len(company_bodies.TOGETHER.read(document).rows)
    return rows


# -- pandas -----------------------------------------------------------------------------------------------------------


def with_pandas(files: Files, folder: Path) -> int:
    import numpy as np
    import pandas as pd

    frames = []
    for cik, sha256, path in files:
        facts = json.loads(path.read_bytes())["facts"]
        listed = [(m.name, m.is_flow, *tag, "USD") for m in tags(f"T{cik}") for tag in m.tags]
        for measure, is_flow, taxonomy, tag, unit in [*listed, ("shares", False, *companyfacts.SHARES)]:
            rows = facts.get(taxonomy, {}).get(tag, {}).get("units", {}).get(unit, [])
            if rows:
                frame = pd.DataFrame(rows)
                frame["locator"] = [f"{taxonomy}/{tag}/{unit}[{n}]" for n in range(len(rows))]
                frames.append(
                    frame.assign(ticker=f"T{cik}", cik=cik, measure=measure, tag=f"{taxonomy}:{tag}", is_flow=is_flow,
                                 document_sha256=sha256, citation=f"data.sec.gov/api/xbrl/companyfacts/CIK{cik:010}.json")
                )  # fmt: skip
    every = pd.concat(frames, ignore_index=True)
    for column in ("start", "end", "filed"):
        every[column] = pd.to_datetime(every[column], errors="coerce", format="%Y-%m-%d")
    every["val"] = pd.to_numeric(every["val"], errors="coerce").astype("Int64")
    every = every.rename(columns={"start": "period_start", "end": "period_end", "filed": "known_on", "val": "value_usd",
                                  "fy": "filing_fiscal_year", "fp": "filing_fiscal_period", "accn": "accession"})  # fmt: skip
    inside = every["period_end"] - pd.Timedelta(days=10)
    every["fiscal_year"] = inside.dt.year + (inside.dt.month > 1)
    every["fiscal_quarter"] = (inside.dt.month - 2) % 12 // 3 + 1
    days = (every["period_end"] - every["period_start"]).dt.days + 1
    a_year = days.between(350, 380)
    every["period_type"] = np.select(
        [every["period_start"].isna(), days.between(80, 100), days.between(170, 192), days.between(260, 285),
         a_year & (every["fiscal_quarter"] == 4), a_year],
        ["instant", "quarter", "half_year", "nine_months", "year", "trailing_year"], "other",
    )  # fmt: skip
    every = every.assign(source="sec", loaded_at=LOADED_AT, grade="A", note=None)
    is_facts = every["measure"] != "shares"
    required = ["ticker", "measure", "tag", "period_end", "value_usd", "form", "accession", "known_on", "locator"]
    conditions = {
        **{f"{name} is missing": every[name].isna() for name in required},
        "start: is missing": every["is_flow"] & every["period_start"].isna(),
        "start: is given": ~every["is_flow"] & every["period_start"].notna(),
        "fiscal_year": ~every["fiscal_year"].between(1990, 2100),
        "fiscal_quarter": ~every["fiscal_quarter"].between(1, 4),
        "period_type": ~every["period_type"].isin(
            ["instant", "quarter", "half_year", "nine_months", "year", "trailing_year", "other"]
        ),
        "period_in_order": every["period_start"] > every["period_end"],
        "filed_after_period": every["known_on"] <= every["period_end"],
        "known_by_today": every["known_on"] > pd.Timestamp(LOADED_AT.date()),
        "shares": ~is_facts & (every["value_usd"] <= 0),
    }
    reason = pd.Series("", index=every.index)
    for name, bad in conditions.items():
        if bad.any():
            reason = reason.where(~bad, reason + name + "; ")
    aside, good = every[reason != ""], every[reason == ""]
    about_loading = ["locator", "document_sha256", "loaded_at", "is_flow"]
    good = good.drop_duplicates([name for name in good.columns if name not in about_loading])
    identity = ["ticker", "measure", "tag", "period_start", "period_end", "known_on", "form", "accession", "citation"]
    otherwise = good.duplicated(identity)
    aside, good = pd.concat([aside, good[otherwise]]), good[~otherwise]
    facts, shares = good[good["measure"] != "shares"], good[good["measure"] == "shares"]
    facts = facts.drop(columns=["is_flow", "frame"], errors="ignore")
    shares = shares[["ticker", "period_end", "value_usd", "known_on", "loaded_at", "source", "citation",
                     "document_sha256", "locator", "grade"]].drop_duplicates(
        ["ticker", "period_end", "known_on", "value_usd"])  # fmt: skip
    added = 0
    with duckdb.connect(str(folder / "pandas.duckdb")) as connection:
        for table, frame in (("company_facts", facts), ("shares_outstanding", shares), ("quarantine", aside)):
            connection.register("given", frame)
            connection.execute(f"CREATE TABLE IF NOT EXISTS {table} AS FROM given LIMIT 0")
            keys = [name for name in frame.columns if name not in about_loading]
            same = " AND ".join(f't."{name}" IS NOT DISTINCT FROM g."{name}"' for name in keys)
            connection.execute(
                f"INSERT INTO {table} SELECT * FROM given g WHERE NOT EXISTS (SELECT 1 FROM {table} t WHERE {same})"
            )
            if table != "quarantine":
                added += connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
    return added


# -- the same rows ----------------------------------------------------------------------------------------------------

SAME = {
    "company_facts": "ticker, cik, measure, tag, period_start::DATE, period_end::DATE, period_type, value_usd, fiscal_year, "
    "fiscal_quarter, filing_fiscal_year::BIGINT, filing_fiscal_period, form, accession, known_on::DATE, citation, locator, "
    "document_sha256, grade",
    "shares_outstanding": "ticker, {day}::DATE, {count}, known_on::DATE, document_sha256, locator, grade",
}
"""What both sides must have loaded alike; a share count's columns have other names on the other side."""


def require_the_same_rows(files: Files, folder: Path) -> None:
    """Load with both sides once, and end the program where a row or a value differs: a time means nothing then."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        where = Path(scratch)
        os.symlink(folder / "raw", where / "raw")
        counts = ours(files, where), with_pandas(files, where)
        with duckdb.connect() as both:
            both.execute(f"ATTACH '{where}/warehouse.duckdb' AS ours (READ_ONLY)")
            both.execute(f"ATTACH '{where}/pandas.duckdb' AS pandas (READ_ONLY)")
            for table, columns in SAME.items():
                of_ours = f"SELECT {columns.format(day='measured_on', count='shares')} FROM ours.core.{table}"
                of_pandas = f"SELECT {columns.format(day='period_end', count='value_usd')} FROM pandas.{table}"
                sides = ((of_ours, of_pandas), (of_pandas, of_ours))
                lacks = [both.execute(f"{one} EXCEPT ALL {other}").fetchall() for one, other in sides]
                if any(lacks):
                    shown = [rows[:2] for rows in lacks]
                    sys.exit(
                        f"{table}: pandas lacks {len(lacks[0])} rows of ours, we lack {len(lacks[1])} of its: {shown}"
                    )
    if counts[0] != counts[1] or not counts[0]:
        sys.exit(f"ours loads {counts[0]:,} rows and pandas {counts[1]:,}: nothing can be compared")


# -- edgartools -------------------------------------------------------------------------------------------------------

WITH_EDGARTOOLS = """
import json, sys, time
from edgar.entity.parser import EntityFactsParser
def read(path):
    with open(path, "rb") as file:
        return len(EntityFactsParser.parse_company_facts(json.loads(file.read())).to_dataframe())
read(sys.argv[1])  # imports
spent = time.process_time()
if not all([read(path) for path in sys.argv[1:]]):
    sys.exit("edgartools read no fact of a file")
print(time.process_time() - spent)
"""


def with_edgartools(python: str, files: Files) -> float:
    """Processor seconds in which the edgartools of an environment parses the files."""
    asked = [python, "-c", WITH_EDGARTOOLS, *(str(path) for _, _, path in files)]
    return float(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)


# -- measuring --------------------------------------------------------------------------------------------------------

WORK: dict[str, Callable[[Files, Path], int]] = {"ours": ours, "pandas": with_pandas, "parse": parse_only}


def measured(what: str, files: Files, folder: Path) -> tuple[float, float, int]:
    """Processor seconds, elapsed seconds and rows."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        where = Path(scratch)
        os.symlink(folder / "raw", where / "raw")
        with opened(where / "warehouse.duckdb", where / "empty.duckdb"):
            pass  # a warehouse with its tables is there before anything is loaded
        started, spent = time.perf_counter(), time.process_time()
        rows = WORK[what](files, where)
        return time.process_time() - spent, time.perf_counter() - started, rows


def peak_of(what: str, count: int, folder: Path) -> float:
    """Peak resident memory, in MiB, of a process of its own that does the work for as many companies."""
    command = [sys.executable, "-m", "bench.filings", "--peak", what, str(count), str(folder)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def print_peak(what: str, count: int, folder: Path) -> None:
    raw = folder / "raw"
    files = [(cik, sha, archive.path_of(raw, sha)) for cik, sha in json.loads((folder / "files.json").read_text())]
    measured(what, files[:count], folder)
    print(peak_mib())


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = lay_down(count, folder / "raw")
        (folder / "files.json").write_text(json.dumps([(cik, sha) for cik, sha, _ in files]))
        size = files[0][2].stat().st_size / 2**20
        require_the_same_rows(files[:2], folder)
        for what in WORK:
            measured(what, files[:2], folder)  # imports
        rows: set[int] = set()

        def per_company(what: str) -> float:
            spent, _, loaded = measured(what, files, folder)
            if what != "parse":
                rows.add(loaded)
            return spent / count * 1000

        what, unit = f"filings of {count} companies of {size:.1f} MiB to rows in the warehouse", "CPU ms each"
        times = in_turn(lambda: per_company("ours"), lambda: per_company("pandas"), ROUNDS)
        if len(rows) > 1:
            sys.exit(f"the two sides did not load as many rows each time: {sorted(rows)}")
        equal = f"{rows.pop():,} rows, every value of two companies"
        report(what, "pandas doing the same work", unit, *times, target=FASTER_THAN_PANDAS, faster=True, equal=equal)
        report(what, "limit", unit, times[0], target=LIMIT_MS)
        parsing = [per_company("parse") for _ in range(ROUNDS)]
        report(what.replace("to rows in the warehouse", "parsed alone"), "json.loads of the same", unit, parsing,
               [decoding(files) / count * 1000 for _ in range(ROUNDS)])  # fmt: skip
        if python := os.environ.get("BENCH_EDGARTOOLS_PYTHON"):
            parsed = lambda: with_edgartools(python, files) / count * 1000  # noqa: E731
            times = in_turn(lambda: per_company("ours"), parsed, ROUNDS)
            against = "edgartools, which only parses"
            report(what, against, unit, *times, target=FASTER_THAN_EDGARTOOLS, faster=True)
        few = max(1, count // 5)
        for side in ("ours", "pandas"):
            peaks = [peak_of(side, count, folder)], [peak_of(side, few, folder)]
            target = 1.2 if side == "ours" else None
            report(f"memory for {count} companies, {side}", f"for {few}", "MiB", *peaks, target=target)


def decoding(files: Files) -> float:
    """Processor seconds to decode every body whole with the standard library: the least that a reader by hand spends."""
    started = time.process_time()
    for _, _, path in files:
        json.loads(path.read_bytes())
    return time.process_time() - started


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peak"]:
        print_peak(sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
    else:
        main()
