"""Bodies of companyfacts as documents, for every source that brings them: where each is, whose it is, what it says.

A body names a company by its CIK alone. The ticker, and the month that its fiscal years end in where that is known, are the
document's context.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import msgspec

from warehouse.errors import DocumentError
from warehouse.sources.common import companyfacts
from warehouse.sources.common.edgar import kept
from warehouse.sources.common.source import Batch, Document, Fetching, Joint, Together
from warehouse.sources.common.unpacking import unpacked
from warehouse.tables import CORE
from warehouse.tables.sec_tags import tags

FACTS_URL = "https://data.sec.gov/api/xbrl/companyfacts/CIK{cik:010}.json"
TICKERS_URL = "https://www.sec.gov/files/company_tickers.json"
TICKERS_FRESH_FOR, TICKERS_FRESH_AGAIN = timedelta(days=7), timedelta(hours=1)
"""How old the list of tickers may be, and how old where it lacks a ticker."""
TICKER, YEAR_END_MONTH = "ticker", "fiscal_year_end_month"
"""What the context of a body says."""


class Listed(msgspec.Struct):
    """An entry of the SEC's list of tickers."""

    ticker: str
    cik_str: int | str


def listed(fetching: Fetching, fresh_for: timedelta) -> dict[str, int]:
    """The SEC's list of tickers with their CIKs; empty where it could not be fetched, which is noted."""
    found = kept(fetching, TICKERS_URL, "SEC list of tickers", dict[str, Listed], fresh_for) or {}
    return {entry.ticker.upper(): int(entry.cik_str) for entry in found.values()}


# -- what a body says -------------------------------------------------------------------------------------------------


def _read(document: Document) -> companyfacts.Reading:
    """The rows of a body. Raises DocumentError where it is no companyfacts body, or another company's."""
    cik, taxonomies = companyfacts.taxonomies_of(unpacked(document.body, document.name), document.name)
    if document.url != FACTS_URL.format(cik=cik):
        raise DocumentError(document.name, f"the body is about CIK {cik}, which was not asked for ({document.url}).")
    month = document.context.get(YEAR_END_MONTH)
    company = companyfacts.Company(document.context[TICKER], cik, int(month) if month else None)
    return companyfacts.read(taxonomies, tags(company.ticker), document.name, company, document.sha256)


def _join(readings: Sequence[companyfacts.Reading]) -> Joint:
    found = companyfacts.joined(readings)
    facts, shares = CORE["company_facts"], CORE["shares_outstanding"]
    of_each = [
        (
            Batch(facts, facts.empty(), of.unreadable, of.notices),
            Batch(shares, shares.empty(), also.unreadable, also.notices),
        )
        for of, also in zip(found.said_of_facts, found.said_of_shares, strict=True)
    ]
    return Joint((Batch(facts, found.facts), Batch(shares, found.shares)), of_each)


def parse(document: Document) -> Iterator[Batch]:
    """The figures and the share counts of one body. Raises DocumentError where it is none."""
    joint = _join([_read(document)])
    for batch, own in zip(joint.batches, joint.of_each[0], strict=True):
        yield replace(own, frame=batch.frame.drop("document_sha256"))


TOGETHER = Together(_read, lambda reading: len(reading.rows), _join)
