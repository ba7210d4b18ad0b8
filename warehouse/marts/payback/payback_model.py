"""The model of Q3: what the vintages of capex must earn back, and the revenue that is there to do it.

A vintage is what was spent in one year; it has one age for everyone and drops out when it is older than its life. A year
whose capex is unknown is left out and named, since a zero would make the spend look small.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np

from warehouse.assumptions import Assumptions, Distribution
from warehouse.marts.common.reasons import reason
from warehouse.marts.common.scopes import COMPANIES, GROUP
from warehouse.marts.common.units import DAYS_PER_YEAR
from warehouse.marts.payback.draws import Driver, quantile
from warehouse.marts.payback.formulas import PAY_QUANTITIES
from warehouse.marts.payback.model import Facts, Model, Rows, driver, newest, weakest

OF_CAPITAL = ("life", "discount_rate", "cash_margin", "ai_share")
OF_REVENUE = ("attributable_revenue_usd", "coverage", "years_to_cover")


def payback_model(
    scope: str, view: str, vintages: Rows, revenue: Rows, behind: Facts, as_of: date, assumptions: Assumptions
) -> Model:
    """The model of one scope and revenue view, from rows of `capex_vintages` and `attributable_revenue`."""
    own = [row for row in vintages if row["ticker"] in (COMPANIES if scope == GROUP else (scope,))]
    spent = [row for row in own if row["capex_usd"] is not None]
    if not spent:
        return Model(scope, view, reasons=dict.fromkeys(PAY_QUANTITIES, reason("no_capex", scope=scope)))
    lines = [row for row in revenue if row["scope"] == scope and row["revenue_view"] == view]
    counted = [row for row in lines if row["counted"]]
    unknown = () if counted else OF_REVENUE
    with_leases = bool(assumptions.integer("include_finance_leases"))
    return Model(
        scope,
        view,
        tuple(_drivers(lines, counted, behind, assumptions)),
        tuple(quantity for quantity in PAY_QUANTITIES if quantity not in unknown),
        **_spent_and_aged(spent, with_leases, as_of),
        grade=weakest([*spent, *counted]),
        known_on=newest([*spent, *counted]),
        reasons=dict.fromkeys(unknown, reason("no_ai_revenue", scope=scope, revenue_view=view)),
        notes=(*_about_revenue(lines), *_about_vintages(own, with_leases)),
    )


def _drivers(lines: Rows, counted: Rows, behind: Facts, assumptions: Assumptions) -> Iterator[Driver]:
    for name in OF_CAPITAL:
        yield driver(name, behind, assumptions)
    if counted:
        yield _revenue(counted, assumptions)
        yield _growth(lines, behind, assumptions)


# ---- Vintages ------------------------------------------------------------------------------------------------------


def _spent_and_aged(spent: Rows, with_leases: bool, as_of: date) -> dict[str, Any]:
    """USD spent in each year by all companies of the scope, in the order of the years, and the age of each year's."""
    by_year = dict.fromkeys((row["year"] for row in spent), 0)
    for row in spent:
        leases = (row["finance_lease_principal_usd"] or 0) if with_leases else 0
        by_year[row["year"]] += row["capex_usd"] + leases
    return {
        "capex_usd": tuple(map(float, by_year.values())),
        "ages_years": tuple(_age_years(year, as_of) for year in by_year),
    }


def _age_years(year: int, as_of: date) -> float:
    """Age of a year's capex: what is spent all through a year is spent in the middle of it (method 5)."""
    return max((as_of - date(year, 7, 1)).days / DAYS_PER_YEAR, 0.0)


def _about_vintages(own: Rows, with_leases: bool) -> Iterator[str]:
    """What to know of the years: left out, running, or without leases that were asked for."""
    unknown = [row for row in own if row["capex_usd"] is None and not row["is_running"]]
    running = [row for row in own if row["is_running"]]
    spent_alone = [row for row in own if row["capex_usd"] is not None and row["finance_lease_principal_usd"] is None]
    if unknown:
        yield reason("capex_left_out", vintages=_named(unknown))
    if running:
        yield reason("capex_so_far", vintages=_named(running, "quarters_known"))
    if with_leases and spent_alone:
        yield reason("capex_without_leases", vintages=_named(spent_alone))


def _named(rows: Rows, *more: str) -> list[dict[str, Any]]:
    return [{name: row[name] for name in ("ticker", "year", *more)} for row in rows]


# ---- Revenue -------------------------------------------------------------------------------------------------------


def _about_revenue(lines: Rows) -> Iterator[str]:
    counted = {row["entity"] for row in lines if row["counted"]}
    if counted and any(row["is_lower_bound"] for row in lines):
        yield reason("revenue_is_lower_bound", entities=sorted({row["entity"] for row in lines} - counted))


def _revenue(counted: Rows, assumptions: Assumptions) -> Driver:
    """The sum over entities, each drawn by itself; a what-if's multiple of it stands in the assumptions file."""
    parts = tuple(
        (f"attributable_revenue {entity}", _of_entity([row for row in counted if row["entity"] == entity]))
        for entity in dict.fromkeys(row["entity"] for row in counted)
    )
    entry, multiple = assumptions["attributable_revenue"], assumptions.distribution("attributable_revenue")
    middle = sum(_median(shape) for _, shape in parts)
    return Driver(
        "attributable_revenue",
        parts,
        scale=multiple["value"] if multiple.kind == "point" else _median(multiple),
        minimum=middle * entry["minimum"],
        maximum=middle * entry["maximum"],
        facts=tuple(row["evidence_id"] for row in counted),
        fact_ids=_fact_ids(counted),
        grade=weakest(counted),
        known_on=newest(counted),
    )


def _of_entity(facts: Rows) -> Distribution:
    """Triangular where low, middle and high are known, else uniform (method 5)."""
    low, high = float(min(row["low_usd"] for row in facts)), float(max(row["high_usd"] for row in facts))
    if len(facts) == 1 and facts[0]["has_range"]:
        return Distribution("triangular", (low, float(facts[0]["value_usd"]), high))
    return Distribution("uniform", (low, high))


def _median(shape: Distribution) -> float:
    return float(quantile(shape, np.array(0.5)))


def _growth(lines: Rows, behind: Facts, assumptions: Assumptions) -> Driver:
    """Growth of revenue: the range seen in the scope's own series where it has enough observations, else as assumed."""
    series = _series(lines)
    if "growth" in assumptions.overridden or len(series) < assumptions.integer("growth_minimum_observations"):
        return driver("growth", behind, assumptions)
    rates = [_yearly_growth(*each) for each in pairwise(series)]
    return driver(
        "growth",
        behind,
        assumptions,
        parts=(("growth", Distribution("uniform", (min(rates), max(rates)))),),
        facts=tuple(row["evidence_id"] for row in series),
        fact_ids=_fact_ids(series),
        grade=weakest(series),
        known_on=newest(series),
    )


def _series(lines: Rows) -> list[Any]:
    """The scope's own series: of one entity and one metric, one figure a day; empty where there are several."""
    about = {(row["entity"], row["metric"]) for row in lines if row["counted"]}
    if len(about) != 1:
        return []
    of_it = [row for row in lines if (row["entity"], row["metric"]) in about and (row["value_usd"] or 0) > 0]
    in_time = sorted(of_it, key=lambda row: (row["as_of_date"], row["known_on"], row["evidence_id"]))
    return list({row["as_of_date"]: row for row in in_time}.values())


def _yearly_growth(earlier: Any, later: Any) -> float:
    days = (later["as_of_date"] - earlier["as_of_date"]).days
    return float((later["value_usd"] / earlier["value_usd"]) ** (DAYS_PER_YEAR / days) - 1)


def _fact_ids(lines: Rows) -> tuple[str, ...]:
    return tuple(fact for row in lines for fact in row["fact_ids"] or ())
