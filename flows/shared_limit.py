"""How fast a host may be asked where several machines ask it: the turns come from the Prefect server that they share.

The SEC allows ten requests a second for one asker, however many machines that is. `warehouse.fetching.rate_limit` holds
the limit among the processes of one machine, by a file. Workers on several machines share no file, but they share a server. So
there each request also takes a slot of a global concurrency limit, which frees as many slots a second as the host allows.

Prefect's own `rate_limit` asks a server that went away again and again, for minutes. A run goes on without it here. The
file alone holds the rate then, which is right on one machine, and it is said once. The server is tried again later.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_fixed

ANSWERS_WITHIN_SECONDS = 5.0
TRIED_AGAIN_AFTER_SECONDS = 60.0
LOOKS_AGAIN_WITHIN_SECONDS = 1.0
WAITS_AT_MOST_SECONDS = 600.0
PREFIX = "overbuild."
TEMPORARY = "SERVER_IS_OF_ONE_RUN"
"""The variable by which a run says that its Prefect server is its own, so that nobody shares it."""
LOCKED = 423
BUSY = 500
"""From this status on the server itself failed, as its SQLite does where many write at once: that passes in a moment."""
TRIES = 3

Turn = Callable[[str, float], None]


def name_of(host: str) -> str:
    """The limit of a host in Prefect's UI: `overbuild.sec`."""
    return f"{PREFIX}{host}"


def shared_turn(say: Callable[[str], None]) -> Turn | None:
    """A function that waits for a turn of a host (its name, requests a second); None where no server is shared."""
    if not os.environ.get("PREFECT_API_URL", "").strip() or os.environ.get(TEMPORARY):
        return None
    return SharedLimit(say).wait_turn


class SharedLimit:
    """Turns of hosts, as the server gives them. `clock` and `wait` are seconds; tests replace them."""

    def __init__(
        self,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], Any] = time.sleep,
    ) -> None:
        self._say, self._clock, self._wait = say, clock, wait
        self._lock = threading.Lock()
        self._made: set[str] = set()
        self._without_until = 0.0
        self._said = False

    def wait_turn(self, host: str, per_second: float) -> None:
        """Wait for a turn. Raises nothing: where the server cannot say, the limit of this machine stands alone."""
        if self._clock() < self._without_until:
            return
        try:
            self._take(host, per_second)
        except Exception as error:
            self._do_without(host, error)
        else:
            self._back()

    def _take(self, host: str, per_second: float) -> None:
        from prefect.client.orchestration import get_client
        from prefect.settings import PREFECT_API_REQUEST_TIMEOUT, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

        until = self._clock() + WAITS_AT_MOST_SECONDS
        once: dict[Any, Any] = {PREFECT_CLIENT_MAX_RETRIES: 0, PREFECT_API_REQUEST_TIMEOUT: ANSWERS_WITHIN_SECONDS}
        asked = Retrying(
            retry=retry_if_exception(_is_busy),
            stop=stop_after_attempt(TRIES),
            wait=wait_fixed(LOOKS_AGAIN_WITHIN_SECONDS),
            sleep=self._wait,
            reraise=True,
        )
        with temporary_settings(once), get_client(sync_client=True) as client:
            asked(self._make, client, host, per_second)
            while (after := asked(self._ask, client, host)) is not None:
                if self._clock() > until:
                    raise TimeoutError(f"no turn within {WAITS_AT_MOST_SECONDS:g} s")
                self._wait(after)

    def _make(self, client: Any, host: str, per_second: float) -> None:
        """Create the limit, or give it the rate of now; of two that create it at once, one finds it there."""
        with self._lock:
            if host in self._made:
                return
            with suppress(Exception):  # refused where another worker was faster; the next line finds what it made
                client.upsert_global_concurrency_limit_by_name(name_of(host), 1, per_second)
            client.read_global_concurrency_limit_by_name(name_of(host))
            self._made.add(host)

    def _ask(self, client: Any, host: str) -> float | None:
        """Take a slot; the seconds to wait where there is none now."""
        import httpx

        try:
            client.increment_concurrency_slots([name_of(host)], 1, "rate_limit").raise_for_status()
        except httpx.HTTPStatusError as error:
            if error.response.status_code != LOCKED:
                raise
            return min(float(error.response.headers.get("Retry-After", "0.1")), LOOKS_AGAIN_WITHIN_SECONDS)
        return None

    def _do_without(self, host: str, error: Exception) -> None:
        with self._lock:
            self._without_until = self._clock() + TRIED_AGAIN_AFTER_SECONDS
            self._made.clear()  # a server that comes back may have another database
            if self._said:
                return
            self._said = True
        self._say(
            f"{host}: the Prefect server gives no turns ({type(error).__name__}); this machine keeps the rate by itself. "
            "Other machines that ask the same host at the same time are not counted until the server answers again."
        )

    def _back(self) -> None:
        with self._lock:
            if not self._said:
                return
            self._said = False
        self._say("the Prefect server gives turns again; all machines count together")


def _is_busy(error: BaseException) -> bool:
    import httpx

    return isinstance(error, httpx.HTTPStatusError) and error.response.status_code >= BUSY
