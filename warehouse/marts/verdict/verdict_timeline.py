"""What the verdict was on each day: each month's end, each event, and the as-of date itself.

An answer that was only ever given in hindsight is worth little. So the whole chain is replayed for each day from the
facts that were public by then, which is what a run on that day would have answered (method 8). Early days often cannot
tell: an estimate of a year's compute is published a year later and does not count before.

Replaying a chain of marts some thirty times costs thirty times as much unless what has not changed is kept. A mart is a
function of its inputs, so one whose facts and other inputs are those of the day before is not run again. Facts only
ever get added, so a frame with as many rows as before is the same frame. Marts that look at the date itself run each
time.

And a mart is given only what the verdict will read of it. Most facts that become public in a month (other companies'
filings, other chips' prices, prices after an event's last window) cannot change a verdict, and without them a mart's
inputs are those of the day before. `NARROWED` says for each mart which facts are kept; the assumptions leave out other
events, benchmarks and windows, the tornado and the turning values. That all this changes no answer is held by a test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.scopes import COMPANIES, SCOPES
from warehouse.marts.verdict.decision import QUESTIONS
from warehouse.marts.verdict.questions.q4_market import WINDOWS
from warehouse.marts.verdict.verdict import TABLE as VERDICT
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
DATELESS = frozenset(
    {
        "attributable_revenue",
        "capex_group",
        "capex_quarterly",
        "event_study",
        "event_study_tests",
        "offers",
        "training_cost",
        "training_share_own",
    }
)


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
                "reasons",
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
    asked = _asked_less(assumptions)
    kept: dict[Any, tuple[int, pl.DataFrame]] = {}
    answers: dict[date, pl.DataFrame] = {}
    for day in as_of_dates:
        frames = marts.known(facts, day)
        # What a frame is, without reading it: facts by their number, what a mart gave by a number of its own.
        same: dict[str, Any] = {name: frame.height for name, frame in frames.items()}
        for name, found in chain.items():
            given = {**frames, **NARROWED.get(name, _nothing)(frames, assumptions)}
            inputs = [same[i] if given[i] is frames[i] else ("narrowed", given[i].height) for i in found.inputs]
            key = (name, *inputs, None if name in DATELESS else day)
            if key not in kept:
                assumed = asked if name in ASKED_LESS else assumptions
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


Frames = Mapping[str, pl.DataFrame]

# Marts that are asked for less than a run asks them for.
ASKED_LESS = frozenset(
    {
        "capex_guidance_change",
        "event_study",
        "event_study_tests",
        "waste_probabilities",
        "waste_sensitivity",
        "waste_simulation",
    }
)


def _asked_less(assumptions: Assumptions) -> Assumptions:
    """One event, one benchmark and the two windows that decide; of the simulation what decides."""
    main: date = assumptions.value("main_event")
    events = {day: what for day, what in assumptions.value("events").items() if day == main.isoformat()}
    return assumptions.replaced(
        {
            "events": {"value": events or assumptions.value("events")},
            "benchmarks": assumptions.value("benchmarks")[:1],
            "windows": [list(window) for window in WINDOWS],
            "detail": "deciding",
        }
    )


def _nothing(frames: Frames, assumptions: Assumptions) -> dict[str, pl.DataFrame]:
    return {}


def _until_last_window(frames: Frames, assumptions: Assumptions) -> dict[str, pl.DataFrame]:
    """Prices to the end of the main event's last window, and the shares that were known on its day."""
    main: date = assumptions.value("main_event")
    after = frames["sessions"].filter(pl.col("session") >= main).sort("session")["session"]
    last = after[min(max(end for _, end in WINDOWS), len(after) - 1)] if len(after) else main
    return {
        "stock_prices": frames["stock_prices"].filter(pl.col("date") <= last),
        "shares_outstanding": frames["shares_outstanding"].filter(pl.col("known_on") <= main),
    }


def _of_group(frames: Frames, assumptions: Assumptions) -> dict[str, pl.DataFrame]:
    """Filings of the companies whose capex counts."""
    return {"company_facts": frames["company_facts"].filter(pl.col("ticker").is_in(COMPANIES))}


def _revenue(frames: Frames, assumptions: Assumptions) -> dict[str, pl.DataFrame]:
    return {"evidence": frames["evidence"].filter(pl.col("topic") == "ai_revenue")}


def _capacity(frames: Frames, assumptions: Assumptions) -> dict[str, pl.DataFrame]:
    return {"evidence": frames["evidence"].filter(pl.col("topic") == "capacity")}


def _of_claim(frames: Frames, assumptions: Assumptions) -> dict[str, pl.DataFrame]:
    """The runs that the claim is recomputed from, and the offers that can price them."""
    named = assumptions.value("claim_runs")
    runs = frames["training_runs"].filter(pl.col("model").is_in([named["base"], named["increment"]]))
    days = timedelta(days=assumptions.integer("price_window_days"))
    first, last = runs["published"].min(), runs["published"].max()
    if not (isinstance(first, date) and isinstance(last, date)):
        return {"training_runs": runs, "offers": frames["offers"].clear()}
    offers = frames["offers"].filter(pl.col("observed_on").is_between(first - days, last + days))
    return {"training_runs": runs, "offers": offers}


NARROWED: dict[str, Callable[[Frames, Assumptions], dict[str, pl.DataFrame]]] = {
    "attributable_revenue": _revenue,
    "capex_quarterly": _of_group,
    "event_study": _until_last_window,
    "event_study_tests": _until_last_window,
    "training_cost": _of_claim,
    "training_share": _capacity,
    "training_share_own": _capacity,
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
