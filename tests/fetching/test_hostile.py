"""Every live source against hosts that misbehave: the same rows, or none and a reason; never anything else.

Each way to misbehave meets a sixth of the sources here, and each source a sixth of the ways. torture/hostile.py
lets every way meet every source, and mixes them.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from tests.fetching.hostile import HARMFUL, HARMLESS, may_bring_nothing
from tests.fetching.hosts import LIVE, Came, answering, ask, settings_of
from tests.live_server import LiveServer, Reply
from warehouse.sources.common.source import Source

EACH = pytest.mark.parametrize("source", LIVE, ids=lambda source: source.name)
PART = 12
BY_NAME = {source.name: source for source in LIVE}


def a_part(ways) -> list[tuple[str, str]]:
    """Pairs of a source and a way to misbehave."""
    return [
        (source.name, way)
        for number, source in enumerate(LIVE)
        for place, way in enumerate(ways)
        if (number + place) % PART == 0
    ]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr("warehouse.fetching.client.wait_before_retry", lambda state: 0.0)


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer() as server:
        yield server


@pytest.fixture(scope="module")
def good(tmp_path_factory, server) -> dict[str, Came]:
    """What each source brings from a host that means well."""
    return {source.name: asked(source, server, lambda reply: reply, tmp_path_factory.mktemp("good")) for source in LIVE}


def asked(source: Source, server: LiveServer, way, home) -> Came:
    server.answer("/", answering(source, lambda reply, _: way(reply)))
    return ask(source, settings_of(source, home, server.url, timeout_seconds=0.5), home)


@EACH
def test_a_host_that_means_well_gives_rows(source, good):
    came = good[source.name]
    assert any(frame.height for frame in came.rows)
    assert (came.failures, came.refused, came.stopped) == ([], [], "")


@pytest.mark.parametrize(("name", "way"), a_part(HARMLESS))
def test_what_changes_nothing_that_counts_gives_the_same_rows(name, way, good, server, tmp_path):
    came = asked(BY_NAME[name], server, HARMLESS[way], tmp_path)
    assert came.says(good[name]), f"{came.failures} {came.refused} {came.stopped}"


@pytest.mark.parametrize(("name", "way"), a_part(HARMFUL))
def test_a_host_that_misbehaves_gives_no_rows_and_a_reason(name, way, server, tmp_path):
    came = asked(BY_NAME[name], server, HARMFUL[way], tmp_path)
    assert not any(frame.height for frame in came.rows)
    assert not came.is_silent or may_bring_nothing(name, way)


@pytest.mark.parametrize(
    ("name", "way"),
    [("epoch", "changed in the far future"), ("sec_inline_xbrl", "compressed though not asked")],
)
def test_harmless_ways_that_once_did_harm(name, way, good, server, tmp_path):
    assert asked(BY_NAME[name], server, HARMLESS[way], tmp_path).says(good[name])


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("oracle", "a redirect that cannot be read"),
        ("skypilot", "only a header line"),
        ("skypilot", "a length that is too short"),
        ("azure", "an empty list in an object"),
    ],
)
def test_harmful_ways_that_once_did_harm(name, way, server, tmp_path):
    came = asked(BY_NAME[name], server, HARMFUL[way], tmp_path)
    assert not any(frame.height for frame in came.rows)
    assert not came.is_silent


def test_a_link_to_the_next_page_that_is_no_address_stops_there(server, tmp_path):
    source = BY_NAME["azure"]
    came = asked(
        source, server, lambda reply: Reply(reply.content.replace(b"https://prices", b"https://[prices")), tmp_path
    )
    assert "its NextPageLink leads to another host" in came.stopped


# -- secure connections -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


NOW = datetime.now(UTC)
CERTIFICATES = {
    "good": {},
    "expired": {"not_before": NOW - timedelta(days=9), "not_after": NOW - timedelta(days=1)},
    "not yet good": {"not_before": NOW + timedelta(days=1), "not_after": NOW + timedelta(days=9)},
    "of another host": {"host": "elsewhere.invalid"},
    "of nobody we know": {"signed_by": trustme.CA},
}


@pytest.fixture(scope="module", params=CERTIFICATES)
def secure(request, authority) -> Iterator[tuple[str, LiveServer]]:
    """A server that shows one of the certificates."""
    about = dict(CERTIFICATES[request.param])
    signer = about.pop("signed_by", lambda: authority)()
    certificate = signer.issue_cert(about.pop("host", "127.0.0.1"), **about)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    with LiveServer() as server:
        server.speak_tls(context)
        yield request.param, server


@EACH
def test_only_a_good_certificate_brings_rows(source, secure, good, authority, tmp_path, monkeypatch):
    kind, server = secure
    with authority.cert_pem.tempfile() as bundle:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
        came = asked(source, server, lambda reply: reply, tmp_path)
    if kind == "good":
        assert came.says(good[source.name])
    else:
        assert not came.rows
        assert "certificate" in " ".join([*came.failures, came.stopped])
        assert not server.asked(), "nothing was sent, keys and contact least of all"


def test_a_redirect_from_a_secure_host_to_an_open_one_is_not_followed(server, authority, tmp_path, monkeypatch):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server.forget()
    with LiveServer() as secure, authority.cert_pem.tempfile() as bundle:
        secure.speak_tls(context)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
        away = Reply("", 301, headers={"Location": secure.url.replace("https://", "http://") + "/open"})
        came = asked(BY_NAME["tiingo"], secure, lambda _: away, tmp_path)
    assert "redirected to another host" in came.failures[0]
    assert server.asked() == []
