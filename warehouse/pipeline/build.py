"""The answer: every mart built from the facts, or carried over where it could not come out otherwise.

Marts and their checks are a function of the facts, the date, the assumptions and the program with its libraries. Where
none of these changed since the published answer was made, its marts and findings stand and are not made again. Where
some of them did, the marts that read nothing of it stand (`warehouse.marts.common.standing`). The warehouse that is
written began as a copy of the published one, so they are in it already.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

import polars as pl

from warehouse import files, marts
from warehouse.database.store import Store
from warehouse.marts.common.standing import Made
from warehouse.paths import QUALITY, WAREHOUSE
from warehouse.pipeline import ingest, known_facts
from warehouse.pipeline.context import RunContext
from warehouse.pipeline.ingest import Ingestion
from warehouse.pipeline.live_sources import LiveSources
from warehouse.pipeline.quarantine import Quarantined
from warehouse.pipeline.record import made_with, program
from warehouse.quality import counts
from warehouse.tables import CORE, SYSTEM
from warehouse.tables.marts_made import TABLE as MARTS_MADE
from warehouse.tables.runs import newest_published

MADE = tuple(field.name for field in fields(Made))


@dataclass(frozen=True)
class Loaded:
    """New rows of each table, and the date that the answer is as of."""

    added: dict[str, int]
    as_of: date

    @property
    def rows(self) -> int:
        return sum(self.added.values())


@dataclass(frozen=True)
class Built:
    """Marts by name, and how many facts they were made of.

    `marts` are those that were built, and the verdict, which is shown. `standing` are the names of those that stand as an
    earlier run made them.
    """

    marts: dict[str, pl.DataFrame]
    fact_rows: int
    standing: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        return self.standing.union(self.marts)

    @property
    def anew(self) -> frozenset[str]:
        """Names of the marts whose rows were written in this run."""
        return self.names - self.standing

    @property
    def in_short(self) -> str:
        rows = sum(frame.height for name, frame in self.marts.items() if name in self.anew)
        stand = (
            f"; {len(self.standing)} marts stand, because nothing that they read has changed" if self.standing else ""
        )
        return f"{len(self.anew)} marts, {rows:,} rows{stand}"


@dataclass(frozen=True)
class Carried:
    """What an earlier run found of the same facts; `since` is the run that made the checks."""

    results: pl.DataFrame
    since: str

    @property
    def warnings(self) -> list[str]:
        failed = self.results.filter(~pl.col("success")).get_column("details")
        return [json.loads(details)["message"] for details in failed]

    @property
    def in_short(self) -> str:
        return f"nothing has changed since run {self.since}: its marts and {self.results.height} checks stand"


def load(store: Store, run: RunContext) -> Loaded:
    """Append new rows to core, and settle the date that the answer is as of."""
    added = ingest.load(store)
    return Loaded(added, run.asked_as_of or _default_as_of(store, run))


def _default_as_of(store: Store, run: RunContext) -> date:
    """For live data it is today, or with the network off the day of the last answer from any source. For the snapshot
    it is the last known date, so that its answer is the same on every day.
    """
    if run.source == "live":
        last = ingest.last_answer_at(run) if run.offline else None
        return min(last.date(), run.today) if last else run.today
    known = [
        store.scalar(
            f"SELECT max(known_on) FROM {table.full_name} WHERE source_kind = 'reference' AND known_on <= ?",
            [run.today],
        )
        for table in CORE.values()
    ]
    return max((day for day in known if day is not None), default=run.today)


def build_marts(store: Store, run: RunContext, as_of: date) -> Built:
    """Build the marts that could come out otherwise than they stand, from the facts known by the date."""
    facts = known_facts.for_marts(store, run.assumptions, run.today)
    before = _marts_made(store)
    built, made = marts.build_changed(
        facts,
        as_of=as_of,
        assumptions=run.assumptions,
        before={name: mart for name, (_, mart) in before.items()},
        read=lambda name: _mart(store, name),
        program=json.dumps(program()),
        spread=run.spread,
    )
    for name, frame in built.items():
        store.replace(marts.all_marts()[name].table, frame)
    made_in = {name: run.run_id if name in built else before[name][0] for name in made}
    rows = [{"mart": name, "run_id": made_in[name], **asdict(mart)} for name, mart in made.items()]
    store.replace(MARTS_MADE, pl.DataFrame(rows, schema=MARTS_MADE.polars_schema))
    standing = frozenset(made).difference(built)
    return Built({"verdict": _mart(store, "verdict"), **built}, known_facts.count(store), standing)


def _mart(store: Store, name: str) -> pl.DataFrame:
    """The rows of a mart as they were built, in their order."""
    table = marts.all_marts()[name].table
    return table.conform(store.frame(f"SELECT * FROM {table.full_name} ORDER BY rowid"))


def _marts_made(store: Store) -> dict[str, tuple[str, Made]]:
    """How each mart that the warehouse holds came about, and in which run; none where an earlier version wrote it."""
    made = {}
    for row in store.rows(MARTS_MADE).rows(named=True):
        how: dict[str, Any] = {
            field: tuple(row[field]) if isinstance(row[field], list) else row[field] for field in MADE
        }
        made[row["mart"]] = row["run_id"], Made(**how)
    return made


# -- where nothing changed --------------------------------------------------------------------------------------------


def nothing_new(store: Store, run: RunContext, ingestion: Ingestion, sources: LiveSources, loaded: Loaded) -> bool:
    """Whether an answer is published already that this run would not change: no new row, nothing failed now or before."""
    published = run.base.release is not None and (run.paths.published(run.asked_as_of) / WAREHOUSE).exists()
    if not published or sources.failed or loaded.rows:
        return False
    query = "SELECT source, arg_max(outcome, checked_at) FROM provenance.source_runs WHERE run_id <> ? GROUP BY source"
    before = dict(store.execute(query, [run.run_id]).fetchall())
    return all(before.get(found.name) == found.outcome for found in ingestion.sources if found.source.kind == "live")


def unchanged(store: Store, run: RunContext, new_rows: Quarantined, loaded: Loaded) -> Carried | None:
    """What the published answer's checks found, where the answer was made of exactly what this run has; else None.

    A source that failed brings no fact, and is named and dated by what each run notes of it. A dated answer is always
    made anew.
    """
    if loaded.rows or new_rows.messages or run.asked_as_of is not None:
        return None
    row = store.execute(newest_published("run_id, source, as_of, versions")).fetchone()
    if row is None:
        return None
    run_id, source, as_of, versions = row
    same = (source, as_of, json.loads(versions)) == (run.source, min(loaded.as_of, run.today), made_with(run))
    if not same or run.base.pages is None or not (run.base.pages / QUALITY).is_dir():
        return None
    results = SYSTEM["results"].conform(store.frame(_CARRIED, [run.run_id, run_id, counts.NOTICE]))
    of_marts = results.filter(pl.col("table_name").is_in([mart.table.full_name for mart in marts.all_marts().values()]))
    if of_marts.is_empty():
        return None
    return Carried(results, json.loads(of_marts.item(0, "details"))["carried_over_from"])


# What was found then keeps its time, and says whose finding it is.
_CARRIED = """
    SELECT * REPLACE (
      ? AS run_id,
      CASE WHEN how = 'skipped' THEN how ELSE 'carried_over' END AS how,
      json_merge_patch(details, json_object('carried_over_from', coalesce(details->>'$.carried_over_from', run_id)))
        AS details)
    FROM quality.results
    WHERE run_id = ? AND table_name NOT LIKE 'staging.%' AND expectation <> ?
    ORDER BY rowid"""


def carry_over(store: Store, run: RunContext, carried: Carried) -> Built:
    """Take the marts of the published warehouse, which this copy holds, and what was found when they were checked."""
    store.append(SYSTEM["results"], carried.results)
    pages = run.release / QUALITY
    if run.base.pages is not None and not pages.exists():
        files.link_folder(run.base.pages / QUALITY, pages)
    verdict = store.frame("SELECT * FROM marts.verdict ORDER BY scope, question")
    return Built({"verdict": verdict}, known_facts.count(store))
