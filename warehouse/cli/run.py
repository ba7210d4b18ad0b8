"""`overbuild run`: a run in this process, progress in the terminal, a summary at the end."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from warehouse import assumptions, quality, stopping
from warehouse.asked import ASKED
from warehouse.cli import lines
from warehouse.cli.options import AsOf
from warehouse.database.releases import reading
from warehouse.errors import UsageError
from warehouse.paths import WAREHOUSE, create_folders, paths_of
from warehouse.pipeline.choose import FEEDS, chosen, names_of, require_one_ready
from warehouse.quality import history
from warehouse.quality.counts import Counts
from warehouse.reports import changes, news
from warehouse.reports.standing import Standing, how_sure, standing
from warehouse.settings import load_settings


def run(
    source: Annotated[str, typer.Option(help="reference (the packaged snapshot) or live.")] = "reference",
    only: Annotated[
        str,
        typer.Option(
            metavar="FEEDS",
            help=f"Comma-separated: feeds ({', '.join(FEEDS)}), or live sources by name ({', '.join(names_of('live'))}).",
        ),
    ] = "",
    as_of: AsOf = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Live documents come out of the archive; no request is sent.")
    ] = False,
    runner: Annotated[
        str,
        typer.Option(
            metavar="dask://HOST:PORT",
            help="A Dask cluster that does pieces of the work (OVERBUILD_RUNNER); this machine alone without.",
        ),
    ] = "",
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but the result's exit code and errors.")] = False,
) -> None:
    feeds = tuple(name.strip() for name in only.split(",") if name.strip())
    with stopping.by_signals():
        outcome = start(source=source, only=feeds, as_of=as_of, quiet=quiet, offline=offline, runner=runner)
    if not quiet:
        with suppress(BrokenPipeError):  # nobody reads the summary to its end; how the run went stands
            print_summary(outcome)
    if outcome["failed_sources"]:
        raise typer.Exit(4)


def start(
    *,
    source: str,
    only: tuple[str, ...],
    as_of: date | None,
    quiet: bool,
    offline: bool = False,
    restore: str = "",
    runner: str = "",
) -> dict[str, Any]:
    """Run the flow and give its summary; `restore` is what it starts from (`warehouse.pipeline.starting`).

    Raises UsageError before anything starts where the options are wrong.
    """
    if source not in ("reference", "live"):
        raise UsageError(f"--source {source}: choose reference or live.")
    settings = load_settings()
    assumptions.load(settings.assumptions)
    create_folders(paths_of(settings))
    asked = chosen(source, only)
    if not offline:
        require_one_ready(asked, settings)
    if runner := runner or settings.runner or "":
        from flows import cluster

        cluster.require(runner)
    _listen(quiet)
    from flows import environment  # before Prefect and Great Expectations are imported

    environment.prepare()
    from flows.connection import connected

    # Great Expectations takes seconds to import; it loads while Prefect's temporary server starts.
    preloading = threading.Thread(target=quality.preload, daemon=True)
    with connected(asks_sources=source == "live" and not offline, meanwhile=preloading.start):
        from flows import left_behind, names
        from flows.answer import answer

        kind: Literal["live", "reference"] = "live" if source == "live" else "reference"
        asked_for: dict[str, Any] = {
            "only": only,
            "as_of": as_of,
            "offline": offline,
            "restore": restore,
            "runner": runner,
        }
        with left_behind.marked(*names.tags_of({"source": kind, **asked_for}, "by-command")):
            return answer(source=kind, **asked_for)


def _listen(quiet: bool) -> None:
    logger = logging.getLogger("overbuild.progress")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    if not quiet and sys.stderr.isatty():
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))
        logger.addHandler(handler)
        sys.stderr.write("Starting (the first seconds load Prefect and its temporary server)\n")


def print_summary(outcome: dict[str, Any]) -> None:
    """What a run did, for whoever started it, on standard output: what it found, what changed, the standing answer."""
    if not outcome["published"]:
        lines.write(["Nothing is new: what is published stays."])
        return
    published = Path(outcome["published"])
    with reading(published / WAREHOUSE) as connection:
        answer = standing(connection)
        rows = changes.recorded(connection, outcome["run_id"])
        new, resolved = history.changed(history.results(connection, outcome["run_id"]))
    lines.write(
        [
            f"Run {outcome['run_id']}: published, as of {outcome['as_of']}, from {outcome['fact_rows']:,} facts.",
            *_found(outcome),
            "",
            *_changed(outcome, rows, len(new), len(resolved)),
            "",
            *_answer(answer, published),
        ]
    )


def _found(outcome: dict[str, Any]) -> list[str]:
    """How many checks were made, then whatever a person should know of this run."""
    made = Counts(**outcome["checks"])
    known = f" {made.known:,} known findings are explained (overbuild quality --all)." if made.known else ""
    notes = [f"warning: {warning}" for warning in outcome["warnings"]]
    notes += [f"quarantined: {reason}" for reason in outcome["quarantined"]]
    notes += [f"source failed: {name}: {why}" for name, why in outcome["failed_sources"].items()]
    notes += [f"note: {note}" for note in outcome["notes"]]
    if outcome["overridden"]:
        notes.append(f"what-if: these assumptions are not the packaged ones: {', '.join(outcome['overridden'])}")
    return [
        *lines.wrapped(f"{made.said()}.{known}"),
        *(line for note in notes for line in lines.wrapped(note, 4, "  ")),
    ]


def _changed(outcome: dict[str, Any], rows: Sequence[changes.Row], new: int, resolved: int) -> list[str]:
    """What this run changed, as `overbuild diff` has it; why there is nothing to compare where there is not."""
    if not rows and outcome["asked_as_of"]:
        return lines.wrapped("What changed: a dated answer follows no other. Any two: overbuild diff A B")
    if not rows:
        return lines.wrapped("What changed: this is the first run here, so there is nothing to compare it with.")
    said = news.in_short(rows, outcome["new_rows_of"])
    if outcome["unchanged_since"] not in ("", rows[0]["before_run_id"]):
        said.append(f"Nothing has changed since run {outcome['unchanged_since']}: its figures and findings stand.")
    if new or resolved:
        said.append(f"Findings: {new} new, {resolved} that hold again (overbuild quality).")
    heading = f"What changed since run {rows[0]['before_run_id']} (all of it: overbuild diff)"
    return [heading, *(line for one in said for line in lines.wrapped(one, 4, "    " if one.startswith(" ") else "  "))]


def _answer(answer: Sequence[Standing], published: Path) -> list[str]:
    """The standing answer: what, why, how sure, what would change it, where to look."""
    if not answer:
        return ["There is no verdict: see the report."]
    overall = answer[0]
    said = {
        ASKED[overall.question]: f"{overall.headline} [{overall.in_short}]",
        "Why": overall.why,
        "How sure": how_sure(answer),
        "What would change it": overall.would_change,
    }
    parts = [
        line
        for label, text in said.items()
        for line in lines.wrapped(text, 4, f"{label} " if label.endswith("?") else f"{label}: ")
    ]
    return [*parts, f"Where to look: {published}/site/index.html; overbuild verdict; overbuild quality"]
