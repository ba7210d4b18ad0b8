"""Filings of a company X made up for the tests of its quarters, in millions of dollars."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import polars as pl

from tests.conftest import AS_OF, with_provenance
from warehouse.assumptions import load
from warehouse.calendars.fiscal import fiscal_quarter, fiscal_year, period_type
from warehouse.marts import known
from warehouse.marts.capex import capex_quarterly
from warehouse.tables import CORE

CAPEX = "purchases_of_property_and_equipment"
OLD, NEW = "us-gaap:PaymentsToAcquirePropertyPlantAndEquipment", "us-gaap:PaymentsToAcquireProductiveAssets"
MILLION = 1_000_000
Fact = dict[str, Any]


def made(rows: Iterable[Fact], month: int | None = 12, panel: bool = True) -> dict[str, pl.DataFrame]:
    """Frames of core: `rows` as facts of the company X, whose fiscal year ends in `month`; values are in millions."""
    usual: Fact = {"ticker": "X", "measure": CAPEX, "tag": OLD, "form": "10-Q", "accession": "", "grade": "A"}
    frame = pl.DataFrame([usual | row for row in rows], infer_schema_length=None).with_columns(
        value_usd=(pl.col("value_usd") * MILLION).cast(pl.Int64),
        accession=pl.coalesce(pl.col("accession").replace("", None), pl.format("filed {}", "known_on")),
        fiscal_year_end_month=pl.lit(month, dtype=pl.Int64),
    )
    facts = frame.with_columns(fiscal_year=fiscal_year(), fiscal_quarter=fiscal_quarter()).with_columns(
        period_type=period_type()
    )
    company = {"ticker": "X", "company": "Ex", "role": "buyer", "fiscal_year_end_month": month}
    companies = pl.DataFrame([company] if panel else [], schema_overrides={"fiscal_year_end_month": pl.Int64})
    return {
        "company_facts": with_provenance(CORE["company_facts"], facts.drop("fiscal_year_end_month")),
        "companies": with_provenance(CORE["companies"], companies) if panel else CORE["companies"].empty(),
    }


def fact(start: date, end: date, value: float, known_on: date, **more: Any) -> Fact:
    return {"period_start": start, "period_end": end, "value_usd": value, "known_on": known_on, **more}


def built(frames: dict[str, pl.DataFrame], as_of: date = AS_OF) -> pl.DataFrame:
    return capex_quarterly.MART.run(known(frames, as_of), as_of=as_of, assumptions=load())


def row_of(frame: pl.DataFrame, end: date, ticker: str = "X") -> dict:
    return frame.row(by_predicate=(pl.col("ticker") == ticker) & (pl.col("period_end") == end), named=True)


def capex_by_end(frame: pl.DataFrame, column: str = "capex_usd") -> dict[date, float | None]:
    return {end: None if usd is None else usd / MILLION for end, usd in frame.select("period_end", column).iter_rows()}


def month_end(year: int, month: int) -> date:
    over = year * 12 + month - 1
    year, month = over // 12, over % 12 + 1
    return date(year, month, monthrange(year, month)[1])


def ends_of(month: int, year: int, weeks: bool = False) -> list[date]:
    """The day before a fiscal year that ends in `month` of `year`, and its four quarters' last days."""
    ends = [month_end(year, month - 12 + 3 * n) for n in range(5)]
    # A year of weeks ends each quarter on the last Sunday of the month.
    return [end - timedelta(days=(end.weekday() + 1) % 7) for end in ends] if weeks else ends


def to_date(ends: list[date], values: list[float], **more: Any) -> list[Fact]:
    """Year-to-date figures of a fiscal year, each filed a month after its end, the year two months after."""
    return [
        fact(
            ends[0] + timedelta(days=1), ends[n], sum(values[:n]), ends[n] + timedelta(days=30 + 30 * (n == 4)), **more
        )
        for n in range(1, 5)
    ]


def again(rows: list[Fact], **more: Any) -> list[Fact]:
    """The same figures as comparatives, a year later, under that year's labels."""
    return [
        row
        | {"known_on": row["known_on"] + timedelta(days=365), "filing_fiscal_year": row["period_end"].year + 1}
        | more
        for row in rows
    ]
