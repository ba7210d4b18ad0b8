"""The main job: from documents to a published answer.

Reads top to bottom: ingest every source, check and quarantine new rows, load, check, build, check, publish, notify. In a
warehouse that several machines share, a run waits for its turn once it has ingested (`warehouse.database.lake`). Where
nothing changed since the published run, its marts and findings are carried over instead of made again. A step is a
Prefect task where it is worth retrying or seeing by itself; what a step does is in `warehouse.pipeline`.
"""

from __future__ import annotations

import logging
from datetime import date
from typing import Any, Literal

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.events import emit_event
from prefect.task_runners import ThreadPoolTaskRunner

from flows import asking, cluster, logs, names, shared_limit
from warehouse import stopping, storage
from warehouse.database.store import Store
from warehouse.errors import OverbuildError
from warehouse.pipeline import (
    build,
    check,
    documents,
    ingest,
    live_sources,
    notify,
    publish,
    quarantine,
    sharing,
    starting,
    summary,
)
from warehouse.pipeline.alerts import Message, Notified
from warehouse.pipeline.choose import chosen
from warehouse.pipeline.context import RunContext
from warehouse.pipeline.meter import measured
from warehouse.pipeline.workspace import workspace
from warehouse.quality import counts
from warehouse.settings import load_settings
from warehouse.sources.common.source import Source

progress = logging.getLogger("overbuild.progress")
logs.explain()


def say(message: str) -> None:
    """Write to Prefect's log, where each line is one entry, and to whoever listens in the terminal."""
    for line in logs.lines(message):
        get_run_logger().info(line)
    progress.info(message)


def announce(message: Message) -> None:
    """An event for automations: `overbuild.check.open`, `overbuild.source.resolved`, `overbuild.verdict.changed`, ..."""
    emit_event(
        event=f"overbuild.{message.kind}.{message.state}",
        resource={"prefect.resource.id": f"overbuild.{message.key.replace(' ', '.')}"[:200]},
        payload={"text": message.text},
    )


@flow(
    name="answer",
    flow_run_name=names.of_answer,
    description="The main job: from documents to a published answer. docs/guides/run.md says what it writes.",
    task_runner=ThreadPoolTaskRunner(max_workers=16),  # type: ignore[arg-type]
    validate_parameters=True,
)
def answer(
    source: Literal["reference", "live"] = "reference",
    only: tuple[str, ...] = (),
    as_of: date | None = None,
    offline: bool = False,
    span: tuple[date, date] | None = None,
    unless_nothing_new: bool = False,
    restore: str = "",
    ask_before_publishing: bool = False,
    runner: str = "",
) -> dict[str, Any]:
    """Ingest, check, build the marts and publish. Gives a summary of what was done (`warehouse.pipeline.summary`).

    Raises RefusedError where the checks refuse the data: nothing is published then.

    Args:
        source: Where documents come from: the packaged snapshot (reference), or public hosts (live).
        only: What to ask: feeds (prices, capex, gpu, training), or sources by name. Empty: all.
        as_of: Answer as of this earlier day, beside today's answer. Empty: the answer of today.
        offline: Take live documents out of the archive, and send no request to anybody.
        span: First and last day of a backfill. Empty: what is new since the last time.
        unless_nothing_new: End early and publish nothing where nothing arrived since the last answer.
        restore: Start from `archive` or from the path of a copy in place of the published answer. Empty: from that.
        ask_before_publishing: Pause once all is built and checked. Resume publishes it; Cancel leaves what stands.
        runner: Who does pieces of the work: dask://HOST:PORT. Empty: who OVERBUILD_RUNNER names, else this machine.
    """
    stopping.take_over()  # Prefect's handler of SIGTERM would be told, and the run would go on
    how: dict[str, Any] = {"offline": offline, "span": span, "announce": announce, "restore": restore}
    how["shared_turn"] = shared_limit.shared_turn(say)
    with (
        cluster.spread(runner or load_settings().runner, say) as spread,
        workspace(source, as_of, say, spread=spread, **how) as (run, store, journal),
    ):
        note = journal.note
        ingestion = note(ingest_all(chosen(source, only), store, run))
        run = sharing.take_turn(store, run, say)
        quarantined = note(check_new_rows(store, run, ingestion))
        checks = [note(quarantined.checked)]
        sources = note(live_sources.record_live_sources(store, run, ingestion))
        loaded = note(load(store, run))
        if unless_nothing_new and build.nothing_new(store, run, ingestion, sources, loaded):
            say("nothing new: what is published stays")
            notified = notify_people(store, run, ingestion=ingestion, quarantined=quarantined, checks=checks)
            made = counts.of_run(store.connection, run.run_id)
            return summary.summary(run, ingestion, quarantined, sources, loaded, checks, notified, made)
        carried = build.unchanged(store, run, quarantined, loaded)
        if carried:
            built = note(carry_over(store, run, carried))
        else:
            checks.append(note(check_facts(store, run, quarantined, loaded)))
            built = note(build_marts(store, run, loaded.as_of))
            checks.append(note(check_marts(store, run, built, loaded)))
        pages = note(write_pages(store, run, sources, loaded, built, carried))
        changed = summary.changes_markdown(store, run)
        if ask_before_publishing:
            asking.whether_to_publish(changed, say)
        publish_release(store, run, ingestion)
        notified = notify_people(
            store,
            run,
            ingestion=ingestion,
            quarantined=quarantined,
            checks=checks,
            waiting=pages.waiting,
            built=built,
        )
        done = summary.summary(
            run, ingestion, quarantined, sources, loaded, checks, notified, pages.counts, built, carried
        )
        verdicts = summary.verdict_markdown(built, loaded)
        create_markdown_artifact(verdicts, key="verdict", description="The answer to each question")
        create_markdown_artifact(summary.quality_markdown(done), key="quality", description="What was checked")
        create_markdown_artifact(changed, key="changes", description="What changed since the last published answer")
        return done


def ingest_all(sources: list[Source], store: Store, run: RunContext) -> ingest.Ingestion:
    """Ingest all sources at the same time, once the panel has said which companies they look at.

    A run that restores also loads what the archive holds of the sources that are not asked.
    """
    restored = [source for source in starting.restored(run) if source not in sources]
    ingesting = []
    for source in [*sources, *restored]:
        named = ingest_source.with_options(
            name=f"ingest {source.name}", task_run_name=f"ingest {source.name}", tags=[f"source:{source.name}"]
        )
        ingesting.append(named.submit(source, store, run, asked=source not in restored))
        if source.feed == "panel":
            ingesting[-1].wait()
    return ingest.collect(store, run, [future.result(raise_on_failure=False) for future in ingesting])


def worth_retrying(_task: Any, _run: Any, state: Any) -> bool:
    """Whether a failed ingestion may go better next time: not where the document or the settings are at fault."""
    try:
        state.result()
    except OverbuildError:
        return False
    except Exception as error:
        return storage.fault(error) is None
    return False


@task(retries=2, retry_delay_seconds=[1, 5], retry_condition_fn=worth_retrying, cache_policy=NO_CACHE)
@measured
def ingest_source(source: Source, store: Store, run: RunContext, *, asked: bool = True) -> documents.Ingested:
    """Fetch, archive, parse and stage one source."""
    found = ingest.ingest(source, store, run, asked=asked)
    say(f"{source.name}: {len(found.documents)} documents, {found.new_documents} new, {found.staged_rows:,} rows read")
    if found.message:
        say(f"{source.name}: {found.outcome.replace('_', ' ')}: {found.message}")
    return found


@task(task_run_name="check new rows", cache_policy=NO_CACHE)
@measured
def check_new_rows(store: Store, run: RunContext, ingestion: ingest.Ingestion) -> quarantine.Quarantined:
    """Check the rows that wait to be loaded, quarantine the bad ones, and stage those that a person accepted."""
    found = quarantine.check_new_rows(store, run, ingestion)
    for message in found.messages:
        say(f"quarantined: {message}")
    return found


@task(task_run_name="load new rows", cache_policy=NO_CACHE)
@measured
def load(store: Store, run: RunContext) -> build.Loaded:
    """Append new rows to core."""
    loaded = build.load(store, run)
    say(f"core: {loaded.rows:,} new rows, as of {loaded.as_of}")
    return loaded


@task(task_run_name="carry over the last answer", cache_policy=NO_CACHE)
@measured
def carry_over(store: Store, run: RunContext, carried: build.Carried) -> build.Built:
    """Keep the marts and the findings of the run since which nothing has changed."""
    say(carried.in_short)
    return build.carry_over(store, run, carried)


@task(task_run_name="check facts", cache_policy=NO_CACHE)
@measured
def check_facts(
    store: Store, run: RunContext, quarantined: quarantine.Quarantined, loaded: build.Loaded
) -> check.Checked:
    """Check the tables of core as far as earlier results do not stand; a critical failure stops the run."""
    checked = check.check_facts(store, run, quarantined.new_rows, loaded.added)
    say(f"facts: {checked.in_short}")
    return checked


@task(task_run_name="build marts as of {as_of}", cache_policy=NO_CACHE)
@measured
def build_marts(store: Store, run: RunContext, as_of: date) -> build.Built:
    """Build the marts that could come out otherwise than they stand."""
    built = build.build_marts(store, run, as_of)
    say(built.in_short)
    return built


@task(task_run_name="check marts", cache_policy=NO_CACHE)
@measured
def check_marts(store: Store, run: RunContext, built: build.Built, loaded: build.Loaded) -> check.Checked:
    """Check the marts as far as earlier results do not stand; a critical failure stops the run."""
    checked = check.check_marts(store, run, built.anew, loaded.added)
    say(f"marts: {checked.in_short}")
    return checked


@task(task_run_name="write pages", cache_policy=NO_CACHE)
@measured
def write_pages(
    store: Store,
    run: RunContext,
    sources: live_sources.LiveSources,
    loaded: build.Loaded,
    built: build.Built,
    carried: build.Carried | None,
) -> publish.Pages:
    """Write the site and the quality pages beside the warehouse."""
    return publish.write_pages(store, run, sources, loaded, built, carried)


@task(task_run_name="publish", cache_policy=NO_CACHE)
@measured
def publish_release(store: Store, run: RunContext, ingestion: ingest.Ingestion) -> None:
    """Switch readers to the new warehouse, site and quality pages together."""
    say(f"published: {publish.publish_run(store, run, ingestion)}")


@task(task_run_name="notify people", cache_policy=NO_CACHE)
@measured
def notify_people(store: Store, run: RunContext, **results: Any) -> Notified:
    """Notify people of what is new since the last time."""
    notified = notify.notify(store, run, announce, **results)
    if notified.messages:
        say(f"{len(notified.messages)} message(s) about what is new")
    for note in notified.notes:
        say(note)
    return notified
