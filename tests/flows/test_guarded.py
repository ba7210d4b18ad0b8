"""Prefect's server answers programs of this machine and its own pages, and no page of the web."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from flows.guarded import guarded

OURS = [
    {"host": "127.0.0.1:4200"},
    {"host": "localhost:4200"},
    {"host": "[::1]:4200", "origin": "http://[::1]:4200"},
    {"host": "127.0.0.1:4200", "origin": "http://127.0.0.1:4200"},
    {"host": "127.0.0.1:4200", "origin": "http://localhost:4200"},
    {"host": "127.0.0.1"},
]
OTHERS = [
    {"host": "127.0.0.1:4200", "origin": "https://pages.example"},
    {"host": "127.0.0.1:4200", "origin": "null"},
    {"host": "127.0.0.1:4200", "origin": "http://127.0.0.1:8000"},
    {"host": "127.0.0.1:4200", "origin": "https://127.0.0.1:4200"},
    {"host": "127.0.0.1:4200", "origin": "http://127.0.0.1:4200.pages.example"},
    {"host": "pages.example:4200", "origin": "http://pages.example:4200"},
    {"host": "pages.example:4200"},
    {"host": "127.0.0.1.pages.example:4200"},
    {"host": ""},
    {},
]


NAMED = ["server", "prefect.example.org"]
OURS_BY_NAME = [
    {"host": "server:4200"},
    {"host": "127.0.0.1:4200", "origin": "http://127.0.0.1:4200"},
    {"host": "prefect.example.org", "origin": "https://prefect.example.org"},
    {"host": "127.0.0.1:4200", "origin": "https://prefect.example.org"},  # a proxy that asks in its own name
]
OTHERS_BY_NAME = [
    *OTHERS,
    {"host": "server:4200", "origin": "https://pages.example"},
    {"host": "prefect.example.org", "origin": "https://prefect.example.org:8443"},
    {"host": "prefect.example.org", "origin": "https://prefect.example.org.pages.example"},
]


def answer(kind: str, headers: dict[str, str], names: list[str] | None = None) -> list[dict]:
    """What is sent in answer to a request with these headers, by an application that answers all."""
    sent: list[dict] = []

    async def app(scope, receive, send):
        await send({"type": "answered"})

    async def send(message):
        sent.append(message)

    async def asked():
        given = [(name.encode(), value.encode()) for name, value in headers.items()]
        await guarded(app, names or [])({"type": kind, "headers": given}, None, send)

    asyncio.run(asked())
    return sent


@pytest.mark.parametrize("headers", OURS)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_programs_of_this_machine_and_its_own_pages_are_answered(kind, headers):
    assert answer(kind, headers) == [{"type": "answered"}]


@pytest.mark.parametrize("headers", OTHERS)
def test_a_page_of_the_web_is_refused_before_prefect_sees_it(headers):
    start, body = answer("http", headers)
    assert start["status"] == 403
    assert b"pages of its own" in body["body"]
    assert [message["type"] for message in answer("websocket", headers)] == ["websocket.close"]


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_a_server_that_others_ask_is_told_by_which_names(kind):
    assert [answer(kind, each, NAMED) for each in OURS_BY_NAME] == [[{"type": "answered"}]] * len(OURS_BY_NAME)
    assert {"type": "answered"} not in [sent for each in OTHERS_BY_NAME for sent in answer(kind, each, NAMED)]


def test_a_host_that_is_named_twice_is_refused():
    given = [(b"host", b"127.0.0.1:4200"), (b"Host", b"pages.example")]
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(guarded(None)({"type": "http", "headers": given}, None, send))
    assert sent[0]["status"] == 403


def test_every_server_that_we_start_is_behind_the_guard():
    """Whatever starts Prefect's application otherwise would be open to any page."""
    flows = Path(__file__).parents[2] / "flows"
    starts = {path.name for path in flows.glob("*.py") if "create_app" in path.read_text()}
    assert starts == {"connection.py", "guarded.py", "server.py"}
    for name in ("connection.py", "server.py"):
        text = (flows / name).read_text()
        assert "flows.guarded:create_app" in text
        assert "prefect.server.api.server:create_app" not in text
