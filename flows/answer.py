"""The main job: from documents to a published answer.

Reads top to bottom: ingest every source, put bad rows aside, load, check, build, check, publish, tell. Where nothing
changed since the published run, its marts and what was found of them are carried over instead of made again. A step is
a Prefect task where it is worth retrying or seeing by itself; what a step does is in `warehouse`.
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

from warehouse.pipeline import steps
from warehouse.pipeline.alerts import Message
from warehouse.pipeline.ingest import Ingested
from warehouse.sources.common.source import Source

progress = logging.getLogger("overbuild.progress")


def say(message: str) -> None:
    """Tell Prefect's log and whoever listens in the terminal."""
    get_run_logger().info(message)
    progress.info(message)


def announce(message: Message) -> None:
    """An event for automations: `overbuild.check.open`, `overbuild.source.mended`, `overbuild.verdict.changed`, ..."""
    emit_event(
        event=f"overbuild.{message.kind}.{message.state}",
        resource={"prefect.resource.id": f"overbuild.{message.key.replace(' ', '.')}"[:200]},
        payload={"text": message.text},
    )


@flow(name="answer", task_runner=ThreadPoolTaskRunner(max_workers=16), validate_parameters=True)  # type: ignore[arg-type]
def answer(
    source: Literal["reference", "live"] = "reference",
    only: tuple[str, ...] = (),
    as_of: date | None = None,
    offline: bool = False,
    span: tuple[date, date] | None = None,
    unless_nothing_new: bool = False,
) -> dict[str, Any]:
    """Ingest, check, build the marts and publish. Gives a summary of what was done (see `steps.summary`).

    `only` limits what is ingested to some feeds or sources; `as_of` answers as of an earlier date and publishes beside
    today's answer; `offline` takes live documents out of the archive and sends no request; `span` are the first and last
    day of a backfill; with `unless_nothing_new` the run ends early where it would change nothing.
    Raises RefusedError where the checks refuse the data: nothing is published then.
    """
    with steps.workspace(source, as_of, say, offline=offline, span=span, announce=announce) as work:
        ingesting = []
        for asked in steps.chosen(source, only):
            ingesting.append(ingest.with_options(name=f"ingest {asked.name}").submit(asked, work))
            if asked.feed == "panel":  # says whom the others look at
                ingesting[-1].wait()
        steps.note_ingested(work, [future.result(raise_on_failure=False) for future in ingesting])
        put_bad_rows_aside(work)
        load(work)
        if unless_nothing_new and steps.nothing_new(work):
            say("nothing new: what is published stays")
            tell(work)
            return steps.summary(work)
        if steps.unchanged(work):
            carry_over(work)
        else:
            check_facts(work)
            build_marts(work)
            check_marts(work)
        write_pages(work)
        publish(work)
        tell(work)
        create_markdown_artifact(steps.verdict_markdown(work), key="verdict", description="The answer to each question")
        create_markdown_artifact(steps.quality_markdown(work), key="quality", description="What was checked")
        return steps.summary(work)


@task(retries=2, retry_delay_seconds=[1, 5], retry_condition_fn=steps.worth_retrying, cache_policy=NO_CACHE)
def ingest(source: Source, work: steps.Work) -> Ingested:
    """Fetch, archive, parse and stage one source."""
    found = steps.ingest(source, work)
    say(f"{source.name}: {len(found.documents)} documents, {found.new_documents} new, {found.staged_rows:,} rows read")
    if found.message:
        say(f"{source.name}: {found.outcome.replace('_', ' ')}: {found.message}")
    return found


@task(cache_policy=NO_CACHE)
def put_bad_rows_aside(work: steps.Work) -> None:
    """Check single rows; bad ones go to quarantine."""
    for message in steps.put_bad_rows_aside(work):
        say(f"put aside: {message}")


@task(cache_policy=NO_CACHE)
def load(work: steps.Work) -> None:
    """Append new rows to core."""
    added = steps.load(work)
    say(f"core: {sum(added.values()):,} new rows, as of {work.as_of}")


@task(cache_policy=NO_CACHE)
def carry_over(work: steps.Work) -> None:
    """Keep the marts and the findings of the run since which nothing has changed."""
    say(steps.carry_over(work))


@task(cache_policy=NO_CACHE)
def check_facts(work: steps.Work) -> None:
    """Check the tables of core as wholes; a critical failure stops the run."""
    say(steps.check_facts(work))


@task(cache_policy=NO_CACHE)
def build_marts(work: steps.Work) -> None:
    """Build every mart as of the date."""
    say(steps.build_marts(work))


@task(cache_policy=NO_CACHE)
def check_marts(work: steps.Work) -> None:
    """Check the marts; a critical failure stops the run."""
    say(steps.check_marts(work))


@task(cache_policy=NO_CACHE)
def write_pages(work: steps.Work) -> None:
    """Write the site and the quality pages beside the warehouse."""
    steps.write_pages(work)


@task(cache_policy=NO_CACHE)
def publish(work: steps.Work) -> None:
    """Switch readers to the new warehouse, site and quality pages together."""
    say(f"published: {steps.publish(work)}")


@task(cache_policy=NO_CACHE)
def tell(work: steps.Work) -> None:
    """Tell people what is new since they were told last."""
    told = steps.tell(work)
    if told:
        say(f"{len(told)} message(s) about what is new")
    for note in work.notes:
        say(note)
