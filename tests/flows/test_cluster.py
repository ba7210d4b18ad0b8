"""Work spread over a cluster of two processes: the same as here, whatever becomes of a worker."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows import cluster
from flows.cluster import Cluster
from tests.repeats import breaks, repeats
from tests.runs import command, differing, settings, tables, without_prefect
from tests.timeline import QUICK
from warehouse.database.store import opened
from warehouse.errors import DocumentError, UsageError
from warehouse.marts import all_marts, known
from warehouse.marts.payback import waste_simulation
from warehouse.marts.verdict.replay import _LAST, REPLAYED, chain, replay
from warehouse.paths import Paths, create_folders
from warehouse.pipeline import documents, ingest
from warehouse.pipeline.context import RunContext
from warehouse.settings import Settings
from warehouse.sources import all_sources
from warehouse.sources.common.source import Received
from warehouse.tables import CORE

FACTS = "https://data.sec.gov/api/xbrl/companyfacts/CIK{:010}.json"
DAYS = [date(2025, 1, 28), date(2025, 2, 28)]
DEATHS = 2
"""So many workers may die of a piece, until the cluster gives it up."""


@pytest.fixture(scope="module")
def runner() -> Iterator[str]:
    import dask
    from distributed import LocalCluster

    dask.config.set({"distributed.scheduler.allowed-failures": DEATHS - 1})
    quiet = {"dashboard_address": None, "silence_logs": "CRITICAL"}
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", **quiet) as local:
        yield local.scheduler_address.replace("tcp://", "dask://")


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def there(runner, said) -> Iterator[Cluster]:
    with cluster.spread(runner, said.append) as found:
        assert found is not None
        yield found


# -- what is spread ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Deadly:
    """A cluster whose first worker is killed in the middle of a piece."""

    cluster: Cluster
    mark: Path

    @property
    def width(self) -> int:
        return self.cluster.width

    def submit(self, work: Callable[..., Any], *given: Any) -> Any:
        return self.cluster.submit(killed_once, self.mark, work, *given)


def killed_once(mark: Path, work: Callable[..., Any], *given: Any) -> Any:
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return work(*given)
    os.kill(os.getpid(), signal.SIGKILL)


def body(cik: int) -> bytes:
    rows = [
        {"start": f"{year}-01-01", "end": f"{year}-03-31", "val": cik * year, "accn": f"0000-{year}", "fy": year,
         "fp": "Q1", "form": "10-Q", "filed": f"{year}-05-01"}
        for year in range(2018, 2026)
    ]  # fmt: skip
    tagged = {"PaymentsToAcquirePropertyPlantAndEquipment": {"units": {"USD": rows}}}
    return json.dumps({"cik": cik, "entityName": f"Company {cik}", "facts": {"us-gaap": tagged}}).encode()


def bodies(_: object) -> Iterator[Received]:
    """Ten companies, of which one sends something else."""
    for cik in range(1, 11):
        content = b"<html>busy</html>" if cik == 4 else body(cik)
        name, context = f"facts of {cik}", {"ticker": f"T{cik}", "fiscal_year_end_month": "12"}
        yield Received(name, FACTS.format(cik), "application/json", content, context=context)


def ingested(folder: Path, spread: Any) -> tuple[list, list, list]:
    """What stands in staging, which documents are recorded, and what failed."""
    paths = Paths(folder / "home", folder / "home" / "warehouse.duckdb")
    create_folders(paths)
    settings = Settings(home=paths.root, contact="Jane Doe jane@example.com")
    run = RunContext("run", datetime(2026, 11, 20, tzinfo=UTC), paths, settings, source="live", spread=spread)
    sec = next(source for source in all_sources() if source.name == "sec")
    names = [name for name in CORE["company_facts"].names if name != "loaded_at"]
    with opened(folder / "one.duckdb", folder / "staging.duckdb") as store, few_wait():
        found = ingest.ingest(replace(sec, fetch=bodies), store, run)
        rows = store.frame("SELECT * FROM staging.company_facts").select(names).rows()
        recorded = store.execute("SELECT sha256, known_on, parsed_by FROM provenance.documents ORDER BY rowid")
        return rows, recorded.fetchall(), [(failure.name, failure.why) for failure in found.failures]


@contextmanager
def few_wait() -> Iterator[None]:
    """Documents are joined three at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "WAITING_ROWS", 24)
        yield


@pytest.mark.parametrize("dies", [False, True], ids=["all live", "a worker is killed"])
def test_documents_read_elsewhere_give_the_same_rows_in_the_same_order(there, tmp_path, dies):
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    here = ingested(tmp_path / "here", None)
    assert (len(here[0]), len(here[1])) == (9 * 8, 9)  # nine companies of eight quarters
    assert [name for name, _ in here[2]] == ["facts of 4"]
    assert ingested(tmp_path / "there", Deadly(there, tmp_path / "mark") if dies else there) == here
    # The body that is no body is looked at again here, where its fault is said.
    assert (there.elsewhere, there.here) == (9, 1)


@pytest.mark.parametrize("dies", [False, pytest.param(True, marks=breaks)], ids=["all live", "a worker is killed"])
def test_events_and_simulations_made_elsewhere_say_the_same(there, facts, tmp_path, dies):
    """Equal to the last bit: both are made of the same pieces."""
    frames = dict(known(facts, DAYS[-1]))
    chosen = ("event_study", "waste_simulation")
    for name, one in chain(chosen).items():
        if name not in chosen:
            frames[name] = one.run(frames, as_of=DAYS[-1], assumptions=QUICK)
    spread = Deadly(there, tmp_path / "mark") if dies else there
    for name in chosen:
        made = all_marts()[name]
        waste_simulation._figures.cache_clear()
        before = there.elsewhere
        found = made.run(frames, as_of=DAYS[-1], assumptions=QUICK, spread=spread)
        assert there.elsewhere > before, name
        waste_simulation._figures.cache_clear()
        here = made.run(frames, as_of=DAYS[-1], assumptions=QUICK)
        assert here.height > 100, name
        assert found.equals(here), name
    assert there.here == 0


def test_earlier_days_answered_elsewhere_say_the_same(there, facts):
    here = {name: replay(facts, DAYS, QUICK, name) for name in REPLAYED}
    _LAST.clear()
    try:
        found = {name: replay(facts, DAYS, QUICK, name, there) for name in REPLAYED}
    finally:
        _LAST.clear()
    # A block for each worker; the second question is answered by the first.
    assert (there.elsewhere, there.here) == (2, 0)
    for name in REPLAYED:
        assert list(found[name]) == DAYS
        assert all(found[name][day].equals(here[name][day]) for day in DAYS)


@repeats("tests/flows/test_cluster.py::test_events_and_simulations_made_elsewhere_say_the_same")
def test_a_whole_run_with_a_cluster_publishes_the_same_tables(runner, published, tmp_path):
    """Of facts and marts each value, type and place; only when a row was loaded differs."""
    home, summary = published
    with settings(tmp_path / "home", OVERBUILD_RUNNER=runner), without_prefect() as answer:
        there = answer(as_of=date.fromisoformat(summary["as_of"]))
    release = Path(there["published"])
    assert differing(tables(release, "marts"), tables(home, "marts")) == []

    def facts_of(folder: Path) -> dict[str, pl.DataFrame]:
        return {name: frame.drop("loaded_at") for name, frame in tables(folder, "core", "ORDER BY fact_id").items()}

    assert differing(facts_of(release), facts_of(home)) == []


# -- what goes wrong there --------------------------------------------------------------------------------------------


def refuses(name: str) -> None:
    raise DocumentError(name, "it is empty.", line=3)


def kills_others(home: int) -> int:
    """Kill the process, unless it is the one that was given."""
    if os.getpid() != home:
        os.kill(os.getpid(), signal.SIGKILL)
    return home


def waits(home: int) -> int:
    if os.getpid() != home:
        time.sleep(600)
    return home


def test_an_error_of_the_work_is_that_of_the_work(there):
    with pytest.raises(DocumentError, match="list, line 3: it is empty"):
        there.submit(refuses, "list").result()


def test_what_another_program_did_is_not_taken(there, said, monkeypatch):
    monkeypatch.setattr(there, "_program", {**there._program, "polars": "0.1"})
    assert there.submit(pow, 2, 5).result() == 32
    assert (there.elsewhere, there.here) == (0, 1)
    assert "polars" in said[-1]
    assert "done here" in said[-1]


@breaks
def test_a_piece_that_kills_every_worker_is_done_here(there, said):
    assert there.submit(kills_others, os.getpid()).result() == os.getpid()
    assert there.here == 1
    assert "KilledWorker" in said[-1]


def test_a_piece_that_never_ends_is_done_here_and_does_not_stay_there(there, said, monkeypatch):
    monkeypatch.setattr(cluster, "PIECE_WITHIN_SECONDS", 0.5)
    sent = [there.submit(waits, os.getpid()) for _ in range(cluster.MOST_LOST_IN_A_ROW + 2)]
    assert [piece.result() for piece in sent] == [os.getpid()] * len(sent)
    assert there.is_given_up
    assert "all further pieces are done here" in said[-1]
    until = time.monotonic() + 60
    while waiting := [key for keys in there._client.processing().values() for key in keys]:
        assert time.monotonic() < until, waiting
        time.sleep(0.05)


@breaks
def test_a_scheduler_that_goes_away_loses_nothing(said):
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, processes=False, protocol="tcp", dashboard_address=None) as local:
        runner = local.scheduler_address.replace("tcp://", "dask://")
        with cluster.spread(runner, said.append) as found:
            assert found is not None
            assert found.submit(pow, 2, 5).result() == 32
            sent = [found.submit(time.sleep, 0.2) for _ in range(cluster.MOST_LOST_IN_A_ROW + 2)]
            local.close()
            assert [piece.result() for piece in sent] == [None] * len(sent)
    assert found.elsewhere + found.here == 1 + len(sent)
    assert found.is_given_up
    assert len([line for line in said if "did not come back" in line]) == cluster.MOST_LOST_IN_A_ROW


# -- the way there ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong", ["dask://", "dask://host", "tcp://host:1", "host:8786", "dask://host:x", "dask://h:1/x"]
)
def test_an_address_that_is_none_is_refused(wrong):
    with pytest.raises(UsageError, match="dask://HOST:PORT"):
        cluster.require(wrong)


def test_a_scheduler_that_is_not_there_is_said_before_anything_starts(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    done = command(tmp_path / "home", "run", "--runner", f"dask://127.0.0.1:{port}")
    assert done.returncode == 2
    assert f"dask://127.0.0.1:{port}: no Dask scheduler answers" in done.stderr
    by_setting = command(tmp_path / "home", "run", OVERBUILD_RUNNER=f"dask://127.0.0.1:{port}")
    assert (by_setting.returncode, by_setting.stderr) == (2, done.stderr)


@pytest.mark.parametrize("says", [b"", b"SSH-2.0-OpenSSH_9.2\r\n"], ids=["nothing", "something else"])
def test_what_listens_and_is_no_scheduler_is_refused_within_a_bound(says, monkeypatch):
    monkeypatch.setattr(cluster, "ANSWERS_WITHIN_SECONDS", 0.5)

    def speak() -> None:
        with suppress(OSError):
            taken.append(other.accept()[0])
            taken[0].sendall(says)

    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as other:
        speaking = threading.Thread(target=speak, daemon=True)
        speaking.start()
        with pytest.raises(UsageError, match="does not answer as a Dask scheduler"):
            cluster.require(f"dask://127.0.0.1:{other.getsockname()[1]}")
        speaking.join()
    taken[0].close()


def test_without_the_packages_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(cluster, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install 'overbuild\[dask\]'"):
        cluster.require("dask://127.0.0.1:8786")


def test_a_cluster_without_workers_is_refused(monkeypatch):
    from distributed import LocalCluster

    monkeypatch.setattr(cluster, "ANSWERS_WITHIN_SECONDS", 1.0)
    with LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address=None) as empty:
        runner = empty.scheduler_address.replace("tcp://", "dask://")
        with pytest.raises(UsageError, match="has no workers"), cluster.spread(runner, print):
            pass
