"""One attempt to get a document: one request (and the redirects on its own host), and what its answer means.

Nothing here asks twice; whether to ask again is the caller's business. No cookie is kept, no key of a netrc file is
sent, and no redirect to another host is followed. Whoever set a base address decided which host is asked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from warehouse import __version__
from warehouse.errors import StoppedError
from warehouse.fetching.addresses import at_base, setting_name, with_params
from warehouse.fetching.confidential import Confidential
from warehouse.fetching.failures import TRIES, TRIES_WHEN_SILENT, TryAgain, Unavailable
from warehouse.fetching.rate_limit import LONGEST_PAUSE
from warehouse.fetching.reachability import why_not_reached
from warehouse.settings import Settings
from warehouse.sources.common.source import Expect, Source

if TYPE_CHECKING:
    import requests

REDIRECTS = 5
REDIRECT_STATUSES = (301, 302, 303, 307, 308)
LONGEST_RETRY_AFTER_SECONDS = 60.0
"""A host that asks for a longer wait is not waited for: the source pauses."""
SECRET_HEADERS = ("authorization", "x-api-key", "api-key")


@dataclass(frozen=True)
class Wanted:
    """A document to ask for. `url` is sent and may hold keys; `public` is the same without them, and is recorded."""

    name: str
    url: str
    public: str
    expect: Expect
    headers: Mapping[str, str]
    secrets: tuple[str, ...]

    @classmethod
    def of(
        cls,
        url: str,
        name: str,
        expect: Expect,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        secret_params: frozenset[str],
    ) -> Wanted:
        """A document by its address, the parameters and headers to ask with, and which parameters are secret."""
        in_params = [value for key, value in params.items() if key in secret_params and value]
        in_headers = [
            value.split()[-1] for key, value in headers.items() if key.lower() in SECRET_HEADERS and value.strip()
        ]
        shown = {key: value for key, value in params.items() if key not in secret_params}
        secrets = (*in_params, *in_headers)
        return cls(name, with_params(url, params), with_params(url, shown), expect, dict(headers), secrets)


@dataclass(frozen=True)
class Answer:
    """What a host answered, with secrets blotted out; the body is still unread in `raw`.

    Outside this file nothing sees the library's own response: what it holds may repeat a key.
    """

    status: int
    reason: str
    headers: Mapping[str, str]
    raw: Any = field(repr=False)
    host: str
    repeats: frozenset[str]
    """The headers, in lower case, that repeated a secret."""
    confidential: Confidential = field(repr=False)
    """What the body may repeat and must not be kept."""

    @classmethod
    def of(cls, response: requests.Response, confidential: Confidential) -> Answer:
        """The answer as it may be kept."""
        from requests.structures import CaseInsensitiveDict

        headers = {name: confidential.blotted(value) for name, value in response.headers.items()}
        repeats = frozenset(name.lower() for name, value in response.headers.items() if headers[name] != value)
        return cls(
            response.status_code,
            confidential.blotted(str(response.reason or "")),
            CaseInsensitiveDict(headers),
            response.raw,
            urlsplit(response.url).hostname or "",
            repeats,
            confidential,
        )

    def validator(self, header: str) -> str | None:
        """An ETag or Last-Modified to send back with the next request; None where it repeats a secret."""
        return None if header.lower() in self.repeats else self.headers.get(header)

    def close(self) -> None:
        self.raw.close()
        self.raw.release_conn()


class Sender:
    """Sends the requests of one source, in one thread. `wait_turn` waits until the next one may be sent."""

    def __init__(self, source: Source, settings: Settings, wait_turn: Callable[[], None]) -> None:
        self._source, self._settings, self._wait_turn = source, settings, wait_turn
        self._session: requests.Session | None = None
        self.requests_sent = 0

    def ask(self, wanted: Wanted, conditions: Mapping[str, str]) -> Answer:
        """The answer to one request, its body still unread. Raises TryAgain or Unavailable where there is none."""
        headers = {**wanted.headers, **conditions}
        confidential = Confidential(self._settings, wanted.secrets)
        target = at_base(wanted.url, self._source, self._settings)
        for _ in range(REDIRECTS + 1):
            response = self._send(target, headers)
            if response.status_code not in REDIRECT_STATUSES:
                return Answer.of(response, confidential)
            response.close()
            target = self._on_same_host(target, response.headers.get("Location", ""), confidential)
        raise Unavailable(f"more than {REDIRECTS} redirects")

    def close(self) -> None:
        if self._session is not None:
            self._session.close()

    def _send(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """One request within the rate limit, given up where its headers do not arrive in time."""
        import requests

        seconds = self._settings.timeout_seconds
        session = self._opened_session()
        self._wait_turn()
        self.requests_sent += 1
        found: list[requests.Response | Exception] = []

        def send() -> None:
            try:
                found.append(
                    session.get(url, headers=headers, timeout=(seconds, seconds), stream=True, allow_redirects=False)
                )
            except Exception as error:
                found.append(error)

        # The time limits of a socket count from byte to byte; only a thread can be left behind by the clock.
        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        thread.join(2 * seconds)
        if not found:
            self._session = None
            raise TryAgain(f"no answer within {2 * seconds:g} s", tries=TRIES_WHEN_SILENT, silent=True)
        answer = found[0]
        if isinstance(answer, requests.Timeout):
            raise TryAgain(f"no answer within {seconds:g} s", tries=TRIES_WHEN_SILENT, silent=True)
        if isinstance(answer, requests.ConnectionError):
            raise TryAgain(f"the connection failed ({why_not_reached(answer)})", silent=True)
        if isinstance(answer, requests.RequestException):
            raise Unavailable(f"the request could not be sent ({type(answer).__name__}); check the base address")
        if isinstance(answer, ValueError):  # the library reads where a redirect leads, though it is not to follow it
            raise Unavailable("answered with an address or a header that cannot be read") from answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _opened_session(self) -> requests.Session:
        if self._session is None:
            import requests
            from requests.cookies import RequestsCookieJar

            source = self._source
            session = requests.Session()
            session.cookies = RequestsCookieJar(policy=_no_cookies())
            session.auth = lambda request: request  # keys of a netrc file are not for these hosts
            agent = source.user_agent(self._settings) if source.user_agent else f"overbuild/{__version__}"
            session.headers.update({"User-Agent": agent, "Accept": "*/*", "Accept-Encoding": "gzip"})
            self._session = session
        return self._session

    def _on_same_host(self, url: str, location: str, confidential: Confidential) -> str:
        """Where a redirect leads. Raises Unavailable where it leads to another host, or nowhere."""
        if not location:
            raise Unavailable("redirects without saying where")
        try:
            target = urljoin(url, location)
            here, there = urlsplit(url), urlsplit(target)
        except ValueError as error:
            raise Unavailable("redirects to what is no address") from error
        upgraded = (here.scheme, there.scheme) == ("http", "https") and here.hostname == there.netloc
        if (there.scheme, there.netloc) != (here.scheme, here.netloc) and not upgraded:
            where = confidential.blotted(f"{there.scheme}://{there.netloc}{there.path}")
            raise Unavailable(
                f"redirected to another host ({where}), which is not followed; if the source has moved, set "
                f"{setting_name(self._source) or 'its base address'}"
            )
        return target


def refusal(answer: Answer, source: Source) -> Exception:
    """What an answer without a document means: StoppedError, TryAgain or Unavailable."""
    status, why = answer.status, f"answered {answer.status} {answer.reason}".strip()
    if status in (401, 403):
        hint = source.on_refusal or (f"It needs {source.needs}." if source.needs else "")
        return StoppedError(f"{answer.host} refused this program ({status}). {hint}".strip())
    if status == 429 or status >= 500:
        after = retry_after_seconds(answer.headers.get("Retry-After"))
        long = after is not None and after > LONGEST_RETRY_AFTER_SECONDS
        return TryAgain(why, tries=1 if long else TRIES, after_seconds=after, busy=long or status == 429)
    absent = status in (404, 410)
    return Unavailable(why + (", there is no such document" if absent else ""), absent=absent)


def retry_after_seconds(value: str | None) -> float | None:
    """A Retry-After header as seconds from now, at most the longest pause; None where it is missing or malformed."""
    from urllib3 import Retry
    from urllib3.exceptions import InvalidHeader

    if not value:
        return None
    try:
        return Retry(retry_after_max=int(LONGEST_PAUSE.total_seconds())).parse_retry_after(value)
    except (InvalidHeader, ValueError, OverflowError):
        return None


def _no_cookies() -> Any:
    from http.cookiejar import DefaultCookiePolicy

    return DefaultCookiePolicy(allowed_domains=[])
