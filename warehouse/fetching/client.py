"""How a source's documents are fetched: politely, within bounds, and never without a trace.

Public hosts are not ours. They limit how fast they may be asked, and they fail in every way there is. So every request
of a source goes through here: within its rate limit, with limits of time and size, a few retries, and no cookies. What
arrives is in the archive under its hash before anyone reads it. What does not arrive is noted with its reason.

The parts: `attempt` sends one request and judges the answer, `body` receives it, `rate_limit` says when, `archive` and
`fetch_log` keep what came. Here they are put together: what is asked for at all, how often, and when to stop.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from warehouse.errors import StoppedError
from warehouse.fetching import archive, body
from warehouse.fetching.attempt import LONGEST_RETRY_AFTER_SECONDS, Answer, Sender, Wanted, refusal
from warehouse.fetching.failures import Failure, TryAgain, Unavailable
from warehouse.fetching.fetch_log import Fetched, FetchLog
from warehouse.fetching.rate_limit import LONGEST_PAUSE, RateLimit
from warehouse.settings import Settings
from warehouse.sources.common.source import Expect, Received, Source

if TYPE_CHECKING:
    import tenacity

PAUSE = timedelta(minutes=15)
SILENT_DOCUMENTS = 3
"""After so many documents in a row that the host did not answer for, the others are not asked for."""
PROGRESS_EVERY_SECONDS = 10.0
KEPT_HEADERS = ("Content-Type", "Content-Length", "Content-Encoding", "Date", "Age", "Server")

progress = logging.getLogger("overbuild.progress.fetching")


class Known(Protocol):
    """What the warehouse holds already, rows that wait in staging included (warehouse.pipeline.ingest)."""

    def newest(self, source: str, table: str, by: str, day: str) -> dict[str, date]: ...

    def values(self, table: str, column: str) -> list[str]: ...

    def rows(self, table: str, columns: tuple[str, ...]) -> list[tuple[Any, ...]]: ...


@dataclass(frozen=True)
class Local:
    """For sources whose documents lie on this machine: the settings and the time."""

    settings: Settings
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    span: tuple[date, date] | None = None

    def get(self, url: str, **_: Any) -> None:
        raise NotImplementedError(f"{url}: this source has no network")

    def newest(self, table: str, by: str, day: str) -> dict[str, date]:
        raise NotImplementedError

    def values(self, table: str, column: str) -> list[str]:
        raise NotImplementedError

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        raise NotImplementedError

    def failed(self, name: str, why: str, url: str) -> None:
        raise NotImplementedError


@dataclass
class Online:
    """The live form of `Fetching` (see warehouse.sources.common.source) for one source in one run; used by one thread.

    `wait` is how to wait, and tests replace it. `shared_turn` waits for a turn (the name of the limit, requests a second)
    among all machines that ask the host. The limit of this machine holds with it and without it.
    """

    source: Source
    settings: Settings
    raw: Path
    known: Known
    now: datetime
    span: tuple[date, date] | None = None
    wait: Callable[[float], Any] = time.sleep
    shared_turn: Callable[[str, float], None] | None = None
    failures: list[Failure] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.log = FetchLog(self.raw, self.source.name)
        self._limited = self.source.rate_limit_of or self.source.name
        self.rate_limit = RateLimit(self.raw, self._limited, self.source.requests_per_second, self.wait)
        self._sender = Sender(self.source, self.settings, self._wait_turn)
        self._silent_in_a_row = 0
        self._received, self._reported_at = 0, time.monotonic()

    @property
    def requests_sent(self) -> int:
        return self._sender.requests_sent

    # -- what sources ask ---------------------------------------------------------------------------------------

    def get(
        self,
        url: str,
        *,
        name: str,
        expect: Expect,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        fresh_for: timedelta = timedelta(0),
        secret_params: frozenset[str] = frozenset(),
        absent_ok: bool = False,
    ) -> Received | None:
        """One document, out of the archive where it is fresh or unchanged; None where it could not be fetched.

        Raises StoppedError where the whole source must stop.
        """
        wanted = Wanted.of(url, name, expect, params or {}, headers or {}, secret_params)
        held = self._held(wanted)
        started = datetime.now(UTC)
        if held and fresh_for and started - held.checked_at < fresh_for:
            return self._archived(held, wanted)
        if self.settings.network == "off":
            raise StoppedError(f"{name}: the network is off (OVERBUILD_NETWORK), nothing was asked.")
        self._stop_while_paused()
        try:
            received = self._retrying()(self._attempt, wanted, held)
        except TryAgain as error:
            self._given_up(error, wanted, started)
        except Unavailable as error:
            self._unavailable(error, wanted, started, absent_ok)
        except archive.DamagedError as error:
            self._note(wanted, started, str(error))
        except StoppedError as error:
            self.log.failed(wanted.public, name, started, why=str(error), answered=True)
            raise
        else:
            self._silent_in_a_row = 0
            self._report_progress(name)
            return received
        return None

    def failed(self, name: str, why: str, url: str) -> None:
        self.failures.append(Failure(name, url, why))

    def newest(self, table: str, by: str, day: str) -> dict[str, date]:
        return self.known.newest(self.source.name, table, by, day)

    def values(self, table: str, column: str) -> list[str]:
        return self.known.values(table, column)

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        return self.known.rows(table, columns)

    def close(self) -> None:
        self._sender.close()

    def _report_progress(self, name: str) -> None:
        """A source that is asked slowly takes minutes: say every few seconds how far it is."""
        self._received += 1
        if time.monotonic() - self._reported_at >= PROGRESS_EVERY_SECONDS:
            self._reported_at = time.monotonic()
            progress.info("%s: %s documents so far, the last one %s", self.source.name, self._received, name)

    # -- one document ---------------------------------------------------------------------------------------------

    def _held(self, wanted: Wanted) -> Fetched | None:
        """The newest good fetch of a document whose bytes are still in the archive, and still what they were."""
        last = self.log.last(wanted.public)
        return last if last and archive.is_whole(self.raw, last.sha256) else None

    def _attempt(self, wanted: Wanted, held: Fetched | None) -> Received:
        """Ask once and keep what comes. Raises TryAgain, Unavailable or StoppedError."""
        conditions = {"If-None-Match": held.etag, "If-Modified-Since": held.last_modified} if held else {}
        sent = {header: value for header, value in conditions.items() if value}
        with closing(self._sender.ask(wanted, sent)) as answer:
            if answer.status == 304 and held is not None:
                return self._unchanged(held, wanted)
            if answer.status != 200:
                raise refusal(answer, self.source)
            return self._received_whole(answer, wanted, held)

    def _unchanged(self, held: Fetched, wanted: Wanted) -> Received:
        unchanged = replace(held, url=wanted.public, name=wanted.name, checked_at=datetime.now(UTC), context={})
        self.log.good(unchanged, status=304)
        return self._archived(unchanged, wanted)

    def _received_whole(self, answer: Answer, wanted: Wanted, held: Fetched | None) -> Received:
        """Put the body of a 200 into the archive, and note it. Raises Unavailable where it is not what was asked for."""
        at = datetime.now(UTC)
        declared = answer.headers.get("Content-Type", "").split(";")[0].strip().lower()
        media_type = declared or "application/octet-stream"
        with archive.Writer(self.raw) as writer:
            head = body.receive(
                answer,
                writer,
                max_bytes=self.source.max_bytes,
                timeout_seconds=self.settings.timeout_seconds,
            )
            problem = body.not_what_was_asked(head, media_type, wanted.expect, writer.size)
            if problem:
                raise Unavailable(problem, archive.path_of(self.raw, writer.keep()) if writer.size else None)
            size, sha256 = writer.size, writer.keep()
        fetched = Fetched(
            url=wanted.public,
            name=wanted.name,
            media_type=media_type,
            sha256=sha256,
            fetched_at=held.fetched_at if held and held.sha256 == sha256 else at,
            checked_at=at,
            etag=answer.validator("ETag"),
            last_modified=answer.validator("Last-Modified"),
        )
        kept = {header: answer.headers[header] for header in KEPT_HEADERS if header in answer.headers}
        self.log.good(fetched, status=answer.status, expect=wanted.expect, bytes=size, headers=kept)
        return self._archived(fetched, wanted)

    def _archived(self, fetched: Fetched, wanted: Wanted) -> Received:
        return Received(
            name=wanted.name,
            url=wanted.public,
            media_type=fetched.media_type,
            content=archive.content(self.raw, fetched.sha256),
            fetched_at=fetched.fetched_at,
            sha256=fetched.sha256,
            last_modified=fetched.last_modified,
        )

    # -- trying again, and when to stop -----------------------------------------------------------------------------

    def _retrying(self) -> tenacity.Retrying:
        import tenacity

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TryAgain),
            stop=lambda state: state.attempt_number >= getattr(_error(state), "tries", 1),
            wait=wait_before_retry,
            sleep=self.wait,
            reraise=True,
        )

    def _wait_turn(self) -> None:
        self.rate_limit.wait_turn()
        if self.shared_turn is not None:
            self.shared_turn(self._limited, self.source.requests_per_second)
        self._stop_while_paused()  # another process may have been asked to pause meanwhile

    def _given_up(self, error: TryAgain, wanted: Wanted, started: datetime) -> None:
        """Note a document that no try brought; stop where the host asked for a pause or answers nothing at all."""
        if error.busy:
            self._pause(error, wanted, started)
        times = f", {error.tries} times" if error.tries > 1 else ""
        self._note(wanted, started, f"{error.why}{times}", answered=not error.silent)
        self._count_silence(error)

    def _unavailable(self, error: Unavailable, wanted: Wanted, started: datetime, absent_ok: bool) -> None:
        """Note a document that cannot be fetched, but for one that may be absent and is."""
        if not (error.absent and absent_ok):
            self._note(wanted, started, error.why, error.kept, answered=not error.silent)
        elif self.span:
            progress.info("%s: its host has none", wanted.name)
        self._count_silence(error)

    def _pause(self, error: TryAgain, wanted: Wanted, started: datetime) -> None:
        """Stop, and let nobody ask this source for a while."""
        asked = timedelta(seconds=min(error.after_seconds or 0, LONGEST_PAUSE.total_seconds()))
        until = datetime.now(UTC) + max(asked, PAUSE)
        self._note(wanted, started, error.why)
        self.rate_limit.pause(until, f"{wanted.name}: {error.why}")
        self._stop_while_paused()

    def _stop_while_paused(self) -> None:
        if paused := self.rate_limit.paused():
            until, why = paused
            raise StoppedError(
                f"the source asked for a pause ({why}); no request is sent to it until {until:%Y-%m-%d %H:%M:%S} UTC."
            )

    def _count_silence(self, error: TryAgain | Unavailable) -> None:
        """Stop where the host answers for no document at all: each one costs minutes."""
        self._silent_in_a_row = self._silent_in_a_row + 1 if error.silent else 0
        if self._silent_in_a_row >= SILENT_DOCUMENTS:
            raise StoppedError(
                f"no answer for {SILENT_DOCUMENTS} documents in a row ({error.why}); the others were not asked for. "
                "Check the network and the base address (`overbuild doctor`), then run again."
            )

    def _note(
        self, wanted: Wanted, started: datetime, why: str, kept: Path | None = None, *, answered: bool = True
    ) -> None:
        self.failures.append(Failure(wanted.name, wanted.public, why, kept))
        sha256 = kept.name if kept else None
        self.log.failed(wanted.public, wanted.name, started, why=why, answered=answered, sha256=sha256)


def _error(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def wait_before_retry(state: tenacity.RetryCallState) -> float:
    """The wait that the host asked for, else one that doubles from about a second, with a part left to chance."""
    after = getattr(_error(state), "after_seconds", None)
    if after is not None:
        return min(after, LONGEST_RETRY_AFTER_SECONDS) + random.uniform(0, 0.25)
    return 2 ** (state.attempt_number - 1) * random.uniform(0.5, 1.0)
