"""Figures with dimensions, read from the filing itself: Microsoft's commercial backlog, Amazon's backlog.

The SEC's companyfacts hold only what a company files without dimensions. Amazon's contracted backlog has had one since
2020, and there companyfacts end. Microsoft's is there as a total, 684 billion in mid 2026. What it speaks of itself is
the commercial part, 678, which only the filing has. A filing is a web page in which each figure carries its meaning
(inline XBRL). Tag, scale and sign stand beside it, and a context names its period and its dimensions.

Which figures are read stands in `warehouse.tables.sec_dimensions`. Each must have exactly the dimensions of the list: one
customer's part of a backlog has one more, and is not the backlog. Where a filing lacks the figure, a notice names the
dimensions under which the tag does stand there: companies rename their members without a word.

Filings are found in the company's submissions. A filing never changes, so each is asked for once and then comes from the
archive. What came in place of a filing (a page that asks for patience) is no filing, and is asked for again.

lxml reads the markup. It keeps which prefix stands for which namespace at each place. The names of tags and members are
values here, so that is needed, and the standard library's reader drops it. Two larger libraries were weighed. The first,
arelle, reads a filing with its whole taxonomy. That is some hundred files from several hosts, fetched past our archive
and rate limit. The second, edgartools, brings its own client, its own cache and some forty packages. Both are right for
whole statements; here, two numbers of a filing are wanted.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
import polars as pl
from lxml import etree

from warehouse.calendars.fiscal import fiscal_quarter, fiscal_year, period_type
from warehouse.errors import DocumentError
from warehouse.sources.common import unpacking
from warehouse.sources.common.edgar import ACCESS, SUBMISSIONS_URL, kept
from warehouse.sources.common.reasons import UNREADABLE_SCHEMA, Reason, reason
from warehouse.sources.common.source import Batch, Document, Fetching, Received, Source
from warehouse.tables import CORE
from warehouse.tables.sec_dimensions import FILE, THE_DAY_AFTER, Figure, fingerprint, listed, of

MORE_SUBMISSIONS_URL = "https://data.sec.gov/submissions/{name}"
FILING_URL = "https://www.sec.gov/Archives/edgar/data/{cik}/{folder}/{page}"
FORMS = ("10-Q", "10-K", "10-Q/A", "10-K/A")
LOOK_BACK = timedelta(days=730)
"""How far back a daily run reads filings: a falling backlog is looked for over 18 months. `overbuild backfill` reads the rest."""
SUBMISSIONS_FRESH_FOR = timedelta(hours=1)
FOR_EVER = timedelta(days=36_500)
"""A filing that is in the archive is never asked for again: a correction is a filing of its own."""
INLINE = b"inlineXBRL"
HEAD_BYTES = 1 << 16
FIRST_INLINE_FILING = date(2019, 6, 1)
CURRENCY = "iso4217:USD"
STANDARD = re.compile(r"https?://(?:xbrl\.)?(?:fasb|sec)\.(?:org|gov)/(us-gaap|srt|dei|ecd|country|currency)/")
"""Namespaces of the taxonomies that all companies share: their prefix is the same in every filing here, whatever it is there."""
ISO_4217 = "http://www.xbrl.org/2003/iso4217"

POINT = frozenset({"", "numdotdecimal", "numcommadot", "numspacedot", "num-dot-decimal", "num-dot-decimal-apos"})
COMMA = frozenset({"numcommadecimal", "numdotcomma", "numspacecomma", "num-comma-decimal", "num-comma-decimal-apos"})
ZERO = frozenset({"zerodash", "numdash", "fixed-zero"})
"""Formats (without their prefix) by what they say of a written number: where its point is, or that a dash is zero."""
PLAIN = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)")
"""A number once its separators are gone."""


# -- which filings there are ------------------------------------------------------------------------------------------


class Filings(msgspec.Struct):
    """Filings as the SEC lists them: one list for each field, newest first."""

    accessionNumber: list[str]
    filingDate: list[str]
    form: list[str]
    primaryDocument: list[str]
    isInlineXBRL: list[int]


class Older(msgspec.Struct):
    """A further file of submissions, and the days that it covers."""

    name: str
    filingFrom: str
    filingTo: str


class Listing(msgspec.Struct):
    recent: Filings
    files: list[Older] = msgspec.field(default_factory=list)


class Submissions(msgspec.Struct):
    """What is needed of a submissions body."""

    filings: Listing


@dataclass(frozen=True)
class Filing:
    accession: str
    filed: str
    form: str
    page: str


def _fetch(fetching: Fetching) -> Iterator[Received]:
    """The annual and quarterly reports of each company of the list, filed in the days that are asked for."""
    first, last = fetching.span or (fetching.now.date() - LOOK_BACK, fetching.now.date())
    wanted = {figure.ticker for figure in listed()}
    panel = fetching.rows("companies", "ticker", "cik", "fiscal_year_end_month")
    for ticker, cik, month in panel:
        if ticker in wanted and cik is not None:
            for filing in _filings(ticker, cik, first, last, fetching):
                context = {"ticker": ticker, "form": filing.form, "accession": filing.accession, "filed": filing.filed}
                if month:
                    context["fiscal_year_end_month"] = str(month)
                if received := _page(ticker, cik, filing, fetching):
                    yield replace(received, context=context)


def _filings(ticker: str, cik: int, first: date, last: date, fetching: Fetching) -> Iterator[Filing]:
    """A company's reports with inline XBRL, filed from one day to another, newest first."""
    name = f"SEC submissions of {ticker}"
    found = kept(fetching, SUBMISSIONS_URL.format(cik=cik), name, Submissions, SUBMISSIONS_FRESH_FOR)
    if found is None:
        return
    lists = [found.filings.recent]
    for older in found.filings.files:
        if older.filingTo >= first.isoformat() and older.filingFrom <= last.isoformat():
            url = MORE_SUBMISSIONS_URL.format(name=older.name)
            if (more := kept(fetching, url, f"{name} ({older.name})", Filings, SUBMISSIONS_FRESH_FOR)) is not None:
                lists.append(more)
    for one in lists:
        each = zip(one.accessionNumber, one.filingDate, one.form, one.primaryDocument, one.isInlineXBRL, strict=False)
        for accession, filed, form, page, inline in each:
            if form in FORMS and inline and first.isoformat() <= filed <= last.isoformat():
                yield Filing(accession, filed, form, page)


def _page(ticker: str, cik: int, filing: Filing, fetching: Fetching) -> Received | None:
    """The page of a filing, out of the archive where it is there; what is no filing is asked for once more, then noted."""
    name = f"SEC {filing.form} of {ticker}, {filing.accession}"
    url = FILING_URL.format(cik=cik, folder=filing.accession.replace("-", ""), page=filing.page)
    for age in (FOR_EVER, timedelta(0)):
        received = fetching.get(url, name=name, expect="text", fresh_for=age)
        if received is None:
            return None
        if _is_inline(received):
            return received
    fetching.failed(name, "this is no inline XBRL; perhaps a page that asks for patience: run again later", url)
    return None


def _is_inline(received: Received) -> bool:
    """Whether a page names inline XBRL near its beginning, packed or not."""
    with received.document().open() as file:
        try:
            return INLINE in unpacking.plain(file).read(HEAD_BYTES)
        except (EOFError, zlib.error, unpacking.TooLargeError):
            return False


# -- what a filing says -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Context:
    """The period and the dimensions that figures share; `start` is null for a point in time."""

    start: date | None
    end: date
    cik: int
    dimensions: Mapping[str, str]


@dataclass(frozen=True)
class Found:
    """A figure as the filing has it; `decimals` says how far it was rounded (null: not at all)."""

    figure: Figure
    context: Context
    value: int
    decimals: int | None
    locator: str


def _parse(document: Document) -> Iterator[Batch]:
    about = document.context
    reading = _Reading(document)
    found = reading.figures(of(about["ticker"]))
    rows = [
        {
            "ticker": about["ticker"],
            "cik": one.context.cik,
            "measure": one.figure.measure,
            "tag": one.figure.tag,
            "period_start": one.context.start,
            "period_end": one.context.end,
            "value_usd": one.value,
            "filing_fiscal_year": reading.said("DocumentFiscalYearFocus"),
            "filing_fiscal_period": reading.said("DocumentFiscalPeriodFocus"),
            "form": about["form"],
            "accession": about["accession"],
            "known_on": date.fromisoformat(about["filed"]),
            "citation": document.url.removeprefix("https://"),
            "locator": one.locator,
            "grade": "A",
        }
        for one in found
    ]
    yield Batch(CORE["company_facts"], _framed(rows, about), reading.unreadable(), tuple(reading.notices))


def _framed(rows: list[dict[str, Any]], about: Mapping[str, str]) -> pl.DataFrame:
    table = CORE["company_facts"]
    text = {"filing_fiscal_year": pl.String}
    schema = {name: text.get(name, table.polars_schema[name]) for name in rows[0]} if rows else {}
    if not rows:
        return table.empty().drop("loaded_at", "source", "source_kind", "document_sha256", "fact_id")
    month = pl.lit(int(about["fiscal_year_end_month"]) if "fiscal_year_end_month" in about else None, dtype=pl.Int64)
    dated = pl.DataFrame(rows, schema=schema).with_columns(fiscal_year_end_month=month)
    return (
        dated.with_columns(
            fiscal_year=fiscal_year(),
            fiscal_quarter=fiscal_quarter(),
            filing_fiscal_year=pl.col("filing_fiscal_year").cast(pl.Int64, strict=False),
        )
        .with_columns(period_type=period_type())
        .drop("fiscal_year_end_month")
    )


class _Reading:
    """A filing's page, read once: its contexts, its units, and the figures that are asked for."""

    def __init__(self, document: Document) -> None:
        self.name, self.cik = document.name, int(document.url.split("/data/")[1].split("/")[0])
        self.notices: list[Reason] = []
        self._bad: list[dict[str, Any]] = []
        self._about, self._page = document.context, _tree(document)
        self._contexts = self._by_id("context")
        self._units = {name: _unit(element) for name, element in self._by_id("unit").items()}
        self._facts = list(self._page.iter("{*}nonFraction"))
        if not self._contexts or not self._facts:
            raise DocumentError(self.name, "the page has no inline XBRL figures; it is no filing, or was cut short.")
        self._of_the_company()

    def _by_id(self, tag: str) -> dict[str, Any]:
        """The elements of a tag by their id. Raises DocumentError where one id stands for two things."""
        found: dict[str, Any] = {}
        for element in self._page.iter(f"{{*}}{tag}"):
            named = element.get("id")
            if etree.tostring(found.setdefault(named, element), with_tail=False) != etree.tostring(
                element, with_tail=False
            ):
                raise DocumentError(
                    self.name, f"two different {tag}s have the id {named!r}; which of them counts cannot be known."
                )
        return found

    def _of_the_company(self) -> None:
        """Raises DocumentError where the filing is another company's."""
        ciks = {
            cik for text in self._page.xpath("//*[local-name()='identifier']/text()") if (cik := _cik(text)) is not None
        }
        if self.cik not in ciks:
            raise DocumentError(
                self.name, f"the filing is about CIK {', '.join(map(str, sorted(ciks)))}, and {self.cik} was asked for."
            )

    def said(self, tag: str) -> str | None:
        """What the cover page says under a tag of the SEC's (`dei`); None where it does not."""
        for element in self._page.iter("{*}nonNumeric"):
            if _named(element, element.get("name", "")) == f"dei:{tag}":
                return "".join(element.itertext()).strip() or None
        return None

    def figures(self, wanted: Iterable[Figure]) -> list[Found]:
        """The figures of the list, each once a period. One that is not there is noted, one that cannot be read is kept."""
        every: list[Found] = []
        for figure in wanted:
            elements = [one for one in self._facts if _named(one, one.get("name", "")) == figure.tag]
            found, others = [], set()
            for element in elements:
                context = self._context(element)
                if context is None:
                    continue
                if dict(context.dimensions) != _on(figure.dimensions, context.end):
                    others.add(_in_words(context.dimensions))
                elif (read := self._read(element, context, figure)) is not None:
                    found.append(read)
            if not found:
                self._missing(figure, sorted(others))
            every += self._once(found)
        return every

    def _missing(self, figure: Figure, others: list[str]) -> None:
        about = self._about
        self.notices.append(
            reason(
                "figure_not_in_filing",
                ticker=figure.ticker, form=about["form"], accession=about["accession"], tag=figure.tag,
                dimensions=_in_words(figure.dimensions), others=others, list=FILE,
            )
        )  # fmt: skip

    def _context(self, element: Any) -> Context | None:
        """The context of a figure; None where it cannot be read, which is kept."""
        named = element.get("contextRef", "")
        if (given := self._contexts.get(named)) is None:
            self._quarantine(element, reason("context_missing", context=named))
            return None
        texts = {_local(one): (one.text or "").strip() for one in given.iter() if isinstance(one.tag, str)}
        days = {name: _day(texts[name]) for name in ("instant", "startDate", "endDate") if name in texts}
        end = days.get("instant") or days.get("endDate")
        if end is None or None in days.values():
            self._quarantine(element, reason("context_without_days", context=named))
            return None
        dimensions = {}
        for member in given.iter("{*}explicitMember", "{*}typedMember"):
            typed = _local(member) == "typedMember"
            text = "".join(member.itertext()).strip()
            dimensions[_named(member, member.get("dimension", ""))] = text if typed else _named(member, text)
        if (cik := _cik(texts.get("identifier", ""))) is None:
            found = texts.get("identifier", "")
            self._quarantine(element, reason("context_without_company", context=named, found=found))
            return None
        return Context(days.get("startDate"), end, cik, dimensions)

    def _read(self, element: Any, context: Context, figure: Figure) -> Found | None:
        """A figure with its scale and sign; None where it is marked as none, or cannot be read, which is kept."""
        if element.get("{http://www.w3.org/2001/XMLSchema-instance}nil") in ("true", "1"):
            return None
        unit = self._units.get(element.get("unitRef", ""), "")
        if unit != CURRENCY:
            self._quarantine(element, reason("figure_in_other_unit", found=unit or element.get("unitRef", "")))
            return None
        value = _amount(element)
        if isinstance(value, Reason):
            self._quarantine(element, value)
            return None
        written = element.get("decimals", "INF")
        decimals = int(written) if re.fullmatch(r"-?[0-9]{1,3}", written) else None
        place = f"line {element.sourceline}, {figure.tag} in {element.get('contextRef')}"
        return Found(figure, context, value, decimals, f"{place}, {_in_words(context.dimensions)}")

    def _once(self, found: list[Found]) -> list[Found]:
        """Each period once, as precisely as it is given. Figures that no rounding explains are all quarantined."""
        kept_ones = []
        for period in dict.fromkeys((one.context.start, one.context.end) for one in found):
            same = [one for one in found if (one.context.start, one.context.end) == period]
            best = max(same, key=lambda one: 99 if one.decimals is None else one.decimals)
            if all(abs(one.value - best.value) <= _rounding(one) for one in same):
                kept_ones.append(best)
            else:
                values = [one.value for one in same]
                why = reason("figures_differ", tag=best.figure.tag, period_end=best.context.end, values=values)
                for one in same:
                    self._bad.append({"row": _as_row(one), "reasons": [why.as_json()], "locator": one.locator})
        return kept_ones

    def _quarantine(self, element: Any, why: Reason) -> None:
        row = {name: element.get(name) for name in ("name", "contextRef", "unitRef", "scale", "sign", "format")}
        row["text"] = "".join(element.itertext()).strip()
        place = f"line {element.sourceline}, {element.get('name')} in {element.get('contextRef')}"
        text = msgspec.json.encode(row).decode()
        self._bad.append({"row": text, "reasons": [why.as_json()], "locator": place})

    def unreadable(self) -> pl.DataFrame:
        return pl.DataFrame(self._bad, schema=UNREADABLE_SCHEMA)


def _tree(document: Document) -> Any:
    """The page as a tree. Raises DocumentError with the line where it is not well formed, or was cut short."""
    # huge_tree: a report of 15 MB has longer texts than the limit that guards against bombs; entities stay unresolved.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    try:
        return etree.fromstring(unpacking.unpacked(document.body, document.name), parser)
    except etree.XMLSyntaxError as error:
        raise DocumentError(document.name, f"{error.msg}; it is no filing, or was cut short.") from error


def _local(element: Any) -> str:
    return str(etree.QName(element).localname)


def _cik(text: str) -> int | None:
    """The number of a company; None where a text is none."""
    return int(text) if re.fullmatch(r"\s*[0-9]{1,10}\s*", text) else None


def _named(element: Any, written: str) -> str:
    """A name as the list writes it: with the usual prefix of a shared taxonomy, else with the filing's own."""
    prefix, _, local = written.strip().rpartition(":")
    found = STANDARD.match(element.nsmap.get(prefix or None) or "")
    return f"{found.group(1)}:{local}" if found else written.strip()


def _unit(element: Any) -> str:
    """The one measure of a unit, its prefix being the usual one; '' where it is a ratio of several."""
    measures = list(element.iter("{*}measure"))
    if len(measures) != 1:
        return ""
    prefix, _, local = (measures[0].text or "").strip().rpartition(":")
    usual = "iso4217" if measures[0].nsmap.get(prefix or None) == ISO_4217 else prefix
    return f"{usual}:{local}"


def _amount(element: Any) -> int | Reason:
    """A written number in whole dollars: its format, scale (a power of ten) and sign applied; else why there is none."""
    text = "".join("".join(element.itertext()).split())
    form = element.get("format", "").rpartition(":")[2].lower()
    if form in ZERO:
        return 0
    if form in POINT:
        plain = text.replace(",", "").replace("'", "") if form else text
    elif form in COMMA:
        plain = text.replace(".", "").replace("'", "").replace(",", ".")
    else:
        return reason("number_format_unknown", format=element.get("format", ""), found=text)
    scale = element.get("scale", "0")
    try:
        if not PLAIN.fullmatch(plain):
            raise ValueError
        value = Decimal(plain).scaleb(int(scale))
    except (InvalidOperation, ValueError):
        return reason("not_a_number", column="value", found=f"{text} (scale {scale})")
    if not value.is_finite() or value != value.to_integral_value() or abs(value) >= 2**63:
        return reason("not_a_whole_number", column="value", found=f"{text} (scale {scale})")
    return -int(value) if element.get("sign") == "-" else int(value)


def _on(dimensions: Mapping[str, str], end: date) -> dict[str, str]:
    """The dimensions of the list for a figure of a day."""
    after = (end + timedelta(days=1)).isoformat() if end < date.max else ""
    return {axis: after if member == THE_DAY_AFTER else member for axis, member in dimensions.items()}


def _in_words(dimensions: Mapping[str, str]) -> str:
    return ", ".join(f"{axis} = {member}" for axis, member in sorted(dimensions.items())) or "no dimension"


def _rounding(found: Found) -> Decimal:
    """How far a figure may be from the one that it was rounded from."""
    return Decimal(0) if found.decimals is None else Decimal(1).scaleb(-found.decimals) / 2


def _as_row(found: Found) -> str:
    row = {"tag": found.figure.tag, "period_end": found.context.end.isoformat(), "value_usd": found.value}
    return msgspec.json.encode(row).decode()


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


SOURCES = (
    Source(
        name="sec_inline_xbrl",
        kind="live",
        feed="capex",
        gives="figures that filings give only with dimensions: Microsoft's commercial backlog, Amazon's backlog",
        tables=("company_facts",),
        fetch=_fetch,
        parse=_parse,
        max_bytes=60_000_000,
        reads_by=fingerprint(),
        backfills=True,
        history_from=FIRST_INLINE_FILING,
        **ACCESS,
    ),
)
