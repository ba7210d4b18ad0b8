"""What a run's checks found, in the order in which a person looks at it, and the way from each finding to its document.

At six in the morning one thing counts: what is new. Then what is open since before, and what holds again. A finding that
is known and explained is counted and not shown. The way from "a check failed" to the line of the document should be one
command. So a finding names it whole, with the row, the document and the place in it.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warehouse import sqltext
from warehouse.fetching import archive
from warehouse.quality import history, trend_checks
from warehouse.quality.checks import STAGING
from warehouse.quality.counts import NOTICE
from warehouse.quality.history import Row

MOST_IDS = 3


@dataclass(frozen=True)
class Triage:
    """The results of a run. `new` and `open` are checks that failed; `notices` is what sources say of their documents.

    `new` held before or are made for the first time; `open` did not hold before either; `resolved` hold again.
    """

    new: tuple[Row, ...]
    open: tuple[Row, ...]
    resolved: tuple[Row, ...]
    notices: tuple[Row, ...]


def triage(results: Sequence[Row]) -> Triage:
    """Sort the results of a run (`history.results`); what stopped it comes first, then what kept a row out."""
    new, resolved = history.changed(results)
    new.sort(key=urgency)
    still = sorted((row for row in results if not row["success"] and row["held_before"] is False), key=urgency)
    return Triage(
        new=tuple(row for row in new if row["expectation"] != NOTICE),
        open=tuple(row for row in still if row["expectation"] != NOTICE),
        resolved=tuple(row for row in resolved if row["expectation"] != NOTICE),
        notices=tuple(row for row in (*new, *still) if row["expectation"] == NOTICE),
    )


def urgency(row: Row) -> int:
    """What stopped the run comes first; then what kept a row out, and what only warns (often because of those)."""
    return 1 if row["of_new_rows"] else 0 if row["severity"] == "critical" else 2


def known(results: Iterable[Row]) -> list[tuple[Row, Any]]:
    """The findings that are known to be right: each with the result that it belongs to."""
    return [(row, one) for row in results for one in json.loads(row["details"]).get("explained", [])]


# -- where it stands --------------------------------------------------------------------------------------------------


def first_row(result: Row) -> dict[str, Any]:
    """The first row that a check found, as it was kept; empty where it kept none."""
    found = json.loads(result["details"]).get("rows") or [{}]
    return dict(found[0]) if isinstance(found[0], Mapping) else {}


def archived(sha256: str) -> str:
    """Where a document lies below OVERBUILD_HOME."""
    return archive.path_of(Path("raw"), sha256).as_posix()


def next_steps(result: Row, *, refused: bool, quarantined: Iterable[Row] = ()) -> list[str]:
    """The exact commands that lead from a finding to the row and to its line in the document, the shortest way first.

    `quarantined` are the rows that the run quarantined: they have names of their own. What a refused run built is
    nowhere to be asked, but its documents are archived.
    """
    row, table = first_row(result), result["table_name"]
    if table.startswith(STAGING):
        ids = [each["row_id"] for each in quarantined if _is_of(each, result)]
        more = [f"overbuild quality quarantine --run {result['run_id']}"] if len(ids) > MOST_IDS or not ids else []
        return [*(f"overbuild quality row {row_id}" for row_id in ids[:MOST_IDS]), *more]
    if result["expectation"] in (NOTICE, trend_checks.FRESH, trend_checks.READ):
        return ["overbuild sources"]
    if result["expectation"] == trend_checks.ROWS:
        return ["overbuild quality --all"] if refused else ["overbuild diff"]
    steps = []
    if row.get("document_sha256") and row.get("locator"):
        steps.append(f"overbuild quality line {row['document_sha256'][:12]} {shlex.quote(str(row['locator']))}")
    if row and not refused and (condition := _condition(table, row)):
        steps.append(f"overbuild trace {table} --where {shlex.quote(condition)}")
    return steps or [f"overbuild quality --run {result['run_id']} --format json"]


def _is_of(quarantined: Row, result: Row) -> bool:
    table = "core." + result["table_name"].removeprefix(STAGING)
    return quarantined["table_name"] == table and result["expectation"] in _codes(quarantined)


def _codes(quarantined: Row) -> set[str]:
    """The codes of the reasons for which a row was quarantined."""
    found = {str(quarantined["reason_code"])}
    for reason in quarantined["reasons"] or ():
        try:
            found.add(str(json.loads(reason).get("reason_code")))
        except (ValueError, AttributeError, TypeError):
            continue
    return found


def _condition(table: str, row: Mapping[str, Any]) -> str:
    """An SQL condition that the row alone fulfils; '' where not all of its key was kept."""
    from warehouse.reports.lineage import traceable

    declared = traceable().get(table)
    if declared is None or not set(declared.key) <= set(row):
        return ""
    return " and ".join(
        f"{name} is null" if row[name] is None else f"{name} = {sqltext.literal(row[name])}" for name in declared.key
    )
