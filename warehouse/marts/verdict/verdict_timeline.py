"""What the verdict was on each day: each month's end, each event, and the as-of date itself.

An answer that was only ever given in hindsight is worth little. So the whole chain is replayed for each day from the
facts that were public by then, which is what a run on that day would have answered (method 8). Early days often cannot
tell: an estimate of a year's compute is published a year later and does not count before.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import SCOPE
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.verdict.decision import ANSWERS, QUESTION, for_each_question
from warehouse.marts.verdict.questions import questions
from warehouse.marts.verdict.replay import fingerprints, replay
from warehouse.marts.verdict.verdict import TABLE as VERDICT
from warehouse.spreading import Spread
from warehouse.tables.guide import Guide
from warehouse.tables.table import Check, Column, mart

SAID = (
    "verdict",
    "leaning",
    "leaning_probability",
    "headline",
    "early_assumptions",
    "method_version",
    "evidence_grade",
    "inputs_through",
)
"""What of a day's answer is kept; its figures are those of a run on that day."""
TODAY, MONTH_END = "as-of date", "month's end"

TABLE = mart(
    "verdict_timeline",
    "the verdict on each question as it would have been given at each month's end, each event and the as-of date",
    [
        Column("as_of", "date", "day that the verdict is as of", required=True),
        SCOPE,
        QUESTION,
        *(VERDICT.column(name) for name in SAID),
        Column(
            "occasion",
            "text",
            "why this day; an event has the name that assumption events gives it",
            required=True,
            named={TODAY: "the day that the answer is as of", MONTH_END: "last day of a month"},
        ),
    ],
    key=("as_of", "scope", "question"),
    checks=(
        Check(
            "all_questions_on_each_day",
            f"select as_of, count(*) as verdicts from {{table}} group by as_of having count(*) <> {ANSWERS}",
            "a day on which an answer is missing would look like a day without a change",
        ),
        Check(
            "no_look_ahead",
            "select * from {table} where inputs_through > as_of",
            "a fact that was not public yet cannot have entered",
        ),
    ),
    guide=Guide(
        "One row for each day of the timeline, scope and question.",
        "",
        {
            "How did the group's answer move?": "select as_of, question, verdict from verdict_timeline where scope = "
            "'ALL' order by all",
            "What was said on the day of the fall?": "select question, verdict, headline from verdict_timeline where "
            "scope = 'ALL' and as_of = '2025-01-27'",
            "Which days are in it, and why?": "select distinct as_of, occasion from verdict_timeline order by all",
        },
    ),
)


def build(
    verdict: pl.DataFrame,
    core: Mapping[str, pl.DataFrame],
    sessions: pl.DataFrame,
    quarantined: pl.DataFrame,
    *,
    as_of: date,
    assumptions: Assumptions,
    standing: pl.DataFrame | None = None,
    spread: Spread | None = None,
) -> pl.DataFrame:
    """A verdict on each question and scope for each day (method 7 and 8); `verdict` is the last day's answer.

    Facts and assumptions are those of the day: one whose evidence became public later counts by its wide range, and the
    row names it (`early_assumptions`). `standing` are rows of earlier days that stand.
    """
    occasions = days(as_of, assumptions)
    given = {**core, "sessions": sessions, "quarantined": quarantined}
    stand = TABLE.empty() if standing is None else standing
    answers = {**replay(given, still_to_answer(as_of, assumptions, stand), assumptions, spread=spread), as_of: verdict}
    told = [
        TABLE.conform(
            answers[day].select(
                "as_of",
                "scope",
                "question",
                *SAID,
                "grade",
                "reasons",
                occasion=pl.lit(occasion),
            )
        )
        for day, occasion in occasions.items()
        if day in answers
    ]
    return pl.concat([stand, *told])


def still_to_answer(as_of: date, assumptions: Assumptions, standing: pl.DataFrame) -> list[date]:
    """The days before the as-of date of which no row stands."""
    stand = set(standing.get_column("as_of"))
    return [day for day in days(as_of, assumptions) if day < as_of and day not in stand]


def of_days(frames: Mapping[str, pl.DataFrame], as_of: date, assumptions: Assumptions) -> dict[date, str]:
    """A digest for each day before the as-of date of all that its answer is made of."""
    return fingerprints(frames, still_to_answer(as_of, assumptions, TABLE.empty()), assumptions)


def days(as_of: date, assumptions: Assumptions) -> dict[date, str]:
    """The days of the timeline in order, each with its occasion; an event is named before a month's end."""
    events = {date.fromisoformat(day): what for day, what in assumptions.value("events").items()}
    occasions = {as_of: TODAY}
    if events:
        month = min(events).replace(day=1)
        while (following := (month + timedelta(days=31)).replace(day=1)) - timedelta(days=1) <= as_of:
            occasions[following - timedelta(days=1)] = MONTH_END
            month = following
    occasions |= {day: what for day, what in events.items() if day <= as_of}
    return dict(sorted(occasions.items()))


def _facts() -> tuple[Trace, ...]:
    """The facts behind each question's verdict on a day: those that were public by then."""
    return for_each_question(
        {
            name: [Trace(trace.table, f"t.known_on <= m.as_of and ({trace.condition})") for trace in question.facts]
            for name, question in questions().items()
        }
    )


def _verdicts_of_the_day() -> tuple[Trace, ...]:
    """From a verdict that rests on others to these."""
    return for_each_question(
        {
            name: [
                Trace("marts.verdict_timeline", f"t.question = '{other}' and t.scope = m.scope and t.as_of = m.as_of")
                for other in question.concludes_from
            ]
            for name, question in questions().items()
        }
    )


MART = Mart(
    table=TABLE,
    build=build,
    of_days=of_days,
    traces=(
        Trace("marts.verdict", "t.scope = m.scope and t.question = m.question and t.as_of = m.as_of"),
        *_verdicts_of_the_day(),
        *_facts(),
    ),
)
