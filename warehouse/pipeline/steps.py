"""The steps of a run, each whole in itself; `flows/answer.py` says in which order they happen.

A run works on a copy of the published warehouse in a folder of its own. Whatever happens to it, the published answer stays
as it was until the last step; what a refused run found is kept in `refused/` and joins the history at the next run.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import polars as pl

from warehouse import __version__, assumptions, files, marts
from warehouse import paths as home
from warehouse.calendars.exchange import FIRST_SESSION, sessions
from warehouse.database import store
from warehouse.errors import OverbuildError, RefusedError, UsageError
from warehouse.pipeline import alerts as telling
from warehouse.pipeline import ingest as ingesting
from warehouse.pipeline import publish as publishing
from warehouse.pipeline.ingest import Ingested, RunContext
from warehouse.quality import checks as quality
from warehouse.quality import decisions, history, measures
from warehouse.quality import trend_checks as against_history
from warehouse.settings import Settings, load_settings
from warehouse.sources import all_sources
from warehouse.sources.common.source import Feed, Source
from warehouse.tables import CORE, SYSTEM

FEEDS: tuple[Feed, ...] = ("prices", "capex", "gpu", "training")
KEPT_REFUSED = 10
NOTICES_SHOWN = 5
NOTICES_KEPT = 50
Say = Callable[[str], None]
Announce = Callable[[telling.Message], None]


@dataclass
class Work:
    """A run under way: its context, its store, the folder it builds in, and what has come of it so far."""

    run: RunContext
    source: str
    asked_as_of: date | None
    store: store.Store
    folder: Path
    assumptions: assumptions.Assumptions
    say: Say
    announce: Announce = lambda _: None
    as_of: date = date.max
    ingested: list[Ingested] = field(default_factory=list)
    failed_sources: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    quarantined: list[str] = field(default_factory=list)
    added: dict[str, int] = field(default_factory=dict)
    reports: list[quality.Report] = field(default_factory=list)
    marts: dict[str, pl.DataFrame] = field(default_factory=dict)
    fact_rows: int = 0
    waiting: list[dict[str, Any]] | None = None
    """Rows that wait for a person's decision, known once the pages are written."""
    notes: list[str] = field(default_factory=list)
    """What went wrong beside the run and harms nothing that was published."""
    unchanged_since: str = ""
    """The run that last built and checked what this one publishes again, where nothing has changed since."""
    carried: pl.DataFrame = field(default_factory=SYSTEM["results"].empty)
    has_helpers: bool = False

    @property
    def pages(self) -> Path:
        return self.folder / "release"


def chosen(source: str, only: Sequence[str]) -> list[Source]:
    """The sources of a run: of its kind, of the asked feeds or names; first the panel, which says what to look at.

    The panel (companies, their roles, the claims) is ours and packaged, for live runs too. Raises UsageError for a feed
    that there is not.
    """
    of_kind = [s for s in all_sources() if s.kind == source and s.feed != "panel"]
    unknown = [name for name in only if name not in FEEDS and name not in {s.name for s in of_kind}]
    if unknown:
        names = f", or a {source} source ({', '.join(s.name for s in of_kind)})" if source == "live" else ""
        raise UsageError(f"--only {','.join(unknown)}: there is no such feed; choose from {', '.join(FEEDS)}{names}.")
    wanted = [s for s in of_kind if not only or s.feed in only or s.name in only]
    return [*(s for s in all_sources() if s.feed == "panel"), *wanted]


def refuse_where_none_can_be_asked(sources: Sequence[Source], settings: Settings) -> None:
    """Raises UsageError with each one's reason where not one live source of a run can be asked with these settings."""
    live = [s for s in sources if s.kind == "live"]
    reasons = {s.name: s.not_ready(settings) for s in live}
    if live and settings.network == "on" and all(reasons.values()):
        raise UsageError("\n".join(f"--source live: {name}: {why}" for name, why in reasons.items()))


@contextmanager
def workspace(
    source: str,
    as_of: date | None,
    say: Say,
    *,
    offline: bool = False,
    span: tuple[date, date] | None = None,
    announce: Announce = lambda _: None,
) -> Iterator[Work]:
    """Everything a run needs, for as long as it runs; removed when it ends, published or not.

    `offline` sends no request whatever the settings say; `span` limits a backfill to its days; `announce` is given what
    people are told. Of a run that is refused or fails they are told here, of others by `tell`.
    """
    settings = load_settings()
    if offline:
        settings = settings.model_copy(update={"network": "off"})
    entries = assumptions.load(settings.assumptions)
    if as_of is not None and as_of > datetime.now(UTC).date():
        raise UsageError(f"--as-of {as_of}: this date is in the future; nothing is known of it yet.")
    where = home.home_of(settings)
    home.prepare(where)
    with publishing.one_at_a_time(where, "another run is at work in this OVERBUILD_HOME; waiting for it to end", say):
        for left in (path for path in where.work.iterdir() if path.is_dir()):
            shutil.rmtree(left, ignore_errors=True)  # of a run that was killed: whoever has the lock is alone here
        # Runs start in the order in which they publish, however long each has waited.
        started_at = datetime.now(UTC)
        run_id = f"{started_at:%Y%m%dT%H%M%S}-{os.urandom(2).hex()}"
        run = RunContext(run_id, started_at, where, settings, span, tuple(decisions.read(where)))
        folder = where.work / run.run_id
        (folder / "release").mkdir(parents=True)
        try:
            built = folder / "release" / home.WAREHOUSE
            if (where.current / home.WAREHOUSE).exists():
                shutil.copyfile(where.current / home.WAREHOUSE, built)
            with store.opened(built, folder / "staging.duckdb") as opened:
                work = Work(run, source, as_of, opened, folder, entries, say, announce)
                _take_up_refused(work)
                _take_up_decisions(work)
                try:
                    yield work
                except RefusedError as error:
                    page = _keep_refused(work, error)
                    _tell_of_failure(work, f"refused its data, and nothing new was published: {error}")
                    raise type(error)(f"{error}\nWhat was found, and what to do with it: {page}") from error
                except Exception as error:
                    if not isinstance(error, UsageError):
                        then = "after it had published" if opened.finished else "and nothing new was published"
                        _tell_of_failure(work, f"failed, {then}: {type(error).__name__}: {error}")
                    raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def worth_retrying(_task: Any, _run: Any, state: Any) -> bool:
    """Whether a failed ingestion may go better next time: not where the document or the settings are at fault."""
    try:
        state.result()
    except OverbuildError:
        return False
    except Exception:
        return True
    return False


def ingest(source: Source, work: Work) -> Ingested:
    return ingesting.ingest(source, work.store, work.run)


def note_ingested(work: Work, results: Sequence[Ingested | Exception]) -> None:
    """Take in what the sources brought. A reference file that cannot be read refuses the run; a live source that failed is noted.

    Raises RefusedError with every document's message.
    """
    work.ingested = [result for result in results if isinstance(result, Ingested)]
    problems = [result for result in results if isinstance(result, BaseException)]
    unexpected = [problem for problem in problems if not isinstance(problem, OverbuildError)]
    if unexpected:
        raise unexpected[0]
    if problems:
        raise RefusedError("\n".join(str(problem) for problem in problems))
    _note_notices(work)


def _note_notices(work: Work) -> None:
    """What sources say of their documents without losing a row becomes a warning, one for each source and table."""
    rows = []
    for found in work.ingested:
        for table in sorted({table for table, _ in found.notices}):
            said = [notice for of, notice in found.notices if of == table]
            more = f"; and {len(said) - NOTICES_SHOWN} more (overbuild quality)" if len(said) > NOTICES_SHOWN else ""
            message = f"{found.name}: {'; '.join(said[:NOTICES_SHOWN])}{more}"
            work.notices.append(message)
            details = {"protects": message, "outcome": "warning", "message": message, "notices": said[:NOTICES_KEPT]}
            rows.append(
                {
                    "run_id": work.run.run_id,
                    "table_name": table,
                    "expectation": ingesting.NOTICE,
                    "column_name": found.name,
                    "severity": "warning",
                    "success": False,
                    "unexpected_count": len(said),
                    "checked_at": datetime.now(UTC),
                    "details": json.dumps(details, ensure_ascii=False),
                }
            )
    if rows:
        work.store.append(SYSTEM["results"], pl.DataFrame(rows))


def put_bad_rows_aside(work: Work) -> list[str]:
    """Check staged rows one by one and put the bad ones aside; gives a message for each.

    Then every live source's outcome is known, and is noted. Raises RefusedError where there is nothing to answer from.
    """
    staged = [quality.Target(table, f"staging.{table.name}", "rows") for table in work.store.staged()]
    if any(found.new_documents for found in work.ingested) or work.run.decisions:
        _put_helpers(work)
    if staged:
        _validate(work, staged)
    work.quarantined = ingesting.quarantine(work.store, work.run, work.ingested)
    work.notices += ingesting.stage_accepted(work.store, work.run)
    _note_live_sources(work)
    return work.quarantined


def _note_live_sources(work: Work) -> None:
    """Record what each live source brought, and name those that failed with the age of what they leave in place."""
    rows = [_source_run(work, found) for found in work.ingested if found.source.kind == "live"]
    if not rows:
        return
    work.store.append(SYSTEM["source_runs"], pl.DataFrame(rows, schema=SYSTEM["source_runs"].polars_schema))
    failed = [row for row in rows if row["outcome"] in ("failed", "partly_failed")]
    work.failed_sources = {row["source"]: f"{row['message']} {_age(row)}" for row in failed}
    about_panel = {"companies", "article_claims"}
    nothing = all(
        work.store.scalar(f"SELECT count(*) FROM {t.full_name}") == 0
        for t in CORE.values()
        if t.name not in about_panel
    )
    if nothing and all(row["documents"] == 0 for row in rows):
        reasons = "\n".join(f"  {row['source']}: {row['message'] or 'gave no document'}" for row in rows)
        raise RefusedError(
            f"No live source brought anything, and there are no earlier data to answer from:\n{reasons}\n"
            "Mend what is named and run again, or answer from the packaged snapshot: overbuild run --source reference."
        )


def _source_run(work: Work, found: Ingested) -> dict[str, Any]:
    newest = work.store.scalar("SELECT max(known_on) FROM provenance.documents WHERE source = ?", [found.name])
    earlier = work.store.scalar(
        "SELECT max(last_success_at) FROM provenance.source_runs WHERE source = ?", [found.name]
    )
    at = ingesting.last_answer_at(work.run, found.source) if work.run.offline else work.run.started_at
    return {
        "run_id": work.run.run_id,
        "source": found.name,
        "feed": found.source.feed,
        "outcome": found.outcome,
        "message": found.message,
        "documents": len(found.documents),
        "new_documents": found.new_documents,
        "rows_read": found.staged_rows,
        "requests": found.requests,
        "checked_at": work.run.started_at,
        "last_success_at": at if found.outcome == "good" else earlier,
        "newest_known_on": newest,
    }


def _age(row: dict[str, Any]) -> str:
    """How old the data are that a failed source leaves in place."""
    if row["newest_known_on"] is None:
        return "There are no earlier data of it."
    success = f", last whole on {row['last_success_at']:%Y-%m-%d %H:%M} UTC" if row["last_success_at"] else ""
    return f"Its newest data are of {row['newest_known_on']}{success}."


def load(work: Work) -> dict[str, int]:
    """Append new rows to core, and settle the date that the answer is as of."""
    work.added = ingesting.load(work.store)
    work.as_of = work.asked_as_of or _default_as_of(work)
    return work.added


def _default_as_of(work: Work) -> date:
    """Today for live data (with the network off, the day of the last answer from any source); for the snapshot its
    last known date, so that its answer is the same on every day.
    """
    if work.source == "live":
        last = ingesting.last_answer_at(work.run) if work.run.offline else None
        return min(last.date(), work.run.today) if last else work.run.today
    known = [
        work.store.scalar(
            f"SELECT max(known_on) FROM {table.full_name} WHERE source LIKE 'reference_%' AND known_on <= ?",
            [work.run.today],
        )
        for table in CORE.values()
    ]
    return max((day for day in known if day is not None), default=work.run.today)


def nothing_new(work: Work) -> bool:
    """Whether an answer is published already that this run would not change: no new row, nothing failed now or before."""
    published = (work.run.home.published(work.asked_as_of) / home.WAREHOUSE).exists()
    if not published or work.failed_sources or sum(work.added.values()):
        return False
    before = dict(
        work.store.execute(
            "SELECT source, arg_max(outcome, checked_at) FROM provenance.source_runs WHERE run_id <> ? GROUP BY source",
            [work.run.run_id],
        ).fetchall()
    )
    return all(before.get(found.name) == found.outcome for found in work.ingested if found.source.kind == "live")


def unchanged(work: Work) -> bool:
    """Whether the published answer was made of exactly what this run has: then its marts and checks stand.

    They are a function of the facts, the date, the assumptions and the program with its libraries. A source that failed
    brings no fact, and is named and dated by what each run notes of it. A dated answer is always made anew.
    """
    changed = any(work.added.values()) or work.quarantined
    if changed or work.asked_as_of is not None:
        return False
    row = work.store.execute(
        "SELECT run_id, source, as_of, versions FROM provenance.runs WHERE outcome LIKE 'published%' "
        "ORDER BY started_at DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return False
    run_id, source, as_of, versions = row
    same = (source, as_of, json.loads(versions)) == (work.source, _answered_as_of(work), _made_with(work))
    if not same or not (work.run.home.current / home.QUALITY).is_dir():
        return False
    work.carried = SYSTEM["results"].conform(work.store.frame(_CARRIED, [work.run.run_id, run_id, ingesting.NOTICE]))
    if work.carried.is_empty():
        return False
    work.unchanged_since = json.loads(work.carried.item(0, "details"))["carried_over_from"]
    return True


# What was found then keeps its time, and says whose finding it is.
_CARRIED = """
    SELECT * REPLACE (
      ? AS run_id,
      json_merge_patch(details, json_object('carried_over_from', coalesce(details->>'$.carried_over_from', run_id)))
        AS details)
    FROM quality.results
    WHERE run_id = ? AND table_name NOT LIKE 'staging.%' AND expectation <> ?
    ORDER BY rowid"""


def carry_over(work: Work) -> str:
    """Take the marts of the published warehouse, which this copy holds, and what was found when they were checked."""
    work.store.append(SYSTEM["results"], work.carried)
    if not (work.pages / home.QUALITY).exists():
        shutil.copytree(work.run.home.current / home.QUALITY, work.pages / home.QUALITY, copy_function=files.link)
    work.fact_rows = sum(work.store.scalar(f"SELECT count(*) FROM {table.full_name}") for table in CORE.values())
    work.marts = {"verdict": work.store.frame("SELECT * FROM marts.verdict ORDER BY scope, question")}
    return f"nothing has changed since run {work.unchanged_since}: its marts and {work.carried.height} checks stand"


def check_facts(work: Work) -> str:
    """Check everything that core holds. Raises RefusedError for a critical failure."""
    decided = work.run.decisions
    targets = [quality.Target(t, t.full_name, "all", decisions.exempt(decided, t)) for t in CORE.values()]
    return _judge(_validate(work, targets), "facts")


def build_marts(work: Work) -> str:
    """Build every mart from the facts known by the date."""
    facts = {name: work.store.rows(table) for name, table in CORE.items()}
    work.fact_rows = sum(frame.height for frame in facts.values())
    facts["sessions"] = sessions(FIRST_SESSION, work.run.today)
    work.marts = marts.build(facts, as_of=work.as_of, assumptions=work.assumptions)
    for name, frame in work.marts.items():
        work.store.replace(marts.all_marts()[name].table, frame)
    return f"{len(work.marts)} marts, {sum(frame.height for frame in work.marts.values()):,} rows"


def check_marts(work: Work) -> str:
    """Check the marts. Raises RefusedError for a critical failure."""
    tables = [mart.table for mart in marts.all_marts().values()]
    said = _judge(_validate(work, [quality.Target(table, table.full_name, "all") for table in tables]), "marts")
    _hold_against_history(work)
    return said


def _hold_against_history(work: Work) -> None:
    """Compare this run with those before it: tables that shrank, lists that were cut, sources that are overdue."""
    if work.asked_as_of is not None:
        return  # an answer as of another day has no run before it
    found = against_history.results(
        work.store.execute, run_id=work.run.run_id, live=work.source == "live", now=datetime.now(UTC)
    )
    work.store.append(SYSTEM["results"], found)
    work.notices += against_history.warnings(found)


def _validate(work: Work, targets: Sequence[quality.Target]) -> quality.Report:
    _put_helpers(work)
    report = quality.validate(
        work.store.connection,
        targets,
        run_id=work.run.run_id,
        checked_at=datetime.now(UTC),
        docs=work.pages / home.QUALITY,
        today=work.run.today,
        earlier=_earlier_pages(work),
    )
    of_staging = [target.table.full_name for target in targets if target.relation.startswith("staging.")]
    results = report.results.with_columns(
        pl.when(pl.col("table_name").is_in(of_staging))
        .then(pl.col("table_name").str.replace("core.", "staging.", literal=True))
        .otherwise("table_name")
        .alias("table_name")
    )
    work.store.append(SYSTEM["results"], results)
    work.reports.append(report)
    return report


def _earlier_pages(work: Work) -> list[Path]:
    """Quality pages of earlier runs: the published ones, and those that refused runs left."""
    where = work.run.home
    return [where.published(work.asked_as_of) / home.QUALITY, *where.refused.glob(f"*/{home.QUALITY}")]


def _judge(report: quality.Report, what: str) -> str:
    if not report.publishable:
        raise RefusedError("\n".join([*report.failed_critical, *report.broken]))
    held = report.results.get_column("success").sum()
    return f"{what}: {held} of {report.results.height} checks held, {len(report.warnings)} warnings"


def write_pages(work: Work) -> None:
    """Write the site beside the warehouse, and record the run and what it measured."""
    from warehouse.reports import site  # Jinja is needed here only

    if work.asked_as_of is not None:
        work.store.forget_after(work.as_of)
    if not work.unchanged_since:
        work.store.create_views(work.as_of, _views())
    outcome = "published_with_old_data" if work.failed_sources else "published"
    work.store.append(SYSTEM["runs"], _run_row(work, outcome))
    _measure(work)
    site.write(work.pages / home.SITE, site.read(work.store.connection))
    _write_quality_page(work, work.pages)


def _write_quality_page(work: Work, folder: Path, refusal: str = "") -> None:
    """Write what the checks found, in this run and before, beside the Data Docs in a folder."""
    from warehouse.reports import quality_page

    work.waiting = history.waiting(work.store.connection)
    documented = {path.name for path in (folder / home.QUALITY / "runs").glob("*")}
    content = quality_page.read(work.store.connection, work.run.run_id, work.waiting, documented)
    quality_page.write(folder / home.SITE, content, refusal)


def _measure(work: Work) -> None:
    aside = "SELECT table_name, count(*) FROM quality.quarantine WHERE run_id = ? GROUP BY 1"
    built = [mart.table for name, mart in marts.all_marts().items() if name in work.marts]
    found = measures.measure(
        work.store.connection,
        [*CORE.values(), *built],
        run_id=work.run.run_id,
        today=work.run.today,
        added={f"core.{name}": count for name, count in work.added.items()},
        put_aside=dict(work.store.execute(aside, [work.run.run_id]).fetchall()),
    )
    work.store.append(SYSTEM["measures"], found)


def _views() -> list[str]:
    folder = Path(str(resources.files("sql"))) / "views"
    return [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql"))]


def publish(work: Work) -> Path:
    """Close the new warehouse and switch readers to it."""
    work.store.finish()
    if work.asked_as_of is None:
        ingesting.note_published(work.ingested, work.run)
    return publishing.publish(work.run.home, work.pages, work.run.run_id, work.asked_as_of)


def _run_row(work: Work, outcome: str) -> pl.DataFrame:
    row = {
        "run_id": work.run.run_id,
        "started_at": work.run.started_at,
        "finished_at": datetime.now(UTC),
        "source": work.source,
        "as_of": _answered_as_of(work),
        "outcome": outcome,
        "versions": json.dumps(_made_with(work)),
    }
    return pl.DataFrame([row], schema=SYSTEM["runs"].polars_schema)


def _answered_as_of(work: Work) -> date:
    return min(work.as_of, work.run.today)


def _made_with(work: Work) -> dict[str, Any]:
    """The program, its libraries and the assumptions: what an answer is made with, beside the facts."""
    return {
        **_versions(),
        "program_sha256": _program(),
        "assumptions_sha256": work.assumptions.sha256,
        "assumptions_overridden": list(work.assumptions.overridden),
    }


@cache
def _versions() -> dict[str, str]:
    packages = ("prefect", "great-expectations", "duckdb", "polars", "numpy", "scipy", "exchange-calendars")
    return {"overbuild": __version__, "python": sys.version.split()[0]} | {p: metadata.version(p) for p in packages}


@cache
def _program() -> str:
    """Hash of the program's own files: one that is worked on changes without a new version."""
    found = hashlib.sha256()
    for package in ("warehouse", "sql", "flows"):
        folder = Path(str(resources.files(package)))
        for path in sorted(p for kind in ("*.py", "*.sql", "*.j2", "*.toml") for p in folder.rglob(kind)):
            found.update(f"{package}/{path.relative_to(folder)}".encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def _put_helpers(work: Work) -> None:
    """Put what checks compare with beside the warehouse, once; working out the exchange's sessions takes a while."""
    if work.has_helpers:
        return
    work.has_helpers = True
    bounds = work.assumptions.value("gpu_price_bounds")
    work.store.put_helpers(
        sessions(FIRST_SESSION, work.run.today),
        pl.DataFrame(
            [(chip, low, high) for chip, (low, high) in bounds.items()],
            schema={"gpu_model": pl.String, "low_usd_per_gpu_hour": pl.Float64, "high_usd_per_gpu_hour": pl.Float64},
            orient="row",
        ),
    )


# -- refused runs -------------------------------------------------------------------------------------------------------


_HISTORY = ("results", "quarantine", "runs", "source_runs", "measures")


def _keep_refused(work: Work, error: RefusedError) -> Path:
    """Keep what a refused run found, beside the published answer that it did not touch; gives the page that shows it."""
    folder = work.run.home.refused / work.run.run_id
    folder.mkdir(parents=True)
    work.store.append(SYSTEM["runs"], _run_row(work, "refused"))
    _measure(work)
    for name in _HISTORY:
        found = work.store.frame(f"SELECT * FROM {SYSTEM[name].full_name} WHERE run_id = ?", [work.run.run_id])
        SYSTEM[name].conform(found).write_parquet(folder / f"{name}.parquet")
    (folder / "message.txt").write_text(f"{error}\n", encoding="utf-8")
    pages = work.pages / home.QUALITY
    if pages.exists():
        os.replace(pages, folder / home.QUALITY)
    _write_quality_page(work, folder, str(error))
    for old in sorted(work.run.home.refused.iterdir())[:-KEPT_REFUSED]:
        shutil.rmtree(old, ignore_errors=True)
    return folder / home.SITE / "quality.html"


def _take_up_refused(work: Work) -> None:
    """Bring what earlier refused runs found into the history of this warehouse, once."""
    known = {run_id for (run_id,) in work.store.execute("SELECT run_id FROM provenance.runs").fetchall()}
    for folder in sorted(work.run.home.refused.iterdir()):
        if folder.name not in known and (folder / "runs.parquet").exists():
            for name in _HISTORY:
                if (folder / f"{name}.parquet").exists():
                    work.store.append(SYSTEM[name], pl.read_parquet(folder / f"{name}.parquet"))


def _take_up_decisions(work: Work) -> None:
    """Bring what people decided since the last run into this warehouse."""
    table = SYSTEM["decisions"]
    known = set(work.store.execute(f"SELECT row_id, decided_at FROM {table.full_name}").fetchall())
    new = [asdict(one) for one in work.run.decisions if (one.row_id, one.decided_at) not in known]
    if new:
        work.store.append(table, pl.DataFrame(new, schema={n: table.polars_schema[n] for n in new[0]}))


# -- telling people -----------------------------------------------------------------------------------------------------


def tell(work: Work) -> list[str]:
    """Tell people what is new since they were told last (`warehouse.telling`); gives the messages.

    A dated answer is made at somebody's wish, who sees what it says: nobody is told of it.
    """
    if work.asked_as_of is not None:
        return []
    return _tell(work, "")


def _tell_of_failure(work: Work, why: str) -> None:
    if work.asked_as_of is None:
        _tell(work, why)
        for note in work.notes:
            work.say(note)


def _tell(work: Work, failure: str) -> list[str]:
    """Whatever goes wrong with the telling is noted, and harms no run."""
    try:
        if work.waiting is None:
            work.waiting = history.waiting(work.store.connection)
        seen = telling.observed(
            findings=[finding for report in work.reports for finding in report.findings],
            notices=work.notices,
            sources=[*_source_states(work)],
            waiting=work.waiting,
            verdicts=work.marts["verdict"].rows(named=True) if "verdict" in work.marts and not failure else [],
            failure=failure,
        )
        told, notes = telling.tell(work.run.home, work.run.settings, seen, work.run.run_id, work.announce)
        work.notes += notes
        return [message.text for message in told]
    except Exception as error:
        work.notes.append(f"people could not be told: {ingesting.unexpected(error)}")
        return []


def _source_states(work: Work) -> Iterator[tuple[str, str, str]]:
    """Each live source with its state and what to do: as this run found it, or as its last runs left it."""
    from warehouse.reports import freshness as sources_report

    asked = {found.name: found for found in work.ingested if found.source.kind == "live"}
    for row in sources_report.report(work.run.home, work.run.settings, datetime.now(UTC)):
        found = asked.get(row["source"])
        if row["kind"] == "live" and (found is None or found.outcome == "skipped" or work.run.offline):
            yield row["source"], row["state"], row["next_step"]
        elif found is not None:
            yield found.name, "ok" if found.outcome == "good" else "failed", found.message


# -- what is said of a run ----------------------------------------------------------------------------------------------


def summary(work: Work) -> dict[str, Any]:
    """What a run did, for whoever started it: paths, counts, the group's verdicts, what was put aside."""
    results = _all_results(work)
    verdicts = work.marts.get("verdict", pl.DataFrame(schema=["scope", "question", "verdict", "statement"]))
    return {
        "run_id": work.run.run_id,
        "as_of": work.as_of.isoformat(),
        "source": work.source,
        "verdicts": verdicts.filter(pl.col("scope") == "ALL").select("question", "verdict", "statement").to_dicts(),
        "checks": results.height,
        "checks_held": int(results.get_column("success").sum()),
        "known_findings": sum(len(json.loads(told).get("explained", ())) for told in results.get_column("details")),
        "warnings": [
            *work.notices,
            *(warning for report in work.reports for warning in report.warnings),
            *_carried_warnings(work),
        ],
        "unchanged_since": work.unchanged_since,
        "quarantined": work.quarantined,
        "new_rows": sum(work.added.values()),
        "fact_rows": work.fact_rows,
        "failed_sources": work.failed_sources,
        "notes": work.notes,
        "overridden": list(work.assumptions.overridden),
        "published": str(work.run.home.published(work.asked_as_of)) if work.marts else "",
    }


def _all_results(work: Work) -> pl.DataFrame:
    return pl.concat([SYSTEM["results"].empty(), *(report.results for report in work.reports), work.carried])


def _carried_warnings(work: Work) -> list[str]:
    failed = work.carried.filter(~pl.col("success")).get_column("details")
    return [json.loads(details)["message"] for details in failed]


def verdict_markdown(work: Work) -> str:
    """The verdicts of the group and of each company, as a table for Prefect's UI."""
    rows = work.marts["verdict"].select("scope", "question", "verdict", "evidence_grade", "statement").rows()
    lines = [
        "| " + " | ".join("" if cell is None else str(cell).replace("|", "/") for cell in row) + " |" for row in rows
    ]
    head = "| scope | question | verdict | grade | statement |\n|---|---|---|---|---|"
    return f"## Verdict as of {work.as_of}\n\n{head}\n" + "\n".join(lines)


def quality_markdown(work: Work) -> str:
    """What was checked, in short, for Prefect's UI."""
    results = _all_results(work)
    since = f" Nothing has changed since run {work.unchanged_since}, which found this." if work.unchanged_since else ""
    warnings = "\n".join(f"- {warning}" for warning in summary(work)["warnings"]) or "none"
    aside = "\n".join(f"- {reason}" for reason in work.quarantined) or "none"
    return (
        f"## Quality of run {work.run.run_id}\n\n{int(results.get_column('success').sum())} of {results.height} checks "
        f"held.{since}\n\n### Warnings\n\n{warnings}\n\n### Rows put aside\n\n{aside}"
    )
