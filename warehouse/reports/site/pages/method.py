"""How the answer is made: the questions, the decision table and every number that is a judgement."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from warehouse.marts.verdict.decision import ASKED, METHOD_VERSION, SILENT
from warehouse.marts.verdict.questions import questions
from warehouse.reports.labels import assumed
from warehouse.reports.site.blocks import Block, Heading, Items, Link, Shown, Table, Text
from warehouse.reports.site.forms import GRADES
from warehouse.reports.site.page import Page, Reader

PAGE = Page(
    "method.html",
    "Method",
    "Four questions, the decision table, and every assumption with its source.",
    label="Method",
    place=210,
)
ASSUMPTIONS, CONDITIONS = "marts.assumptions", "marts.verdict_conditions"


def content(reader: Reader) -> Sequence[Block]:
    return [
        Text(
            f"This is version {METHOD_VERSION} of the method. A verdict on waste comes from what cheaper training makes redundant "
            "and from whether the spending pays. The claim alone cannot show waste, and the market only supports.",
            style="lead",
        ),
        Heading("The questions"),
        asked(),
        Heading("The decision table"),
        decisions(),
        Text(
            "A test is true, false or unknown. What is unknown never counts as true or as false, so what nobody knows ends as "
            "“cannot tell”.",
            style="about",
        ),
        Heading("How an open answer still helps"),
        Items(
            "It leans where three in five draws of the simulation meet one verdict's tests by themselves.",
            "Revenue that a seller does not state lies between nothing and its whole cloud revenue. A verdict holds at both ends.",
            "Each remedy in “what would change it” was tried, and is printed only where it turns the verdict.",
            ("Every answer of an earlier day is kept: see ", Link("the verdict over time", "over_time.html"), "."),
        ),
        Heading("Grades of evidence"),
        Items(*(f"{grade}: {meaning}." for grade, meaning in GRADES.items())),
        Text("A figure carries the weakest grade among the facts that matter to it.", style="about"),
        Heading("Assumptions and thresholds", anchor="assumptions"),
        assumptions(reader),
    ]


def asked() -> Table:
    rows = pl.DataFrame(
        {"question": list(ASKED), "asks": list(ASKED.values()), "silent": [SILENT[name] for name in ASKED]}
    )
    return Table(
        "questions",
        "",
        rows,
        (Shown("question", "Question"), Shown("asks", "Asks"), Shown("silent", "What it does not say")),
    )


def decisions() -> Table:
    rows = [
        {"question": name, "verdict": verdict, "meaning": given.meaning}
        for name, question in questions().items()
        for verdict, given in question.verdicts.items()
    ]
    return Table(
        "decisions",
        "",
        pl.DataFrame(rows),
        (Shown("question", "Question"), Shown("verdict", "Verdict", "verdict"), Shown("meaning", "When")),
    )


def assumptions(reader: Reader) -> Table:
    rows = reader.rows(f"SELECT * FROM {ASSUMPTIONS} ORDER BY key")
    rows = rows.with_columns(pl.col("value").map_elements(assumed, return_dtype=pl.String))
    return Table(
        "assumptions",
        "Every number that is a judgement",
        rows,
        (
            Shown("key", "Name", "name"),
            Shown("meaning", "Meaning"),
            Shown("value", "Value"),
            Shown("unit", "Unit"),
            Shown("evidence_known_from", "Counts from", "date"),
            Shown("overridden", "Replaced by a user", "flag"),
            Shown("citation", "Source"),
        ),
        of=ASSUMPTIONS,
        about="Each can be replaced in one file. One that rests on evidence counts from the day that evidence became public.",
        open_rows=15,
    )
