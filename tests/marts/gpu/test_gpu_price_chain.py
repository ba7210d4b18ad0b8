"""The index moves with prices and not with who is listed; against links made by hand and statsmodels' dummies."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import with_provenance
from tests.examples import examples
from tests.marts.declared import failing
from tests.marts.gpu.cases import cpi
from warehouse.assumptions import load
from warehouse.marts import known
from warehouse.marts.gpu import gpu_price_chain, gpu_price_comparison
from warehouse.tables import CORE

AS_OF = date(2026, 11, 9)
H100 = {"gpu_model": "H100 SXM", "provider_class": "specialist", "pricing_kind": "on_demand"}


def prices(*rows: tuple[str, int, float], instance: str = "gpu", **more: Any) -> pl.DataFrame:
    """Listings (provider, month of 2026, USD per GPU-hour) on the tenth of the month."""
    usual = {"instance": instance, "gpu_count": 1, "region": "", **H100, "grade": "B"} | more
    named = [
        {**usual, "observation_id": f"{i}-{provider}-{month}-{instance}", "provider": provider, "usd_per_gpu_hour": usd,
         "observed_on": date(2026, month, 10), "known_on": date(2026, month, 10), "locator": f"line {i}"}
        for i, (provider, month, usd) in enumerate(rows)
    ]  # fmt: skip
    return with_provenance(CORE["gpu_prices"], pl.DataFrame(named))


def chips(*names: str) -> pl.DataFrame:
    rows = [
        {"gpu_model": name, "vendor": "v", "release_date": date(2022, 1, 1), "memory_gb": 80.0, "export_restricted": True,
         "bf16_dense_tflops": 500.0, "known_on": date(2022, 1, 1), "grade": "B"}
        for name in names
    ]  # fmt: skip
    return with_provenance(CORE["gpu_specs"], pl.DataFrame(rows))


def chain(listed: pl.DataFrame, *specs: str, consumer: pl.DataFrame | None = None) -> dict[int, dict[str, Any]]:
    frames = {
        "gpu_prices": listed,
        "gpu_specs": chips(*(specs or ("H100 SXM",))),
        "consumer_prices": cpi() if consumer is None else consumer,
    }
    found = gpu_price_chain.MART.run(frames, as_of=AS_OF, assumptions=load())
    assert set(failing(gpu_price_chain.TABLE, found).values()) <= {0}
    return {row["month"].month: row for row in found.to_dicts()}


def index(listed: pl.DataFrame) -> list[float | None]:
    return [row["matched_index"] for row in chain(listed).values()]


# ---- By hand -----------------------------------------------------------------------------------------------------------


def test_links_are_geometric_means_of_relatives():
    """A 2 to 1, B 4 to 4: the root of a half; then A 1 to 2 alone."""
    found = chain(prices(("A", 1, 2.0), ("B", 1, 4.0), ("A", 2, 1.0), ("B", 2, 4.0), ("A", 3, 2.0)))
    assert [found[m]["matched_index"] for m in (1, 2, 3)] == pytest.approx([100, 100 * 0.5**0.5, 100 * 2**0.5])
    assert [found[m]["change"] for m in (2, 3)] == pytest.approx([0.5**0.5 - 1, 1.0])
    assert (found[2]["n_matched_providers"], found[3]["n_matched_providers"]) == (2, 1)
    # The price of the month with the most providers (the later of two), moved by the index.
    assert found[2]["usd_per_gpu_hour"] == pytest.approx(2.0)
    assert found[1]["usd_per_gpu_hour"] == pytest.approx(8**0.5)
    assert found[1]["usd_per_pflop_hour"] == pytest.approx(2 * 8**0.5)


def test_a_late_copy_of_a_price_list_does_not_outvote_the_list():
    """Amazon halves its price on the tenth of February; a compiler's daily copy (grade C) still has the old one."""
    large = {"provider_class": "hyperscaler", "instance": "p5"}
    own = prices(("Amazon", 1, 12.0), ("Amazon", 2, 6.0), **large, grade="A")
    late = prices(*[("Amazon", 2, 12.0)] * 9, **large, grade="C")
    days = [date(2026, 2, 11 + day) for day in range(9)]
    late = late.with_columns(pl.Series("observed_on", days), pl.Series("known_on", days))
    found = chain(pl.concat([own, late]))
    assert (found[2]["change"], found[2]["usd_per_gpu_hour"]) == (pytest.approx(-0.5), pytest.approx(6.0))
    assert found[2]["grade"] == "B", "that of the chip's specification; the copy is not behind it"


def test_a_cheap_newcomer_is_not_a_fall():
    """Seven new cheap pools lowered a published median by a third (trap 11); here nothing moves, in either index."""
    listed = prices(
        ("A", 1, 4.0), ("B", 1, 4.0), *((who, 2, 4.0) for who in "AB"), *((f"new {i}", 2, 1.0) for i in range(7))
    )
    found = chain(listed)
    assert found[2]["matched_index"] == pytest.approx(100)
    assert found[2]["dummy_index"] == pytest.approx(100)
    assert (found[2]["n_providers"], found[2]["n_matched_providers"]) == (9, 2)


def test_a_leaver_is_not_a_rise():
    assert index(prices(("A", 1, 4.0), ("cheap", 1, 1.0), ("A", 2, 4.0))) == pytest.approx([100, 100])


def test_a_list_that_is_read_twice_a_year_still_counts():
    """B is seen in January and March: it halves, A stays; B's February is taken to have moved as A did."""
    found = chain(prices(("A", 1, 2.0), ("B", 1, 2.0), ("A", 2, 2.0), ("A", 3, 2.0), ("B", 3, 1.0)))
    assert [found[m]["matched_index"] for m in (1, 2, 3)] == pytest.approx([100, 100, 100 * 0.5**0.5])
    assert (found[3]["compared_from"], found[3]["months_bridged"]) == (date(2026, 1, 1), 2)


def test_a_month_with_nothing_in_common_breaks_the_chain():
    found = chain(prices(("A", 1, 2.0), ("B", 1, 2.0), ("stranger", 2, 9.0), ("A", 3, 4.0), ("B", 3, 4.0)))
    assert found[2]["matched_index"] is None
    assert found[2]["dummy_index"] is None
    assert "chain is broken" in found[2]["reason"]
    assert found[3]["matched_index"] == pytest.approx(200)
    assert found[3]["change"] == pytest.approx(1.0), "the change is since the last month of the chain"


def test_two_chains_become_one_when_something_ties_them():
    """A alone, then B alone, then both: B doubled since February, A since January; February is placed by B."""
    found = chain(prices(("A", 1, 2.0), ("B", 2, 3.0), ("A", 3, 4.0), ("B", 3, 6.0)))
    assert [found[m]["matched_index"] for m in (1, 2, 3)] == pytest.approx([100, 100, 200])


def test_the_larger_chain_is_shown():
    found = chain(prices(("A", 1, 2.0), ("A", 2, 2.0), ("B", 3, 3.0), ("B", 4, 6.0), ("C", 4, 1.0)))
    assert [found[m]["matched_index"] for m in (1, 2, 3, 4)] == [None, None, 100, pytest.approx(200)]


def test_large_clouds_listings_are_compared_with_themselves():
    """Another region or instance of the same cloud is another thing; of a specialist it is the same."""
    two = [("Cloud", 1, 7.0), ("Cloud", 2, 12.0)]
    for who, wanted in (("hyperscaler", [None, 100]), ("specialist", [100, pytest.approx(100 * 12 / 7)])):
        listed = pl.concat([prices(two[0], provider_class=who, instance="p5"),
                            prices(two[1], provider_class=who, instance="h100-sxm")])  # fmt: skip
        assert index(listed) == wanted
    listed = [prices((f"Cloud {i}", 1, 7.0), (f"Cloud {i}", 2, 7.0), provider_class="hyperscaler", region=f"r{i}")
              for i in range(2)]  # fmt: skip
    assert index(pl.concat(listed)) == pytest.approx([100, 100])


def test_each_provider_has_one_weight_however_many_listings():
    """Nine regions of one cloud halve, one listing of another stays: the root of a half."""
    many = [
        prices(("Cloud", 1, 2.0), ("Cloud", 2, 1.0), provider_class="hyperscaler", region=f"r{i}") for i in range(9)
    ]
    other = prices(("Other", 1, 5.0), ("Other", 2, 5.0), provider_class="hyperscaler")
    found = chain(pl.concat([*many, other]))
    assert found[2]["matched_index"] == pytest.approx(100 * 0.5**0.5)
    assert found[2]["dummy_index"] == pytest.approx(100 * 0.5**0.5)
    assert (found[2]["n_items"], found[2]["n_providers"]) == (10, 2)


def test_a_specialists_sizes_are_compared_with_themselves():
    """A node of eight at 3 USD per GPU is listed beside a single one at 4: nothing moved. Of one size the lowest counts."""
    single = prices(("A", 1, 4.0), ("A", 2, 4.0), instance="1x")
    assert index(pl.concat([single, prices(("A", 2, 3.0), instance="8x", gpu_count=8)])) == pytest.approx([100, 100])
    assert index(pl.concat([single, prices(("A", 2, 3.0), instance="1x cheaper")])) == pytest.approx([100, 75])


def test_the_real_index_is_the_chained_one_over_consumer_prices():
    """Rents stand still while prices rise by 2 % a month; a month without a figure is deflated by the one before."""
    listed = prices(*(("A", month, 2.0) for month in (1, 2, 3)))
    found = chain(listed, consumer=cpi({date(2026, 1, 1): 100.0, date(2026, 2, 1): 102.0}))
    assert [found[m]["matched_index"] for m in (1, 2, 3)] == pytest.approx([100, 100, 100])
    assert [found[m]["real_index"] for m in (1, 2, 3)] == pytest.approx([100, 100 / 1.02, 100 / 1.02])
    assert found[3]["cpi_month"] == date(2026, 2, 1)
    none = chain(listed, consumer=cpi({}))
    assert none[1]["real_index"] is None
    assert "no consumer price index" in none[1]["reason"]


def test_a_chip_without_a_form_factor_has_no_price_per_flop():
    found = chain(prices(("A", 1, 2.0), gpu_model="H100"), "H100 SXM")
    assert found[1]["usd_per_pflop_hour"] is None
    assert "dense BF16 peak" in found[1]["reason"]


@pytest.mark.parametrize("change", [{"grade": "D"}, {"provider_class": "index", "pricing_kind": "index"}])
def test_hearsay_and_published_indexes_are_not_in_it(change):
    assert chain(prices(("A", 1, 2.0), **change)) == {}


# ---- Properties ---------------------------------------------------------------------------------------------------------

panels = st.lists(
    st.tuples(st.sampled_from("ABCD"), st.integers(1, 6), st.floats(0.5, 9)),
    min_size=1, max_size=16, unique_by=lambda row: row[:2],
)  # fmt: skip


@settings(max_examples=examples(0.1))
@given(panels, st.floats(0.1, 10))
def test_it_does_not_matter_in_which_money_or_order(rows, rate):
    before = index(prices(*rows))
    after = index(prices(*((who, month, usd * rate) for who, month, usd in reversed(rows))))
    assert before == pytest.approx(after)


@settings(max_examples=examples(0.1))
@given(panels, st.floats(-0.3, 0.3))
def test_where_all_move_alike_both_indexes_tell_it(rows, growth):
    """Each provider at its own level, all moving by one path: composition makes no difference at all."""
    level = {"A": 1.0, "B": 2.0, "C": 4.0, "D": 8.0}
    listed = prices(*((who, month, level[who] * float(np.exp(growth * month))) for who, month, _ in rows))
    found = chain(listed)
    shown = [m for m in found if found[m]["matched_index"] is not None]
    for month in shown:
        wanted = 100 * np.exp(growth * (month - shown[0]))
        assert found[month]["matched_index"] == pytest.approx(wanted)
        assert found[month]["dummy_index"] == pytest.approx(wanted)


def test_dummies_are_statsmodels():
    """A panel with holes: the index is the exponential of the month dummies' differences, by ordinary least squares."""
    rng = np.random.default_rng(3)
    rows = [(who, month, float(rng.uniform(1, 5))) for who in "ABCDE" for month in range(1, 8) if rng.random() < 0.6]
    found = chain(prices(*rows))
    frame = pl.DataFrame(rows, schema=["who", "month", "usd"], orient="row")
    months = frame["month"].unique().sort().to_list()
    design = np.column_stack(
        [(frame["month"] == m).to_numpy() for m in months[1:]]
        + [(frame["who"] == w).to_numpy() for w in sorted(frame["who"].unique())]
    ).astype(float)
    fitted = sm.OLS(np.log(frame["usd"].to_numpy()), design).fit()
    assert found[months[0]]["dummy_index"] == pytest.approx(100)
    for i, month in enumerate(months[1:]):
        assert found[month]["dummy_index"] == pytest.approx(100 * np.exp(fitted.params[i])), month


# ---- The snapshot -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def snapshot(facts) -> pl.DataFrame:
    return gpu_price_chain.MART.run(known(facts, AS_OF), as_of=AS_OF, assumptions=load())


def level(snapshot: pl.DataFrame, month: date, **series: str) -> float:
    wanted = {**H100, **series, "month": month}
    return snapshot.filter(*(pl.col(n) == v for n, v in wanted.items()))["matched_index"].item()


def test_checks_hold_on_the_snapshot(snapshot):
    assert set(failing(gpu_price_chain.TABLE, snapshot).values()) <= {0}


def test_amazons_cut_is_seen_though_another_cloud_was_read_between(snapshot):
    """p5 fell from 98.32 to 55.04 USD between April and June 2025; Azure stayed: the root of 0.56."""
    cloud = {"provider_class": "hyperscaler"}
    before, after = (level(snapshot, date(2025, m, 1), **cloud) for m in (4, 6))
    assert after / before == pytest.approx((55.04 / 98.32) ** 0.5, rel=1e-4)


def test_specialists_h100_cost_more_in_late_2026_than_in_early_2025(snapshot):
    """Twelve matched providers list it a quarter or more above their own price of March 2025."""
    early_2025, late_2026 = (level(snapshot, day) for day in (date(2025, 3, 1), date(2026, 10, 1)))
    assert late_2026 > 1.2 * early_2025


def test_a_published_history_moves_as_the_chain_does(snapshot, facts):
    """The provider-weighted medians that another compiler publishes of July to October 2026 (CC-licensed, grade C)."""
    frames = {**known(facts, AS_OF), "gpu_price_chain": snapshot}
    found = gpu_price_comparison.MART.run(frames, as_of=AS_OF, assumptions=load())
    assert set(failing(gpu_price_comparison.TABLE, found).values()) <= {0}
    own = found.filter(pl.col("published_index").str.starts_with("compute-curve")).sort("to_month")
    assert own["to_month"].dt.month().to_list() == [8, 9, 10]
    # Medians of the readings of each month: 2.99; 2.99 and 3.17; 3.20 and 3.095; 3.17 and 3.245.
    medians = [2.99, 3.08, 3.1475, 3.2075]
    assert own["published_change_log_points"].to_list() == pytest.approx(list(np.diff(np.log(medians))))
    assert own["difference_log_points"].abs().max() < 0.1


def test_contracts_are_never_held_against_list_prices(facts):
    """One-year contracts have a chain of their own; without it they are compared with nothing."""
    listed = known(facts, AS_OF)["gpu_prices"].filter(
        (pl.col("provider_class") == "index") | (pl.col("pricing_kind") == "on_demand")
    )
    specs = known(facts, AS_OF)["gpu_specs"]
    frames = {"gpu_prices": listed, "gpu_specs": specs, "consumer_prices": cpi()}
    frames["gpu_price_chain"] = gpu_price_chain.MART.run(frames, as_of=AS_OF, assumptions=load())
    found = gpu_price_comparison.MART.run(frames, as_of=AS_OF, assumptions=load())
    contracts = found.filter(pl.col("pricing_kind") == "reserved_1y")
    assert contracts.height
    assert contracts["difference_log_points"].null_count() == contracts.height
    assert contracts["reason"].str.contains("no chained index of H100 SXM").all()
