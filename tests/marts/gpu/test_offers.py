"""Offers count once, at their lowest price; what is no offer is not there; each leads back to its listings."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import with_provenance
from tests.examples import examples
from tests.marts.declared import behind, failing
from warehouse.assumptions import load
from warehouse.marts import known
from warehouse.marts.gpu import offers
from warehouse.marts.gpu.listings import one_spelling
from warehouse.tables import CORE

AS_OF = date(2026, 11, 9)
DAY = date(2025, 1, 10)


def listings(*rows: dict) -> pl.DataFrame:
    """Rows of core.gpu_prices: a specialist's on-demand H100 SXM at 2 USD where a row does not say otherwise."""
    usual = {
        "observed_on": DAY, "provider": "One", "provider_class": "specialist", "instance": "8x",
        "gpu_model": "H100 SXM", "gpu_count": 8, "usd_per_gpu_hour": 2.0, "pricing_kind": "on_demand", "region": "",
        "known_on": DAY, "grade": "B",
    }  # fmt: skip
    named = [{"observation_id": f"GP{i}", "locator": f"line {i}", **usual, **row} for i, row in enumerate(rows)]
    frame = pl.DataFrame(named, schema_overrides={"gpu_count": pl.Int64, "usd_per_gpu_hour": pl.Float64})
    return with_provenance(CORE["gpu_prices"], frame)


def built(prices: pl.DataFrame) -> pl.DataFrame:
    return offers.MART.run({"gpu_prices": prices}, as_of=AS_OF, assumptions=load())


def test_sizes_of_node_and_regions_are_one_offer_at_the_lowest_price():
    rows = listings(
        {"gpu_count": 1, "instance": "1x", "usd_per_gpu_hour": 2.5},
        {"gpu_count": 2, "instance": "2x", "usd_per_gpu_hour": 2.2},
        {"gpu_count": 8, "instance": "8x", "usd_per_gpu_hour": 1.9},
        {"gpu_count": 8, "instance": "8x", "usd_per_gpu_hour": 2.1, "region": "EU"},
    )
    row = built(rows).to_dicts()
    assert [(r["usd_per_gpu_hour"], r["observation_id"], r["n_listed"]) for r in row] == [(1.9, "GP2", 4)]


def test_an_offer_listed_twice_counts_once():
    rows = listings({}, {"observation_id": "again"}, {"gpu_count": None}, {"gpu_count": None, "observation_id": "more"})
    found = built(rows)
    assert (found.height, found["n_listed"].item()) == (1, 4)


@pytest.mark.parametrize(
    "other",
    [
        {"provider": "Two"},
        {"gpu_model": "H100 PCIe"},
        {"provider_class": "marketplace"},
        {"pricing_kind": "spot"},
        {"observed_on": date(2025, 1, 11)},
    ],
)
def test_another_provider_chip_class_kind_or_day_is_another_offer(other):
    """Also under one name of an instance: AWS lists "spot pools" and Lambda "8x" for several chips."""
    assert built(listings({}, other)).height == 2


@pytest.mark.parametrize(
    "row",
    [
        {"provider_class": "index", "pricing_kind": "index"},
        {"provider_class": "index", "pricing_kind": "on_demand"},
        {"provider_class": "index", "pricing_kind": "reserved_1y"},
        {"provider_class": "assumption", "pricing_kind": "assumed"},
        {"grade": "D"},
    ],
)
def test_an_index_an_assumed_price_and_hearsay_are_no_offers(row):
    assert built(listings(row)).is_empty()
    # Not even where they lie below an offer of the same name and day.
    assert built(listings({}, {**row, "usd_per_gpu_hour": 0.5}))["usd_per_gpu_hour"].to_list() == [2.0]


def test_a_better_grade_beats_a_lower_price_of_the_same_thing_and_a_correction_its_earlier_self():
    better = built(listings({"grade": "C", "usd_per_gpu_hour": 1.0}, {"grade": "B"})).row(0, named=True)
    assert (better["usd_per_gpu_hour"], better["grade"]) == (2.0, "B")
    later = date(2025, 2, 1)
    corrected = built(listings({"usd_per_gpu_hour": 1.0}, {"usd_per_gpu_hour": 3.0, "known_on": later})).row(
        0, named=True
    )
    assert (corrected["usd_per_gpu_hour"], corrected["known_on"]) == (3.0, later)


def test_a_worse_listing_does_not_undercut_a_better_one():
    row = built(
        listings({"grade": "A", "usd_per_gpu_hour": 1.5}, {"grade": "C", "usd_per_gpu_hour": 0.9, "gpu_count": 1})
    )
    assert row.select("usd_per_gpu_hour", "grade", "n_listed").rows() == [(1.5, "A", 1)]


def test_two_spellings_are_one_provider():
    rows = listings({"provider": "voltagepark"}, {"provider": "Voltage Park", "usd_per_gpu_hour": 1.9})
    found = built(rows)
    assert found.select("provider", "usd_per_gpu_hour").rows() == [("Voltage Park", 1.9)]


@pytest.fixture(scope="module")
def snapshot(facts) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Prices of the snapshot and their offers."""
    prices = known(facts, AS_OF)["gpu_prices"]
    return prices, built(prices)


def test_known_offers_of_the_snapshot(snapshot):
    """GP0200 to GP0202: Latitude.sh lists 8, 4 and 1 H100 at 4.03, 4.40 and 4.40; Lambda lists seven on 2026-10-05."""
    _, found = snapshot
    mine = found.filter(pl.col("gpu_model") == "H100 SXM")
    latitude = mine.filter((pl.col("provider") == "Latitude.sh") & (pl.col("observed_on") == date(2023, 6, 22)))
    assert latitude.select("usd_per_gpu_hour", "observation_id", "n_listed").rows() == [(4.03, "GP0200", 3)]
    lambda_labs = mine.filter((pl.col("provider") == "Lambda Labs") & (pl.col("observed_on") == date(2026, 10, 5)))
    assert lambda_labs.select("usd_per_gpu_hour", "n_listed").rows() == [(3.99, 7)]


def test_snapshot_has_every_admissible_listing_once_and_no_index(snapshot):
    prices, found = snapshot
    admissible = prices.filter(~pl.col("provider_class").is_in(["index", "assumption"]) & (pl.col("grade") != "D"))
    worse = 1  # one listing of the snapshot stands beside one of a better grade
    assert found["n_listed"].sum() == admissible.height - worse
    assert found.height == admissible.select(offers.OFFER).unique().height
    assert found.filter(pl.col("provider").str.contains("Index|report")).is_empty()


def test_trace_gives_the_listings_behind_every_offer(snapshot):
    prices, found = snapshot
    pairs = behind(offers.MART.traces[0], found, prices)
    again = pairs.group_by([f"m_{name}" for name in offers.OFFER]).agg(
        low=pl.col("usd_per_gpu_hour").min(),
        rows=pl.len(),
        grade=pl.col("grade").max(),
        has_its_own=(pl.col("observation_id") == pl.col("m_observation_id")).any(),
        said=pl.col("m_usd_per_gpu_hour").first(),
        n_listed=pl.col("m_n_listed").first(),
        m_grade=pl.col("m_grade").first(),
    )
    assert again.height == found.height
    assert again.filter(
        (pl.col("low") != pl.col("said"))
        | (pl.col("rows") != pl.col("n_listed"))
        | (pl.col("grade") != pl.col("m_grade"))
        | ~pl.col("has_its_own")
    ).is_empty()


def test_checks_find_nothing_in_the_snapshot_and_what_they_are_for(snapshot):
    prices, found = snapshot
    core = [("gpu_prices", prices)]
    assert failing(offers.TABLE, found, core) == {}
    bad = pl.concat(
        [found, found.head(1).with_columns(provider=pl.col("provider").str.to_uppercase(), usd_per_gpu_hour=0.01)]
    )
    assert failing(offers.TABLE, bad, core) == {"one_spelling_a_provider": 1, "prices_of_facts": 1}


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "provider": st.sampled_from(["One", "one", "Two"]),
            "gpu_count": st.sampled_from([None, 1, 8]),
            "usd_per_gpu_hour": st.floats(0.05, 40.0),
            "grade": st.sampled_from(["A", "B", "C", "D"]),
            "provider_class": st.sampled_from(["specialist", "hyperscaler", "index"]),
            "known_on": st.sampled_from([DAY, date(2025, 3, 1)]),
        }
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=examples(0.4))
@given(rows=ROWS, seed=st.integers(0, 1000))
def test_any_order_of_the_rows_gives_the_same_offers(rows, seed):
    prices = listings(*rows)
    found = built(prices)
    assert found.equals(built(prices.sample(fraction=1.0, shuffle=True, seed=seed)))
    assert found.select(offers.OFFER).is_duplicated().sum() == 0
    assert found["usd_per_gpu_hour"].is_in(prices["usd_per_gpu_hour"].implode()).all()
    offered = one_spelling(prices.filter((pl.col("grade") != "D") & (pl.col("provider_class") != "index")))
    best = offered.filter(pl.col("grade") == pl.col("grade").min().over(offers.OFFER))
    assert found["n_listed"].sum() == best.height


# ---- Administered prices -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("readings", "marked"),
    [
        ([(0, 8, 2.0), (364, 8, 2.0)], False),
        ([(0, 8, 2.0), (365, 8, 2.0)], True),
        ([(0, 8, 2.0), (200, 8, 2.0), (365, 8, 2.1)], False),
        ([(0, 8, 2.0), (100, 8, 1.9), (470, 8, 1.9)], True),
        # One size stands for a year while another moved: no administered price.
        ([(0, 8, 2.0), (200, 1, 2.5), (365, 8, 2.0), (365, 1, 2.6)], False),
        # Another size read on another day is no move.
        ([(0, 8, 2.0), (200, 1, 2.5), (365, 8, 2.0)], True),
    ],
)
def test_a_price_that_stands_for_a_year_is_marked(readings, marked):
    days = [
        {"observed_on": DAY + timedelta(days=day), "known_on": DAY + timedelta(days=day), "gpu_count": size,
         "instance": f"{size}x", "usd_per_gpu_hour": usd}
        for day, size, usd in readings
    ]  # fmt: skip
    found = built(listings(*days)).sort("observed_on")
    assert found["is_administered"].to_list()[-1] is marked
    assert not found["is_administered"][0]
