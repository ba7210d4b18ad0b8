"""`overbuild run`: a run in this process, progress in the terminal, a summary at the end."""

from __future__ import annotations

import logging
import sys
import textwrap
import threading
from datetime import date
from typing import Annotated, Any

import typer

from warehouse import assumptions, quality
from warehouse.cli.options import AsOf
from warehouse.errors import UsageError
from warehouse.marts.verdict.condition_words import graded
from warehouse.marts.verdict.decision import ASKED
from warehouse.paths import create_folders, paths_of
from warehouse.pipeline.choose import chosen, require_one_ready
from warehouse.settings import load_settings


def run(
    source: Annotated[str, typer.Option(help="reference (the packaged snapshot) or live.")] = "reference",
    only: Annotated[
        str,
        typer.Option(
            metavar="FEEDS",
            help="Comma-separated: feeds (prices,capex,gpu,training), or live sources by name (`overbuild sources` lists them).",
        ),
    ] = "",
    as_of: AsOf = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Live documents come out of the archive; no request is sent.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but the result's exit code and errors.")] = False,
) -> None:
    feeds = tuple(name.strip() for name in only.split(",") if name.strip())
    outcome = start(source=source, only=feeds, as_of=as_of, quiet=quiet, offline=offline)
    if not quiet:
        print_summary(outcome)
    if outcome["failed_sources"]:
        raise typer.Exit(4)


def start(
    *, source: str, only: tuple[str, ...], as_of: date | None, quiet: bool, offline: bool = False
) -> dict[str, Any]:
    """Run the flow and give its summary. Raises UsageError before anything starts where the options are wrong."""
    if source not in ("reference", "live"):
        raise UsageError(f"--source {source}: choose reference or live.")
    settings = load_settings()
    assumptions.load(settings.assumptions)
    create_folders(paths_of(settings))
    asked = chosen(source, only)
    if not offline:
        require_one_ready(asked, settings)
    _listen(quiet)
    from flows import environment  # before Prefect and Great Expectations are imported

    environment.prepare()
    from flows.connection import connected

    # Great Expectations takes seconds to import; it loads while Prefect's temporary server starts.
    preloading = threading.Thread(target=quality.preload, daemon=True)
    with connected(asks_sources=source == "live" and not offline, meanwhile=preloading.start):
        from flows.answer import answer

        return answer(source="live" if source == "live" else "reference", only=only, as_of=as_of, offline=offline)


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
    """What a run did, for a newcomer, on standard output."""
    out = [f"The answer as of {outcome['as_of']}, from {outcome['fact_rows']:,} facts:", ""]
    order = ["overall", *ASKED]  # the headline first
    for verdict in sorted(outcome["verdicts"], key=lambda v: order.index(v["question"])):
        leans = f", leaning to {verdict['leaning']}" if verdict["leaning"] else ""
        out.append(f"  {ASKED[verdict['question']]}  [{verdict['verdict']}{leans}]".replace("_", " "))
        headline = graded(verdict["headline"], verdict["evidence_grade"])
        for said in (headline, verdict["statement"], verdict["would_change"]):
            out += [f"      {line}" for line in _wrapped(said)]
    known = f"; {outcome['known_findings']} findings are known and explained (overbuild quality)"
    carried = f", {outcome['checks_carried_over']} of them carried over" if outcome["checks_carried_over"] else ""
    out += [
        "",
        f"Checked: {outcome['checks_held']} of {outcome['checks']} checks held{carried}"
        f"{known if outcome['known_findings'] else ''}.",
    ]
    if outcome["unchanged_since"]:
        out.append(f"  Nothing has changed since run {outcome['unchanged_since']}: its figures and findings stand.")
    out += [f"  warning: {warning}" for warning in outcome["warnings"]]
    out += [f"  quarantined: {reason}" for reason in outcome["quarantined"]]
    out += [
        f"  source failed; what was loaded of it before stands: {n}: {why}"
        for n, why in outcome["failed_sources"].items()
    ]
    out += [f"  note: {note}" for note in outcome["notes"]]
    if outcome["overridden"]:
        out.append(f"  what-if: these assumptions are not the packaged ones: {', '.join(outcome['overridden'])}")
    published = outcome["published"]
    out += [
        "",
        "Where to look next:",
        f"  report           {published}/site/index.html",
        f"  quality pages    {published}/quality/index.html",
        "  the figures      overbuild verdict",
        '  your own query   overbuild sql "select * from marts.capex_group"',
    ]
    sys.stdout.write("\n".join(out) + "\n")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 108)
