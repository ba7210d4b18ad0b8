"""How many checks a run made, counted in one place for everyone who says it.

The terminal, the quality page, the Data Docs and Prefect's pages all say how many checks a run made. Where each counts in
its own way, they differ. One leaves out the comparisons with earlier runs, another takes a source's remark for a check.
A reader trusts none of them then. A check is a row of `quality.results`. What a source says of its documents stands there, too,
and is no check: nothing of it could hold or fail.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import duckdb

NOTICE = "source_notice"
"""The name under which what sources say of their documents stands in `quality.results`."""


@dataclass(frozen=True)
class Counts:
    """The checks of a run: how many held, and of how many the result is this run's own, an earlier one's, or of no row.

    `checks` is `ran` + `carried_over` + `skipped`. `known` are findings that are explained, and so are not failures.
    """

    checks: int = 0
    held: int = 0
    ran: int = 0
    carried_over: int = 0
    skipped: int = 0
    known: int = 0

    @property
    def not_held(self) -> int:
        return self.checks - self.held

    @property
    def outcome(self) -> str:
        """`all held`; `2 did not hold`."""
        return f"{self.not_held:,} did not hold" if self.not_held else "all held"

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Counts)))

    def said(self) -> str:
        """`1,535 checks: 1,261 ran, 274 carried over; all held`; `1 check: 1 ran; 1 did not hold`."""
        if not self.checks:
            return "no check"
        words = ((self.ran, "ran"), (self.carried_over, "carried over"), (self.skipped, "skipped, without a row"))
        how = ", ".join(f"{count:,} {word}" for count, word in words if count)
        return f"{self.checks:,} check{'' if self.checks == 1 else 's'}: {how}; {self.outcome}"


def of_runs(connection: duckdb.DuckDBPyConnection, run_ids: Collection[str] | None = None) -> dict[str, Counts]:
    """The checks of each run (of all runs without `run_ids`), by its id; a run that made none is not there.

    A result of an earlier version does not say how it came about: its check ran.
    """
    found = connection.execute(_COUNTED, [run_ids is None, list(run_ids or ())]).fetchall()
    return {run_id: Counts(*counts) for run_id, *counts in found}


def of_run(connection: duckdb.DuckDBPyConnection, run_id: str) -> Counts:
    """The checks of one run; none where it made none."""
    return of_runs(connection, [run_id]).get(run_id, Counts())


def of_results(results: Iterable[Mapping[str, Any]]) -> Counts:
    """The same of results that are not written yet: rows with `expectation`, `success` and `how`."""
    rows = [row for row in results if row["expectation"] != NOTICE]
    ways = [row["how"] or "ran" for row in rows]
    return Counts(
        checks=len(rows),
        held=sum(bool(row["success"]) for row in rows),
        **{way: ways.count(way) for way in ("ran", "carried_over", "skipped")},
    )


_COUNTED = f"""
    SELECT run_id, count(*), count(*) FILTER (success), count(*) FILTER (coalesce(how, 'ran') = 'ran'),
      count(*) FILTER (how = 'carried_over'), count(*) FILTER (how = 'skipped'),
      coalesce(sum(json_array_length(details, '$.explained')), 0)::BIGINT
    FROM quality.results WHERE expectation <> '{NOTICE}' AND (? OR list_contains(?, run_id)) GROUP BY run_id"""
