"""Prefect's server for programs and people of this machine, and for no page of the web that they have open.

Prefect's API has no password here and answers on the loopback of this machine. Any page in a browser of the same machine can
send requests there. Prefect lets pages of all origins do so, and whoever may write to its API can have a run do anything.
A page that is not Prefect's own gives itself away, because its browser names where it comes from (Origin). Where the name of
its host was made to lead here, it gives that name away (Host). Such a request is refused before Prefect sees it.

Programs send no Origin. Prefect's own pages come from the address that they ask.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from warehouse.fetching.transport import LOOPBACK

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

REFUSED = b"This server answers programs of its machine, and pages of its own."


def create_app() -> App:
    """Prefect's server behind the guard; what uvicorn is given to make."""
    from prefect.server.api.server import create_app as made

    return guarded(made())


def guarded(app: App) -> App:
    """An application that is asked by programs of this machine and by its own pages alone."""

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or is_ours(scope):
            await app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            kind = (b"content-type", b"text/plain; charset=utf-8")
            await send({"type": "http.response.start", "status": 403, "headers": [kind]})
            await send({"type": "http.response.body", "body": REFUSED})

    return asked


def is_ours(scope: Scope) -> bool:
    """Whether a request asks for this machine by a name that it has for itself, and comes from no other page."""
    given = [(name.lower(), value.decode("latin-1").lower()) for name, value in scope["headers"]]
    hosts = [value for name, value in given if name == b"host"]
    origins = [value for name, value in given if name == b"origin"]
    if len(hosts) != 1:
        return False
    name, port = _parts(hosts[0])
    # Prefect's pages name the server as it was started, whichever name of this machine they were opened by.
    ours = {f"http://[{each}]{port}" if ":" in each else f"http://{each}{port}" for each in LOOPBACK}
    return name in LOOPBACK and ours.issuperset(origins)


def _parts(host: str) -> tuple[str, str]:
    """The name and the port of a header Host: `127.0.0.1` and `:4200`."""
    if host.startswith("["):
        name, _, port = host[1:].partition("]")
    else:
        name, colon, number = host.partition(":")
        port = colon + number
    return name, port
