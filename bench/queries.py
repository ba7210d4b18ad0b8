"""`overbuild sql` against DuckDB's own module, each as a whole process: processor seconds, importing included.

    python bench/queries.py

The same statements on the same published warehouse, which is made here of rows without meaning. `select 1` shows what
starting costs, held against `import duckdb` alone. All bars as csv are held against COPY by the module, and as a table
against the module's own. Each is the median of several runs, the two sides in turn.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

RUNS = 7
OVERBUILD = Path(sys.executable).with_name("overbuild")
BARS = """
    CREATE TABLE stock_prices AS
    SELECT 'T' || i % 50 AS ticker, DATE '2020-01-01' + (i // 50)::INTEGER AS date, 100 + i / 7 AS open, 101 + i / 7 AS high,
      99 + i / 7 AS low, 100 + i / 9 AS close, i * 1000 AS volume, 'a citation of some length, page ' || i AS citation,
      md5(i::VARCHAR) AS document_sha256, 'line ' || i AS locator, 'A' AS grade
    FROM range(36_000) AS r(i)"""


def seconds(*command: str, **environment: str) -> float:
    """Processor seconds of a process that writes to a pipe, which nobody keeps."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        (home / "current").mkdir(parents=True)
        file = home / "current" / "warehouse.duckdb"
        with duckdb.connect(str(file)) as connection:
            connection.execute(BARS)
        opened = f"import duckdb; c = duckdb.connect({str(file)!r}, read_only=True)\n"
        copied = f"c.execute(\"COPY stock_prices TO '{folder}/bars.csv' (HEADER)\")"
        pairs = {
            "select 1 / import duckdb": (["select 1"], "import duckdb", 2.0),
            "all bars as csv / COPY": (["from stock_prices", "--format", "csv"], opened + copied, 1.5),
            "all bars as a table / show": (["from stock_prices"], f"{opened}c.sql('from stock_prices').show()", 2.0),
        }
        print("| what | ours, s | theirs, s | ratio | target |")
        print("|---|---|---|---|---|")
        for name, (query, program, target) in pairs.items():
            spent = [
                (
                    seconds(str(OVERBUILD), "sql", *query, OVERBUILD_HOME=str(home)),
                    seconds(sys.executable, "-c", program),
                )
                for _ in range(RUNS)
            ]
            ours, theirs = (statistics.median(side) for side in zip(*spent, strict=True))
            print(f"| {name} | {ours:.2f} | {theirs:.2f} | {ours / theirs:.2f} | {target} |")


if __name__ == "__main__":
    main()
