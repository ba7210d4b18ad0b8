"""A lake whose data are on storage that speaks S3: a real server of it on this machine, and one that misbehaves."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.database import postgres
from tests.database.machines import Machine
from tests.database.test_lake import FACTS, PASSWORD, said
from tests.live_server import LiveServer, Reply, Request
from tests.repeats import breaks
from warehouse.database import lake as lakes
from warehouse.errors import OverbuildError, StorageError

SECRET = "storage-secret-0815"
KEYS = {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1"}


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@dataclass(frozen=True)
class Shared:
    """Two machines with a lake on the storage, the lake's address, and the variables that lead there."""

    worker: Machine
    reader: Machine
    address: str
    of_lake: dict[str, str]


@pytest.fixture
def shared(storage: str, tmp_path: Path) -> Iterator[Shared]:
    import boto3

    boto3.client(
        "s3", endpoint_url=storage, region_name="us-east-1", aws_access_key_id="someone", aws_secret_access_key=SECRET
    ).create_bucket(Bucket="shared")
    with tempfile.TemporaryDirectory(prefix="pg") as folder, postgres.server(Path(folder)) as server:
        address = server.address(server.database(), PASSWORD)
        of_lake = {**KEYS, "AWS_ENDPOINT_URL": storage, "OVERBUILD_WAREHOUSE_DATA": "s3://shared/overbuild"}
        made = (Machine(tmp_path / name, address, of_lake) for name in ("worker", "reader"))
        yield Shared(*made, address, of_lake)


def test_data_on_s3_are_published_and_read_and_its_refusals_are_named(
    shared: Shared, capfd: pytest.CaptureFixture[str]
) -> None:
    shared.worker.run(1)
    with shared.reader.reading() as asked:
        assert sorted(asked(FACTS)) == said(1)
        told = asked("select * from duckdb_databases()"), asked("select name, value from duckdb_settings()")
        assert SECRET not in repr(told)
        assert PASSWORD not in repr(told)
        for refused in ("select * from duckdb_secrets()", "from 's3://shared/other/x.parquet'"):
            with pytest.raises(OverbuildError) as error:
                asked(refused)
            assert SECRET not in str(error.value)
    with LiveServer() as ill:
        ill.answer("/", lambda _: Reply("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml"))
        sick = Machine(shared.worker.home, shared.address, shared.of_lake | {"AWS_ENDPOINT_URL": ill.url})
        with pytest.raises(StorageError, match="refuses these credentials") as denied:
            sick.run(2)
        assert SECRET not in str(denied.value) + "".join(capfd.readouterr())
        echo = f"<Error><Code>AccessDenied</Code><Message>{SECRET}</Message></Error>"
        ill.answer("/", lambda _: Reply(echo, 403, media_type="application/xml"))
        with pytest.raises(StorageError, match="refuses these credentials") as repeated:
            sick.sql(FACTS)
        assert SECRET not in str(repeated.value)
    assert sorted(shared.reader.sql(FACTS)) == said(1)


@breaks
def test_storage_that_is_down_slow_or_silent_is_named_and_loses_nothing(
    shared: Shared, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, reader = shared.worker, shared.reader
    worker.run(1)
    with LiveServer() as ill:
        ill.answer("/", lambda _: Reply("<Error><Code>SlowDown</Code></Error>", 503, media_type="application/xml"))
        sick = Machine(worker.home, shared.address, shared.of_lake | {"AWS_ENDPOINT_URL": ill.url})
        with pytest.raises(StorageError, match="overloaded or down"):
            sick.run(2)
        ill.answer("/", passed_on(storage, refuses="PUT"))  # keys that may read alone
        with pytest.raises(StorageError, match=r"publishing failed: the storage refuses .* rights to the bucket"):
            sick.run(2)
        ill.answer("/", passed_on(storage, wait_seconds=0.3))
        assert sorted(sick.sql(FACTS)) == said(1)
        sick.run(2)
        assert sorted(reader.sql(FACTS)) == said(1, 2)
        monkeypatch.setattr(lakes, "STORAGE_ANSWERS_WITHIN_SECONDS", 1)
        monkeypatch.setattr(lakes, "STORAGE_TRIED_AGAIN", 0)
        ill.answer("/", passed_on(storage, wait_seconds=3))
        for act in (lambda: sick.run(3), lambda: sick.sql(FACTS)):
            with pytest.raises(StorageError, match="the storage does not answer in time"):
                act()
        worker.run(3)
        assert sorted(reader.sql(FACTS)) == said(1, 2, 3)


def passed_on(storage: str, refuses: str = "", wait_seconds: float = 0.0) -> Callable[[Request], Reply]:
    """What answers as a storage does, but slowly, or without one kind of request."""

    def answer(request: Request) -> Reply:
        if request.method == refuses:
            return Reply("<Error><Code>AccessDenied</Code></Error>", 403, "application/xml", wait_seconds=wait_seconds)
        connection = HTTPConnection(storage.removeprefix("http://"))
        connection.request(request.method, request.target, request.body, dict(request.headers))
        got = connection.getresponse()
        kept = {name: value for name, value in got.getheaders() if name.lower() in KEPT}
        return Reply(got.read(), got.status, got.headers["Content-Type"], kept, wait_seconds=wait_seconds)

    return answer


KEPT = ("content-length", "content-range", "accept-ranges", "etag", "last-modified")
