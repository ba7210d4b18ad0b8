"""`overbuild sources`: a row for each source; for a person in three tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from warehouse.cli import output
from warehouse.cli.options import Form
from warehouse.cli.output import Format
from warehouse.cli.published import here
from warehouse.paths import WAREHOUSE, Paths
from warehouse.reports.freshness import COLUMNS, report
from warehouse.settings import load_settings

NARROW = ("source", "feed", "state", "reachable", "key", "newest_fact", "last_success", "last_run", "next_run")
ABOUT = ("source", "gives", "needs", "terms")


def sources(form: Form = Format.table) -> None:
    write(here(), form)


def write(paths: Paths, form: Format, now: datetime | None = None) -> None:
    """Write a row for each source to standard output; for a person in three tables: how it is, what to do, what it is."""
    at = now or datetime.now(UTC)
    rows = report(paths, load_settings(), at)
    if form is not Format.table:
        output.write(COLUMNS, [[row[column] for column in COLUMNS] for row in rows], form)
        return
    how = [[_short(row[column], at) for column in NARROW] for row in rows]
    output.write(NARROW, how, form, f"Sources (month, day and time in UTC, of {at.year} where no year is said)")
    to_do = [[row["source"], row["next_step"]] for row in rows if row["next_step"]]
    if to_do:
        output.write(("source", "next_step"), to_do, form, "What to do next")
    _promises(paths, at)
    output.write(ABOUT, [[row[c] for c in ABOUT] for row in rows], form, "What each one gives, needs and allows")


def _promises(paths: Paths, at: datetime) -> None:
    """How each table keeps the promise of its owner now, where an answer is published."""
    from warehouse.database import releases
    from warehouse.quality import promises

    promised = promises.promised(load_settings().promises)
    if not (paths.current / WAREHOUSE).exists():
        return
    with releases.reading(paths.current / WAREHOUSE) as connection:
        judged = promises.judge(connection, promised, at)
    rows = [
        [one.table_name, one.state, one.age, f"{one.promise.at_most} {one.promise.unit}", one.promise.of.replace("_", " "),
         one.promise.owner, one.promise.notify]
        for one in judged
    ]  # fmt: skip
    title = "What owners promise, and how it stands now (history: select * from promises_kept)"
    output.write(("table", "promise", "age", "at_most", "counted_from", "owner", "told"), rows, Format.table, title)


def _short(value: Any, now: datetime) -> Any:
    """A time to the minute, of another year its day; yes or no in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%m-%d %H:%M}" if value.year == now.year else f"{value:%Y-%m-%d}"
    return value
