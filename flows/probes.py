"""What `overbuild serve` answers to a probe and to Prometheus, where OVERBUILD_HEALTH_ADDRESS names a host and a port.

    /live      200 while the service runs and its Prefect server answers; 503 where a restart would help
    /health    200 where all is well, else 503; JSON that says what is wrong and what to do
    /metrics   the figures of the last run, for Prometheus

A container is restarted by `/live` and by nothing else: an old answer is not mended by a restart. Only GET is answered, and
nothing of a request is used but its path. Whoever asks slowly keeps nobody waiting. Each request has a thread of its own,
and is cut off after some seconds. Of many at once, the last are turned away. There is no password, so keep it within your
network.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from flows.server import answers
from warehouse.errors import UsageError
from warehouse.paths import Paths
from warehouse.reports import health, prometheus
from warehouse.settings import Settings

ASKED_WITHIN_SECONDS = 5.0
"""How long a request may take to come, all of it."""
AT_ONCE = 32


@contextmanager
def answered(paths: Paths, settings: Settings, prefect_url: str, say: Any) -> Iterator[str]:
    """Answer probes for as long as this lasts; gives the address, '' where none is set. Raises UsageError where it is taken."""
    if settings.health_address is None:
        yield ""
        return
    host, _, port = settings.health_address.rpartition(":")
    try:
        server = _Server((host.strip("[]"), int(port)), _handler(paths, settings, prefect_url))
    except OSError as error:
        raise UsageError(
            f"OVERBUILD_HEALTH_ADDRESS={settings.health_address}: this address cannot be used ({error.strerror}). "
            "Give a host of this machine and a free port, or leave it out."
        ) from error
    address = f"http://{host}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, name="probes", daemon=True)
    thread.start()
    say(f"answers probes at {address}/health, /live and /metrics")
    try:
        yield address
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answer(path: str, paths: Paths, settings: Settings, prefect_url: str) -> tuple[int, str, bytes]:
    """Status, media type and body for a path."""
    match path:
        case "/live":
            up = answers(prefect_url)
            said = "ok\n" if up else "the Prefect server does not answer; restart the service\n"
            return 200 if up else 503, "text/plain; charset=utf-8", said.encode()
        case "/health":
            found = health.report(paths, settings, datetime.now(UTC))
            body = json.dumps(found, ensure_ascii=False, indent=1).encode()
            return 503 if found["problems"] else 200, "application/json", body
        case "/metrics":
            try:
                return 200, "text/plain; version=0.0.4; charset=utf-8", (paths.root / prometheus.FILE).read_bytes()
            except OSError:
                return 503, "text/plain; charset=utf-8", b"# no run has ended here yet\n"
    return 404, "text/plain; charset=utf-8", b"ask for /live, /health or /metrics\n"


class _Server(ThreadingHTTPServer):
    """Answers each request in a thread of its own, as many at once as it may."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, *given: Any) -> None:
        self._free = threading.BoundedSemaphore(AT_ONCE)
        super().__init__(*given)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return self._free.acquire(blocking=False)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        cut_off = threading.Timer(ASKED_WITHIN_SECONDS, _cut_off, [request])
        cut_off.daemon = True
        cut_off.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            cut_off.cancel()
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever went away, or was cut off, is no news."""


def _cut_off(request: socket.socket) -> None:
    """End what still comes of a request; an answer that is being made goes on."""
    with suppress(OSError):
        request.shutdown(socket.SHUT_RD)


def _handler(paths: Paths, settings: Settings, prefect_url: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = ASKED_WITHIN_SECONDS
        server_version, sys_version = "overbuild", ""

        def do_GET(self) -> None:
            try:
                status, kind, body = answer(self.path.split("?")[0], paths, settings, prefect_url)
            except Exception as error:
                status, kind, body = 503, "text/plain; charset=utf-8", f"{type(error).__name__}\n".encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """A probe that asks every few seconds is no news."""

    return Handler
