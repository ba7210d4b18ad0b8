"""What stands between a machine and its servers in tests: it loses answers, as a network does."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

COMMIT = b"COMMIT"


class Between:
    """Passes everything on to PostgreSQL, which listens at a socket in `folder`, until a connection is to be lost.

    `loses` says what of the next commit: `nothing`; the `request`, which PostgreSQL never sees; the `answer`, which the
    client never sees; or `late`, where PostgreSQL gets the request seconds after the client lost its connection. For
    `away_seconds` after that, nobody is let in.
    """

    def __init__(self, folder: Path) -> None:
        self.loses, self.away_seconds = "nothing", 0.0
        self._folder, self._away_until = folder, 0.0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]

    def serve(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listening.accept()
                if time.monotonic() < self._away_until:
                    client.close()
                    continue
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._folder / ".s.PGSQL.5432"))
                threading.Thread(target=self._asks, args=(client, server), daemon=True).start()
                threading.Thread(target=_passes, args=(server, client), daemon=True).start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _asks(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while piece := client.recv(1 << 16):
                if self.loses != "nothing" and COMMIT in piece:
                    self._lose(client, server, piece)
                    return
                server.sendall(piece)
        _close(client, server)

    def _lose(self, client: socket.socket, server: socket.socket, piece: bytes) -> None:
        loses, self.loses = self.loses, "nothing"
        self._away_until = time.monotonic() + self.away_seconds
        if loses == "answer":
            _close(client)
            server.sendall(piece)
            time.sleep(0.2)
        elif loses == "late":
            _close(client)
            time.sleep(2)
            with suppress(OSError):  # that process was ended
                server.sendall(piece)
                time.sleep(0.2)
        _close(client, server)


def _passes(server: socket.socket, client: socket.socket) -> None:
    with suppress(OSError):
        while piece := server.recv(1 << 16):
            client.sendall(piece)
    _close(client)


def _close(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()


@contextmanager
def between(folder: Path) -> Iterator[Between]:
    """One for as long as it is needed."""
    found = Between(folder)
    thread = threading.Thread(target=found.serve, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.close()
        thread.join()
