"""What a body of the SEC's companyfacts says: the rows of the wanted tags, of one company or of many at once.

A body holds a company's whole history, some megabytes of which a twentieth is wanted. So tags stay unread text until they
are asked for. What is read of a body (`Reading`) are rows alone. Whoever has read many turns them into one frame
(`joined`). What a frame costs is mostly its making, and there are fifteen thousand companies.

That a member stands twice in an object, no decoder says: it takes the last. Here what was read is written again and compared
with the text. Where both are the same bytes, nothing was dropped. Only where they are not, as in text with blanks, members
are counted one by one.

`fy` and `fp` name the filing and not the period. So the fiscal year and quarter of a row come from its own days and the
month in which the company's fiscal year ends: a given one, else that of its annual reports.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
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
    period_type,
)
from warehouse.errors import DocumentError
from warehouse.sources.common import json_text
from warehouse.sources.common.edgar import decoded
from warehouse.sources.common.parsing import INT64
from warehouse.sources.common.reasons import UNREADABLE_SCHEMA, Reason, because, reason
from warehouse.tables.sec_tags import FILE, Measure

CURRENCY = "USD"
SHARES = ("dei", "EntityCommonStockSharesOutstanding", "shares")
OF_SHARES = Measure("shares", False, ())
CAPEX = "purchases_of_property_and_equipment"
UNLISTED_CAPEX = "unlisted_capital_expenditure"
OF_UNLISTED = Measure(UNLISTED_CAPEX, True, ())
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
DAYS = ("start", "end", "filed")
TAGS_NAMED = 6
NONE_UNREADABLE = pl.DataFrame(schema=UNREADABLE_SCHEMA)


# -- one body ---------------------------------------------------------------------------------------------------------


class Body(msgspec.Struct, kw_only=True):
    """A companyfacts body, in the SEC's order; tags stay unread text."""

    cik: int | str
    entityName: msgspec.Raw = msgspec.Raw(b"null")
    facts: dict[str, dict[str, msgspec.Raw]]


class Tag(msgspec.Struct, kw_only=True):
    label: msgspec.Raw = msgspec.Raw(b"null")
    description: msgspec.Raw = msgspec.Raw(b"null")
    units: dict[str, msgspec.Raw]


class Row(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """One figure of one filing. `val` may be anything: a row that cannot be read is quarantined, not the body."""

    start: str | None = None
    end: str
    val: object
    accn: str
    fy: Annotated[int, msgspec.Meta(ge=-INT64, le=INT64 - 1)] | None
    fp: str | None
    form: str
    filed: str
    frame: object = None


@dataclass(frozen=True)
class Company:
    """Whose a body is. `month` is the one that its fiscal years end in, where that is known."""

    ticker: str
    cik: int
    month: int | None = None


@dataclass
class Reading:
    """The rows of the wanted tags of a body, and what to know about it. `place` goes before each row's place in the body."""

    name: str
    company: Company
    sha256: str = ""
    place: str = ""
    measures: tuple[Measure, ...] = ()
    rows: list[Row] = field(default_factory=list)
    tags: list[tuple[str, str, bool, str, int]] = field(default_factory=list)
    """Measure, tag, whether it is over a period, its place in the body, and how many of the rows are its."""
    notices: list[Reason] = field(default_factory=list)
    likely: dict[str, bytes] = field(default_factory=dict)
    """Tags that may stand for capex, as text: they are named where capex is missing."""


def taxonomies_of(text: bytes, name: str) -> tuple[int, dict[str, dict[str, msgspec.Raw]]]:
    """CIK and facts of a body. Raises DocumentError where it is no companyfacts body, or says something twice."""
    body = decoded(text, Body, name)
    if msgspec.json.encode(body) != text:
        _once(text.count(b'"units"'), sum(map(len, body.facts.values())), "a tag", name)
        for member in ("cik", "facts"):
            _once(text.count(b'"%s"' % member.encode()), 1, member, name)
    try:
        cik = int(body.cik)
    except ValueError:
        raise DocumentError(name, f"cik: {body.cik!r} is not a number.") from None
    if not body.facts.keys() & {"us-gaap", "ifrs-full"}:
        raise DocumentError(name, f"facts has no us-gaap; it has {', '.join(body.facts) or 'nothing'}.")
    return cik, body.facts


def read(
    taxonomies: dict[str, dict[str, msgspec.Raw]],
    measures: tuple[Measure, ...],
    name: str,
    company: Company,
    sha256: str = "",
    place: str = "",
) -> Reading:
    """The rows of the tags of some measures, of what else may be capex, and of share counts.

    Raises DocumentError where they are not what they should be, or a row has two members of one name.
    """
    reading = Reading(name, company, sha256, place, measures)
    for measure in measures:
        for taxonomy, tag in measure.tags:
            _read_tag(reading, taxonomies, taxonomy, tag, CURRENCY, measure)
    us_gaap = taxonomies.get("us-gaap", {})
    listed = {tag for measure in measures for _, tag in measure.tags}
    for tag, text in us_gaap.items():
        if tag.startswith(CAPEX_LIKE):
            reading.likely[tag] = bytes(text)
            if tag not in listed and BOUGHT.match(tag):
                _read_unlisted(reading, taxonomies, tag)
    _read_tag(reading, taxonomies, *SHARES, OF_SHARES)
    return reading


def _read_tag(
    reading: Reading,
    taxonomies: dict[str, dict[str, msgspec.Raw]],
    taxonomy: str,
    tag: str,
    unit: str,
    measure: Measure,
) -> None:
    """Take in the rows of a tag in one unit; its other units are noted."""
    text = taxonomies.get(taxonomy, {}).get(tag)
    if text is None:
        return
    place = f"{taxonomy}/{tag}"
    units = decoded(text, Tag, reading.name, place).units
    if measure is not OF_SHARES and (others := [other for other in units if other != unit]):
        said = {"units": others, "unit": unit, "measure": measure.name, "is_read": unit in units}
        reading.notices.append(reason("filed_in_other_units", document=reading.name, tag=place, **said))
    if unit not in units:
        return
    rows = _rows(units[unit], reading.name, f"{place}/{unit}")
    if measure.is_flow and rows and not any(row.start for row in rows):
        raise DocumentError(reading.name, f"{place}/{unit}: field start is missing; the SEC has changed its answer.")
    _take(reading, rows, measure, f"{taxonomy}:{tag}", f"{place}/{unit}")


def _read_unlisted(reading: Reading, taxonomies: dict[str, dict[str, msgspec.Raw]], tag: str) -> None:
    """Take in what no listed tag holds and may be capex nevertheless, under the measure UNLISTED_CAPEX."""
    place = f"us-gaap/{tag}"
    units = decoded(taxonomies["us-gaap"][tag], Tag, reading.name, place).units
    if set(units) == {CURRENCY}:
        rows = _rows(units[CURRENCY], reading.name, f"{place}/{CURRENCY}")
        if any(row.start for row in rows):
            _take(reading, rows, OF_UNLISTED, f"us-gaap:{tag}", f"{place}/{CURRENCY}")


def _take(reading: Reading, rows: list[Row], measure: Measure, tag: str, place: str) -> None:
    reading.rows += rows
    reading.tags.append((measure.name, tag, measure.is_flow, f"{reading.place}{place}[", len(rows)))


def _rows(text: msgspec.Raw, name: str, place: str) -> list[Row]:
    """The rows of a tag in one unit. Raises DocumentError where one has two members of one name, however they are written."""
    rows = decoded(text, list[Row], name, place)
    if (written := bytes(text)) != msgspec.json.encode(rows):
        if b"\\" in written:  # a name may be written by the numbers of its letters, which no row of the SEC is
            json_text.read(written, f"{name}: {place}")
        for member in Row.__struct_fields__:
            _once(written.count(b'"%s"' % member.encode()), len(rows), f"{member} of a row", f"{name}: {place}")
    return rows


def _once(found: int, belong: int, what: str, name: str) -> None:
    """Raises DocumentError where members stand twice under one name: the decoder takes the last without a word."""
    if found > belong:
        raise DocumentError(name, f"{what} stands twice in one object; which of them counts cannot be known.")


# -- many bodies as frames --------------------------------------------------------------------------------------------

BODY = "body"
"""Column of the frames below: which of the readings a row is of, by its place among them."""


@dataclass(frozen=True)
class Said:
    """Of one body and table: rows that could not be read, and what to know about it."""

    unreadable: pl.DataFrame
    notices: tuple[Reason, ...]


@dataclass(frozen=True)
class Joined:
    """The figures and the share counts of some bodies, and what else was read of each, in their order.

    A row says by `document_sha256` whose it is.
    """

    facts: pl.DataFrame
    shares: pl.DataFrame
    said_of_facts: tuple[Said, ...]
    said_of_shares: tuple[Said, ...]


def joined(readings: Sequence[Reading]) -> Joined:
    """The rows of some bodies as frames; which of them count is not decided here."""
    every = _typed(readings)
    is_count = pl.col("measure") == OF_SHARES.name
    facts, bad_facts = _sorted_out(every.filter(~is_count), len(readings))
    counts, bad_counts = _sorted_out(every.filter(is_count), len(readings))
    facts = _without_small(facts)
    counts, about_counts = _clear(counts, readings)
    doubts = zip(bad_facts, readings, _doubts(readings, facts), strict=True)
    bodies = pl.DataFrame(
        [
            (number, of.company.ticker, of.company.cik, of.company.month, of.sha256)
            for number, of in enumerate(readings)
        ],
        schema={BODY: pl.UInt32, "ticker": pl.String, "cik": pl.Int64, "month": pl.Int64, "document_sha256": pl.String},
        orient="row",
    )
    return Joined(
        _company_facts(facts, bodies),
        _shares_outstanding(counts, bodies),
        tuple(Said(bad, (*of.notices, *doubt)) for bad, of, doubt in doubts),
        tuple(Said(bad, about) for bad, about in zip(bad_counts, about_counts, strict=True)),
    )


def _typed(readings: Sequence[Reading]) -> pl.DataFrame:
    """All rows, typed, with `reasons` where some cannot be used."""
    rows = [row for reading in readings for row in reading.rows]
    whole, given = _whole_numbers(list(map(attrgetter("val"), rows)))
    columns = {name: list(map(attrgetter(name), rows)) for name in ("accn", "form", "fp", *DAYS, "fy")}
    tags = pl.DataFrame(
        [(number, *tag) for number, reading in enumerate(readings) for tag in reading.tags],
        schema={BODY: pl.UInt32, "measure": pl.String, "tag": pl.String, "is_flow": pl.Boolean, "place": pl.String}
        | {"index": pl.Int64},
        orient="row",
    )
    of_tags = (
        tags.with_columns(pl.int_ranges("index").alias("index")).filter(pl.col("index").list.len() > 0).explode("index")
    )
    text = dict.fromkeys(("accn", "form", "fp", *DAYS), pl.String)
    frame = pl.DataFrame(
        columns | {"value": whole, "given": given},
        schema=text | {"fy": pl.Int64, "value": pl.Int64, "given": pl.String},
    )
    day = {name: pl.col(name).str.to_date("%Y-%m-%d", strict=False) for name in DAYS}
    start, flow = pl.col("start"), pl.col("is_flow")
    frame = frame.hstack(of_tags).with_columns(
        pl.concat_str("place", "index", pl.lit("]")).alias("locator"),
        period_start=day["start"],
        period_end=day["end"],
        known_on=day["filed"],
    )
    lost = pl.col("period_end").is_null() | pl.col("known_on").is_null()
    lost |= start.is_not_null() & pl.col("period_start").is_null()
    faulty = pl.col("value").is_null() | lost | (start.is_null() == flow)
    return frame.with_columns(_reasons().alias("reasons")) if frame.select(faulty.any()).item() else frame


def _reasons() -> pl.Expr:
    """What is wrong with a row of `_typed`; an empty list where nothing is."""
    day = {"start": "period_start", "end": "period_end", "filed": "known_on"}
    start, is_flow = pl.col("start"), pl.col("is_flow")
    found = [
        pl.when(pl.col("value").is_null()).then(because("not_a_whole_number", column="val", found=pl.col("given"))),
        *(
            pl.when(pl.col(name).is_not_null() & pl.col(day[name]).is_null()).then(
                because("not_a_date", column=name, found=pl.col(name))
            )
            for name in DAYS
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


def _sorted_out(rows: pl.DataFrame, bodies: int) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """The rows that can be used, and the others of each body as they are quarantined."""
    if "reasons" not in rows.columns:
        return rows, [NONE_UNREADABLE] * bodies
    fields = ["tag", "start", "end", "value", "given", "accn", "form", "filed"]
    is_bad = pl.col("reasons").list.len() > 0
    said = (pl.struct(fields).struct.json_encode().alias("row"), "reasons", "locator")
    of = rows.filter(is_bad).select(BODY, *said).partition_by(BODY, as_dict=True, include_key=False)
    return rows.filter(~is_bad), [of.get((number,), NONE_UNREADABLE) for number in range(bodies)]


def _without_small(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` without the unlisted tags whose figures are never much larger than what is listed of the same periods.

    A company may have begun to file its capex under another tag: the newest periods count as much as a long history.
    """
    other = rows.filter(pl.col("measure") == UNLISTED_CAPEX)
    if other.is_empty():
        return rows
    period = [BODY, "period_start", "period_end"]
    capex = rows.filter(pl.col("measure") == CAPEX).group_by(period).agg(listed=pl.col("value").max())
    larger = (pl.col("value") >= LARGER * pl.col("listed")).any(ignore_nulls=False)
    compared = other.join(capex, on=period, how="left").group_by(BODY, "tag").agg(larger=larger)
    # Of a company without any capex, nothing can be compared and all is kept.
    has_capex = pl.col(BODY).is_in(capex.get_column(BODY).unique().to_list())
    small = compared.filter(~pl.col("larger") | (pl.col("larger").is_null() & has_capex))
    named = small.select(BODY, "tag", measure=pl.lit(UNLISTED_CAPEX))
    return rows.join(named, on=[BODY, "tag", "measure"], how="anti", maintain_order="left")


# -- figures ----------------------------------------------------------------------------------------------------------

_LENGTH_DAYS = (pl.col("period_end") - pl.col("period_start")).dt.total_days() + 1
_LAST_MONTH = (pl.col("period_end") - pl.duration(days=DAYS_OVER_MONTH_END)).dt.month().cast(pl.Int64)
"""The month that a fiscal year which ends with a period is named by."""


def _company_facts(rows: pl.DataFrame, bodies: pl.DataFrame) -> pl.DataFrame:
    months = _year_end_months(rows, bodies)
    dated = rows.join(months, on=BODY, how="left", maintain_order="left").with_columns(
        fiscal_year_end_month=pl.when(pl.col("period_end") <= pl.col("before")).then("month_before").otherwise("month")
    )
    dated = dated.with_columns(fiscal_year=fiscal_year(), fiscal_quarter=fiscal_quarter())
    return (
        in_order_of_the_year(dated, _year_ends(rows), BODY)
        .lazy()
        .select(
            "ticker",
            "cik",
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
            "citation",
            "document_sha256",
            "locator",
            pl.lit("A").alias("grade"),
        )
        .collect()
    )


def _year_end_months(rows: pl.DataFrame, bodies: pl.DataFrame) -> pl.DataFrame:
    """`bodies` with the month that fiscal years end in: the given one, else that of the newest annual report.

    A company that moved its year end (given is the one of now) had another one (`month_before`) up to its last annual
    report of `before`.
    """
    reports = rows.filter(pl.col("form").is_in(ANNUAL_REPORTS) & _LENGTH_DAYS.is_between(*LENGTHS_DAYS["year"]))
    ends = (
        reports.group_by(BODY, "accn")
        .agg(pl.col("period_end").max())  # the years before it are comparatives
        .select(BODY, "period_end", ends=_LAST_MONTH)
        .sort(BODY, "period_end")
    )
    newest = ends.group_by(BODY).agg(pl.col("ends").last())
    now = bodies.join(newest, on=BODY, how="left").with_columns(pl.coalesce("month", "ends").alias("month"))
    others = (
        ends.join(now.select(BODY, "month"), on=BODY).filter(pl.col("ends") != pl.col("month")).sort(BODY, "period_end")
    )
    before = others.group_by(BODY).agg(before=pl.col("period_end").last(), month_before=pl.col("ends").last())
    number = pl.col("cik").cast(pl.String).str.zfill(10)
    cited = pl.format("data.sec.gov/api/xbrl/companyfacts/CIK{}.json", number)
    return now.drop("ends").join(before, on=BODY, how="left").with_columns(cited.alias("citation"))


def _year_ends(rows: pl.DataFrame) -> pl.DataFrame:
    """The days on which each company's fiscal years ended, by its annual reports and those of a transition (10-KT)."""
    form = pl.col("form").str.strip_suffix("/A")
    years = rows.filter(form.is_in(ANNUAL_REPORTS) & _LENGTH_DAYS.is_between(*LENGTHS_DAYS["year"]))
    between = rows.filter(form.is_in(TRANSITION_REPORTS) & _LENGTH_DAYS.is_between(1, LENGTHS_DAYS["year"][1]))
    moved = between.group_by(BODY, "accn").agg(pl.col("period_end").max())
    found: list[tuple[int, date]] = []
    of_each = pl.concat([years.select(BODY, "period_end"), moved.select(BODY, "period_end")]).unique()
    for body, end in of_each.sort(BODY, "period_end").iter_rows():
        # Filings differ by days about one and the same end.
        if not found or found[-1][0] != body or (end - found[-1][1]).days > 2 * DAYS_OVER_MONTH_END:
            found.append((body, end))
    return pl.DataFrame(found, schema={BODY: pl.UInt32, "year_end": pl.Date}, orient="row")


# -- share counts -----------------------------------------------------------------------------------------------------


def _clear(counts: pl.DataFrame, readings: Sequence[Reading]) -> tuple[pl.DataFrame, list[tuple[Reason, ...]]]:
    """The counts that are the only one of their page and day, and why others are missing, of each body.

    A company with classes of shares gives one count for each, or none by name.
    """
    several = pl.col("value").n_unique().over(BODY, "accn", "period_end") > 1
    marked = counts.with_columns(several=several)
    pages = marked.group_by(BODY).agg(unclear=pl.col("accn").filter("several").n_unique())
    unclear = dict(pages.iter_rows())
    about: list[tuple[Reason, ...]] = []
    for number, reading in enumerate(readings):
        ticker = reading.company.ticker
        if number not in unclear:
            about.append((reason("no_share_count", ticker=ticker),))
        else:
            bad = unclear[number]
            about.append((reason("several_share_counts", ticker=ticker, pages=bad),) if bad else ())
    return marked.filter(~pl.col("several")), about


def _shares_outstanding(rows: pl.DataFrame, bodies: pl.DataFrame) -> pl.DataFrame:
    number = pl.col("cik").cast(pl.String).str.zfill(10)
    cited = pl.format(f"data.sec.gov companyfacts CIK{{}}, {SHARES[0]}:{SHARES[1]}, {{}}", number, "accn")
    return (
        rows.unique([BODY, "period_end", "known_on", "value"], keep="first", maintain_order=True)
        .join(bodies, on=BODY, how="left", maintain_order="left")
        .select(
            "ticker",
            pl.col("period_end").alias("measured_on"),
            pl.col("value").alias("shares"),
            "known_on",
            cited.alias("citation"),
            "document_sha256",
            "locator",
            pl.lit("A").alias("grade"),
        )
    )


# -- doubts -----------------------------------------------------------------------------------------------------------


def _doubts(readings: Sequence[Reading], rows: pl.DataFrame) -> list[list[Reason]]:
    """Of each body, what makes one doubt that the list of tags still fits: a measure without rows, or capex that ended."""
    of = pl.col("measure")
    newest = rows.filter(of.is_in(ESSENTIAL)).group_by(BODY, "measure").agg(pl.col("period_end").max())
    until = {(body, measure): end for body, measure, end in newest.iter_rows()}
    unlisted: dict[int, list[str]] = {}
    for body, tag in rows.filter(of == UNLISTED_CAPEX).select(BODY, "tag").unique().sort(BODY, "tag").iter_rows():
        unlisted.setdefault(body, []).append(tag)
    return [
        list(_doubts_of(reading, {name: until.get((number, name)) for name in ESSENTIAL}, unlisted.get(number, [])))
        for number, reading in enumerate(readings)
    ]


def _doubts_of(reading: Reading, newest: dict[str, date | None], unlisted: list[str]) -> Iterator[Reason]:
    ticker = reading.company.ticker
    for name in ESSENTIAL:
        if newest[name] is None and any(measure.name == name for measure in reading.measures):
            said = {"measure": name, "unit": CURRENCY, "list": FILE, "candidates": _instead(reading, name, "")}
            yield reason("no_tag_of_measure", ticker=ticker, **said)
    if unlisted:
        yield reason("larger_capex_unlisted", ticker=ticker, tags=unlisted, list=FILE)
    capex, revenue = newest.values()
    if capex and revenue and revenue - capex > ONE_QUARTER_LATE:
        until = {"capex_until": capex, "revenue_until": revenue}
        candidates = _instead(reading, CAPEX, str(capex))
        yield reason("capex_ended", ticker=ticker, **until, list=FILE, candidates=candidates)


def _instead(reading: Reading, measure: str, after: str) -> list[str]:
    """The first tags with figures later than a day that may stand for capex, to be added to the list."""
    if measure != CAPEX:
        return []
    found = []
    for tag, text in reading.likely.items():
        units = decoded(text, Tag, reading.name, f"us-gaap/{tag}").units
        if CURRENCY in units and any(row.end > after for row in decoded(units[CURRENCY], list[Row], reading.name, tag)):
            found.append(tag)
    return sorted(found)[:TAGS_NAMED]
