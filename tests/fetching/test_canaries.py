"""What hosts repeat of our secrets is left nowhere, whichever source asks, and whether its host answers or fails.

The long form plants the same canaries in whole runs (torture/canaries.py).
"""

from __future__ import annotations

import gzip
import logging
from contextlib import suppress

import duckdb
import pytest

from tests import canaries
from tests.fetching.hosts import LIVE, ask, settings_of
from tests.live_server import LiveServer
from warehouse.errors import OverbuildError
from warehouse.settings import load_settings


@pytest.mark.parametrize("fails", [False, True], ids=["hosts that answer", "hosts that fail"])
def test_no_canary_is_left_anywhere(fails, tmp_path, monkeypatch, caplog, capfd):
    monkeypatch.setattr("warehouse.fetching.client.wait_before_retry", lambda state: 0.0)
    caplog.set_level(logging.DEBUG, "overbuild")
    given = {name.removeprefix("OVERBUILD_").lower(): value for name, value in canaries.CANARIES.items()}
    said, documents = [], 0
    with LiveServer() as server:
        for source in LIVE:
            server.answer("/", canaries.echoing(source, fails=fails))
            home = tmp_path / source.name
            settings = settings_of(source, home, server.url, **given | {"timeout_seconds": 2})
            for _ in range(2):  # the second time it knows the first answer's ETag
                with suppress(OverbuildError):
                    came = ask(source, settings, home)
                    documents += came.documents
                    said += [*came.refused, *came.failures, came.stopped]
        sent = "\n".join(f"{request.target} {request.headers}" for request in server.asked())
    assert all(canaries.CANARIES[name] in sent for name in ("OVERBUILD_TIINGO_KEY", "OVERBUILD_CONTACT"))
    assert fails or documents >= len(LIVE)
    out = capfd.readouterr()
    assert canaries.found([tmp_path], [*said, caplog.text, out.out, out.err]) == []


def test_secrets_that_stand_in_files_are_sent_and_left_nowhere(tmp_path, monkeypatch, capfd):
    [source] = [each for each in LIVE if each.name == "tiingo"]
    (secrets := tmp_path / "secrets").mkdir()
    for name, value in canaries.CANARIES.items():
        (secrets / name).write_text(f"{value}\n")
        monkeypatch.setenv(f"{name}_FILE", str(secrets / name))
    with LiveServer() as server:
        server.answer("/", canaries.echoing(source, fails=False))
        monkeypatch.setenv("OVERBUILD_TIINGO_URL", server.url)
        came = ask(source, load_settings(), tmp_path / "home")
        sent = "\n".join(f"{request.target} {request.headers}" for request in server.asked())
    assert canaries.CANARIES["OVERBUILD_TIINGO_KEY"] in sent
    assert came.documents
    out = capfd.readouterr()
    said = [*came.refused, *came.failures, came.stopped]
    assert canaries.found([tmp_path / "home"], [*said, repr(load_settings()), out.out, out.err]) == []


def test_a_canary_is_found_wherever_it_is(tmp_path):
    secret = canaries.SECRETS[0]
    (tmp_path / "plain").write_text(f"x{secret.upper()}x")
    (tmp_path / "packed").write_bytes(gzip.compress(secret.encode().hex().encode()))
    with duckdb.connect(str(tmp_path / "w.duckdb")) as connection:
        connection.execute(
            "create table t as select repeat('a', 99) || ? as x from range(5000)", [canaries.spelled(secret)[6]]
        )
        connection.execute(f"copy t to '{tmp_path / 'p.parquet'}' (compression zstd)")
    names = {each.partition(": ")[0].rpartition("/")[2] for each in canaries.found([tmp_path], [])}
    assert {"plain", "packed", "p.parquet", "w.duckdb main.t"} <= names
    assert canaries.found([], [f"said {secret}"])
