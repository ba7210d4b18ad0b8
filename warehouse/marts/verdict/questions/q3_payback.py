"""Q3: does the whole spend earn its cost of capital (method 5)?

Coverage below one is normal early in a build-out and decides nothing. What decides is whether revenue, growing no faster
than it has been seen to, recovers the capital that stands, and whether the newest money earns more than the average or
less. A company is seen as a seller of computing (infrastructure); the group also through what end customers pay, and has
to get the same answer in both views. Being on course is asked at the lower bound of revenue and falling short at the upper
one, so that a seller who tells nothing can neither save a verdict nor spoil it.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

import polars as pl

from warehouse.asked import ASKED, SILENT
from warehouse.assumptions import Assumptions
from warehouse.marts.common.in_words import NAMES, listed, money, per_cent
from warehouse.marts.common.mart import Trace
from warehouse.marts.common.reasons import CODE, codes, read, reason
from warehouse.marts.common.scopes import SCOPES, VIEWS
from warehouse.marts.payback import breakeven_tests as tests
from warehouse.marts.payback.attributable_revenue import BOUND
from warehouse.marts.payback.model import LOWER, NO_VIEW, POINT, UPPER
from warehouse.marts.payback.recovery import HIGHEST_GROWTH
from warehouse.marts.payback.waste_probabilities import LEANING_EVENTS
from warehouse.marts.verdict import simulated
from warehouse.marts.verdict.payback_words import (
    GROWS,
    OPEN,
    briefly,
    headline,
    statement,
    tells_nothing,
)
from warehouse.marts.verdict.question import (
    Case,
    Condition,
    Conditions,
    Figure,
    Leaning,
    Question,
    Remedy,
    Row,
    Verdict,
)
from warehouse.marts.verdict.simulated import Simulated, covered, view_in_words
from warehouse.marts.wording.payback import EARLIER_REVENUE

ON_COURSE, FALLS_SHORT = tests.ON_COURSE, tests.FALLS_SHORT
# The conditions that decide, each by the simulated event and the bound of revenue that it is asked at.
EARNS, SHORT = "newest_spend_earns_more", "revenue_falls_short"
DECIDING = {GROWS: (tests.WITHIN_LOWEST, LOWER), EARNS: (tests.ABOVE, LOWER), SHORT: (tests.FALLS_SHORT, UPPER)}
# Shown beside: the parts of falling short.
BESIDE = {
    "growth_too_slow_at_lowest": (tests.BEYOND_LOWEST, UPPER),
    "growth_too_slow_at_highest": (tests.BEYOND_HIGHEST, UPPER),
    "newest_spend_earns_less": (tests.BELOW, UPPER),
}
MEDIANS = {
    "coverage": "ratio",
    "breakeven_growth": "share a year",
    "marginal_coverage": "ratio",
    "breakeven_revenue_usd": "USD a year",
    "required_revenue_usd": "USD a year",
    "attributable_revenue_usd": "USD a year",
    "remaining_life_years": "years",
}
GROWN = {"lowest": tests.WITHIN_LOWEST, "highest": tests.BEYOND_HIGHEST}

# ---- Conditions ------------------------------------------------------------------------------------------------------


def conditions(
    capex_group: pl.DataFrame,
    waste_simulation: pl.DataFrame,
    waste_probabilities: pl.DataFrame,
    waste_sensitivity: pl.DataFrame,
    attributable_revenue: pl.DataFrame,
    value_of_information: pl.DataFrame,
    *,
    assumptions: Assumptions,
) -> Conditions:
    """For each revenue view of the scope: does growth recover the capital, and does the newest spend earn its share?"""
    draws = Simulated.of(waste_simulation, waste_probabilities, waste_sensitivity, assumptions)
    bounded = _bounded(attributable_revenue)
    found: dict[str, list[Condition]] = {}
    for scope in SCOPES:
        own = [each for view in VIEWS[scope] for each in _of_view(scope, view, draws, bounded, assumptions)]
        informing = simulated.informing(value_of_information, scope, "Q3")
        found[scope] = [covered(capex_group, assumptions), *own, *_leaning(scope, draws), *informing]
    return found


def _bounded(attributable_revenue: pl.DataFrame) -> Mapping[tuple[str, str], list[str]]:
    """Whose revenue is only known between bounds, by scope and view."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in attributable_revenue.filter(pl.col("used_as") == BOUND).sort("entity").to_dicts():
        found.setdefault((row["scope"], row["revenue_view"]), []).append(row["entity"])
    return found


def _of_view(
    scope: str,
    view: str,
    draws: Simulated,
    bounded: Mapping[tuple[str, str], list[str]],
    assumptions: Assumptions,
) -> list[Condition]:
    """The tests of one view, the figures behind them and where each driver turns them."""
    least = assumptions.number("q3_probability")
    between = bounded.get((scope, view), [])
    found = []
    for kind, (event, bound) in {**DECIDING, **BESIDE}.items():
        likely = draws.probabilities.get((scope, view, event, bound), {})
        found.append(
            Condition(
                kind=kind,
                view=view,
                quantity=event,
                value=likely.get("probability"),
                comparison=">=",
                threshold=least,
                unit="probability",
                decides=kind in DECIDING,
                entities=between,
                details={"bound": bound},
                **draws.behind(likely, (scope, view, "breakeven_growth", bound)),
            )
        )
    for quantity, unit in MEDIANS.items():
        for bound in (LOWER, UPPER, POINT):
            figure = draws.quantiles.get((scope, view, quantity, bound), {})
            found.append(
                Condition(
                    kind=f"{quantity}_median",
                    named=f"{quantity}_median_{bound}_{view}",
                    view=view,
                    quantity=quantity,
                    value=figure.get("p50"),
                    comparison=">=",
                    threshold=1.0 if unit == "ratio" else None,
                    unit=unit,
                    decides=False,
                    details={"bound": bound, "p95": figure.get("p95")},
                    **draws.behind(figure, (scope, view, quantity, bound)),
                )
            )
    for end, event in GROWN.items():
        likely = draws.probabilities.get((scope, view, event, POINT), {})
        found.append(
            Condition(
                kind="growth_seen",
                part=end,
                view=view,
                quantity=f"{end}_growth",
                value=likely.get("threshold"),
                comparison=">=",
                threshold=None,
                unit="share a year",
                decides=False,
                entities=[name for name in _grew(likely) if name in assumptions.value("labs")],
                **draws.behind(likely, (scope, view, "breakeven_growth")),
            )
        )
    others = [other for other in VIEWS[scope] if other != view]
    needs = {"needs_views": others} if others else None
    return [*found, *draws.turning_values(scope, view, "breakeven_growth", needs)]


def _grew(likely: Row) -> list[str]:
    """Whose growth was seen."""
    said = [read(each) for each in likely.get("reasons") or ()]
    return [name for each in said if each[CODE] == "growth_observed" for name in each["entities"]]


def _leaning(scope: str, draws: Simulated) -> list[Condition]:
    """The share of draws that meet each verdict's conditions by themselves, in every view."""
    found = []
    for verdict, event in LEANING_EVENTS.items():
        likely = draws.probabilities.get((scope, NO_VIEW, event), {})
        found.append(
            Condition(
                kind="leans",
                part=verdict,
                quantity=event,
                value=likely.get("probability"),
                comparison=">=",
                threshold=None,
                unit="probability",
                decides=False,
                **draws.behind(likely, (scope, NO_VIEW, event)),
            )
        )
    return found


# ---- Words -----------------------------------------------------------------------------------------------------------

ENDS = {LOWER: " at the lower bound of revenue", UPPER: " at the upper bound of revenue", POINT: ""}
TESTED = {
    GROWS: "that the lowest growth seen recovers the capital",
    EARNS: "that the newest spend earns more than the average",
    SHORT: "that revenue falls short",
    "growth_too_slow_at_lowest": "that the lowest growth seen does not recover the capital",
    "growth_too_slow_at_highest": "that not even the highest growth seen recovers the capital",
    "newest_spend_earns_less": "that the newest spend earns less than the average",
}
NAMED = {
    "coverage": "median coverage of required by attributable revenue",
    "breakeven_growth": "median growth a year at which revenue recovers the capital",
    "marginal_coverage": "median coverage of the newest spend by the revenue that came in a year",
    "breakeven_revenue_usd": "median revenue that would recover the capital at the lowest growth seen",
    "required_revenue_usd": "median revenue that the spend requires",
    "attributable_revenue_usd": "median attributable revenue",
    "remaining_life_years": "median remaining life",
}


def _view(row: Row) -> str:
    return view_in_words(row["revenue_view"])


def _tested(row: Row) -> str:
    return f"the probability ({_view(row)}){ENDS[row['bound']]} {TESTED[row['kind']]}"


def _median_of(row: Row) -> str:
    return f"the {NAMED[row['quantity']]} ({_view(row)}){ENDS[row['bound']]}"


def _open_because(row: Row) -> str:
    """What is missing, in a clause: the first reason that a reader can use."""
    return next((OPEN[code] for code in codes(row["reasons"]) if code in OPEN), "what decides is unknown")


def _leans(case: Case) -> Leaning:
    shares = {verdict: share for verdict in LEANING_EVENTS if (share := case.value(f"leans_{verdict}")) is not None}
    reasons = [each for row in case.of_kind("leans") for each in row["reasons"] or () if row["value"] is not None]
    return Leaning(shares, list(dict.fromkeys(reasons)))


def _remedies(case: Case) -> list[Remedy]:
    """The drivers that turn what a view says, those that have to move least first; where it is open, facts that settle it."""

    def turns(row: Row) -> Mapping[str, bool]:
        view, gives = row["revenue_view"], case.verdict != row["turns"]
        names = (SHORT,) if row["turns"] == FALLS_SHORT else (GROWS, EARNS) if row["turns"] == ON_COURSE else ()
        return {f"{name}_{view}": gives for name in names}

    drivers = simulated.driver_remedies(case, turns)
    return simulated.likeliest_first(drivers if case.is_decided else [*_missing_facts(case), *drivers])


def _missing_facts(case: Case) -> list[Remedy]:
    """Facts that would settle an open answer, each with what it would have to show."""
    views = VIEWS[case.scope]
    on_course = {f"{name}_{view}": name != SHORT for view in views for name in DECIDING}
    falls_short = {f"{name}_{view}": name == SHORT for view in views for name in DECIDING}
    if tells_nothing(case):
        return _disclosed_and_growing(case, on_course)
    if case.value(f"{EARNS}_{views[0]}") is not None:
        return []
    least = case[f"{SHORT}_{views[0]}"]["threshold"]
    learns = simulated.learning(case, EARLIER_REVENUE, views[0])
    too_slow = [case.value(f"growth_too_slow_at_lowest_{view}") or 0.0 for view in views]
    recovers = [case.value(f"{GROWS}_{view}") or 0.0 for view in views]
    if min(recovers) >= least:
        return [Remedy(EARLIER_SHOWS.format("more"), on_course, tries=EARLIER, **learns)]
    bounded = listed(case[f"{GROWS}_{views[0]}"]["entities"] or ["the rest"])
    if case.group is None and case.leaning == ON_COURSE:
        words = f"AI revenue of {bounded}, with everyone's of a year earlier, showing growth enough"
        return [Remedy(words, on_course, tries={"facts": "all_revenue"}, single=False)]
    if min(too_slow) >= least:
        return [Remedy(EARLIER_SHOWS.format("less"), falls_short, tries=EARLIER, **learns)]
    return []


def _disclosed_and_growing(case: Case, on_course: Mapping[str, bool]) -> list[Remedy]:
    """The revenue in the middle of what is estimated, if it were disclosed, and a growth at which it surely pays.

    At the median break-even growth it would pay in half of the draws; a verdict asks for more. What nineteen draws in twenty
    need is enough, as a revenue that is disclosed varies less than the one drawn.
    """
    view = VIEWS[case.scope][0]
    earns = case.value(f"attributable_revenue_usd_median_{POINT}_{view}")
    must = case.conditions.get(f"breakeven_growth_median_{POINT}_{view}", {}).get("p95")
    if earns is None or must is None or must >= HIGHEST_GROWTH:
        return []
    whole = ceil(100 * max(must, 0.0)) / 100
    words = f"AI revenue of about {money(earns)} a year that {_who_discloses(case)} and that grows over {per_cent(whole)} a year"
    tries = {"facts": "revenue_disclosed_and_growing", "usd": earns, "growth": whole}
    return [Remedy(words, on_course, tries=tries, single=False)]


def _who_discloses(case: Case) -> str:
    return f"{NAMES[case.scope]} discloses" if case.group else "all sellers disclose"


EARLIER = {"facts": "revenue_a_year_earlier"}
EARLIER_SHOWS = "last year's AI revenue showing that the newest spend earns {} than the average"


def _between(case: Case) -> str:
    return reason("clear_of_no_threshold")


QUESTION = Question(
    name="Q3",
    asks=ASKED["Q3"],
    verdicts={
        ON_COURSE: Verdict(
            "at the lower bound of revenue the lowest growth seen recovers the capital, and the newest spend earns more than "
            "the average, in every revenue view",
            ((f"{GROWS}_{{view}}", f"{EARNS}_{{view}}"),),
        ),
        FALLS_SHORT: Verdict(
            "at the upper bound of revenue not even the highest growth seen recovers the capital, or the lowest does not and "
            "the newest spend earns less than the average, in every revenue view",
            ((f"{SHORT}_{{view}}",),),
        ),
    },
    always=(simulated.COVERED,),
    assumes=("life", "discount_rate", "cash_margin", "ai_share", "growth"),
    conditions=conditions,
    figures=simulated.FIGURES
    | dict.fromkeys((*DECIDING, *BESIDE), Figure(_tested, open_because=_open_because))
    | {f"{quantity}_median": Figure(_median_of) for quantity in MEDIANS}
    | {
        "growth_seen": Figure(lambda row: f"the {row['quantity'].replace('_', ' ')} of AI revenue seen ({_view(row)})"),
        "leans": Figure(
            lambda row: (
                f"the share of draws that by themselves {row['quantity'].removeprefix('draw_').replace('_', ' ')}"
            )
        ),
    },
    headline=headline,
    statement=statement,
    remedies=_remedies,
    leans=_leans,
    briefly=briefly,
    silent=SILENT["Q3"],
    between=_between,
    words=simulated.WORDS
    | {"clear_of_no_threshold": "the probabilities of being on course and of falling short are clear of no threshold"},
    traces=(
        *simulated.traces("breakeven_growth"),
        Trace(
            "marts.attributable_revenue",
            "m.quantity in ('attributable_revenue_usd', 'coverage', 'marginal_coverage', 'lowest_growth', 'highest_growth') "
            "and t.scope = m.scope and t.revenue_view = m.revenue_view",
        ),
    ),
    facts=(simulated.CAPEX, Trace("core.evidence", "t.topic in ('ai_revenue', 'capacity')")),
    narrowed=simulated.NARROWED,
)
