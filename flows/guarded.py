"""Prefect's server for programs and people of this machine, and for no page of the web that they have open.

    python -m flows.guarded --host 0.0.0.0 --port 4200      what deploy/ starts in place of `prefect server start`

Prefect's API has no password here and answers on the loopback of this machine. Any page in a browser of the same machine can
send requests there. Prefect lets pages of all origins do so, and whoever may write to its API can have a run do anything.
A page that is not Prefect's own gives itself away, because its browser names where it comes from (Origin). Where the name of
its host was made to lead here, it gives that name away (Host). Such a request is refused before Prefect sees it.

Programs send no Origin. Prefect's own pages come from the address that they ask. OVERBUILD_SERVER_NAMES has further names by
which it is asked: `server` in a compose file, or that of a proxy before it.

Prefect's own settings do not do this (3.9.1). Its list of origins keeps pages from reading. A request that needs no leave
from the browser is done all the same. Its tokens against forged requests stop those. Neither looks at the name of the host.
Both let every page open the WebSocket by which events come in. Its password stops all, and people have to give it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any

from warehouse.fetching.transport import LOOPBACK

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

NAMES = "OVERBUILD_SERVER_NAMES"
REFUSED = b"This server answers programs of its machine, and pages of its own."


def create_app() -> App:
    """Prefect's server behind the guard; what uvicorn is given to make."""
    from prefect.server.api.server import create_app as made

    return guarded(made(), os.environ.get(NAMES, "").replace(",", " ").lower().split())


def guarded(app: App, names: Collection[str] = ()) -> App:
    """An application that is asked by programs of this machine and by its own pages alone, or by one of some other names."""

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or is_ours(scope, names):
            await app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            kind = (b"content-type", b"text/plain; charset=utf-8")
            await send({"type": "http.response.start", "status": 403, "headers": [kind]})
            await send({"type": "http.response.body", "body": REFUSED})

    return asked


def is_ours(scope: Scope, names: Collection[str] = ()) -> bool:
    """Whether a request asks for this machine by a name that it has for itself or was given, and comes from no other page."""
    given = [(name.lower(), value.decode("latin-1").lower()) for name, value in scope["headers"]]
    hosts = [value for name, value in given if name == b"host"]
    origins = [value for name, value in given if name == b"origin"]
    if len(hosts) != 1:
        return False
    name, port = _parts(hosts[0])
    # Prefect's pages name the server as it was started, whichever name of this machine they were opened by.
    ours = {f"http://[{each}]{port}" if ":" in each else f"http://{each}{port}" for each in LOOPBACK}
    # Of the names that were given, some are of a proxy, whose own port is the usual one of its kind.
    ours |= {f"{kind}://{each}{of}" for kind in ("http", "https") for each in names for of in ("", port)}
    return (name in LOOPBACK or name in names) and ours.issuperset(origins)


def _parts(host: str) -> tuple[str, str]:
    """The name and the port of a header Host: `127.0.0.1` and `:4200`."""
    if host.startswith("["):
        name, _, port = host[1:].partition("]")
    else:
        name, colon, number = host.partition(":")
        port = colon + number
    return name, port


def main() -> None:
    """Serve until a signal, as `prefect server start` does."""
    parser = argparse.ArgumentParser(prog="python -m flows.guarded")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at")
    parser.add_argument("--port", type=int, default=4200)
    given = parser.parse_args()
    from flows import environment

    environment.prepare()
    # Before Prefect is imported. Its services run in this process alone, as they do when its own command starts it.
    os.environ |= {
        "PREFECT_SERVER_API_HOST": given.host,
        "PREFECT_SERVER_API_PORT": str(given.port),
        "PREFECT__SERVER_FINAL": "1",
    }
    import uvicorn

    uvicorn.run(
        "flows.guarded:create_app", factory=True, host=given.host, port=given.port, log_level="warning", lifespan="on"
    )


if __name__ == "__main__":
    main()
