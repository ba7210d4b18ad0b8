"""A server on this machine that plays the live sources, well behaved or refusing in every way that they do.

    with LiveServer() as server:
        server.body("/api/xbrl/companyfacts/CIK0000320193.json", facts)         # 200 with these bytes, each time
        server.script("/prices", Reply(status=500), Reply(b"[]"))               # one after the other; the last repeats
        server.refuse("/offers", "429_retry_after")                             # one of REFUSALS
        server.answer("/v8/finance/chart/", lambda request: Reply(...))         # for every path that begins so
        settings = Settings(home=..., sec_url=server.url)                       # a base address of a source
        ...
        assert len(server.asked("/prices")) == 2                                # what came in, with time and headers
        assert server.busiest_second() <= 10

A path with a query (`/prices?page=2`) is looked up before the same path without; what nothing is set for is a 404.
Replies with an ETag or Last-Modified answer a conditional request that names it with 304. In tests use the fixture
`live_server` (tests/conftest.py).
"""

from __future__ import annotations

import gzip
import json
import ssl
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

Manner = Literal["whole", "cut", "cut_short", "trickle", "huge", "huge_undeclared", "drop"]
CHUNK = 1 << 16


@dataclass(frozen=True)
class Request:
    """A request as it came in; `at` is seconds of a clock that only goes forward."""

    at: float
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {
            name: values[-1] for name, values in parse_qs(urlsplit(self.target).query, keep_blank_values=True).items()
        }


@dataclass(frozen=True)
class Reply:
    """What to answer. `body` may be bytes, text, something for JSON, or a file (`.gz` files are unpacked)."""

    body: Any = b""
    status: int = 200
    media_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    """The phrase after the status; the usual one where None."""
    etag: str | None = None
    last_modified: str | None = None
    manner: Manner = "whole"
    wait_seconds: float = 0.0
    zipped: bool = False
    """Compressed though not asked, without a Content-Encoding that says so."""

    @property
    def content(self) -> bytes:
        body = self.body
        if isinstance(body, Path):
            body = gzip.decompress(body.read_bytes()) if body.suffix == ".gz" else body.read_bytes()
        elif isinstance(body, str):
            body = body.encode()
        elif not isinstance(body, bytes):
            body = json.dumps(body).encode()
        return gzip.compress(body, mtime=0) if self.zipped else body

    @property
    def kind(self) -> str:
        if self.media_type:
            return self.media_type
        start = self.content[:1].strip()
        return "application/json" if start in (b"{", b"[") else "text/html" if start == b"<" else "text/csv"


CONSENT_PAGE = (
    "<!DOCTYPE html><html><head><title>Before you continue</title></head><body><form method='post' action='/agree'>"
    "We and our partners use cookies. <button>Accept all</button></form></body></html>"
)
CHALLENGE_PAGE = (
    "<!DOCTYPE html><html><head><script>document.cookie='challenge='+solve(7*6);location.reload()</script></head>"
    "<body>Checking your browser before you continue. Please enable JavaScript.</body></html>"
)

REFUSALS: dict[str, tuple[Reply, ...]] = {
    "429": (Reply("Too Many Requests\r\n", 429, "text/plain"),),
    "429_retry_after": (Reply("Too Many Requests\r\n", 429, "text/plain", {"Retry-After": "1"}),),
    "403": (
        Reply("<html><title>SEC.gov | Your Request Originates from an Undeclared Automated Tool</title></html>", 403),
    ),
    "404": (Reply("<html><title>404 Not Found</title></html>", 404),),
    "consent": (Reply(CONSENT_PAGE),),
    "challenge": (Reply(CHALLENGE_PAGE),),
    "error_json": (Reply({"error": {"code": "Not Found", "description": "No data found, symbol may be delisted"}}),),
    "cut": (Reply({"rows": ["x" * 1000] * 50}, manner="cut"),),
    "redirect": (Reply("", 302, "text/html", {"Location": "http://elsewhere.invalid/login"}),),
    "trickle": (Reply(b"{", manner="trickle"),),
    "huge": (Reply(b"[", manner="huge"),),
    "huge_undeclared": (Reply(b"[", manner="huge_undeclared"),),
    "500": (Reply("<html>Internal Server Error</html>", 500),),
    "drop": (Reply(manner="drop"),),
}


class _Quiet(ThreadingHTTPServer):
    """A client that leaves in the middle of an answer is what some tests are about."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class LiveServer:
    """Plays any number of hosts: a base address of each source points here. Use it in a `with` statement."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._scripts: dict[str, list[Reply]] = {}
        self._answers: list[tuple[str, Callable[[Request], Reply]]] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    # -- what to answer ---------------------------------------------------------------------------------------

    def body(self, path: str, body: Any, **reply: Any) -> None:
        """Answer `path` with this body each time; see `Reply` for what else can be said."""
        self.script(path, Reply(body, **reply))

    def script(self, path: str, *replies: Reply) -> None:
        """Answer `path` with one reply after the other; the last one repeats."""
        with self._lock:
            self._scripts[path] = list(replies)

    def refuse(self, path: str, kind: str, then: Reply | None = None) -> None:
        """Answer `path` with a refusal (a name of REFUSALS): each time, or once and then with `then`."""
        self.script(path, *REFUSALS[kind], *([then] if then else []))

    def answer(self, prefix: str, function: Callable[[Request], Reply]) -> None:
        """Answer every path that begins with `prefix` by a function."""
        with self._lock:
            self._answers.append((prefix, function))

    # -- what was asked ---------------------------------------------------------------------------------------

    def asked(self, prefix: str = "/") -> list[Request]:
        """The requests for paths (with query) that begin with `prefix`, in the order of their arrival."""
        with self._lock:
            return [request for request in self.requests if request.target.startswith(prefix)]

    def busiest_second(self, prefix: str = "/") -> int:
        """The largest number of requests that arrived within any one second."""
        times = sorted(request.at for request in self.asked(prefix))
        return max((sum(start <= at < start + 1 for at in times) for start in times), default=0)

    def forget(self) -> None:
        """Start counting anew."""
        with self._lock:
            self.requests.clear()

    def speak_tls(self, context: ssl.SSLContext) -> None:
        """Speak TLS from now on, with the certificate of `context`."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = self.url.replace("http://", "https://")

    # -- the server -------------------------------------------------------------------------------------------

    def __enter__(self) -> LiveServer:
        self._server = _Quiet(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _reply_to(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            for key in (request.target, request.path):
                if script := self._scripts.get(key):
                    return script.pop(0) if len(script) > 1 else script[0]
            found = [function for prefix, function in self._answers if request.target.startswith(prefix)]
        return found[-1](request) if found else REFUSALS["404"][0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                request = Request(time.monotonic(), self.command, self.path, dict(self.headers.items()), body)
                reply = server._reply_to(request)
                server._stopping.wait(reply.wait_seconds)
                try:
                    self._send(_unchanged(reply, request))
                except OSError:  # the client left
                    self.close_connection = True

            do_POST = do_PUT = do_HEAD = do_GET

            def _send(self, reply: Reply) -> None:
                if reply.manner == "drop":
                    self.close_connection = True
                    self.connection.close()
                    return
                body = reply.content
                length = {"cut": len(body) * 2 + 100, "huge": 2_000_000_000}.get(reply.manner, len(body))
                self.send_response(reply.status, reply.reason)
                self.send_header("Content-Type", reply.kind)
                if reply.manner not in ("trickle", "huge_undeclared"):
                    self.send_header("Content-Length", reply.headers.get("Content-Length", str(length)))
                else:
                    self.send_header("Connection", "close")
                for name, value in (
                    ("ETag", reply.etag),
                    ("Last-Modified", reply.last_modified),
                    *reply.headers.items(),
                ):
                    if value is not None and name != "Content-Length":
                        self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD" and reply.status != 304:
                    self.wfile.write(body)
                if reply.manner != "whole":
                    self.close_connection = True
                if reply.manner == "trickle":
                    while not server._stopping.wait(0.05):
                        self.wfile.write(b" ")
                        self.wfile.flush()
                if reply.manner.startswith("huge"):
                    sent = len(body)
                    while sent < length + (1 << 31) and not server._stopping.is_set():
                        self.wfile.write(b" " * CHUNK)
                        sent += CHUNK

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _unchanged(reply: Reply, request: Request) -> Reply:
    """304 where a conditional request names what the reply would bring again."""
    if reply.status != 200:
        return reply
    asked = {name.lower(): value for name, value in request.headers.items()}
    same = reply.etag is not None and asked.get("if-none-match") == reply.etag
    since = (
        reply.etag is None and reply.last_modified is not None and asked.get("if-modified-since") == reply.last_modified
    )
    return replace(reply, body=b"", status=304, manner="whole", zipped=False) if same or since else reply
