"""`overbuild sql` against DuckDB's own module, each as a whole process: processor seconds, importing included.

    python -m bench.queries

The same statements on the same published warehouse, which is made here of rows without meaning. `select 1` shows what
starting costs, held against `import duckdb` alone. All bars as csv are held against COPY by the module, and as a table
against the module's own. Where the duckdb shell is there (`duckdb` on the PATH, or DUCKDB_SHELL), the table is held against
it, too. It is no Python, so it imports nothing. The answer of `overbuild verdict` is held against `import duckdb`, on the
home that OVERBUILD_HOME names.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

from bench.lines import cpu_seconds, in_turn, report

ROUNDS = 7
OVERBUILD = str(Path(sys.executable).with_name("overbuild"))
PYTHON = [sys.executable, "-c"]
ALONE = [*PYTHON, "import duckdb"]
BARS = """
    CREATE TABLE stock_prices AS
    SELECT 'T' || i % 50 AS ticker, DATE '2020-01-01' + (i // 50)::INTEGER AS date, 100 + i / 7 AS open, 101 + i / 7 AS high,
      99 + i / 7 AS low, 100 + i / 9 AS close, i * 1000 AS volume, 'a citation of some length, page ' || i AS citation,
      md5(i::VARCHAR) AS document_sha256, 'line ' || i AS locator, 'A' AS grade
    FROM range(36_000) AS r(i)"""


def compare(what: str, ours: list[str], home: str, against: str, theirs: list[str], target: float, equal: str) -> None:
    """A line: our command on a home, and the other program."""
    own = lambda: cpu_seconds([OVERBUILD, *ours], {"OVERBUILD_HOME": home})  # noqa: E731
    report(what, against, "CPU s", *in_turn(own, lambda: cpu_seconds(theirs), ROUNDS), target=target, equal=equal)


def rows_of(command: list[str], home: str) -> int:
    """How many rows our csv has."""
    said = subprocess.run(
        [OVERBUILD, *command], env={**os.environ, "OVERBUILD_HOME": home}, capture_output=True, check=True
    )
    return len(said.stdout.splitlines()) - 1


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        (home / "current").mkdir(parents=True)
        file = home / "current" / "warehouse.duckdb"
        with duckdb.connect(str(file)) as connection:
            connection.execute(BARS)
        opened = f"import duckdb; c = duckdb.connect({str(file)!r}, read_only=True)\n"
        copied = Path(folder) / "bars.csv"
        copy = [*PYTHON, opened + f"c.execute(\"COPY stock_prices TO '{copied}' (HEADER)\")"]
        csv = ["sql", "from stock_prices", "--format", "csv"]
        cpu_seconds(copy)
        count = len(copied.read_bytes().splitlines()) - 1
        if rows_of(csv, str(home)) != count:
            raise SystemExit("the two sides do not write as many rows")
        bars = ["sql", "from stock_prices"]
        show = [*PYTHON, f"{opened}c.sql('from stock_prices').show()"]
        compare('`sql "select 1"`', ["sql", "select 1"], str(home), "import duckdb", ALONE, 2.0, "")
        compare("all bars as csv", csv, str(home), "DuckDB's module, COPY", copy, 1.5, f"{count:,} rows")
        compare("all bars as a table, 40 shown", bars, str(home), "DuckDB's module, show", show, 2.0, "")
        if shell := os.environ.get("DUCKDB_SHELL") or shutil.which("duckdb"):
            command = [shell, "-readonly", str(file), "-c", "from stock_prices"]
            compare("all bars as a table, 40 shown", bars, str(home), "duckdb shell", command, 2.0, "")
        if published := os.environ.get("OVERBUILD_HOME"):
            compare("`verdict`", ["verdict"], published, "import duckdb", ALONE, 2.5, "")


if __name__ == "__main__":
    main()
