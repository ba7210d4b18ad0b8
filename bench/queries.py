"""`overbuild sql` against DuckDB's own module, each as a whole process: processor seconds, importing included.

    python bench/queries.py

The same statements on the same published warehouse, which is made here of rows without meaning. `select 1` shows what
starting costs, held against `import duckdb` alone. All bars as csv are held against COPY by the module, and as a table
against the module's own. Where the duckdb shell is there (`duckdb` on the PATH, or DUCKDB_SHELL), the table is held against
it, too. It is no Python, so it imports nothing. The answer of `overbuild verdict` is held against `import duckdb`, on the
home that OVERBUILD_HOME names. Each is the median of several runs, the two sides in turn.
"""

from __future__ import annotations

import os
import resource
import shutil
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


def ratio(name: str, ours: list[str], home: str, theirs: list[str], target: float) -> None:
    """Write a line of the table: the medians of both sides, and the one as a multiple of the other."""
    spent = [(seconds(str(OVERBUILD), *ours, OVERBUILD_HOME=home), seconds(*theirs)) for _ in range(RUNS)]
    own, other = (statistics.median(side) for side in zip(*spent, strict=True))
    print(f"| {name} | {own:.2f} | {other:.2f} | {own / other:.2f} | {target} |")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        (home / "current").mkdir(parents=True)
        file = home / "current" / "warehouse.duckdb"
        with duckdb.connect(str(file)) as connection:
            connection.execute(BARS)
        opened = f"import duckdb; c = duckdb.connect({str(file)!r}, read_only=True)\n"
        copied = f"c.execute(\"COPY stock_prices TO '{folder}/bars.csv' (HEADER)\")"
        python = [sys.executable, "-c"]
        print("| what | ours, s | theirs, s | ratio | target |")
        print("|---|---|---|---|---|")
        ratio("select 1 / import duckdb", ["sql", "select 1"], str(home), [*python, "import duckdb"], 2.0)
        csv = ["sql", "from stock_prices", "--format", "csv"]
        ratio("all bars as csv / COPY", csv, str(home), [*python, opened + copied], 1.5)
        bars = ["sql", "from stock_prices"]
        show = [*python, f"{opened}c.sql('from stock_prices').show()"]
        ratio("all bars as a table / show", bars, str(home), show, 2.0)
        if shell := os.environ.get("DUCKDB_SHELL") or shutil.which("duckdb"):
            command = [shell, "-readonly", str(file), "-c", "from stock_prices"]
            ratio("all bars as a table / duckdb shell", bars, str(home), command, 2.0)
        if published := os.environ.get("OVERBUILD_HOME"):
            ratio("verdict / import duckdb", ["verdict"], published, [*python, "import duckdb"], 2.5)


if __name__ == "__main__":
    main()
