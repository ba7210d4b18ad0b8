"""Reasons of the marts in `market/`, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warehouse.marts.common.words import Words

Fields = Mapping[str, Any]

# Of each test across firms: what it takes for granted, and when it is valid.
ASSUMES = {
    "portfolio": (
        "the portfolio's abnormal return on the event day has the variance of the estimation window and is near normal; "
        "nothing about the firms' correlation, which its own variance carries"
    ),
    "patell": "firms are independent, and each keeps the variance of its estimation window",
    "bmp": "firms are independent; the event may change their variance, by the same factor for all",
    "kolari_pynnonen": (
        "the mean correlation of abnormal returns is that of the estimation window; the event may change their variance"
    ),
    "corrado_rank": (
        "the event day is drawn like any other day; mean ranks of the days are near normal, whatever returns are"
    ),
}
VALID_WHEN = {
    "portfolio": (
        "the event does not make prices more volatile by itself and no calmer time is the yardstick for a wilder one"
    ),
    "patell": "firms have their events on different days and the event changes no variance: not here",
    "bmp": "firms have their events on different days: not here",
    "kolari_pynnonen": "several firms share one event day; with two or three firms it has next to no power",
    "corrado_rank": (
        "no calmer time is the yardstick for a wilder one, and there are two or more firms' worth of independent ranks, "
        "n / (1 + (n - 1) r) firms times days; with fewer a single day's statistic cannot exceed the root of 3 and never "
        "rejects at 5 %"
    ),
}


def _known_through(fields: Fields) -> str:
    through = fields["prices_known_through"]
    return f"prices are known through {through}" if through else "no prices are known"


def _day(day: str | None) -> str:
    return day or "a day outside the calendar"


def _billions(usd: float) -> str:
    return f"{usd / 1e9:,.1f} billion USD"


def _window_not_over(fields: Fields) -> str:
    return f"the window ends on {_day(fields['window_end'])} and {_known_through(fields)}"


def _estimation_returns_missing(fields: Fields) -> str:
    return (
        f"{fields['returns']} of {fields['needed']} estimation returns of {fields['ticker']}, "
        f"no price on {_day(fields['first_missing'])}"
    )


def _no_price_in_window(fields: Fields) -> str:
    return f"no price of {fields['ticker']} on {_day(fields['date'])} in the window"


def _rounding(fields: Fields) -> str:
    return (
        f"rounding: {_billions(fields['ours_usd'])} to the nearest {fields['unit_usd'] / 1e9:g} billion USD "
        f"is {_billions(fields['printed_usd'])}"
    )


def _another_close_or_share_count(fields: Fields) -> str:
    shares = f"{fields['shares'] / 1e9:.2f} billion"
    return (
        f"the close: {_billions(fields['printed_usd'])} is {shares} shares at a close of "
        f"{fields['implied_close_usd']:.2f} USD instead of the official {fields['close_usd']:.2f}; "
        f"or the share count: {fields['implied_shares'] / 1e9:.2f} billion at the official close instead of the "
        f"{shares} known that day"
    )


def _day_not_known(fields: Fields) -> str:
    return f"day {fields['day']} is {fields['date'] or 'outside the calendar'} and {_known_through(fields)}"


def _not_recovered(fields: Fields) -> str:
    return f"not back by day {fields['day']}, {fields['date']}"


def _variance_too_large(fields: Fields) -> str:
    return (
        f"the quiet days' variance is {fields['ratio']:.2f} times that of the windows before, "
        f"above {fields['limit']:.2f}"
    )


def _too_few_ranks(fields: Fields) -> str:
    days = fields["days"]
    return (
        f"the firms are worth {fields['independent_firms']:.1f} independent ones, "
        f"too few for the ranks of {days} day{'s' * (days > 1)}"
    )


WORDS: dict[str, Words] = {
    # The event's day.
    "event_moved": "{event_date} has no session, so the event moves to the next one, {session}",
    "no_session": "the calendar has no session on or after {event_date}",
    "window_not_over": _window_not_over,
    "day_not_known": _day_not_known,
    # Returns that are missing.
    "benchmark_against_itself": "a benchmark is not held against itself",
    "estimation_returns_missing": _estimation_returns_missing,
    "estimation_returns_of_a_share_missing": "{returns} of {needed} estimation returns of {ticker}",
    "estimation_returns_of_benchmark_missing": "not all {needed} estimation returns of {benchmark} are known",
    "no_price_in_window": _no_price_in_window,
    "price_repeated": "the bar of {ticker} on {date} repeats the one before and is not real",
    "price_two_bases": (
        "the bar of {ticker} on {date} and the one before it are on two bases: a split or another adjustment is in one of them"
    ),
    "share_counts_on_two_bases": (
        "the share count of {ticker} and the next one, of {measured_on}, are on two bases: a split between them is missing or "
        "told wrong"
    ),
    "closes_on_two_bases": "closes of {ticker} since the window began are on two bases, and its share count is on one",
    "no_price_until_day": "a price of {ticker} or of its benchmark is missing from day -1 to day {day}",
    "no_benchmark_return": "{benchmark} lacks a return in the estimation window or the event window",
    "no_exposure_return": "{benchmark} lacks a return in the estimation window",
    "no_firm_has_every_return": "none of the role's {firms} firms has every return of estimation and event window",
    "some_firms_have_every_return": (
        "{complete} of the role's {firms} firms have every return of estimation and event window"
    ),
    "no_firm_has_every_return_since": (
        "none of the role's {firms} firms has every return of the estimation window and after"
    ),
    "some_firms_have_every_return_since": (
        "{complete} of the role's {firms} firms have every return of the estimation window and after"
    ),
    # What a share and its benchmark have in common.
    "is_one_of_the_benchmark": "{ticker} is one of the {benchmark_firms} firms of {benchmark}, which it pulls along",
    "benchmark_is_in_portfolio": "{benchmark}, the benchmark, is one of the portfolio's {firms} firms",
    "portfolio_is_in_benchmark": (
        "{shared} of the portfolio's {firms} firms are among the {benchmark_firms} of {benchmark}, "
        "which they pull along"
    ),
    "benchmark_is_circular": (
        "{benchmark} is made of {benchmark_firms} of the panel's own firms, which met the same news: it is circular and "
        "hides what they have in common"
    ),
    # Windows that say little.
    "window_holds_other_news": "the window holds {what} ({date}), which moved the whole market",
    # Tests that cannot be made.
    "estimation_returns_do_not_vary": "the estimation returns do not vary enough to test anything",
    "one_firm_has_no_spread": "the spread across firms needs two firms or more",
    "too_few_firms_to_regress": (
        "{firms} firms have every figure, which is too few for {coefficients} coefficients; {needed} or more are needed"
    ),
    "no_quiet_day": "no day has an estimation window before it and a known window after it",
    # Tests that are not valid for firms with one common event day.
    "assumption_fails_on_a_common_day": lambda fields: (
        f"it takes for granted that {ASSUMES[fields['test']]}: not so on a common day"
    ),
    "variance_too_large": _variance_too_large,
    "too_few_ranks": _too_few_ranks,
    "not_valid_for_roles": lambda fields: f"not valid for {', '.join(fields['roles'])}",
    # Market values.
    "market_value_not_computed": "market values are given for firms and not for portfolios",
    "no_share_count": "no share count of {ticker} known by {known_by}",
    "no_close": "no close of {ticker} on {session}",
    "no_close_before": "no close of {ticker} on the session before {session}",
    "figures_of_different_signs": (
        "the printed figure and ours have different signs: no close or share count makes one from the other"
    ),
    "printed_figure_is_rounded": _rounding,
    "another_close_or_share_count": _another_close_or_share_count,
    "compilers_note": "its compiler notes: {note}",
    # Losses that came back, or did not.
    "no_loss_to_recover": lambda fields: f"day 0 was no loss ({round(100 * fields['event_day_return'], 2)} %)",
    "not_recovered": _not_recovered,
    "no_later_day": "no day after day 0 is known",
}
