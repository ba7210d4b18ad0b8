"""What is said of payback: what revenue covers, how fast it has to grow beside how fast it was seen to, and what is open.

Every figure is read from the conditions of Q3, so that no sentence can say what was not computed. A company's sentences say
its own figures; the group's say both of its views of revenue.
"""

from __future__ import annotations

from warehouse.marts.common.in_words import NAMES, capital, fraction, listed, money, per_cent, sentences, under
from warehouse.marts.common.reasons import codes
from warehouse.marts.common.scopes import VIEWS
from warehouse.marts.payback.breakeven_tests import FALLS_SHORT, ON_COURSE
from warehouse.marts.payback.model import LOWER, POINT, UPPER
from warehouse.marts.verdict.question import Case

GROWS = "growth_recovers_capital"  # the condition that carries why a view is open
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


def tells_nothing(case: Case) -> bool:
    """Whether revenue may be nothing at all, for all that is known."""
    ends = _medians(case, "coverage", VIEWS[case.scope][0])
    return ends is not None and ends[0] == 0


def headline(case: Case) -> str:
    """The answer in one sentence."""
    if case.verdict == ON_COURSE:
        return f"{capital(_whose(case))} AI revenue grows faster than it must."
    if case.verdict == FALLS_SHORT:
        return f"AI revenue falls short: it grows too slowly to pay for {_spend(case)}."
    if _sells_nothing(case):
        return f"{NAMES[case.scope]} sells no computing, so its own business has to pay for its spend."
    if tells_nothing(case):
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


def statement(case: Case) -> str:
    """What is covered, what growth is needed and was seen, and what the newest spend earns; at most three sentences."""
    if _sells_nothing(case):
        return _own_question(case)
    if tells_nothing(case):
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
    pays, must = "The four's part of end customers' spending", _has_to(*growth)
    if seen := _seen(case, view):
        # The industry has one estimate; how fast it grows is seen of labs, whose revenue is inside it.
        grew = "labs grew" if case[f"growth_seen_lowest_{view}"]["entities"] else "it grew"
        return f"{pays} {must}; {grew} {seen}"
    return f"{pays} covers {_from_to(*ends)} and {must}"


def briefly(case: Case) -> str:
    """The one clause of it that the overall answer repeats."""
    if case.group and tells_nothing(case):
        return _covers(case)
    if case.group and not _sells_nothing(case):
        return _must_grow(case)
    return _own_gain(case) if case.group else _covers(case)
