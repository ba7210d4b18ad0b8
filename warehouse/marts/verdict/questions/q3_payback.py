"""Q3: does the whole spend earn its cost of capital (method 5)?

Coverage below one is normal early in a build-out and decides nothing. What decides is whether revenue, growing no faster
than it has been seen to, recovers the capital that stands, and whether the newest money earns more than the average or
less. A company is seen as a seller of computing (infrastructure); the group also through what end customers pay, and has
to get the same answer in both views. Being on course is asked at the lower bound of revenue and falling short at the upper
one, so that a seller who tells nothing can neither save a verdict nor spoil it.

Like every question it is one file, which makes it long: its words read its conditions and nothing else does.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.in_words import NAMES, capital, fraction, listed, money, per_cent, sentences, under
from warehouse.marts.common.mart import Trace
from warehouse.marts.common.reasons import CODE, codes, read, reason
from warehouse.marts.common.scopes import SCOPES, VIEWS
from warehouse.marts.payback import breakeven_tests as tests
from warehouse.marts.payback.attributable_revenue import BOUND
from warehouse.marts.payback.model import LOWER, NO_VIEW, POINT, UPPER
from warehouse.marts.payback.recovery import HIGHEST_GROWTH
from warehouse.marts.payback.waste_probabilities import LEANING_EVENTS
from warehouse.marts.verdict import simulated
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
GROWS, EARNS, SHORT = "growth_recovers_capital", "newest_spend_earns_more", "revenue_falls_short"
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
OPEN = {
    "revenue_quarantined": "the newest AI revenue waits in quarantine",
    "revenue_zero": "the newest AI revenue is said to be zero",
    "revenue_negative": "the newest AI revenue is said to be negative",
    "revenue_range_reversed": "the newest AI revenue lies outside its own range",
    "revenue_in_other_currency": "the newest AI revenue is in another currency",
    "sells_no_computing": "it sells no computing",
    "no_ai_revenue": "no AI revenue is known",
    "no_growth_observed": "no growth of AI revenue has been seen",
    "no_revenue_a_year_earlier": "AI revenue a year earlier is unknown",
    "group_share_unknown": "the four's share of the world's computing is unknown",
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


def _whose(case: Case) -> str:
    return f"{NAMES[case.scope]}'s" if case.group else "the four's"


def _spend(case: Case) -> str:
    return f"{NAMES[case.scope]}'s spend" if case.group else "the spend"


def _medians(case: Case, quantity: str, view: str) -> tuple[float, float] | None:
    """The medians at the lower and the upper bound of revenue, the smaller first; None where one is unknown."""
    ends = [case.value(f"{quantity}_median_{bound}_{view}") for bound in (LOWER, UPPER)]
    known = sorted(value for value in ends if value is not None)
    return (known[0], known[1]) if len(known) == 2 else None


def _sells_nothing(case: Case) -> bool:
    return any("sells_no_computing" in codes(row["reasons"]) for row in case.of_kind(GROWS))


def _tells_nothing(case: Case) -> bool:
    """Whether revenue may be nothing at all, for all that is known."""
    ends = _medians(case, "coverage", VIEWS[case.scope][0])
    return ends is not None and ends[0] == 0


def _headline(case: Case) -> str:
    if case.verdict == ON_COURSE:
        return f"{capital(_whose(case))} AI revenue grows faster than it must."
    if case.verdict == FALLS_SHORT:
        return f"AI revenue falls short: it grows too slowly to pay for {_spend(case)}."
    if _sells_nothing(case):
        return f"{NAMES[case.scope]} sells no computing, so its own business has to pay for its spend."
    if _tells_nothing(case):
        who = f"{NAMES[case.scope]} does" if case.group else "Sellers of computing do"
        return f"{who} not say what AI earns, so whether {_spend(case)} pays is open."
    covers = [ends for view in VIEWS[case.scope] if (ends := _medians(case, "coverage", view))]
    if not covers:
        return f"Whether {_spend(case)} pays cannot be told: {_nothing_to_cover(case)}."
    most = max(high for _, high in covers)
    if min(low for low, _ in covers) >= 1 and _newest_earns_less(case):
        return f"AI revenue covers what {_spend(case)} needs, but the newest spend earns less than the average."
    if most >= 0.95:
        return f"AI revenue may cover what {_spend(case)} needs; growth decides."
    return f"Known AI revenue covers {under(most)} of what {_spend(case)} needs; growth decides."


def _nothing_to_cover(case: Case) -> str:
    """Why there is no revenue to set against the spend."""
    why = next((OPEN[code] for row in case.of_kind(GROWS) for code in codes(row["reasons"]) if code in OPEN), None)
    return "no AI revenue of it is known" if why in (None, OPEN["no_ai_revenue"]) else str(why)


def _statement(case: Case) -> str:
    if _sells_nothing(case):
        return _own_question(case)
    if _tells_nothing(case):
        return sentences(_covers(case), _at_the_middle(case))
    last = _newest(case) if case.group else _end_customers(case)
    return (
        sentences(_covers(case), _must_grow(case), last)
        or "Neither what it earns nor what it would have to earn can be compared."
    )


def _own_question(case: Case) -> str:
    """What the gains of a company that sells no computing would have to be, and how fast they would have to grow."""
    needs = _own_needs(case)
    if needs is None:
        return sentences(_own_gain(case))
    grows = f"That gain would have to grow {per_cent(needs[1])} a year, the slowest that clouds' AI revenue has grown"
    return sentences(_own_gain(case), grows)


def _own_gain(case: Case) -> str:
    needs = _own_needs(case)
    if needs is None:
        return "What its advertising would have to gain by AI is not known"
    return f"Its advertising would have to gain {money(needs[0])} a year by AI"


def _own_needs(case: Case) -> tuple[float, float] | None:
    """The gain (USD a year) that would pay for its spend, and the growth (share a year) at which it would."""
    view = VIEWS[case.scope][0]
    needed, grown = case.value(f"breakeven_revenue_usd_median_{POINT}_{view}"), case.value(f"growth_seen_lowest_{view}")
    return None if needed is None or grown is None else (needed, grown)


def _covers(case: Case) -> str:
    ends = _medians(case, "coverage", VIEWS[case.scope][0])
    if ends is None:
        return ""
    low, high = (fraction(end) for end in ends)
    part, most = (_part_of(end) for end in ends)
    whose = f"{NAMES[case.scope]}'s" if case.group else "Sellers'"
    if low == high:
        return f"{whose} known AI revenue covers {part} what the spend requires"
    named: list[list[str]] = [row["entities"] for row in case.of_kind(GROWS) if row["entities"]]
    bounded = listed(named[0] if named else ["the rest"])
    if ends[0] == 0:
        return f"If all of {bounded}'s revenue came from AI, it would cover {most} what the spend requires"
    return f"{whose} known AI revenue covers {part} what the spend requires, at most {high} with all of {bounded}'s"


def _part_of(share: float) -> str:
    """`a sixth of`, `1.5 times`: as it stands before what is required."""
    said = fraction(share)
    return said if said.endswith(" times") else f"{said} of"


def _has_to(low: float, high: float) -> str:
    """`must grow 66 to 154 % a year`; where less than today's revenue would do, by how much it may fall."""
    if high < 0:
        return f"may fall {_from_to(-high, -low)} a year"
    return f"must grow {_from_to(low, high) if low > 0 else 'at most ' + per_cent(abs(high))} a year"


def _at_the_middle(case: Case) -> str:
    """Between the bounds: what is estimated, or the middle."""
    view = VIEWS[case.scope][0]
    covers, must = (case.value(f"{name}_median_{POINT}_{view}") for name in ("coverage", "breakeven_growth"))
    if covers is None or must is None:
        return ""
    return f"In the middle case it covers {fraction(covers)} and {_has_to(must, must)} to pay"


def _must_grow(case: Case) -> str:
    view = VIEWS[case.scope][0]
    ends, seen = _medians(case, "breakeven_growth", view), _seen(case, view)
    if ends is None:
        return ""
    must = f"To pay, {_whose(case)} AI revenue {_has_to(*ends)}"
    return f"{must}; it has grown {seen}" if seen else f"{must}; how fast it grows is not known"


WIDE = 2.0  # what the fastest year seen made of a dollar over what the slowest did: from there on a range says little


def _seen(case: Case, view: str) -> str:
    """The growth seen; `anywhere from` where its ends are so far apart that no reader should think of their middle."""
    low, high = (case.value(f"growth_seen_{end}_{view}") for end in ("lowest", "highest"))
    if low is None or high is None:
        return ""
    return f"{'anywhere from ' if 1 + high >= WIDE * (1 + low) else ''}{_from_to(low, high)}"


def _from_to(low: float, high: float) -> str:
    first, last = per_cent(low), per_cent(high)
    return first if first == last else f"{first.removesuffix(' %')} to {last}"


def _marginal(case: Case) -> tuple[float | None, float | None]:
    """What a year's new revenue covers of a year's spend, and revenue of the whole; medians at the lower bound."""
    view = VIEWS[case.scope][0]
    newest, average = (case.value(f"{name}_median_{LOWER}_{view}") for name in ("marginal_coverage", "coverage"))
    return newest, average


def _newest_earns_less(case: Case) -> bool:
    newest, average = _marginal(case)
    return newest is not None and newest <= (average or 0.0)


def _newest(case: Case) -> str:
    newest, average = _marginal(case)
    if newest is None:
        return "What it earned a year earlier is not known, so no verdict can be reached" if average else ""
    side = "less" if _newest_earns_less(case) else "more"
    return f"A year's new revenue covers {_part_of(newest)} what a year's spend requires, {side} than the average"


def _end_customers(case: Case) -> str:
    """The group's second view: what it has to grow against what was seen, else what it covers."""
    view = VIEWS[case.scope][-1]
    ends, growth = (_medians(case, name, view) for name in ("coverage", "breakeven_growth"))
    if view == VIEWS[case.scope][0] or ends is None or growth is None:
        return ""
    pays, must = "The four's part of what end customers pay", _has_to(*growth)
    if seen := _seen(case, view):
        # The industry has one estimate; how fast it grows is seen of labs, whose revenue is inside it.
        grew = "labs grew" if case[f"growth_seen_lowest_{view}"]["entities"] else "it has grown"
        return f"{pays} {must}; {grew} {seen}"
    return f"{pays} covers {_from_to(*ends)} and {must}"


def _briefly(case: Case) -> str:
    if case.group and _tells_nothing(case):
        return _covers(case)
    if case.group and not _sells_nothing(case):
        return _must_grow(case)
    return _own_gain(case) if case.group else _covers(case)


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
    if _tells_nothing(case):
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
    asks="Does the spending pay?",
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
    headline=_headline,
    statement=_statement,
    remedies=_remedies,
    leans=_leans,
    briefly=_briefly,
    silent="Little coverage early in a build-out is normal, and gains outside revenue are not counted.",
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
