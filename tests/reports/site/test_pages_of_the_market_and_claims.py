"""What the pages of the market's day, of the verdict over time and of the claims make of their rows."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from warehouse.database.connection import in_memory
from warehouse.reports.lineage import Traced
from warehouse.reports.site.blocks import Figure
from warehouse.reports.site.forms import speak
from warehouse.reports.site.market_charts import NO_MODEL, with_interval
from warehouse.reports.site.page import Reader
from warehouse.reports.site.pages import claims, market, over_time

DAY = date(2025, 1, 27)


@pytest.fixture
def holding():
    """Gives a reader of a database that holds some rows by the name of their table, and nothing else."""

    def held(**tables: list[dict]) -> Reader:
        connection = in_memory()
        connection.execute("CREATE SCHEMA marts")
        for name, rows in tables.items():
            connection.register("given", pl.DataFrame(rows, infer_schema_length=None).to_arrow())
            connection.execute(f"CREATE TABLE {'' if name == 'companies' else 'marts.'}{name} AS SELECT * FROM given")
        return Reader(connection)

    return held


def study(ticker: str, actual: float | None, abnormal: float | None, **more) -> dict:
    row = {
        "event_date": DAY, "session": DAY, "event": "the day", "ticker": ticker, "role": "supplier", "benchmark": "SPY",
        "model": "market_model", "return_kind": "simple", "window_start": 0, "window_end": 0, "n_firms": 1,
        "actual_return": actual, "abnormal_return": abnormal, "standard_error": 0.02 if abnormal else None,
        "degrees_of_freedom": 248, "n_estimation": 250 if abnormal else 241, "p_value": None, "grade": "A", "reason": None,
        "abnormal_return_low": abnormal and abnormal - 0.04, "abnormal_return_high": abnormal and abnormal + 0.04,
    }  # fmt: skip
    return row | more


def test_a_firm_without_a_market_model_stands_in_its_own_band_and_leads_where_it_fell_most(holding):
    rows = [
        study("NVDA", -0.17, -0.134),
        study("LATE", -0.294, None, reason="241 of 250 estimation returns of LATE; no share count of LATE"),
        study("GONE", None, None, reason="0 of 250 estimation returns of GONE"),
        study("SPY", -0.014, 0.0, role="benchmark"),
    ]
    reader = holding(
        event_study=rows,
        companies=[{"ticker": "NVDA", "company": "NVIDIA"}],
        assumptions=[{"key": "main_event", "value": '"2025-01-27"'}, {"key": "benchmarks", "value": '["SPY"]'}],
    )
    found = market.by_firm(reader, market.main_event(reader)).numbers.rows
    assert found["ticker"].to_list() == ["LATE", "NVDA", "GONE"]
    assert found["band"].to_list() == [NO_MODEL, "Chips and equipment", NO_MODEL]
    assert found["why"].to_list() == [
        "241 of 250 estimation returns of LATE",
        None,
        "0 of 250 estimation returns of GONE",
    ]


def test_an_interval_is_the_one_that_the_mart_gives():
    rows = pl.DataFrame({"abnormal_return": [-0.10], "abnormal_return_low": [-0.14], "abnormal_return_high": [-0.06]})
    found = with_interval(rows)
    assert found.select("low", "high").row(0) == (-0.14, -0.06)


def test_a_stretch_lasts_until_the_next_verdict():
    days = [date(2025, month, 1) for month in (1, 2, 3, 4)]
    rows = pl.DataFrame(
        {"as_of": days, "question": ["Q2"] * 4, "asks": ["Is spending redundant?"] * 4,
         "verdict": ["cannot_tell", "cannot_tell", "not_shown_wasteful", "cannot_tell"]}
    )  # fmt: skip
    found = over_time.spells(rows)
    assert found["starts"].to_list() == [days[0], days[2], days[3]]
    assert found["ends"].to_list()[:2] == [days[2], days[3]]
    assert found["tone"].to_list() == ["open", "good", "open"]


def test_behind_a_turn_stand_the_facts_that_became_public_since_the_day_before_stated_ones_first():
    def fact(table: str, known_on: date, fact_id: str) -> tuple[tuple[str, int], dict]:
        return (table, int(fact_id)), {"known_on": known_on, "fact_id": fact_id}

    rows = dict(
        [
            fact("core.stock_prices", date(2025, 1, 28), "1"),
            fact("core.evidence", date(2025, 1, 28), "2"),
            fact("core.evidence", date(2025, 1, 27), "3"),
            fact("core.evidence", date(2025, 1, 29), "4"),
        ]
    )
    found = over_time.new_facts(Traced([], 0, rows=rows), date(2025, 1, 27), date(2025, 1, 28))
    assert [row["fact_id"] for _, row in found] == ["2", "1"]


def claim(**values) -> dict:
    row = dict.fromkeys(("value_claimed", "value_found", "value_low", "value_high", "found_text", "unit", "quantity"))
    return row | {"claim_id": "SC01"} | values


def spoken(spans, row) -> str:
    """Spans as they read, each figure with the row's value."""
    return "".join(speak(row[span.column], span.form) if isinstance(span, Figure) else span for span in spans).replace(
        "\u00a0", " "
    )


@pytest.mark.parametrize(
    ("row", "claimed", "found"),
    [
        (claim(unit="USD", value_claimed="-600000000000", value_found=-592.658e9), "−$600 billion", "−$593 billion"),
        (claim(unit="fraction", quantity="return", value_claimed="-0.17", value_found=-0.1697), "−17 %", "−17 %"),
        (claim(unit="fraction", quantity="share_of_names_down", value_claimed="1", value_found=0.8), "100 %", "80 %"),
        (claim(unit="category", value_claimed="open source", found_text="H800 SXM", value_found=0.7565), "open source", "H800 SXM"),
        (claim(unit="boolean", value_claimed="1"), "", ""),
        (claim(unit="months", value_claimed="12", value_found=2.0, value_low=1.5, value_high=3.0),
         "12 months", "2 months (from 1.5 to 3)"),
    ],
)  # fmt: skip
def test_what_is_claimed_and_found_is_spoken_in_its_unit(row, claimed, found):
    assert spoken(claims.claimed(row), row) == claimed
    assert spoken(claims.found(row), row) == found


def test_every_claim_has_one_subject():
    quantities = [quantity for each in claims.SUBJECTS.values() for quantity in each]
    assert len(quantities) == len(set(quantities))
    assert claims.subject_of(claim(quantity="return")) == claims.SHARES
    assert claims.subject_of(claim(quantity="a quantity of next year")) == claims.WHO
