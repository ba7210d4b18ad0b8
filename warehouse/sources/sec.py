"""Figures from filings, as the SEC gives them: every fact of a company by tag, unit, period and filing (companyfacts).

A body holds a company's whole history, and each filing repeats last year's figures under this year's labels, year to
date and restated. Nothing is decided here about which of them counts. Every row of the tags that stand for a measure
(sec_tags.toml) becomes a row with its own period, filing and filing date. The marts work the quarters out.

`fy` and `fp` name the filing and not the period. So the fiscal year and quarter of a row come from its own days and the
month in which the company's fiscal year ends. That month is the panel's, else the SEC's (submissions), else its annual
reports'. A body names a company by its CIK alone: the ticker, and the month where it is known, are the document's
context.

A body is asked for at every run, on the condition that it has changed. Where the host sends nothing to make that
condition of, its hash says so. Asking first whether anything was filed (submissions) would spare a quarter of a
megabyte a company. But a body may follow its filing by hours, and what is not asked for then is missing without a word.

How the SEC is asked stands in `warehouse.sources.common.edgar`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from operator import attrgetter
from typing import Annotated, Any

import msgspec
import polars as pl

from warehouse.calendars.fiscal import (
    DAYS_OVER_MONTH_END,
    LENGTHS_DAYS,
    fiscal_quarter,
    fiscal_year,
    in_order_of_the_year,
    named_month,
    period_type,
)
from warehouse.errors import DocumentError
from warehouse.sources.common import json_text
from warehouse.sources.common.edgar import ACCESS, SUBMISSIONS_URL, decoded, kept
from warehouse.sources.common.parsing import INT64
from warehouse.sources.common.reasons import UNREADABLE_SCHEMA, Reason, because, reason
from warehouse.sources.common.source import Batch, Document, Fetching, Received, Source
from warehouse.sources.common.unpacking import unpacked
from warehouse.tables import CORE
from warehouse.tables.sec_tags import FILE, Measure, fingerprint, tags

FACTS_URL = "https://data.sec.gov/api/xbrl/companyfacts/CIK{cik:010}.json"
TICKERS_URL = "https://www.sec.gov/files/company_tickers.json"
CURRENCY = "USD"
SHARES = ("dei", "EntityCommonStockSharesOutstanding", "shares")
CAPEX = "purchases_of_property_and_equipment"
UNLISTED_CAPEX = "unlisted_capital_expenditure"
ESSENTIAL = (CAPEX, "revenue")
"""A company without these is of no use here; others may well be without."""
CAPEX_LIKE = ("PaymentsToAcquire", "PaymentsFor", "CapitalExpenditure")
BOUGHT = re.compile(
    r"^(PaymentsToAcquire|PaymentsFor|CapitalExpenditure)(?!.*(Incurred|NotYetPaid|Investment|Securities|Business|Lease))"
    r".*(Propert|Plant|Equipment|Machinery|Productive|Construction|Building|Facilit|FixedAsset|Vehicle|Vessel|Expenditure)"
)
"""Tags of what is bought to be used, listed or not: not securities, not companies, not what is owed yet."""
LARGER = 2
"""An unlisted tag of what is bought with so many times the listed one's figures holds the company's capex."""
ONE_QUARTER_LATE = timedelta(days=80)
TRANSITION_REPORTS = ("10-KT", "10-KT405")
ANNUAL_REPORTS = ("10-K", "10-K405", "20-F", "40-F")
TICKERS_FRESH_FOR, TICKERS_FRESH_AGAIN = timedelta(days=7), timedelta(hours=1)
"""How old the list of tickers may be, and how old where it lacks a ticker."""
SUBMISSIONS_FRESH_FOR = timedelta(days=1)
TICKER, YEAR_END_MONTH = "ticker", "fiscal_year_end_month"
"""What the context of a body says."""

DAYS = ("start", "end", "filed")
TAGS_NAMED = 6
NONE_UNREADABLE = pl.DataFrame(schema=UNREADABLE_SCHEMA)


# -- what to ask for --------------------------------------------------------------------------------------------------


class Listed(msgspec.Struct):
    """An entry of the SEC's list of tickers."""

    ticker: str
    cik_str: int | str


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
    ciks = _listed(fetching, TICKERS_FRESH_FOR)
    if ciks and not all(_spelt(ticker, ciks) for ticker in tickers):  # it may be newer than the list
        ciks = _listed(fetching, TICKERS_FRESH_AGAIN)
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


def _listed(fetching: Fetching, fresh_for: timedelta) -> dict[str, int]:
    """The SEC's list of tickers with their CIKs; empty where it could not be fetched, which is noted."""
    found = kept(fetching, TICKERS_URL, "SEC list of tickers", dict[str, Listed], fresh_for) or {}
    return {entry.ticker.upper(): int(entry.cik_str) for entry in found.values()}


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


# -- what a body says -------------------------------------------------------------------------------------------------


class Body(msgspec.Struct):
    """A companyfacts body; tags stay unread text until they are asked for, because few of its megabytes are."""

    cik: int | str
    facts: dict[str, dict[str, msgspec.Raw]]


class Tag(msgspec.Struct):
    units: dict[str, msgspec.Raw]


class Row(msgspec.Struct, gc=False):
    """One figure of one filing. `val` may be anything: a row that cannot be read is quarantined, not the body."""

    end: str
    val: object
    accn: str
    fy: Annotated[int, msgspec.Meta(ge=-INT64, le=INT64 - 1)] | None
    fp: str | None
    form: str
    filed: str
    start: str | None = None


def _parse(document: Document) -> Iterator[Batch]:
    ticker = document.context[TICKER]
    reading = _Reading(document.name, *_facts_of(document))
    measures = tags(ticker)
    for measure in measures:
        for taxonomy, tag in measure.tags:
            reading.read(taxonomy, tag, CURRENCY, measure)
    _read_unlisted(reading, measures)
    notices, count = tuple(reading.notices), reading.height
    reading.read(*SHARES, Measure("shares", False, ()))
    every = reading.frame()  # of both tables at once: what a frame costs is mostly its making
    good, unreadable = _sorted_out(every.head(count))
    good = _without_small(good)
    yield Batch(
        CORE["company_facts"],
        _company_facts(good, ticker, reading.cik, _year_end_months(good, document.context.get(YEAR_END_MONTH))),
        unreadable,
        (*notices, *_doubts(reading, good, measures, ticker)),
    )
    shares, unreadable = _sorted_out(every.slice(count))
    several = shares.select(pl.col("value").n_unique().over("accn", "period_end") > 1).to_series()
    said = _about_shares(shares.height, shares.filter(several).get_column("accn").n_unique(), ticker)
    yield Batch(
        CORE["shares_outstanding"], _shares_outstanding(shares.filter(~several), ticker, reading.cik), unreadable, said
    )


def _about_shares(rows: int, unclear: int, ticker: str) -> tuple[Reason, ...]:
    """Why share counts are missing: a company with classes of shares gives one count for each, or none by name."""
    if not rows:
        return (reason("no_share_count", ticker=ticker),)
    return (reason("several_share_counts", ticker=ticker, pages=unclear),) if unclear else ()


def _facts_of(document: Document) -> tuple[int, dict[str, dict[str, msgspec.Raw]]]:
    """CIK and facts of a body. Raises DocumentError where it is no companyfacts body, or another company's."""
    text = unpacked(document.body, document.name)
    body = decoded(text, Body, document.name)
    _once(text.count(b'"units"'), sum(map(len, body.facts.values())), "a tag", document.name)
    for member in Body.__struct_fields__:
        _once(text.count(b'"%s"' % member.encode()), 1, member, document.name)
    try:
        cik = int(body.cik)
    except ValueError:
        raise DocumentError(document.name, f"cik: {body.cik!r} is not a number.") from None
    if document.url != FACTS_URL.format(cik=cik):
        raise DocumentError(document.name, f"the body is about CIK {cik}, which was not asked for ({document.url}).")
    if not body.facts.keys() & {"us-gaap", "ifrs-full"}:
        raise DocumentError(document.name, f"facts has no us-gaap; it has {', '.join(body.facts) or 'nothing'}.")
    return cik, body.facts


def _once(found: int, belong: int, what: str, name: str) -> None:
    """Raises DocumentError where members stand twice under one name: the decoder takes the last without a word."""
    if found > belong:
        raise DocumentError(name, f"{what} stands twice in one object; which of them counts cannot be known.")


class _Reading:
    """The rows of some tags of a body, gathered column by column so that one frame is made of them all."""

    def __init__(self, name: str, cik: int, taxonomies: dict[str, dict[str, msgspec.Raw]]) -> None:
        self.name, self.cik, self._taxonomies = name, cik, taxonomies
        self.notices: list[Reason] = []
        self._rows: list[Row] = []
        self._of: dict[str, list[Any]] = {"measure": [], "tag": [], "is_flow": [], "place": [], "index": []}

    @property
    def height(self) -> int:
        return len(self._rows)

    def tags(self, taxonomy: str) -> dict[str, msgspec.Raw]:
        """The tags of a taxonomy, each as unread text."""
        return self._taxonomies.get(taxonomy, {})

    def read(self, taxonomy: str, tag: str, unit: str, measure: Measure) -> None:
        """Take in the rows of a tag in one unit; its other units are noted."""
        text = self.tags(taxonomy).get(tag)
        if text is None:
            return
        place = f"{taxonomy}/{tag}"
        units = decoded(text, Tag, self.name, place).units
        if others := [other for other in units if other != unit]:
            said = {"units": others, "unit": unit, "measure": measure.name, "is_read": unit in units}
            self.notices.append(reason("filed_in_other_units", document=self.name, tag=place, **said))
        if unit not in units:
            return
        rows = decoded(units[unit], list[Row], self.name, f"{place}/{unit}")
        self.each_once(bytes(units[unit]), len(rows), f"{place}/{unit}")
        if measure.is_flow and rows and not any(row.start for row in rows):
            raise DocumentError(self.name, f"{place}/{unit}: field start is missing; the SEC has changed its answer.")
        self._rows += rows
        self._of["measure"] += [measure.name] * len(rows)
        self._of["tag"] += [f"{taxonomy}:{tag}"] * len(rows)
        self._of["is_flow"] += [measure.is_flow] * len(rows)
        self._of["place"] += [f"{place}/{unit}["] * len(rows)
        self._of["index"] += range(len(rows))

    def each_once(self, text: bytes, rows: int, place: str) -> None:
        """Raises DocumentError where a row has two members of one name, however they are written."""
        if b"\\" in text:  # a name may be written by the numbers of its letters, which no row of the SEC is
            json_text.read(text, f"{self.name}: {place}")
        for member in Row.__struct_fields__:
            _once(text.count(b'"%s"' % member.encode()), rows, f"{member} of a row", f"{self.name}: {place}")

    def frame(self) -> pl.DataFrame:
        """All rows, typed, with `reasons` where some cannot be used."""
        rows = self._rows
        values = list(map(attrgetter("val"), rows))
        whole, given = _whole_numbers(values)
        text = {field: list(map(attrgetter(field), rows)) for field in ("accn", "form", "fp", *DAYS)}
        frame = pl.DataFrame(
            text | {"fy": list(map(attrgetter("fy"), rows)), "value": whole, "given": given} | self._of,
            schema=dict.fromkeys(text, pl.String)
            | {"fy": pl.Int64, "value": pl.Int64, "given": pl.String, "measure": pl.String, "tag": pl.String}
            | {"is_flow": pl.Boolean, "place": pl.String, "index": pl.Int64},
        )
        day = {field: pl.col(field).str.to_date("%Y-%m-%d", strict=False) for field in DAYS}
        start, flow = pl.col("start"), pl.col("is_flow")
        lost = (start.is_not_null() & day["start"].is_null()) | day["end"].is_null() | day["filed"].is_null()
        frame = frame.with_columns(
            pl.concat_str("place", "index", pl.lit("]")).alias("locator"),
            period_start=day["start"],
            period_end=day["end"],
            known_on=day["filed"],
            faulty=pl.col("value").is_null() | lost | (start.is_null() == flow),
        )
        return frame.with_columns(_reasons().alias("reasons")) if frame.get_column("faulty").any() else frame


def _reasons() -> pl.Expr:
    """What is wrong with a row of `_Reading.frame`; an empty list where nothing is."""
    day = {"start": "period_start", "end": "period_end", "filed": "known_on"}
    start, is_flow = pl.col("start"), pl.col("is_flow")
    found = [
        pl.when(pl.col("value").is_null()).then(because("not_a_whole_number", column="val", found=pl.col("given"))),
        *(
            pl.when(pl.col(field).is_not_null() & pl.col(day[field]).is_null()).then(
                because("not_a_date", column=field, found=pl.col(field))
            )
            for field in DAYS
        ),
        pl.when(start.is_null() & is_flow).then(because("empty_field", column="start")),
        pl.when(start.is_not_null() & ~is_flow).then(because("unexpected_start", found=start)),
    ]
    return pl.concat_list(found).list.drop_nulls()


def _whole_numbers(values: list[Any]) -> tuple[list[int | None], list[str | None]]:
    """Values as whole numbers, and what stands there instead of one."""
    if set(map(type, values)) == {int} and min(values) >= -INT64 and max(values) < INT64:
        return values, [None] * len(values)
    whole = list(map(_whole, values))
    return whole, [None if n is not None or v is None else str(v) for v, n in zip(values, whole, strict=True)]


def _whole(value: object) -> int | None:
    """A value as the whole number that it is; None where it is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and -INT64 <= value < INT64 else None


def _company_facts(rows: pl.DataFrame, ticker: str, cik: int, month: pl.Expr) -> pl.DataFrame:
    dated = rows.with_columns(fiscal_year_end_month=month)
    dated = dated.with_columns(fiscal_year=fiscal_year(), fiscal_quarter=fiscal_quarter())
    return (
        in_order_of_the_year(dated, _year_ends(rows))
        .lazy()
        .select(
            pl.lit(ticker).alias("ticker"),
            pl.lit(cik).alias("cik"),
            "measure",
            "tag",
            "period_start",
            "period_end",
            period_type().alias("period_type"),
            pl.col("value").alias("value_usd"),
            "fiscal_year",
            "fiscal_quarter",
            pl.col("fy").alias("filing_fiscal_year"),
            pl.col("fp").alias("filing_fiscal_period"),
            "form",
            pl.col("accn").alias("accession"),
            "known_on",
            pl.lit(f"data.sec.gov/api/xbrl/companyfacts/CIK{cik:010}.json").alias("citation"),
            "locator",
            pl.lit("A").alias("grade"),
        )
        .collect()
    )


def _year_ends(rows: pl.DataFrame) -> list[date]:
    """The days on which the company's fiscal years ended, by its annual reports and those of a transition (10-KT)."""
    days = (pl.col("period_end") - pl.col("period_start")).dt.total_days() + 1
    form = pl.col("form").str.strip_suffix("/A")
    years = rows.filter(form.is_in(ANNUAL_REPORTS) & days.is_between(*LENGTHS_DAYS["year"]))
    between = rows.filter(form.is_in(TRANSITION_REPORTS) & days.is_between(1, LENGTHS_DAYS["year"][1]))
    moved = between.group_by("accn").agg(pl.col("period_end").max())
    found: list[date] = []
    for end in sorted({*years.get_column("period_end"), *moved.get_column("period_end")}):
        # Filings differ by days about one and the same end.
        if not found or (end - found[-1]).days > 2 * DAYS_OVER_MONTH_END:
            found.append(end)
    return found


def _year_end_months(rows: pl.DataFrame, given: str | None) -> pl.Expr:
    """Month that the fiscal year of a row's period ends in: the given one, else that of the newest annual report.

    A company that moved its year end (given is the one of now) had another one up to its last annual report of before.
    """
    days = (pl.col("period_end") - pl.col("period_start")).dt.total_days() + 1
    ends = (
        rows.filter(pl.col("form").is_in(ANNUAL_REPORTS) & days.is_between(*LENGTHS_DAYS["year"]))
        .group_by("accn")
        .agg(pl.col("period_end").max())  # the years before it are comparatives
        .get_column("period_end")
        .unique()
        .sort(descending=True)
    )
    now = int(given) if given else named_month(ends[0]) if ends.len() else None
    month = pl.lit(now, dtype=pl.Int64)
    if before := next((end for end in ends if named_month(end) != now), None):
        month = (
            pl.when(pl.col("period_end") <= before).then(pl.lit(named_month(before), dtype=pl.Int64)).otherwise(month)
        )
    return month


def _shares_outstanding(rows: pl.DataFrame, ticker: str, cik: int) -> pl.DataFrame:
    source = f"data.sec.gov companyfacts CIK{cik:010}, {SHARES[0]}:{SHARES[1]}, "
    return (
        rows.lazy()
        .unique(["period_end", "known_on", "value"], keep="first", maintain_order=True)
        .select(
            pl.lit(ticker).alias("ticker"),
            pl.col("period_end").alias("measured_on"),
            pl.col("value").alias("shares"),
            "known_on",
            pl.concat_str(pl.lit(source), "accn").alias("citation"),
            "locator",
            pl.lit("A").alias("grade"),
        )
        .collect()
    )


def _sorted_out(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that can be used, and the others as they are quarantined."""
    fields = ["tag", "start", "end", "value", "given", "accn", "form", "filed"]
    if "reasons" not in rows.columns:
        return rows, NONE_UNREADABLE
    is_bad = rows.get_column("reasons").list.len() > 0
    unreadable = rows.filter(is_bad).select(pl.struct(fields).struct.json_encode().alias("row"), "reasons", "locator")
    return rows.filter(~is_bad), unreadable


def _doubts(reading: _Reading, rows: pl.DataFrame, measures: tuple[Measure, ...], ticker: str) -> Iterator[Reason]:
    """What makes one doubt that the list of tags still fits a company: a measure without rows, or capex that ended."""
    ends, of = rows.get_column("period_end"), rows.get_column("measure")
    newest: dict[str, Any] = {name: ends.filter(of == name).max() for name in ESSENTIAL}
    for name in ESSENTIAL:
        if newest[name] is None and any(measure.name == name for measure in measures):
            said = {"measure": name, "unit": CURRENCY, "list": FILE, "candidates": _instead(reading, name, "")}
            yield reason("no_tag_of_measure", ticker=ticker, **said)
    if unlisted := rows.filter(of == UNLISTED_CAPEX).get_column("tag").unique().sort().to_list():
        yield reason("larger_capex_unlisted", ticker=ticker, tags=unlisted, list=FILE)
    capex, revenue = newest.values()
    if capex and revenue and revenue - capex > ONE_QUARTER_LATE:
        until = {"capex_until": capex, "revenue_until": revenue}
        candidates = _instead(reading, CAPEX, str(capex))
        yield reason("capex_ended", ticker=ticker, **until, list=FILE, candidates=candidates)


def _read_unlisted(reading: _Reading, measures: tuple[Measure, ...]) -> None:
    """Take in what no listed tag holds and may be capex nevertheless, under the measure UNLISTED_CAPEX."""
    listed = {tag for measure in measures for _, tag in measure.tags}
    for tag, text in reading.tags("us-gaap").items():
        if tag in listed or not BOUGHT.match(tag):
            continue
        units = decoded(text, Tag, reading.name, f"us-gaap/{tag}").units
        if set(units) == {CURRENCY}:
            rows = decoded(units[CURRENCY], list[Row], reading.name, f"us-gaap/{tag}/{CURRENCY}")
            reading.each_once(bytes(units[CURRENCY]), len(rows), f"us-gaap/{tag}/{CURRENCY}")
            if any(row.start for row in rows):
                reading.read("us-gaap", tag, CURRENCY, Measure(UNLISTED_CAPEX, True, ()))


def _without_small(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` without the unlisted tags whose figures are never much larger than what is listed of the same periods.

    A company may have begun to file its capex under another tag: the newest periods count as much as a long history.
    """
    period = ["period_start", "period_end"]
    capex = rows.filter(pl.col("measure") == CAPEX).group_by(period).agg(listed=pl.col("value").max())
    other = rows.filter(pl.col("measure") == UNLISTED_CAPEX)
    if other.is_empty():
        return rows
    compared = (
        other.join(capex, on=period, how="left")
        .group_by("tag")
        .agg(larger=(pl.col("value") >= LARGER * pl.col("listed")).any(ignore_nulls=False))
    )
    small = compared.filter(~pl.col("larger")).get_column("tag")
    alone = compared.filter(pl.col("larger").is_null()).get_column("tag") if capex.height else small.clear()
    is_dropped = (pl.col("measure") == UNLISTED_CAPEX) & pl.col("tag").is_in([*small, *alone])
    return rows.filter(~is_dropped)


def _instead(reading: _Reading, measure: str, after: str) -> list[str]:
    """The first tags with figures later than a day that may stand for capex, to be added to the list."""
    likely = [tag for tag in reading.tags("us-gaap") if measure == CAPEX and tag.startswith(CAPEX_LIKE)]
    units = {tag: decoded(reading.tags("us-gaap")[tag], Tag, reading.name, f"us-gaap/{tag}").units for tag in likely}
    in_use = [
        tag
        for tag, of in units.items()
        if CURRENCY in of and any(row.end > after for row in decoded(of[CURRENCY], list[Row], reading.name, tag))
    ]
    return sorted(in_use)[:TAGS_NAMED]


SOURCES = (
    Source(
        name="sec",
        kind="live",
        feed="capex",
        gives="figures of companies' filings since 2009, every filing's row, and share counts",
        tables=("company_facts", "shares_outstanding"),
        fetch=_fetch,
        parse=_parse,
        max_bytes=50_000_000,
        reads_by=fingerprint(),
        **ACCESS,
    ),
)
