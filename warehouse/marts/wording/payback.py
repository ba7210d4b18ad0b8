"""Reasons of the marts in `payback/`, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warehouse.marts.common.scopes import GROUP
from warehouse.marts.common.words import Words

Fields = Mapping[str, Any]
# What of ours stands for the input of a published estimate.
INPUTS = {
    "run_rate": "Nvidia's revenue of its last quarter, times four",
    "year": "capex of the four companies, each over its last four quarters known",
    "year_of_ai": "capex of the four companies, each over its last four quarters known, the share of it that is for AI",
    "invested": "capex of the four companies since the first vintage, the share of it that is for AI",
    "nothing": "none: it is a benefit and not a requirement",
}


def _no_year_of_training(fields: Fields) -> str:
    last = f" ({fields['year']}: {fields['because']})" if fields["because"] else ""
    return f"no year of training is known that is more than a lower bound and has a count of the world's fleet{last}"


def _training_of_year(fields: Fields) -> str:
    return f"training of {fields['year']}, disclosure rate {100 * fields['disclosure_rate']:.0f} %"


def _no_reading(fields: Fields) -> str:
    why = f": {fields['because']}" if fields["because"] else ""
    return f"no reading of the share of computing that trains has facts{why}"


EARLIER_REVENUE = "revenue_a_year_earlier"
# Driver -> what would be read to learn it.
LEARN_FROM = {
    "share_final": "how labs divide their research computing",
    "utilisation": "what owners measure of their fleets' utilisation",
    "fleet": "a census of the world's accelerators",
    "undisclosed_gross_up": "the training compute of closed labs' models",
    "training_share_readings": "a measured split of computing between training and inference",
    "inference_share": "a measured split of computing between training and inference",
    "efficiency_gain": "the cost of training one capability a year apart",
    "elasticity": "what labs spend on training as its price falls",
    "life": "what filings say of useful lives, impairments and resale prices",
    "discount_rate": "what the companies pay for capital",
    "cash_margin": "what filings say of segment margins before depreciation",
    "ai_share": "a split of capital expenditure by purpose in filings",
    "growth": "what the same sellers report next on the same basis",
    "attributable_revenue": "AI revenue in the seller's own filings or releases",
    "end customers": "a measured sum of what end customers pay for AI",
    EARLIER_REVENUE: "the seller's AI revenue of a year earlier, on the same basis",
}


def learn_from(driver: str) -> str:
    """What would be read to learn a driver; that of one seller or view by the driver it belongs to."""
    name = driver.partition(" (")[0]
    return LEARN_FROM[name] if name in LEARN_FROM else LEARN_FROM[name.partition(" ")[0]]


def _cloud_quarters(fields: Fields) -> str:
    several = fields["quarters"] != 1
    return f"{fields['quarters']} of the four quarters {'are' if several else 'is'} unknown and counted as the next known one"


def _growth_observed(fields: Fields) -> str:
    low, high = (f"{100 * fields[end]:.0f}" for end in ("low", "high"))
    seen = f"{low} %" if low == high else f"{low} to {high} %"
    return f"growth of {', '.join(fields['entities'])} was {seen} a year"


def _group_share(fields: Fields) -> str:
    low, high = (f"{100 * fields[end]:.0f}" for end in ("low", "high"))
    return f"the industry's revenue by the group's {low} to {high} % of the world's computing ({fields['on']})"


def _no_earlier(fields: Fields) -> str:
    whose = " and of ".join(fields["entities"]) or "any seller"  # a name may hold a comma
    return f"AI revenue of {whose} a year before {fields['on']} is unknown"


def _outside_of_growth(fields: Fields) -> str:
    parts = {"below -90 % a year": fields["below"], "above 2,000 % a year": fields["above"]}
    said = " and ".join(f"{where} in {share:.1%} of the draws" for where, share in parts.items() if share)
    return f"break-even growth is {said}"


def _quarters_unknown(fields: Fields) -> str:
    return f"unknown capex, from nothing to its larger neighbour: {', '.join(fields['quarters'])}"


def _views(fields: Fields) -> str:
    views = " and ".join(view.replace("_", "-") for view in fields["views"]) or "no"
    return f"the leaning goes by the {views} view alone"


def _no_ai_revenue(fields: Fields) -> str:
    view = fields["revenue_view"].replace("_", "-")
    return f"no attributable AI revenue of {_whose(fields)} is known ({view} view)"


def _whose(fields: Fields) -> str:
    return "the group" if fields["scope"] == GROUP else str(fields["scope"])


def _endless_draws(fields: Fields) -> str:
    return f"{fields['share']:.1%} of the draws have no finite value"


def _input_not_known(fields: Fields) -> str:
    return f"not recomputed: {INPUTS[fields['input']]} was not known by {fields['day']}"


# ---- What a glut signal was found from -----------------------------------------------------------------------------


def _rents_and_chips(fields: Fields) -> str:
    providers, chips = fields["providers"], fields["chips_fitted"]
    how = f"fitted to {chips} data-centre chips" if chips else "the cited figure"
    return (
        f"real rents of {providers} provider{'s' * (providers != 1)} seen more than once "
        f"{_moved(fields['rents_log_points'])} ({fields['offers']} offers since {fields['since']}), "
        f"new chips' price per FLOP/s {_moved(fields['chips_log_points'])} ({how})"
    )


def _moved(decline: float) -> str:
    """A yearly decline in words, so that a rise is not called a negative fall."""
    size = f"{abs(decline):.2f}"
    if float(size) == 0:
        return "did not change"
    return f"{'fell' if decline > 0 else 'rose'} by {size} log points a year"


def _backlog(fields: Fields) -> str:
    sums = " -> ".join(f"{usd / 1e9:,.0f}" for usd in fields["sums_usd"])
    return (
        f"backlog of {', '.join(fields['tickers'])}, last {len(fields['sums_usd'])} quarters to {fields['through']}: "
        f"{sums} billion USD"
    )


def _lives(fields: Fields) -> str:
    shortened, others = (", ".join(fields[name]) or "none" for name in ("shortened", "others"))
    return f"shortened or impaired: {shortened}; not: {others}"


WORDS: dict[str, Words] = {
    # attributable_revenue
    "no_yearly_ai_revenue": "{metric} in {unit} is no yearly revenue from AI of this view",
    "later_figure_known": "a later figure of the same entity is known",
    "no_ai_revenue_of_entity": "no AI revenue of it is known",
    "same_figure_of_better_grade": "the same figure of that day is known from a better source",
    "disclosed_figure_known": "the seller's own figure is known",
    "outside_estimate": "an outside estimate, not a disclosure: the middle between the bounds",
    "sells_no_computing": "it sells no computing, so that it has no infrastructure revenue",
    "bounded_by_whole_cloud": "{entity} gives no AI revenue: from none to its whole cloud revenue of the year to {through}",
    "cloud_quarters_unknown": _cloud_quarters,
    "estimate_too_old": "more than {days} days older than the newest estimate",
    "growth_of_labs_alone": "inside the industry's revenue; it shows growth alone",
    "another_basis": "{metric} is another basis, shown beside",
    "revenue_in_other_currency": "a revenue in {unit} is not one in US dollars a year",
    "revenue_negative": "a revenue below zero is none (evidence {evidence_id})",
    "revenue_range_reversed": "the figure lies outside its own range (evidence {evidence_id})",
    "revenue_quarantined": "the newest AI revenue of {entity}, of {day}, waits in quarantine ({evidence_id}: {check}), and no "
    "older one stands for it; see overbuild quality",
    "later_figure_quarantined": "a later figure waits in quarantine (evidence {evidence_id})",
    "revenue_zero": "a revenue of zero covers nothing at any growth (evidence {evidence_id})",
    # the simulation: why a quantity cannot be computed
    "no_year_of_training": _no_year_of_training,
    "no_capex": lambda fields: f"no capex of {_whose(fields)} is known",
    "no_capex_by": "no quarter of capex had been spent by {on}",
    "one_vintage": lambda fields: f"of the capex of {_whose(fields)} only one quarter is known by {fields['on']}",
    "capex_unbounded": "no quarter of {ticker}'s capex is known that would bound the unknown ones",
    "no_ai_revenue": _no_ai_revenue,
    "revenue_unbounded": "nothing bounds the AI revenue of {entities}",
    "group_share_unknown": "the group's share of the world's computing is unknown",
    "no_revenue_a_year_earlier": _no_earlier,
    "no_capex_before": "the capex of the four quarters whose service had begun by {on} is unknown",
    "no_growth_observed": "no growth of AI revenue was seen",
    "endless_draws": _endless_draws,
    "outside_of_growth": _outside_of_growth,
    "only_what_decides": "only what decides was asked for",
    # the simulation: what to know of what was computed
    "training_of_year": _training_of_year,
    "no_reading_of_training": _no_reading,
    "reading_has_no_weight": "this reading is not drawn from, as its weight is zero",
    "inference_shares": "published inference shares: evidence {facts}",
    "no_inference_share": "no published estimate of the inference share of computing is known",
    "no_lab_split": "no lab's own split of its computing is known",
    "shown_and_not_drawn": "shown beside and not drawn from: a lab buys more training than a fleet carries",
    "capex_quarters_unknown": _quarters_unknown,
    "capex_cash_only": "cash alone in quarters whose finance leases are unknown: {tickers}",
    "revenue_of_an_earlier_day": "{entity}'s revenue is of {day}, set against the spend to {on}",
    "growth_assumed": "no growth was seen: it is drawn as assumed",
    "growth_observed": _growth_observed,
    "group_share": _group_share,
    "year_earlier_interpolated": "{entity}'s revenue a year earlier lies between its figures of {first} and {last}",
    # waste_probabilities: the leaning
    "leaning_by_some_views": _views,
    "leaning_by_assumed_growth": "no growth was seen, so that the leaning goes by the growth drawn",
    "leaning_by_growth_alone": "marginal coverage is unknown, so that the leaning goes by growth alone",
    # value_of_information
    "known_already": "it is one figure already",
    # breakeven_path
    "path_has_no_end": "in some of the draws no growth up to 2,000 % a year breaks even",
    # waste_sensitivity
    "never_turns": "no value within its range turns the verdict by itself",
    "turns_the_leaning": "no verdict can be reached, so that this turns the leaning",
    # glut_signals: unknown
    "no_price_on_two_days": "no specialist's on-demand {chip} price was seen on two days of the last {months} months",
    "no_fleet_utilisation": "no owner's measurement of its fleet's utilisation is known of the last 18 months",
    "backlog_unknown": "no company of the group has its backlog known in {quarters} recent quarters running, on one definition",
    "too_few_firms": "changes of useful life or impairments of the last 18 months are known of fewer than {firms} firms",
    # glut_signals: found
    "rents_and_chips": _rents_and_chips,
    "fleet_utilisation": "{entity} at {day} (evidence {evidence_id})",
    "backlog": _backlog,
    "lives_of_equipment": _lives,
    # published_estimates
    "no_spend_in_it": "not recomputed: no spend of ours enters a benefit to the whole economy",
    "input_not_known": _input_not_known,
    "published_input_not_known": "not recomputed: what the estimate was published for is not known",
    "no_end_customer_revenue": "not recomputed: no AI revenue of end customers was known by {day}",
    "all_revenue_of_supplier": "all of Nvidia's revenue, data centres being most of it",
    "companies_of_an_industry": "four companies, where the estimate speaks of an industry",
}
