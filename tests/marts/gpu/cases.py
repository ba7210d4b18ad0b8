"""Consumer prices made up for the tests of rents."""

from __future__ import annotations

from datetime import date

import polars as pl

from tests.conftest import with_provenance
from warehouse.tables import CORE


def cpi(index: dict[date, float] | None = None) -> pl.DataFrame:
    """Consumer prices by month; by default 100 in every month from 2018 to 2027, so that real is nominal."""
    months = [date(year, month, 1) for year in range(2018, 2028) for month in range(1, 13)]
    given = dict.fromkeys(months, 100.0) if index is None else index
    rows = [
        {"month": month, "series": "CPI-U NSA", "index_value": value, "known_on": month.replace(day=28), "grade": "A"}
        for month, value in given.items()
    ]
    return with_provenance(CORE["consumer_prices"], pl.DataFrame(rows)) if rows else CORE["consumer_prices"].empty()
