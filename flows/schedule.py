"""What one scheduled time does: ask its sources, and answer anew where something arrived.

Reads top to bottom: is anything due, ask and answer, remember. Times on a holiday, before the close, or behind a time
that was served already end at once with a line in the log. So a missed time is made up for once, however many were
missed. Two runs of one source cannot follow each other for the same time. A run that finds another under way, which
outlived the process that started it, waits for it before it asks what is due.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from prefect import flow

from flows import left_behind, names
from flows.answer import answer, say
from warehouse import stopping
from warehouse.errors import RefusedError
from warehouse.fetching import schedules
from warehouse.fetching.schedules import Entry, Served
from warehouse.paths import Paths, paths_of
from warehouse.pipeline.context import busy
from warehouse.settings import load_settings

LOOKS_EVERY_SECONDS = 0.5
REMEMBERED_WITHIN_SECONDS = 3.0


@flow(
    name="scheduled",
    flow_run_name=names.of_scheduled,
    description="One scheduled time: asks its sources, and answers anew where something arrived.",
    validate_parameters=True,
)
def scheduled(entry: str) -> dict[str, Any]:
    """Serve the last due time of an entry of warehouse/fetching/schedules.toml, where it was not served yet.

    Args:
        entry: Name of the entry, such as prices. It says which sources are asked.
    """
    tags = ("source:live", "kind:scheduled", f"entry:{entry}")
    with stopping.by_signals(), left_behind.ending_with_server(), left_behind.marked(*tags):
        return _serve(entry)


def _serve(entry: str) -> dict[str, Any]:
    started, paths, what = datetime.now(UTC), paths_of(load_settings()), schedules.entry(entry)
    _let_others_finish(paths, entry)
    due = schedules.unserved(paths, what, started)
    if due is None:
        say(f"{entry}: nothing is due: {what.why_not(started)}")
        return {"entry": entry, "outcome": "not_due"}
    asked = _asked(what)
    if not asked:
        say(f"{entry}: none of its sources is set up; `overbuild sources` says what each one lacks")
        return {"entry": entry, "outcome": "not_set_up"}
    say(f"{entry}: due {due:%Y-%m-%d %H:%M} UTC, asks {', '.join(asked)}")
    remember = _remembering(paths, what, due, started)
    try:
        summary = answer(source="live", only=asked, unless_nothing_new=True)
    except RefusedError as error:
        remember("refused", str(error))
        raise
    except BaseException as error:
        remember("failed", f"{type(error).__name__}: {error}")
        raise
    failed = summary.get("failed_sources", {})
    remember(_outcome(summary), "; ".join(f"{name}: {why}" for name, why in failed.items()))
    return {"entry": entry, "outcome": _outcome(summary)}


def _let_others_finish(paths: Paths, entry: str) -> None:
    if busy(paths):
        say(f"{entry}: another run is at work in this OVERBUILD_HOME; waiting for it to end")
        while busy(paths):
            time.sleep(LOOKS_EVERY_SECONDS)
        time.sleep(REMEMBERED_WITHIN_SECONDS)


def _asked(what: Entry) -> tuple[str, ...]:
    """Its sources that can be asked with these settings."""
    settings = load_settings()
    return tuple(source.name for source in schedules.members(what) if not source.not_ready(settings))


def _outcome(summary: dict[str, Any]) -> str:
    if summary.get("failed_sources"):
        return "published_with_old_data"
    return "published" if summary.get("published") else "nothing_new"


def _remembering(paths: Paths, what: Entry, due: datetime, started: datetime) -> Any:
    def remember(outcome: str, message: str = "") -> None:
        schedules.remember(paths, what, Served(due, started, datetime.now(UTC), outcome, message[:2000]))

    return remember
