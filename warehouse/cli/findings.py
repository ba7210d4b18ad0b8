"""What a run's checks found, for a person: news first, each with the command that leads to its line in the document."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from warehouse.cli import lines
from warehouse.paths import Paths
from warehouse.quality import history, wording
from warehouse.quality.counts import Counts
from warehouse.quality.findings import Explained
from warehouse.quality.history import Row
from warehouse.reports import later, triage
from warehouse.reports.standing import words
from warehouse.reports.triage import Triage

MOST = 20
"""Findings of one kind that are shown without `--all`."""
FOUND_SHOWN = 600  # characters
RUNS_SHOWN = 5


def write(
    paths: Paths,
    runs: Sequence[Row],
    run: Row,
    results: Sequence[Row],
    quarantined: Sequence[Row],
    waiting: Sequence[Row],
    everything: bool,
) -> None:
    """Write the findings of a run: new, open since before, waiting for a decision; what is known is counted.

    With `everything`, known findings are listed, too, and no list is cut.
    """
    found, most = triage.triage(results), 10**9 if everything else MOST
    refused = run["outcome"] == "refused"
    out = _overview(run, results, everything)
    if refused:
        out += _refused(paths, run, found)
    for heading, rows in (
        (f"New ({len(found.new)})", found.new),
        (f"Open since before ({len(found.open)})", found.open),
    ):
        out += _findings(heading, rows, most, refused, quarantined)
    out += _waiting(paths, waiting, most)
    if not (found.new or found.open or waiting or refused):
        out += ["Nothing is new, nothing is open and no row waits for a decision.", ""]
    out += _calm(found, most)
    if everything:
        out += _known(results)
    lines.write([*out, *_runs(runs)])


def _overview(run: Row, results: Sequence[Row], everything: bool) -> list[str]:
    made = _made(run)
    known = f" Known and explained: {made.known:,}{'' if everything else ' (--all lists them)'}." if made.known else ""
    head = f"Run {run['run_id']} ({run['source']}, as of {run['as_of']}): {words(run['outcome'])}."
    out = [*lines.wrapped(head), *lines.wrapped(f"{made.said()}.{known}{_unchanged(results)}")]
    if run["outcome"] == "published_with_old_data":
        out.append("Which source failed, and what to do: overbuild sources")
    return [*out, ""]


def _made(run: Row) -> Counts:
    """The checks of a run of `history.runs`."""
    return Counts(**{name: run[name] for name in Counts.__dataclass_fields__})


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


def _refused(paths: Paths, run: Row, found: Triage) -> list[str]:
    """Why nothing was published; where the whole of it is shown. Without a check that failed, what the run itself said."""
    folder = paths.refused / run["run_id"]
    out = ["Nothing new was published; the last good answer stands.", f"  its page: {folder / 'site' / 'quality.html'}"]
    if found.new or found.open:
        first = "the findings below, the first one first"
    else:
        said = _said(folder)
        out += [line for each in said for line in lines.wrapped(f"why: {each}", 4, "  ")]
        first = "what the run says" + (" here" if said else " in its log")
    return [*out, f"  what to do: {first}; step by step: docs/guides/runbook.md (exit code 3)", ""]


def _said(folder: Path) -> list[str]:
    """What a refused run said when it ended, each line once; nothing where it is no longer kept."""
    try:
        text = (folder / later.MESSAGE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return list(dict.fromkeys(filter(None, text.splitlines())))[:MOST]


def _findings(heading: str, rows: Sequence[Row], most: int, refused: bool, quarantined: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    out = [heading]
    for row in rows[:most]:
        what = "rows quarantined" if row["of_new_rows"] else row["severity"]
        of = f"failed in {row['failed_runs']} of {row['runs_looked_at']} run{'' if row['runs_looked_at'] == 1 else 's'}"
        columns = f" ({row['column_name']})" if row["column_name"] else ""
        out += lines.wrapped(f"{what}: {row['table_name']} {row['expectation']}{columns}; {of}", 4, "  ")
        out += lines.wrapped(_cut(history.found(row)), 6, "      ")
        place = triage.first_row(row)
        if place.get("document_sha256"):
            out.append(f"      at: {lines.printable(_place(place['document_sha256'], place.get('locator')))}")
        steps = triage.next_steps(row, refused=refused, quarantined=quarantined)
        out += [f"      next: {lines.printable(step)}" for step in steps]
    if len(rows) > most:
        out.append(f"  and {len(rows) - most} more: --all")
    return [*out, ""]


def _place(sha256: str, locator: Any) -> str:
    return ", ".join(filter(None, [triage.archived(sha256), str(locator or "")]))


def _waiting(paths: Paths, waiting: Sequence[Row], most: int) -> list[str]:
    """Quarantined rows that a person has to decide about, whichever run quarantined them."""
    if not waiting:
        return []
    out = [f"Waiting for a decision ({len(waiting)})"]
    for row in waiting[:most]:
        out += lines.wrapped(f"{row['row_id']} {row['table_name']} {history.about(row)}", 4, "  ")
        out += lines.wrapped(_cut(row["reason"]), 6, "      ")
        out.append(f"      at: {lines.printable(_place(row['document_sha256'], row['locator']))}")
        out.append(f"      next: overbuild quality row {row['row_id']}")
    if len(waiting) > most:
        out.append(f"  and {len(waiting) - most} more: overbuild quality quarantine")
    return [*out, ""]


def _calm(found: Triage, most: int) -> list[str]:
    """What asks for nothing: checks that hold again, and what sources say of their documents."""
    out = []
    if found.resolved:
        out.append(f"Hold again ({len(found.resolved)})")
        for row in found.resolved[:most]:
            out += lines.wrapped(f"{row['table_name']} {row['expectation']} {row['column_name']}", 4, "  ")
        out.append("")
    if found.notices:
        out.append(f"What sources say of their documents ({len(found.notices)}; no check)")
        for row in found.notices[:most]:
            out += lines.wrapped(_cut(history.found(row)), 4, "  ")
        out.append("")
    return out


def _known(results: Sequence[Row]) -> list[str]:
    """Every finding that is known to be right, with the reason."""
    known = triage.known(results)
    out = [f"Known and explained ({len(known)})"]
    for row, one in known:
        out += lines.wrapped(f"{row['table_name']} {row['expectation']}: {_explained(one)}", 4, "  ")
    return [*out, ""]


def _explained(one: Any) -> str:
    """A known finding in words; earlier versions kept it as a sentence."""
    return wording.explained(Explained(**one)) if isinstance(one, Mapping) else str(one)


def _runs(runs: Sequence[Row]) -> list[str]:
    out = ["The last runs"]
    for run in runs[:RUNS_SHOWN]:
        made = _made(run)
        out.append(
            f"  {run['run_id']}  {run['started_at']:%Y-%m-%d %H:%M} UTC  {run['source']}  {words(run['outcome'])}; "
            + (f"{made.checks:,} checks, {made.outcome}" if made.checks else made.said())
        )
    return out


def _cut(text: str) -> str:
    return text if len(text) <= FOUND_SHOWN else f"{text[:FOUND_SHOWN]}... (--format json has all of it)"
