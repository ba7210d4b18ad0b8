"""Whether all is well, for a probe: what is wrong with the answer, the last run, the sources and the service.

A probe has one question, and a person who follows it has three: what, where, and what to do. So each problem says all
three. Two things are kept apart. The service may be alive while the answer is old, and a restart mends only the former.
`health.json` in OVERBUILD_HOME says how it was when the last run ended; `overbuild health` says how it is now.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from warehouse import files, records
from warehouse.database import releases
from warehouse.database.connection import Connection, DatabaseError
from warehouse.errors import OverbuildError
from warehouse.paths import WAREHOUSE, Paths
from warehouse.quality import promises
from warehouse.reports import freshness
from warehouse.settings import Settings
from warehouse.tables.runs import newest_published

FILE = "health.json"
LAST_RUN = "last-run.json"
AHEAD_SECONDS = 300
"""A moment that was noted may lie so far ahead of the clock: two machines never agree to the second."""
WELL = ("published", "published_with_old_data", "nothing_new")


def report(
    paths: Paths,
    settings: Settings,
    now: datetime,
    states: list[dict[str, Any]] | None = None,
    judged: list[promises.Judged] | None = None,
) -> dict[str, Any]:
    """How all is at a moment: `status` (`ok` or `failing`), `problems`, and the figures behind them.

    `states` are the rows of `freshness.report` and `judged` the promises, where a run knows them already.
    """
    problems: list[dict[str, str]] = []

    def wrong(where: str, what: str, to_do: str) -> None:
        problems.append({"where": where, "what": what, "to_do": to_do})

    last = _last_run(paths)
    if last is not None and last["outcome"] not in WELL:
        why = f": {last['message']}" if last.get("message") else ""
        wrong("last run", f"run {last['run_id']} {last['outcome']}{why}", "docs/guides/runbook.md; overbuild quality")
    ended = records.value(datetime, (last or {}).get("finished_at"))
    if ended is not None and (ended - now).total_seconds() > AHEAD_SECONDS:
        ahead = f"the last run ended at {ended:%Y-%m-%d %H:%M} UTC, which is later than this machine's clock says"
        wrong("clock", ahead, "set the clock right (timedatectl); schedules and ages follow it")
    answer, found = _answer(paths, settings, now, wrong, judged)
    if states is None:
        states = freshness.report(paths, settings, now) if answer is not None else []
    for row in states:
        if row["kind"] == "live" and row["state"] in ("stale", "failed"):
            wrong(f"source {row['source']}", row["state"], row["next_step"])
    broken = [one for one in found if one.state == "broken"]
    for one in broken:
        wrong(f"table {one.table_name}", one.text, "overbuild sources names what each source lacks")
    return {
        "status": "failing" if problems else "ok",
        "checked_at": now.isoformat(),
        "problems": problems,
        "last_run": last,
        "answer": answer,
        "sources": {row["source"]: row["state"] for row in states},
        "promises_broken": [one.table_name for one in broken],
    }


def _answer(
    paths: Paths, settings: Settings, now: datetime, wrong: Any, judged: list[promises.Judged] | None
) -> tuple[dict[str, Any] | None, list[promises.Judged]]:
    """The answer that readers see, and how its tables keep their promises."""
    file = paths.current / WAREHOUSE
    promised = promises.promised(settings.promises)
    try:
        if not releases.is_there(file):
            wrong("answer", f"nothing is published in {paths.root}", "overbuild run")
            return None, []
        with releases.reading(file) as connection:
            row = published(connection)
            judged = promises.judge(connection, promised, now) if judged is None else judged
    except (OverbuildError, DatabaseError, OSError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        wrong("answer", f"{file} cannot be read: {said}", "overbuild doctor --verify; docs/guides/restore.md")
        return None, []
    if row is None:
        wrong("answer", "no published run is recorded in the warehouse", "overbuild run")
        return None, []
    return {name: _text(value) for name, value in row.items()}, judged


def published(connection: Connection) -> dict[str, Any] | None:
    """The run whose answer a warehouse holds."""
    row = connection.execute(newest_published("run_id, finished_at, as_of, outcome")).fetchone()
    return dict(zip(("run_id", "finished_at", "as_of", "outcome"), row, strict=True)) if row else None


def _last_run(paths: Paths) -> dict[str, Any] | None:
    """How the last run ended, as it noted it; None where none has, or the note cannot be read."""
    try:
        found = records.parsed((paths.root / LAST_RUN).read_bytes())
    except OSError:
        return None
    return found if found and isinstance(found.get("outcome"), str) and isinstance(found.get("run_id"), str) else None


def note_run(paths: Paths, run_id: str, outcome: str, finished_at: datetime, message: str = "") -> None:
    """Note how a run ended, for whoever asks later."""
    noted = {"run_id": run_id, "outcome": outcome, "finished_at": finished_at.isoformat(), "message": message[:600]}
    files.write(paths.root / LAST_RUN, json.dumps(noted, ensure_ascii=False))


def write(paths: Paths, found: dict[str, Any]) -> Path:
    """Replace `health.json` by what `report` gave; gives its path."""
    file = paths.root / FILE
    files.write(file, json.dumps(found, ensure_ascii=False, indent=1))
    return file


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
