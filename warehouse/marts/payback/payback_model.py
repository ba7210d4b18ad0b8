"""The models of Q3: what the vintages of capex still have to earn, and the revenue that is there to do it.

Capex, ages and revenue are taken at one date, that of the revenue fact: revenue of April against capex of June would call
every build-out short. A vintage is what was spent in one quarter, in its middle. A quarter whose capex is unknown is an
interval, and what is concluded has to hold at both of its ends. The revenue of a view has ends as well where a seller
does not give its own, so each view has three models: at its lower bound, at its upper bound, and at the figures drawn
(`point`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from warehouse.assumptions import Assumptions, Distribution
from warehouse.marts.common.kept import Kept
from warehouse.marts.common.reasons import CODE, read, reason
from warehouse.marts.common.scopes import COMPANIES, GROUP
from warehouse.marts.payback.attributable_revenue import (
    BOUND,
    DISCLOSED,
    ESTIMATE,
    INFRASTRUCTURE,
    OUTSIDE,
    UNUSABLE,
)
from warehouse.marts.payback.draws import Driver, quantile
from warehouse.marts.payback.formulas import PAY_QUANTITIES, Values
from warehouse.marts.payback.group_share import GroupShare
from warehouse.marts.payback.model import (
    BOUNDS,
    LOWER,
    POINT,
    UPPER,
    Facts,
    Model,
    Rows,
    driver,
    early,
    newest,
    weakest,
)
from warehouse.marts.payback.observed_growth import Earlier, Growth, a_year_before, observed
from warehouse.marts.payback.recovery import (
    HIGHEST_GROWTH,
    Capital,
    breakeven_growth,
    capital_recovery,
    earned_over,
    standing,
)
from warehouse.marts.payback.vintages import Spend, spend

OF_REVENUE = ("attributable_revenue_usd", "coverage", "breakeven_growth")
MARGINAL = "marginal_coverage"
NO_GROWTH, NOT_KNOWN = Growth(), Earlier()
# What each quantity of the capital alone is drawn from.
DRAWN = {
    "required_revenue_usd": ("life", "discount_rate", "cash_margin", "ai_share"),
    "breakeven_revenue_usd": ("life", "discount_rate", "cash_margin", "ai_share"),
    "standing_capital_usd": ("life", "discount_rate", "ai_share"),
    "remaining_life_years": ("life",),
}


# ---- The formula ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Payback:
    """Method 5 for one scope, view and date: vintages (USD, years of age, youngest first), the capex of the four
    quarters to the lag before it, revenue a year before, and the H100-equivalents that the group owns of the world's
    (None where revenue is the scope's own); and the lowest growth seen, at which a revenue would break even. What is None
    makes a quantity unknown."""

    capex_usd: tuple[float, ...]
    ages_years: tuple[float, ...]
    recent_capex_usd: float | None = None
    earlier_revenue_usd: float | None = None
    owned_h100: float | None = None
    lowest_growth: float | None = None

    def __call__(self, values: Values) -> dict[str, Any]:
        """Every quantity that the values allow: those of revenue where it is among them."""
        capital, ai_share, margin = self.capital(values), values.get("ai_share", 1.0), values.get("cash_margin", 1.0)
        recovery = capital_recovery(values.get("discount_rate", 0.0), values["life"])
        required = capital.standing_usd * ai_share * recovery / margin
        found = {
            "required_revenue_usd": required,
            "standing_capital_usd": capital.to_recover_usd * ai_share,
            "remaining_life_years": capital.remaining_life_years,
        }
        if self.lowest_growth is not None and "discount_rate" in values:
            earned = earned_over(
                min(self.lowest_growth, HIGHEST_GROWTH), values["discount_rate"], capital.remaining_life_years
            )
            need = found["standing_capital_usd"] / margin
            found["breakeven_revenue_usd"] = np.where(need > 0, need / np.where(need > 0, earned, 1.0), 0.0)
        if "attributable_revenue" not in values:
            return found
        revenue = self.revenue(values)
        coverage = np.where(required > 0, revenue / np.where(required > 0, required, 1.0), np.inf)
        growth = breakeven_growth(
            found["standing_capital_usd"], revenue * margin, values["discount_rate"], capital.remaining_life_years
        )
        found |= {"attributable_revenue_usd": revenue, "coverage": coverage, "breakeven_growth": growth}
        if self.earlier_revenue_usd is not None and self.recent_capex_usd is not None:
            recent = self.recent_capex_usd * ai_share * recovery / margin
            with np.errstate(divide="ignore", invalid="ignore"):
                found[MARGINAL] = np.where(recent > 0, (revenue - self.earlier_revenue_usd) / recent, np.inf)
        return found

    def capital(self, values: Values) -> Capital:
        return _standing(self.capex_usd, self.ages_years, values.get("discount_rate", 0.0), values["life"])

    def revenue(self, values: Values) -> Any:
        """Of the scope: the industry's by the group's share of the world's computing where it is the industry's."""
        revenue = np.asarray(values["attributable_revenue"], dtype=float) + 0 * np.asarray(values["life"], dtype=float)
        return revenue if self.owned_h100 is None else revenue * np.minimum(self.owned_h100 / values["fleet"], 1.0)

    def alone(self, quantity: str) -> tuple[Payback, tuple[str, ...]]:
        if quantity in DRAWN:
            growth = self.lowest_growth if quantity == "breakeven_revenue_usd" else None
            return Payback(self.capex_usd, self.ages_years, lowest_growth=growth), DRAWN[quantity]
        return self, (*DRAWN["required_revenue_usd"], "fleet", "attributable_revenue")


_CAPITAL: Kept[Capital] = Kept(most=12)


def _standing(capex_usd: tuple[float, ...], ages_years: tuple[float, ...], rate: Any, life: Any) -> Capital:
    """The capital of some draws of rate and life."""

    def compute() -> Capital:
        return standing(np.array(capex_usd), np.array(ages_years), rate, life)

    return compute() if np.ndim(life) == 0 else _CAPITAL.get((capex_usd, ages_years, rate, life), compute)


# ---- One revenue view ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PaybackView:
    """One revenue view of a scope: its model at each bound of revenue, the growth that was seen and where a year was.

    `on` is the date that all figures are of.
    """

    scope: str
    view: str
    models: Mapping[str, Model]
    on: date | None = None
    growth: Growth = NO_GROWTH
    earlier: Earlier = NOT_KNOWN

    def __getitem__(self, bound: str) -> Model:
        return self.models[bound]

    @property
    def has_revenue(self) -> bool:
        return "coverage" in self.models[POINT].quantities

    @property
    def revenue_waits(self) -> bool:
        """Whether the view is without revenue because its newest waits in quarantine."""
        why = self.models[POINT].reasons.get("coverage")
        return why is not None and read(why)[CODE] == "revenue_quarantined"


def payback_view(
    scope: str,
    view: str,
    vintages: Rows,
    revenue: Rows,
    share: GroupShare | None,
    behind: Facts,
    assumptions: Assumptions,
    group_growth: Growth = NO_GROWTH,
) -> PaybackView:
    """One view of a scope, from rows of `capex_vintages` and `attributable_revenue` (method 5).

    `group_growth` stands for the growth of a company that sells no computing.
    """
    lines = [row for row in revenue if row["scope"] == scope and row["revenue_view"] == view]
    counted = [row for row in lines if row["counted"]]
    tickers = COMPANIES if scope == GROUP else (scope,)
    why = _why_no_revenue(scope, view, lines, share)
    dated = [row for row in revenue if row["counted"] and row["revenue_view"] == INFRASTRUCTURE]
    on = max((row["as_of_date"] for row in (counted if counted else dated)), default=None)
    spent = spend(vintages, tickers, on, assumptions)
    if spent.reasons:
        because = dict.fromkeys(PAY_QUANTITIES, spent.reasons[0])
        models = {bound: Model(scope, view, reasons=because, bound=bound) for bound in BOUNDS}
        return PaybackView(scope, view, models, spent.on)
    own = lines if not why else []
    growth, earlier = _seen(own, view, spent.on, assumptions) if own else (Growth(), {})
    of_capital = tuple(driver(name, behind, assumptions) for name in DRAWN["required_revenue_usd"])
    models = {}
    for bound in BOUNDS:
        models[bound] = _model(
            _View(scope, view, bound, counted, lines), spent, of_capital, why, share, growth if own else group_growth,
            earlier.get(bound, Earlier()), behind, assumptions,
        )  # fmt: skip
    return PaybackView(scope, view, models, spent.on, growth if own else group_growth, earlier.get(POINT, Earlier()))


@dataclass(frozen=True)
class _View:
    scope: str
    view: str
    bound: str
    counted: Rows
    lines: Rows


def _why_no_revenue(scope: str, view: str, lines: Rows, share: GroupShare | None) -> str | None:
    """Why the view has no revenue to set against the spend; None where it has."""
    for row in lines:
        if row["used_as"] == UNUSABLE and row["entity"] not in {each["entity"] for each in lines if each["counted"]}:
            return str((row["reasons"] or [reason("no_ai_revenue", scope=scope, revenue_view=view)])[0])
    if not any(row["counted"] for row in lines):
        codes = [each for row in lines if row["used_as"] == "none" for each in row["reasons"] or ()]
        sells_none = reason("sells_no_computing")
        return sells_none if codes == [sells_none] else reason("no_ai_revenue", scope=scope, revenue_view=view)
    if view == INFRASTRUCTURE:
        unknown = sorted(row["entity"] for row in lines if row["used_as"] == "none" and _is_seller(row))
        return reason("revenue_unbounded", entities=unknown) if unknown else None
    return reason("group_share_unknown") if share is None else None


def _is_seller(row: Mapping[str, Any]) -> bool:
    return reason("sells_no_computing") not in (row["reasons"] or ())


def _seen(lines: Rows, view: str, on: date, assumptions: Assumptions) -> tuple[Growth, dict[str, Earlier]]:
    """Growth seen, and revenue a year before at each bound.

    Only figures that are set against each other are of one date. Growth is what has been seen since, too: a lab's figure
    of September counts although the industry was last estimated in June.
    """
    if view != INFRASTRUCTURE:
        estimates = [row for row in lines if row["used_as"] in (ESTIMATE, "earlier")]
        growth = observed(estimates, on, assumptions, of_sum=False)
        labs = [row for row in lines if row["used_as"] == "lab"]
        growth = growth if growth.low is not None else observed(labs, on, assumptions, of_sum=True)
        before = _estimated_before(estimates, on, assumptions)
        return growth, dict.fromkeys(BOUNDS, before)
    own = [row for row in lines if row["used_as"] in (DISCLOSED, "earlier")]
    several = len({row["entity"] for row in lines}) > 1
    growth = observed(own, on, assumptions, of_sum=several)
    said = sorted({row["entity"] for row in lines if row["used_as"] == DISCLOSED})
    bounded = sorted({row["entity"] for row in lines if row["used_as"] == BOUND})
    known = a_year_before(own, said, on, assumptions) if said else Earlier(0.0)
    # At the lower bound a seller without a figure of its own earned nothing then either; above it, who knows.
    unknown = Earlier(missing=(*known.missing, *bounded)) if bounded else known
    return growth, {LOWER: known, UPPER: unknown, POINT: unknown}


def _estimated_before(estimates: Rows, on: date, assumptions: Assumptions) -> Earlier:
    """What independent estimates said of a year before: one of them does."""
    names = sorted({row["entity"] for row in estimates})
    found = [a_year_before(estimates, [name], on, assumptions) for name in names]
    known = [each for each in found if each.usd is not None]
    return known[0] if known else Earlier(missing=tuple(names))


def _model(
    of: _View,
    spent: Spend,
    of_capital: tuple[Driver, ...],
    why: str | None,
    share: GroupShare | None,
    growth: Growth,
    earlier: Earlier,
    behind: Facts,
    assumptions: Assumptions,
) -> Model:
    """The model of one bound: its drivers, its formula at the middle and at the ends of what was spent, and its words."""
    is_industrys = of.view != INFRASTRUCTURE and share is not None
    revenue = None if why else _revenue(of, assumptions)
    reasons = dict.fromkeys((*OF_REVENUE, MARGINAL), why) if why else {}
    if revenue is not None and revenue.high == 0 and not any(row["used_as"] == BOUND for row in of.counted):
        reasons = dict.fromkeys(
            (*OF_REVENUE, MARGINAL), reason("revenue_zero", evidence_id=of.counted[0]["evidence_id"])
        )
        revenue = None
    drivers, notes = list(of_capital), list(spent.notes)
    if revenue is not None:
        if is_industrys:
            assert share is not None
            drivers.append(share.driver(behind, assumptions))
            notes.append(reason("group_share", low=share.low, high=share.high, on=share.on))
        drivers += [revenue, _growth(growth, behind, assumptions)]
        notes += [*_about_revenue(of, spent.on), *_about_growth(growth), *earlier.notes]
        if earlier.usd is None:
            reasons[MARGINAL] = reason("no_revenue_a_year_earlier", entities=earlier.missing, on=spent.on)
        elif spent.recent is None:
            reasons[MARGINAL] = reason("no_capex_before", on=spent.on)
    # A what-if about today's revenue leaves what was earned a year before as it was.
    before = None if revenue is None else earlier.usd
    owned = share.owned if is_industrys and share is not None and revenue is not None else None
    formulas = [Payback(tuple(capex), spent.ages, recent, before, owned, growth.low) for capex, recent in spent.cases()]
    if growth.low is None:
        reasons = {**reasons, "breakeven_revenue_usd": reason("no_growth_observed")}
    quantities = tuple(name for name in PAY_QUANTITIES if name not in reasons)
    return Model(
        of.scope,
        of.view,
        tuple(drivers),
        quantities,
        grade=weakest([*spent.rows, *(of.counted if revenue else ())]),
        known_on=newest([*spent.rows, *(of.counted if revenue else ())]),
        reasons=reasons,
        notes=tuple(dict.fromkeys((*notes, *early(drivers, assumptions)))),
        bound=of.bound,
        formula=formulas[0],
        ends=tuple(formulas[1:]),
    )


# ---- Revenue and its growth as drivers -----------------------------------------------------------------------------


def _about_revenue(of: _View, on: date) -> Iterator[str]:
    said = (DISCLOSED, OUTSIDE) if of.bound == POINT else (DISCLOSED,)
    for row in of.counted:
        if row["used_as"] == BOUND:
            yield reason("bounded_by_whole_cloud", entity=row["entity"], through=row["as_of_date"])
        elif row["as_of_date"] < on and row["used_as"] in said:
            yield reason("revenue_of_an_earlier_day", entity=row["entity"], day=row["as_of_date"], on=on)


def _about_growth(growth: Growth) -> Iterator[str]:
    if growth.low is None:
        yield reason("growth_assumed")
    else:
        yield reason("growth_observed", entities=growth.entities, low=growth.low, high=growth.high)


def _revenue(of: _View, assumptions: Assumptions) -> Driver:
    """The sum over entities, each drawn by itself; a what-if's multiple of it stands in the assumptions file."""
    parts = tuple((f"attributable_revenue {name}", shape) for name, shape in _shapes(of))
    entry, multiple = assumptions["attributable_revenue"], assumptions.distribution("attributable_revenue")
    middle = sum(_median(shape) for _, shape in parts)
    most = max(middle, 1e9) * entry["maximum"]
    return Driver(
        "attributable_revenue",
        parts,
        scale=multiple["value"] if multiple.kind == "point" else _median(multiple),
        minimum=middle * entry["minimum"],
        maximum=most,
        facts=tuple(row["evidence_id"] for row in of.counted),
        fact_ids=fact_ids(of.counted),
        grade=weakest(of.counted),
        known_on=newest(of.counted),
    )


def _shapes(of: _View) -> Iterator[tuple[str, Distribution]]:
    """What each entity's revenue is drawn from at the bound: an end of it, or (at the point) its own distribution."""
    if of.view != INFRASTRUCTURE:
        low, high = min(row["low_usd"] for row in of.counted), max(row["high_usd"] for row in of.counted)
        yield "end customers", _at(of.bound, Distribution("uniform", (float(low), float(high))))
        return
    for entity in sorted({row["entity"] for row in of.counted}):
        own = {row["used_as"]: row for row in of.counted if row["entity"] == entity}
        ends = own.get(DISCLOSED) or own[BOUND]
        middle = own.get(OUTSIDE) if of.bound == POINT else None
        yield entity, _at(of.bound, _of_entity(middle or ends))


def _of_entity(row: Mapping[str, Any]) -> Distribution:
    """Triangular where low, middle and high are known, else uniform (method 5)."""
    low, high = float(row["low_usd"]), float(row["high_usd"])
    if row["has_range"] and row["value_usd"] is not None:
        return Distribution("triangular", (low, float(row["value_usd"]), high))
    return Distribution("uniform", (low, high))


def _at(bound: str, shape: Distribution) -> Distribution:
    if bound == POINT:
        return shape
    return Distribution("point", (shape.low if bound == LOWER else shape.high,))


def _median(shape: Distribution) -> float:
    return float(quantile(shape, np.array(0.5)))


def _growth(seen: Growth, behind: Facts, assumptions: Assumptions) -> Driver:
    """Growth of revenue: uniform over what was seen, else as assumed; a user's own takes the place of both."""
    if seen.low is None or seen.high is None or "growth" in assumptions.overridden:
        return driver("growth", behind, assumptions)
    high = min(seen.high, 1e6)
    return driver(
        "growth",
        behind,
        assumptions,
        parts=(("growth", Distribution("uniform", (min(seen.low, high), high))),),
        maximum=max(assumptions["growth"]["maximum"], high),
        facts=tuple(line["evidence_id"] for line in seen.lines),
        fact_ids=fact_ids(seen.lines),
        grade=weakest(seen.lines),
        known_on=newest(seen.lines),
    )


def fact_ids(lines: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fact for row in lines for fact in row["fact_ids"] or ()))
