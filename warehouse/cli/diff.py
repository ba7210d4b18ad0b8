"""`overbuild diff`: what changed between two runs, or two days, and the facts behind a verdict that changed."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer

from warehouse.cli import output
from warehouse.cli.lines import printable
from warehouse.cli.options import Form
from warehouse.cli.output import Format
from warehouse.cli.published import here, published
from warehouse.database.releases import comparing, reading
from warehouse.errors import UsageError
from warehouse.paths import WAREHOUSE, Paths
from warehouse.reports import changes
from warehouse.reports.diff import COLUMNS, Comparison, Row
from warehouse.reports.values import changed_by, readable
from warehouse.tables.runs import IS_PUBLISHED

MAX_ROWS = 20
LONGEST = 24  # characters of a value that are shown
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def diff(
    first: Annotated[str, typer.Argument(metavar="[A]", help="A run id (or its beginning), or a date.")] = "",
    second: Annotated[str, typer.Argument(metavar="[B]", help="The later one; without it, the last run.")] = "",
    max_rows: Annotated[
        int, typer.Option("--max-rows", min=1, help="Of facts and of figures, how many a table shows.")
    ] = MAX_ROWS,
    form: Form = Format.table,
) -> None:
    published(None)  # an error that says what to do where nothing is published
    write(here(), first, second, form, max_rows)


def write(paths: Paths, first: str, second: str, form: Format, max_rows: int = MAX_ROWS) -> None:
    """Compare two answers and write what differs. Raises UsageError for a run that is not known."""
    sides = _sides(paths, first, second)
    if sides is None:
        output.say("This is the first run: there is nothing to compare it with.")
        _listed([], form)
        return
    before, after = sides
    folders = [_folder(paths, side) for side in sides]
    if before == after or (folders[0] and folders[1] and folders[0].resolve() == folders[1].resolve()):
        output.say(f"{before} and {after} are one and the same answer.")
        _listed([], form)
    elif folders[0] is None or folders[1] is None:
        _from_records(paths, before, after, form, max_rows)
    else:
        with comparing(folders[0] / WAREHOUSE, folders[1] / WAREHOUSE) as connection:
            comparison = Comparison(connection)
            if form is not Format.table:
                _listed(comparison.rows(), form)
                return
            said = [f"{run.run_id} (as of {run.as_of}, {run.source})" for run in comparison.runs]
            _shown(list(comparison.rows(max_rows)), f"From run {said[0]} to run {said[1]}", max_rows)


# -- which two --------------------------------------------------------------------------------------------------------


def _sides(paths: Paths, first: str, second: str) -> tuple[str, str] | None:
    """The two run ids or dates to compare; None where there is only one run. Raises UsageError for what is neither."""
    with reading(paths.current / WAREHOUSE) as connection:
        found = connection.execute(
            f"SELECT run_id FROM provenance.runs WHERE {IS_PUBLISHED} ORDER BY started_at DESC"
        ).fetchall()
    runs = [run_id for (run_id,) in found]
    if first:
        return _named(paths, runs, first), _named(paths, runs, second) if second else runs[0]
    return (runs[1], runs[0]) if len(runs) > 1 else None


def _named(paths: Paths, runs: Sequence[str], asked: str) -> str:
    """The run id that is meant, or the date as it is written in ISO 8601."""
    if _DATE.fullmatch(asked):
        try:
            meant_day = date.fromisoformat(asked)
        except ValueError:
            raise UsageError(f"diff {asked}: there is no such day.") from None
        if meant_day > datetime.now(UTC).date():
            raise UsageError(f"diff {asked}: this date is in the future; nothing is known of it yet.")
        return meant_day.isoformat()
    known = dict.fromkeys([*runs, *sorted(path.name for path in paths.releases.iterdir())])
    meant = [asked] if asked in known else [run_id for run_id in known if run_id.startswith(asked)]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise UsageError(f"diff {asked}: this is the beginning of {len(meant)} runs: {', '.join(meant[:5])}.")
    raise UsageError(
        f"diff {asked}: no published run is called so, and it is no date (2025-06-30). "
        f"The last runs: {', '.join(runs[:5])}; `overbuild quality` lists more."
    )


def _folder(paths: Paths, side: str) -> Path | None:
    """Where an answer is published, a dated one made first where it is missing; None for a run whose release is gone."""
    if _DATE.fullmatch(side):
        return published(date.fromisoformat(side))
    folder = paths.releases / side
    return folder if (folder / WAREHOUSE).exists() else None


def _from_records(paths: Paths, before: str, after: str, form: Format, max_rows: int) -> None:
    """Tell the change by what each run recorded of itself. Raises UsageError where the records do not reach so far."""
    with reading(paths.current / WAREHOUSE) as connection:
        way = changes.steps(connection, before, after)
        if way is None:
            held = ", ".join(sorted(path.name for path in paths.releases.iterdir()))
            raise UsageError(
                f"diff {before} {after}: the warehouse of at least one of them is no longer kept, and the runs between "
                f"them did not record what they changed (or {before} is the later one). Compare runs that are still "
                f"there ({held}), or two dates, which are made anew."
            )
        recorded = [(run_id, changes.recorded(connection, run_id)) for run_id in way]
    output.say(
        f"The warehouse of {before} or {after} is no longer kept. This is what the {len(way)} run(s) since {before} "
        "recorded: verdicts whole, of facts and figures those that matter most."
    )
    if form is not Format.table:
        _listed([row for _, rows in recorded for row in rows], form, (*changes.STEP, *COLUMNS))
        return
    for run_id, rows in recorded:
        _shown(rows, f"From run {rows[0]['before_run_id']} to run {run_id}", max_rows)


# -- how it is written ------------------------------------------------------------------------------------------------


def _listed(rows: Any, form: Format, columns: Sequence[str] = COLUMNS) -> None:
    """All rows for a program: in JSON keys are objects, in CSV they are JSON. A table of no rows is not written."""
    if form is Format.json:
        output.write_objects({name: row[name] for name in columns} for row in rows)
    elif form is Format.csv:
        flat = ([_in_a_cell(row[name]) for name in columns] for row in rows)
        output.write(columns, flat, form)


def _in_a_cell(value: Any) -> Any:
    return json.dumps(value, default=str, ensure_ascii=False) if isinstance(value, dict) else value


def _shown(rows: list[Row], title: str, max_rows: int) -> None:
    """For a person: the verdicts, why, how much of each mart, and what moved most."""
    by_kind: dict[str, list[Row]] = {}
    for row in rows:
        by_kind.setdefault(row["kind"], []).append(row)
    sys.stdout.write(f"{title}\n")
    sys.stdout.writelines(
        f"  {row['column_name']} changed: {_short(row['before'])} -> {_short(row['after'])}\n"
        for row in by_kind.get("made_with", ())
    )
    if not any(kind in by_kind for kind in ("verdict", "condition", "table", "made_with")):
        sys.stdout.write("Nothing has changed.\n")
        return
    if not by_kind.get("verdict"):
        sys.stdout.write("No verdict has changed.\n")
    for kind, heading in (("verdict", "Verdicts that changed"), ("condition", "Conditions that turned")):
        if found := by_kind.get(kind):
            shown = [
                [*_places(row), _short(row["before"]), _short(row["after"])]
                for row in found[: max_rows if kind != "verdict" else None]
            ]
            names = [*found[0]["key"], "before", "now"]
            output.write(names, shown, Format.table, _counted(heading, len(shown), len(found)))
    _facts(by_kind.get("fact", []), max_rows)
    _tables(by_kind.get("table", []))
    moved = [*by_kind.get("figure", []), *by_kind.get("row", [])]
    if moved:
        names = ["figure, and the row it is of", "before", "now", "change"]
        shown = [[_what(row), _short(row["before"]), _short(row["after"]), _change(row)] for row in moved[:max_rows]]
        output.write(names, shown, Format.table, "What changed most, mart by mart (--format csv or json has all of it)")


def _places(row: Row) -> list[str]:
    return [str(value) for value in row["key"].values()]


def _what(row: Row) -> str:
    """The figure by its name, and below it its row: side by side both would be broken."""
    name = row["table_name"].removeprefix("marts.")
    name = f"{name}.{row['column_name']}" if row["column_name"] else name
    return f"{name}\n  {' '.join(_places(row))}"


def _facts(rows: Sequence[Row], max_rows: int) -> None:
    """New facts behind each changed verdict, and which of its conditions turned: a few of each table, the others counted."""
    for behind, group in groupby(rows, key=lambda row: tuple(row["behind"].values())):
        listed = list(group)
        shown, cells = 0, []
        for table, found in groupby(listed, key=lambda row: row["table_name"]):
            facts = list(found)
            room = max(1, (max_rows - shown) // 2)
            for row in facts[:room]:
                value = f"{readable(row['after'])} {row['unit'] or ''}" if row["column_name"] else ""
                place = " ".join([*(readable(v) for v in row["key"].values() if v is not None), row["about"] or ""])
                cells.append([table, place, value, row["known_on"]])
            shown += min(room, len(facts))
            if len(facts) > room:
                span = sorted(row["known_on"] for row in facts)
                cells.append([table, f"and {len(facts) - room} more, to {span[-1]}", "", span[0]])
        title = f"New facts behind {' '.join(behind)} ({len(listed)})"
        output.write(["table", "fact", "value", "known on"], cells, Format.table, title)


def _tables(rows: Sequence[Row]) -> None:
    counts: dict[str, dict[str, int]] = {}
    for row in rows:
        what = "figures" if row["column_name"] else row["change"]
        counts.setdefault(row["table_name"], {})[what] = row["rows"] if row["rows"] is not None else 0
    names = ("new", "removed", "changed", "figures")
    cells = [
        [table, *(found.get(name) for name in names)]
        for table, found in counts.items()
        if "not_comparable" not in found
    ]
    if cells:
        headings = ["table", "new rows", "removed", "changed", "figures in these"]
        output.write(headings, cells, Format.table, "How much of each mart changed")
    if other := [table for table, found in counts.items() if "not_comparable" in found]:
        sys.stdout.write(f"Not compared, as only one of the two has it with this key: {', '.join(other)}\n")


def _change(row: Row) -> str:
    share = row["change_share"]
    if share is None:
        return str(row["change"]) if row["kind"] == "row" else readable(row["difference"]) if row["difference"] else ""
    return changed_by(share)


def _short(value: Any) -> str:
    text = printable(readable(value))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _counted(heading: str, shown: int, found: int) -> str:
    return heading if shown == found else f"{heading} ({shown} of {found})"
