"""The regression across firms: by statsmodels, as portfolios, and on days when nothing happened."""

from __future__ import annotations

from datetime import date

import duckdb
import numpy as np
import polars as pl
import pytest
import scipy.stats
import statsmodels.api as sm

from tests.built import build
from tests.conftest import AS_OF, with_provenance
from tests.marts.declared import warehouse_of
from tests.marts.market.cases import around, one, without
from warehouse.assumptions import load
from warehouse.marts import known
from warehouse.marts.market.event_cross_section import MART
from warehouse.tables import CORE

EVENT = date(2025, 1, 27)
DAY, TWO_DAYS = ({"event_date": EVENT, "window_start": 0, "window_end": end} for end in (0, 1))


@pytest.fixture(scope="module")
def built(facts, assumptions) -> dict[str, pl.DataFrame]:
    return build(facts, as_of=AS_OF, assumptions=assumptions, only=["event_cross_section"])


@pytest.fixture(scope="module")
def published(built) -> pl.DataFrame:
    return built["event_cross_section"]


def run(facts, as_of: date = AS_OF, **changes) -> pl.DataFrame:
    assumed = load().replaced({"events": {"value": {"2025-01-27": "fall"}}, **changes})
    return build(facts, as_of=as_of, assumptions=assumed, only=["event_cross_section"])["event_cross_section"]


def design(facts, published, days: int) -> tuple[pl.DataFrame, np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Firms, their traits, their residuals and abnormal returns of the event days, by statsmodels alone."""
    firms = one(published, **DAY, specification="exposure", variable="supplier")["firms"]
    roles = dict(facts["companies"].select("ticker", "role").iter_rows())
    market = around(facts, ["SPY"], EVENT, -260, days - 1)[:, 0]
    chips = around(facts, ["SMH"], EVENT, -260, -11)[:, 0]
    rows, residuals, abnormal = [], [], []
    for firm in firms:
        own = around(facts, [firm], EVENT, -260, days - 1)[:, 0]
        fitted = sm.OLS(own[:250], sm.add_constant(market[:250])).fit()
        residuals.append(fitted.resid)
        abnormal.append((own[260:] - fitted.predict(sm.add_constant(market[260:], has_constant="add"))).sum())
        beta = sm.OLS(own[:250], sm.add_constant(chips)).fit().params[1]
        rows.append((firm, roles[firm], beta, np.std(own[:250], ddof=1)))
    traits = pl.DataFrame(rows, schema=["firm", "role", "chip_beta", "volatility"], orient="row")
    names = ["adopter", "buyer", "neocloud", "power", "supplier"]
    dummies = [(traits["role"] == name).cast(pl.Float64).to_numpy() for name in names]
    z = [((traits[n] - traits[n].mean()) / traits[n].std()).to_numpy() for n in ("chip_beta", "volatility")]
    x = np.column_stack([*dummies, *z])
    return traits, x, np.array(residuals).T, np.array(abnormal), [*names, "chip_beta", "volatility"]


@pytest.mark.parametrize("days", [1, 2])
def test_coefficients_and_naive_errors_are_those_of_statsmodels(published, facts, days):
    _, x, _, abnormal, names = design(facts, published, days)
    fitted = sm.OLS(abnormal, x).fit()
    key = DAY if days == 1 else TWO_DAYS
    for i, name in enumerate(names):
        row = one(published, **key, specification="exposure", variable=name)
        assert row["coefficient"] == pytest.approx(fitted.params[i], abs=1e-10)
        assert row["ols_standard_error"] == pytest.approx(fitted.bse[i], rel=1e-8)
        assert row["ols_p_value"] == pytest.approx(fitted.pvalues[i], rel=1e-6)
        assert row["n_firms"] == len(abnormal) == 40
    contrast = np.zeros(len(names))
    contrast[names.index("supplier")], contrast[names.index("buyer")] = 1, -1
    tested = fitted.t_test(contrast)
    row = one(published, **key, specification="exposure", variable="supplier_less_buyer")
    assert row["coefficient"] == pytest.approx(float(np.squeeze(tested.effect)), abs=1e-10)
    assert row["ols_standard_error"] == pytest.approx(float(np.squeeze(tested.sd)), rel=1e-8)


def test_the_standard_error_is_that_of_the_daily_coefficients(published, facts):
    """Sefcik and Thompson: the same regression on every estimation day; its coefficients' covariance is the error's.

    The prediction error of day 0 widens their standard deviation by 1 + 1/n + (Rm - mean)^2 / Sxx.
    """
    _, x, residuals, _, names = design(facts, published, 1)
    daily = np.array([sm.OLS(day, x).fit().params for day in residuals])
    market = around(facts, ["SPY"], EVENT, -260, 0)[:, 0]
    centred = market[:250] - market[:250].mean()
    factor = 1 + 1 / 250 + (market[-1] - market[:250].mean()) ** 2 / (centred**2).sum()
    for i, name in enumerate(names):
        row = one(published, **DAY, specification="exposure", variable=name)
        error = (daily[:, i] ** 2).sum() / 248 * factor
        assert row["standard_error"] == pytest.approx(error**0.5, rel=1e-8), name
        assert row["p_value"] == pytest.approx(2 * scipy.stats.t.sf(abs(row["t_stat"]), 248), rel=1e-8)
        beyond = (np.abs(daily[:, i]) >= abs(row["coefficient"])).mean()
        assert row["share_of_quiet_days_beyond"] == pytest.approx(beyond)


def test_a_role_without_exposures_is_its_portfolio(built, published):
    """The dummy of a role alone is the equal-weight mean, so its figures are those of `portfolio:ROLE`."""
    for role in ("supplier", "buyer", "power", "neocloud", "adopter"):
        for end in (0, 1):
            portfolio = one(
                built["event_study"], event_date=EVENT, ticker=f"portfolio:{role}", benchmark="SPY",
                model="market_model", return_kind="simple", window_start=0, window_end=end,
            )  # fmt: skip
            key = DAY if end == 0 else TWO_DAYS
            row = one(published, **key, specification="roles", variable=role)
            assert row["coefficient"] == pytest.approx(portfolio["abnormal_return"], abs=1e-12)
            assert row["standard_error"] == pytest.approx(portfolio["standard_error"], rel=1e-9)
            assert row["p_value"] == pytest.approx(portfolio["p_value"], rel=1e-7)


def test_on_quiet_days_only_the_portfolio_error_keeps_its_promise(published, facts):
    """Of 250 quiet days, each tested at 5 %: the naive error calls a role's coefficient an effect far too often."""
    _, x, residuals, _, names = design(facts, published, 1)
    fits = [sm.OLS(day, x).fit() for day in residuals]
    naive = np.mean([fitted.pvalues[names.index("supplier")] < 0.05 for fitted in fits])
    daily = np.array([fitted.params[names.index("supplier")] for fitted in fits])
    spread = ((daily**2).sum() / 248) ** 0.5
    valid = np.mean(2 * scipy.stats.t.sf(np.abs(daily / spread), 248) < 0.05)
    assert naive > 0.15
    assert 0.02 <= valid <= 0.09


def test_size_enters_where_share_counts_are_known(facts, published):
    row = one(published, **DAY, specification="size", variable="log_value")
    assert (row["coefficient"], row["n_firms"]) == (None, 3)
    assert row["reason"].startswith("3 firms have every figure, which is too few for 6 coefficients; 11 or more")
    firms = [t for t, role in facts["companies"].select("ticker", "role").iter_rows() if role != "benchmark"]
    counts = pl.DataFrame(
        {"ticker": firms, "shares": [10**9 * (i + 1) for i in range(len(firms))]}
    ).with_columns(measured_on=pl.lit(date(2024, 11, 1)), known_on=pl.lit(date(2024, 11, 2)))  # fmt: skip
    found = run({**facts, "shares_outstanding": with_provenance(CORE["shares_outstanding"], counts)})
    row = one(found, **DAY, specification="size", variable="log_value")
    assert row["n_firms"] == 40
    assert row["p_value"] is not None
    # The other coefficients are those of a regression with one more column.
    _, x, _, abnormal, names = design(facts, published, 1)
    shares = dict(counts.select("ticker", "shares").iter_rows())
    # Closes are on the basis of the snapshot's last day, so splits up to then and none after it multiply the counts.
    last = facts["stock_prices"]["date"].max()
    splits = {row["ticker"]: row["value"] for row in facts["corporate_actions"].filter(
        pl.col("kind") == "split", pl.col("date").is_between(date(2024, 11, 2), last)).to_dicts()}  # fmt: skip
    eve = dict(facts["stock_prices"].filter(date=date(2025, 1, 24)).select("ticker", "close").iter_rows())
    values = np.log([eve[t] * shares[t] * splits.get(t, 1) for t in row["firms"]])
    z = (values - values.mean()) / values.std(ddof=1)
    fitted = sm.OLS(abnormal, np.column_stack([x, z])).fit()
    assert row["coefficient"] == pytest.approx(fitted.params[-1], abs=1e-10)
    assert names[0] == "adopter"


@pytest.mark.parametrize("days", [1, 2])
def test_turnover_stands_for_size_where_share_counts_are_missing(published, facts, days):
    """The regression with the log of the mean of close times volume over the estimation window, by statsmodels."""
    _, x, _, abnormal, _ = design(facts, published, days)
    row = one(published, **(DAY if days == 1 else TWO_DAYS), specification="turnover", variable="log_turnover")
    bars = facts["stock_prices"].sort("ticker", "date").with_columns(usd=pl.col("close") * pl.col("volume"))
    traded = []
    for firm in row["firms"]:
        own = bars.filter(pl.col("ticker") == firm)
        at = own["date"].to_list().index(EVENT)
        traded.append(own["usd"].to_numpy()[at - 260 : at - 10].mean())
    z = np.log(traded)
    fitted = sm.OLS(abnormal, np.column_stack([x, (z - z.mean()) / z.std(ddof=1)])).fit()
    assert row["n_firms"] == 40
    assert row["coefficient"] == pytest.approx(fitted.params[-1], abs=1e-10)
    assert row["ols_standard_error"] == pytest.approx(fitted.bse[-1], rel=1e-8)
    # What the module says of the buyers: all above the average, four of five by about a standard deviation.
    size = dict(zip(row["firms"], (z - z.mean()) / z.std(ddof=1), strict=True))
    buyers = sorted(size[firm] for firm in ("AMZN", "GOOGL", "META", "MSFT", "ORCL"))
    assert 0 < buyers[0] < 0.9 < buyers[1]


def test_a_firm_that_is_not_traded_has_no_turnover(facts):
    """Volume of zero throughout: left out of that regression alone, and no logarithm of zero travels."""
    quiet = facts["stock_prices"].with_columns(
        volume=pl.when(pl.col("ticker") == "AMD").then(0).otherwise(pl.col("volume"))
    )
    found = run({**facts, "stock_prices": quiet})
    assert one(found, **DAY, specification="turnover", variable="buyer")["n_firms"] == 39
    assert one(found, **DAY, specification="exposure", variable="buyer")["n_firms"] == 40
    assert not any(found[name].is_nan().any() for name in found.select(pl.col(pl.Float64)).columns)


# ---- What is missing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ticker": "SPY", "date": date(2024, 6, 12)}, "SPY lacks a return in the estimation window"),
        ({"ticker": "SMH", "date": date(2024, 6, 12)}, "SMH lacks a return in the estimation window"),
    ],
)
def test_a_missing_day_of_a_benchmark_is_said(facts, change, reason):
    found = run(without(facts, **change))
    row = one(found, **DAY, specification="exposure", variable="supplier")
    assert row["coefficient"] is None
    assert reason in row["reason"]
    roles = one(found, **DAY, specification="roles", variable="supplier")
    assert (roles["coefficient"] is None) == (change["ticker"] == "SPY")


def test_a_firm_with_a_missing_day_is_left_out(facts):
    row = one(run(without(facts, ticker="AMD", date=date(2024, 6, 12))), **DAY, specification="roles", variable="buyer")
    assert row["n_firms"] == 39
    assert "AMD" not in row["firms"]


def test_a_benchmark_that_is_a_firm_is_not_among_the_firms(facts):
    row = one(run(facts, benchmarks=["AMD"]), **DAY, specification="roles", variable="supplier")
    assert (row["n_firms"], "AMD" in row["firms"]) == (39, False)


def test_windows_that_are_not_over_events_on_holidays_and_days_before_the_first_fact(facts):
    early = run(facts, as_of=EVENT)
    assert one(early, **DAY, specification="roles", variable="supplier")["coefficient"] is not None
    late = one(early, **TWO_DAYS, specification="roles", variable="supplier")
    assert late["reason"] == "the window ends on 2025-01-28 and prices are known through 2025-01-27"
    holiday = run(facts, events={"2025-01-20": "holiday", "2027-02-01": "later"})
    row = one(holiday, **DAY | {"event_date": date(2025, 1, 20)}, specification="roles", variable="supplier")
    assert row["reason"] == "2025-01-20 has no session, so the event moves to the next one, 2025-01-21"
    row = holiday.filter(event_date=date(2027, 2, 1)).to_dicts()[0]
    assert row["reason"] == "the calendar has no session on or after 2027-02-01"
    before = run(facts, as_of=date(2020, 1, 2))
    assert before.height > 0
    assert before["coefficient"].null_count() == before.height
    assert before["reason"].null_count() == 0


def test_nothing_known_is_no_row(assumptions):
    frames = known({}, AS_OF)
    empty = build({}, as_of=AS_OF, assumptions=assumptions, only=["event_cross_section"])
    assert empty["event_cross_section"].is_empty()
    assert frames["companies"].is_empty()


# ---- Declared rules and traces ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def warehouse(built, facts) -> duckdb.DuckDBPyConnection:
    marts = {f"marts.{name}": frame for name, frame in built.items()}
    return warehouse_of(marts | {f"core.{n}": facts[n] for n in ("stock_prices", "companies")})


@pytest.mark.parametrize("check", MART.table.checks, ids=lambda check: check.name)
def test_the_declared_rules_hold_on_the_snapshot(warehouse, check):
    assert warehouse.execute(check.unexpected.format(table="marts.event_cross_section")).fetchall() == []


@pytest.mark.parametrize(("specification", "tickers"), [("roles", 41), ("exposure", 42)])
def test_a_row_leads_back_to_its_prices(warehouse, published, specification, tickers):
    """262 closes of each of 40 firms and SPY, and of SMH where its beta is an exposure."""
    condition = next(trace.condition for trace in MART.traces if trace.table == "core.stock_prices")
    found = warehouse.execute(
        f"SELECT count(*) FROM marts.event_cross_section m JOIN core.stock_prices t ON {condition} "
        f"WHERE m.event_date = DATE '2025-01-27' and m.window_end = 0 and m.specification = '{specification}' "
        "and m.variable = 'supplier'"
    ).fetchone()
    assert found == (tickers * 262,)
    assert not published.select(MART.table.key).is_duplicated().any()
    assert not any(published[name].is_nan().any() for name in published.select(pl.col(pl.Float64)).columns)
