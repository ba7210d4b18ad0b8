"""What a check found, as data: the rows, their number, where they stand. How it is said is in `wording`.

A check that could not run has found nothing, and that is not the same as a check that held. So a finding says which of
the two it is. A run publishes neither after a critical failure nor after a check that could not run.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal

import polars as pl

from warehouse.quality import checks
from warehouse.tables.results import TABLE as RESULTS
from warehouse.tables.table import Check, Table

Level = Literal["rows", "table", "all"]
Outcome = Literal["passed", "quarantined", "critical", "warning", "broken"]
How = Literal["ran", "carried_over", "skipped"]

PLACE = ("document_sha256", "locator", "citation")
VALUE_KEPT = 1000  # characters


@dataclass(frozen=True)
class Target:
    """What to check: a declaration, the SQL relation that holds the rows, and which of the table's checks.

    `rows` are the checks that quarantine, for rows that wait in staging; `table` are all others; `all` are both.
    `exempt` is a condition on a row `r` that is true where a person accepted the row: its checks do not apply to it.
    """

    table: Table
    relation: str
    level: Level
    exempt: str = ""

    @property
    def name(self) -> str:
        """How results and pages call it."""
        return f"staging.{self.table.name}" if self.level == "rows" else self.table.full_name

    @property
    def checks(self) -> list[Check]:
        wanted = [c for c in checks.rules(self.table) if self.level in _levels(c)]
        return [self._without_exempt(check) for check in wanted]

    def _without_exempt(self, check: Check) -> Check:
        if self.exempt and check.quarantines:
            return replace(check, unexpected=f"({check.unexpected}) and not ({self.exempt})")
        if self.exempt and check.quarantines_compared:
            return replace(check, unexpected=f"select * from ({check.unexpected}) as r where not ({self.exempt})")
        return check


def _levels(check: Check) -> set[Level]:
    """Where a check is run: on rows that wait, on a loaded table, or on both."""
    alone: set[Level] = {"rows"} if check.quarantines else {"table"}
    return {"all", *alone, *({"rows"} if check.quarantines_compared else ())}


@dataclass(frozen=True)
class Earlier:
    """Where a result that is carried over comes from: the run that checked, and when it did."""

    run_id: str
    checked_at: datetime


@dataclass(frozen=True)
class Explained:
    """A row that a check finds and that is known to be right: the row in words, and why it is right."""

    found: str
    explanation: str


@dataclass(frozen=True)
class Finding:
    """What one check found in one target: how many rows, the first of them as fields and in words.

    `explained` are the rows of a warning that are known and true; they are not counted. `error` says why the check could
    not run; `count` is then null. `said` is the finding in words, without the name of its table. `every` are all rows that
    were found among those that wait, as they are. `how` says whether the check ran, or why not: its result is carried
    over (`from_run`), or there was no row to look at. `fingerprint` is what the result depends on beside the rows.
    """

    target: Target
    check: Check
    count: int | None
    row_count: int | None
    rows: tuple[dict[str, Any], ...] = ()
    examples: tuple[str, ...] = ()
    explained: tuple[Explained, ...] = ()
    error: str | None = None
    said: str = ""
    every: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    how: How = "ran"
    fingerprint: str | None = None
    from_run: Earlier | None = None

    @property
    def success(self) -> bool:
        return self.error is None and self.count == 0

    @property
    def message(self) -> str:
        """The finding in words; '' where the check held."""
        return f"{self.target.name}: {self.said}" if self.said else ""

    @property
    def outcome(self) -> Outcome:
        if self.error is not None:
            return "broken"
        if self.count == 0:
            return "passed"
        return "quarantined" if self.target.level == "rows" else self.check.severity


@dataclass(frozen=True)
class Report:
    """Everything the checks found; each list holds messages that name the document, the place, the field, the value."""

    findings: tuple[Finding, ...]
    results: pl.DataFrame

    @property
    def failed_critical(self) -> list[str]:
        """Why nothing may be published."""
        return self._messages("critical")

    @property
    def broken(self) -> list[str]:
        """Checks that could not run: nothing may be published either, but the data may be in order."""
        return self._messages("broken")

    @property
    def quarantined(self) -> list[str]:
        """Bad rows among those about to be loaded: they are quarantined, up to the table's limit."""
        return self._messages("quarantined")

    @property
    def warnings(self) -> list[str]:
        """What is published and shown."""
        return self._messages("warning")

    @property
    def publishable(self) -> bool:
        return not self.failed_critical and not self.broken

    def _messages(self, outcome: Outcome) -> list[str]:
        return [finding.message for finding in self.findings if finding.outcome == outcome]


# -- why a row is quarantined ---------------------------------------------------------------------------------------------

CONTRADICTS = "contradicts_an_earlier_row"
"""The reason of the loading. All others are names of checks, or what kept a row from being read."""


# -- rows -------------------------------------------------------------------------------------------------------------


def at_fault(check: Check, row: Mapping[str, Any]) -> list[str]:
    """The columns of a check whose values in a bad row are to blame: of a check of many columns, only those."""
    return [name for name in check.columns if name in row and _blamed(check.name, row[name])]


def _blamed(check: str, value: Any) -> bool:
    match check:
        case checks.PROVENANCE_GIVEN:
            return not str("" if value is None else value).strip(" ")
        case checks.FINITE:
            return value is not None and not math.isfinite(float(value))
        case checks.READABLE:
            # The database knows the blanks of ASCII alone.
            return re.search(checks.GARBLED, str("" if value is None else value), re.ASCII) is not None
        case _:
            return True


def shown(row: Mapping[str, Any], target: Target, check: Check) -> dict[str, Any]:
    """What is kept of a row that a check found: its place, what it is about, and what the check looks at."""
    wanted = {*check.columns, *target.table.key, *PLACE} if check.columns else row.keys()
    own = row.keys() - {*target.table.names, checks.PLACE_IN_STAGING}
    return {name: plain(value) for name, value in row.items() if name in wanted or name in own}


def plain(value: Any) -> Any:
    """A value as JSON can hold it, and no longer than a history of years can hold."""
    if isinstance(value, str):
        return value if len(value) <= VALUE_KEPT else f"{value[:VALUE_KEPT]}..."
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)  # infinity and not-a-number are not JSON
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


# -- results ----------------------------------------------------------------------------------------------------------


def results(findings: Sequence[Finding], run_id: str, checked_at: datetime) -> pl.DataFrame:
    """The findings as rows of `quality.results`."""
    return RESULTS.conform(
        pl.DataFrame(
            [
                {
                    "run_id": run_id,
                    "table_name": finding.target.name,
                    "expectation": finding.check.name,
                    "column_name": ", ".join(finding.check.columns),
                    # A check that could not run stops the run, whatever it would have said.
                    "severity": "critical" if finding.error is not None else finding.check.severity,
                    "success": finding.success,
                    "unexpected_count": finding.count,
                    "row_count": finding.row_count,
                    "checked_at": finding.from_run.checked_at if finding.from_run else checked_at,
                    "how": finding.how,
                    "fingerprint": finding.fingerprint,
                    "details": json.dumps(_details(finding), ensure_ascii=False),
                }
                for finding in findings
            ],
            schema=RESULTS.polars_schema,
        )
    )


def _details(finding: Finding) -> dict[str, Any]:
    details: dict[str, Any] = {"protects": finding.check.protects}
    if finding.from_run:
        details["carried_over_from"] = finding.from_run.run_id
    if not finding.success:
        details |= {"outcome": finding.outcome, "message": finding.message, "found": finding.said}
    if finding.explained:
        details["explained"] = [{"found": one.found, "explanation": one.explanation} for one in finding.explained]
    if finding.rows:
        details["rows"] = list(finding.rows)
    if finding.error is not None:
        details["error"] = finding.error
    return details
