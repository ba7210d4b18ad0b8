"""Reasons of the marts in `payback/`, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warehouse.marts.common.scopes import GROUP
from warehouse.marts.wording import Words

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


def _revenue_is_lower_bound(fields: Fields) -> str:
    missing = ", ".join(fields["entities"])
    return "revenue is a lower bound" + (f": nothing known of {missing}" if missing else "")


def _years(what: str) -> Words:
    """Vintages by company and year: `what: META 2022, MSFT 2022`."""

    def words(fields: Fields) -> str:
        return f"{what}: " + ", ".join(f"{each['ticker']} {each['year']}" for each in fields["vintages"])

    return words


def _so_far(fields: Fields) -> str:
    running = (f"{each['ticker']} {each['year']} ({each['quarters_known']} of 4)" for each in fields["vintages"])
    return f"by the quarters known so far: {', '.join(running)}"


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
        f"rents of {providers} provider{'s' * (providers != 1)} seen more than once "
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
    "inside_other_revenue": "already in the revenue of {entities}",
    "later_figure_known": "a later figure of the same entity is known",
    "no_ai_revenue_of_entity": "no AI revenue of it is known",
    # the simulation: why a quantity cannot be computed
    "no_year_of_training": _no_year_of_training,
    "no_capex": lambda fields: f"no capex of {_whose(fields)} is known",
    "no_ai_revenue": _no_ai_revenue,
    "endless_draws": _endless_draws,
    "only_what_decides": "only what decides was asked for",
    # the simulation: what to know of what was computed
    "training_of_year": _training_of_year,
    "no_reading_of_training": _no_reading,
    "reading_has_no_weight": "this reading is not drawn from, as its weight is zero",
    "inference_shares": "published inference shares: evidence {facts}",
    "no_inference_share": "no published estimate of the inference share of computing is known",
    "no_lab_split": "no lab's own split of its computing is known",
    "shown_and_not_drawn": "shown beside and not drawn from: a lab buys more training than a fleet carries",
    "revenue_is_lower_bound": _revenue_is_lower_bound,
    "capex_left_out": _years("left out, as their capex is unknown"),
    "capex_so_far": _so_far,
    "capex_without_leases": _years("without finance leases, as these are unknown"),
    # waste_sensitivity
    "nothing_rests_on_it": "no verdict rests on this figure while one glut signal is triggered",
    "never_turns": "no value within its range turns the verdict by itself",
    # glut_signals: unknown
    "no_price_on_two_days": "no specialist's on-demand {chip} price was seen on two days of the last {months} months",
    "no_fleet_utilisation": "no fact about the utilisation of a fleet is known",
    "backlog_unknown": "no company of the group has its backlog known in {quarters} quarters running",
    "too_few_firms": "changes of useful life or impairments are known of fewer than {firms} firms",
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
    "shortfall_at_most": "the revenue there is is a lower bound, so that the shortfall is at most this",
}
