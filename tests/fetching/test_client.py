"""Asking a source politely, within bounds, nothing silent: the real client against a server that refuses in every way.

More than 500 lines, because each way to refuse is a case of its own against the same client and server.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import html
import json
import multiprocessing
import re
import socket
import ssl
import threading
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
import requests
import urllib3

from tests.live_server import CONSENT_PAGE, REFUSALS, Reply
from warehouse.errors import StoppedError, UsageError
from warehouse.fetching import archive, client
from warehouse.fetching.client import SILENT_DOCUMENTS, Online
from warehouse.fetching.failures import TRIES
from warehouse.fetching.fetch_log import Fetched, FetchLog
from warehouse.fetching.rate_limit import RateLimit
from warehouse.fetching.reachability import why_not_reached
from warehouse.settings import Settings
from warehouse.sources.common.source import Source

KEY = "s3cr3t-key-0123456789"
GOOD = {"rows": [1, 2, 3]}


class Nothing:
    """A warehouse that holds nothing."""

    def newest(self, source: str, table: str, by: str, day: str) -> dict[str, date]:
        return {}

    def values(self, table: str, column: str) -> list[str]:
        return []

    def rows(self, table: str, columns: tuple[str, ...]) -> list[tuple]:
        return []


def source(**changed) -> Source:
    return Source(
        **{
            "name": "toy",
            "kind": "live",
            "feed": "capex",
            "gives": "toys",
            "tables": (),
            "fetch": lambda fetching: iter(()),
            "parse": lambda document: iter(()),
            "terms": "none",
            "host_setting": "OVERBUILD_SEC_URL",
            "requests_per_second": 1000.0,
            "max_bytes": 1_000_000,
            "on_refusal": "Set OVERBUILD_CONTACT to a name and an address.",
        }
        | changed
    )


@pytest.fixture
def online(live_server, tmp_path):
    """A function that gives the fetching of a source at the test server; waits are noted and not waited."""
    made: list[Online] = []

    def make(wait=None, *, sec_url=live_server.url, timeout_seconds=5, network="on", plant=None, **changed) -> Online:
        settings = Settings(
            home=tmp_path, sec_url=sec_url, timeout_seconds=timeout_seconds, network=network, **(plant or {})
        )
        fetching = Online(
            source(**changed),
            settings,
            tmp_path / "raw",
            Nothing(),
            datetime.now(UTC),
            wait=wait or (lambda seconds: None),
        )
        made.append(fetching)
        return fetching

    yield make
    for fetching in made:
        fetching.close()


def get(fetching: Online, path: str = "/doc", **more):
    return fetching.get(f"https://data.sec.gov{path}", name=f"toy {path}", **{"expect": "json"} | more)


def files(raw: Path) -> list[bytes]:
    return [path.read_bytes() for path in raw.rglob("*") if path.is_file()]


def test_a_document_is_in_the_archive_with_address_time_hash_and_headers(online, live_server, tmp_path):
    live_server.body("/doc", GOOD, etag='"1"')
    received = get(online(), params={"a": "b c"})
    assert json.loads(received.content) == GOOD
    assert received.url == "https://data.sec.gov/doc?a=b+c", "the public address, whoever answered"
    assert archive.read(tmp_path / "raw", received.sha256) == received.content
    (line,) = (tmp_path / "raw" / "fetches" / "toy.jsonl").read_text().splitlines()
    noted = json.loads(line)
    assert noted["sha256"] == hashlib.sha256(received.content).hexdigest()
    assert (noted["status"], noted["etag"], noted["bytes"]) == (200, '"1"', len(received.content))
    assert noted["headers"]["Content-Type"] == "application/json"
    assert datetime.fromisoformat(noted["fetched_at"]) == received.fetched_at


def test_path_and_query_are_kept_at_another_base_address(online, live_server):
    live_server.body("/api/x", GOOD)
    fetching = online()
    for host in ("https://www.sec.gov", "https://data.sec.gov:443"):
        assert fetching.get(f"{host}/api/x?q=1&r=%20z", name="x", expect="json")
    assert [request.target for request in live_server.asked()] == ["/api/x?q=1&r=%20z"] * 2


def test_a_base_address_that_is_none_is_named(online):
    with pytest.raises(UsageError, match=r"OVERBUILD_SEC_URL=sec\.gov: write it as https://host"):
        get(online(sec_url="sec.gov"))


@pytest.mark.parametrize("header", ["etag", "last_modified"])
def test_an_unchanged_document_comes_out_of_the_archive(online, live_server, header):
    live_server.body("/doc", GOOD, **{header: "Wed, 21 Oct 2026 07:28:00 GMT"})
    first, again = get(online()), get(online())
    assert again.content == first.content
    assert again.fetched_at == first.fetched_at, "when these bytes were first received"
    assert live_server.asked()[1].headers.keys() & {"If-None-Match", "If-Modified-Since"}


def test_a_changed_document_is_a_new_one(online, live_server, tmp_path):
    live_server.script("/doc", Reply(GOOD, etag='"1"'), Reply([4], etag='"2"'))
    first, again = get(online()), get(online())
    assert (first.content, again.content) == (json.dumps(GOOD).encode(), b"[4]")
    assert archive.read(tmp_path / "raw", first.sha256), "the older one stays"
    assert again.fetched_at > first.fetched_at


def test_a_fresh_document_is_not_asked_for(online, live_server):
    live_server.body("/doc", GOOD)
    get(online())
    assert get(online(), fresh_for=timedelta(hours=1)).content
    assert len(live_server.asked()) == 1
    assert get(online()).content
    assert len(live_server.asked()) == 2


def test_a_document_missing_from_the_archive_is_fetched_anew(online, live_server, tmp_path):
    live_server.body("/doc", GOOD, etag='"1"')
    first = get(online())
    archive.path_of(tmp_path / "raw", first.sha256).unlink()
    assert get(online(), fresh_for=timedelta(hours=1)).content == first.content
    assert "If-None-Match" not in live_server.asked()[1].headers


def test_a_document_damaged_in_the_archive_is_fetched_anew_and_put_right(online, live_server, tmp_path):
    live_server.body("/doc", GOOD, etag='"1"')
    first = get(online())
    kept = archive.path_of(tmp_path / "raw", first.sha256)
    kept.write_bytes(b"[9]")
    assert get(online(), fresh_for=timedelta(hours=1)).content == first.content
    assert "If-None-Match" not in live_server.asked()[1].headers
    assert kept.read_bytes() == first.content


def test_with_the_network_off_nothing_is_sent(online, live_server):
    with pytest.raises(StoppedError, match="the network is off"):
        get(online(network="off"))
    assert live_server.asked() == []


# -- what may pass --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["500", "cut", "drop", "429", "429_retry_after"])
def test_what_may_pass_is_tried_again(online, live_server, kind):
    live_server.refuse("/doc", kind, then=Reply(GOOD))
    fetching = online()
    assert get(fetching).content
    assert len(live_server.asked()) == 2
    assert fetching.failures == []


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("500", "answered 500"),
        ("cut", "cut short after 50,210 bytes"),
        ("drop", "the connection failed (it closed the connection)"),
    ],
)
def test_tries_are_bounded_and_the_failure_is_noted(online, live_server, tmp_path, kind, why):
    live_server.refuse("/doc", kind)
    waits = []
    fetching = online(wait=waits.append)
    assert get(fetching) is None
    assert len(live_server.asked()) == TRIES
    (failure,) = fetching.failures
    assert why in str(failure)
    assert str(failure).startswith("toy /doc: ")
    backoff = [seconds for seconds in waits if seconds > 0.4]
    assert len(backoff) == TRIES - 1
    assert all(0.5 * 2**n <= seconds <= 2**n for n, seconds in enumerate(backoff)), "doubling, a part left to chance"
    noted = json.loads((tmp_path / "raw" / "fetches" / "toy.jsonl").read_text())
    assert noted["outcome"] == "failed"
    assert list((tmp_path / "raw").glob(".receiving*")) == [], "no half body stays"


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_honoured(online, live_server, form):
    value = "7" if form == "seconds" else format_datetime(datetime.now(UTC) + timedelta(seconds=8), usegmt=True)
    live_server.script("/doc", Reply("", 503, headers={"Retry-After": value}), Reply(GOOD))
    waits = []
    assert get(online(wait=waits.append)).content
    assert 6 < max(waits) < 9


def test_429_that_outlasts_the_retries_pauses_the_source_for_all(online, live_server):
    live_server.refuse("/doc", "429")
    live_server.body("/other", GOOD)
    with pytest.raises(StoppedError, match=r"asked for a pause .*429.*no request is sent to it until 20\d\d-"):
        get(online())
    assert len(live_server.asked()) == TRIES
    with pytest.raises(StoppedError, match="no request is sent"):
        get(online(), "/other")
    assert len(live_server.asked()) == TRIES, "not one request more"


def test_a_long_retry_after_is_a_pause_until_then(online, live_server):
    live_server.script("/doc", Reply("", 429, headers={"Retry-After": "7200"}))
    fetching = online()
    with pytest.raises(StoppedError):
        get(fetching)
    assert len(live_server.asked()) == 1
    until, _ = fetching.rate_limit.paused()
    assert timedelta(minutes=119) < until - datetime.now(UTC) <= timedelta(hours=2)


@pytest.mark.parametrize(
    ("status", "value", "minutes"), [(503, "3000", 50), (429, "inf", 15), (429, "9" * 300, 24 * 60), (429, "1e300", 15)]
)
def test_whoever_asks_for_a_long_wait_gets_it_within_a_day(online, live_server, status, value, minutes):
    live_server.body("/doc", "", status=status, headers={"Retry-After": value})
    fetching = online()
    with pytest.raises(StoppedError, match="asked for a pause"):
        get(fetching)
    until, _ = fetching.rate_limit.paused()
    assert abs(until - datetime.now(UTC) - timedelta(minutes=minutes)) < timedelta(minutes=1)


def test_a_pause_asked_of_one_stops_another_that_is_already_asking(online, live_server):
    live_server.refuse("/doc", "500")
    asked_to_pause = online()
    asking = online(
        wait=lambda _: asked_to_pause.rate_limit.pause(datetime.now(UTC) + timedelta(hours=1), "toy: answered 429")
    )
    with pytest.raises(StoppedError, match="the source asked for a pause"):
        get(asking)
    assert len(live_server.asked()) == 1


# -- what will not pass ---------------------------------------------------------------------------------------------


def test_403_stops_the_source_and_says_what_to_do(online, live_server):
    live_server.refuse("/doc", "403")
    with pytest.raises(StoppedError, match=r"refused this program \(403\). Set OVERBUILD_CONTACT"):
        get(online())
    assert len(live_server.asked()) == 1


def test_404_is_noted_and_the_source_goes_on(online, live_server):
    live_server.body("/other", GOOD)
    fetching = online()
    assert get(fetching) is None
    assert get(fetching, "/other")
    assert [str(failure) for failure in fetching.failures] == [
        "toy /doc: answered 404 Not Found, there is no such document"
    ]


@pytest.mark.parametrize("expect", ["json", "csv"])
@pytest.mark.parametrize("kind", ["consent", "challenge"])
def test_a_page_instead_of_data_is_kept_for_a_look_and_never_answered(online, live_server, kind, expect):
    live_server.refuse("/doc", kind)
    fetching = online()
    assert get(fetching, expect=expect) is None
    (failure,) = fetching.failures
    assert "a page instead of data" in failure.why
    assert failure.kept.read_bytes() == REFUSALS[kind][0].content
    assert str(failure.kept) in str(failure)
    assert len(live_server.asked()) == 1
    assert "Cookie" not in live_server.asked()[0].headers


def test_a_page_that_says_it_is_json_is_still_a_page(online, live_server):
    live_server.body("/doc", CONSENT_PAGE, media_type="application/json")
    fetching = online()
    assert get(fetching) is None
    assert "a page instead of data" in fetching.failures[0].why


def test_json_that_calls_itself_a_page_is_json(online, live_server):
    live_server.body("/doc", GOOD, media_type="text/html")
    assert get(online())


@pytest.mark.parametrize("body", [b"", b"Too Many Requests"])
def test_nothing_and_plain_text_are_no_json(online, live_server, body):
    live_server.body("/doc", body, media_type="application/json")
    fetching = online()
    assert get(fetching) is None
    assert "empty body" in fetching.failures[0].why or "text instead of JSON" in fetching.failures[0].why


def test_a_body_compressed_without_saying_so_is_taken_as_it_is(online, live_server):
    live_server.body("/doc", GOOD, zipped=True)
    assert json.loads(gzip.decompress(get(online()).content)) == GOOD


def test_a_body_compressed_as_asked_is_unpacked(online, live_server):
    packed = gzip.compress(json.dumps(GOOD).encode())
    live_server.body("/doc", packed, media_type="application/json", headers={"Content-Encoding": "gzip"})
    assert json.loads(get(online()).content) == GOOD


@pytest.mark.parametrize("kept_share", [0.5, 0.999])
def test_a_packed_body_that_ends_too_early_is_not_taken_for_whole(online, live_server, tmp_path, kept_share):
    """Its length is right for what was sent, so that only the packing itself can tell. Lines of a CSV would be lost."""
    whole = "".join(f"{number},{number * 7919 % 1000}\n" for number in range(20_000)).encode()
    packed = gzip.compress(whole)
    cut = packed[: int(len(packed) * kept_share)]
    live_server.body("/doc", cut, media_type="text/csv", headers={"Content-Encoding": "gzip"})
    fetching = online()
    assert get(fetching, expect="csv") is None
    assert "the body was cut short after" in fetching.failures[0].why
    assert len(live_server.asked()) == TRIES
    live_server.body("/two", gzip.compress(whole) * 2 + bytes(8), headers={"Content-Encoding": "gzip"})
    assert get(online(), "/two", expect="csv").content == whole * 2


def test_a_body_that_is_not_packed_as_it_says_cannot_be_unpacked(online, live_server):
    live_server.body("/doc", b"plain text", headers={"Content-Encoding": "gzip"})
    fetching = online()
    assert get(fetching) is None
    assert "the body cannot be unpacked after 0 bytes" in fetching.failures[0].why


def test_a_small_body_that_unpacks_to_gigabytes_is_given_up_at_the_limit(online, live_server):
    live_server.body("/doc", gzip.compress(b"[" + bytes(30_000_000)), headers={"Content-Encoding": "gzip"})
    fetching = online()
    assert get(fetching) is None
    assert "it unpacks to more than the 1,000,000 bytes allowed" in fetching.failures[0].why


def test_a_packing_that_was_not_asked_for_is_refused(online, live_server):
    live_server.body("/doc", b"\x0b\x02\x80[1]\x03", headers={"Content-Encoding": "br"})
    fetching = online()
    assert get(fetching) is None
    assert "is packed as 'br'; only gzip was asked for" in fetching.failures[0].why


def test_a_redirect_on_the_same_host_is_followed_and_to_another_refused(online, live_server):
    live_server.body("/doc", "", status=302, headers={"Location": "/moved?x=1"})
    live_server.body("/moved", GOOD)
    assert get(online()).content
    for elsewhere in ("http://elsewhere.invalid/login", "http://127.0.0.1:9/x", "//localhost/x", "file:///etc/passwd"):
        live_server.body("/doc", "", status=302, headers={"Location": elsewhere})
        fetching = online()
        assert get(fetching) is None
        assert "redirected to another host" in fetching.failures[0].why
    live_server.body("/doc", "", status=302, headers={"Location": "/doc"})
    fetching = online()
    assert get(fetching) is None
    assert "more than 5 redirects" in fetching.failures[0].why
    live_server.body("/doc", "", status=302)
    fetching = online()
    assert get(fetching) is None
    assert "redirects without saying where" in fetching.failures[0].why


@pytest.mark.parametrize(("kind", "why"), [("huge", "announces 2,000,000,000"), ("huge_undeclared", "sends more than")])
def test_a_body_of_two_gigabytes_is_given_up_at_the_limit(online, live_server, tmp_path, kind, why):
    live_server.refuse("/doc", kind)
    fetching = online()
    started = time.monotonic()
    assert get(fetching) is None
    assert time.monotonic() - started < 5
    assert why in fetching.failures[0].why
    assert sum(len(body) for body in files(tmp_path / "raw")) < 10_000


def test_a_server_that_trickles_is_given_up_and_so_is_the_source_after_a_few(online, live_server):
    for number in range(SILENT_DOCUMENTS):
        live_server.refuse(f"/doc{number}", "trickle")
    fetching = online(timeout_seconds=0.3)
    started = time.monotonic()
    for number in range(SILENT_DOCUMENTS - 1):
        assert get(fetching, f"/doc{number}") is None
    assert "trickles" in fetching.failures[0].why
    with pytest.raises(StoppedError, match="no answer for 3 documents in a row"):
        get(fetching, f"/doc{SILENT_DOCUMENTS - 1}")
    assert time.monotonic() - started < 5


def test_a_server_that_never_answers_is_given_up(online, live_server):
    live_server.body("/doc", GOOD, wait_seconds=30)
    fetching = online(timeout_seconds=0.2)
    assert get(fetching) is None
    assert "no answer within 0.2 s" in fetching.failures[0].why


def test_a_large_document_is_handed_on_as_a_file(online, live_server):
    large = b"[" + b"1," * 4_000_000 + b"1]"
    live_server.body("/doc", large, media_type="application/json")
    received = get(online(max_bytes=20_000_000))
    assert isinstance(received.content, Path)
    assert received.content.stat().st_size == len(large)


# -- keys -----------------------------------------------------------------------------------------------------------


def test_a_key_is_sent_and_never_written(online, live_server, tmp_path):
    live_server.body("/doc", GOOD)
    live_server.body("/echo", {"error": f"bad key {KEY}"})
    live_server.body("/away", "", status=302, headers={"Location": f"http://elsewhere.invalid/{KEY}"})
    fetching = online()
    secret = {"params": {"symbol": "A", "token": KEY}, "secret_params": frozenset({"token"})}
    received = get(fetching, **secret)
    assert live_server.asked()[0].query == {"symbol": "A", "token": KEY}
    assert received.url == "https://data.sec.gov/doc?symbol=A"
    get(fetching, headers={"Authorization": f"Token {KEY}"})
    assert live_server.asked()[1].headers["Authorization"] == f"Token {KEY}"
    for path in ("/echo", "/away", "/missing"):
        assert get(fetching, path, **secret) is None
    live_server.refuse("/403", "403")
    with pytest.raises(StoppedError) as stopped:
        get(fetching, "/403", **secret)
    said = str(stopped.value) + " ".join(map(str, fetching.failures))
    assert KEY not in said
    assert not any(KEY.encode() in body for body in files(tmp_path))


CONTACT = "Jane Canary jane.canary@example.com"
WEBHOOK = "https://hooks.example.com/T0/canary-webhook-0123"
ODD_KEY = 'od"d&k/y + 0123456789'
"""A key with letters that addresses, JSON and pages each write in their own way."""


def spelled(secret: str) -> list[str]:
    """A secret as servers repeat it."""
    return [secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], html.escape(secret)]


@pytest.mark.parametrize("secret", [KEY, ODD_KEY, CONTACT, "jane.canary@example.com", WEBHOOK])
@pytest.mark.parametrize("spelling", range(5))
def test_nothing_that_a_server_repeats_of_our_secrets_is_kept(online, live_server, tmp_path, caplog, secret, spelling):
    """A server may repeat a secret in its phrase, any header, the address of a redirect, or the body."""
    said = spelled(secret)[spelling]
    plant = {"contact": CONTACT, "webhook_url": WEBHOOK, "tiingo_key": ODD_KEY}
    asked = {"params": {"token": KEY}, "secret_params": frozenset({"token"}), "headers": {"Authorization": KEY}}
    headers = {"Server": said, "Content-Type": f"application/json; {said}", "Last-Modified": said, "X-Said": said}
    live_server.script("/good", Reply(GOOD, headers=headers, etag=f'"{said}"'))
    live_server.script("/404", Reply("", 404, reason=f"no {said}", headers=headers))
    live_server.script("/500", Reply("", 500, reason=f"no {said}", headers=headers))
    live_server.script("/304", Reply("", 304, reason=said, headers=headers))
    live_server.script("/body", Reply({"error": f"what is {said}?"}))
    live_server.script("/page", Reply(f"<html>{'-' * 70_000}{said}</html>", media_type="text/html"))
    live_server.script("/away", Reply("", 302, headers={"Location": f"http://elsewhere.invalid/{said}"}))
    live_server.script("/length", Reply(GOOD, headers={"Content-Length": said}))
    live_server.script("/packed", Reply(GOOD, headers={"Content-Encoding": said}))
    live_server.script("/429", Reply("", 429, reason=said, headers={"Retry-After": said}))
    fetching = online(plant=plant)
    for path in ("/good", "/good", "/404", "/500", "/304", "/body", "/page", "/away", "/length", "/packed"):
        with contextlib.suppress(StoppedError):
            get(fetching, path, **asked)
    with pytest.raises(StoppedError) as stopped:
        get(fetching, "/429", **asked)
    kept = " ".join([str(stopped.value), caplog.text, *map(str, fetching.failures)]).encode()
    for text in [kept, *files(tmp_path)]:
        for each in (KEY, ODD_KEY, CONTACT, "jane.canary@example.com", WEBHOOK):
            for way in spelled(each):
                assert way.lower().encode() not in text.lower()
    assert live_server.asked("/good")[1].headers.keys().isdisjoint({"If-None-Match", "If-Modified-Since"})


@pytest.mark.parametrize("said", ["abc", "-5", "1.5", "\u0662"])
def test_a_length_that_is_none_is_the_documents_fault(online, live_server, said):
    live_server.script("/doc", Reply(GOOD, headers={"Content-Length": said.encode().decode("latin-1")}))
    fetching = online()
    assert get(fetching) is None
    assert "which is no number of bytes" in fetching.failures[0].why


def test_only_one_file_sees_what_a_server_said_before_secrets_are_blotted_out():
    """The library's own response holds whatever the server repeated; everyone else is given an `Answer`."""
    room = Path(client.__file__).parent
    others = [path for path in room.glob("*.py") if path.name not in ("attempt.py", "reachability.py", "webhook.py")]
    named = re.compile(r"requests\.Response|response\.(reason|headers|text|content)")
    assert not [path.name for path in others if named.search(path.read_text())]


def test_no_cookie_is_kept_or_sent(online, live_server):
    live_server.body("/doc", GOOD, headers={"Set-Cookie": "id=1; Path=/"})
    fetching = online()
    get(fetching)
    get(fetching)
    assert all("Cookie" not in request.headers for request in live_server.asked())


# -- the rate limit -----------------------------------------------------------------------------------------------------------


def test_the_limit_holds_across_threads_and_retries(online, live_server):
    live_server.answer("/", lambda request: Reply("", 500) if "fail" in request.target else Reply(GOOD))

    def ask(worker: int) -> None:
        fetching = online(wait=time.sleep, requests_per_second=20.0)
        for number in range(8):
            get(fetching, f"/{worker}/{number}")

    threads = [threading.Thread(target=ask, args=(worker,)) for worker in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(live_server.asked()) == 40
    assert live_server.busiest_second() <= 20


def _turns(raw: Path, times) -> None:
    rate_limit = RateLimit(raw, "toy", 20.0)
    for _ in range(6):
        rate_limit.wait_turn()
        times.append(time.monotonic())


def test_the_limit_holds_across_processes(tmp_path):
    # Not forked: a process that drew charts has reserved more memory than a copy of it is allowed to.
    with multiprocessing.get_context("spawn").Manager() as manager:
        times = manager.list()
        workers = [
            multiprocessing.get_context("spawn").Process(target=_turns, args=(tmp_path, times)) for _ in range(3)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        turns = sorted(times)
    assert len(turns) == 18
    assert turns[-1] - turns[0] > 17 / 20


def test_one_that_wakes_up_late_moves_the_others_on(tmp_path, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr("warehouse.fetching.rate_limit.time.time", lambda: clock[0])

    def turn(oversleeps: float = 0.0) -> float:
        def wait(seconds: float) -> None:
            clock[0] += seconds + oversleeps

        RateLimit(tmp_path, "toy", 1.1, wait).wait_turn()  # a turn a second
        return round(clock[0] - 1000, 6)

    assert [turn(), turn(oversleeps=0.75), turn(), turn()] == [0.0, 1.75, 2.75, 3.75]


def test_a_clock_that_was_set_back_does_not_stop_a_source(tmp_path):
    waits = []
    rate_limit = RateLimit(tmp_path, "toy", 1.0, waits.append)
    (tmp_path / "fetches" / "toy.rate_limit.json").write_text(json.dumps({"next": time.time() + 1e7}))
    rate_limit.wait_turn()
    assert sum(waits) < 2


# -- the log --------------------------------------------------------------------------------------------------------


def test_a_torn_line_of_the_log_costs_only_itself(online, live_server, tmp_path):
    live_server.body("/doc", GOOD, etag='"1"')
    get(online())
    path = tmp_path / "raw" / "fetches" / "toy.jsonl"
    path.write_bytes(path.read_bytes() + b'{"outcome": "go')
    get(online(), "/doc")
    assert len(FetchLog(tmp_path / "raw", "toy")._all()) == 1
    assert live_server.asked()[1].headers["If-None-Match"] == '"1"'
    assert path.read_text().count("\n") == 3


def test_documents_are_published_once_each_in_order(online, live_server, tmp_path):
    log = FetchLog(tmp_path / "raw", "toy")
    for path in ("/b", "/a"):
        live_server.body(path, GOOD)
        get(online(), path)
    found = [log.last(f"https://data.sec.gov{path}") for path in ("/b", "/a")]
    log.publish(found)
    log.publish(found)
    assert log.published() == found


def test_the_log_keeps_what_a_source_knew_of_a_document(tmp_path):
    """The same bytes from the same address are two documents where they mean two things."""
    log = FetchLog(tmp_path, "toy")
    at = datetime(2026, 11, 9, tzinfo=UTC)
    whole = Fetched("https://toys.example/a", "a", "text/csv", "0" * 64, at, at, context={"rebased": "2026-08-20"})
    later = replace(whole, context={"after": "2026-08-20"})
    log.publish([whole, later, whole])
    assert log.published() == [whole, later]


def test_a_log_of_an_earlier_version_has_the_context_in_the_address(tmp_path):
    log = FetchLog(tmp_path, "toy")
    at = datetime(2026, 11, 9, tzinfo=UTC)
    line = {
        "url": "https://toys.example/a?q=1#ticker=BRK-B&fiscal_year_end_month=12", "name": "a", "media_type": "text/csv",
        "sha256": "0" * 64, "fetched_at": at.isoformat(), "checked_at": at.isoformat(),
    }  # fmt: skip
    (tmp_path / "fetches").mkdir()
    (tmp_path / "fetches" / "toy.published.jsonl").write_text(json.dumps(line) + "\n")
    (tmp_path / "fetches" / "toy.jsonl").write_text(json.dumps(line | {"outcome": "good"}) + "\n")
    (published,) = log.published()
    assert published.url == "https://toys.example/a?q=1"
    assert published.context == {"ticker": "BRK-B", "fiscal_year_end_month": "12"}
    assert log.last("https://toys.example/a?q=1") == published
    log.publish([published])
    assert log.published() == [published], "it is the same document, however it was written"


# -- why a host was not reached ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://127.0.0.1:9", "it refuses connections"),
        ("{server}", "no secure connection could be made"),  # https asked of a server that speaks http
    ],
)
def test_why_a_host_was_not_reached_is_said_in_words(online, live_server, address, why):
    fetching = online(sec_url=address.format(server=live_server.url.replace("http://", "https://")))
    assert get(fetching) is None
    assert f"the connection failed ({why}), 4 times" in str(fetching.failures[0])


def test_a_name_that_is_not_known_and_a_bad_certificate_are_said_in_words():
    unknown = urllib3.exceptions.NameResolutionError("nowhere", None, socket.gaierror(-2, "Name or service not known"))
    pool = urllib3.exceptions.MaxRetryError(None, "/", unknown)
    assert why_not_reached(requests.ConnectionError(pool)) == "the name of the host is not known"
    bad = ssl.SSLCertVerificationError("certificate verify failed")
    bad.verify_message = "certificate has expired"
    pool = urllib3.exceptions.MaxRetryError(None, "/", urllib3.exceptions.SSLError(bad))
    assert why_not_reached(requests.exceptions.SSLError(pool)) == "its certificate is not good: certificate has expired"


def test_the_log_says_of_every_failure_whether_the_host_answered(online, live_server, tmp_path):
    for kind in ("404", "drop", "403"):
        live_server.refuse(f"/{kind}", kind)
    fetching = online()
    assert get(fetching, "/404") is None
    assert get(fetching, "/drop") is None
    with pytest.raises(StoppedError):
        get(fetching, "/403")
    lines = [json.loads(line) for line in (tmp_path / "raw" / "fetches" / "toy.jsonl").read_text().splitlines()]
    assert [(line["name"], line["answered"]) for line in lines] == [
        ("toy /404", True), ("toy /drop", False), ("toy /403", True),
    ]  # fmt: skip
