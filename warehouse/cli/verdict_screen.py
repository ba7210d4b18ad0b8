"""The answer as `overbuild verdict` shows it: on one screen, with what is behind it, or as rows for a program.

It knows nothing of the library of the command line, so the answer without options pays for importing none of it (`entry`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from warehouse.asked import ASKED, SILENT
from warehouse.cli import lines, output
from warehouse.cli.output import Format
from warehouse.cli.published import here, published
from warehouse.database.connection import Connection
from warehouse.database.releases import reading
from warehouse.paths import WAREHOUSE
from warehouse.pipeline.answer import CONDITIONS, VERDICTS, asked, scopes
from warehouse.reports import later, overrides
from warehouse.reports.failed_sources import failed_sources
from warehouse.reports.standing import GROUP, OVERALL, of_row, words
from warehouse.reports.values import plain

OPTION = "--assume"
HEADLINES = ("scope", "question", "verdict", "evidence_grade", "headline")


def show(
    as_of: date | None = None,
    company: str = "",
    form: Format = Format.table,
    assumed: Sequence[str] = (),
    *,
    why: bool = False,
) -> None:
    """Write the published verdicts; first on standard error whether a later run was refused."""
    folder, home = published(as_of), here()
    for run_id in later.runs(home.later, folder.resolve())[:1]:
        output.say(f"A later run was refused, so this answer stands: overbuild quality --run {run_id}")
    write(folder, company, form, assumed, why=why)


def write(folder: Path, company: str, form: Format, assumed: Sequence[str] = (), *, why: bool = False) -> None:
    """Write the verdicts, for a person on one screen; with `assumed` (`key=value`) those of a what-if.

    With `why`, or of one `company`, the conditions behind them follow as a table.
    In JSON and CSV one row is a verdict. `conditions` holds its conditions as a list (JSON) or as JSON text (CSV).
    `what_if` holds the assumptions that are not the packaged ones, or nothing.
    """
    with reading(folder / WAREHOUSE) as connection:
        answer = _answer(connection, company)
        failed = failed_sources(connection)
    before: Answer | None = None
    if assumed:
        with asked(folder, assumed, OPTION) as connection:
            before, answer = answer, _answer(connection, company)
    if form is Format.table:
        for source in failed:
            lines.write(lines.wrapped(f"OLD DATA: {source['source']} ({source['feed']}): {source['message']}"))
        _marked(answer, before)
        if company:
            _verdict_table(answer)
        else:
            _screen(answer)
        if why or company:
            _why(answer, everything=bool(company))
        return
    old = failed if form is Format.json else json.dumps(plain(failed), ensure_ascii=False)
    listed = [[*row.values(), _conditions_of(row, answer, form), answer.what_if, old] for row in answer.verdicts]
    output.write([*answer.columns, "conditions", "what_if", "failed_sources"], listed, form)


@dataclass(frozen=True)
class Answer:
    """Verdicts, the conditions behind them, and in words what differs from the packaged assumptions."""

    columns: list[str]
    verdicts: list[dict[str, Any]]
    conditions: list[dict[str, Any]]
    what_if: str | None


def _answer(connection: Connection, company: str) -> Answer:
    """What a warehouse answers, headline first. Raises UsageError where there is no verdict for the company."""
    wanted = scopes(connection, company, f"--company {company}")
    columns, verdicts = _dicts(connection, VERDICTS, wanted)
    _, conditions = _dicts(connection, CONDITIONS, wanted)
    return Answer(columns, verdicts, conditions, overrides.overridden(connection))


def _dicts(connection: Connection, query: str, scopes: list[str]) -> tuple[list[str], list[dict[str, Any]]]:
    """Columns, and the rows of the scopes. They are chosen here: DuckDB imports pandas for the first parameter it is given,
    which takes as long as all the rest of the command."""
    result = connection.execute(query)
    columns = [name for name, *_ in result.description]
    rows = [dict(zip(columns, row, strict=True)) for row in result.fetchall()]
    return columns, [row for row in rows if row["scope"] in scopes]


def _conditions_of(row: dict[str, Any], answer: Answer, form: Format) -> Any:
    own = [c for c in answer.conditions if c["scope"] == row["scope"] and c["question"] == row["question"]]
    own = [{key: value for key, value in c.items() if key not in ("scope", "question")} for c in own]
    return own if form is Format.json else json.dumps(plain(own), ensure_ascii=False)


def _marked(answer: Answer, before: Answer | None) -> None:
    """Say before anything else that this is no published answer."""
    if answer.what_if:
        lines.write(lines.wrapped(f"WHAT-IF, not the published answer: {answer.what_if}"))
        lines.write([*lines.wrapped(_moved(answer, before)), ""] if before else [""])


def _screen(answer: Answer) -> None:
    """The answer on one screen of 24 lines of 80 characters: what, why, how sure, what would change it, each question."""
    stands = [of_row(row) for row in answer.verdicts if row["scope"] == GROUP]
    if not stands:
        lines.write(["There is no verdict."])
        return
    overall = stands[0]
    out = lines.wrapped(f"{ASKED[overall.question]} As of {overall.as_of}: {overall.in_short}.{_mark(answer)}")
    out += lines.wrapped(overall.headline)
    for label, text in (("Why", overall.why), ("How sure", overall.worth), ("To change", overall.would_change)):
        out += lines.wrapped(text, 12, label.ljust(12))
    out.append("")
    asks = max(len(ASKED[one.question]) for one in stands)
    out += [
        line
        for one in stands[1:]
        for line in lines.wrapped(
            f"{one.in_short.replace(' of draws', '')}{f' [{one.grade}]' if one.grade else ''}",
            asks + 6,
            f"{one.question}  {ASKED[one.question]}".ljust(asks + 6),
        )
    ]
    out += _companies(answer)
    lines.write([*out, "More: --why (figures, thresholds); --company MSFT; overbuild report --open"])


def _companies(answer: Answer) -> list[str]:
    """The overall verdict on each company, companies of one verdict together."""
    by_verdict: dict[str, list[str]] = {}
    for row in answer.verdicts:
        if row["scope"] != GROUP and row["question"] == OVERALL:
            by_verdict.setdefault(words(row["verdict"]), []).append(row["scope"])
    said = "; ".join(f"{', '.join(scopes)} {verdict}" for verdict, scopes in by_verdict.items())
    return lines.wrapped(said, 12, "Companies   ") if said else []


def _mark(answer: Answer) -> str:
    return " (what-if)" if answer.what_if else ""


def _verdict_table(answer: Answer) -> None:
    """The answers for one company, question by question."""
    marked = _mark(answer)
    shown = [[_verdict(row) if name == "verdict" else row[name] for name in HEADLINES] for row in answer.verdicts]
    title = f"Verdict as of {answer.verdicts[0]['as_of']}{marked}" if answer.verdicts else ""
    output.write(HEADLINES, shown, Format.table, title)


def _why(answer: Answer, everything: bool) -> None:
    """What each answer rests on, what would change it, what it does not say, and the conditions as a table."""
    scopes = [row for row in answer.verdicts if everything or row["scope"] == GROUP]
    out = [""]
    for row in scopes:
        out += lines.wrapped(f"{row['scope']} {row['question']}: {row['headline']}")
        for text in filter(None, (row["statement"], row["would_change"], row["reason"])):
            out += lines.wrapped(text, 4, "    ")
    out += ["", "What these answers do not say"]
    out += [line for name, silent in SILENT.items() for line in lines.wrapped(silent, 4 + len(name), f"  {name}: ")]
    lines.write([*out, ""])
    if everything:
        behind = answer.conditions
        fields = ["scope", "question", "condition", "value", "comparison", "threshold", "holds", "statement"]
    else:
        # Those that decide, each with its value and threshold in its sentence: they fit 80 characters.
        behind = [c for c in answer.conditions if c["scope"] == GROUP and c["decides"]]
        fields = ["question", "condition", "holds", "statement"]
    title = f"The figures and thresholds behind it{_mark(answer)}"
    output.write(fields, [[c[f] for f in fields] for c in behind], Format.table, title)
    beside = [c for c in answer.conditions if c["scope"] == GROUP and not c["decides"]]
    if beside and not everything:
        output.say(
            f"{len(beside)} more figures are shown beside and do not decide: --format json, or the view verdict_conditions"
        )


def _verdict(row: dict[str, Any]) -> str:
    """The verdict; where there is none, what it leans to and in how many draws."""
    if row["leaning"] is None:
        return str(row["verdict"])
    return f"{row['verdict']} (leans to {row['leaning']}, {row['leaning_probability']:.0%} of draws)"


def _moved(answer: Answer, before: Answer) -> str:
    """Which verdicts differ from the published ones."""
    was = {(row["scope"], row["question"]): row["verdict"] for row in before.verdicts}
    moved = [
        f"{row['scope']} {row['question']} {was[row['scope'], row['question']]} -> {row['verdict']}"
        for row in answer.verdicts
        if row["verdict"] != was[row["scope"], row["question"]]
    ]
    return f"Verdicts that change: {'; '.join(moved)}" if moved else "No verdict changes."
