"""Which revenue may be set against the spend, line by line, and which may not because it is in another line already.

A lab pays a cloud out of what its customers pay it, so adding the lab's revenue to the cloud's counts one dollar twice.
Hence two views that are never added up: what end customers pay for AI, and what the owners of the infrastructure are
paid for it. A cloud's whole revenue is no AI revenue, and what a company expects is no revenue yet.

Most sellers do not say what they earn by AI. Leaving them out would make every sum a lower bound that decides nothing, so
a seller without a figure of its own is bounded: from nothing to its whole cloud revenue of the last four quarters. What
an outsider estimates of it is shown and stands in the middle. End-customer revenue is estimated by others alone, and lies
between the lowest and the highest of them. A company that sells no computing has no infrastructure line.

A figure that cannot be a revenue (zero, negative, in another currency, its low above its high) is not passed over in
favour of an older one: the line says what is wrong with it and the view has no revenue. Nor is one that a check has
quarantined. It is no fact, and still it says that the older figure is out of date.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.calendars.months import MONTHS_A_QUARTER, months_before
from warehouse.marts.common.columns import SCOPE
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import listed, reason
from warehouse.marts.common.scopes import COMPANIES, GROUP, SCOPES, VIEW_MEANINGS, VIEWS
from warehouse.marts.common.select_current import admissible, select_current
from warehouse.tables.evidence import TABLE as EVIDENCE
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import FACT_IDS, Check, Column, mart

INFRASTRUCTURE, END_CUSTOMER = "infrastructure", "end_customer"
# What a line is used for. The first four are the view's revenue.
DISCLOSED, ESTIMATE, OUTSIDE, BOUND = "disclosed", "estimate", "outside_estimate", "bound"
EARLIER, LAB, BESIDE, UNUSABLE, NONE = "earlier", "lab", "beside", "unusable", "none"
COUNTED = (DISCLOSED, ESTIMATE, OUTSIDE, BOUND)
USES = {
    DISCLOSED: "the seller's own figure",
    ESTIMATE: "one of the estimates of what end customers pay",
    OUTSIDE: "the middle of a seller that gives no figure",
    BOUND: "an end of what such a seller may have",
    EARLIER: "growth alone: an older figure of the same",
    LAB: "growth alone: what a lab says of itself",
    BESIDE: "shown beside, as it is part of another line",
    UNUSABLE: "nothing, as it is no revenue of a year",
    NONE: "nothing, as there is no figure",
}
YEARLY, QUARTERLY = "USD/year", "USD/quarter"
QUARTER, YEAR = "revenue_quarter", "revenue_year"
WHOLE_CLOUD = (QUARTER, YEAR)
Fact = Mapping[str, Any]

TABLE = mart(
    "attributable_revenue",
    "facts on AI revenue by scope and revenue view, each with what it is used for and why",
    [
        SCOPE,
        Column("revenue_view", "text", "whose revenue is counted", required=True, allowed=VIEW_MEANINGS),
        Column("entity", "text", "whose revenue", required=True),
        Column("evidence_id", "text", "the fact; empty for an entity of the view without one", required=True),
        Column("metric", "text", "which figure"),
        Column("as_of_date", "date", "day the figure is about"),
        Column(
            "low_usd",
            "real",
            "low end",
            "USD a year",
            minimum=0,
            formula=Formula("low end of the fact; of a seller without one, zero", method="5"),
        ),
        Column("value_usd", "real", "the figure; null where only its ends are known", "USD a year", minimum=0),
        Column(
            "high_usd",
            "real",
            "high end",
            "USD a year",
            minimum=0,
            formula=Formula(
                "high end of the fact; of a seller without one, its whole cloud revenue of four quarters",
                method="5",
                assumptions=("cloud_revenue",),
            ),
        ),
        Column("has_range", "flag", "whether the fact gives low and high"),
        Column(
            "used_as",
            "text",
            "what it is used for",
            required=True,
            allowed=USES,
        ),
        Column("counted", "flag", "whether it is part of the view's revenue", required=True),
        Column("growth_stated", "real", "growth over a year that the company states with it", "share a year"),
        Column("known_on", "date", "day on which the fact became public"),
        FACT_IDS,
    ],
    key=("scope", "revenue_view", "entity", "evidence_id"),
    checks=(
        Check(
            "nothing_is_left_out_silently",
            "select * from {table} where not counted and reasons is null",
            "a line that does not count must say why",
        ),
        Check(
            "ends_in_order",
            "select * from {table} where low_usd > value_usd or value_usd > high_usd or low_usd > high_usd",
            "a revenue outside its own range is none",
        ),
    ),
    guide=Guide(
        "One row for each fact, and for each scope and revenue view that looks at it.",
        "over views: both count the same dollars. Add only rows of one scope and view whose `counted` is true.",
        {
            "What is counted for each company?": "select scope, entity, value_usd, used_as, grade from "
            "attributable_revenue where counted and scope <> 'ALL'",
            "What is counted for the group, and what is not?": "select revenue_view, entity, metric, value_usd, used_as "
            "from attributable_revenue where scope = 'ALL' order by counted desc, revenue_view",
            "Which facts state a growth?": "select entity, metric, as_of_date, growth_stated from attributable_revenue "
            "where growth_stated is not null",
        },
    ),
)


def build(evidence: pl.DataFrame, quarantined: pl.DataFrame, *, assumptions: Assumptions) -> pl.DataFrame:
    """One row for each scope, view and fact that could speak of it (method 5); amounts in USD a year.

    `quarantined` are rows that a check keeps out of the facts (`marts.QUARANTINED`).
    """
    known = select_current(admissible(evidence), EVIDENCE).filter(pl.col("topic") == "ai_revenue")
    facts = known.sort("evidence_id").to_dicts()
    waiting = _waiting(quarantined, facts)
    sellers: Mapping[str, str] = assumptions.value("revenue_sellers")
    of_seller = {name: list(_of_seller(name, facts, waiting, assumptions)) for name in sellers.values()}
    rows: list[dict[str, Any]] = []
    for scope in SCOPES:
        for ticker in COMPANIES if scope == GROUP else (scope,):
            if ticker in sellers:
                rows += [{"scope": scope, "revenue_view": INFRASTRUCTURE, **row} for row in of_seller[sellers[ticker]]]
        if END_CUSTOMER in VIEWS[scope]:
            end_customer = _end_customer(facts, waiting, assumptions)
            rows += [{"scope": scope, "revenue_view": END_CUSTOMER, **row} for row in end_customer]
    return pl.DataFrame(rows, schema=dict(TABLE.polars_schema)) if rows else TABLE.empty()


# ---- What waits in quarantine --------------------------------------------------------------------------------------


def _waiting(quarantined: pl.DataFrame, facts: Sequence[Fact]) -> list[Fact]:
    """Quarantined rows on AI revenue, without those that have become facts since (accepted, or corrected)."""
    told = {fact["evidence_id"]: fact["known_on"] for fact in facts}
    rows = quarantined.filter(pl.col("topic") == "ai_revenue").drop_nulls(
        ["evidence_id", "entity", "metric", "as_of_date"]
    )
    return [
        row
        for row in rows.sort("as_of_date", "known_on", "evidence_id", "reason_code").to_dicts()
        if told.get(row["evidence_id"], date.min) < row["known_on"]
    ]


def _newer(waiting: Sequence[Fact], entity: str, metrics: Sequence[str], than: Fact | None) -> Fact | None:
    """The newest quarantined figure of an entity, where it is newer than the fact that would count."""
    own = [row for row in waiting if row["entity"] == entity and row["metric"] in metrics]
    newest = own[-1] if own else None
    if newest is None or than is None:
        return newest
    return newest if (newest["as_of_date"], newest["known_on"]) > (than["as_of_date"], than["known_on"]) else None


def _in_quarantine(row: Fact, entity: str) -> dict[str, Any]:
    why = reason(
        "revenue_quarantined",
        entity=row["entity"],
        evidence_id=row["evidence_id"],
        day=row["as_of_date"],
        check=row["reason_code"],
    )
    about = {name: row[name] for name in ("evidence_id", "metric", "as_of_date", "known_on")}
    return {"entity": entity, **about, "used_as": UNUSABLE, "counted": False, "reasons": [why]}


# ---- A seller of computing -----------------------------------------------------------------------------------------


def _of_seller(
    entity: str, facts: Sequence[Fact], waiting: Sequence[Fact], assumptions: Assumptions
) -> Iterator[dict[str, Any]]:
    """The lines of one seller: its own figure, else its ends and what others estimate."""
    metrics, estimates = assumptions.value("revenue_metrics")[INFRASTRUCTURE], assumptions.value("outside_estimates")
    of_itself = [row for row in waiting if row["evidence_id"] not in estimates]
    newest = _newest([f for f in facts if _is_stated(f, entity, metrics, _outside(facts, assumptions))])
    aside = _newer(of_itself, entity, metrics, newest)
    if aside is None and newest is None:
        aside = _newer(
            waiting,
            assumptions.value("cloud_revenue").get(entity, ""),
            WHOLE_CLOUD,
            _whole_cloud(entity, facts, assumptions),
        )
    if aside is None:
        yield from _of_known_seller(entity, facts, assumptions)
        return
    yield _in_quarantine(aside, entity)
    for line in _of_known_seller(entity, facts, assumptions):
        if line["evidence_id"] not in ("", aside["evidence_id"]):
            unused = {"used_as": EARLIER if line["used_as"] == DISCLOSED else BESIDE, "counted": False}
            why = listed(
                [*(line["reasons"] or ()), reason("later_figure_quarantined", evidence_id=aside["evidence_id"])]
            )
            yield line | unused | {"reasons": why} if line["counted"] else line


def _is_stated(fact: Fact, entity: str, metrics: Sequence[str], estimates: set[str]) -> bool:
    return fact["entity"] == entity and fact["metric"] in metrics and fact["evidence_id"] not in estimates


def _of_known_seller(entity: str, facts: Sequence[Fact], assumptions: Assumptions) -> Iterator[dict[str, Any]]:
    """The lines of one seller by its facts alone."""
    own = [fact for fact in facts if fact["entity"] == entity]
    metrics, estimates = assumptions.value("revenue_metrics")[INFRASTRUCTURE], _outside(facts, assumptions)
    stated = [fact for fact in own if _is_stated(fact, entity, metrics, estimates)]
    guessed = [fact for fact in own if fact["metric"] in metrics and fact["evidence_id"] in estimates]
    cloud = _whole_cloud(entity, facts, assumptions)
    newest = _newest(stated)
    held_twice = {fact["evidence_id"] for fact in stated} - {fact["evidence_id"] for fact in _once(stated)}
    bounded = newest is None
    middle = _newest(guessed) if bounded else None
    for fact in own:
        name = fact["evidence_id"]
        if fact is newest:
            wrong = what_is_wrong(fact)
            yield _line(fact, UNUSABLE if wrong else DISCLOSED, wrong, assumptions)
        elif fact is middle and cloud and not what_is_wrong(fact):
            yield _line(fact, OUTSIDE, reason("outside_estimate"), assumptions)
        elif name in held_twice:
            yield _line(fact, BESIDE, reason("same_figure_of_better_grade"), assumptions)
        elif fact in stated:
            wrong = what_is_wrong(fact)
            yield _line(fact, UNUSABLE if wrong else EARLIER, wrong or reason("later_figure_known"), assumptions)
        elif fact in guessed:
            yield _line(fact, BESIDE, reason("disclosed_figure_known" if newest else "later_figure_known"), assumptions)
        elif not (bounded and cloud and name == cloud["evidence_id"]):
            why = reason("no_yearly_ai_revenue", metric=fact["metric"], unit=fact["unit"])
            yield _line(fact, BESIDE, why, assumptions)
    if bounded:
        yield cloud or _nothing(entity, assumptions)


def _outside(facts: Sequence[Fact], assumptions: Assumptions) -> set[str]:
    """Estimates by others, by evidence_id. One that the company has confirmed since is of a better grade and its own."""
    named = assumptions.value("outside_estimates")
    return {fact["evidence_id"] for fact in facts if fact["evidence_id"] in named and fact["grade"] == "C"}


def _nothing(entity: str, assumptions: Assumptions) -> dict[str, Any]:
    sells = entity in assumptions.value("cloud_revenue")
    code = "no_ai_revenue_of_entity" if sells else "sells_no_computing"
    return {"entity": entity, "evidence_id": "", "used_as": NONE, "counted": False, "reasons": [reason(code)]}


def _whole_cloud(entity: str, facts: Sequence[Fact], assumptions: Assumptions) -> dict[str, Any] | None:
    """The ends of a seller without a figure of its own: nothing, and its whole cloud revenue of the last four quarters.

    A quarter that is not known counts as the next known one, as an unknown quarter of capex does. A year as printed
    counts where no later quarter is known.
    """
    name = assumptions.value("cloud_revenue").get(entity)
    own = [fact for fact in facts if fact["entity"] == name and not what_is_wrong(fact, zero=True, usd_only=True)]
    quarters = {fact["as_of_date"]: fact for fact in own if fact["metric"] == QUARTER}
    years = [fact for fact in own if fact["metric"] == YEAR]
    year = max(years, key=lambda fact: (fact["as_of_date"], fact["known_on"]), default=None)
    last = max(quarters, default=None)
    if last is None and year is None:
        return None
    if last is None or (year is not None and year["as_of_date"] >= last):
        assert year is not None
        behind, usd, missing, on = [year], float(year["value"]), 0, year["as_of_date"]
    else:
        behind, usd, missing = _last_four(quarters, last, assumptions.integer("same_date_days"))
        on = last
    return {
        "entity": entity,
        "evidence_id": behind[0]["evidence_id"],
        "metric": behind[0]["metric"],
        "as_of_date": on,
        "low_usd": 0.0,
        "high_usd": usd,
        "has_range": True,
        "used_as": BOUND,
        "counted": True,
        "known_on": max(fact["known_on"] for fact in behind),
        "grade": max(fact["grade"] for fact in behind),
        "fact_ids": [fact["fact_id"] for fact in behind],
        "reasons": listed(
            [
                reason("bounded_by_whole_cloud", entity=entity, through=on),
                reason("cloud_quarters_unknown", quarters=missing) if missing else None,
            ]
        ),
    }


def _last_four(quarters: Mapping[date, Fact], last: date, near_days: int) -> tuple[list[Fact], float, int]:
    """The facts of the four quarters to `last`, within so many days of their ends; their sum, and how many are not known."""
    behind, usd, missing, following = [], 0.0, 0, quarters[last]
    for back in range(4):
        wanted = months_before(last, MONTHS_A_QUARTER * back)
        found = next((fact for day, fact in quarters.items() if abs((day - wanted).days) <= near_days), None)
        missing += found is None
        following = found or following
        usd += float(following["value"])
        if found is not None:
            behind.append(found)
    return behind, usd, missing


# ---- End customers -------------------------------------------------------------------------------------------------


def _end_customer(facts: Sequence[Fact], waiting: Sequence[Fact], assumptions: Assumptions) -> Iterator[dict[str, Any]]:
    """The lines of the whole industry: the estimates near the newest, a trailing year beside them, and the labs."""
    metrics: Mapping[str, str] = assumptions.value("end_customer_estimates")
    aside: dict[str, Fact] = {}
    for entity, metric in metrics.items():
        newest = _newest([fact for fact in facts if (fact["entity"], fact["metric"]) == (entity, metric)])
        if (found := _newer(waiting, entity, [metric], newest)) is not None:
            aside[entity] = found
            yield _in_quarantine(found, entity)
    facts = [fact for fact in facts if fact["evidence_id"] not in {row["evidence_id"] for row in aside.values()}]
    labs = assumptions.value("labs")
    near = assumptions.integer("end_customer_window_days")
    last = [
        newest
        for entity, metric in metrics.items()
        if entity not in aside
        and (newest := _newest([f for f in facts if f["entity"] == entity and f["metric"] == metric]))
    ]
    through = max((fact["as_of_date"] for fact in last), default=None)
    for fact in facts:
        wrong = what_is_wrong(fact)
        if fact in last:
            too_old = through is not None and (through - fact["as_of_date"]).days > near
            why = wrong or (reason("estimate_too_old", days=near) if too_old else None)
            yield _line(fact, UNUSABLE if wrong else BESIDE if too_old else ESTIMATE, why, assumptions)
        elif fact["entity"] in labs and fact["metric"] == labs[fact["entity"]]:
            yield _line(fact, UNUSABLE if wrong else LAB, wrong or reason("growth_of_labs_alone"), assumptions)
        elif metrics.get(fact["entity"]) == fact["metric"]:
            yield _line(fact, UNUSABLE if wrong else EARLIER, wrong or reason("later_figure_known"), assumptions)
        elif fact["entity"] in metrics:
            yield _line(fact, BESIDE, reason("another_basis", metric=fact["metric"]), assumptions)
    for entity in metrics:
        if entity not in aside and not any(fact["entity"] == entity for fact in facts):
            none = [reason("no_ai_revenue_of_entity")]
            yield {"entity": entity, "evidence_id": "", "used_as": NONE, "counted": False, "reasons": none}


# ---- A fact ----------------------------------------------------------------------------------------------------------


def what_is_wrong(fact: Fact, *, zero: bool = False, usd_only: bool = False) -> str | None:
    """Why a figure cannot be a yearly revenue in US dollars; None where it can. `zero` also refuses nothing earned."""
    low, value, high = fact["value_low"], fact["value"], fact["value_high"]
    currency, _, _ = str(fact["unit"]).partition("/")
    if currency != "USD":
        return reason("revenue_in_other_currency", unit=fact["unit"])
    if not usd_only and fact["unit"] != YEARLY:
        return reason("no_yearly_ai_revenue", metric=fact["metric"], unit=fact["unit"])
    if value < 0 or (low or 0) < 0:
        return reason("revenue_negative", evidence_id=fact["evidence_id"])
    if (
        (low is not None and high is not None and low > high)
        or value < (low or 0)
        or (high is not None and value > high)
    ):
        return reason("revenue_range_reversed", evidence_id=fact["evidence_id"])
    return reason("revenue_zero", evidence_id=fact["evidence_id"]) if zero and value == 0 else None


def _once(facts: Sequence[Fact]) -> list[Fact]:
    """Facts without those that say again what another says: the same figure, public on the same day; the better grade stays."""
    kept: list[Fact] = []
    for fact in sorted(facts, key=lambda each: (each["grade"], each["as_of_date"], each["evidence_id"])):
        again = (fact["entity"], fact["metric"], fact["value"], fact["known_on"])
        if again not in [(each["entity"], each["metric"], each["value"], each["known_on"]) for each in kept]:
            kept.append(fact)
    return kept


def _newest(facts: Sequence[Fact]) -> Fact | None:
    """The figure about the latest day; of one day the one of the better grade, and among equals the one known last."""
    about = sorted(_once(facts), key=lambda fact: (fact["known_on"], fact["evidence_id"]), reverse=True)
    return min(about, key=lambda fact: (-fact["as_of_date"].toordinal(), fact["grade"]), default=None)


def _line(fact: Fact, used_as: str, why: str | None, assumptions: Assumptions) -> dict[str, Any]:
    usd = fact["unit"] == YEARLY and what_is_wrong(fact) is None
    low, value, high = fact["value_low"], fact["value"], fact["value_high"]
    return {
        "entity": fact["entity"],
        "evidence_id": fact["evidence_id"],
        "metric": fact["metric"],
        "as_of_date": fact["as_of_date"],
        "low_usd": (value if low is None else low) if usd else None,
        "value_usd": value if usd else None,
        "high_usd": (value if high is None else high) if usd else None,
        "has_range": low is not None and high is not None,
        "used_as": used_as,
        "counted": used_as in COUNTED,
        "growth_stated": assumptions.value("stated_growth").get(fact["evidence_id"]),
        "known_on": fact["known_on"],
        "grade": fact["grade"],
        "fact_ids": [fact["fact_id"]],
        "reasons": listed([why]),
    }


MART = Mart(
    table=TABLE,
    build=build,
    traces=(Trace("core.evidence", ids="fact_ids"),),
)
