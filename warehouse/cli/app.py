"""The command line: `overbuild --help`.

Commands that only read import neither Prefect nor Great Expectations, which take seconds to load. Results go to standard
output, everything else to standard error; the exit code says how it went (0 done, 1 unexpected failure, 2 wrong use or
settings, 3 the checks refused the data, 4 published with a failed source's old data).
"""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from warehouse.cli.output import Format
from warehouse.errors import OverbuildError, UsageError

app = typer.Typer(
    help="Is AI infrastructure spending wasteful? Ingest filings, prices and claims, check them, and answer.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)

quality_app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
app.add_typer(quality_app, name="quality")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a date; write it as 2025-01-28.") from None


AsOf = Annotated[
    date | None, typer.Option("--as-of", metavar="DATE", parser=_date, help="Answer as of an earlier date.")
]
Form = Annotated[Format, typer.Option("--format", help="How to write the rows.")]
RowId = Annotated[str, typer.Argument(metavar="ROW_ID", help="As `overbuild quality quarantine` lists it.")]
Why = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for whoever reads it later.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides; you without it.")]


@app.command()
def run(
    source: Annotated[str, typer.Option(help="reference (the packaged snapshot) or live.")] = "reference",
    only: Annotated[str, typer.Option(metavar="FEEDS", help="Comma-separated: prices,capex,gpu,training.")] = "",
    as_of: AsOf = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Live documents come out of the archive; no request is sent.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but the result's exit code and errors.")] = False,
) -> None:
    """Ingest, check, build the marts and publish."""
    from warehouse.cli import run as runner

    outcome = runner.run(source=source, only=_names(only), as_of=as_of, quiet=quiet, offline=offline)
    if not quiet:
        runner.print_summary(outcome)
    if outcome["failed_sources"]:
        raise typer.Exit(4)


@app.command()
def verdict(
    as_of: AsOf = None,
    company: Annotated[str, typer.Option(metavar="TICKER", help="One company instead of all.")] = "",
    assume: Annotated[
        list[str] | None,
        typer.Option(
            "--assume", metavar="KEY=VALUE", help="A what-if: replace an assumption, as life=3; may be repeated."
        ),
    ] = None,
    form: Form = Format.table,
) -> None:
    """The answer: each question's verdict, and the figures and thresholds behind it."""
    from warehouse.cli import answers

    if assume:
        from warehouse.pipeline import what_if

        what_if.assumed(assume)  # a mistake is told before a dated answer is made
    answers.verdict(_published(as_of), company.upper(), form, assume or ())


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="A query; without one, a prompt.")] = "",
    file: Annotated[Path | None, typer.Option("--file", metavar="F", help="A file that holds the query.")] = None,
    question: Annotated[str, typer.Option(metavar="NAME", help="A ready question (sql/questions).")] = "",
    as_of: AsOf = None,
    form: Form = Format.table,
) -> None:
    """Read-only SQL on the published warehouse."""
    from warehouse.cli import answers

    if sum(map(bool, (query, file, question))) > 1:
        raise UsageError("give one of a query, --file and --question.")
    answers.sql(_published(as_of), query, file, question, form)


@quality_app.callback()
def quality(
    context: typer.Context,
    run_id: Annotated[str, typer.Option("--run", metavar="ID", help="A run; the latest without it.")] = "",
    form: Form = Format.table,
) -> None:
    """Data-quality results of a run and what is new in them; rows that were put aside, and what to do with them."""
    if context.invoked_subcommand is None:
        from warehouse.cli import quality as review

        review.quality(_home(), run_id, form)


@quality_app.command()
def checks(form: Form = Format.table) -> None:
    """The record of every check that failed in one of the last runs."""
    from warehouse.cli import quality as review

    review.checks(_home(), form)


@quality_app.command()
def quarantine(
    run_id: Annotated[str, typer.Option("--run", metavar="ID", help="Those of one run.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="All that there ever were, decided or not.")] = False,
    form: Form = Format.table,
) -> None:
    """The rows that were put aside and wait for a decision."""
    from warehouse.cli import quality as review

    if run_id and everything:
        raise UsageError("give one of --run and --all.")
    review.quarantine(_home(), run_id, everything, form)


@quality_app.command("row")
def one_row(row_id: RowId, form: Form = Format.table) -> None:
    """Everything about one row that was put aside, and its line in the document."""
    from warehouse.cli import quality as review

    review.row(_home(), row_id, form)


@quality_app.command()
def accept(row_id: RowId, reason: Why, by: By = "") -> None:
    """Decide that a row is right: the next run loads it."""
    _decide(row_id, "accepted", reason, by)


@quality_app.command()
def dismiss(row_id: RowId, reason: Why, by: By = "") -> None:
    """Decide that a row is wrong: it stays out, and nobody is told of it again."""
    _decide(row_id, "dismissed", reason, by)


@quality_app.command()
def withdraw(row_id: RowId, reason: Why, by: By = "") -> None:
    """Take back what was decided about a row that is not loaded: it waits again."""
    _decide(row_id, "withdrawn", reason, by)


def _decide(row_id: str, decision: str, reason: str, by: str) -> None:
    from warehouse.cli import quality as review

    review.decide(_home(), row_id, decision, reason, by)


@app.command()
def trace(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A table of marts or core, such as marts.verdict.")],
    where: Annotated[
        str, typer.Option("--where", metavar="CONDITION", help="SQL condition on the table's columns: which rows.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, help="Rows of the table that are followed.")] = 25,
    as_of: AsOf = None,
    form: Form = Format.table,
) -> None:
    """From a figure to its inputs: the facts behind a row, their documents, hashes and addresses."""
    from warehouse.cli import trace as tracing

    tracing.named(table)  # a wrong name is told before a dated answer is made
    tracing.write(_published(as_of), table, where, limit, form)


@app.command()
def sources(form: Form = Format.table) -> None:
    """Every source: what it gives, its last success, how fresh it is, whether it needs a key."""
    from warehouse.cli import sources as sources_report

    sources_report.write(_home(), form)


@app.command()
def report(
    as_of: AsOf = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Where the published site is."""
    page = _published(as_of) / "site" / "index.html"
    typer.echo(page)
    if open_it:
        typer.launch(page.as_uri())


@app.command()
def backfill(
    source: Annotated[str, typer.Argument(help="A live source; `overbuild sources` lists them.")],
    first: Annotated[date, typer.Option("--from", metavar="DATE", parser=_date, help="First day.")],
    last: Annotated[date, typer.Option("--to", metavar="DATE", parser=_date, help="Last day.")],
    again: Annotated[bool, typer.Option("--again", help="Ask for what is done already, too.")] = False,
) -> None:
    """Fetch and load history, piece by piece; goes on where it was interrupted."""
    from warehouse.cli import backfill as history

    failed = history.run(source, first, last, again=again, say=_say)
    if failed:
        _say(f"{source}: {len(failed)} piece(s) incomplete: {', '.join(failed)}. The same command asks for them again.")
        raise typer.Exit(4)


@app.command()
def serve() -> None:
    """Run the scheduled flows from this process until it is told to stop."""
    from flows.environment import prepare

    prepare()
    from flows import serving

    serving.serve(_say)


@app.command()
def doctor(
    network: Annotated[
        bool, typer.Option("--network", help="Ask the host of every source whether it answers.")
    ] = False,
) -> None:
    """Check the installation, the settings and what is configured."""
    from warehouse.cli import doctor as health

    if not health.doctor(network):
        raise typer.Exit(2)


def _say(message: str) -> None:
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _home() -> Any:
    from warehouse.paths import paths_of
    from warehouse.settings import load_settings

    return paths_of(load_settings())


def _published(as_of: date | None) -> Path:
    """Folder of the published answer; a dated one is made first where it is missing."""
    paths = _home()
    folder = paths.published(as_of)
    if (folder / "warehouse.duckdb").exists():
        return folder
    if as_of is None:
        raise UsageError(f"{paths.root}: nothing is published here yet. Run `overbuild run` first.")
    from warehouse.cli import run as runner
    from warehouse.reports.freshness import last_source

    sys.stderr.write(f"Nothing is published as of {as_of} yet; making it.\n")
    # From the facts that are here: a warehouse of live data is not mixed with the snapshot unasked.
    live = last_source(paths) == "live"
    source = "live" if live else "reference"
    runner.run(source=source, only=(), as_of=as_of, quiet=not sys.stderr.isatty(), offline=live)
    return folder


def main() -> None:
    """Run the command line and leave with the exit code that says how it went."""
    try:
        app()
    except OverbuildError as error:
        sys.stderr.write(f"overbuild: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("overbuild: stopped; nothing was published.\n")
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if os.environ.get("OVERBUILD_DEBUG"):
            raise
        sys.stderr.write(
            f"overbuild: unexpected failure, a defect of ours: {type(error).__name__}: {error}\n"
            "Nothing was published. Set OVERBUILD_DEBUG=1 to see where it happened.\n"
        )
        sys.exit(1)
