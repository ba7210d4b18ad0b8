"""The index on prices with known quartiles: one vote a provider and month, and nothing mixed that does not belong."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.built import build
from tests.conftest import with_provenance
from tests.examples import examples
from tests.marts.declared import behind, failing
from tests.marts.gpu.cases import cpi
from tests.marts.made_up import mart_frame
from warehouse.assumptions import load
from warehouse.marts.gpu import gpu_price_index
from warehouse.tables import CORE

AS_OF = date(2026, 11, 9)
FIRST = date(2025, 3, 1)
QUARTILES = ["p25_usd_per_gpu_hour", "median_usd_per_gpu_hour", "p75_usd_per_gpu_hour"]


def offers(*rows: tuple[str, int, float], chip="H100 SXM", who="specialist", kind="on_demand") -> pl.DataFrame:
    """Offers (provider, days after 2025-03-01, USD per GPU-hour)."""
    return mart_frame(
        "offers",
        [
            {"provider": provider, "observed_on": FIRST + timedelta(days=day), "usd_per_gpu_hour": price,
             "gpu_model": chip, "provider_class": who, "pricing_kind": kind, "observation_id": f"{provider}{day}",
             "n_listed": 1, "is_administered": False, "known_on": FIRST + timedelta(days=day), "grade": "B"}
            for provider, day, price in rows
        ],
    )  # fmt: skip


def chips(**tflops: float) -> pl.DataFrame:
    """Specifications of chips, `H100_SXM=989.4`."""
    rows = [
        {"gpu_model": name.replace("_", " "), "vendor": "v", "release_date": date(2022, 1, 1), "memory_gb": 80.0,
         "bf16_dense_tflops": peak, "export_restricted": False, "known_on": date(2022, 1, 1), "grade": "C"}
        for name, peak in tflops.items()
    ]  # fmt: skip
    return with_provenance(CORE["gpu_specs"], pl.DataFrame(rows)) if rows else CORE["gpu_specs"].empty()


def index(offered: pl.DataFrame, specs: pl.DataFrame | None = None, prices: pl.DataFrame | None = None) -> list[dict]:
    frames = {
        "offers": offered,
        "gpu_specs": chips() if specs is None else specs,
        "consumer_prices": cpi() if prices is None else prices,
    }
    return gpu_price_index.MART.run(frames, as_of=AS_OF, assumptions=load()).to_dicts()


def three(*rows: tuple[str, int, float], **series: str) -> pl.DataFrame:
    """The offers, and two more of each day around the price, so that the median is that of a market."""
    around = [(f"{who}{name}", day, usd * factor) for who, day, usd in rows for name, factor in (("-", 0.5), ("+", 2))]
    return offers(*rows, *around, **series)


def test_a_provider_read_every_day_does_not_outweigh_one_read_once():
    """Thirty readings at 1 USD are one vote, so the median of 1, 2 and 3 is 2; over readings it would be 1."""
    daily = [("daily", day, 1.0) for day in range(30)]
    (row,) = index(offers(*daily, ("two", 4, 2.0), ("three", 9, 3.0)))
    assert (row["n_offers"], row["n_providers"], row["median_usd_per_gpu_hour"]) == (32, 3, 2.0)


def test_a_providers_value_of_the_month_is_the_median_of_its_offers():
    others = [("two", 0, 1.5), ("three", 0, 1.5)]
    (row,) = index(offers(("one", 0, 1.0), ("one", 10, 1.5), ("one", 20, 9.0), *others))
    assert [row[name] for name in QUARTILES] == [1.5, 1.5, 1.5]
    assert (row["n_offers"], row["n_providers"]) == (5, 3)


@pytest.mark.parametrize(("providers", "is_market"), [(1, False), (2, False), (3, True)])
def test_a_cell_under_three_providers_has_no_median_but_a_reason(providers, is_market):
    """The offers stay visible: how many there were and of how many providers."""
    (row,) = index(offers(*((f"p{i}", day, 2.0) for i in range(providers) for day in (0, 5))), chips(H100_SXM=989.4))
    assert (row["n_offers"], row["n_providers"]) == (2 * providers, providers)
    figures = [*QUARTILES, "median_usd_per_pflop_hour", "median_real_usd_per_gpu_hour"]
    assert [row[name] is not None for name in figures] == [is_market] * 5
    assert (f"{providers} of the 3 providers" in (row["reason"] or "")) is not is_market


def test_real_medians_are_in_dollars_of_the_last_month_known():
    """3 USD in March 2025 at an index of 100 are 3.30 USD of December, where it is 110; April's, never published, is March's."""
    prices = cpi({FIRST: 100.0, date(2025, 5, 1): 104.0, date(2025, 12, 1): 110.0})
    found = {
        row["month"].month: row for row in index(three(("a", 0, 3.0), ("a", 31, 3.0), ("a", 61, 3.0)), prices=prices)
    }
    for month, real, deflated_by in ((3, 3.3, 3), (4, 3.3, 3), (5, 3 * 110 / 104, 5)):
        assert found[month]["median_usd_per_gpu_hour"] == 3.0
        assert found[month]["median_real_usd_per_gpu_hour"] == pytest.approx(real)
        assert (found[month]["cpi_month"].month, found[month]["dollars_of"]) == (deflated_by, date(2025, 12, 1))
    (row,) = index(three(("a", 0, 3.0)), prices=cpi({date(2024, 11, 1): 100.0}))
    assert row["median_real_usd_per_gpu_hour"] is None, "a price index four months old says nothing of March"
    assert "no consumer price index" in row["reason"]
    (row,) = index(three(("a", 0, 3.0)), prices=cpi({}))
    assert (row["median_usd_per_gpu_hour"], row["median_real_usd_per_gpu_hour"]) == (3.0, None)


def test_administered_prices_are_counted():
    offered = offers(("a", 0, 2.0), ("b", 0, 3.0), ("c", 0, 4.0)).with_columns(
        is_administered=pl.col("provider") == "b"
    )
    (row,) = index(offered)
    assert (row["n_providers"], row["n_administered"]) == (3, 1)


def test_quartiles_interpolate_linearly():
    """Of 1, 2, 3, 4 the quartiles of type 7 are 1.75, 2.5 and 3.25; numpy's default is the same."""
    (row,) = index(offers(("a", 0, 4.0), ("b", 0, 1.0), ("c", 0, 3.0), ("d", 0, 2.0)))
    assert [row[name] for name in QUARTILES] == pytest.approx([1.75, 2.5, 3.25])
    assert [row[name] for name in QUARTILES] == pytest.approx(np.quantile([1, 2, 3, 4], [0.25, 0.5, 0.75]))


def test_months_chips_classes_and_kinds_never_mix():
    rows = [("a", 0, 2.0)]
    offered = pl.concat(
        [
            three(*rows), three(("a", 30, 3.0)), three(("a", 31, 4.0)), three(*rows, chip="H100 PCIe"),
            three(("a", 0, 9.0), who="hyperscaler"), three(("a", 0, 1.0), kind="spot"),
        ]
    )  # fmt: skip
    found = index(offered)
    march = [r for r in found if r["month"] == FIRST]
    assert len(found) == 5  # 2025-03-31 is March's, 2025-04-01 is not
    assert {r["median_usd_per_gpu_hour"] for r in march if r["gpu_model"] == "H100 SXM"} == {2.5, 9.0, 1.0}
    assert [r["median_usd_per_gpu_hour"] for r in found if r["month"] == date(2025, 4, 1)] == [4.0]


def test_price_of_a_peak():
    """989.4 TFLOP/s at 1.9788 USD an hour: 2 USD per PFLOP/s and hour. The weaker grade, of the chip, counts."""
    (row,) = index(three(("a", 0, 1.9788)), chips(H100_SXM=989.4))
    assert row["median_usd_per_pflop_hour"] == pytest.approx(2.0)
    assert (row["grade"], row["reason"]) == ("C", None)


def test_a_chip_without_form_factor_has_no_peak_and_none_is_guessed():
    (row,) = index(three(("a", 0, 2.0), chip="H100"), chips(H100_SXM=989.4, H100_PCIe=756.0))
    assert row["median_usd_per_pflop_hour"] is None
    assert "H100 is not known" in row["reason"]
    assert row["grade"] == "B"


def test_no_offers_no_rows():
    assert index(offers()) == []


@pytest.fixture(scope="module")
def snapshot(facts, assumptions) -> dict[str, pl.DataFrame]:
    return {**facts, **build(facts, as_of=AS_OF, assumptions=assumptions, only={"gpu_price_index"})}


def test_known_month_of_the_snapshot(snapshot):
    """September 2025, H100 SXM, specialists: six price pages, each its provider's value the median of its readings."""
    row = snapshot["gpu_price_index"].row(
        by_predicate=(pl.col("month") == date(2025, 9, 1))
        & (pl.col("gpu_model") == "H100 SXM")
        & (pl.col("provider_class") == "specialist")
        & (pl.col("pricing_kind") == "on_demand"),
        named=True,
    )
    listed = snapshot["offers"].filter(
        (pl.col("observed_on").dt.truncate("1mo") == date(2025, 9, 1)) & (pl.col("gpu_model") == "H100 SXM")
        & (pl.col("provider_class") == "specialist") & (pl.col("pricing_kind") == "on_demand")
    )  # fmt: skip
    values = [np.median(prices) for _, prices in listed.group_by("provider").agg("usd_per_gpu_hour").iter_rows()]
    assert (row["n_offers"], row["n_providers"]) == (listed.height, len(values)) == (8, 6)
    assert [row[name] for name in QUARTILES] == pytest.approx(list(np.quantile(values, [0.25, 0.5, 0.75])))
    assert row["median_usd_per_pflop_hour"] == pytest.approx(row["median_usd_per_gpu_hour"] / 0.9894)


def test_no_median_of_the_snapshot_rests_on_one_or_two_providers(snapshot):
    found = snapshot["gpu_price_index"]
    assert found.filter((pl.col("n_providers") < 3) & pl.col("median_usd_per_gpu_hour").is_not_null()).is_empty()
    assert found.filter(pl.col("median_usd_per_gpu_hour").is_null() & pl.col("reason").is_null()).is_empty()


def test_checks_find_nothing_in_the_snapshot(snapshot):
    assert failing(gpu_price_index.TABLE, snapshot["gpu_price_index"]) == {}


def test_rows_behind_the_trace_give_the_figures_again(snapshot):
    found = snapshot["gpu_price_index"]
    to_offers, _, to_specs = gpu_price_index.MART.traces
    key = [f"m_{name}" for name in gpu_price_index.TABLE.key]
    pairs = behind(to_offers, found, snapshot["offers"])
    again = (
        pairs.group_by([*key, "provider"])
        .agg(pl.col("usd_per_gpu_hour").median(), n=pl.len(), said=pl.col("m_median_usd_per_gpu_hour").first(),
             n_offers=pl.col("m_n_offers").first())
        .group_by(key)
        .agg(pl.col("usd_per_gpu_hour").median(), pl.col("n").sum(), pl.col("said", "n_offers").first())
    )  # fmt: skip
    assert again.height == found.height
    assert again.filter(
        ((pl.col("usd_per_gpu_hour") - pl.col("said")).abs() > 1e-12) | (pl.col("n") != pl.col("n_offers"))
    ).is_empty()
    peaks = behind(to_specs, found, snapshot["gpu_specs"]).drop_nulls("m_median_usd_per_gpu_hour")
    assert peaks.height == found["median_usd_per_pflop_hour"].count()
    ratio = peaks["m_median_usd_per_gpu_hour"] / peaks["bf16_dense_tflops"] * 1000
    assert (ratio - peaks["m_median_usd_per_pflop_hour"]).abs().max() < 1e-12


ROWS = st.lists(
    st.tuples(st.sampled_from("abcdefg"), st.integers(0, 60), st.floats(0.02, 40.0)),
    min_size=1,
    max_size=25,
    unique_by=lambda row: row[:2],
)


@settings(max_examples=examples(0.4))
@given(rows=ROWS, seed=st.integers(0, 1000))
def test_quartiles_stay_in_order_and_inside_whatever_the_order_of_the_rows(rows, seed):
    offered = offers(*rows)
    found = index(offered)
    assert found == index(offered.sample(fraction=1.0, shuffle=True, seed=seed))
    assert sum(row["n_offers"] for row in found) == len(rows)
    prices = [price for *_, price in rows]
    for row in found:
        assert row["n_providers"] <= row["n_offers"]
        if row["n_providers"] < 3:
            assert [row[name] for name in QUARTILES] == [None] * 3
            continue
        low, middle, high = (row[name] for name in QUARTILES)
        assert min(prices) <= low <= middle <= high <= max(prices)
