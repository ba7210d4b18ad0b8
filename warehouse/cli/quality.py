"""`overbuild quality`: triage of what the checks found, and of the rows that they quarantined.

The on-call person wants four things, in this order. What is new? Which row is it? What stands in the document? How do I
say what is to be done with it? Nothing here imports Great Expectations or Prefect.
"""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from warehouse.cli import lines, output
from warehouse.cli.options import Form
from warehouse.cli.output import Format
from warehouse.cli.published import here
from warehouse.database.releases import is_there, reading
from warehouse.errors import UsageError
from warehouse.fetching import archive, places
from warehouse.paths import WAREHOUSE, Paths
from warehouse.quality import decisions, history
from warehouse.quality.decisions import ACCEPTED, WITHDRAWN, Decision
from warehouse.quality.history import Row
from warehouse.tables import CORE

ROWS_SHOWN = 50
EVERY_RUN = 1_000_000
QUARANTINE = ["row_id", "table_name", "reason", "reason_code", "document", "locator", "url", "document_sha256",
              "archived", "run_id", "quarantined_at", "decision", "decided_by", "decided_at", "decision_reason",
              "row"]  # fmt: skip


def quality(paths: Paths, run_id: str, form: Format, everything: bool = False) -> None:
    """Write one run's results (the latest without `run_id`); for a person what is new, open and waiting in them.

    Known findings are counted; `everything` lists them.
    """
    with history.opened(paths) as connection:
        runs = history.runs(connection, EVERY_RUN)
        run = _chosen(runs, run_id, paths)
        results = history.results(connection, run["run_id"])
        if form is not Format.table:
            _write_results(results, form)
            return
        quarantined = history.quarantined(connection, run["run_id"])
        waiting = history.waiting(connection)
    from warehouse.cli import findings  # knows the marts, which programs that read JSON need not wait for

    findings.write(paths, runs, run, results, quarantined, waiting, everything)


def _chosen(runs: Sequence[Row], run_id: str, paths: Paths) -> Row:
    """The run that is asked for. Raises UsageError where there is none."""
    if not runs:
        raise UsageError(f"{paths.root}: no run is recorded here yet. Run `overbuild run` first.")
    wanted = run_id or runs[0]["run_id"]
    for run in runs:
        if run["run_id"] == wanted:
            return run
    latest = ", ".join(run["run_id"] for run in reversed(runs[:5]))
    raise UsageError(f"--run {wanted}: there is no such run; the latest are {latest}.")


def _write_results(results: Sequence[Row], form: Format) -> None:
    if form is Format.json:
        results = [row | {"details": json.loads(row["details"])} for row in results]
    names = list(results[0]) if results else ["run_id"]
    output.write(names, [list(row.values()) for row in results], form)


def checks(paths: Paths, form: Format) -> None:
    """Write the record of every check that failed in one of the last runs."""
    with history.opened(paths) as connection:
        found = history.records(connection)
        latest = history.runs(connection, 1)[0]["run_id"] if found else ""
    if form is Format.table:
        if not found:
            sys.stdout.write(f"Every check held in the last {history.LAST_RUNS} runs.\n")
            return
        found = [row | {"counts": " ".join(map(str, row["counts"][-10:]))} for row in found]
        shown = [
            [r["table_name"], r["expectation"], r["column_name"], _now(r, latest),
             f"{r['failed_runs']} of {r['runs_looked_at']} runs", r["last_failed_at"], r["counts"]]
            for r in found
        ]  # fmt: skip
        columns = ["table", "check", "columns", "now", "failed in", "last failed (UTC)", "rows found, the latest last"]
        output.write(columns, shown, Format.table, f"Checks that failed in the last {history.LAST_RUNS} runs")
        return
    names = ["table_name", "expectation", "column_name", "severity", "runs_looked_at", "failed_runs", "last_failed_at",
             "holds_now", "counts"]  # fmt: skip
    if form is Format.csv:
        found = [row | {"counts": json.dumps(row["counts"])} for row in found]
    output.write(names, [[row[name] for name in names] for row in found], form)


def _now(record: Row, latest: str) -> str:
    if record["holds_now"]:
        return "holds"
    return "fails" if record["last_made_in"] == latest else f"failed in {record['last_made_in']}, not made since"


# -- quarantined rows -------------------------------------------------------------------------------------------------


def quarantine(paths: Paths, run_id: str, everything: bool, form: Format) -> None:
    """Write the rows that wait for a decision; or those of one run, or all that there ever were."""
    with history.opened(paths) as connection:
        if run_id and run_id not in {run["run_id"] for run in history.runs(connection, EVERY_RUN)}:
            raise UsageError(f"--run {run_id}: there is no such run; `overbuild quality` lists the latest.")
        found = history.quarantined(connection, run_id) if run_id or everything else history.waiting(connection)
    found = [row | {"archived": str(archive.path_of(paths.raw, row["document_sha256"]))} for row in found]
    if form is not Format.table:
        if form is Format.json:
            found = [row | {"row": json.loads(row["row"])} for row in found]
        output.write(QUARANTINE, [[row[name] for name in QUARANTINE] for row in found], form)
    elif found:
        _write_quarantine(found)
    elif run_id:
        sys.stdout.write(f"No row was quarantined in run {run_id}.\n")
    else:
        where = "was quarantined in any run" if everything else "waits for a decision in the warehouse"
        sys.stdout.write(f"No row {where}.\n")


def _write_quarantine(found: Sequence[Row]) -> None:
    shown = [
        [r["row_id"], r["table_name"], history.about(r), r["reason"], r["decision"] or "waits"]
        for r in found[:ROWS_SHOWN]
    ]
    output.write(["id", "table", "row", "document, place: reason", "decision"], shown, Format.table, "Quarantined rows")
    if len(found) > ROWS_SHOWN:
        sys.stdout.write(f"and {len(found) - ROWS_SHOWN} more: --format csv\n")
    sys.stdout.write(
        "The row and its line in the document:  overbuild quality row ID\n"
        'It is right, load it at the next run:  overbuild quality accept ID --reason "..."\n'
        'It is wrong, do not mention it again:  overbuild quality dismiss ID --reason "..."\n'
    )


def row(paths: Paths, asked: str, form: Format) -> None:
    """Write everything about one quarantined row, with what stands at its place in the document."""
    found = _find(paths, asked)
    path = archive.path_of(paths.raw, found["document_sha256"])
    header, text = places.read(path, found["locator"])
    why_not = _why_not_accepted(paths, found)
    about = {
        "row_id": found["row_id"],
        "table_name": found["table_name"],
        "reason": found["reason"],
        "reason_code": found["reason_code"],
        "document": found["document"],
        "locator": found["locator"],
        "url": found["url"],
        "archived": str(path),
        "header": header,
        "line": text,
        "run_id": found["run_id"],
        "quarantined_at": found["quarantined_at"],
        "decision": found["decision"] or "waits",
        "decided_by": found["decided_by"],
        "decided_at": found["decided_at"],
        "decision_reason": found["decision_reason"],
        "can_be_accepted": f"no: {why_not}" if why_not else "yes",
    }
    if form is not Format.table:
        kept = json.loads(found["row"]) if form is Format.json else found["row"]
        output.write([*about, "row"], [[*about.values(), kept]], form)
        return
    out = lines.labelled({name.replace("_", " "): value for name, value in about.items()})
    fields = json.loads(found["row"])
    if isinstance(fields, dict):
        out += ["", "The row as it was read", *lines.labelled(fields)]
    if found["decision"] is None:
        row_id = found["row_id"]
        out += ["", f'If it is wrong: overbuild quality dismiss {row_id} --reason "..."']
        out += [f'If it is right: overbuild quality accept {row_id} --reason "..."'] if not why_not else []
    lines.write(out)


def line(paths: Paths, document: str, place: str, form: Format) -> None:
    """Write what stands at a place of an archived document, which the first characters of its hash name.

    Raises UsageError where no document, or more than one, is called so.
    """
    found = sorted(paths.raw.glob(f"{document[:2]}/{document}*")) if document.isalnum() and len(document) > 3 else []
    if len(found) != 1:
        several = f"{len(found)} documents begin so" if found else "no archived document is called so"
        raise UsageError(
            f"{document}: {several}; give the first characters of its SHA-256, as `overbuild quality` does."
        )
    sha256 = found[0].name
    with history.opened(paths) as connection:
        known = history.rows(
            connection,
            "SELECT any_value(name) AS name, any_value(url) AS url FROM provenance.documents WHERE sha256 = ?",
            [sha256],
        )[0]
    header, text = places.read(found[0], place)
    about = {**known, "archived": str(found[0]), "place": place, "header": header, "text": text}
    if form is not Format.table:
        output.write(list(about), [list(about.values())], form)
        return
    lines.write(lines.labelled(about | {"text": text or "this place cannot be shown; open the file"}))


def _find(paths: Paths, asked: str) -> Row:
    """The row of this id (its first characters will do). Raises UsageError where there is none, or more than one."""
    with history.opened(paths) as connection:
        every = history.quarantined(connection)
    found = [r for r in every if r["row_id"] == asked] or [r for r in every if asked and r["row_id"].startswith(asked)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"{asked}: {len(found)} rows begin so: {', '.join(r['row_id'] for r in found[:5])}; give more."
        )
    raise UsageError(
        f"{asked}: no row of this id was ever quarantined here ({paths.root}). `overbuild quality quarantine` lists those "
        "that wait for a decision, with --all every one."
    )


def decide(paths: Paths, asked: str, decision: str, reason: str, by: str) -> None:
    """Keep a decision about a row. Raises UsageError where it cannot be made, with what to do instead."""
    reason, by = reason.strip(), by.strip() or _user()
    if not reason:
        raise UsageError('--reason "": say in a few words why; whoever reads the decision later was not there.')
    found = _find(paths, asked)
    row_id = found["row_id"]
    if decision == ACCEPTED and (why := _why_not_accepted(paths, found)):
        raise UsageError(f"{row_id}: this row cannot be accepted: {why}.")
    if decision == WITHDRAWN and found["decision"] == ACCEPTED and _loaded(paths, found):
        raise UsageError(
            f"{row_id}: this row is loaded already, and nothing is ever deleted from core. If it is wrong, it takes a "
            "document with a later known_on that says so."
        )
    made = Decision(
        row_id=row_id,
        decided_at=datetime.now(UTC),
        table_name=found["table_name"],
        decision=decision,
        decided_by=by,
        reason=reason,
        quarantined_for=found["reason"],
        reason_code=found["reason_code"] or "",
        row=found["row"],
        document_sha256=found["document_sha256"],
        locator=found["locator"],
    )
    decisions.keep(paths, made)
    then = {
        ACCEPTED: "The next run loads it; a critical check of the whole table can still refuse it.",
        WITHDRAWN: "It waits for a decision again.",
    }.get(decision, "It stays out and is not mentioned again.")
    sys.stderr.write(f"{row_id}: {decision} by {by}. {then}\n")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user without a name
        return "unknown"


def _why_not_accepted(paths: Paths, found: Row) -> str:
    """Why a row cannot be accepted, and what can be done instead; '' where it can. Both `row` and `accept` ask this."""
    row_id, today = found["row_id"], datetime.now(UTC).date()
    if found["decision"] is not None:
        return decisions.stands(
            row_id, found["decision"], found["decided_at"], found["decided_by"], found["decision_reason"]
        )
    if why := decisions.why_not_acceptable(found["table_name"], found["row"], found["reason_code"], today):
        return (
            f"{why}. Correct the document where it is ours (the next run reads it anew), or: "
            f'overbuild quality dismiss {row_id} --reason "..."'
        )
    for other in _standing(paths, found):
        return (
            f"a row with the same identity is loaded from document {other['document_sha256'][:12]}, {other['locator']}, "
            "and only one of them can stand"
        )
    return _accepted_beside(paths, found)


def _accepted_beside(paths: Paths, found: Row) -> str:
    """That another row of the same identity was accepted already, and waits for the next run."""
    table = CORE[found["table_name"].removeprefix("core.")]
    own = decisions.as_rows([found["row"]], table).select(table.identity).row(0)
    for other in decisions.accepted(decisions.read(paths), table):
        if (
            other.row_id != found["row_id"]
            and decisions.as_rows([other.row], table).select(table.identity).row(0) == own
        ):
            return f"row {other.row_id} of the same identity was accepted already, and only one of them can stand"
    return ""


def _standing(paths: Paths, found: Row) -> list[dict[str, Any]]:
    """Rows of the published core that have this row's identity."""
    table, published = CORE[found["table_name"].removeprefix("core.")], paths.current / WAREHOUSE
    if not is_there(published):
        return []
    with reading(published) as connection:
        return list(decisions.standing(table, decisions.as_rows([found["row"]], table), connection).rows(named=True))


def _loaded(paths: Paths, found: Row) -> bool:
    here = (found["document_sha256"], found["locator"])
    return any((other["document_sha256"], other["locator"]) == here for other in _standing(paths, found))


# -- the commands -----------------------------------------------------------------------------------------------------

app = typer.Typer(add_completion=False, invoke_without_command=True, rich_markup_mode=None)
RowId = Annotated[str, typer.Argument(metavar="ROW_ID", help="As `overbuild quality quarantine` lists it.")]
Why = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for whoever reads it later.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides; you without it.")]


@app.callback()
def _quality(
    context: typer.Context,
    run_id: Annotated[str, typer.Option("--run", metavar="ID", help="A run; the latest without it.")] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Also what is known and explained; no list is cut.")
    ] = False,
    form: Form = Format.table,
) -> None:
    """Data-quality results of a run and what is new in them; quarantined rows, and what to do with them."""
    if context.invoked_subcommand is None:
        quality(here(), run_id, form, everything)


@app.command("checks")
def _checks(form: Form = Format.table) -> None:
    """The record of every check that failed in one of the last runs."""
    checks(here(), form)


@app.command("quarantine")
def _quarantine(
    run_id: Annotated[str, typer.Option("--run", metavar="ID", help="Those of one run.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="All that there ever were, decided or not.")] = False,
    form: Form = Format.table,
) -> None:
    """The quarantined rows that wait for a decision."""
    if run_id and everything:
        raise UsageError("give one of --run and --all.")
    quarantine(here(), run_id, everything, form)


@app.command("row")
def _one_row(row_id: RowId, form: Form = Format.table) -> None:
    """Everything about one quarantined row, and its line in the document."""
    row(here(), row_id, form)


@app.command("line")
def _line(
    document: Annotated[str, typer.Argument(metavar="DOCUMENT", help="The first characters of its SHA-256.")],
    place: Annotated[str, typer.Argument(metavar="PLACE", help="As findings name it, such as 'line 12'.")],
    form: Form = Format.table,
) -> None:
    """What stands at a place in an archived document."""
    line(here(), document, place, form)


@app.command("accept")
def _accept(row_id: RowId, reason: Why, by: By = "") -> None:
    """Decide that a row is right: the next run loads it."""
    decide(here(), row_id, "accepted", reason, by)


@app.command("dismiss")
def _dismiss(row_id: RowId, reason: Why, by: By = "") -> None:
    """Decide that a row is wrong: it stays out, and nobody is notified of it again."""
    decide(here(), row_id, "dismissed", reason, by)


@app.command("withdraw")
def _withdraw(row_id: RowId, reason: Why, by: By = "") -> None:
    """Take back what was decided about a row that is not loaded: it waits again."""
    decide(here(), row_id, "withdrawn", reason, by)
