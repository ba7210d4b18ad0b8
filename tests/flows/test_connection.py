"""How a run comes to speak to Prefect: each thing that keeps it from that is named by its setting, with exit code 2.

That a temporary server is spared from proxies is tried where one is started: tests/flows/test_in_prefect.py.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile

import httpx
import pytest

from flows import connection
from flows.server import free_port
from tests.live_server import Reply
from tests.runs import command
from warehouse.errors import UsageError


@pytest.fixture(autouse=True)
def _environment(monkeypatch, tmp_path):
    for name in ("PREFECT_API_URL", *connection.DATABASE_SET, "PREFECT_API_KEY", "PREFECT_API_AUTH_STRING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "deep" / "prefect"))


def database(path, revision=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE alembic_version (version_num TEXT)")
        made.execute("INSERT INTO alembic_version VALUES (?)", [revision])
    made.close()
    return path


# -- what a user sees, before anything is imported or started ------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"PREFECT_API_URL": "http://127.0.0.1:9/api"}, "PREFECT_API_URL=http://127.0.0.1:9/api: it refuses connections"),
        ({"PREFECT_API_URL": "http://no.invalid/api"}, "PREFECT_API_URL=http://no.invalid/api: the name of the host is"),
        ({"PREFECT_API_URL": "127.0.0.1:4200/api"}, "PREFECT_API_URL=127.0.0.1:4200/api: this is no web address"),
        ({"PREFECT_API_URL": "http://me:secret@127.0.0.1:9/api"}, "PREFECT_API_URL=http://***@127.0.0.1:9/api: it refuses"),
        ({"PREFECT_HOME": "/proc/nowhere"}, "PREFECT_HOME=/proc/nowhere: this folder cannot be written"),
        ({"OVERBUILD_HOME": "/proc/nowhere"}, "OVERBUILD_HOME=/proc/nowhere: this folder cannot be written"),
        ({"SSL_CERT_FILE": "/nowhere/ca.pem"}, "SSL_CERT_FILE=/nowhere/ca.pem: no TLS certificates can be read there"),
        ({"HTTPS_PROXY": "ftp://proxy"}, "HTTPS_PROXY=ftp://proxy: this is no address of a proxy"),
        ({"http_proxy": "http://me:secret@proxy:x"}, "http_proxy=http://***@proxy:x: this is no address of a proxy"),
    ],
    ids=lambda given: "" if isinstance(given, str) else "".join(given),
)  # fmt: skip
def test_a_run_that_cannot_speak_to_prefect_names_the_setting(tmp_path, given, said):
    done = command(tmp_path / "home", "run", **given)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "secret" not in done.stderr
    assert "defect" not in done.stderr


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_of_the_sources_are_looked_at_before_these_are_asked(tmp_path, name):
    (tmp_path / "empty.pem").write_text("no certificate")
    for path, why in ((tmp_path / "gone.pem", "no such file"), (tmp_path / "empty.pem", "no certificate in it")):
        given = {name: str(path), "OVERBUILD_CONTACT": "Jane Doe jane@example.com"}
        done = command(tmp_path / "home", "run", "--source", "live", "--only", "sec", **given)
        assert done.returncode == 2
        assert f"{name}={path}: no TLS certificates can be read there" in done.stderr
        assert why in done.stderr


def test_the_doctor_names_the_setting_once(tmp_path):
    done = command(tmp_path / "home", "doctor", PREFECT_API_URL="http://127.0.0.1:9/api", OVERBUILD_CONTACT="Łucja")
    assert done.returncode == 2
    assert "fix   Prefect      PREFECT_API_URL=http://127.0.0.1:9/api: it refuses connections" in done.stdout
    assert done.stdout.count("OVERBUILD_CONTACT: Ł is not a letter of Latin-1") == 1


# -- a server that answers, but not as Prefect does -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply("", 404), "it answered 404; its address usually ends in /api"),
        (Reply("", 401), "it refuses this program (401); check PREFECT_API_KEY"),
        (Reply("", 500), "it answered 500"),
        (Reply("<html>welcome</html>"), "is no Prefect server"),
        (Reply([]), "is no Prefect server"),
        (Reply(manner="drop"), "it closed the connection"),
        (Reply("", wait_seconds=3), "no answer within 0.5 s"),
    ],
    ids=["404", "401", "500", "html", "json", "drops", "silent"],
)
def test_what_answers_but_is_no_server_that_takes_us_is_named(live_server, monkeypatch, reply, said):
    monkeypatch.setattr(connection, "ANSWERS_WITHIN_SECONDS", 0.5)
    live_server.answer("/", lambda request: reply)
    with pytest.raises(UsageError) as refused:
        connection.require_answer(f"{live_server.url}/api")
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"PREFECT_API_URL (of Prefect's profile)={live_server.url}/api: ")


# -- the database of a temporary server ------------------------------------------------------------------------------------


def test_a_database_that_prefect_cannot_start_on_is_told_from_one_that_it_can(tmp_path):
    assert connection.why_not_usable(tmp_path / "none.db") == ""
    (tmp_path / "empty.db").touch()
    assert connection.why_not_usable(tmp_path / "empty.db") == ""
    # the first step of Prefect's migrations: an older version, which the server brings up to date
    assert connection.why_not_usable(database(tmp_path / "old.db", "9725c1cbee35")) == ""
    newer = connection.why_not_usable(database(tmp_path / "newer.db", "ffffffffffff"))
    assert newer == "another version of Prefect wrote it, which this one does not know (revision ffffffffffff)"
    (tmp_path / "broken.db").write_bytes(bytes(range(256)) * 40)
    assert connection.why_not_usable(tmp_path / "broken.db") == "it is no database of Prefect (file is not a database)"
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE mine (a TEXT)")
    other.close()
    assert connection.why_not_usable(tmp_path / "other.db") == "it is a database, but not one of Prefect's"


def test_a_run_on_a_database_of_another_version_names_the_home(tmp_path):
    home = database(tmp_path / "prefect" / "prefect.db", "ffffffffffff").parent
    done = command(tmp_path / "home", "run", PREFECT_HOME=str(home))
    assert done.returncode == 2
    assert f"PREFECT_HOME={home}: prefect.db cannot be used: another version of Prefect wrote it" in done.stderr
    assert "Set PREFECT_HOME to another folder" in done.stderr


def test_a_server_that_ends_at_once_is_not_waited_for_and_its_last_word_is_said():
    program = "import sys; sys.exit('the disk is full')"
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen([sys.executable, "-S", "-c", program], stdout=said, stderr=said)
        with pytest.raises(UsageError, match=r"temporary server ended at once: the disk is full\nSet PREFECT_HOME"):
            connection._wait_until_up(process, f"http://127.0.0.1:{free_port(0)}/api", said)


# -- a server that goes in the middle of a run --------------------------------------------------------------------------


@pytest.fixture
def under_way(monkeypatch):
    """A run that fails with an error while it speaks to a server that answered at its start."""

    def run(url: str, error: Exception) -> None:
        for name in ("_require_at_once", "require_answer"):
            monkeypatch.setattr(connection, name, lambda *_, **__: None)
        monkeypatch.setattr(connection, "server_set", lambda: url)
        monkeypatch.setattr(connection.left_behind, "settle", lambda: 0)
        with connection.connected(asks_sources=False):
            raise error

    return run


def test_a_server_that_dies_in_mid_run_is_named_with_the_way_out(under_way):
    """By hand: a server was killed under a run. Prefect's client gave up after two minutes with a ConnectError."""
    gone = f"http://me:secret@127.0.0.1:{free_port(0)}/api"
    with pytest.raises(UsageError) as raised:
        under_way(gone, httpx.ConnectError("[Errno 111] Connection refused"))
    said = str(raised.value)
    assert said.startswith(
        f"PREFECT_API_URL={gone.replace('me:secret', '***')}: this server stopped answering in the middle"
    )
    assert "Start that server again, then give the same command." in said


def test_what_is_not_the_servers_fault_comes_through_as_it_is(under_way, live_server):
    live_server.script("/api/health", Reply(b"true"))
    with pytest.raises(httpx.ConnectError):
        under_way(f"{live_server.url}/api", httpx.ConnectError("another host"))
    with pytest.raises(ZeroDivisionError):
        under_way(f"http://127.0.0.1:{free_port(0)}/api", ZeroDivisionError())


@pytest.mark.parametrize("revision", ["05ea6f882b1d", "a1b2c3d4e5f7", "4dfa692e02a7"])
def test_a_server_killed_at_any_step_of_its_first_start_goes_on(tmp_path, revision):
    """Names of some steps do not hold their revision: Prefect's `2026_03_03_000000_...` is 4dfa692e02a7."""
    assert connection.why_not_usable(database(tmp_path / "prefect.db", revision)) == ""
