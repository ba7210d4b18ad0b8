"""Work spread over a Dask cluster that somebody runs: `overbuild run --runner dask://HOST:PORT`.

What is spread are pure pieces (`warehouse.spreading`): reading a filer's document, studying an event, simulating, answering
as of some earlier days. They go to the cluster by Dask's own client, from within the tasks of Prefect that need them.
Prefect's task runner for Dask would make a Prefect task of each. Then every worker must reach Prefect's server, and most runs
have a temporary one that listens on this machine alone. Each of thousands of documents would cost a dozen requests. And a
task whose worker is lost can stay RUNNING there for ever (Prefect 21638). Here every Prefect task is of this process, so its
state is always told.

Documents are fetched by this machine alone. Their hosts count requests for each asker, the limit is held by a file, and
the archive lies here. Waiting for a host costs no processor, so nothing is gained by waiting elsewhere.

The same bytes come out as on one machine. A worker says which program and libraries it runs, for each piece. What another
version did is not taken. Dask tries a piece again on another worker where one failed or was lost. What fails there for
good, or does not come within `PIECE_WITHIN_SECONDS`, is cancelled there and done here. A cluster that loses some pieces
in a row is not asked again in this run.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from warehouse.errors import OverbuildError, UsageError
from warehouse.pipeline.record import program

SCHEME = "dask"
ANSWERS_WITHIN_SECONDS = 10.0
NO_SCHEDULER = f"what listens there does not answer as a Dask scheduler within {ANSWERS_WITHIN_SECONDS:g} s"
SAID_FIRST = b"pickle-protocol"
"""In the first words of a scheduler, before it is asked. Dask's client waits for them without end."""
PIECE_WITHIN_SECONDS = 300.0
RETRIES = 2
MOST_LOST_IN_A_ROW = 3
ASKED_AT_START = 64
"""Of so many workers the program is compared before a run begins; of all of them with each piece."""

Say = Callable[[str], None]


# -- at a worker ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Done:
    """What a worker gave for a piece. Without `is_done` it has to be done at home: `why` is the reason."""

    given: Any = None
    is_done: bool = True
    why: str = ""


def at_worker(wanted: dict[str, str], work: Callable[..., Any], *given: Any) -> Done:
    """Do a piece of work, where this worker runs the same program with the same libraries."""
    if different := differing(wanted, program()):
        return Done(is_done=False, why=f"a worker runs another program ({different})")
    try:
        return Done(work(*given))
    except OverbuildError:  # the document is at fault, which is found out again at home, and said as ever
        return Done(is_done=False)


def differing(wanted: dict[str, str], found: dict[str, str]) -> str:
    """Which parts of a program differ, in words; '' where none does."""
    names = [name for name in wanted if wanted[name] != found.get(name)]
    versions = [f"{name} {found.get(name, 'missing')}, not {wanted[name]}" for name in names if "sha256" not in name]
    return "; ".join(versions) if versions else "its files are not the same" if names else ""


# -- at home ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sent:
    """A piece that was sent to the cluster; `future` is None where it takes no more."""

    cluster: Cluster
    future: Any
    work: Callable[..., Any]
    given: tuple[Any, ...]

    def result(self) -> Any:
        """What the work gives: of the cluster, or of this process where the cluster does not give it in time."""
        done = self.cluster.wait_for(self.future)
        return done.given if done.is_done else self.work(*self.given)


class Cluster:
    """A cluster that answers, for as long as a run lasts (`warehouse.spreading.Spread`)."""

    def __init__(self, client: Any, runner: str, say: Say) -> None:
        self._client, self._runner, self._say = client, runner, say
        self._program = program()
        self._lost_in_a_row = 0
        self.elsewhere = self.here = 0

    @property
    def width(self) -> int:
        with suppress(Exception):
            return max(1, sum(self._client.nthreads().values()))
        return 1

    @property
    def is_given_up(self) -> bool:
        return self._lost_in_a_row >= MOST_LOST_IN_A_ROW

    def submit(self, work: Callable[..., Any], *given: Any) -> Sent:
        """Give a piece of work away."""
        future = None
        if not self.is_given_up:
            try:
                future = self._client.submit(at_worker, self._program, work, *given, pure=False, retries=RETRIES)
            except Exception as error:
                self._note_lost(error)
        return Sent(self, future, work, given)

    def wait_for(self, future: Any) -> Done:
        """What became of a piece. Raises nothing: what the cluster does not give is to be done here."""
        from distributed import CancelledError

        if future is None or (self.is_given_up and future.status != "finished"):
            self.here += 1
            _let_go(future)
            return Done(is_done=False)
        try:
            done: Done = future.result(timeout=PIECE_WITHIN_SECONDS)
        except (Exception, CancelledError) as error:
            self._note_lost(error)
            done = Done(is_done=False)
        else:
            self._lost_in_a_row = 0
        _let_go(future)
        if done.why:
            self._say(f"{self._runner}: {done.why}; its pieces are done here")
        self.elsewhere += done.is_done
        self.here += not done.is_done
        return done

    def _note_lost(self, error: BaseException) -> None:
        self._lost_in_a_row += 1
        said = str(error).splitlines()
        why = f"{type(error).__name__}: {said[0][:200]}" if said else type(error).__name__
        more = "; all further pieces are done here" if self.is_given_up else ""
        self._say(f"{self._runner}: a piece of work did not come back ({why}) and is done here{more}")


def _let_go(future: Any) -> None:
    """Have the cluster forget a piece, so that nothing there seems under way."""
    if future is not None:
        with suppress(Exception):
            future.cancel() if not future.done() else future.release()


# -- the way there ----------------------------------------------------------------------------------------------------


@contextmanager
def spread(runner: str | None, say: Say) -> Iterator[Cluster | None]:
    """The cluster at `dask://HOST:PORT`; None without a runner. Raises UsageError where none answers, and says why."""
    if not runner:
        yield None
        return
    address = require(runner)
    client = _connected(address, runner)
    try:
        _require_workers(client, runner)
        cluster = Cluster(client, runner, say)
        say(f"{runner}: {len(client.nthreads())} worker processes, {cluster.width} threads")
        yield cluster
        say(f"{runner}: {cluster.elsewhere} pieces of work were done there, {cluster.here} here")
    finally:
        with suppress(Exception):
            client.close(timeout=ANSWERS_WITHIN_SECONDS)


def require(runner: str) -> str:
    """The address of the cluster's scheduler, as Dask writes it. Raises UsageError where nobody can be there.

    This takes no second and imports nothing, so a command tries it before it starts anything.
    """
    try:
        parts = urlsplit(runner)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    extra = parts.path.strip("/") or parts.query or parts.username if host else ""
    if host is None or port is None or parts.scheme != SCHEME or extra:
        raise UsageError(
            "runner: give the address of a Dask scheduler, as dask://HOST:PORT (--runner, or OVERBUILD_RUNNER)."
        )
    if find_spec("distributed") is None:
        raise UsageError(
            f"runner {runner}: the packages for it are missing. Install them: pip install 'overbuild[dask]'"
        )
    try:
        with socket.create_connection((host, port), timeout=ANSWERS_WITHIN_SECONDS) as there:
            speaks_dask = SAID_FIRST in there.recv(4096)
    except TimeoutError:
        speaks_dask = False
    except (OSError, UnicodeError) as error:
        why = "the name of the host is not known" if isinstance(error, socket.gaierror | UnicodeError) else str(error)
        raise _no_scheduler(runner, why) from error
    if not speaks_dask:
        raise _no_scheduler(runner, NO_SCHEDULER)
    return f"tcp://{parts.netloc}"


def _connected(address: str, runner: str) -> Any:
    import logging

    import dask
    from distributed import Client

    for name in ("distributed", "distributed.client"):  # what matters of it is said in our own words
        logging.getLogger(name).setLevel(logging.CRITICAL)
    dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"})  # a document is sent with its piece
    try:
        return Client(address, timeout=ANSWERS_WITHIN_SECONDS, set_as_default=False)
    except Exception as error:
        raise _no_scheduler(runner, NO_SCHEDULER) from error


def _no_scheduler(runner: str, why: str) -> UsageError:
    return UsageError(
        f"runner {runner}: no Dask scheduler answers: {why}. Start one (dask scheduler), correct the address (--runner, or "
        "OVERBUILD_RUNNER), or leave it out: then all is done on this machine."
    )


def _require_workers(client: Any, runner: str) -> None:
    """Raises UsageError where the cluster has no workers, or one that lacks this program or has another version of it.

    A worker that is busy with something else does not answer now; it is asked again with each piece.
    """
    from distributed import wait

    with suppress(Exception):
        client.wait_for_workers(1, timeout=ANSWERS_WITHIN_SECONDS)
    workers = list(client.nthreads())[:ASKED_AT_START]
    if not workers:
        raise UsageError(
            f"runner {runner}: this scheduler has no workers. Start some, on machines that have this program: dask worker "
            f"{runner.removeprefix('dask://')}"
        )
    asked = {worker: client.submit(program, workers=[worker], pure=False) for worker in workers}
    with suppress(Exception):
        wait(list(asked.values()), timeout=ANSWERS_WITHIN_SECONDS)
    for worker, future in asked.items():
        if future.status == "error":
            raise UsageError(
                f"runner {runner}: the worker {worker} cannot import this program ({future.exception()}). Install the same "
                "version of overbuild there, and start the worker again."
            )
        if future.status == "finished" and (different := differing(program(), future.result())):
            raise UsageError(
                f"runner {runner}: the worker {worker} runs another program: {different}. Install the same version there, "
                "and start the worker again: another version may give other figures."
            )
        _let_go(future)
