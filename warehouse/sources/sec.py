"""Figures from filings, as the SEC gives them: every fact of a company by tag, unit, period and filing (companyfacts).

A body holds a company's whole history, and each filing repeats last year's figures under this year's labels, year to
date and restated. Nothing is decided here about which of them counts. Every row of the tags that stand for a measure
(sec_tags.toml) becomes a row with its own period, filing and filing date. The marts work the quarters out.

The month in which a company's fiscal year ends is the panel's, else the SEC's (submissions), else its annual reports'. A
body names a company by its CIK alone: the ticker, and the month where it is known, are the document's context. How a body
is read stands in `warehouse.sources.common.companyfacts`.

A body is asked for at every run, on the condition that it has changed. Where the host sends nothing to make that
condition of, its hash says so. Asking first whether anything was filed (submissions) would spare a quarter of a
megabyte a company. But a body may follow its filing by hours, and what is not asked for then is missing without a word.

How the SEC is asked stands in `warehouse.sources.common.edgar`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import msgspec

from warehouse.calendars.fiscal import named_month
from warehouse.sources.common.company_bodies import (
    FACTS_URL,
    TICKER,
    TICKERS_FRESH_AGAIN,
    TICKERS_FRESH_FOR,
    TICKERS_URL,
    TOGETHER,
    YEAR_END_MONTH,
    listed,
    parse,
)
from warehouse.sources.common.edgar import ACCESS, SUBMISSIONS_URL, kept
from warehouse.sources.common.source import Fetching, Received, Source
from warehouse.tables.sec_tags import fingerprint

SUBMISSIONS_FRESH_FOR = timedelta(days=1)


# -- what to ask for --------------------------------------------------------------------------------------------------


class Submissions(msgspec.Struct):
    """What is needed of a submissions body."""

    fiscalYearEnd: str | None = None


def _fetch(fetching: Fetching) -> Iterator[Received]:
    """The facts of each company of the panel that has a CIK, and of the tickers that the user added."""
    companies = {
        ticker: (cik, month)
        for ticker, cik, month in fetching.rows("companies", "ticker", "cik", "fiscal_year_end_month")
        if cik is not None
    }
    added = [ticker.upper() for ticker in fetching.settings.tickers if ticker.upper() not in companies]
    if added:
        companies |= _looked_up(added, fetching)
    for ticker, (cik, month) in sorted(companies.items()):
        context = {TICKER: ticker}
        if month := month or _year_end_month(ticker, cik, fetching):
            context[YEAR_END_MONTH] = str(month)
        if received := fetching.get(FACTS_URL.format(cik=cik), name=f"SEC facts of {ticker}", expect="json"):
            yield replace(received, context=context)


def _looked_up(tickers: list[str], fetching: Fetching) -> dict[str, tuple[int, int | None]]:
    """CIKs of the tickers that a user added, by the SEC's own list and as it spells them (BRK.B is its BRK-B).

    A ticker that it does not have is noted.
    """
    ciks = listed(fetching, TICKERS_FRESH_FOR)
    if ciks and not all(_spelt(ticker, ciks) for ticker in tickers):  # it may be newer than the list
        ciks = listed(fetching, TICKERS_FRESH_AGAIN)
    if not ciks:
        return {}
    found: dict[str, tuple[int, int | None]] = {}
    for ticker in tickers:
        if spelt := _spelt(ticker, ciks):
            found[spelt] = (ciks[spelt], None)
        else:
            fetching.failed(
                f"OVERBUILD_TICKERS: {ticker}", "the SEC has no such ticker; correct or remove it", TICKERS_URL
            )
    return found


def _spelt(ticker: str, ciks: dict[str, int]) -> str | None:
    """A ticker as the list has it; None where it does not."""
    return next((way for way in (ticker, ticker.replace(".", "-").replace("/", "-")) if way in ciks), None)


def _year_end_month(ticker: str, cik: int, fetching: Fetching) -> int | None:
    """Month in which a company's fiscal year ends, as the SEC has it (`0130` is the end of January)."""
    url, name = SUBMISSIONS_URL.format(cik=cik), f"SEC submissions of {ticker}"
    found = kept(fetching, url, name, Submissions, SUBMISSIONS_FRESH_FOR, absent_ok=True)
    given = (found.fiscalYearEnd if found else None) or ""
    try:
        return named_month(date(2024, int(given[:2]), int(given[2:])))
    except ValueError:
        return None  # its annual reports say it too


SOURCES = (
    Source(
        name="sec",
        kind="live",
        feed="capex",
        gives="figures of companies' filings since 2009, every filing's row, and share counts",
        tables=("company_facts", "shares_outstanding"),
        fetch=_fetch,
        parse=parse,
        max_bytes=50_000_000,
        reads_by=fingerprint(),
        together=TOGETHER,
        **ACCESS,
    ),
)
