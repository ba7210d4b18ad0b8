"""Whole runs for the tests that need them: the flow in this process, the command line in another.

A run of the packaged snapshot takes most of a minute, so one is made for all test files and all processes that run
them (`published` in tests/conftest.py). Tests read it; those that change something copy it.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
from filelock import FileLock

from flows import environment

environment.prepare()
REFERENCE = Path(__file__).parents[1] / "warehouse" / "reference"
OVERBUILD = Path(sys.executable).with_name("overbuild")


def published_once(shared: Path) -> tuple[Path, dict]:
    """The home and the summary of a run in a folder that several processes share; the first to ask makes it."""
    home, summary = shared / "published" / "home", shared / "published" / "summary.json"
    with FileLock(shared / "published.lock"):
        if not summary.exists():
            from prefect.testing.utilities import prefect_test_harness

            home.mkdir(parents=True)
            with prefect_test_harness(server_startup_timeout=120):
                made = run(home)
            summary.write_text(json.dumps(made))
    return home, json.loads(summary.read_text())


def run(home: Path, reference: Path | None = None, webhook: str = "", few_draws: bool = False, **parameters):
    """Run the flow in this process on a home of the test's own; with few draws where the answer does not matter."""
    from flows.answer import answer

    before = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("OVERBUILD_")}
    os.environ["OVERBUILD_HOME"] = str(home)
    if reference:
        os.environ["OVERBUILD_REFERENCE"] = str(reference)
    if webhook:
        os.environ["OVERBUILD_WEBHOOK_URL"] = webhook
    if few_draws:
        assumed = home.parent / "few-draws.toml"
        assumed.write_text("draws = 1000\n")
        os.environ["OVERBUILD_ASSUMPTIONS"] = str(assumed)
    try:
        return answer(**parameters)
    finally:
        for name in ("OVERBUILD_HOME", "OVERBUILD_REFERENCE", "OVERBUILD_WEBHOOK_URL", "OVERBUILD_ASSUMPTIONS"):
            os.environ.pop(name, None)
        os.environ.update(before)


def query(folder: Path, sql: str):
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def marts_hash(folder: Path) -> dict[str, str]:
    """A hash of the rows of each mart, in their order."""
    names = query(folder, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'marts' ORDER BY 1")
    return {
        name: hashlib.sha256(repr(query(folder, f"SELECT * FROM marts.{name}")).encode()).hexdigest()
        for (name,) in names
    }


def overbuild(home, *arguments, stdin=""):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OVERBUILD_")}
    return subprocess.run(
        [OVERBUILD, *arguments],
        env={**environment, "OVERBUILD_HOME": str(home)},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
