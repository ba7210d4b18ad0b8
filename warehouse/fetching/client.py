"""How a source's documents are had: politely, within bounds, and never without a trace.

Public hosts are not ours. They limit how fast they may be asked, answer with pages meant for browsers, cut bodies
short, send gigabytes where megabytes belong, or trickle for ever. So every request goes through here: at the source's
pace, with limits of time and size, a few retries, and no cookies. What arrives is in the archive under its hash before
anyone reads it, and what did not arrive is noted with its reason. No page that asks for a click or a script is ever
answered.
"""

from __future__ import annotations

import logging
import math
import random
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import urldefrag, urlencode, urljoin, urlsplit, urlunsplit

from warehouse import __version__
from warehouse.errors import StoppedError, UsageError
from warehouse.fetching import archive
from warehouse.fetching.fetch_log import Fetched, FetchLog
from warehouse.fetching.rate_limit import Pace
from warehouse.settings import Settings
from warehouse.sources.common.source import Received, Source

if TYPE_CHECKING:
    import requests
    import tenacity

TRIES = 4
TRIES_WHEN_SILENT = 2
LONGEST_RETRY_AFTER_SECONDS = 60.0
PAUSE = timedelta(minutes=15)
LONGEST_PAUSE = timedelta(days=1)
SILENT_DOCUMENTS = 3
"""After so many documents in a row that the host did not answer for, the others are not asked for."""
REDIRECTS = 5
SLOWEST_BYTES_PER_SECOND = 1_000
LONGEST_BODY_SECONDS = 300.0
SLOWEST_MEAN_BYTES_PER_SECOND = 100_000
"""A body may take LONGEST_BODY_SECONDS, and a large one as much longer as its bytes take at this speed."""
SHORTEST_KEY = 8
PIECE_BYTES = 1 << 16
LARGEST_PIECE_BYTES = 1 << 20
"""A packed piece may unpack to a thousand times its size; it is handed on in parts of this size."""
PROGRESS_EVERY_SECONDS = 10.0
SECRET_HEADERS = ("authorization", "x-api-key", "api-key")
KEPT_HEADERS = ("Content-Type", "Content-Length", "Content-Encoding", "Date", "Age", "Server")

progress = logging.getLogger("overbuild.progress.fetching")


@dataclass(frozen=True)
class Failure:
    """A document that could not be had or read, and why; `kept` is where its bytes are for a look."""

    name: str
    url: str
    why: str
    kept: Path | None = None

    def __str__(self) -> str:
        return f"{self.name}: {self.why.rstrip('.')}" + (f" (kept for a look: {self.kept})" if self.kept else "")


class Known(Protocol):
    """What the warehouse holds already, rows that wait in staging included (warehouse.ingest)."""

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


class _NotHad(Exception):
    """A document that could not be had; asking again will not help."""

    def __init__(self, why: str, kept: Path | None = None, *, silent: bool = False, absent: bool = False) -> None:
        super().__init__(why)
        self.why, self.kept, self.silent, self.absent = why, kept, silent, absent


class _TryAgain(Exception):
    """An attempt that failed in a way that may pass."""

    def __init__(self, why: str, *, tries: int = TRIES, after_seconds: float | None = None, busy: bool = False,
                 silent: bool = False) -> None:  # fmt: skip
        super().__init__(why)
        self.why, self.tries, self.after_seconds, self.busy, self.silent = why, tries, after_seconds, busy, silent


@dataclass
class Online:
    """The live form of `Fetching` (see warehouse.sources.source) for one source in one run; used by one thread.

    `wait` is how to wait, and `jitter` how much of a wait is left to chance: tests replace them.
    """

    source: Source
    settings: Settings
    raw: Path
    known: Known
    now: datetime
    span: tuple[date, date] | None = None
    wait: Callable[[float], Any] = time.sleep
    failures: list[Failure] = field(default_factory=list)
    requests_sent: int = 0

    def __post_init__(self) -> None:
        self.log = FetchLog(self.raw, self.source.name)
        self._pace = Pace(self.raw, self.source.name, self.source.requests_per_second, self.wait)
        self._session: requests.Session | None = None
        self._silent_in_a_row = 0
        self._received, self._told_at = 0, time.monotonic()

    # -- what sources ask ---------------------------------------------------------------------------------------

    def get(
        self,
        url: str,
        *,
        name: str,
        expect: Literal["json", "csv", "text"],
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        fresh_for: timedelta = timedelta(0),
        secret_params: frozenset[str] = frozenset(),
        absent_ok: bool = False,
    ) -> Received | None:
        """One document, out of the archive where it is fresh or unchanged; None where it could not be had.

        Raises StoppedError where the whole source must stop.
        """
        params, headers = dict(params or {}), dict(headers or {})
        public = _with_params(url, {key: value for key, value in params.items() if key not in secret_params})
        secrets = [value for key, value in params.items() if key in secret_params and value]
        secrets += [
            value.split()[-1] for key, value in headers.items() if key.lower() in SECRET_HEADERS and value.strip()
        ]
        last = self.log.last(public)
        if last and not archive.path_of(self.raw, last.sha256).exists():
            last = None
        started = datetime.now(UTC)
        if last and fresh_for and started - last.checked_at < fresh_for:
            return self._archived(last, name, public)
        if self.settings.network == "off":
            raise StoppedError(f"{name}: the network is off (OVERBUILD_NETWORK), nothing was asked.")
        self._stop_while_paused()
        try:
            received = self._retrying()(
                self._ask, _with_params(url, params), name, public, expect, headers, last, secrets
            )
        except _TryAgain as error:
            if error.busy:
                self._pause(error, name, public, started)
            times = f", {error.tries} times" if error.tries > 1 else ""
            self._note(name, public, started, f"{error.why}{times}", answered=not error.silent)
            self._count_silence(error)
        except _NotHad as error:
            if not (error.absent and absent_ok):
                self._note(name, public, started, error.why, error.kept, answered=not error.silent)
            elif self.span:
                progress.info("%s: its host has none", name)
            self._count_silence(error)
        except archive.DamagedError as error:
            self._note(name, public, started, str(error))
        except StoppedError as error:
            self.log.failed(public, name, started, why=str(error), answered=True)
            raise
        else:
            self._silent_in_a_row = 0
            self._tell_progress(name)
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
        if self._session is not None:
            self._session.close()

    def _tell_progress(self, name: str) -> None:
        """A source that is asked slowly takes minutes: say every few seconds how far it is."""
        self._received += 1
        if time.monotonic() - self._told_at >= PROGRESS_EVERY_SECONDS:
            self._told_at = time.monotonic()
            progress.info("%s: %s documents so far, the last one %s", self.source.name, self._received, name)

    # -- trying -------------------------------------------------------------------------------------------------

    def _retrying(self) -> tenacity.Retrying:
        import tenacity

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_TryAgain),
            stop=lambda state: state.attempt_number >= getattr(_error(state), "tries", 1),
            wait=_pause_before_retry,
            sleep=self.wait,
            reraise=True,
        )

    def _pause(self, error: _TryAgain, name: str, public: str, at: datetime) -> None:
        """Stop, and let nobody ask this source for a while."""
        asked = timedelta(seconds=min(error.after_seconds or 0, LONGEST_PAUSE.total_seconds()))
        until = datetime.now(UTC) + max(asked, PAUSE)
        self._note(name, public, at, error.why)
        self._pace.pause(until, f"{name}: {error.why}")
        self._stop_while_paused()

    def _count_silence(self, error: _TryAgain | _NotHad) -> None:
        """Stop where the host answers for no document at all: each one costs minutes."""
        self._silent_in_a_row = self._silent_in_a_row + 1 if error.silent else 0
        if self._silent_in_a_row >= SILENT_DOCUMENTS:
            raise StoppedError(
                f"no answer for {SILENT_DOCUMENTS} documents in a row ({error.why}); the others were not asked for. "
                "Check the network and the base address (`overbuild doctor`), then run again."
            )

    def _stop_while_paused(self) -> None:
        if paused := self._pace.paused():
            until, why = paused
            raise StoppedError(
                f"the source asked for a pause ({why}); no request is sent to it until {until:%Y-%m-%d %H:%M:%S} UTC."
            )

    def _note(
        self, name: str, public: str, at: datetime, why: str, kept: Path | None = None, *, answered: bool = True
    ) -> None:
        self.failures.append(Failure(name, public, why, kept))
        self.log.failed(public, name, at, why=why, answered=answered, sha256=kept.name if kept else None)

    # -- one attempt --------------------------------------------------------------------------------------------

    def _ask(
        self,
        url: str,
        name: str,
        public: str,
        expect: str,
        headers: dict[str, str],
        last: Fetched | None,
        secrets: list[str],
    ) -> Received:
        """Send one request and take what it brings. Raises _TryAgain, _NotHad or StoppedError."""
        conditional = {
            "If-None-Match": last.etag if last else None,
            "If-Modified-Since": last.last_modified if last else None,
        }
        sent = headers | {key: value for key, value in conditional.items() if value}
        target = self._redirected_base(urldefrag(url).url)
        for _ in range(REDIRECTS + 1):
            response = self._send(target, sent)
            try:
                if response.status_code not in (301, 302, 303, 307, 308):
                    return self._take(response, name, public, expect, last, secrets)
                target = self._same_host(target, response.headers.get("Location", ""), secrets)
            finally:
                response.close()
        raise _NotHad(f"more than {REDIRECTS} redirects")

    def _send(self, url: str, headers: dict[str, str]) -> requests.Response:
        """One request at the source's pace, given up where the headers do not arrive in time."""
        import requests

        seconds = self.settings.timeout_seconds
        session = self._opened_session()
        self._pace.wait_turn()
        self._stop_while_paused()  # another process may have been told to pause meanwhile
        self.requests_sent += 1
        found: list[requests.Response | Exception] = []

        def send() -> None:
            try:
                found.append(
                    session.get(url, headers=headers, timeout=(seconds, seconds), stream=True, allow_redirects=False)
                )
            except Exception as error:
                found.append(error)

        # The time limits of a socket count from byte to byte; a thread can be left behind by the clock.
        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        thread.join(2 * seconds)
        if not found:
            self._session = None
            raise _TryAgain(f"no answer within {2 * seconds:g} s", tries=TRIES_WHEN_SILENT, silent=True)
        if isinstance(found[0], requests.Timeout):
            raise _TryAgain(f"no answer within {seconds:g} s", tries=TRIES_WHEN_SILENT, silent=True)
        if isinstance(found[0], requests.ConnectionError):
            raise _TryAgain(f"the connection failed ({why_not_reached(found[0])})", silent=True)
        if isinstance(found[0], requests.RequestException):
            raise _NotHad(f"the request could not be sent ({type(found[0]).__name__}); check the base address")
        if isinstance(found[0], Exception):
            raise found[0]
        return found[0]

    def _opened_session(self) -> requests.Session:
        if self._session is None:
            import requests
            from requests.cookies import RequestsCookieJar

            session = requests.Session()
            session.cookies = RequestsCookieJar(policy=_no_cookies())
            session.auth = lambda request: request  # keys of a netrc file are not for these hosts
            agent = self.source.user_agent(self.settings) if self.source.user_agent else f"overbuild/{__version__}"
            session.headers.update({"User-Agent": agent, "Accept": "*/*", "Accept-Encoding": "gzip"})
            self._session = session
        return self._session

    def _redirected_base(self, url: str) -> str:
        """`url` with scheme and host of the base address in the settings, where one is set; path and query stay."""
        base = base_address(self.source, self.settings)
        if not base:
            return url
        given, wanted = urlsplit(url), urlsplit(base)
        return urlunsplit((wanted.scheme, wanted.netloc, wanted.path.rstrip("/") + given.path, given.query, ""))

    def _same_host(self, url: str, location: str, secrets: list[str]) -> str:
        if not location:
            raise _NotHad("redirects without saying where")
        target = urljoin(url, location)
        here, there = urlsplit(url), urlsplit(target)
        upgraded = (here.scheme, there.scheme) == ("http", "https") and here.hostname == there.netloc
        if (there.scheme, there.netloc) != (here.scheme, here.netloc) and not upgraded:
            where = _without(secrets, f"{there.scheme}://{there.netloc}{there.path}")
            raise _NotHad(
                f"redirected to another host ({where}), which is not followed; if the source has moved, set "
                f"{setting_name(self.source) or 'its base address'}"
            )
        return target

    # -- what came ----------------------------------------------------------------------------------------------

    def _take(
        self, response: requests.Response, name: str, public: str, expect: str, last: Fetched | None, secrets: list[str]
    ) -> Received:
        status, at = response.status_code, datetime.now(UTC)
        if status == 304 and last is not None:
            unchanged = Fetched(
                public, name, last.media_type, last.sha256, last.fetched_at, at, last.etag, last.last_modified
            )
            self.log.good(unchanged, status=status)
            return self._archived(unchanged, name, public)
        if status != 200:
            raise self._refusal(response, secrets)
        with archive.Writer(self.raw) as writer:
            head = self._receive(response, writer, secrets)
            media_type = (
                response.headers.get("Content-Type", "").split(";")[0].strip().lower() or "application/octet-stream"
            )
            problem = _not_what_was_asked(head, media_type, expect, writer.size)
            if problem:
                raise _NotHad(problem, archive.path_of(self.raw, writer.keep()) if writer.size else None)
            size = writer.size
            sha256 = writer.keep()
        same = last is not None and last.sha256 == sha256
        fetched = Fetched(
            public, name, media_type, sha256, last.fetched_at if last and same else at, at,
            response.headers.get("ETag"), response.headers.get("Last-Modified"),
        )  # fmt: skip
        kept = {key: _without(secrets, response.headers[key]) for key in KEPT_HEADERS if key in response.headers}
        self.log.good(fetched, status=status, expect=expect, bytes=size, headers=kept)
        return self._archived(fetched, name, public)

    def _refusal(self, response: requests.Response, secrets: list[str]) -> Exception:
        """What an answer without a document means."""
        status, why = response.status_code, f"answered {response.status_code} {response.reason or ''}".strip()
        if status in (401, 403):
            hint = self.source.on_refusal or (f"It needs {self.source.needs}." if self.source.needs else "")
            host = urlsplit(response.url).netloc
            return StoppedError(_without(secrets, f"{host} refused this program ({status}). {hint}".strip()))
        if status == 429 or status >= 500:
            after = _retry_after_seconds(response.headers.get("Retry-After"))
            long = after is not None and after > LONGEST_RETRY_AFTER_SECONDS
            return _TryAgain(why, tries=1 if long else TRIES, after_seconds=after, busy=long or status == 429)
        absent = status in (404, 410)
        return _NotHad(why + (", there is no such document" if absent else ""), absent=absent)

    def _receive(self, response: requests.Response, writer: archive.Writer, secrets: list[str]) -> bytes:
        """Write the body piece by piece, within the limits of size and time; gives its first bytes."""
        import urllib3

        limit, seconds = self.source.max_bytes, self.settings.timeout_seconds
        if int(response.headers.get("Content-Length") or 0) > limit:
            raise _NotHad(
                f"announces {int(response.headers['Content-Length']):,} bytes, more than the {limit:,} allowed"
            )
        hidden = [secret.encode() for secret in secrets if len(secret) >= SHORTEST_KEY]
        head, tail = b"", b""
        started = window = time.monotonic()
        before_window = 0
        try:
            for piece in _unpacked_pieces(response):
                if any(secret in tail + piece for secret in hidden):
                    raise _NotHad("repeats the key that it was asked with; not kept")
                writer.write(piece)
                head, tail = (head + piece)[:4096] if len(head) < 4096 else head, piece[-256:]
                now = time.monotonic()
                if writer.size > limit:
                    raise _NotHad(f"sends more than the {limit:,} bytes allowed; given up there")
                if now - started > LONGEST_BODY_SECONDS + writer.size / SLOWEST_MEAN_BYTES_PER_SECOND:
                    raise _NotHad(f"was not whole after {now - started:.0f} s; given up there", silent=True)
                if now - window > seconds:
                    came = writer.size - before_window
                    if came < SLOWEST_BYTES_PER_SECOND * seconds:
                        raise _NotHad(f"trickles, {came} bytes in {now - window:.0f} s; given up there", silent=True)
                    window, before_window = now, writer.size
        except urllib3.exceptions.ReadTimeoutError as error:
            raise _TryAgain(f"the body stopped for {seconds:g} s", tries=TRIES_WHEN_SILENT, silent=True) from error
        except (urllib3.exceptions.DecodeError, zlib.error) as error:
            raise _TryAgain(f"the body cannot be unpacked after {writer.size:,} bytes") from error
        except (urllib3.exceptions.HTTPError, OSError, EOFError) as error:
            if isinstance(error, OSError) and error.filename:  # ours, not the network's
                raise
            raise _TryAgain(f"the body was cut short after {writer.size:,} bytes") from error
        return head

    def _archived(self, fetched: Fetched, name: str, public: str) -> Received:
        return Received(
            name=name,
            url=public,
            media_type=fetched.media_type,
            content=archive.content(self.raw, fetched.sha256),
            fetched_at=fetched.fetched_at,
            sha256=fetched.sha256,
            last_modified=fetched.last_modified,
        )


def why_not_reached(error: BaseException) -> str:
    """What kept a host from answering, in words: its name is not known, it refuses, its certificate is not good."""
    import requests
    import urllib3

    causes: list[BaseException] = []
    cause: Any = error
    while isinstance(cause, BaseException) and cause not in causes:
        causes.append(cause)
        within = (*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__)
        cause = next((one for one in within if isinstance(one, BaseException)), None)
    if any(isinstance(one, requests.Timeout | TimeoutError) for one in causes):
        return "no answer in time"
    if any(isinstance(one, urllib3.exceptions.NameResolutionError | socket.gaierror) for one in causes):
        return "the name of the host is not known"
    for one in causes:
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"its certificate is not good: {one.verify_message}"
    if any(isinstance(one, ssl.SSLError | requests.exceptions.SSLError) for one in causes):
        return "no secure connection could be made"
    if any(isinstance(one, ConnectionRefusedError) for one in causes):
        return "it refuses connections"
    return "it closed the connection" if isinstance(error, requests.ConnectionError) else type(error).__name__


def setting_name(source: Source) -> str:
    """Name of the setting with the base address of a source, as users write it."""
    return f"OVERBUILD_{_field(source).upper()}" if source.host_setting else ""


def base_address(source: Source, settings: Settings) -> str | None:
    """The base address that the settings give for a source. Raises UsageError for one that is none."""
    base = base_given(source, settings)
    if base and (urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).netloc):
        raise UsageError(f"{setting_name(source)}={base}: write it as https://host or http://host:port.")
    return base or None


def base_given(source: Source, settings: Settings) -> str | None:
    """The base address that the settings give for a source, as it stands there."""
    return getattr(settings, _field(source), None) if source.host_setting else None


def _field(source: Source) -> str:
    return source.host_setting.lower().removeprefix("overbuild_")


def _with_params(url: str, params: Mapping[str, str]) -> str:
    """`url` with `params` after its own query; a fragment stays at the end."""
    if not params:
        return url
    whole, fragment = urldefrag(url)
    joined = f"{whole}{'&' if urlsplit(whole).query else '?'}{urlencode(params)}"
    return f"{joined}#{fragment}" if fragment else joined


def _without(secrets: list[str], text: str) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def _no_cookies() -> Any:
    from http.cookiejar import DefaultCookiePolicy

    return DefaultCookiePolicy(allowed_domains=[])


def _error(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _pause_before_retry(state: tenacity.RetryCallState) -> float:
    """The wait that the host asked for, else one that doubles from about a second, with a part left to chance."""
    after = getattr(_error(state), "after_seconds", None)
    if after is not None:
        return min(after, LONGEST_RETRY_AFTER_SECONDS) + random.uniform(0, 0.25)
    return 2 ** (state.attempt_number - 1) * random.uniform(0.5, 1.0)


def _retry_after_seconds(value: str | None) -> float | None:
    """Retry-After as seconds from now; it is a number of seconds or a date."""
    if not value:
        return None
    try:
        seconds = float(value)
        return max(0.0, seconds) if math.isfinite(seconds) else None
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _unpacked_pieces(response: requests.Response) -> Iterator[bytes]:
    """The body, unpacked. Raises EOFError where a packed one ends too early: urllib3 takes what there is for all of it."""
    raw = response.raw
    if response.headers.get("Content-Encoding", "").strip().lower() not in ("gzip", "x-gzip"):
        while piece := raw.read1(PIECE_BYTES, decode_content=True):
            yield piece
        return
    unpacking = zlib.decompressobj(wbits=31)
    while packed := raw.read1(PIECE_BYTES, decode_content=False):
        while packed:
            if unpacking.eof:
                if not packed.startswith(b"\x1f"):  # padding after the last member
                    break
                unpacking = zlib.decompressobj(wbits=31)
            if piece := unpacking.decompress(packed, LARGEST_PIECE_BYTES):
                yield piece
            packed = unpacking.unconsumed_tail or unpacking.unused_data
    if piece := unpacking.flush():
        yield piece
    if not unpacking.eof:
        raise EOFError


def _not_what_was_asked(head: bytes, media_type: str, expect: str, size: int) -> str:
    """What is wrong with a body that came with a 200, by its first bytes; '' where it may be what was asked for."""
    if not size:
        return "answered 200 with an empty body"
    start = _unpacked(head).removeprefix(b"\xef\xbb\xbf").lstrip()[:200].lower()
    page = start.startswith((b"<!doctype html", b"<html", b"<head", b"<script"))
    if expect != "text" and (page or (media_type == "text/html" and start[:1] not in (b"{", b"["))):
        return f"a page instead of data ({media_type}): a consent or challenge page, which is never answered"
    if expect == "json" and start[:1] not in (b"{", b"["):
        return f"text instead of JSON, beginning with {start[:40].decode('utf-8', 'replace')!r}"
    return ""


def _unpacked(head: bytes) -> bytes:
    """The first bytes of a body, unpacked where it is compressed."""
    if head[:2] != b"\x1f\x8b":
        return head
    try:
        return zlib.decompressobj(wbits=31).decompress(head, 4096)
    except zlib.error:
        return b""
