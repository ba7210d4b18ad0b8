"""Whole runs on small inputs, of every kind, in forked processes: a host on this machine, and what each kind is.

A run of the packaged snapshot takes most of a minute, and most of that is libraries that are imported and marts that are
made. So what a run imports is imported once (`warmed`), and each run is forked from there. Its inputs are a host that says
one thing more each time it is told to, and its marts are those behind the verdicts, of few draws, as in the tests.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from tests.live_server import LiveServer, Reply, Request
from torture._scenes import require
from warehouse.fetching import schedules
from warehouse.fetching.schedules import Served
from warehouse.paths import WAREHOUSE, Paths, create_folders
from warehouse.pipeline.backfill import Progress, pieces

DAY = date(2026, 10, 8)
"""What the host's answers are of, and the date of dated runs."""
SPAN = (DAY - timedelta(days=9), DAY - timedelta(days=7))
"""The days of a backfill: over the end of a quarter, so of two pieces."""
LIVE = ("oracle", "gpurentalprices")
ENTRY = "gpu-prices"
"""The schedule that asks `LIVE`."""
KEYS = {"OVERBUILD_CONTACT": "Jane Doe jane@example.com", "OVERBUILD_TIMEOUT_SECONDS": "5"}


# -- the host ---------------------------------------------------------------------------------------------------------


class Host:
    """A process that plays the hosts of `LIVE`, and says what the number in a file tells it to."""

    def __init__(self, folder: Path, spoil: Callable[[Reply, Request], Reply] = lambda reply, _: reply) -> None:
        self.file = folder / "number"
        self.say(0)
        reading, writing = os.pipe()
        parent, self._held = os.pipe()
        self._child = os.fork()
        if not self._child:
            os.close(self._held)
            os.setsid()
            with LiveServer() as server:
                server.answer("/", lambda request: spoil(answer(request, self._number()), request))
                os.write(writing, server.url.encode())
                os.close(writing)
                os.read(parent, 1)  # which ends when its parent does
                os._exit(0)
        os.close(parent)
        os.close(writing)
        with os.fdopen(reading) as told:
            self.url = told.read()

    def say(self, number: int) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(str(number))
        new.replace(self.file)

    def _number(self) -> int:
        return int(self.file.read_text())

    def close(self) -> None:
        os.close(self._held)
        os.kill(self._child, signal.SIGKILL)
        os.waitpid(self._child, 0)


def answer(request: Request, number: int) -> Reply:
    """What the hosts say: with each number another price of Oracle's; of each day a file of gpurentalprices'."""
    from tests.fetching.hosts import excerpt

    if "/products" in request.target:
        found = json.loads(excerpt("oracle_products_usd.json"))
        price = found["items"][0]["currencyCodeLocalizations"][0]["prices"][0]
        price["value"] = round(16 + number / 100, 2)
        return Reply(found, etag=f'"{number}"')
    if request.path.endswith("latest.json") or "/snapshots/" in request.path:
        day = request.path.rpartition("/")[2].removesuffix(".json").replace("latest", str(DAY))
        text = excerpt("gpurentalprices_day.json").decode().replace("2026-10-08", day)
        return Reply(text, media_type="application/json", etag=f'"{day}"')
    return Reply("", 404)


# -- kinds of runs ----------------------------------------------------------------------------------------------------


def warmed() -> None:
    """Import what a run imports, so that a fork of this process need not. Nothing here starts a thread of Polars."""
    import altair  # noqa: F401
    import exchange_calendars
    import great_expectations  # noqa: F401
    import great_tables  # noqa: F401
    import httpx  # noqa: F401
    import scipy.stats  # noqa: F401

    import flows.answer
    import flows.backfill
    import flows.schedule  # noqa: F401
    from tests import runs  # noqa: F401
    from warehouse.calendars.exchange import EXCHANGE, FIRST_SESSION
    from warehouse.marts import all_marts
    from warehouse.quality import data_docs  # noqa: F401
    from warehouse.reports import quality_page  # noqa: F401
    from warehouse.reports.site import write  # noqa: F401

    all_marts()
    kept = cache(exchange_calendars.get_calendar)
    exchange_calendars.get_calendar = kept
    today = datetime.now(UTC).date()
    kept(EXCHANGE, start=f"{today.year}-01-01", end=f"{today.year}-12-31")
    kept(EXCHANGE, start=FIRST_SESSION.isoformat(), end=today.isoformat())


@dataclass(frozen=True)
class Kind:
    """A kind of run.

    `prepare` leaves a home as it is before, `act` does the run in a process of its own, and both are given the host.
    `between` does what may be published meanwhile besides what was before and what comes after: a backfill's first piece.
    `holds` looks at what is kept beside the warehouse after a run that went through.
    """

    name: str
    prepare: Callable[[Paths, Host], object]
    act: Callable[[Paths, Host], object]
    as_of: date | None = None
    holds: Callable[[Paths], None] = lambda _: None
    between: Callable[[Paths, Host], object] | None = None


@contextmanager
def with_settings(paths: Paths, url: str, answers: bool = False) -> Iterator[Any]:
    """The body of the flow `answer` without Prefect, in a process whose settings are those of small runs.

    With `answers` the marts behind the verdicts are made, which takes most of a run.
    """
    import pytest

    from tests.runs import settings, without_prefect
    from warehouse.pipeline import check
    from warehouse.sources import all_sources

    validate = check._validate

    def few(store: Any, run: Any, targets: Any, past: Any = None) -> Any:
        """The checks of facts, and of the one mart that is made."""
        wanted = [each for each in targets if each.table.schema != "marts" or each.table.name == "assumptions"]
        return validate(store, run, wanted, past)

    given = {source.host_setting: url for source in all_sources() if source.name in LIVE}
    with pytest.MonkeyPatch.context() as patch, settings(paths.root, quick=True, **KEYS, **given):
        patch.setattr("warehouse.fetching.client.wait_before_retry", lambda state: 0)
        patch.setattr("warehouse.fetching.rate_limit.SLACK", 0.001)
        patch.setattr("warehouse.pipeline.record.record_changes", lambda *_, **__: None)
        if not answers:
            patch.setattr("warehouse.marts.build_changed", _one_mart(paths))
            patch.setattr(check, "_validate", few)
        with without_prefect() as body:
            yield body


def _one_mart(paths: Paths) -> Callable[..., tuple[dict[str, Any], dict[str, Any]]]:
    """The assumptions alone, and the verdicts that are published: which figures stand in a mart does not matter here."""
    from warehouse import marts
    from warehouse.database.releases import reading

    def made(facts: Any, *, as_of: date, assumptions: Any, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        found = {name: mart.table.empty() for name, mart in marts.all_marts().items()}
        if paths.current.is_symlink():
            with reading(paths.current / WAREHOUSE) as connection:
                verdicts = connection.execute("SELECT * FROM marts.verdict").pl()
            found["verdict"] = marts.all_marts()["verdict"].table.conform(verdicts)
        return found | marts.build(facts, as_of=as_of, assumptions=assumptions, only={"assumptions"}), {}

    return made


def live(paths: Paths, url: str, *, answers: bool = False, **parameters: Any) -> dict[str, Any]:
    """A run of live sources; gives its summary."""
    with with_settings(paths, url, answers) as body:
        return dict(body(**{"source": "live", "only": LIVE} | parameters))


def backfill(paths: Paths, url: str) -> dict[str, str]:
    """The command's own way to backfill `SPAN`, its pieces without Prefect; gives what failed."""
    import pytest

    from flows import backfill as flow
    from flows import connection
    from warehouse.cli import backfill as command

    with with_settings(paths, url) as body, pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "connected", lambda asks_sources: nullcontext())
        patch.setattr(flow, "answer", body)
        patch.setattr(flow, "backfill", flow.backfill.fn)
        patch.setattr(flow, "OTHERS_ARE_LET_IN_SECONDS", 0.0)
        patch.setattr(command, "_show_progress", lambda: None)
        return command.start("gpurentalprices", *SPAN, again=False, say=lambda _: None)


def scheduled(paths: Paths, url: str, entry: str = ENTRY) -> dict[str, Any]:
    """What `overbuild serve` has a process do at one time of a schedule, without Prefect; gives what came of it."""
    import pytest

    from flows import schedule

    with with_settings(paths, url) as body, pytest.MonkeyPatch.context() as patch:
        patch.setattr(schedule, "answer", body)
        patch.setattr(schedule, "say", lambda _: None)
        patch.setattr(schedule, "REMEMBERED_WITHIN_SECONDS", 0.0)
        patch.setattr(schedule, "_asked", lambda _: LIVE)
        return dict(schedule._serve(entry))


def never_served(paths: Paths) -> None:
    entry, long_ago = schedules.entry(ENTRY), datetime(2026, 10, 1, tzinfo=UTC)
    create_folders(paths)
    schedules.remember(paths, entry, Served(long_ago, long_ago, long_ago, "published"))


def is_missed(paths: Paths) -> bool:
    """Whether a time of the schedule passed that no run has served."""
    return ENTRY in [entry.name for entry in schedules.missed(paths, datetime.now(UTC))]


def _is_served(paths: Paths) -> None:
    require(not is_missed(paths), "the schedule is due again after a run that went through")


def _is_remembered(paths: Paths) -> None:
    done = Progress(paths, "gpurentalprices").done()
    require(done == [SPAN], f"the backfill remembers {done}")


def prepare(paths: Paths, host: Host) -> None:
    host.say(0)
    live(paths, host.url)


def _news(paths: Paths, host: Host) -> None:
    host.say(1)
    live(paths, host.url)


def _dated(paths: Paths, host: Host) -> None:
    live(paths, host.url, as_of=DAY, offline=True)


def kinds() -> list[Kind]:
    """Every kind of run that is killed."""
    return [
        Kind("a first live run", lambda paths, _: create_folders(paths), prepare),
        Kind("a live run with something new", prepare, _news),
        Kind("a live run with nothing new", prepare, prepare),
        Kind("a run as of an earlier date", prepare, _dated, as_of=DAY),
        Kind(
            "a backfill of two pieces",
            prepare,
            lambda paths, host: backfill(paths, host.url),
            holds=_is_remembered,
            between=lambda paths, host: live(paths, host.url, only=("gpurentalprices",), span=pieces(SPAN)[0]),
        ),
        Kind(
            "a run that the service starts",
            lambda paths, host: (prepare(paths, host), never_served(paths)),
            lambda paths, host: (host.say(1), scheduled(paths, host.url)),
            holds=_is_served,
        ),
        Kind(
            "a restore from the archive",
            prepare,
            lambda p, h: live(p, h.url, only=(), offline=True, restore="archive"),
        ),
    ]
