"""Reasons of the marts in `capex/`, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warehouse.marts.common.words import Words

# Columns of `capex_quarterly` that a reason names.
FIGURES = {
    "capex_usd": "capex",
    "revenue_usd": "revenue",
    "operating_cash_flow_usd": "operating cash flow",
    "operating_income_usd": "operating income",
    "net_income_usd": "net income",
    "depreciation_usd": "depreciation",
    "finance_lease_principal_usd": "finance lease principal",
    "finance_lease_assets_usd": "assets obtained under finance leases",
    "property_and_equipment_net_usd": "net property",
    "property_and_equipment_gross_usd": "gross property",
    "remaining_performance_obligation_usd": "backlog",
}
# Months -> how long that is.


def _of_figures(why: str) -> Words:
    """`capex, revenue: ` and why these figures of a quarter are unknown."""

    def words(fields: Mapping[str, Any]) -> str:
        told = {n: ", ".join(v) if isinstance(v, list) else v for n, v in fields.items()}
        return f"{', '.join(FIGURES[name] for name in fields['figures'])}: {why.format_map(told)}"

    return words


BASES = {
    "cash": "cash paid",
    "cash_and_lease_principal": "cash paid and lease principal",
    "with_finance_leases": "all finance leases counted",
    "with_finance_leases_reclassified": "future finance leases counted as operating ones",
}


def _on_two_bases(fields: Mapping[str, Any]) -> str:
    """Which two bases: what is counted, or whose year."""
    before, after = (
        f"{BASES.get(fields[f'basis_{when}'], 'basis not said')}, {fields[f'year_kind_{when}']} year"
        for when in ("before", "after")
    )
    return (
        f"the guidance of {fields['issued_before_on']} ({before}) and that of {fields['issued_after_on']} ({after}) are on "
        "two bases"
    )


def _capex_not_known(fields: Mapping[str, Any]) -> str:
    return "its capex is not known" + (f": {fields['because']}" if fields["because"] else "")


WORDS: dict[str, Words] = {
    # capex_quarterly: figures that no fact gives
    "no_fact_of_figures": _of_figures("no fact of it is known"),
    "shorter_period_known_later": _of_figures(
        "the shorter period became known only after the longer one, so their basis may differ"
    ),
    "impossible_difference": _of_figures(
        "the difference of its two periods is below zero, or the shorter is far below one yet shorter"
    ),
    "two_series": _of_figures("the longer period is filed as {long_tag}, the shorter as {short_tag}, two series"),
    "no_shorter_period": _of_figures("a longer period is known, but not the shorter one to take from it"),
    "cannot_be_split": _of_figures("{first_day} to {last_day} is filed as one, and is no whole number of quarters"),
    # capex_quarterly: figures that may not be used
    "part_of_the_whole": _of_figures("filed as {short_tag}, which is a part of {long_tag}; a ratio on a part is none"),
    "larger_under_unlisted_tag": _of_figures(
        "{long_tag} holds much more than the listed tags, or what they lack; add the right tag to the list (sec_tags.toml)"
    ),
    "figures_quarantined": _of_figures("rows of it were quarantined ({checks}); see overbuild quality"),
    "told_twice": _of_figures("one day's filings give two figures for a period"),
    "more_than_the_longer_period": _of_figures(
        "not real: the printed quarter and what came before it exceed the longer period that holds them"
    ),
    "perhaps_year_to_date": _of_figures(
        "not real: as large as the year before it, under the quarter's dates, in a filing with no figure for the year to date"
    ),
    "on_two_bases": _of_figures("on two bases: the longer period was restated after the shorter was last filed"),
    "printed_against_derived": _of_figures("one filing prints the quarter and implies another figure for it"),
    "falls_off": _of_figures(
        "on two bases, it seems: the year less its first nine months is far below every quarter before it"
    ),
    "latest_quarter_unknown": _of_figures("nothing of {quarter} is known yet, while {others} filed theirs"),
    # capex_quarterly: what else to know of a quarter
    "capex_of_a_year_incomplete": "capex of four quarters running: one of them is unknown",
    "capex_of_a_year_under_several_tags": "capex of four quarters running: filed under more than one tag",
    "depreciation_of_a_year_incomplete": "depreciation of four quarters running: one of them is unknown",
    "depreciation_is_zero": "implied life: depreciation is zero",
    "cash_flow_not_above_zero": "capex to operating cash flow: the cash flow is not above zero",
    "revenue_is_zero": "ratios to revenue: revenue is zero",
    "fiscal_year_unknown": "fiscal year: the month that it ends in is not known",
    "first_day_unknown": "first day of the quarter: in no fact",
    "company_not_in_panel": "company: the ticker is not in the panel",
    # capex_group
    "group_capex_without": "capex without {tickers}: not known",
    "group_year_incomplete_before": "capex of four quarters: a company is missing in an earlier one",
    "group_year_incomplete": "capex of four quarters: null, as a company is missing",
    "group_leases_unknown": "with leases: assets obtained under finance leases by {tickers} are not known",
    "group_leases_without_capex": "with leases: no company's capex is known",
    "group_coverage_without": "coverage: no quarter's capex of {tickers} is known to put in its place",
    "group_spent_nothing": "coverage: nothing was spent",
    # capex_yearly
    "year_as_printed": "the year as printed, as not all of its quarters are known",
    "year_incomplete": "capex of {quarters} is not known ({quarters_known} of the year's 4 quarters are)",
    "year_of_more_than_four_quarters": "{quarters} fiscal quarters fall in this year, as the fiscal year moved: no sum of four",
    "year_without_revenue": "revenue of the whole year is not known",
    "year_without_leases": "assets obtained under finance leases in the whole year are not known",
    # capex_vintages
    "vintage_unknown": "capex of {ticker} in {quarter} is not known: counted from zero to the larger of the nearest "
    "known quarters ({neighbours})",
    "vintage_unbounded": "capex of {ticker} in {quarter} is not known, nor is that of any other quarter",
    "vintage_known_twice": "capex of {ticker} in {quarter}: two fiscal quarters have their middle in it, so it is not known",
    "vintage_cash_only": "cash capex of {ticker} in {quarter} only: no filing gives the assets it obtained under finance leases",
    # capex_vs_training
    "capex_of_quarter_unknown": _capex_not_known,
    "programme_estimated": "no programme or hardware of the developer's own is known: estimated as its final run over the "
    "share of research computing that final runs take ({share_low:g} to {share_high:g})",
    # capex_guidance_change
    "fiscal_year_end_unknown": "the end of its fiscal year is not known",
    "no_guidance_after_event": "no guidance for {year} was given after the event, as far as is known",
    "guidance_on_two_bases": _on_two_bases,
    "no_figure_to_hold_guidance_against": (
        "no guidance for {year} was known at the event, and what was spent in {last_year} is not known on the basis of the "
        "guidance"
    ),
    "guidance_held_against_last_year": (
        "no guidance for {year} was known at the event: held against what was spent in {last_year}"
    ),
    "no_guidance_to_compare": "no buyer has guidance after the event with a figure to hold it against",
    "guidance_sum_without": "without {tickers}: no guidance after the event with a figure to hold it against",
}
