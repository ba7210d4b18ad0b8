"""`overbuild quality`: triage of what the checks found, and of the rows that they quarantined.

The on-call person wants four things, in this order. What is new? Which row is it? What stands in the document? How do I
say what is to be done with it? Nothing here imports Great Expectations or Prefect.
"""

from __future__ import annotations

import getpass
import gzip
import json
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from warehouse.cli import output
from warehouse.cli.options import Form
from warehouse.cli.output import Format
from warehouse.cli.published import here
from warehouse.database.releases import reading
from warehouse.errors import UsageError
from warehouse.fetching import archive
from warehouse.paths import WAREHOUSE, Paths
from warehouse.quality import decisions, history, wording
from warehouse.quality.decisions import ACCEPTED, WITHDRAWN, Decision
from warehouse.quality.findings import Explained
from warehouse.quality.history import Row
from warehouse.tables import CORE

RUNS_SHOWN = 10
ROWS_SHOWN = 50
LINE_SHOWN = 500  # characters
EVERY_RUN = 1_000_000
QUARANTINE = ["row_id", "table_name", "reason", "reason_code", "document", "locator", "url", "document_sha256",
              "archived", "run_id", "quarantined_at", "decision", "decided_by", "decided_at", "decision_reason",
              "row"]  # fmt: skip
WAYS = {"ran": "ran", "carried_over": "carried over", "skipped": "without a row to look at"}


def quality(paths: Paths, run_id: str, form: Format) -> None:
    """Write one run's results (the latest without `run_id`) and, in a table, what is new and the history of runs."""
    with history.opened(paths) as connection:
        runs = history.runs(connection, EVERY_RUN)
        run = _chosen(runs, run_id, paths)
        results = history.results(connection, run["run_id"])
        if form is not Format.table:
            _write_results(results, form)
            return
        quarantined = history.quarantined(connection, run["run_id"])
        waiting = history.waiting(connection)
    _write_overview(run, results)
    _write_known(results)
    _write_failed(results)
    if quarantined:
        output.write(
            ["id", "table", "reason", "decision"],
            [[r["row_id"], r["table_name"], r["reason"], r["decision"]] for r in quarantined[:ROWS_SHOWN]],
            Format.table,
            f"Rows quarantined in this run ({len(quarantined)})",
        )
    if waiting:
        rows = "1 row waits" if len(waiting) == 1 else f"{len(waiting)} rows wait"
        sys.stdout.write(f"{rows} for a decision: overbuild quality quarantine\n\n")
    named = ["run_id", "started_at", "source", "as_of", "outcome", "checks", "not_held"]
    headings = ["run", "started (UTC)", "source", "as of", "outcome", "checks", "not held"]
    output.write(headings, [[run[n] for n in named] for run in runs[:RUNS_SHOWN]], Format.table, "Runs")


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


def _write_overview(run: Row, results: list[Row]) -> None:
    """One line: how many checks held, how many of them ran, what is new."""
    new, resolved = history.changed(results)
    held = sum(row["success"] for row in results)
    ways = Counter(row["how"] for row in results)
    how = [f"{ways[name]} {words}" for name, words in WAYS.items() if ways[name]]
    sys.stdout.write(
        f"Run {run['run_id']} ({run['source']}, as of {run['as_of']}): {run['outcome'].replace('_', ' ')}. "
        f"{held} of {len(results)} checks held{' (' if how else ''}{', '.join(how)}{')' if how else ''}; "
        f"{len(new)} fail that held before or are new, {len(resolved)} hold again.{_unchanged(results)}\n"
    )


def _unchanged(results: Sequence[Row]) -> str:
    """Said of a run that found nothing to check: which run found what it publishes."""
    if {row["how"] for row in results} - {"carried_over", "skipped"}:
        return ""
    runs = {
        json.loads(row["details"]).get("carried_over_from")
        for row in results
        if row["table_name"].partition(".")[0] == "marts"
    } - {None}
    return f" Nothing had changed since run {', '.join(sorted(runs))}, which found this." if runs else ""


def _write_known(results: Sequence[Row]) -> None:
    known = [(row, one) for row in results for one in json.loads(row["details"]).get("explained", [])]
    if known:
        shown = [[row["table_name"], row["expectation"], _explained(one)] for row, one in known[:ROWS_SHOWN]]
        columns = ["table", "check", "what was found"]
        output.write(columns, shown, Format.table, f"Known findings, explained ({len(known)})")


def _explained(one: Any) -> str:
    """A known finding in words; earlier versions kept it as a sentence."""
    return one if isinstance(one, str) else wording.explained(Explained(**one))


def _write_failed(results: list[Row]) -> None:
    new, resolved = history.changed(results)
    failed = [row for row in results if not row["success"]]
    if failed:
        shown = [
            [r["table_name"], r["expectation"], "rows quarantined" if r["of_new_rows"] else r["severity"],
             "new" if r in new else "as before", r["unexpected_count"], f"{r['failed_runs']} of {r['runs_looked_at']} runs",
             history.found(r)]
            for r in sorted(failed, key=lambda r: r not in new)
        ]  # fmt: skip
        columns = ["table", "check", "severity", "since last", "rows", "failed in", "what was found"]
        output.write(columns, shown, Format.table, "Checks that did not hold")
    if resolved:
        shown = [[r["table_name"], r["expectation"], r["column_name"]] for r in resolved]
        output.write(["table", "check", "columns"], shown, Format.table, "Checks that hold again")


def checks(paths: Paths, form: Format) -> None:
    """Write the record of every check that failed in one of the last runs."""
    with history.opened(paths) as connection:
        found = history.records(connection)
    if form is Format.table:
        if not found:
            sys.stdout.write(f"Every check held in the last {history.LAST_RUNS} runs.\n")
            return
        found = [row | {"counts": " ".join(map(str, row["counts"][-10:]))} for row in found]
        shown = [
            [r["table_name"], r["expectation"], r["column_name"], "holds" if r["holds_now"] else "fails",
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
    header, line = _in_document(paths, found)
    why_not = decisions.why_not_acceptable(
        found["table_name"], found["row"], found["reason_code"], datetime.now(UTC).date()
    )
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
        "line": line,
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
    shown = [[name.replace("_", " "), value] for name, value in about.items() if value not in (None, "")]
    output.write(["", ""], shown, Format.table, f"Row {found['row_id']}")
    fields = json.loads(found["row"])
    if isinstance(fields, dict):
        output.write(["field", "as it was read"], list(fields.items()), Format.table)


def _in_document(paths: Paths, found: Row) -> tuple[str, str]:
    """The first line of a row's document and the line where the row stands, where the place is a line."""
    word, _, number = found["locator"].partition(" ")
    path = archive.path_of(paths.raw, found["document_sha256"])
    if word != "line" or not number.isdigit() or not path.exists():
        return "", ""
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    header = line = ""
    with gzip.open(path, "rb") if packed else path.open("rb") as file:
        for place, text in enumerate(file, 1):
            said = text.decode("utf-8", errors="replace").rstrip("\r\n")[:LINE_SHOWN]
            if place == 1:
                header = said
            if place == int(number):
                line = said
                break
    return header, line


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
    if decision == ACCEPTED and found["decision"] is None:
        _refuse_what_cannot_be_loaded(paths, found)
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


def _refuse_what_cannot_be_loaded(paths: Paths, found: Row) -> None:
    row_id, today = found["row_id"], datetime.now(UTC).date()
    if why := decisions.why_not_acceptable(found["table_name"], found["row"], found["reason_code"], today):
        raise UsageError(
            f"{row_id}: this row cannot be accepted: {why}. Correct the document where it is ours (the next run reads it "
            f'anew), or: overbuild quality dismiss {row_id} --reason "..."'
        )
    for other in _standing(paths, found):
        raise UsageError(
            f"{row_id}: this row cannot be accepted: a row with the same identity is loaded from document "
            f"{other['document_sha256'][:12]}, {other['locator']}, and only one of them can stand."
        )


def _standing(paths: Paths, found: Row) -> list[dict[str, Any]]:
    """Rows of the published core that have this row's identity."""
    table, published = CORE[found["table_name"].removeprefix("core.")], paths.current / WAREHOUSE
    if not published.exists():
        return []
    with reading(published) as connection:
        return list(decisions.standing(table, decisions.as_rows([found["row"]], table), connection).rows(named=True))


def _loaded(paths: Paths, found: Row) -> bool:
    here = (found["document_sha256"], found["locator"])
    return any((other["document_sha256"], other["locator"]) == here for other in _standing(paths, found))


# -- the commands -----------------------------------------------------------------------------------------------------

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
RowId = Annotated[str, typer.Argument(metavar="ROW_ID", help="As `overbuild quality quarantine` lists it.")]
Why = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for whoever reads it later.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides; you without it.")]


@app.callback()
def _quality(
    context: typer.Context,
    run_id: Annotated[str, typer.Option("--run", metavar="ID", help="A run; the latest without it.")] = "",
    form: Form = Format.table,
) -> None:
    """Data-quality results of a run and what is new in them; quarantined rows, and what to do with them."""
    if context.invoked_subcommand is None:
        quality(here(), run_id, form)


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
