"""A warehouse that several machines share: real PostgreSQL, real Parquet files, several homes, one of them a thief of turns."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.database import postgres
from tests.database.between import between
from tests.database.machines import MARTS, Machine, sha256
from tests.database.postgres import Server
from tests.repeats import breaks, once
from warehouse.database import lake as lakes
from warehouse.database import lake_commit, lake_copy, lake_upkeep
from warehouse.errors import OverbuildError, StorageError, UsageError
from warehouse.paths import CURRENT, WAREHOUSE, create_folders, paths_of
from warehouse.settings import load_settings

PASSWORD = "not-to-be-read-4711"
FACTS = "select ticker, shares from core.shares_outstanding"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="pg") as folder, postgres.server(Path(folder)) as found:
        yield found


@pytest.fixture
def machine(server: Server, tmp_path: Path) -> Callable[[str], Machine]:
    """Machines that share one new lake, by their names."""
    database = server.database()

    def made(name: str) -> Machine:
        data = {"OVERBUILD_WAREHOUSE_DATA": str(tmp_path / "lake")}
        return Machine(tmp_path / name, server.address(database, PASSWORD), data)

    return made


def said(*documents: int) -> list[tuple[str, int]]:
    """The facts that a warehouse has which read these documents, whoever read them."""
    return sorted([("ALL", 1), *((f"T{document}", document) for document in documents)])


def test_a_run_publishes_in_the_lake_and_a_machine_without_runs_reads_it(machine: Callable[[str], Machine]) -> None:
    worker, reader = machine("worker"), machine("reader")
    with pytest.raises(UsageError, match="nothing is published here yet"):
        reader.sql("select 1")
    run_id = worker.run(1, shows=True)
    with reader.reading() as asked:
        assert sorted(asked(FACTS)) == said(1)
        assert sorted(asked("select ticker, shares from shares_outstanding")) == said(1)  # the view of current rows
        assert sorted(asked("select ticker, shares from shares_outstanding_as_of(date '2025-01-01')")) == said(1)
        assert asked("select * from shares_outstanding_as_of(date '2024-01-01')") == []
        assert asked(f"select facts from {MARTS}") == [(2,)]
        assert asked("select run_id from provenance.runs") == [(run_id,)]
        about = (
            "select comment from duckdb_{0}s() where database_name = 'warehouse' and {0}_name = 'shares_outstanding'"
        )
        assert all(comment for kind in ("table", "view") for (comment,) in asked(about.format(kind)))
        named = "select commit_message from ducklake_snapshots('warehouse') order by snapshot_id desc limit 1"
        assert asked(named) == [(run_id,)]

        # No query learns how the lake is reached, and none reaches anything else.
        for told in (
            "select * from duckdb_databases()",
            "select name, value from duckdb_settings()",
            "select * from ducklake_snapshots('warehouse')",
            "select * from information_schema.tables",
        ):
            assert PASSWORD not in repr(asked(told))
        for refused in (
            "select * from duckdb_secrets()",
            "select * from __ducklake_metadata_warehouse.public.ducklake_metadata",
            'from "__DUCKLAKE_metadata_warehouse".public.ducklake_metadata',
            "describe __ducklake_metadata_warehouse.pg_catalog.pg_authid",
            "show tables from __ducklake_metadata_warehouse.public",
            "select * from pragma_table_info('__ducklake_metadata_warehouse.public.ducklake_metadata')",
            "select * from postgres_query('__ducklake_metadata_warehouse', 'select 1')",
            "select * from which_secret('s3://x', 's3')",
            "insert into core.shares_outstanding select * from core.shares_outstanding",
            "call warehouse.set_commit_message('a', 'b')",
            "select getenv('OVERBUILD_WAREHOUSE')",
            "from '/etc/passwd'",
            f"from '{worker.home}/{WAREHOUSE}'",
            # Not even files of the lake: those of a publication that was refused, or goes on, lie among them.
            f"from '{worker.more['OVERBUILD_WAREHOUSE_DATA']}/core/shares_outstanding/*.parquet'",
            f"summarize '{next(Path(worker.more['OVERBUILD_WAREHOUSE_DATA']).rglob('*.parquet'))}'",
            "select * from read_text('/etc/passwd')",
        ):
            with pytest.raises(OverbuildError) as error:
                asked(refused)
            assert PASSWORD not in str(error.value)


def test_what_machines_load_at_the_same_time_is_there_once(machine: Callable[[str], Machine]) -> None:
    """The first began before the others published: it takes in their rows, and what two of them fetched counts once."""
    first, second = machine("first"), machine("second")
    began = first.run(1)
    with first.reading() as asked:
        then = f"select ticker, shares from core.shares_outstanding at (version => {_version(asked, began)})"
        assert sorted(asked(then)) == said(1)
        late = first.run(2, 3, meanwhile=lambda: second.run(3, 4))
        assert sorted(asked(FACTS)) == said(1)  # who was reading stays on what was published then
    with second.reading() as asked:
        assert sorted(asked(FACTS)) == said(1, 2, 3, 4)
        assert asked(f"select facts from {MARTS}") == [(5,)]  # made of all that was there
        documents = "select sha256 from provenance.documents order by 1"
        assert [sha for (sha,) in asked(documents)] == [sha256(each) for each in (1, 2, 3, 4)]
        ids = [run_id for (run_id,) in asked("select run_id from provenance.runs order by started_at")]
        assert (len(ids), ids[0], ids[-1]) == (3, began, late)
        assert sorted(asked(then)) == said(1)  # and time travel shows it to everyone
    assert second.run() != late  # its copy is two publications behind
    with duckdb.connect(str(second.home / CURRENT / WAREHOUSE), read_only=True) as own:
        assert sorted(own.execute(FACTS).fetchall()) == said(1, 2, 3, 4)


def _version(asked: Callable[[str], list[tuple[int]]], run_id: str) -> int:
    return asked(f"select snapshot_id from ducklake_snapshots('warehouse') where commit_message = '{run_id}'")[0][0]


@breaks
def test_postgresql_that_goes_away_leaves_nothing_half_published(
    machine: Callable[[str], Machine], server: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    worker, reader = machine("worker"), machine("reader")
    worker.run(1)
    database = worker.address.partition("dbname=")[2].partition(" ")[0]

    def gone() -> None:
        with server.connected("postgres") as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database])

    write_head = lake_copy._write_head

    def written_and_gone(*given: Any) -> None:
        write_head(*given)
        gone()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lake_copy, "_write_head", written_and_gone)
        with pytest.raises(StorageError, match=r"PostgreSQL (is not there|went away)") as error:
            worker.run(2)
    with pytest.raises(StorageError, match="PostgreSQL is not there"):
        worker.run(2, meanwhile=gone)
    with reader.reading() as asked, server.connected("postgres") as connection:
        connection.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
        gone()
        with pytest.raises(StorageError, match="PostgreSQL is not there"):  # a reader's query is not blamed for it
            asked(FACTS)
        connection.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true")
    assert PASSWORD not in str(error.value) + "".join(capfd.readouterr())
    assert sorted(reader.sql(FACTS)) == said(1)
    run_id = worker.run(2)
    assert sorted(reader.sql(FACTS)) == said(1, 2)
    assert reader.sql("select run_id from provenance.runs order by started_at")[-1] == (run_id,)


@pytest.mark.parametrize(
    ("loses", "away_seconds", "is_done"),
    [
        ("answer", 1.0, True),
        pytest.param("request", 0.0, False, marks=breaks),
        pytest.param("late", 0.0, False, marks=breaks),
    ],
)
def test_a_commit_whose_answer_is_lost_is_known_as_done_or_not_done(
    server: Server, tmp_path: Path, loses: str, away_seconds: float, is_done: bool
) -> None:
    """`late`: PostgreSQL would commit after the run has asked it what became of it, and said that nothing did."""
    with between(server.folder) as network:
        address = f"ducklake:postgres:dbname={server.database()} host=127.0.0.1 port={network.port} user=postgres"
        worker = Machine(tmp_path / "worker", address, {"OVERBUILD_WAREHOUSE_DATA": str(tmp_path / "lake")})
        worker.run(1)
        network.away_seconds = away_seconds
        write_head = lake_copy._write_head

        def then_lost(*given: Any) -> None:
            write_head(*given)
            network.loses = loses

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(lake_copy, "_write_head", then_lost)
            if is_done:
                worker.run(2)
            else:
                with pytest.raises(StorageError, match="What was published stands as it was"):
                    worker.run(2)
        assert network.loses == "nothing"
        if loses == "late":
            time.sleep(2.5)
        assert sorted(worker.sql(FACTS)) == (said(1, 2) if is_done else said(1))
        worker.run(2, 3)
        if is_done:  # upkeep commits, too, where it merged files
            touch_no_file = lakes.touch_no_file

            def lost_again(connection: Any) -> None:
                touch_no_file(connection)
                network.away_seconds, network.loses = 0.0, loses

            with pytest.MonkeyPatch.context() as patch, worker.within():
                patch.setattr(lakes, "touch_no_file", lost_again)
                with lakes.session(lakes.of_address(address)) as catalogue:
                    catalogue.take_turn(10, print)
                    with pytest.raises(StorageError, match="tidying it failed"):
                        lake_upkeep.tidy(catalogue.lake, catalogue)
        assert sorted(worker.sql(FACTS)) == said(1, 2, 3)


def test_a_commit_of_which_nobody_can_say_whether_it_was_done_is_called_that(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lake_commit, "ASKS_FOR_SECONDS", 0.0)
    gone = lakes.of_address("ducklake:postgres:host=127.0.0.1 port=1 dbname=x")
    with pytest.raises(StorageError, match=r"has not said .* whether it is published. Run again") as error:
        lake_commit.settled(gone, "a run", "overbuild a run")
    assert "stands as it was" not in str(error.value).partition(" (")[0]
    empty = lakes.of_address(server.address(server.database()))
    assert lake_commit.settled(empty, "a run", "overbuild a run") is None


@breaks
def test_of_two_publications_on_the_same_one_the_second_is_refused(machine: Callable[[str], Machine]) -> None:
    """A worker that lost its turn without noticing would publish on what is no longer the newest."""
    first, second = machine("first"), machine("second")
    first.run(1)
    write_head = lake_copy._write_head

    def meanwhile(*given: object) -> None:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(lake_copy, "_write_head", write_head)
            inner.setattr(lakes.Session, "take_turn", lambda *_: None)
            inner.setattr(lakes.Session, "require_turn", lambda *_: None)
            second.run(2)
        write_head(*given)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lake_copy, "_write_head", meanwhile)
        with pytest.raises(StorageError, match="another worker published first"):
            first.run(3)
    assert sorted(first.sql(FACTS)) == said(1, 2)


def test_upkeep_merges_files_and_loses_nothing(
    machine: Callable[[str], Machine], server: Server, tmp_path: Path
) -> None:
    worker, late = machine("worker"), machine("late")
    worker.run(1)
    late.run(2)
    worker.run(3)
    before = sorted(worker.sql(FACTS))
    lake = lakes.of_address(worker.address)
    with worker.within(), lakes.session(lake) as catalogue:
        catalogue.take_turn(10, print)
        with pytest.raises(UsageError, match="at least 7"):
            lake_upkeep.tidy(lake, catalogue, timedelta(days=1))
        done = lake_upkeep.tidy(lake, catalogue)
        # What a catalogue lists as gone is removed, wherever it lies, and so is what DuckLake finds beside its own files.
        (listed := tmp_path / "listed").touch()
        (beside := tmp_path / "lake" / "beside.parquet").touch()
        orphan = tmp_path / "lake" / "core" / "gpu_specs" / f"ducklake-{uuid.uuid4()}.parquet"
        orphan.parent.mkdir(exist_ok=True)
        orphan.touch()
        for path in (beside, orphan):
            os.utime(path, (0, 0))
        with server.connected(lake.parameters["dbname"]) as connection:
            gone = "ducklake_files_scheduled_for_deletion"
            row = [str(listed)]
            connection.execute(f"INSERT INTO {gone} VALUES (9999, %s, false, now() - interval '30 days')", row)
            with pytest.raises(UsageError, match="listed is no file of this lake"):
                lake_upkeep.tidy(lake, catalogue)
            connection.execute(f"DELETE FROM {gone}")
        with pytest.raises(UsageError, match=r"beside\.parquet is no file of this lake"):
            lake_upkeep.tidy(lake, catalogue)
        assert all(path.exists() for path in (listed, beside, orphan))
        beside.unlink()
        assert lake_upkeep.tidy(lake, catalogue).removed == 1
        assert not orphan.exists()
    assert done.merged > 0
    assert (done.snapshots, done.removed) == (0, 0)  # all of it is younger than the margin
    assert sorted(worker.sql(FACTS)) == before
    late.run(4)  # its copy is of before
    assert sorted(worker.sql(FACTS)) == said(1, 2, 3, 4)


def test_a_catalogue_of_another_warehouse_is_refused_by_name(
    machine: Callable[[str], Machine], server: Server, tmp_path: Path
) -> None:
    theirs = lakes.of_address(server.address(server.database()))
    connection = duckdb.connect()
    lakes.attach(connection, theirs, "lake", data=f"{tmp_path}/theirs/", read_only=False)
    connection.execute("CREATE TABLE lake.accounts AS SELECT 1 AS a")
    connection.close()
    worker = machine("worker")
    wrong = Machine(worker.home, f"ducklake:postgres:{theirs.conninfo}", worker.more)
    for act in (wrong.run, lambda: wrong.sql("select 1")):
        with pytest.raises(UsageError, match=r"another warehouse.*main\.accounts"):
            act()
    worker.run(1)
    other = Machine(tmp_path / "other", server.address(server.database()))
    other.run(2)
    with pytest.raises(UsageError, match="this home belongs to warehouse"):
        Machine(worker.home, other.address).run(3)
    with pytest.raises(UsageError, match="keeps its data at"):
        Machine(worker.home, worker.address, {"OVERBUILD_WAREHOUSE_DATA": "/somewhere/else"}).run(3)


def test_what_others_wrote_into_a_catalogue_is_no_sql_of_ours(
    machine: Callable[[str], Machine], server: Server, tmp_path: Path
) -> None:
    """Whoever may write to the catalogue may change the answer, and do nothing else on the machines that read it."""
    worker = machine("worker")
    worker.run(1)
    laid, database = tmp_path / "laid", worker.address.partition("dbname=")[2].partition(" ")[0]
    with server.connected(database) as connection:
        duckdb.sql("SELECT 1 AS x").write_parquet(str(tmp_path / "private.parquet"))
        points = "UPDATE ducklake_data_file SET path = %s, path_is_relative = %s WHERE path = %s"
        [(path,)] = connection.execute("SELECT max(path) FROM ducklake_data_file").fetchall()
        connection.execute(points, [str(tmp_path / "private.parquet"), False, path])
        with pytest.raises(StorageError, match=r"Cannot access file .*private\.parquet"):
            machine("other").run(2)
        connection.execute(points, [path, True, str(tmp_path / "private.parquet")])
        named = f"x AS SELECT 1; COPY (SELECT 1) TO '{laid}'; --"
        connection.execute("UPDATE ducklake_table SET table_name = %s WHERE table_name = 'gpu_specs'", [named])
        with pytest.raises(UsageError, match=r"a table .*which overbuild did not make"):
            machine("new").run(2)
        assert not laid.exists()
        connection.execute("UPDATE ducklake_metadata SET value = 'https://192.0.2.1/' WHERE key = 'data_path'")
        with pytest.raises(UsageError, match="neither a folder nor s3"):
            worker.sql("select 1")


def test_every_part_of_an_address_leads_both_connections_to_one_server(server: Server, tmp_path: Path) -> None:
    """A service, as libpq calls it, names the database; what DuckDB was not told of led it to another one."""
    (tmp_path / "services").write_text(f"[lake]\nhost={server.folder}\nuser=postgres\ndbname={server.database()}\n")
    data = f"data_path='{tmp_path}/lake'"
    worker = Machine(
        tmp_path / "home",
        f"ducklake:postgres:service=lake {data} password='two  blanks, a \\' and data_path=x'",
        {"PGSERVICEFILE": str(tmp_path / "services")},
    )
    lake = lakes.of_address(worker.address)
    assert (lake.data, lake.parameters["password"]) == (f"{tmp_path}/lake", "two  blanks, a ' and data_path=x")
    worker.run(1)
    assert sorted(worker.sql(FACTS)) == said(1)
    with pytest.raises(UsageError, match="sslpassword"):
        lakes.of_address("ducklake:postgres:dbname=lake sslpassword=x")


@pytest.mark.parametrize(
    ("address", "kind", "told"),
    [
        ("ducklake:sqlite:x.db", UsageError, "only a catalogue in PostgreSQL"),
        ("ducklake:postgres:dbname=x password='not-to-be-read", UsageError, "no address of PostgreSQL"),
        ("ducklake:postgres:host=127.0.0.1 port=1 dbname=x password=not-to-be-read", StorageError, "is not there"),
        ("ducklake:postgresql://me:not-to-be-read@127.0.0.1:1/x", StorageError, "is not there"),
        ("postgres:password=not-to-be-read", UsageError, "the address of a lake"),
    ],
)
def test_a_wrong_address_is_told_without_what_it_holds(
    address: str, kind: type[OverbuildError], told: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=told) as error:
        Machine(tmp_path, address).run(1)
    assert "not-to-be-read" not in str(error.value)


KILLED = "tests/database/test_lake.py::test_a_worker_that_is_killed_loses_and_doubles_nothing"


@pytest.mark.parametrize("where", once(["after its commit", "before its commit"], KILLED))
def test_a_worker_that_is_killed_loses_and_doubles_nothing(machine: Callable[[str], Machine], where: str) -> None:
    """Its turn ends with it, so that another one goes on at once; and its own next run goes on from what is there."""
    worker, other = machine("worker"), machine("other")
    worker.run(1)
    program = """
import os, signal, sys
from pathlib import Path
from tests.database.machines import Machine
from warehouse.database import lake_copy
from warehouse.pipeline import sharing

room, name = (lake_copy, "_write_head") if sys.argv[3] == "before its commit" else (sharing, "publish")
goes_on = getattr(room, name)
def killed(*given):
    goes_on(*given)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(room, name, killed)
Machine(Path(sys.argv[1]), sys.argv[2], {"OVERBUILD_WAREHOUSE_DATA": sys.argv[4]}).run(2)
"""
    data = worker.more["OVERBUILD_WAREHOUSE_DATA"]
    ended = subprocess.run([sys.executable, "-c", program, worker.home, worker.address, where, data], check=False)
    assert ended.returncode == -signal.SIGKILL
    published = said(1) if where == "before its commit" else said(1, 2)
    assert sorted(other.sql(FACTS)) == published
    other.run(3)
    worker.run(2)
    assert sorted(other.sql(FACTS)) == said(1, 2, 3)
    documents = other.sql("select sha256 from provenance.documents order by 1")
    assert documents == [(sha256(each),) for each in (1, 2, 3)]
    with duckdb.connect(str(worker.home / CURRENT / WAREHOUSE), read_only=True) as own:
        assert sorted(own.execute(FACTS).fetchall()) == said(1, 2, 3)


def test_the_doctor_says_whether_the_lake_answers_and_quality_has_its_history(
    machine: Callable[[str], Machine],
) -> None:
    from warehouse.cli import doctor
    from warehouse.quality import history

    reader = machine("reader")
    with reader.within():
        assert doctor._published().startswith("the lake answers, and nothing is published there yet")
    run_id = machine("worker").run(1)
    with reader.within():
        assert doctor._published().startswith(f"run {run_id}, as of ")
        create_folders(paths_of(load_settings()))
        with history.opened(paths_of(load_settings())) as connection:
            assert [run["run_id"] for run in history.runs(connection, 10)] == [run_id]
    gone = Machine(reader.home, "ducklake:postgres:host=127.0.0.1 port=1 dbname=x")
    with gone.within(), pytest.raises(StorageError, match="PostgreSQL is not there"):
        doctor._published()
