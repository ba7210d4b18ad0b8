"""What the verdict was on each day: each month's end, each event, and the as-of date itself.

An answer that was only ever given in hindsight is worth little. So the whole chain is replayed for each day from the
facts that were public by then, which is what a run on that day would have answered (method 8). Early days often cannot
tell: an estimate of a year's compute is published a year later and does not count before.

Replaying a chain of marts some thirty times costs thirty times as much unless what has not changed is kept. A mart is a
function of its inputs, so one whose facts and other inputs are those of the day before is not run again. Facts only
ever get added, so a frame with as many rows as before is the same frame. Marts that look at the date itself run each
time. The event study is asked for less: the verdict reads one event, one benchmark and two windows of it, and
prices after the last of them do not matter. So is the sensitivity: the timeline shows no tornado and no turning values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.decision import QUESTIONS, SCOPES
from warehouse.marts.mart import Mart, Trace
from warehouse.marts.verdict import TABLE as VERDICT
from warehouse.marts.verdict_conditions import WINDOWS
from warehouse.tables.table import GRADES, Check, Column, mart

TABLE = mart(
    "verdict_timeline",
    "the verdict on each question as it would have been given at each month's end, each event and the as-of date",
    [
        Column("as_of", "date", "day that the verdict is as of", required=True),
        Column("scope", "text", "ticker, or ALL for the group of four", required=True, allowed=SCOPES),
        Column("question", "text", "question of method 1", required=True, allowed=QUESTIONS),
        Column("verdict", "text", "the verdict", required=True, allowed=VERDICT.column("verdict").allowed),
        Column("evidence_grade", "text", "weakest grade of the facts that matter to it", allowed=GRADES),
        Column("inputs_through", "date", "day on which the newest fact that entered became public"),
        Column("occasion", "text", "why this day: an event, a month's end, or the as-of date", required=True),
    ],
    key=("as_of", "scope", "question"),
    checks=(
        Check(
            "all_questions_on_each_day",
            "select as_of, count(*) as verdicts from {table} group by as_of having count(*) <> 25",
            "a day on which an answer is missing would look like a day without a change",
        ),
        Check(
            "no_look_ahead",
            "select * from {table} where inputs_through > as_of",
            "a fact that was not public yet cannot have entered",
        ),
    ),
)

# Marts that use the as-of date for nothing but the facts known by it; test_verdict_timeline.py holds them to it.
DATELESS = frozenset({"event_study", "event_study_tests", "offers", "capex_quarterly", "capex_group", "training_cost"})


def build(
    verdict: pl.DataFrame,
    ai_models: pl.DataFrame,
    article_claims: pl.DataFrame,
    capex_guidance: pl.DataFrame,
    companies: pl.DataFrame,
    company_facts: pl.DataFrame,
    corporate_actions: pl.DataFrame,
    evidence: pl.DataFrame,
    gpu_prices: pl.DataFrame,
    gpu_specs: pl.DataFrame,
    model_capability: pl.DataFrame,
    sessions: pl.DataFrame,
    shares_outstanding: pl.DataFrame,
    stock_prices: pl.DataFrame,
    training_runs: pl.DataFrame,
    *,
    as_of: date,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """25 rows for each day (method 7 and 8); `verdict` is the last day's answer, the rest is every table of core."""
    facts = {
        "ai_models": ai_models,
        "article_claims": article_claims,
        "capex_guidance": capex_guidance,
        "companies": companies,
        "company_facts": company_facts,
        "corporate_actions": corporate_actions,
        "evidence": evidence,
        "gpu_prices": gpu_prices,
        "gpu_specs": gpu_specs,
        "model_capability": model_capability,
        "sessions": sessions,
        "shares_outstanding": shares_outstanding,
        "stock_prices": stock_prices,
        "training_runs": training_runs,
    }
    occasions = days(as_of, assumptions)
    earlier = replay(facts, [day for day in occasions if day < as_of], assumptions)
    answers = {**earlier, as_of: verdict}
    return pl.concat(
        TABLE.conform(
            answers[day].select(
                "as_of",
                "scope",
                "question",
                "verdict",
                "evidence_grade",
                "inputs_through",
                "grade",
                "reason",
                occasion=pl.lit(occasion),
            )
        )
        for day, occasion in occasions.items()
    )


def days(as_of: date, assumptions: Assumptions) -> dict[date, str]:
    """The days of the timeline in order, each with its occasion; an event is named before a month's end."""
    events = {date.fromisoformat(day): what for day, what in assumptions.value("events").items()}
    occasions = {as_of: "as-of date"}
    if events:
        month = min(events).replace(day=1)
        while (following := (month + timedelta(days=31)).replace(day=1)) - timedelta(days=1) <= as_of:
            occasions[following - timedelta(days=1)] = "month's end"
            month = following
    occasions |= {day: what for day, what in events.items() if day <= as_of}
    return dict(sorted(occasions.items()))


def replay(
    facts: Mapping[str, pl.DataFrame], as_of_dates: list[date], assumptions: Assumptions
) -> dict[date, pl.DataFrame]:
    """`marts.verdict` as of each date, from `facts` as known by it; the same as a build for each date alone."""
    from warehouse import marts  # the package imports this file to list it

    chain = _chain(marts.all_marts())
    kept: dict[Any, tuple[int, pl.DataFrame]] = {}
    answers: dict[date, pl.DataFrame] = {}
    for day in as_of_dates:
        frames = marts.known(facts, day)
        # What a frame is, without reading it: facts by their number, what a mart gave by a number of its own.
        same: dict[str, Any] = {name: frame.height for name, frame in frames.items()}
        for name, found in chain.items():
            given, assumed = NARROWED.get(name, _as_it_is)(frames, assumptions)
            inputs = [same[i] if given[i] is frames[i] else ("narrowed", given[i].height) for i in found.inputs]
            key = (name, *inputs, None if name in DATELESS else day)
            if key not in kept:
                kept[key] = (len(kept), found.run(given, as_of=day, assumptions=assumed))
            number, frames[name] = kept[key]
            same[name] = ("built", number)
        answers[day] = frames[VERDICT.name]
    return answers


def _chain(marts: Mapping[str, Mart]) -> dict[str, Mart]:
    """The verdict and every mart that it reads, directly or not, in the order of building."""
    needed = {VERDICT.name}
    for name in reversed(list(marts)):
        if name in needed:
            needed.update(marts[name].inputs)
    return {name: found for name, found in marts.items() if name in needed}


Frames = dict[str, pl.DataFrame]


def _as_it_is(frames: Frames, assumptions: Assumptions) -> tuple[Frames, Assumptions]:
    return frames, assumptions


def _main_event_only(frames: Frames, assumptions: Assumptions) -> tuple[Frames, Assumptions]:
    """The event study's inputs without what the verdict does not read: other events, benchmarks, windows, later prices."""
    main: date = assumptions.value("main_event")
    benchmark = assumptions.value("benchmarks")[0]
    events = {day: what for day, what in assumptions.value("events").items() if day == main.isoformat()}
    assumed = assumptions.replaced(
        {
            "events": {"value": events or assumptions.value("events")},
            "benchmarks": [benchmark],
            "windows": [list(window) for window in WINDOWS],
        }
    )
    after = frames["sessions"].filter(pl.col("session") >= main).sort("session")["session"]
    last = after[min(max(end for _, end in WINDOWS), len(after) - 1)] if len(after) else main
    bars = frames["stock_prices"]
    return {**frames, "stock_prices": bars.filter(pl.col("date") <= last)}, assumed


def _deciding_only(frames: Frames, assumptions: Assumptions) -> tuple[Frames, Assumptions]:
    """What a verdict's evidence grade rests on, without tornado and turning values."""
    return frames, assumptions.replaced({"detail": "deciding"})


NARROWED: dict[str, Callable[[Frames, Assumptions], tuple[Frames, Assumptions]]] = {
    "event_study": _main_event_only,
    "event_study_tests": _main_event_only,
    "waste_simulation": _deciding_only,
    "waste_sensitivity": _deciding_only,
}

MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace("marts.verdict", "t.scope = m.scope and t.question = m.question and t.as_of = m.as_of"),
        Trace(
            "marts.verdict_timeline",
            "m.question = 'overall' and t.question in ('Q2', 'Q3') and t.scope = m.scope and t.as_of = m.as_of",
        ),
        Trace(
            "core.article_claims",
            "m.question = 'Q1' and t.quantity in ('training_cost', 'programme_cost') and t.known_on <= m.as_of",
        ),
        Trace("core.training_runs", "m.question = 'Q1' and t.model like 'DeepSeek-%' and t.known_on <= m.as_of"),
        Trace("core.ai_models", "m.question = 'Q2' and t.training_flop is not null and t.known_on <= m.as_of"),
        Trace(
            "core.company_facts",
            "m.question in ('Q2', 'Q3') and t.measure = 'purchases_of_property_and_equipment' "
            "and t.known_on <= m.as_of "
            "and (t.ticker = m.scope or m.scope = 'ALL' and t.ticker in ('MSFT', 'GOOGL', 'META', 'AMZN'))",
        ),
        Trace(
            "core.evidence",
            "(m.question = 'Q2' and t.topic = 'capacity' or m.question = 'Q3' and t.topic = 'ai_revenue') "
            "and t.known_on <= m.as_of",
        ),
        Trace("core.capex_guidance", "m.question = 'Q4' and t.known_on <= m.as_of"),
        # The suppliers' bars of the main event's estimation window and of its windows, as far as they were over.
        Trace(
            "core.stock_prices",
            "m.question = 'Q4' and t.known_on <= m.as_of and t.date between {event} - interval 13 months and {event} "
            "+ interval 3 months and (t.ticker = {benchmark} or t.ticker in "
            "(select c.ticker from core.companies c where c.role = 'supplier'))".format(
                event="(select (a.value->>'$')::date from marts.assumptions a where a.key = 'main_event')",
                benchmark="(select a.value->>'$[0]' from marts.assumptions a where a.key = 'benchmarks')",
            ),
        ),
    ),
)
