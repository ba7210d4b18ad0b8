"""Whole runs for the tests that need them, on a home of the test's own.

`run` runs the flow's own body in this process without Prefect, `run_flow` in Prefect, `overbuild` on the command line. A
run of the packaged snapshot takes most of a minute, so one is made for all test files and all processes that run them
(`published` in tests/conftest.py). Tests read it; those that change something copy it.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from filelock import FileLock

from flows import environment
from tests.by_sql import GREAT_EXPECTATIONS, by_sql
from tests.timeline import shortened
from warehouse import marts
from warehouse.assumptions import Assumptions
from warehouse.database.store import Store
from warehouse.marts.common.standing import Made
from warehouse.pipeline import build, check, ingest, live_sources, publish, quarantine
from warehouse.pipeline.build import Loaded
from warehouse.pipeline.choose import chosen
from warehouse.pipeline.context import RunContext
from warehouse.pipeline.live_sources import LiveSources
from warehouse.pipeline.quarantine import Quarantined
from warehouse.pipeline.workspace import workspace
from warehouse.quality import expectations
from warehouse.quality.carried import Past
from warehouse.quality.findings import Finding, Report, Target
from warehouse.reports.site import charts, discover, figure_pages

environment.prepare()
REFERENCE = Path(__file__).parents[1] / "warehouse" / "reference"
OVERBUILD = Path(sys.executable).with_name("overbuild")


def published_once(shared: Path) -> tuple[Path, dict]:
    """The home and the summary of a run in a folder that several processes share; the first to ask makes it."""
    home, summary = shared / "published" / "home", shared / "published" / "summary.json"
    with FileLock(shared / "published.lock"):
        if not summary.exists():
            home.mkdir(parents=True)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(expectations, "opened", GREAT_EXPECTATIONS)  # whichever file asks first
                summary.write_text(json.dumps(run(home)))
    return home, json.loads(summary.read_text())


def copy_home(home: Path, target: Path) -> Path:
    """A copy of a published home that a test may change: what is published cannot be written to."""
    shutil.copytree(home, target, symlinks=True)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | stat.S_IWUSR)
    return target


def run(
    home: Path,
    reference: Path | None = None,
    webhook: str = "",
    quick: bool = False,
    **parameters: Any,
) -> dict[str, Any]:
    """Run the flow's own steps in this process without Prefect, on a home of the test's own.

    With `quick`, where the answer does not matter, much is left out (`little_is_made`): the marts are made of few draws and
    the timeline is one day.
    """
    with settings(home, reference, webhook, quick), without_prefect() as answer:
        return answer(**parameters)


def run_flow(home: Path, reference: Path | None = None, as_of: date | None = None) -> dict[str, Any]:
    """Run the flow as `overbuild run` does, in Prefect, with few draws. It takes seconds more than `run`."""
    from warehouse.cli.run import start

    with settings(home, reference, quick=True):
        return start(source="reference", only=(), as_of=as_of, quiet=True)


@dataclass(frozen=True)
class Loading:
    """A run that has come as far as the loading of new rows."""

    run: RunContext
    store: Store
    quarantined: Quarantined
    sources: LiveSources
    loaded: Loaded


@contextmanager
def until_loaded(source: str = "reference", only: tuple[str, ...] = ()) -> Iterator[Loading]:
    """The first half of a run within `settings`, for tests of what is quarantined and loaded; nothing is published."""
    with pytest.MonkeyPatch.context() as patch, workspace(source, None, lambda _: None) as (run, store, _):
        patch.setattr(expectations, "opened", by_sql)
        ingestion = ingest.collect(store, run, [ingest.ingest(each, store, run) for each in chosen(source, only)])
        quarantined = quarantine.check_new_rows(store, run, ingestion)
        sources = live_sources.record_live_sources(store, run, ingestion)
        yield Loading(run, store, quarantined, sources, build.load(store, run))


@contextmanager
def settings(
    home: Path,
    reference: Path | None = None,
    webhook: str = "",
    quick: bool = False,
    **more: str,
) -> Iterator[None]:
    """The settings of a run, and no others that the environment happens to have; `quick` as in `run`."""
    given = {"OVERBUILD_HOME": str(home), **more}
    if reference:
        given["OVERBUILD_REFERENCE"] = str(reference)
    if webhook:
        given["OVERBUILD_WEBHOOK_URL"] = webhook
    with pytest.MonkeyPatch.context() as patch, shortened(1) if quick else nullcontext():
        for name in [name for name in os.environ if name.startswith("OVERBUILD_")]:
            patch.delenv(name)
        if quick:
            given["OVERBUILD_ASSUMPTIONS"] = str(few_draws(home.parent))
            little_is_made(patch)
        for name, value in given.items():
            patch.setenv(name, value)
        yield


def little_is_made(patch: pytest.MonkeyPatch) -> None:
    """No take-away and no Vega; only marts behind verdicts, one mart checked, and the first page; checks are asked as SQL.

    What is left out takes longer than all the rest. The one run that all tests share has all of it.
    """
    from warehouse.quality import data_docs

    validate, write_docs = check._validate, data_docs.write

    def behind_verdicts(
        facts: Mapping[str, pl.DataFrame], *, as_of: date, assumptions: Assumptions, **_: Any
    ) -> tuple[dict[str, pl.DataFrame], dict[str, Made]]:
        empty = {name: mart.table.empty() for name, mart in marts.all_marts().items()}
        few = marts.build(facts, as_of=as_of, assumptions=assumptions, only={"verdict", "assumptions"})
        return {**empty, **few}, {}  # none of them stands for the next run

    def of_one_mart(store: Store, run: RunContext, targets: Sequence[Target], past: Past | None = None) -> Report:
        return validate(
            store, run, [t for t in targets if t.table.schema != "marts" or t.table.name == "verdict"], past
        )

    def of_one_table(folder: Path, findings: Sequence[Finding], **about: Any) -> None:
        write_docs(folder, [found for found in findings if found.target == findings[0].target], **about)

    patch.setattr(expectations, "opened", by_sql)
    patch.setattr(publish, "write_export", lambda *_, **__: None)
    patch.setattr(charts, "vega", lambda: "// left out of quick runs\n")
    patch.setattr(marts, "build_changed", behind_verdicts)
    patch.setattr(check, "_validate", of_one_mart)
    patch.setattr(data_docs, "write", of_one_table)
    patch.setattr(discover, "names", lambda: ["index"])
    patch.setattr(figure_pages, "write", lambda *_, **__: figure_pages.Written())


def few_draws(folder: Path) -> Path:
    """A file of assumptions for runs whose answer does not matter."""
    assumed = folder / "few-draws.toml"
    assumed.write_text('draws = 1000\ndetail = "deciding"\n')
    return assumed


@contextmanager
def without_prefect() -> Iterator[Callable[..., dict[str, Any]]]:
    """The body of the flow, with its tasks as plain functions: what a run does, and none of what Prefect adds to it.

    A whole run in Prefect takes a server, and seconds for each task; tests/flows/test_in_prefect.py tries what it adds.
    """
    from prefect import Task

    from flows import answer as module

    with pytest.MonkeyPatch.context() as patch:
        for name, task in list(vars(module).items()):
            if isinstance(task, Task):
                patch.setattr(module, name, Step(task.fn))
        for name in ("create_markdown_artifact", "emit_event"):
            patch.setattr(module, name, lambda *_, **__: None)
        patch.setattr(module, "say", module.progress.info)
        yield module.answer.fn


@dataclass(frozen=True)
class Done:
    """What a step gave, or the error that it raised, as Prefect gives it out when it is asked for."""

    given: Any

    def wait(self) -> None:
        pass

    def result(self, *, raise_on_failure: bool) -> Any:
        return self.given


@dataclass(frozen=True)
class Step:
    """A task's function, called at once where Prefect would submit it."""

    function: Callable[..., Any]

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self.function(*arguments, **named)

    def with_options(self, **_: Any) -> Step:
        return self

    def submit(self, *arguments: Any, **named: Any) -> Done:
        try:
            return Done(self.function(*arguments, **named))
        except Exception as error:
            return Done(error)


def query(folder: Path, sql: str):
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def tables(folder: Path, schema: str, order: str = "") -> dict[str, pl.DataFrame]:
    """The tables of a schema, their rows as they stand or as an ORDER BY puts them."""
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        sql = "SELECT table_name FROM duckdb_tables() WHERE schema_name = ? ORDER BY 1"
        names = [name for (name,) in connection.execute(sql, [schema]).fetchall()]
        return {name: connection.execute(f"SELECT * FROM {schema}.{name} {order}").pl() for name in names}


def differing(one: Mapping[str, pl.DataFrame], other: Mapping[str, pl.DataFrame]) -> list[str]:
    """Names of tables that are not the same in every value, type and order of rows."""
    assert set(one) == set(other)
    return [name for name in one if one[name].schema != other[name].schema or not one[name].equals(other[name])]


def overbuild(home: Path, *arguments: str, stdin: str = "", **given: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, with these settings and no others."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OVERBUILD_")}
    return subprocess.run(
        [OVERBUILD, *arguments],
        env={**environment, "OVERBUILD_HOME": str(home), **given},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def command(home: Path, *arguments: str, stdin: str = "", **given: str) -> subprocess.CompletedProcess[str]:
    """A command as `overbuild` runs it, in this process: without the second that a new one takes to import."""
    from warehouse.cli import main

    code: Any = 0
    with settings(home, **given), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["overbuild", *arguments])
        patch.setattr(sys, "stdin", io.StringIO(stdin))
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            try:
                main()
            except SystemExit as ended:
                code = ended.code or 0
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())
