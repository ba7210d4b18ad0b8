"""Attack this: for each verdict a page that helps a reviewer to break it.

A reader who doubts an answer should not have to guess where it is weak. Each page has the claim, the strongest case
against it and the command that computes it again. It has the facts that carry it, with their weights, and what would
refute it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from warehouse.marts.common.scopes import GROUP
from warehouse.marts.verdict.decision import ASKED, QUESTIONS
from warehouse.reports.site import settles
from warehouse.reports.site.attack_words import CASES
from warehouse.reports.site.blocks import Block, Code, Heading, Items, Link, Shown, Table, Text, Words, shown
from warehouse.reports.site.page import Page, Reader

PAGE = Page(
    "attack.html",
    "Attack this: the case against each answer",
    "For reviewers: where each answer is weak, the command that computes it again, and what would refute it.",
    label="Attack this",
    place=100,
)
VERDICT, SENSITIVITY, VARIANTS = "marts.verdict", "marts.waste_sensitivity", "marts.waste_variants"
COST, TESTS, GUIDANCE, SIGNALS = (
    "marts.training_cost", "marts.event_study_tests", "marts.capex_guidance_change", "marts.glut_signals",
)  # fmt: skip
DECIDES = {"Q2": "redundant_capex_share", "Q3": "breakeven_growth"}
MATERIAL = 0.05  # of the variance: from there on the grade of a fact counts for that of the verdict (method 7)


def path(question: str) -> str:
    return f"attack/{question.lower()}.html"


def content(reader: Reader) -> Sequence[Block]:
    lines = [(Link(ASKED[question], path(question)), ": ", CASES[question].against[0]) for question in QUESTIONS]
    return [
        Text(
            "We would rather be shown wrong than be believed. Each answer has a page with its weakest points.",
            style="lead",
        ),
        Items(*lines),
        Text(
            "Every figure of the report opens into its formula, facts and documents, and says which command shows them."
        ),
    ]


def family(reader: Reader) -> Iterator[tuple[Page, Sequence[Block]]]:
    for question in QUESTIONS:
        about = "The case against the answer, and what carries it."
        yield Page(path(question), f"Attack this: {ASKED[question]}", about), of_question(reader, question)


def of_question(reader: Reader, question: str) -> list[Block]:
    case = CASES[question]
    return [
        Heading("The claim"),
        settles.answer(reader, question),
        Heading("The strongest case against it"),
        Items(*case.against),
        against(reader, question),
        *other_choices(reader, question),
        Heading("The command that computes it again"),
        Text(Code(f"overbuild run --as-of {reader.as_of}")),
        Text(
            "It takes every document from the archive, parses and checks it, and builds every table again. Then this one lists "
            "the facts behind the answer:"
        ),
        Text(Code(f"overbuild trace marts.verdict --where \"scope = '{GROUP}' AND question = '{question}'\"")),
        Heading("The facts that carry it"),
        *carried(reader, question),
        Heading("What would refute it"),
        Items(*case.refuted_by),
        Text(
            "What would change it by the rule: ", Words(VERDICT, {"scope": GROUP, "question": question}, "would_change")
        ),
        *([settles.information(reader, question)] if question in DECIDES else []),
    ]


def against(reader: Reader, question: str) -> Table:
    """The tests that the verdict rests on and that do not hold, or of which nothing is known."""
    rows = reader.rows(
        "SELECT * FROM marts.verdict_conditions WHERE scope = ? AND question = ? AND decides AND holds IS DISTINCT FROM true "
        "ORDER BY holds NULLS FIRST, condition",
        GROUP,
        question,
    )
    return Table(
        "against",
        "Tests that do not hold, or of which nothing is known",
        rows,
        (Shown("statement", "Test"), Shown("holds", "Holds", "flag"), Shown("grade", "Grade", "grade")),
        of="marts.verdict_conditions",
        empty="Every test that this answer rests on holds.",
        open_rows=8,
    )


def other_choices(reader: Reader, question: str) -> list[Block]:
    """Choices of the method that would give another verdict, where there are any."""
    rows = reader.rows(
        f"SELECT * FROM {VARIANTS} WHERE scope = ? AND question = ? AND is_changed "
        "QUALIFY row_number() OVER (PARTITION BY variant ORDER BY figure) = 1 ORDER BY variant",
        GROUP,
        question,
    )
    if not rows.height:
        return [Text("None of the other choices that the method tries gives another verdict.")]
    columns = (
        Shown("variant", "Made otherwise", "name"),
        Shown("verdict", "The verdict is then", "verdict"),
        Shown("verdict_as_assumed", "As assumed", "verdict"),
    )
    return [Table("otherwise", "Choices that would give another verdict", rows, columns, of=VARIANTS)]


def carried(reader: Reader, question: str) -> list[Block]:
    """The figures and facts that the answer hangs on, the heaviest first."""
    if question in DECIDES:
        return [weights(reader, question), evidence(reader, question)]
    if question == "Q1":
        runs = reader.rows(
            f"SELECT * FROM {COST} WHERE model IN (SELECT unnest([value->>'$.base', value->>'$.increment']) FROM marts.assumptions "
            "WHERE key = 'claim_runs') AND NOT is_component AND gpu_hours IS NOT NULL ORDER BY gpu_hours DESC"
        )
        names = (
            "model",
            "gpu_hours",
            "n_offers",
            "price_low_usd_per_gpu_hour",
            "cost_low_usd",
            "cost_high_usd",
            "grade",
        )
        return [Table("runs", "The runs, their hours and the rents of their time", runs, shown(COST, *names), of=COST)]
    if question == "Q4":
        event = "(SELECT value->>'$' FROM marts.assumptions WHERE key = 'main_event')::DATE"
        tests = reader.rows(
            f"SELECT * FROM {TESTS} WHERE event_date = {event} AND \"grouping\" = 'supplier' AND test = 'portfolio' "
            "AND benchmark = 'SPY' AND model = 'market_model' AND return_kind = 'simple' ORDER BY window_end, window_start"
        )
        guidance = reader.rows(
            f"SELECT * FROM {GUIDANCE} WHERE event_date = {event} ORDER BY ticker = 'ALL' DESC, ticker"
        )
        of_tests = ("window_start", "window_end", "abnormal_return", "p_value", "n_firms", "grade")
        of_guidance = ("ticker", "held_against", "base_usd", "guidance_after_usd", "change_usd", "grade")
        return [
            Table(
                "tests-of-suppliers",
                "The suppliers' portfolio, window by window",
                tests,
                shown(TESTS, *of_tests),
                of=TESTS,
            ),
            Table("guidance", "First guidance after the day", guidance, shown(GUIDANCE, *of_guidance), of=GUIDANCE),
        ]
    signals = reader.rows(f"SELECT *, coalesce(triggered::VARCHAR, 'unknown') AS shows FROM {SIGNALS} ORDER BY signal")
    columns = (
        Shown("signal", "Sign of a glut", "name"),
        Shown("shows", "Shows", "name"),
        Shown("facts", "What is known"),
        Shown("grade", "Grade", "grade"),
    )
    below = [(Link(ASKED[name], path(name)),) for name in DECIDES]
    return [
        Text("It is put together from the answers to two questions, and from the signs of a glut:"),
        Items(*below),
        Table("signals", "Signs of a glut", signals, columns, of=SIGNALS),
    ]


def weights(reader: Reader, question: str) -> Table:
    rows = reader.rows(
        f"SELECT * FROM {SENSITIVITY} WHERE scope = ? AND quantity = ? AND bound = 'point' AND variance_share >= ? "
        "ORDER BY revenue_view, variance_share DESC",
        GROUP,
        DECIDES[question],
        MATERIAL,
    )
    columns = (
        Shown("driver", "Assumption or fact", "name"),
        Shown("revenue_view", "Revenue view", "name"),
        Shown("variance_share", "Part of the spread", "percent"),
        Shown("low", "Its low end", "number"),
        Shown("high", "High end", "number"),
        Shown("flip_value", "Turns the answer at", "number"),
        Shown("grade", "Grade", "grade"),
    )
    return Table("weights", "What the answer hangs on", rows, columns, of=SENSITIVITY)


def evidence(reader: Reader, question: str) -> Table:
    """The facts behind what the answer hangs on, each once, with the largest weight that it stands behind."""
    rows = reader.rows(
        f"WITH each AS (SELECT unnest(fact_ids) AS fact_id, variance_share FROM {SENSITIVITY} WHERE scope = ? AND "
        "quantity = ? AND bound = 'point' AND variance_share >= ?), "
        "heavy AS (SELECT fact_id, max(variance_share) AS weight FROM each GROUP BY fact_id) "
        "SELECT e.fact_id, e.entity, e.metric, e.value, e.unit, e.as_of_date, e.grade, e.citation, h.weight FROM heavy h "
        "JOIN core.evidence e USING (fact_id) ORDER BY h.weight DESC, e.entity, e.metric",
        GROUP,
        DECIDES[question],
        MATERIAL,
    )
    columns = (
        Shown("entity", "Whose"),
        Shown("metric", "What", "name"),
        Shown("value", "Value", "number", unit="unit"),
        Shown("unit", "Unit"),
        Shown("as_of_date", "Of", "date"),
        Shown("grade", "Grade", "grade"),
        Shown("citation", "Where it was read"),
    )
    return Table(
        "facts",
        "The facts behind them",
        rows,
        columns,
        of="core.evidence",
        empty="No published fact is behind them.",
        open_rows=12,
    )
